// SPDX-License-Identifier: MIT
// What files of torch.save have in common, the zip format and the one before it: a pickle that
// describes tensors as views of storages. Source: torch/_utils.py.
#pragma once

#include "formats/elements.h"
#include "formats/pickle.h"
#include "vkgrid/formats/tensors.h"

#define TORCH_LIMIT 16384 // tensors of a dict, storages of a file
// Views of one storage, with strides of 0 among them, take many times its memory: so many elements,
// and so many for each byte of the file.
#define TORCH_VIEWS ((size_t)1 << 20)
#define TORCH_VIEWS_OF_BYTE 64

struct torch_file {
    struct pickle pickle;
    const void *storages;
    // The bytes of the storage of that key, or NULL without a message.
    const uint8_t *(*find)(const void *storages, const char *key, size_t *size);
    size_t elements, most; // of all tensors read so far, and that a file of its size may have
};

// For pickle_parse(): tensors and what stands beside them in checkpoints.
bool torch_allows(const char *global);

// The element type of a storage's class ("torch.FloatStorage"); false for any other text.
bool torch_storage_type(const char *global, enum element *element);

// A plain dict, or an OrderedDict made empty and then filled; else NULL.
const struct pickle_node *torch_dict(const struct pickle *pickle, uint32_t index);
// Whether it is made as a tensor or a parameter is. It may still be none that can be read.
bool torch_is_tensor(const struct pickle *pickle, uint32_t index);

// The parts of a persistent id ("storage", torch.<Type>Storage, key, device, elements[, view]), or
// NULL. The device does not matter; a view of another storage is not read.
const uint32_t *torch_storage_id(const struct pickle *pickle, uint32_t index);

// Appends the tensor.
bool torch_tensor(struct torch_file *file, uint32_t index, const char *name,
                  struct tensors *tensors);

// A file of PyTorch before 1.6: five pickles, then the storages. Reads all but the tensors;
// `storages` becomes what file->storages points to and torch_legacy_close() frees.
bool torch_legacy_is(const uint8_t *bytes, size_t size);
bool torch_legacy_open(const uint8_t *bytes, size_t size, struct torch_file *file);
void torch_legacy_close(struct torch_file *file);
