// SPDX-License-Identifier: MIT
// Format: https://github.com/huggingface/safetensors#format and its reader's
// checks (safetensors/src/tensor.rs).
#include "vkgrid/formats/tensors.h"

#include "formats/bytes.h"
#include "formats/elements.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/memory.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_LIMIT 100000000     // bytes, as the original reader has it
#define METADATA_LIMIT (16u << 20) // bytes of a header that is read for its metadata

static const struct {
    const char *name;
    enum element element;
} dtypes[] = {
    {"F64", ELEMENT_F64}, {"F32", ELEMENT_F32},   {"F16", ELEMENT_F16}, {"BF16", ELEMENT_BF16},
    {"I64", ELEMENT_I64}, {"I32", ELEMENT_I32},   {"I16", ELEMENT_I16}, {"I8", ELEMENT_I8},
    {"U8", ELEMENT_U8},   {"BOOL", ELEMENT_BOOL},
};

// An entry of the header. Offsets count from the end of the header.
struct entry {
    const char *name;
    enum element element;
    int rank;
    int64_t dims[8], begin, end;
    size_t count;
};

// Whole numbers that a double holds exactly.
static bool read_whole(const cJSON *item, int64_t *value)
{
    if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0 && item->valuedouble <= 0x1p53))
        return false;
    *value = (int64_t)item->valuedouble;
    return (double)*value == item->valuedouble;
}

static bool read_dtype(const cJSON *item, enum element *element)
{
    if (!cJSON_IsString(item))
        return error_set("its dtype is not a text");
    for (size_t i = 0; i < sizeof(dtypes) / sizeof(dtypes[0]); i++)
        if (strcmp(dtypes[i].name, item->valuestring) == 0) {
            *element = dtypes[i].element;
            return true;
        }
    const size_t size = strnlen(item->valuestring, 20);
    const bool shown = is_printable((const uint8_t *)item->valuestring, size);
    return error_set("unknown dtype %.20s: allowed are F64 F32 F16 BF16 I64 I32 I16 I8 U8 BOOL",
                     shown ? item->valuestring : "");
}

static bool read_entry(const cJSON *item, struct entry *entry)
{
    const cJSON *shape = cJSON_GetObjectItemCaseSensitive(item, "shape");
    const cJSON *offsets = cJSON_GetObjectItemCaseSensitive(item, "data_offsets");
    if (!cJSON_IsObject(item) || cJSON_GetArraySize(item) != 3 || !cJSON_IsArray(shape) ||
        !cJSON_IsArray(offsets))
        return error_set("has not exactly dtype, shape and data_offsets");
    if (!read_dtype(cJSON_GetObjectItemCaseSensitive(item, "dtype"), &entry->element))
        return false;
    const cJSON *dim;
    cJSON_ArrayForEach(dim, shape)
    {
        if (entry->rank == 8)
            return error_set("its shape has more than 8 dimensions");
        if (!read_whole(dim, &entry->dims[entry->rank++]))
            return error_set("its shape has something else than whole numbers");
    }
    if (cJSON_GetArraySize(offsets) != 2 ||
        !read_whole(cJSON_GetArrayItem(offsets, 0), &entry->begin) ||
        !read_whole(cJSON_GetArrayItem(offsets, 1), &entry->end) || entry->begin > entry->end)
        return error_set("its data_offsets are not [begin, end]");
    if (!element_count(entry->rank, entry->dims, &entry->count))
        return error_set("too large: more than %zu elements", ELEMENT_LIMIT);
    if ((uint64_t)(entry->end - entry->begin) != entry->count * element_size(entry->element))
        return error_set("its data_offsets span %lld bytes, its shape and dtype %zu",
                         (long long)(entry->end - entry->begin),
                         entry->count * element_size(entry->element));
    return true;
}

static bool check_metadata(const cJSON *item)
{
    const cJSON *value;
    if (!cJSON_IsObject(item))
        return error_set("__metadata__ is not an object");
    cJSON_ArrayForEach(value, item)
    {
        if (!cJSON_IsString(value))
            return error_set("__metadata__ has something else than texts");
    }
    return true;
}

static int by_offset(const void *left, const void *right)
{
    const struct entry *a = *(const struct entry *const *)left,
                       *b = *(const struct entry *const *)right;
    if (a->begin != b->begin)
        return a->begin < b->begin ? -1 : 1;
    return (a->end > b->end) - (a->end < b->end); // empty tensors first
}

static int by_name(const void *left, const void *right)
{
    return strcmp((*(const struct entry *const *)left)->name,
                  (*(const struct entry *const *)right)->name);
}

// No name twice; the data is covered without overlap, hole or rest; not too many elements in all.
static bool check_entries(const struct entry *entries, size_t count, size_t data_size)
{
    const struct entry **sorted = mem_alloc((count + 1) * sizeof(sorted[0]));
    int64_t covered = 0;
    size_t elements = 0;
    for (size_t i = 0; i < count; i++) {
        sorted[i] = &entries[i];
        elements += entries[i].count; // both are small: no overflow
    }
    if (elements > ELEMENT_LIMIT)
        FAIL("too large: more than %zu elements in all", ELEMENT_LIMIT);
    qsort(sorted, count, sizeof(sorted[0]), by_name);
    for (size_t i = 1; i < count; i++)
        if (strcmp(sorted[i - 1]->name, sorted[i]->name) == 0)
            FAIL("tensor \"%s\": is there twice", sorted[i]->name);
    qsort(sorted, count, sizeof(sorted[0]), by_offset);
    for (size_t i = 0; i < count; i++) {
        if (sorted[i]->begin != covered)
            FAIL("tensor \"%s\": its data begins at byte %lld, where %lld is wanted (%s)",
                 sorted[i]->name, (long long)sorted[i]->begin, (long long)covered,
                 sorted[i]->begin < covered ? "overlap" : "hole");
        covered = sorted[i]->end;
    }
    if ((uint64_t)covered != data_size)
        FAIL("%zu bytes of data, but the header describes %lld", data_size, (long long)covered);
    free(sorted);
    return true;
error:
    free(sorted);
    return false;
}

// Entries in the header's order; names point into the JSON.
static bool read_header(const cJSON *header, size_t data_size, struct entry **entries,
                        size_t *count)
{
    bool has_metadata = false;
    const cJSON *item;
    *entries = mem_zalloc((size_t)cJSON_GetArraySize(header) + 1, sizeof(**entries));
    *count = 0;
    cJSON_ArrayForEach(item, header)
    {
        if (strcmp(item->string, "__metadata__") == 0) {
            if (has_metadata)
                FAIL("__metadata__ is there twice");
            CHECK(check_metadata(item));
            has_metadata = true;
            continue;
        }
        struct entry *entry = &(*entries)[(*count)++];
        const size_t size = strlen(item->string);
        entry->name = item->string;
        if (size == 0 || size >= sizeof((struct named_tensor){0}.name) ||
            !is_printable((const uint8_t *)item->string, size))
            FAIL("a tensor's name is not 1 to %zu printable bytes",
                 sizeof((struct named_tensor){0}.name) - 1);
        CHECK(read_entry(item, entry) || error_prefix("tensor \"%s\"", entry->name));
    }
    CHECK(check_entries(*entries, *count, data_size));
    return true;
error:
    free(*entries);
    return false;
}

static void add_tensor(struct tensors *tensors, const struct entry *entry, const uint8_t *data)
{
    const enum tensor_type type = element_is_float(entry->element) ? TENSOR_FLOAT : TENSOR_INT;
    const size_t size = element_size(entry->element);
    const uint8_t *at = data + entry->begin;
    struct named_tensor *tensor = tensors_add(tensors, entry->name, type, entry->rank, entry->dims);
    for (size_t i = 0; i < entry->count; i++, at += size) {
        if (type == TENSOR_FLOAT)
            ((float *)tensor->values)[i] = element_to_float(entry->element, at);
        else
            ((int64_t *)tensor->values)[i] = element_to_int(entry->element, at);
    }
}

static bool read_bytes(const uint8_t *bytes, size_t size, struct tensors *tensors)
{
    cJSON *header = NULL;
    struct entry *entries;
    size_t count;
    if (size < 8)
        FAIL("%zu bytes: too short for a safetensors file", size);
    const uint64_t length = load_u64(bytes);
    if (length > HEADER_LIMIT || length > size - 8)
        FAIL("not a safetensors file, or truncated: its header would have %llu bytes",
             (unsigned long long)length);
    const char *text = (const char *)bytes + 8, *end = text;
    if (length > 0 && *text == '{')
        header = cJSON_ParseWithLengthOpts(text, (size_t)length, &end, false);
    while (header && end < text + length && *end == ' ')
        end++;
    if (!header || end != text + length)
        FAIL("its header is not a JSON object (byte %zu)", (size_t)(end - text));
    CHECK(read_header(header, size - 8 - (size_t)length, &entries, &count));
    for (size_t i = 0; i < count; i++)
        add_tensor(tensors, &entries[i], bytes + 8 + length);
    free(entries);
    cJSON_Delete(header);
    return true;
error:
    cJSON_Delete(header);
    return false;
}

bool safetensors_read(const char *path, struct tensors *tensors)
{
    void *bytes = NULL;
    size_t size;
    *tensors = (struct tensors){0};
    if (!file_read(path, FILE_LIMIT, &bytes, &size))
        return false;
    const bool read = read_bytes(bytes, size, tensors);
    free(bytes);
    return read || error_prefix("%s", path);
}

// The text of the header, or NULL when the file does not begin with one.
static char *read_header_text(FILE *file, size_t *size)
{
    uint8_t bytes[8];
    if (fread(bytes, 1, sizeof(bytes), file) != sizeof(bytes))
        return NULL;
    const uint64_t length = load_u64(bytes);
    if (length < 2 || length > METADATA_LIMIT)
        return NULL;
    char *text = mem_alloc((size_t)length);
    *size = fread(text, 1, (size_t)length, file);
    if (*size == length && text[0] == '{')
        return text;
    free(text);
    return NULL;
}

bool safetensors_is(const char *path)
{
    uint8_t bytes[9];
    FILE *file = fopen(path, "rbe");
    const size_t size = file ? fread(bytes, 1, sizeof(bytes), file) : 0;
    if (file)
        fclose(file);
    // A zip file and a pickle have other bytes where the length's upper half is.
    return size == sizeof(bytes) && load_u64(bytes) <= HEADER_LIMIT && bytes[8] == '{';
}

bool safetensors_metadata(const char *path, const char *key, char **value)
{
    size_t size;
    FILE *file = fopen(path, "rbe");
    *value = NULL;
    if (!file)
        return error_set("%s: %s", path, strerror(errno));
    char *text = read_header_text(file, &size);
    fclose(file);
    cJSON *header = text ? cJSON_ParseWithLength(text, size) : NULL;
    const cJSON *metadata = cJSON_GetObjectItemCaseSensitive(header, "__metadata__");
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(metadata, key);
    if (cJSON_IsString(item))
        *value = text_copy(item->valuestring);
    cJSON_Delete(header);
    free(text);
    return true;
}

static size_t value_size(const struct named_tensor *tensor)
{
    return tensor->type == TENSOR_INT ? sizeof(int64_t) : sizeof(float);
}

static char *header_text(const struct tensors *tensors, const char *const *metadata)
{
    cJSON *header = cJSON_CreateObject();
    cJSON *map = metadata ? cJSON_AddObjectToObject(header, "__metadata__") : NULL;
    size_t offset = 0;
    for (; map && metadata[0]; metadata += 2)
        cJSON_AddStringToObject(map, metadata[0], metadata[1]);
    for (int i = 0; i < tensors->count; i++) {
        const struct named_tensor *tensor = &tensors->items[i];
        cJSON *entry = cJSON_AddObjectToObject(header, tensor->name);
        cJSON_AddStringToObject(entry, "dtype", tensor->type == TENSOR_INT ? "I64" : "F32");
        cJSON *shape = cJSON_AddArrayToObject(entry, "shape");
        for (int axis = 0; axis < tensor->rank; axis++)
            cJSON_AddItemToArray(shape, cJSON_CreateNumber((double)tensor->dims[axis]));
        cJSON *offsets = cJSON_AddArrayToObject(entry, "data_offsets");
        cJSON_AddItemToArray(offsets, cJSON_CreateNumber((double)offset));
        offset += tensor->count * value_size(tensor);
        cJSON_AddItemToArray(offsets, cJSON_CreateNumber((double)offset));
    }
    char *text = cJSON_PrintUnformatted(header);
    cJSON_Delete(header);
    return text;
}

bool safetensors_write(const char *path, const struct tensors *tensors, const char *const *metadata)
{
    char *header = header_text(tensors, metadata);
    if (!header)
        return error_set("%s: no memory for its header", path);
    const size_t header_size = strlen(header);
    const uint64_t padded = (header_size + 7) / 8 * 8;
    uint8_t *head = mem_alloc(8 + (size_t)padded);
    struct file_part *parts = mem_alloc(sizeof(*parts) * ((size_t)tensors->count + 1));
    memcpy(head, &padded, 8);
    memset(head + 8, ' ', (size_t)padded);
    memcpy(head + 8, header, header_size);
    parts[0] = (struct file_part){head, 8 + (size_t)padded};
    for (int i = 0; i < tensors->count; i++)
        parts[i + 1] = (struct file_part){tensors->items[i].values,
                                          tensors->items[i].count * value_size(&tensors->items[i])};
    const bool written = file_write_parts(path, parts, (size_t)tensors->count + 1);
    free(parts);
    free(head);
    free(header);
    return written;
}
