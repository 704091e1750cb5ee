// SPDX-License-Identifier: MIT
// Loader and instance. VKGRID_VALIDATE=1 loads the validation layer with core and synchronisation
// checks; its errors make the next wait fail, so that no test passes over one.
//
// volk keeps its functions in global variables, and the worker of every device makes an instance of
// its own: they are written once, under a lock. They are the loader's own, which tell instances and
// drivers apart by the handles that they get, so the first instance's serve all.
#define VOLK_IMPLEMENTATION
#include "engine/vulkan/context.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static atomic_int validation_errors;

int vulkan_validation_errors(void)
{
    return atomic_load(&validation_errors);
}

static VKAPI_ATTR VkBool32 VKAPI_CALL on_message(VkDebugUtilsMessageSeverityFlagBitsEXT severity,
                                                 VkDebugUtilsMessageTypeFlagsEXT types,
                                                 const VkDebugUtilsMessengerCallbackDataEXT *data,
                                                 void *context)
{
    (void)types;
    (void)context;
    if (severity & VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT) {
        atomic_fetch_add(&validation_errors, 1);
        fprintf(stderr, "vkgrid: validation: %s\n", data->pMessage);
    }
    return VK_FALSE;
}

static bool loader_found;

static void find_loader(void)
{
    loader_found = volkInitialize() == VK_SUCCESS;
}

bool vulkan_loader(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, find_loader);
    return loader_found;
}

static void load_functions(VkInstance instance)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static bool loaded;
    pthread_mutex_lock(&lock);
    if (!loaded)
        volkLoadInstanceOnly(instance);
    loaded = true;
    pthread_mutex_unlock(&lock);
}

static bool wants_validation(void)
{
    const char *value = getenv("VKGRID_VALIDATE");
    return value && strcmp(value, "1") == 0;
}

static bool has_layer(const char *name)
{
    VkLayerProperties layers[64];
    uint32_t count = sizeof layers / sizeof layers[0];
    const VkResult result = vkEnumerateInstanceLayerProperties(&count, layers);
    if (result != VK_SUCCESS && result != VK_INCOMPLETE)
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (strcmp(layers[i].layerName, name) == 0)
            return true;
    return false;
}

static bool has_extension(const char *name)
{
    uint32_t count = 0;
    if (vkEnumerateInstanceExtensionProperties(NULL, &count, NULL) != VK_SUCCESS)
        return false;
    VkExtensionProperties *list = mem_zalloc(count + 1, sizeof *list);
    bool found = false;
    if (vkEnumerateInstanceExtensionProperties(NULL, &count, list) == VK_SUCCESS)
        for (uint32_t i = 0; i < count && !found; i++)
            found = strcmp(list[i].extensionName, name) == 0;
    free(list);
    return found;
}

static bool create_instance(struct vulkan_context *context)
{
    static const char *const layer = "VK_LAYER_KHRONOS_validation";
    const char *extensions[2];
    const VkValidationFeatureEnableEXT enable =
        VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT;
    const VkValidationFeaturesEXT features = {
        .sType = VK_STRUCTURE_TYPE_VALIDATION_FEATURES_EXT,
        .enabledValidationFeatureCount = 1,
        .pEnabledValidationFeatures = &enable,
    };
    const VkDebugUtilsMessengerCreateInfoEXT messenger = {
        .sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT,
        .pNext = &features,
        .messageSeverity = VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT,
        .messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT,
        .pfnUserCallback = on_message,
    };
    const VkApplicationInfo application = {
        .sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
        .pApplicationName = "vkgrid",
        .apiVersion = VK_API_VERSION_1_3,
    };
    VkInstanceCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
        .pApplicationInfo = &application,
        .ppEnabledExtensionNames = extensions,
    };
    // Drivers that are Vulkan but for what their own interface lacks (MoltenVK) hide without it.
    if (has_extension(VK_KHR_PORTABILITY_ENUMERATION_EXTENSION_NAME)) {
        info.flags |= VK_INSTANCE_CREATE_ENUMERATE_PORTABILITY_BIT_KHR;
        extensions[info.enabledExtensionCount++] = VK_KHR_PORTABILITY_ENUMERATION_EXTENSION_NAME;
    }
    const bool validate = wants_validation();
    if (validate) {
        if (!has_layer(layer))
            return error_set("vulkan: VKGRID_VALIDATE=1, but there is no %s", layer);
        info.pNext = &messenger;
        info.enabledLayerCount = 1;
        info.ppEnabledLayerNames = &layer;
        extensions[info.enabledExtensionCount++] = VK_EXT_DEBUG_UTILS_EXTENSION_NAME;
    }
    const VkResult result = vkCreateInstance(&info, NULL, &context->instance);
    if (result == VK_ERROR_INCOMPATIBLE_DRIVER) // a loader without a driver
        return true;
    if (result != VK_SUCCESS)
        return error_set("vulkan: cannot make an instance: %s", vulkan_result(result));
    load_functions(context->instance);
    if (validate) {
        VkDebugUtilsMessengerCreateInfoEXT own = messenger;
        own.pNext = NULL;
        VK_CHECK(
            vkCreateDebugUtilsMessengerEXT(context->instance, &own, NULL, &context->messenger));
    }
    return true;
error:
    return false;
}

bool vulkan_context_create(struct vulkan_context *context)
{
    memset(context, 0, sizeof *context);
    if (!vulkan_loader())
        return true; // no loader on this machine
    if (volkGetInstanceVersion() < VK_API_VERSION_1_1)
        return true; // a loader too old to name a device that would do
    CHECK(create_instance(context));
    if (!context->instance)
        return true;
    context->count = VULKAN_DEVICES;
    const VkResult result =
        vkEnumeratePhysicalDevices(context->instance, &context->count, context->devices);
    if (result != VK_SUCCESS && result != VK_INCOMPLETE)
        context->count = 0; // a driver that fails here has no device to offer
    return true;
error:
    vulkan_context_destroy(context);
    return false;
}

void vulkan_context_destroy(struct vulkan_context *context)
{
    if (context->messenger)
        vkDestroyDebugUtilsMessengerEXT(context->instance, context->messenger, NULL);
    if (context->instance)
        vkDestroyInstance(context->instance, NULL);
    memset(context, 0, sizeof *context);
}

const char *vulkan_result(VkResult result)
{
    switch (result) {
    case VK_ERROR_OUT_OF_HOST_MEMORY:
        return "out of host memory";
    case VK_ERROR_OUT_OF_DEVICE_MEMORY:
        return "out of device memory";
    case VK_ERROR_INITIALIZATION_FAILED:
        return "initialisation failed";
    case VK_ERROR_DEVICE_LOST:
        return "device lost";
    case VK_ERROR_MEMORY_MAP_FAILED:
        return "mapping memory failed";
    case VK_ERROR_LAYER_NOT_PRESENT:
        return "layer not present";
    case VK_ERROR_EXTENSION_NOT_PRESENT:
        return "extension not present";
    case VK_ERROR_FEATURE_NOT_PRESENT:
        return "feature not present";
    case VK_ERROR_INCOMPATIBLE_DRIVER:
        return "incompatible driver";
    case VK_ERROR_TOO_MANY_OBJECTS:
        return "too many objects";
    default: {
        static _Thread_local char text[32];
        snprintf(text, sizeof text, "VkResult %d", (int)result);
        return text;
    }
    }
}

static enum error_kind kind_of(VkResult result)
{
    switch (result) {
    case VK_ERROR_OUT_OF_HOST_MEMORY: // drivers say so of their own address space too
    case VK_ERROR_OUT_OF_DEVICE_MEMORY:
    case VK_ERROR_MEMORY_MAP_FAILED:
        return ERROR_NO_MEMORY;
    case VK_ERROR_DEVICE_LOST:
        return ERROR_DEVICE_LOST;
    default:
        return ERROR_OTHER;
    }
}

bool vulkan_failed(const char *what, VkResult result)
{
    return error_set_kind(kind_of(result), "vulkan: %.60s: %s", what, vulkan_result(result));
}
