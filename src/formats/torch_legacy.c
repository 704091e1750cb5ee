// SPDX-License-Identifier: MIT
// What torch.save wrote before PyTorch 1.6: pickles of a magic number, of the format's version, of
// the machine, of the object and of the storages' keys; then, in the order of the keys, each
// storage: its number of elements (int64) and its bytes. Source: _legacy_load in
// torch/serialization.py.
#include "formats/torch_tensor.h"

#include "formats/bytes.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"

#include <stdlib.h>
#include <string.h>

static const char magic[] = "\x80\x02\x8a\x0al\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.";
#define MAGIC_SIZE (sizeof(magic) - 1)

struct storage {
    const char *key; // of the pickle
    enum element element;
    const uint8_t *bytes; // NULL: not seen yet
    size_t size;
};

struct legacy {
    struct storage *storages; // sorted by key
    size_t count;
};

bool torch_legacy_is(const uint8_t *bytes, size_t size)
{
    return size >= MAGIC_SIZE && memcmp(bytes, magic, MAGIC_SIZE) == 0;
}

static int by_key(const void *left, const void *right)
{
    return strcmp(((const struct storage *)left)->key, ((const struct storage *)right)->key);
}

static struct storage *find(const struct legacy *legacy, const char *key)
{
    const struct storage wanted = {.key = key};
    return legacy->count == 0
               ? NULL
               : bsearch(&wanted, legacy->storages, legacy->count, sizeof(wanted), by_key);
}

static const uint8_t *find_bytes(const void *storages, const char *key, size_t *size)
{
    const struct storage *storage = find(storages, key);
    *size = storage ? storage->size : 0;
    return storage ? storage->bytes : NULL;
}

// The storages that the object's pickle names, each once. One that is named with two element types
// gets the first, and the other does not fit its bytes.
static void list_storages(const struct pickle *pickle, struct legacy *legacy)
{
    size_t room = 0, kept = 0;
    for (uint32_t i = 0; i < pickle->count; i++) {
        const uint32_t *id = torch_storage_id(pickle, i);
        if (!id)
            continue;
        struct storage storage = {.key = pickle->nodes[id[2]].text};
        torch_storage_type(pickle->nodes[id[1]].text, &storage.element);
        legacy->storages = mem_reserve(legacy->storages, &room, legacy->count + 1, sizeof(storage));
        legacy->storages[legacy->count++] = storage;
    }
    if (legacy->count > 0)
        qsort(legacy->storages, legacy->count, sizeof(legacy->storages[0]), by_key);
    for (size_t i = 0; i < legacy->count; i++)
        if (i == 0 || by_key(&legacy->storages[kept - 1], &legacy->storages[i]) != 0)
            legacy->storages[kept++] = legacy->storages[i];
    legacy->count = kept;
}

// One pickle of those that stand one after the other.
static bool next_pickle(const uint8_t **at, const uint8_t *end, struct pickle *pickle)
{
    size_t used;
    if (!pickle_parse(*at, (size_t)(end - *at), &used, torch_allows, pickle))
        return false;
    *at += used;
    return true;
}

static bool check_machine(const struct pickle *pickle)
{
    const struct pickle_node *dict = torch_dict(pickle, pickle->root);
    for (uint32_t i = 0; dict && i < dict->count; i += 2) {
        const struct pickle_node *key = &pickle->nodes[dict->items[i]],
                                 *value = &pickle->nodes[dict->items[i + 1]];
        if (key->kind == PICKLE_TEXT && strcmp(key->text, "little_endian") == 0)
            return (value->kind == PICKLE_BOOL && value->number) || error_set("not little-endian");
    }
    return error_set("not written by torch.save: its third pickle says nothing of the machine");
}

static bool read_storages(const uint8_t *at, const uint8_t *end, const struct pickle *keys,
                          const struct legacy *legacy)
{
    const struct pickle_node *list = &keys->nodes[keys->root];
    if (list->kind != PICKLE_LIST || list->count > TORCH_LIMIT)
        return error_set("its storages are not listed as torch.save does");
    for (uint32_t i = 0; i < list->count; i++) {
        const struct pickle_node *key = &keys->nodes[list->items[i]];
        struct storage *storage = key->kind == PICKLE_TEXT ? find(legacy, key->text) : NULL;
        if (!storage || storage->bytes)
            return error_set("a storage is listed that no tensor has, or twice");
        const size_t size = element_size(storage->element);
        if (end - at < 8 || load_u64(at) > (size_t)(end - at - 8) / size)
            return error_set("truncated: storage %.100s is not whole", key->text);
        storage->size = (size_t)load_u64(at) * size;
        storage->bytes = at + 8;
        at += 8 + storage->size;
    }
    return at == end || error_set("%zu bytes after the last storage", (size_t)(end - at));
}

bool torch_legacy_open(const uint8_t *bytes, size_t size, struct torch_file *file)
{
    const uint8_t *at = bytes + MAGIC_SIZE, *end = bytes + size;
    struct legacy *legacy = mem_zalloc(1, sizeof(*legacy));
    struct pickle version = {0}, machine = {0}, keys = {0};
    file->storages = legacy;
    file->find = find_bytes;
    CHECK(next_pickle(&at, end, &version));
    if (version.nodes[version.root].kind != PICKLE_INT ||
        version.nodes[version.root].number != 1001)
        FAIL("a format of torch.save that is not known: version 1001 is read");
    CHECK(next_pickle(&at, end, &machine));
    CHECK(check_machine(&machine));
    CHECK(next_pickle(&at, end, &file->pickle));
    list_storages(&file->pickle, legacy);
    CHECK(next_pickle(&at, end, &keys));
    CHECK(read_storages(at, end, &keys, legacy));
    pickle_free(&version);
    pickle_free(&machine);
    pickle_free(&keys);
    return true;
error:
    pickle_free(&version);
    pickle_free(&machine);
    pickle_free(&keys);
    return false;
}

void torch_legacy_close(struct torch_file *file)
{
    struct legacy *legacy = (struct legacy *)file->storages;
    if (legacy)
        free(legacy->storages);
    free(legacy);
    file->storages = NULL;
}
