// SPDX-License-Identifier: MIT
// What torch.save writes of an OrderedDict of tensors. Source: torch/serialization.py (_save) and
// the opcode table in CPython's Lib/pickletools.py. Nothing is remembered in the pickle (no memo):
// it is longer than Python's and reads the same.
#include "vkgrid/formats/tensors.h"

#include "formats/zip_write.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOLDER "archive/" // torch.save names it after the file; nobody asks for its name
#define ALIGNMENT 64      // of storages, as PyTorch has it
#define COUNT_LIMIT 16384 // tensors, as the reader has it

struct pickle_text {
    uint8_t *bytes;
    size_t size, room;
};

static void add(struct pickle_text *pickle, const void *bytes, size_t size)
{
    pickle->bytes = mem_reserve(pickle->bytes, &pickle->room, pickle->size + size, 1);
    memcpy(pickle->bytes + pickle->size, bytes, size);
    pickle->size += size;
}

// Opcodes without zeros among them.
static void add_codes(struct pickle_text *pickle, const char *codes)
{
    add(pickle, codes, strlen(codes));
}

static void add_text(struct pickle_text *pickle, const char *text)
{
    const uint32_t size = (uint32_t)strlen(text);
    add_codes(pickle, "X");
    add(pickle, &size, 4);
    add(pickle, text, size);
}

static void add_int(struct pickle_text *pickle, size_t number)
{
    const int32_t value = (int32_t)number; // below ELEMENT_LIMIT
    add_codes(pickle, "J");
    add(pickle, &value, 4);
}

static size_t value_size(const struct named_tensor *tensor)
{
    return tensor->type == TENSOR_INT ? sizeof(int64_t) : sizeof(float);
}

// (dims), (strides)
static void add_shape(struct pickle_text *pickle, const struct named_tensor *tensor)
{
    size_t strides[8], stride = 1;
    for (int i = tensor->rank - 1; i >= 0; i--) {
        strides[i] = stride;
        stride *= tensor->dims[i] > 0 ? (size_t)tensor->dims[i] : 1;
    }
    add_codes(pickle, "(");
    for (int i = 0; i < tensor->rank; i++)
        add_int(pickle, (size_t)tensor->dims[i]);
    add_codes(pickle, "t(");
    for (int i = 0; i < tensor->rank; i++)
        add_int(pickle, strides[i]);
    add_codes(pickle, "t");
}

// _rebuild_tensor_v2(storage, offset, dims, strides, requires_grad, backward_hooks)
static void add_tensor(struct pickle_text *pickle, const struct named_tensor *tensor, int storage)
{
    char key[12];
    snprintf(key, sizeof(key), "%d", storage);
    add_text(pickle, tensor->name);
    add_codes(pickle, "ctorch._utils\n_rebuild_tensor_v2\n((");
    add_text(pickle, "storage");
    add_codes(pickle,
              tensor->type == TENSOR_INT ? "ctorch\nLongStorage\n" : "ctorch\nFloatStorage\n");
    add_text(pickle, key);
    add_text(pickle, "cpu");
    add_int(pickle, tensor->count);
    add_codes(pickle, "tQ");
    add_int(pickle, 0);
    add_shape(pickle, tensor);
    add_codes(pickle,
              "\x89"
              "ccollections\nOrderedDict\n)RtR");
}

static void make_pickle(struct pickle_text *pickle, const struct tensors *tensors)
{
    add_codes(pickle,
              "\x80\x02"
              "ccollections\nOrderedDict\n)R(");
    for (int i = 0; i < tensors->count; i++)
        add_tensor(pickle, &tensors->items[i], i);
    add_codes(pickle, "u.");
}

bool torch_write(const char *path, const struct tensors *tensors)
{
    struct pickle_text pickle = {0};
    char(*names)[32];
    if (tensors->count > COUNT_LIMIT)
        return error_set("%s: %d tensors: at most %d are written", path, tensors->count,
                         COUNT_LIMIT);
    const size_t count = (size_t)tensors->count + 3;
    struct zip_part *parts = mem_alloc(count * sizeof(*parts));
    names = mem_alloc(((size_t)tensors->count + 1) * sizeof(*names));
    make_pickle(&pickle, tensors);
    parts[0] = (struct zip_part){FOLDER "data.pkl", pickle.bytes, pickle.size};
    parts[1] = (struct zip_part){FOLDER "byteorder", "little", 6};
    for (int i = 0; i < tensors->count; i++) {
        const struct named_tensor *tensor = &tensors->items[i];
        snprintf(names[i], sizeof(names[i]), FOLDER "data/%d", i);
        parts[i + 2] =
            (struct zip_part){names[i], tensor->values, tensor->count * value_size(tensor)};
    }
    parts[count - 1] = (struct zip_part){FOLDER "version", "3\n", 2};
    const bool written = zip_write(path, parts, count, ALIGNMENT);
    free(names);
    free(parts);
    free(pickle.bytes);
    return written;
}
