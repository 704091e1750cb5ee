// SPDX-License-Identifier: MIT
#include "engine/vulkan/pipeline_cache.h"

#include "engine/vulkan/engine.h"
#include "engine/vulkan/tuning.h"
#include "vkgrid/base/cache.h"
#include "vkgrid/base/clock.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/hash.h"
#include "vkgrid/base/memory.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC "vkgrid\x01" // with its NUL: name and version
#define SIZE_LIMIT ((size_t)256 << 20)
#define SECONDS_BETWEEN 10 // two times that it is written

// As Vulkan lays out the beginning of the data (VkPipelineCacheHeaderVersionOne): whole words.
#define DRIVER_HEADER (16 + VK_UUID_SIZE)

static uint64_t read_word64(const uint8_t *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

static uint32_t read_word(const uint8_t *bytes)
{
    uint32_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

void pipeline_cache_header(const struct pipeline_cache_owner *owner, const void *data, size_t size,
                           uint8_t header[PIPELINE_CACHE_HEADER])
{
    const uint64_t words[] = {owner->identity, hash_bytes(data, size, owner->identity), size};
    _Static_assert(sizeof MAGIC + sizeof words == PIPELINE_CACHE_HEADER,
                   "as pipeline_cache.h says");
    memcpy(header, MAGIC, sizeof MAGIC);
    memcpy(header + sizeof MAGIC, words, sizeof words);
}

// Drivers check this too, but not all of them and not always.
static bool is_of_driver(const struct pipeline_cache_owner *owner, const uint8_t *data)
{
    return read_word(data) >= DRIVER_HEADER &&
           read_word(data + 4) == VK_PIPELINE_CACHE_HEADER_VERSION_ONE &&
           read_word(data + 8) == owner->vendor && read_word(data + 12) == owner->device &&
           memcmp(data + 16, owner->uuid, VK_UUID_SIZE) == 0;
}

bool pipeline_cache_data(const struct pipeline_cache_owner *owner, const uint8_t *bytes,
                         size_t count, const uint8_t **data, size_t *size, bool *other)
{
    *other = false;
    if (count < PIPELINE_CACHE_HEADER || memcmp(bytes, MAGIC, sizeof MAGIC) != 0)
        return error_set("is no file of pipelines");
    const uint64_t identity = read_word64(bytes + 8), hash = read_word64(bytes + 16);
    *data = bytes + PIPELINE_CACHE_HEADER;
    *size = count - PIPELINE_CACHE_HEADER;
    if (read_word64(bytes + 24) != *size || hash_bytes(*data, *size, identity) != hash)
        return error_set("is damaged");
    *other = identity != owner->identity || *size < DRIVER_HEADER || !is_of_driver(owner, *data);
    return !*other || error_set("is of another device, driver or version");
}

static void warn(const char *what)
{
    static atomic_flag warned = ATOMIC_FLAG_INIT;
    if (!atomic_flag_test_and_set(&warned))
        fprintf(stderr, "vkgrid: warning: %s: %s\n", error_text(), what);
}

static struct pipeline_cache_owner owner_of(const struct vulkan_engine *engine)
{
    VkPhysicalDeviceProperties properties;
    vkGetPhysicalDeviceProperties(engine->physical, &properties);
    struct pipeline_cache_owner owner = {
        .identity = engine->cache.identity,
        .vendor = properties.vendorID,
        .device = properties.deviceID,
    };
    memcpy(owner.uuid, properties.pipelineCacheUUID, sizeof owner.uuid);
    return owner;
}

static uint64_t hash_device(VkPhysicalDevice device)
{
    VkPhysicalDeviceIDProperties ids = {.sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_ID_PROPERTIES};
    VkPhysicalDeviceDriverProperties driver = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_DRIVER_PROPERTIES, .pNext = &ids};
    VkPhysicalDeviceProperties2 properties = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, .pNext = &driver};
    vkGetPhysicalDeviceProperties2(device, &properties);
    const uint64_t hash = hash_bytes(ids.deviceUUID, sizeof ids.deviceUUID, driver.driverID);
    return hash_text(properties.properties.deviceName, hash);
}

// One file a device, however often its driver changes, since they are large: in the user's cache
// folder, or beside the tuning file that VKGRID_TUNING names.
static void locate(struct vulkan_engine *engine)
{
    struct pipeline_cache *cache = &engine->cache;
    struct tuning tuning;
    tuning_locate(engine->physical, &tuning);
    cache->identity = tuning.identity;
    const char *wanted = getenv("VKGRID_TUNING");
    if (tuning.path && wanted && *wanted) {
        cache->path = text_format("%s.pipelines", tuning.path);
    } else if (tuning.path) {
        char digits[HASH_TEXT],
            *name =
                text_format("pipelines-%s.bin", hash_print(hash_device(engine->physical), digits));
        cache->path = cache_path(name);
        free(name);
    }
    tuning_free(&tuning);
}

static bool read_cache(const char *path, const struct pipeline_cache_owner *owner, void **bytes,
                       const uint8_t **data, size_t *size, bool *other)
{
    size_t count;
    return file_read(path, SIZE_LIMIT, bytes, &count) &&
           (pipeline_cache_data(owner, *bytes, count, data, size, other) ||
            error_prefix("%s", path));
}

static bool create_cache(struct vulkan_engine *engine, const VkPipelineCacheCreateInfo *info)
{
    VkPipelineCache *cache = &engine->cache.handle;
    if (engine->vk.vkCreatePipelineCache(engine->device, info, NULL, cache) == VK_SUCCESS)
        return true;
    *cache = VK_NULL_HANDLE;
    return false;
}

void pipeline_cache_open(struct vulkan_engine *engine)
{
    struct pipeline_cache *cache = &engine->cache;
    VkPipelineCacheCreateInfo info = {.sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO};
    const uint8_t *data;
    void *bytes = NULL;
    size_t size;
    bool other = false;
    locate(engine);
    if (!cache->path)
        return;
    const struct pipeline_cache_owner owner = owner_of(engine);
    if (file_exists(cache->path)) {
        if (read_cache(cache->path, &owner, &bytes, &data, &size, &other)) {
            cache->kept = hash_bytes(data, size, owner.identity);
            info.pInitialData = data;
            info.initialDataSize = size;
        } else if (!other) {
            warn("not used; it is made anew");
        }
    }
    if (!create_cache(engine, &info)) {
        info.pInitialData = NULL;
        info.initialDataSize = 0;
        cache->kept = 0;
        create_cache(engine, &info);
    }
    free(bytes);
}

static bool write_cache(const struct pipeline_cache *cache, const uint8_t *header, const void *data,
                        size_t size)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; // several devices may share a file
    const struct file_part parts[] = {{header, PIPELINE_CACHE_HEADER}, {data, size}};
    char *folder = text_copy(cache->path), *slash = strrchr(folder, '/');
    if (slash)
        *slash = 0;
    pthread_mutex_lock(&lock);
    const bool written = (!slash || slash == folder || folder_make(folder)) &&
                         file_write_parts(cache->path, parts, 2);
    pthread_mutex_unlock(&lock);
    free(folder);
    return written;
}

// Writes what is new, if anything is.
static void keep(struct vulkan_engine *engine)
{
    struct pipeline_cache *cache = &engine->cache;
    const struct VolkDeviceTable *vk = &engine->vk;
    const struct pipeline_cache_owner owner = owner_of(engine);
    uint8_t header[PIPELINE_CACHE_HEADER];
    size_t size = 0;
    if (!cache->handle || !cache->changed || engine->lost)
        return;
    cache->changed = false;
    cache->written = seconds_now();
    if (vk->vkGetPipelineCacheData(engine->device, cache->handle, &size, NULL) != VK_SUCCESS ||
        size <= DRIVER_HEADER || size > SIZE_LIMIT - PIPELINE_CACHE_HEADER)
        return;
    void *data = mem_alloc(size);
    if (vk->vkGetPipelineCacheData(engine->device, cache->handle, &size, data) == VK_SUCCESS) {
        const uint64_t hash = hash_bytes(data, size, owner.identity);
        pipeline_cache_header(&owner, data, size, header);
        if (hash != cache->kept && !write_cache(cache, header, data, size))
            warn("pipelines are not kept");
        cache->kept = hash;
    }
    free(data);
}

void pipeline_cache_changed(struct vulkan_engine *engine)
{
    struct pipeline_cache *cache = &engine->cache;
    cache->changed = true;
    if (cache->written == 0 || seconds_now() - cache->written > SECONDS_BETWEEN)
        keep(engine);
}

void pipeline_cache_close(struct vulkan_engine *engine)
{
    struct pipeline_cache *cache = &engine->cache;
    if (cache->handle) {
        keep(engine);
        engine->vk.vkDestroyPipelineCache(engine->device, cache->handle, NULL);
    }
    free(cache->path);
    *cache = (struct pipeline_cache){0};
}
