// SPDX-License-Identifier: MIT
// The file of compiled pipelines, whose size and hash are made right in most cases.
#include "tests/fuzz/fuzz.h"
#include "engine/vulkan/pipeline_cache.h"
#include "tests/formats/build.h"

static const struct pipeline_cache_owner owner = {
    .identity = 0x0123456789abcdef, .vendor = 0x1234, .device = 0x5678, .uuid = "a driver's name"};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const uint8_t *data;
    size_t count;
    bool other;
    if (fuzz_judge(pipeline_cache_data(&owner, bytes, size, &data, &count, &other), NULL))
        fuzz_use(data, count);
    return 0;
}

static void repair(struct bytes *file)
{
    if (file->size >= PIPELINE_CACHE_HEADER)
        pipeline_cache_header(&owner, file->at + PIPELINE_CACHE_HEADER,
                              file->size - PIPELINE_CACHE_HEADER, file->at);
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t most, unsigned seed)
{
    return fuzz_mutate(bytes, size, most, seed, repair);
}
