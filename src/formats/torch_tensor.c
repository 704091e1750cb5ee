// SPDX-License-Identifier: MIT
#include "formats/torch_tensor.h"

#include "formats/bytes.h"
#include "vkgrid/base/error.h"

#include <string.h>

struct storage {
    enum element element;
    const uint8_t *bytes;
    size_t count; // elements
};

static const struct {
    const char *global;
    enum element element;
} storages[] = {
    {"torch.DoubleStorage", ELEMENT_F64}, {"torch.FloatStorage", ELEMENT_F32},
    {"torch.HalfStorage", ELEMENT_F16},   {"torch.BFloat16Storage", ELEMENT_BF16},
    {"torch.LongStorage", ELEMENT_I64},   {"torch.IntStorage", ELEMENT_I32},
    {"torch.ShortStorage", ELEMENT_I16},  {"torch.CharStorage", ELEMENT_I8},
    {"torch.ByteStorage", ELEMENT_U8},    {"torch.BoolStorage", ELEMENT_BOOL},
};

#define REBUILD_TENSOR "torch._utils._rebuild_tensor_v2"
#define REBUILD_OLD "torch._utils._rebuild_tensor" // PyTorch 0.3 and before
#define REBUILD_PARAMETER "torch._utils._rebuild_parameter"
#define ORDERED_DICT "collections.OrderedDict"

bool torch_storage_type(const char *global, enum element *element)
{
    for (size_t i = 0; i < sizeof(storages) / sizeof(storages[0]); i++)
        if (strcmp(storages[i].global, global) == 0) {
            *element = storages[i].element;
            return true;
        }
    return false;
}

// What may be named beside tensors: the values of checkpoints. They stay what they are, parts of a
// tree that nobody looks at.
static const char *const beside[] = {
    "argparse.Namespace",
    "collections.Counter",
    "collections.defaultdict",
    "__builtin__.dict",
    "__builtin__.list",
    "__builtin__.set",
    "builtins.dict",
    "builtins.list",
    "builtins.set",
    "torch.Size",
    "torch.device",
    "numpy.core.multiarray.scalar",
    "numpy._core.multiarray.scalar",
    "numpy.dtype",
    "_codecs.encode",
};

bool torch_allows(const char *global)
{
    static const char *const made[] = {REBUILD_TENSOR, REBUILD_OLD, REBUILD_PARAMETER,
                                       ORDERED_DICT};
    enum element element;
    for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++)
        if (strcmp(global, made[i]) == 0)
            return true;
    for (size_t i = 0; i < sizeof(beside) / sizeof(beside[0]); i++)
        if (strcmp(global, beside[i]) == 0)
            return true;
    return torch_storage_type(global, &element);
}

// The items of a tuple that has `least` to `most` of them, or NULL.
static const uint32_t *tuple_items(const struct pickle *pickle, uint32_t index, uint32_t least,
                                   uint32_t most)
{
    const struct pickle_node *node = &pickle->nodes[index];
    return node->kind == PICKLE_TUPLE && node->count >= least && node->count <= most ? node->items
                                                                                     : NULL;
}

static const struct pickle_node *as_call(const struct pickle *pickle, uint32_t index,
                                         const char *callee)
{
    const struct pickle_node *node = &pickle->nodes[index];
    return node->kind == PICKLE_CALL && strcmp(pickle->nodes[node->callee].text, callee) == 0
               ? node
               : NULL;
}

const struct pickle_node *torch_dict(const struct pickle *pickle, uint32_t index)
{
    const struct pickle_node *node = &pickle->nodes[index],
                             *ordered = as_call(pickle, index, ORDERED_DICT);
    if (node->kind == PICKLE_DICT)
        return node;
    return ordered && pickle->nodes[ordered->arguments].count == 0 ? ordered : NULL;
}

bool torch_is_tensor(const struct pickle *pickle, uint32_t index)
{
    return as_call(pickle, index, REBUILD_TENSOR) || as_call(pickle, index, REBUILD_OLD) ||
           as_call(pickle, index, REBUILD_PARAMETER);
}

static bool as_number(const struct pickle *pickle, uint32_t index, int64_t *number)
{
    *number = pickle->nodes[index].number;
    return pickle->nodes[index].kind == PICKLE_INT && *number >= 0;
}

const uint32_t *torch_storage_id(const struct pickle *pickle, uint32_t index)
{
    const struct pickle_node *nodes = pickle->nodes;
    enum element element;
    if (nodes[index].kind != PICKLE_PERSISTENT)
        return NULL;
    const uint32_t *id = tuple_items(pickle, nodes[index].arguments, 5, 6);
    const bool view =
        id && nodes[nodes[index].arguments].count == 6 && nodes[id[5]].kind != PICKLE_NONE;
    return id && !view && nodes[id[0]].kind == PICKLE_TEXT &&
                   strcmp(nodes[id[0]].text, "storage") == 0 &&
                   nodes[id[1]].kind == PICKLE_GLOBAL &&
                   torch_storage_type(nodes[id[1]].text, &element) &&
                   nodes[id[2]].kind == PICKLE_TEXT
               ? id
               : NULL;
}

static bool read_storage(const struct torch_file *file, uint32_t index, struct storage *storage)
{
    const struct pickle_node *nodes = file->pickle.nodes;
    const uint32_t *id = torch_storage_id(&file->pickle, index);
    size_t bytes;
    int64_t count;
    if (!id || !as_number(&file->pickle, id[4], &count))
        return error_set("its storage is not described as torch.save does");
    const char *key = nodes[id[2]].text;
    if (strlen(key) > 100)
        return error_set("its storage has a key of more than 100 bytes");
    torch_storage_type(nodes[id[1]].text, &storage->element);
    storage->bytes = file->find(file->storages, key, &bytes);
    if (!storage->bytes)
        return error_set("its storage data/%s is missing", key);
    const size_t size = element_size(storage->element);
    if (bytes % size != 0 || bytes / size != (uint64_t)count)
        return error_set("its storage has %zu bytes, not %lld elements of %zu", bytes,
                         (long long)count, size);
    storage->count = (size_t)count;
    return true;
}

struct view {
    int rank;
    int64_t offset, dims[8], strides[8]; // in elements
    size_t count;
};

// Every index of the view lies in the storage.
static bool check_view(const struct view *view, size_t storage_count)
{
    int64_t last = view->offset;
    for (int i = 0; i < view->rank; i++) {
        int64_t reach;
        if (view->dims[i] > 0 &&
            (__builtin_mul_overflow(view->dims[i] - 1, view->strides[i], &reach) ||
             __builtin_add_overflow(last, reach, &last)))
            return false;
    }
    return view->count == 0 || (uint64_t)last < storage_count;
}

// (storage, offset, size, stride, requires_grad, backward_hooks[, metadata]); metadata marks what
// is to be negated or conjugated. The old form ends after the stride.
static bool read_view(struct torch_file *file, uint32_t arguments, struct storage *storage,
                      struct view *view)
{
    const struct pickle *pickle = &file->pickle;
    const struct pickle_node *nodes = pickle->nodes;
    const uint32_t *items = tuple_items(pickle, arguments, 4, 7);
    if (!items || nodes[items[2]].kind != PICKLE_TUPLE || nodes[items[3]].kind != PICKLE_TUPLE ||
        nodes[items[2]].count != nodes[items[3]].count ||
        !as_number(pickle, items[1], &view->offset))
        return error_set("it is not described as torch.save does");
    if (nodes[arguments].count == 7 && nodes[items[6]].kind != PICKLE_NONE &&
        nodes[items[6]].count > 0)
        return error_set("it is a lazily negated or conjugated view: save a copy of it");
    if (nodes[items[2]].count > 8)
        return error_set("it has %u dimensions: at most 8 are allowed", nodes[items[2]].count);
    view->rank = (int)nodes[items[2]].count;
    for (int i = 0; i < view->rank; i++)
        if (!as_number(pickle, nodes[items[2]].items[i], &view->dims[i]) ||
            !as_number(pickle, nodes[items[3]].items[i], &view->strides[i]))
            return error_set("its shape is not described as torch.save does");
    if (!element_count(view->rank, view->dims, &view->count) ||
        view->count > file->most - file->elements)
        return error_set("too large: more than %zu elements in all", file->most);
    file->elements += view->count;
    if (!read_storage(file, items[0], storage))
        return false;
    return check_view(view, storage->count) ||
           error_set("its shape and strides leave its storage of %zu elements", storage->count);
}

// Copies a strided view into a dense tensor, last dimension fastest.
static void copy_view(const struct storage *storage, const struct view *view,
                      struct named_tensor *tensor)
{
    const size_t size = element_size(storage->element);
    int64_t index[8] = {0}, at = view->offset;
    for (size_t i = 0; i < view->count; i++) {
        const uint8_t *source = storage->bytes + (size_t)at * size;
        if (tensor->type == TENSOR_FLOAT)
            ((float *)tensor->values)[i] = element_to_float(storage->element, source);
        else
            ((int64_t *)tensor->values)[i] = element_to_int(storage->element, source);
        for (int axis = view->rank - 1; axis >= 0; axis--) {
            at += view->strides[axis];
            if (++index[axis] < view->dims[axis])
                break;
            at -= index[axis] * view->strides[axis];
            index[axis] = 0;
        }
    }
}

bool torch_tensor(struct torch_file *file, uint32_t index, const char *name,
                  struct tensors *tensors)
{
    const struct pickle *pickle = &file->pickle;
    const struct pickle_node *parameter = as_call(pickle, index, REBUILD_PARAMETER);
    struct storage storage = {0};
    struct view view = {0};
    if (parameter) { // (tensor, requires_grad, backward_hooks)
        const uint32_t *items = tuple_items(pickle, parameter->arguments, 3, 3);
        if (!items)
            return error_set("it is not described as torch.save does");
        index = items[0];
    }
    const struct pickle_node *call = as_call(pickle, index, REBUILD_TENSOR);
    if (!call)
        call = as_call(pickle, index, REBUILD_OLD);
    if (torch_dict(pickle, index))
        return error_set("it is a dict in a dict: save that inner dict by itself");
    if (!call)
        return error_set("it is not a tensor");
    if (!read_view(file, call->arguments, &storage, &view))
        return false;
    const enum tensor_type type = element_is_float(storage.element) ? TENSOR_FLOAT : TENSOR_INT;
    copy_view(&storage, &view, tensors_add(tensors, name, type, view.rank, view.dims));
    return true;
}
