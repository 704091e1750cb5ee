// SPDX-License-Identifier: MIT
// Files of named tensors: safetensors and those of PyTorch's torch.save. The readers treat the file
// as hostile: every size is checked against the file's before anything is allocated, nothing in it
// is executed.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tensor_type {
    TENSOR_FLOAT, // values is float[count]; float16, bfloat16 and float64 are converted on reading
    TENSOR_INT,   // values is int64_t[count]; every integer type and bool are converted on reading
};

struct named_tensor {
    char name[128];
    enum tensor_type type;
    int rank;
    int64_t dims[8];
    size_t count; // product of dims; 1 when rank is 0
    void *values;
};

struct tensors {
    struct named_tensor *items;
    int count;
    size_t room;
};

void tensors_free(struct tensors *tensors); // leaves an empty list
// The tensor of that name, or NULL.
struct named_tensor *tensors_find(const struct tensors *tensors, const char *name);
// Appends a tensor with zeroed values.
struct named_tensor *tensors_add(struct tensors *tensors, const char *name, enum tensor_type type,
                                 int rank, const int64_t *dims);

// Of names, types, shapes and values, in order (hash.h).
uint64_t tensors_hash(const struct tensors *tensors);

// Format: huggingface/safetensors: u64 header length, JSON header, raw little-endian data.
bool safetensors_read(const char *path, struct tensors *tensors);
// float as F32, int as I64, in the order given; written atomically. metadata: pairs of key and
// value, NULL-terminated, or NULL.
bool safetensors_write(const char *path, const struct tensors *tensors,
                       const char *const *metadata);

// The text under a key of a safetensors file's __metadata__, without reading the tensors; NULL
// without a message when the file has none or is no safetensors file. Fails when it cannot be read.
// The caller frees it.
bool safetensors_metadata(const char *path, const char *key, char **value);

// Whether the file begins as a safetensors file does, whatever its name is; false without a message
// when it cannot be read.
bool safetensors_is(const char *path);

// A file of torch.save (the zip format, or the one before PyTorch 1.6): one tensor (one entry with
// an empty name) or a dict of tensors, as state_dict() gives (an entry each). A pickle that wants
// anything else is refused with the name of what it wants.
bool torch_read(const char *path, struct tensors *tensors);

// The state dict of a file of torch.save. Of a checkpoint, a dict that holds more than tensors, it
// is what stands under "state_dict", "model_state_dict", "model", ... Everything else is left out:
// *note says so ("taken from "state_dict"; left out: epoch, optimizer"), or becomes NULL. The
// caller frees it.
bool torch_read_state(const char *path, struct tensors *tensors, char **note);

// What torch.save(OrderedDict) writes, byte for byte the same for the same tensors: a zip file with
// protocol 2, storages at multiples of 64 bytes; torch.load(weights_only=True) takes it. float as
// FloatStorage, int as LongStorage, in the order given; written atomically. Refuses 4 GiB and more.
bool torch_write(const char *path, const struct tensors *tensors);
