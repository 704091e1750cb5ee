// SPDX-License-Identifier: MIT
#include "engine/vulkan/device.h"

#include "engine/vulkan/commands.h"
#include "engine/vulkan/create.h"
#include "engine/vulkan/engine.h"
#include "engine/vulkan/peaks.h"
#include "engine/vulkan/physical.h"
#include "engine/vulkan/pipeline_cache.h"
#include "engine/vulkan/pipelines.h"
#include "engine/vulkan/self_test.h"
#include "engine/vulkan/submit.h"
#include "engine/vulkan/times.h"
#include "engine/vulkan/transfer.h"
#include "engine/vulkan/tune.h"
#include "engine/vulkan/tuning.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// A file that cannot be used counts as none: whoever opens the device is told.
static int count_tuned(VkPhysicalDevice device)
{
    struct tuning tuning;
    tuning_locate(device, &tuning);
    tuning_read(&tuning);
    const int count = tuning.tile_count;
    tuning_free(&tuning);
    return count;
}

static bool vulkan_devices(struct device_info **list, int *count)
{
    struct vulkan_context context;
    if (!vulkan_context_create(&context))
        return false;
    *list = mem_grow(*list, (size_t)*count + context.count + 1, sizeof **list);
    for (uint32_t i = 0; i < context.count; i++) {
        struct vulkan_engine engine = {.context = context, .physical = context.devices[i]};
        struct device_features features;
        struct device_properties properties;
        physical_query(engine.physical, &features, &properties);
        physical_describe(&engine, &features, &properties);
        engine.base.device.tuned = count_tuned(engine.physical);
        (*list)[(*count)++] = engine.base.device;
    }
    vulkan_context_destroy(&context);
    return true;
}

static const char *vulkan_absent(void)
{
    return vulkan_loader() ? NULL : "no Vulkan loader (libvulkan.so.1)";
}

// Without VK_ENABLE_BETA_EXTENSIONS the headers do not name it.
#define PORTABILITY_SUBSET "VK_KHR_portability_subset"

// The extensions that a device is made with; most of what the kernels need is in Vulkan 1.3.
static uint32_t list_extensions(const struct vulkan_engine *engine, const char *names[3])
{
    uint32_t count = 0;
    if (engine->capture)
        names[count++] = VK_KHR_PIPELINE_EXECUTABLE_PROPERTIES_EXTENSION_NAME;
    if (engine->matrix.m > 0)
        names[count++] = VK_KHR_COOPERATIVE_MATRIX_EXTENSION_NAME;
    // What lists it must be made with it. Nothing that it lets a device lack is used here.
    if (physical_has_extension(engine->physical, PORTABILITY_SUBSET))
        names[count++] = PORTABILITY_SUBSET;
    return count;
}

static bool create_device(struct vulkan_engine *engine)
{
    const char *extensions[3];
    const uint32_t extension_count = list_extensions(engine, extensions);
    const bool matrix = engine->matrix.m > 0;
    const float priority = 1;
    const VkDeviceQueueCreateInfo queue = {
        .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
        .queueFamilyIndex = engine->family,
        .queueCount = 1,
        .pQueuePriorities = &priority,
    };
    VkPhysicalDevicePipelineExecutablePropertiesFeaturesKHR statistics = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PIPELINE_EXECUTABLE_PROPERTIES_FEATURES_KHR,
        .pipelineExecutableInfo = VK_TRUE,
    };
    VkPhysicalDeviceCooperativeMatrixFeaturesKHR matrices = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_KHR,
        .pNext = engine->capture ? &statistics : NULL,
        .cooperativeMatrix = VK_TRUE,
    };
    VkPhysicalDeviceVulkan13Features v13 = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_3_FEATURES,
        .pNext = matrix ? (void *)&matrices : matrices.pNext,
        .synchronization2 = VK_TRUE,
        .maintenance4 = VK_TRUE,
        .subgroupSizeControl = matrix,
        .computeFullSubgroups = matrix,
    };
    const VkBool32 half = engine->base.device.half == HALF_FLOAT16;
    VkPhysicalDeviceVulkan11Features v11 = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES,
        .pNext = &v13,
        .storageBuffer16BitAccess = half,
    };
    VkPhysicalDeviceVulkan12Features v12 = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES,
        .pNext = &v11,
        .shaderFloat16 = half,
        .vulkanMemoryModel = matrix,            // of matrix kernels; then the atomics and coherent
        .vulkanMemoryModelDeviceScope = matrix, // memory of the others must be allowed in it too
        .bufferDeviceAddress = VK_TRUE,
        .timelineSemaphore = VK_TRUE,
    };
    const VkDeviceCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
        .pNext = &v12,
        .queueCreateInfoCount = 1,
        .pQueueCreateInfos = &queue,
        .enabledExtensionCount = extension_count,
        .ppEnabledExtensionNames = extensions,
    };
    VK_CHECK(vkCreateDevice(engine->physical, &info, NULL, &engine->device));
    volkLoadDeviceTable(&engine->vk, engine->device);
    engine->vk.vkGetDeviceQueue(engine->device, engine->family, 0, &engine->queue);
    return true;
error:
    return false;
}

static bool create_layout(struct vulkan_engine *engine)
{
    const VkPushConstantRange range = {.stageFlags = VK_SHADER_STAGE_COMPUTE_BIT, .size = 128};
    const VkPipelineLayoutCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
        .pushConstantRangeCount = 1,
        .pPushConstantRanges = &range,
    };
    VK_CHECK(engine->vk.vkCreatePipelineLayout(engine->device, &info, NULL, &engine->layout));
    return true;
error:
    return false;
}

#define DRIVER_HONEYKRISP ((VkDriverId)26) // VK_DRIVER_ID_MESA_HONEYKRISP of newer headers

// Workarounds: one flag each, set here and nowhere else.
static void set_quirks(struct vulkan_engine *engine, const struct device_properties *properties)
{
    // llvmpipe before Mesa 23 numbered its driver 0.0.1 and loads lane by lane even where all lanes
    // read one address.
    const bool llvmpipe = properties->driver.driverID == VK_DRIVER_ID_MESA_LLVMPIPE;
    const bool numbered = VK_API_VERSION_MAJOR(properties->core.properties.driverVersion) >= 23;
    engine->slow_uniform_loads = llvmpipe && !numbered;
    // Newer ones load such an address even in the iteration in which a loop has ended and all lanes
    // are masked off: one image row past the end of a tensor at most.
    engine->read_slack = llvmpipe && numbered ? 1u << 20 : 0;
    // Mesa's compiler for Intel (26.2) gives a value registers from its first use to its last, and
    // to a sum that a loop carries twice as many where the loop's body adds to it more than once.
    // Before Panther Lake a thread has 128 registers, which all larger tiles then spilled
    // (bench/compile_lab).
    engine->lean = properties->driver.driverID == VK_DRIVER_ID_INTEL_OPEN_SOURCE_MESA;
    // Drivers that fail below what they promise in one piece: Honeykrisp from about 1 GB on
    // (AsahiLinux/linux#468), RADV on Polaris just under 4 GiB (ggml-org/llama.cpp#5441).
    const bool honeykrisp = properties->driver.driverID == DRIVER_HONEYKRISP,
               polaris = properties->driver.driverID == VK_DRIVER_ID_MESA_RADV &&
                         strstr(engine->base.device.name, "POLARIS");
    const uint64_t sound = honeykrisp ? UINT64_C(768) << 20 : UINT64_C(2) << 30;
    if ((honeykrisp || polaris) && engine->largest_piece > sound)
        engine->largest_piece = sound;
    engine->largest_piece -= engine->read_slack; // which every buffer has behind it
}

// A number in the environment, or `otherwise`: for tests and for measuring.
static bool number_wanted(const char *name, double otherwise, double *number)
{
    const char *text = getenv(name);
    char *end;
    *number = otherwise;
    if (!text || !*text)
        return true;
    *number = strtod(text, &end);
    return (!*end && *number >= 1) ||
           error_set("%s: is \"%s\": a number from 1 on is allowed", name, text);
}

// Between kernels; the heavy one is there to be measured.
static bool barrier_wanted(enum barrier *barrier)
{
    const char *text = getenv("VKGRID_BARRIER");
    *barrier = BARRIER_KERNELS;
    if (!text || !*text || strcmp(text, "kernels") == 0)
        return true;
    *barrier = BARRIER_ENDS;
    return strcmp(text, "ends") == 0 ||
           error_set("VKGRID_BARRIER: is \"%s\": kernels or ends is allowed", text);
}

// What a dispatch may do at most, in operations: a third of a second on a slow GPU of its kind, for
// desktops reset one after 2 to 10 s. No software driver is watched.
static double dispatch_work(enum device_kind kind)
{
    if (kind == DEVICE_SOFTWARE)
        return (double)INFINITY;
    return kind == DEVICE_DISCRETE ? 1e11 : 2e10;
}

// A GPU that has ended nothing for so long hangs: what is submitted takes it a second at most. A
// software driver can be as slow as that, and does not hang.
static double hang_seconds(enum device_kind kind)
{
    return kind == DEVICE_SOFTWARE ? (double)INFINITY : 120;
}

static bool set_limits(struct vulkan_engine *engine)
{
    double slots;
    if (!number_wanted("VKGRID_DISPATCH_WORK", dispatch_work(engine->base.device.kind),
                       &engine->dispatch_work) ||
        !number_wanted("VKGRID_HANG_SECONDS", hang_seconds(engine->base.device.kind),
                       &engine->patience) ||
        !number_wanted("VKGRID_PIECE_SLOTS", 0, &slots))
        return false;
    engine->most_piece_slots = slots < 65536 ? (int)slots : 65536;
    return barrier_wanted(&engine->between);
}

static void vulkan_close(struct engine *base)
{
    struct vulkan_engine *engine = (struct vulkan_engine *)base;
    if (engine->hung) { // its device and all that is on it live as long as the process
        free(engine->pipelines);
        free(engine->cache.path);
    } else {
        if (engine->device) {
            vulkan_pipelines_destroy(engine);
            pipeline_cache_close(engine);
            if (engine->layout)
                engine->vk.vkDestroyPipelineLayout(engine->device, engine->layout, NULL);
            engine->vk.vkDestroyDevice(engine->device, NULL);
        }
        vulkan_context_destroy(&engine->context);
    }
    tuning_free(engine->tuning);
    free(engine->tuning);
    free(engine);
}

static const char *vulkan_tuning_file(const struct engine *engine)
{
    return ((const struct vulkan_engine *)engine)->tuning->path;
}

static bool vulkan_slot_times(const struct engine *engine, const char *name,
                              struct slot_times *curve)
{
    const struct slot_times *found =
        tuning_find_curve(((const struct vulkan_engine *)engine)->tuning, name);
    if (found)
        *curve = *found;
    return found;
}

static bool vulkan_keep_slot_times(struct engine *base, const char *name,
                                   const struct slot_times *curve)
{
    const struct vulkan_engine *engine = (struct vulkan_engine *)base;
    tuning_put_curve(engine->tuning, name, curve, true);
    return tuning_write(engine, engine->tuning);
}

static bool self_test_wanted(bool *wanted)
{
    const char *text = getenv("VKGRID_SELF_TEST");
    *wanted = !text || !*text || strcmp(text, "on") == 0;
    return *wanted || strcmp(text, "off") == 0 ||
           error_set("VKGRID_SELF_TEST: is \"%s\": on or off is allowed", text);
}

// A logical device, and what the kernels need to run on it.
static bool start_device(struct vulkan_engine *engine, bool lab)
{
    bool test;
    CHECK(create_device(engine));
    CHECK(create_layout(engine));
    CHECK(self_test_wanted(&test));
    if (!lab)
        pipeline_cache_open(engine);
    if (!lab && test)
        CHECK(vulkan_self_test(engine));
    tuning_open(engine); // what is in it may depend on the matrix units
    return true;
error:
    return false;
}

static bool open_device(int index, bool lab, struct engine **out)
{
    struct vulkan_engine *engine = mem_zalloc(1, sizeof *engine);
    struct device_features features;
    struct device_properties properties;
    engine->base.ops = &vulkan_engine_ops;
    engine->tuning = mem_zalloc(1, sizeof *engine->tuning);
    CHECK(vulkan_context_create(&engine->context));
    if (index < 0 || (uint32_t)index >= engine->context.count)
        FAIL("vulkan: there is no device %d", index);
    engine->physical = engine->context.devices[index];
    physical_query(engine->physical, &features, &properties);
    physical_describe(engine, &features, &properties);
    engine->ieee_half = properties.floats.shaderRoundingModeRTEFloat16 &&
                        properties.floats.shaderDenormPreserveFloat16;
    set_quirks(engine, &properties);
    engine->base.device.largest_piece = engine->largest_piece;
    physical_compute_family(engine->physical, &engine->family, &engine->timestamp_bits);
    CHECK(conv_tile_wanted(&engine->tile));
    engine->reach = REACH;
    engine->capture =
        lab && physical_has_extension(engine->physical,
                                      VK_KHR_PIPELINE_EXECUTABLE_PROPERTIES_EXTENSION_NAME);
    CHECK(set_limits(engine));
    CHECK(start_device(engine, lab));
    *out = &engine->base;
    return true;
error:
    vulkan_close(&engine->base);
    return false;
}

static void vulkan_ask_memory(struct engine *base)
{
    const struct vulkan_engine *engine = (struct vulkan_engine *)base;
    memory_count(engine->physical, engine->has_budget, &base->device);
}

static bool vulkan_open(int index, struct engine **engine)
{
    return open_device(index, false, engine);
}

bool vulkan_open_lab(int index, struct engine **engine)
{
    return open_device(index, true, engine);
}

const struct engine_ops vulkan_engine_ops = {
    .name = "Vulkan",
    .devices = vulkan_devices,
    .absent = vulkan_absent,
    .open = vulkan_open,
    .close = vulkan_close,
    .ask_memory = vulkan_ask_memory,
    .memory = vulkan_memory,
    .create = vulkan_create,
    .destroy = vulkan_destroy,
    .write = vulkan_write,
    .read = vulkan_read,
    .clear = vulkan_clear,
    .run = vulkan_run,
    .times = vulkan_times,
    .wait = vulkan_wait,
    .check_guards = vulkan_check_guards,
    .peaks = vulkan_peaks,
    .tuning_file = vulkan_tuning_file,
    .tune = vulkan_tune,
    .slot_times = vulkan_slot_times,
    .keep_slot_times = vulkan_keep_slot_times,
};
