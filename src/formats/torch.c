// SPDX-License-Identifier: MIT
// What torch.save writes: a zip file with <archive>/data.pkl, a pickle that describes the tensors,
// and a member <archive>/data/<key> for each storage. Source: torch/serialization.py and
// torch/_utils.py, PyTorch 1.6 and later.
#include "vkgrid/formats/tensors.h"

#include "formats/bytes.h"
#include "formats/elements.h"
#include "formats/pickle.h"
#include "formats/zip.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/formats/image.h"
#include "vkgrid/base/memory.h"

#include <stdlib.h>

#define TENSOR_LIMIT 16384 // of a dict

struct archive {
    struct zip zip;
    struct pickle pickle;
    char name[256];  // the folder that all members are in
    size_t elements; // of all tensors read so far
};

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
#define REBUILD_PARAMETER "torch._utils._rebuild_parameter"
#define ORDERED_DICT "collections.OrderedDict"

static bool find_storage(const char *global, enum element *element)
{
    for (size_t i = 0; i < sizeof(storages) / sizeof(storages[0]); i++)
        if (strcmp(storages[i].global, global) == 0) {
            *element = storages[i].element;
            return true;
        }
    return false;
}

static bool is_allowed(const char *global)
{
    enum element element;
    return strcmp(global, REBUILD_TENSOR) == 0 || strcmp(global, REBUILD_PARAMETER) == 0 ||
           strcmp(global, ORDERED_DICT) == 0 || find_storage(global, &element);
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

// A plain dict, or an OrderedDict made empty and then filled.
static const struct pickle_node *as_dict(const struct pickle *pickle, uint32_t index)
{
    const struct pickle_node *node = &pickle->nodes[index],
                             *ordered = as_call(pickle, index, ORDERED_DICT);
    if (node->kind == PICKLE_DICT)
        return node;
    return ordered && pickle->nodes[ordered->arguments].count == 0 ? ordered : NULL;
}

// <archive>/<folder><name>, or NULL without a message.
static const struct zip_member *find_member(const struct archive *archive, const char *folder,
                                            const char *name)
{
    char *path = text_format("%s/%s%s", archive->name, folder, name);
    const struct zip_member *member = zip_find(&archive->zip, path);
    free(path);
    return member;
}

static bool as_number(const struct pickle *pickle, uint32_t index, int64_t *number)
{
    *number = pickle->nodes[index].number;
    return pickle->nodes[index].kind == PICKLE_INT && *number >= 0;
}

// ("storage", torch.<Type>Storage, key, device, elements). The device does not matter.
static bool read_storage(const struct archive *archive, uint32_t index, struct storage *storage)
{
    const struct pickle *pickle = &archive->pickle;
    const struct pickle_node *nodes = pickle->nodes;
    int64_t count;
    const uint32_t *id = NULL;
    if (nodes[index].kind == PICKLE_PERSISTENT)
        id = tuple_items(pickle, nodes[index].arguments, 5, 5);
    if (!id || nodes[id[0]].kind != PICKLE_TEXT || strcmp(nodes[id[0]].text, "storage") != 0 ||
        nodes[id[1]].kind != PICKLE_GLOBAL || !find_storage(nodes[id[1]].text, &storage->element) ||
        nodes[id[2]].kind != PICKLE_TEXT || !as_number(pickle, id[4], &count))
        return error_set("its storage is not described as torch.save does");
    if (strlen(nodes[id[2]].text) > 100)
        return error_set("its storage has a key of more than 100 bytes");
    const struct zip_member *member = find_member(archive, "data/", nodes[id[2]].text);
    if (!member)
        return error_set("its storage data/%s is missing", nodes[id[2]].text);
    const size_t size = element_size(storage->element);
    if (member->size % size != 0 || member->size / size != (uint64_t)count)
        return error_set("its storage has %zu bytes, not %lld elements of %zu", member->size,
                         (long long)count, size);
    storage->bytes = member->bytes;
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
// is to be negated or conjugated.
static bool read_view(struct archive *archive, uint32_t arguments, struct storage *storage,
                      struct view *view)
{
    const struct pickle *pickle = &archive->pickle;
    const struct pickle_node *nodes = pickle->nodes;
    const uint32_t *items = tuple_items(pickle, arguments, 6, 7);
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
        view->count > ELEMENT_LIMIT - archive->elements)
        return error_set("too large: more than %zu elements in all", ELEMENT_LIMIT);
    archive->elements += view->count;
    if (!read_storage(archive, items[0], storage))
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

static bool read_tensor(struct archive *archive, uint32_t index, const char *name,
                        struct tensors *tensors)
{
    const struct pickle *pickle = &archive->pickle;
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
    if (as_dict(pickle, index))
        return error_set("it is a dict in a dict: save that inner dict by itself");
    if (!call)
        return error_set("it is not a tensor");
    if (!read_view(archive, call->arguments, &storage, &view))
        return false;
    const enum tensor_type type = element_is_float(storage.element) ? TENSOR_FLOAT : TENSOR_INT;
    copy_view(&storage, &view, tensors_add(tensors, name, type, view.rank, view.dims));
    return true;
}

static bool read_dict(struct archive *archive, const struct pickle_node *dict,
                      struct tensors *tensors)
{
    if (dict->count / 2 > TENSOR_LIMIT)
        return error_set("a dict of %u entries: at most %d are allowed", dict->count / 2,
                         TENSOR_LIMIT);
    for (uint32_t i = 0; i < dict->count; i += 2) {
        const struct pickle_node *key = &archive->pickle.nodes[dict->items[i]];
        if (key->kind != PICKLE_TEXT || key->text[0] == 0 ||
            strlen(key->text) >= sizeof(tensors->items[0].name))
            return error_set("a key of the dict is not a name of 1 to %zu bytes",
                             sizeof(tensors->items[0].name) - 1);
        if (tensors_find(tensors, key->text))
            return error_set("\"%s\": is there twice", key->text);
        if (!read_tensor(archive, dict->items[i + 1], key->text, tensors))
            return error_prefix("\"%s\"", key->text);
    }
    return true;
}

// All members are in one folder, named after the file when it was saved: the one that has data.pkl.
static bool find_archive_name(struct archive *archive)
{
    static const char wanted[] = "/data.pkl";
    const size_t tail = sizeof(wanted) - 1;
    for (size_t i = 0; i < archive->zip.count; i++) {
        const struct zip_member *member = &archive->zip.members[i];
        const size_t size = member->name_size < tail ? 0 : member->name_size - tail;
        if (size == 0 || size >= sizeof(archive->name) ||
            memcmp(member->name + size, wanted, tail) != 0 || memchr(member->name, '/', size))
            continue;
        memcpy(archive->name, member->name, size);
        archive->name[size] = 0;
        return true;
    }
    return error_set("zip file without data.pkl: not written by torch.save");
}

// PyTorch before 2.0 does not say, and is little-endian nearly everywhere.
static bool check_byte_order(const struct archive *archive)
{
    const struct zip_member *member = find_member(archive, "", "byteorder");
    return !member || (member->size == 6 && memcmp(member->bytes, "little", 6) == 0) ||
           error_set("not little-endian");
}

static bool read_archive(const uint8_t *bytes, size_t size, struct tensors *tensors)
{
    struct archive archive = {0};
    CHECK(zip_open(bytes, size, &archive.zip));
    CHECK(find_archive_name(&archive));
    CHECK(check_byte_order(&archive));
    const struct zip_member *member = find_member(&archive, "", "data.pkl");
    CHECK(pickle_parse(member->bytes, member->size, is_allowed, &archive.pickle));
    const struct pickle_node *dict = as_dict(&archive.pickle, archive.pickle.root);
    if (dict)
        CHECK(read_dict(&archive, dict, tensors));
    else
        CHECK(read_tensor(&archive, archive.pickle.root, "", tensors) ||
              error_prefix("what is saved"));
    pickle_free(&archive.pickle);
    zip_close(&archive.zip);
    return true;
error:
    pickle_free(&archive.pickle);
    zip_close(&archive.zip);
    return false;
}

bool torch_read(const char *path, struct tensors *tensors)
{
    void *bytes = NULL;
    size_t size;
    *tensors = (struct tensors){0};
    if (!file_read(path, FILE_LIMIT, &bytes, &size))
        return false;
    const bool read = read_archive(bytes, size, tensors);
    free(bytes);
    if (!read) {
        tensors_free(tensors);
        error_prefix("%s", path);
    }
    return read;
}

bool image_read_pt(const char *path, struct image *image)
{
    struct tensors tensors;
    *image = (struct image){0};
    if (!torch_read(path, &tensors))
        return false;
    const struct named_tensor *tensor = tensors_find(&tensors, "");
    if (!tensor)
        FAIL("%s: holds a dict of %d tensors, not one tensor", path, tensors.count);
    if (tensor->rank != 2 || tensor->count == 0)
        FAIL(
            "%s: a tensor of %d dimensions and %zu elements: "
            "2 dimensions and at least 1 element are wanted",
            path, tensor->rank, tensor->count);
    image->rows = (int)tensor->dims[0];
    image->cols = (int)tensor->dims[1];
    image->values = mem_alloc(tensor->count * sizeof(float));
    for (size_t i = 0; i < tensor->count; i++)
        image->values[i] = tensor->type == TENSOR_FLOAT
                               ? ((const float *)tensor->values)[i]
                               : (float)((const int64_t *)tensor->values)[i];
    tensors_free(&tensors);
    return true;
error:
    tensors_free(&tensors);
    return false;
}
