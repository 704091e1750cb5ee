// SPDX-License-Identifier: MIT
#include "vkgrid/study/weight_files.h"

#include "vkgrid/base/file.h"
#include "vkgrid/base/hash.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/grid/grid.h"
#include "vkgrid/study/identity.h"

#include <cjson/cJSON.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define FILE_LIMIT ((size_t)1 << 32) // bytes of a file

static const char *const keys[] = {"pretrained", "init_weights"};
enum { KEYS = sizeof(keys) / sizeof(keys[0]) };

// --- What is in them ----------------------------------------------------------------------------

static void add_file(cJSON *files, const char *file)
{
    char text[HASH_TEXT];
    void *bytes;
    size_t size;
    if (json_member(files, file) || !file_exists(file) ||
        !file_read(file, FILE_LIMIT, &bytes, &size))
        return; // whoever needs it will say so
    cJSON_AddStringToObject(files, file, hash_print(hash_bytes(bytes, size, 0), text));
    free(bytes);
}

// A name, or any of a list or an object of names.
static void add_files(cJSON *files, const cJSON *value)
{
    const cJSON *item;
    if (cJSON_IsString(value))
        add_file(files, value->valuestring);
    if (cJSON_IsArray(value) || cJSON_IsObject(value))
        cJSON_ArrayForEach(item, value) add_files(files, item);
}

static cJSON *whole_paths(const cJSON *value)
{
    cJSON *copy = cJSON_Duplicate(value, true), *item = cJSON_IsObject(copy) ? copy->child : copy;
    for (; item; item = item->next) {
        char *path = cJSON_IsString(item) ? realpath(item->valuestring, NULL) : NULL;
        if (path)
            cJSON_SetValuestring(item, path);
        free(path);
    }
    return copy;
}

void weight_files_add(struct cJSON *settings, const struct grid *grid)
{
    static const char *const parts[] = {"static", "hyper"};
    cJSON *files = cJSON_CreateObject(),
          *pretrained = grid->pretrained ? whole_paths(grid->pretrained) : NULL;
    for (int i = 0; i < KEYS; i++)
        for (int k = 0; k < 2; k++)
            add_files(files, json_member(json_member(grid->json, parts[k]), keys[i]));
    add_files(files, pretrained);
    if (pretrained)
        cJSON_AddItemToObject(settings, "pretrained", pretrained);
    if (files->child)
        cJSON_AddItemToObject(settings, "weights", files);
    else
        cJSON_Delete(files);
}

char *weight_files_pretrained(const struct cJSON *settings)
{
    const cJSON *value = json_member(settings, "pretrained"), *file;
    const char *before =
        cJSON_GetStringValue(json_member(json_member(settings, "command"), "pretrained"));
    struct text text = {0};
    if (cJSON_IsString(value) || (!value && before))
        return text_copy(value ? value->valuestring : before);
    cJSON_ArrayForEach(file, value)
    {
        if (cJSON_IsString(file))
            text_add(&text, "%s%s=%s", text.size ? "," : "", file->string, file->valuestring);
    }
    return text.bytes;
}

void weight_files_keep(struct cJSON *settings, const struct cJSON *from)
{
    const cJSON *known = json_member(from, "weights"),
                *pretrained = json_member(from, "pretrained"), *file;
    if (pretrained && !json_member(settings, "pretrained"))
        cJSON_AddItemToObject(settings, "pretrained", cJSON_Duplicate(pretrained, true));
    if (known && !json_member(settings, "weights"))
        cJSON_AddObjectToObject(settings, "weights");
    cJSON *files = json_member(settings, "weights");
    cJSON_ArrayForEach(file, known)
    {
        if (cJSON_IsString(file) && !json_member(files, file->string))
            cJSON_AddStringToObject(files, file->string, file->valuestring);
    }
}

// --- Which are the same -------------------------------------------------------------------------

// What a study has under a key, with what stands for `true`.
static const cJSON *named(const struct identity *identity, const char *key)
{
    const cJSON *value = json_member(json_member(identity->grid, "static"), key),
                *pretrained = json_member(identity->settings, "pretrained");
    return cJSON_IsTrue(value) && pretrained ? pretrained : value;
}

static const char *fingerprint(const struct identity *identity, const cJSON *file)
{
    const cJSON *known = json_member(identity->settings, "weights");
    return cJSON_GetStringValue(json_member(known, file->valuestring));
}

// Files of the same weights, or the same files, or objects of such.
static bool same_weights(const struct identity *a, const cJSON *left, const struct identity *b,
                         const cJSON *right)
{
    if (cJSON_IsString(left) && cJSON_IsString(right)) {
        const char *mine = fingerprint(a, left), *theirs = fingerprint(b, right);
        return strcmp(mine && theirs ? mine : left->valuestring,
                      mine && theirs ? theirs : right->valuestring) == 0;
    }
    if (!cJSON_IsObject(left) || !cJSON_IsObject(right) ||
        cJSON_GetArraySize(left) != cJSON_GetArraySize(right))
        return false;
    const cJSON *item;
    cJSON_ArrayForEach(item, left)
    {
        const cJSON *other = json_member(right, item->string);
        if (!other || !cJSON_IsString(item) || !cJSON_IsString(other) ||
            !same_weights(a, item, b, other))
            return false;
    }
    return true;
}

void weight_files_match(const struct identity *mine, struct identity *theirs)
{
    for (int i = 0; i < KEYS; i++) {
        const cJSON *value = json_member(json_member(mine->grid, "static"), keys[i]);
        if (same_weights(mine, named(mine, keys[i]), theirs, named(theirs, keys[i])))
            cJSON_ReplaceItemInObjectCaseSensitive(json_member(theirs->grid, "static"), keys[i],
                                                   cJSON_Duplicate(value, true));
    }
}

static bool varies_true(const struct identity *identity)
{
    const cJSON *value;
    cJSON_ArrayForEach(value, json_member(json_member(identity->grid, "hyper"), "pretrained"))
    {
        if (cJSON_IsTrue(value))
            return true;
    }
    return cJSON_IsTrue(json_member(json_member(identity->grid, "static"), "pretrained"));
}

void weight_files_compare(struct text *list, const struct identity *a, const struct identity *b)
{
    const cJSON *file, *mine = json_member(a->settings, "pretrained"),
                       *theirs = json_member(b->settings, "pretrained");
    cJSON_ArrayForEach(file, json_member(a->settings, "weights"))
    {
        const cJSON *other = json_member(json_member(b->settings, "weights"), file->string);
        if (cJSON_IsString(file) && cJSON_IsString(other) &&
            strcmp(file->valuestring, other->valuestring) != 0)
            text_add(list, "; %s: fingerprint %s instead of %s", file->string, file->valuestring,
                     other->valuestring);
    }
    if (mine && theirs && varies_true(a) && varies_true(b) && !same_weights(a, mine, b, theirs)) {
        char *left = json_print_line(mine), *right = json_print_line(theirs);
        text_add(list, "; pretrained: %s instead of %s", left, right);
        free(left);
        free(right);
    }
}
