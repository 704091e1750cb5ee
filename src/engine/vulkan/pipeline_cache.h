// SPDX-License-Identifier: MIT
// What a driver's compiler made, kept beside the tuning file: drivers have caches of their own, but
// those need a home that can be written to, which a job in a container may not have.
#pragma once

#include "engine/vulkan/engine.h"

// What a file must be of to be of use here. Its device: as VkPhysicalDeviceProperties names it.
struct pipeline_cache_owner {
    uint64_t identity;
    uint32_t vendor, device;
    uint8_t uuid[VK_UUID_SIZE];
};

// The file: 8 bytes of name and version, identity, hash and size of the driver's data, the data.
#define PIPELINE_CACHE_HEADER 32
void pipeline_cache_header(const struct pipeline_cache_owner *owner, const void *data, size_t size,
                           uint8_t header[PIPELINE_CACHE_HEADER]);

// Whether the bytes of a file, whoever wrote them, hold data that the driver can be given: at
// `*data`, *size of them. False with a message: they are damaged, or another driver's, and *other
// tells which.
bool pipeline_cache_data(const struct pipeline_cache_owner *owner, const uint8_t *bytes,
                         size_t count, const uint8_t **data, size_t *size, bool *other);

// Of engine->cache. What cannot be read or written is said once and is no error.
void pipeline_cache_open(struct vulkan_engine *engine);
// A pipeline was made that was not in it: it is kept soon, now and then.
void pipeline_cache_changed(struct vulkan_engine *engine);
void pipeline_cache_close(struct vulkan_engine *engine);
