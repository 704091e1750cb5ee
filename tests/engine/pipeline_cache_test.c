// SPDX-License-Identifier: MIT
// Pipelines that are kept: what is written is read, what others have written is not trusted. And
// pipelines that several threads make: each once, and the first that fails is told. The driver's
// part is played here, so that its data is known.
#include "tests/test.h"
#include "engine/vulkan/device.h"
#include "engine/vulkan/pipeline_cache.h"
#include "engine/vulkan/pipelines.h"
#include "tests/formats/scratch.h"
#include "tests/test_device.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/base/processors.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SIZE = 100 };

// --- Files ---------------------------------------------------------------------------------------

static const struct pipeline_cache_owner owner = {
    .identity = 0x0123456789abcdef, .vendor = 0x1234, .device = 0x5678, .uuid = "a driver's name"};

// What a driver's data begins with, and some more.
static void make_data(const struct pipeline_cache_owner *of, uint8_t data[SIZE])
{
    const uint32_t words[] = {32, VK_PIPELINE_CACHE_HEADER_VERSION_ONE, of->vendor, of->device};
    memcpy(data, words, sizeof words);
    memcpy(data + sizeof words, of->uuid, VK_UUID_SIZE);
    for (int i = 32; i < SIZE; i++)
        data[i] = (uint8_t)(i * 7);
}

static void make_file(const struct pipeline_cache_owner *of,
                      uint8_t file[PIPELINE_CACHE_HEADER + SIZE])
{
    make_data(of, file + PIPELINE_CACHE_HEADER);
    pipeline_cache_header(of, file + PIPELINE_CACHE_HEADER, SIZE, file);
}

static void test_file(void **state)
{
    (void)state;
    uint8_t file[PIPELINE_CACHE_HEADER + SIZE];
    const uint8_t *data;
    size_t size;
    bool other;
    make_file(&owner, file);
    assert_true(pipeline_cache_data(&owner, file, sizeof file, &data, &size, &other));
    assert_ptr_equal(data, file + PIPELINE_CACHE_HEADER);
    assert_int_equal(size, SIZE);
    // Cut short anywhere, or with more behind it.
    for (size_t count = 0; count <= sizeof file; count++) {
        uint8_t *part = mem_alloc(count + 1); // so that a sanitizer sees what is read behind it
        memcpy(part, file, count);
        assert_int_equal(pipeline_cache_data(&owner, part, count, &data, &size, &other),
                         count == sizeof file);
        assert_false(other);
        free(part);
    }
    uint8_t longer[sizeof file + 1] = {0};
    memcpy(longer, file, sizeof file);
    assert_false(pipeline_cache_data(&owner, longer, sizeof longer, &data, &size, &other));
    // Any bit of it another one.
    for (size_t bit = 0; bit < 8 * sizeof file; bit++) {
        file[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (pipeline_cache_data(&owner, file, sizeof file, &data, &size, &other) || other)
            fail_msg("bit %zu is not missed", bit);
        file[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
}

// Whole, but of another device, driver or version: no reason for a warning.
static void test_others(void **state)
{
    (void)state;
    struct pipeline_cache_owner others[4] = {owner, owner, owner, owner};
    uint8_t file[PIPELINE_CACHE_HEADER + SIZE];
    const uint8_t *data;
    size_t size;
    bool other;
    others[0].identity++;
    others[1].vendor++;
    others[2].device++;
    others[3].uuid[VK_UUID_SIZE - 1]++;
    for (int i = 0; i < 4; i++) {
        make_file(&others[i], file);
        assert_false(pipeline_cache_data(&owner, file, sizeof file, &data, &size, &other));
        assert_true(other);
    }
    make_file(&owner, file);
    for (int word = 0; word < 2; word++) { // headers that no driver writes today
        make_data(&owner, file + PIPELINE_CACHE_HEADER);
        file[PIPELINE_CACHE_HEADER + 4 * word] = 0;
        pipeline_cache_header(&owner, file + PIPELINE_CACHE_HEADER, SIZE, file);
        assert_false(pipeline_cache_data(&owner, file, sizeof file, &data, &size, &other));
        assert_true(other);
    }
    make_data(&owner, file + PIPELINE_CACHE_HEADER);
    for (size_t short_of = 0; short_of < 32; short_of++) { // less than a header
        pipeline_cache_header(&owner, file + PIPELINE_CACHE_HEADER, short_of, file);
        assert_false(pipeline_cache_data(&owner, file, PIPELINE_CACHE_HEADER + short_of, &data,
                                         &size, &other));
    }
}

// --- An engine whose driver's cache is played here -----------------------------------------------

static struct {
    uint8_t data[SIZE]; // what the driver has to keep
    size_t size;
    uint8_t given[SIZE]; // what it was given
    size_t given_size;
    int creations, refusals, destroyed; // of caches; how many to refuse
} played;

static VKAPI_ATTR VkResult VKAPI_CALL create_cache(VkDevice device,
                                                   const VkPipelineCacheCreateInfo *info,
                                                   const VkAllocationCallbacks *memory,
                                                   VkPipelineCache *made)
{
    (void)device;
    (void)memory;
    played.creations++;
    if (played.refusals-- > 0)
        return VK_ERROR_OUT_OF_HOST_MEMORY;
    played.given_size = info->initialDataSize;
    assert_true(info->initialDataSize <= SIZE);
    if (info->initialDataSize > 0)
        memcpy(played.given, info->pInitialData, info->initialDataSize);
    *made = (VkPipelineCache)(uintptr_t)1;
    return VK_SUCCESS;
}

static VKAPI_ATTR VkResult VKAPI_CALL get_data(VkDevice device, VkPipelineCache cache, size_t *size,
                                               void *data)
{
    (void)device;
    (void)cache;
    if (data)
        memcpy(data, played.data, played.size);
    *size = played.size;
    return VK_SUCCESS;
}

static VKAPI_ATTR void VKAPI_CALL destroy_cache(VkDevice device, VkPipelineCache cache,
                                                const VkAllocationCallbacks *memory)
{
    (void)device;
    (void)cache;
    (void)memory;
    played.destroyed++;
}

static int device; // among Vulkan's own

static struct vulkan_engine *open_engine(void)
{
    struct engine *engine;
    if (!vulkan_open_lab(device, &engine)) // which has no cache of its own
        fail_msg("%s", error_text());
    struct vulkan_engine *vulkan = (struct vulkan_engine *)engine;
    assert_true(vulkan->cache.handle == VK_NULL_HANDLE);
    vulkan->vk.vkCreatePipelineCache = create_cache;
    vulkan->vk.vkGetPipelineCacheData = get_data;
    vulkan->vk.vkDestroyPipelineCache = destroy_cache;
    return vulkan;
}

static void close_engine(struct vulkan_engine *vulkan)
{
    struct engine *engine = &vulkan->base;
    engine_close(&engine);
}

// The driver's data, as its device would have it, with one byte of its own.
static void play_data(const struct vulkan_engine *engine, uint8_t byte)
{
    VkPhysicalDeviceProperties properties;
    struct pipeline_cache_owner of = {0};
    vkGetPhysicalDeviceProperties(engine->physical, &properties);
    of.vendor = properties.vendorID;
    of.device = properties.deviceID;
    memcpy(of.uuid, properties.pipelineCacheUUID, VK_UUID_SIZE);
    make_data(&of, played.data);
    played.data[SIZE - 1] = byte;
    played.size = SIZE;
}

// Opens the cache, makes a pipeline if asked to, closes it.
static void one_process(struct vulkan_engine *engine, bool makes)
{
    memset(played.given, 0, sizeof played.given);
    pipeline_cache_open(engine);
    if (makes)
        pipeline_cache_changed(engine);
    pipeline_cache_close(engine);
    assert_null(engine->cache.path);
}

static void test_kept(void **state)
{
    (void)state;
    const char *tuning = scratch_path("deep/er/tuning.json");
    char *path = text_format("%s.pipelines", tuning);
    struct vulkan_engine *engine = open_engine();
    setenv("VKGRID_TUNING", tuning, 1);
    play_data(engine, 1);
    one_process(engine, false); // nothing was made
    assert_false(file_exists(path));
    one_process(engine, true);
    assert_int_equal(played.given_size, 0);
    assert_true(file_exists(path));
    one_process(engine, false);
    assert_int_equal(played.given_size, SIZE);
    assert_memory_equal(played.given, played.data, SIZE);
    // What is in the file already is not written again; what is new is.
    assert_int_equal(unlink(path), 0);
    pipeline_cache_open(engine);
    pipeline_cache_changed(engine);
    assert_int_equal(unlink(path), 0);
    pipeline_cache_changed(engine);
    pipeline_cache_close(engine);
    assert_false(file_exists(path));
    pipeline_cache_open(engine);
    pipeline_cache_changed(engine); // at once
    assert_int_equal(unlink(path), 0);
    play_data(engine, 2);
    pipeline_cache_changed(engine); // not so soon again
    assert_false(file_exists(path));
    pipeline_cache_close(engine); // but at the end
    assert_true(file_exists(path));
    one_process(engine, false);
    assert_int_equal(played.given[SIZE - 1], 2);
    // A driver that keeps nothing.
    assert_int_equal(unlink(path), 0);
    played.size = 32;
    one_process(engine, true);
    assert_false(file_exists(path));
    assert_int_equal(played.creations, played.destroyed);
    free(path);
    close_engine(engine);
}

static void test_refused(void **state)
{
    (void)state;
    const char *tuning = scratch_path("damaged.json");
    char *path = text_format("%s.pipelines", tuning);
    struct vulkan_engine *engine = open_engine();
    setenv("VKGRID_TUNING", tuning, 1);
    play_data(engine, 1);
    one_process(engine, true);
    void *bytes;
    size_t size;
    assert_true(file_read(path, 1000, &bytes, &size));
    ((uint8_t *)bytes)[70] ^= 1;
    assert_true(file_write(path, bytes, size));
    one_process(engine, true); // warns, and makes it anew
    assert_int_equal(played.given_size, 0);
    one_process(engine, false);
    assert_int_equal(played.given_size, SIZE);
    // A driver that will not have it, and one that will have none.
    for (int refusals = 1; refusals < 3; refusals++) {
        const int destroyed = played.destroyed;
        played.refusals = refusals;
        one_process(engine, true);
        assert_int_equal(played.destroyed - destroyed, refusals == 1);
        assert_true(refusals == 2 || played.given_size == 0);
    }
    // Nowhere to write, and nothing wanted.
    setenv("VKGRID_TUNING", "/dev/null/tuning.json", 1);
    one_process(engine, true);
    setenv("VKGRID_TUNING", "off", 1);
    const int creations = played.creations;
    one_process(engine, true);
    assert_int_equal(played.creations, creations);
    free(bytes);
    free(path);
    close_engine(engine);
}

// --- Many at once --------------------------------------------------------------------------------

static PFN_vkCreateComputePipelines create_pipelines;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int made, failures;
static uint32_t fails[2]; // constants of ADVANCE that cannot be made, 0: none

// The first of `fails` waits until the second has failed, which takes two threads.
static VKAPI_ATTR VkResult VKAPI_CALL counted(VkDevice of, VkPipelineCache cache, uint32_t count,
                                              const VkComputePipelineCreateInfo *infos,
                                              const VkAllocationCallbacks *memory, VkPipeline *out)
{
    const uint32_t *constants = infos->stage.pSpecializationInfo->pData;
    pthread_mutex_lock(&lock);
    made++;
    for (int i = 0; i < 2; i++)
        if (fails[i] && constants[1] == fails[i]) {
            while (i == 0 && fails[1] && failures == 0 && processor_count() > 1)
                pthread_cond_wait(&changed, &lock);
            failures++;
            pthread_cond_broadcast(&changed);
            pthread_mutex_unlock(&lock);
            return i == 0 ? VK_ERROR_INITIALIZATION_FAILED : VK_ERROR_TOO_MANY_OBJECTS;
        }
    pthread_mutex_unlock(&lock);
    return create_pipelines(of, cache, count, infos, memory, out);
}

// `count` pipelines that differ in a constant that the kernel has not got.
static void list_pipelines(struct pipeline *list, int count, uint32_t first)
{
    for (int i = 0; i < count; i++)
        list[i] = (struct pipeline){.kernel = KERNEL_ID_ADVANCE,
                                    .half = i % 2, // makes no difference to this kernel
                                    .constants = {0, first + (uint32_t)i / 2}};
}

static void test_many(void **state)
{
    (void)state;
    enum { COUNT = 40 };
    struct pipeline list[COUNT], again[COUNT];
    struct vulkan_engine *engine = open_engine();
    create_pipelines = engine->vk.vkCreateComputePipelines;
    engine->vk.vkCreateComputePipelines = counted;
    list_pipelines(list, COUNT, 1);
    assert_true(vulkan_pipelines_make(engine, list, COUNT));
    assert_int_equal(made, COUNT / 2);
    assert_int_equal(engine->pipeline_count, COUNT / 2);
    for (int i = 0; i < COUNT; i++) {
        assert_true(list[i].pipeline);
        assert_true(i == 0 || (list[i].pipeline == list[i - 1].pipeline) == (i % 2));
    }
    list_pipelines(again, COUNT, 1);
    assert_true(vulkan_pipelines_make(engine, again, COUNT));
    assert_int_equal(made, COUNT / 2);
    for (int i = 0; i < COUNT; i++)
        assert_true(again[i].pipeline == list[i].pipeline);
    // One is missing among those that are there.
    again[5].constants[1] = 1000;
    assert_true(vulkan_pipelines_make(engine, again, COUNT));
    assert_int_equal(made, COUNT / 2 + 1);
    assert_true(vulkan_pipelines_make(engine, again, 0));
    close_engine(engine);
}

static void test_first_failure(void **state)
{
    (void)state;
    enum { COUNT = 20 };
    struct pipeline list[COUNT];
    struct vulkan_engine *engine = open_engine();
    create_pipelines =
        engine->vk.vkCreateComputePipelines; // a driver may be loaded anew, elsewhere
    engine->vk.vkCreateComputePipelines = counted;
    fails[0] = 101;
    fails[1] = 102;
    made = failures = 0;
    list_pipelines(list, COUNT, 101);
    assert_false(vulkan_pipelines_make(engine, list, COUNT));
    assert_non_null(strstr(error_text(), "kernel advance: "));
    assert_non_null(strstr(error_text(), "initialisation failed"));
    assert_true(made < COUNT / 2); // the others are not tried any more
    for (int i = 0; i < engine->pipeline_count; i++)
        assert_true(engine->pipelines[i].pipeline);
    // What was made stays, and what was not can be.
    fails[0] = fails[1] = 0;
    assert_true(vulkan_pipelines_make(engine, list, COUNT));
    assert_int_equal(engine->pipeline_count, COUNT / 2);
    close_engine(engine);
}

int main(void)
{
    const struct CMUnitTest alone[] = {
        cmocka_unit_test(test_file),
        cmocka_unit_test(test_others),
    };
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kept),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_first_failure),
    };
    int failed = cmocka_run_group_tests_name("pipeline cache", alone, NULL, NULL);
    struct engine *engine = open_test_device();
    if (!engine)
        return failed ? failed : SKIPPED;
    if (engine_device(engine)->kind == DEVICE_CPU) {
        printf("skipped: VKGRID_DEVICE is the processor, which has no pipelines\n");
        engine_close(&engine);
        return failed ? failed : SKIPPED;
    }
    const VkPhysicalDevice chosen = ((struct vulkan_engine *)engine)->physical;
    while (((struct vulkan_engine *)engine)->context.devices[device] != chosen)
        device++;
    engine_close(&engine);
    failed += cmocka_run_group_tests_name("pipelines of the device", tests, NULL, NULL);
    scratch_remove();
    return failed;
}
