// SPDX-License-Identifier: MIT
// The tuning file:
//   {"format": 1, "identity": "<16 digits>", "device": "...", "driver": "...",
//    "tiles": [{"op": "conv", "pixels": ..., "slots": ..., "family": "shared", "local": ..., ...}],
//    "curves": [{"name": "...", "points": [[slots, seconds], ...]}]}
// Anybody may have written it. What it says is either all good or not used at all; a tile must
// moreover be one of those that its problem may have on this device.
#include "engine/vulkan/tuning.h"

#include "engine/vulkan/candidates.h"
#include "engine/vulkan/kernels.h"
#include "vkgrid/base/cache.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/hash.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"

#include <cjson/cJSON.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FORMAT 1 // also to be raised when the tables of tiles change what is worth measuring
#define TILE_LIMIT 0x10000
#define NAME_LIMIT 255   // bytes of a curve's name
#define SLOTS_LIMIT 4096 // of a point, or of a tile
#define SECONDS_LIMIT 1e6

static const enum op_kind ops[] = {OP_CONV, OP_CONV_INPUT_GRAD, OP_CONV_WEIGHT_GRAD};
#define OPS ((int)(sizeof ops / sizeof ops[0]))

// The numbers of a tile beside its family.
#define FIELD(name) #name, offsetof(struct conv_tile, name), sizeof(uint32_t), 0, TILE_LIMIT
static const struct tuning_field tile_fields[] = {
    {FIELD(local)}, {FIELD(rows)}, {FIELD(columns)}, {FIELD(local_columns)}, {FIELD(depth)},
};
#define TILE_FIELDS ((int)(sizeof tile_fields / sizeof tile_fields[0]))

// --- Where --------------------------------------------------------------------------------------

// Of device, driver and kernels: another of any of them may want other tiles.
static uint64_t identify(VkPhysicalDevice device)
{
    VkPhysicalDeviceDriverProperties driver = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES};
    VkPhysicalDeviceIDProperties ids = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ID_PROPERTIES,
                                        .pNext = &driver};
    VkPhysicalDeviceProperties2 properties = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, .pNext = &ids};
    vkGetPhysicalDeviceProperties2(device, &properties);
    uint64_t hash = vulkan_kernels_hash();
    hash = hash_bytes(ids.deviceUUID, sizeof ids.deviceUUID, hash);
    hash = hash_bytes(ids.driverUUID, sizeof ids.driverUUID, hash);
    hash = hash_bytes(&properties.properties.driverVersion, sizeof(uint32_t), hash);
    hash = hash_text(driver.driverInfo, hash);
    return hash_text(properties.properties.deviceName, hash);
}

void tuning_locate(VkPhysicalDevice device, struct tuning *tuning)
{
    const char *wanted = getenv("VKGRID_TUNING");
    char digits[HASH_TEXT];
    *tuning = (struct tuning){.identity = identify(device)};
    if (wanted && *wanted) {
        tuning->path = strcmp(wanted, "off") == 0 ? NULL : text_copy(wanted);
        return;
    }
    char *name = text_format("tuning-%s.json", hash_print(tuning->identity, digits));
    tuning->path = cache_path(name);
    free(name);
}

// --- Reading ------------------------------------------------------------------------------------

static bool read_fields(const cJSON *json, const char *where, const struct tuning_field *fields,
                        int count, void *into)
{
    bool read = true;
    for (int i = 0; read && i < count; i++) {
        char *name = text_format("%s: %s", where, fields[i].name);
        double number = 0;
        read = json_get_integer(json_member(json, fields[i].name), name, fields[i].least,
                                fields[i].most, &number);
        tuning_set(&fields[i], (uint32_t)number, into);
        free(name);
    }
    return read;
}

static bool read_kind(const cJSON *json, const char *where, enum op_kind *kind)
{
    const char *name;
    if (!json_get_text(json_member(json, "op"), where, &name))
        return false;
    for (int i = 0; i < OPS; i++)
        if (strcmp(op_name(ops[i]), name) == 0) {
            *kind = ops[i];
            return true;
        }
    return error_set("%s: op: is no convolution", where);
}

static bool read_family(const cJSON *json, const char *where, enum conv_family *family)
{
    const char *name;
    if (!json_get_text(json_member(json, "family"), where, &name))
        return false;
    for (int i = 0; i < CONV_FAMILIES; i++)
        if (strcmp(tuning_families[i], name) == 0) {
            *family = (enum conv_family)i;
            return true;
        }
    return error_set("%s: family: is not known", where);
}

static bool read_tile(const cJSON *json, const char *where, struct tuning *tuning)
{
    static const struct tuning_field slots = {"slots", offsetof(struct conv_problem, slots),
                                              sizeof(uint32_t), 1, SLOTS_LIMIT};
    struct tuned_tile tile = {0};
    if (!json_expect_object(json, where) || !read_kind(json, where, &tile.problem.kind) ||
        !read_fields(json, where, tuning_fields, TUNING_FIELDS, &tile.problem) ||
        !read_fields(json, where, &slots, 1, &tile.problem) ||
        !read_family(json, where, &tile.tile.family) ||
        !read_fields(json, where, tile_fields, TILE_FIELDS, &tile.tile))
        return false;
    tuning_put_tile(tuning, &tile);
    return true;
}

static bool read_points(const cJSON *list, const char *where, struct slot_times *curve)
{
    const cJSON *item;
    int before = 0;
    *curve = (struct slot_times){0};
    if (!json_expect_list(list, where, 1))
        return false;
    cJSON_ArrayForEach(item, list)
    {
        if (curve->count == SLOT_TIMES)
            return error_set("%s: more than %d points", where, SLOT_TIMES);
        int *slots = &curve->points[curve->count].slots;
        double *seconds = &curve->points[curve->count].seconds;
        if (!cJSON_IsArray(item) || cJSON_GetArraySize(item) != 2)
            return error_set("%s: points: [slots, seconds] is allowed", where);
        if (!json_get_int(item->child, where, before + 1, SLOTS_LIMIT, slots) ||
            !json_get_positive(item->child->next, where, SECONDS_LIMIT, seconds))
            return false;
        before = *slots;
        curve->count++;
    }
    return true;
}

static bool read_curve(const cJSON *json, const char *where, struct tuning *tuning)
{
    struct slot_times curve;
    const char *name;
    if (!json_expect_object(json, where) ||
        !json_get_text(json_member(json, "name"), where, &name) ||
        !read_points(json_member(json, "points"), where, &curve))
        return false;
    if (strlen(name) > NAME_LIMIT)
        return error_set("%s: name: at most %d bytes are allowed", where, NAME_LIMIT);
    tuning_put_curve(tuning, name, &curve, false);
    return true;
}

static bool read_header(const cJSON *json, const struct tuning *tuning)
{
    char digits[HASH_TEXT], *format_name = text_format("%s: format", tuning->path);
    const char *identity;
    int format;
    const bool good =
        json_expect_object(json, tuning->path) &&
        json_get_int(json_member(json, "format"), format_name, FORMAT, FORMAT, &format) &&
        json_get_text(json_member(json, "identity"), tuning->path, &identity);
    free(format_name);
    if (good && strcmp(identity, hash_print(tuning->identity, digits)) != 0)
        return error_set("%s: is of another device, driver or version", tuning->path);
    return good;
}

typedef bool read_entry(const cJSON *json, const char *where, struct tuning *tuning);

static bool read_list(const cJSON *json, const char *key, int most, read_entry *read,
                      struct tuning *tuning)
{
    const cJSON *list = json_member(json, key), *item;
    char *where = text_format("%s: %s", tuning->path, key);
    bool good = json_expect_list(list, where, 0);
    if (good && cJSON_GetArraySize(list) > most)
        good = error_set("%s: more than %d", where, most);
    cJSON_ArrayForEach(item, list)
    {
        good = good && read(item, where, tuning);
    }
    free(where);
    return good;
}

static void forget_entries(struct tuning *tuning)
{
    struct tuning all = *tuning;
    *tuning = (struct tuning){.path = text_copy(all.path), .identity = all.identity};
    tuning_free(&all);
}

bool tuning_read(struct tuning *tuning)
{
    cJSON *json = NULL;
    if (!tuning->path || !file_exists(tuning->path))
        return true;
    CHECK(json_read(tuning->path, &json));
    CHECK(read_header(json, tuning));
    CHECK(read_list(json, "tiles", TUNING_TILES, read_tile, tuning));
    CHECK(read_list(json, "curves", TUNING_CURVES, read_curve, tuning));
    cJSON_Delete(json);
    return true;
error:
    cJSON_Delete(json);
    forget_entries(tuning);
    return false;
}

bool tuning_check(const struct vulkan_engine *engine, const struct tuning *tuning)
{
    for (int i = 0; i < tuning->tile_count; i++) {
        const struct conv_problem *problem = &tuning->tiles[i].problem;
        if (!conv_allowed(engine, problem, &tuning->tiles[i].tile))
            return error_set("%s: tiles: number %d is none that this device may use", tuning->path,
                             i + 1);
    }
    return true;
}

void tuning_open(struct vulkan_engine *engine)
{
    static atomic_flag warned = ATOMIC_FLAG_INIT;
    tuning_locate(engine->physical, engine->tuning);
    if (tuning_read(engine->tuning) && tuning_check(engine, engine->tuning))
        return;
    forget_entries(engine->tuning);
    if (!atomic_flag_test_and_set(&warned))
        fprintf(stderr, "vkgrid: warning: %s: not used; vkgrid bench --tune makes it anew\n",
                error_text());
}

// --- Writing ------------------------------------------------------------------------------------

static void add_fields(cJSON *json, const struct tuning_field *fields, int count, const void *from)
{
    for (int i = 0; i < count; i++)
        cJSON_AddNumberToObject(json, fields[i].name, tuning_get(&fields[i], from));
}

static cJSON *tile_json(const struct tuned_tile *tile)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "op", op_name(tile->problem.kind));
    add_fields(json, tuning_fields, TUNING_FIELDS, &tile->problem);
    cJSON_AddNumberToObject(json, "slots", tile->problem.slots);
    cJSON_AddStringToObject(json, "family", tuning_families[tile->tile.family]);
    add_fields(json, tile_fields, TILE_FIELDS, &tile->tile);
    return json;
}

static cJSON *curve_json(const struct tuned_curve *curve)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "name", curve->key);
    cJSON *points = cJSON_AddArrayToObject(json, "points");
    for (int i = 0; i < curve->curve.count; i++) {
        const double point[] = {curve->curve.points[i].slots, curve->curve.points[i].seconds};
        cJSON_AddItemToArray(points, cJSON_CreateDoubleArray(point, 2));
    }
    return json;
}

static cJSON *tuning_json(const struct tuning *tuning, const struct device_info *device)
{
    char digits[HASH_TEXT];
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "format", FORMAT);
    cJSON_AddStringToObject(json, "identity", hash_print(tuning->identity, digits));
    cJSON_AddStringToObject(json, "device", device->name);
    cJSON_AddStringToObject(json, "driver", device->driver);
    cJSON *tiles = cJSON_AddArrayToObject(json, "tiles");
    for (int i = 0; i < tuning->tile_count; i++)
        cJSON_AddItemToArray(tiles, tile_json(&tuning->tiles[i]));
    cJSON *curves = cJSON_AddArrayToObject(json, "curves");
    for (int i = 0; i < tuning->curve_count; i++)
        cJSON_AddItemToArray(curves, curve_json(&tuning->curves[i]));
    return json;
}

bool tuning_writable(const struct vulkan_engine *engine, const struct tuning *tuning)
{
    if (!tuning->path)
        return error_set(
            "%s: nowhere to keep what is measured: VKGRID_TUNING is off, or there is "
            "neither HOME nor XDG_CACHE_HOME",
            engine->base.device.name);
    const char *slash = strrchr(tuning->path, '/');
    char *folder = !slash ? text_copy(".")
                   : slash == tuning->path
                       ? text_copy("/")
                       : text_format("%.*s", (int)(slash - tuning->path), tuning->path);
    const bool writable = folder_make(folder) && folder_check_writable(folder);
    free(folder);
    return writable;
}

bool tuning_write(const struct vulkan_engine *engine, const struct tuning *tuning)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; // several devices may share a file
    struct tuning all = {.identity = tuning->identity};
    if (!tuning_writable(engine, tuning))
        return false;
    pthread_mutex_lock(&lock);
    // Another process may have written since this one read it. What cannot be used is replaced.
    all.path = text_copy(tuning->path);
    if (!tuning_read(&all) || !tuning_check(engine, &all))
        forget_entries(&all);
    tuning_merge(tuning, &all);
    cJSON *json = tuning_json(&all, &engine->base.device);
    const bool written = json_write(all.path, json);
    pthread_mutex_unlock(&lock);
    cJSON_Delete(json);
    tuning_free(&all);
    return written;
}
