// SPDX-License-Identifier: MIT
#include "vkgrid/formats/tensors.h"

#include "formats/elements.h"
#include "vkgrid/base/hash.h"
#include "vkgrid/base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void tensors_free(struct tensors *tensors)
{
    for (int i = 0; i < tensors->count; i++)
        free(tensors->items[i].values);
    free(tensors->items);
    *tensors = (struct tensors){0};
}

struct named_tensor *tensors_find(const struct tensors *tensors, const char *name)
{
    for (int i = 0; i < tensors->count; i++)
        if (strcmp(tensors->items[i].name, name) == 0)
            return &tensors->items[i];
    return NULL;
}

struct named_tensor *tensors_add(struct tensors *tensors, const char *name, enum tensor_type type,
                                 int rank, const int64_t *dims)
{
    struct named_tensor tensor = {.type = type, .rank = rank};
    const size_t length = strlen(name);
    const bool counted = element_count(rank, dims, &tensor.count);
    assert(length < sizeof(tensor.name) && counted && rank >= 0 && rank <= 8);
    (void)counted;
    memcpy(tensor.name, name, length);
    if (rank > 0)
        memcpy(tensor.dims, dims, (size_t)rank * sizeof(dims[0]));
    tensor.values = mem_zalloc(tensor.count, type == TENSOR_INT ? sizeof(int64_t) : sizeof(float));
    const int count = tensors->count;
    tensors->items = mem_reserve(tensors->items, &tensors->room, (size_t)count + 1, sizeof(tensor));
    tensors->items[tensors->count++] = tensor;
    return &tensors->items[count];
}

uint64_t tensors_hash(const struct tensors *tensors)
{
    uint64_t hash = 0;
    for (int i = 0; i < tensors->count; i++) {
        const struct named_tensor *tensor = &tensors->items[i];
        const size_t size = tensor->type == TENSOR_INT ? sizeof(int64_t) : sizeof(float);
        hash = hash_text(tensor->name, hash);
        hash = hash_bytes(tensor->dims, (size_t)tensor->rank * sizeof(*tensor->dims), hash);
        hash = hash_bytes(tensor->values, tensor->count * size, hash);
    }
    return hash;
}
