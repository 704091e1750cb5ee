// SPDX-License-Identifier: MIT
// Instances: the loader's functions are looked up once, whatever the number of instances; drivers
// of the portability kind are asked for where the loader knows them. Needs a loader and a driver.
#include "tests/test.h"
#include "engine/vulkan/context.h"
#include "vkgrid/base/error.h"

#include <stdio.h>
#include <string.h>

static PFN_vkCreateInstance create_instance;
static PFN_vkEnumerateInstanceExtensionProperties list_extensions;
static VkInstanceCreateFlags flags;
static bool named, hidden;

// As the loader's, but keeps what was asked for.
static VKAPI_ATTR VkResult VKAPI_CALL watched(const VkInstanceCreateInfo *info,
                                              const VkAllocationCallbacks *memory, VkInstance *made)
{
    flags = info->flags;
    named = false;
    for (uint32_t i = 0; i < info->enabledExtensionCount; i++)
        named |= strcmp(info->ppEnabledExtensionNames[i],
                        VK_KHR_PORTABILITY_ENUMERATION_EXTENSION_NAME) == 0;
    return create_instance(info, memory, made);
}

// A loader with no extensions but that one, or with none.
static VKAPI_ATTR VkResult VKAPI_CALL few_extensions(const char *layer, uint32_t *count,
                                                     VkExtensionProperties *list)
{
    (void)layer;
    *count = hidden ? 0 : 1;
    if (list && !hidden)
        *list = (VkExtensionProperties){VK_KHR_PORTABILITY_ENUMERATION_EXTENSION_NAME, 1};
    return VK_SUCCESS;
}

// Stand for functions that have been looked up.
static PFN_vkEnumerateInstanceLayerProperties list_layers;

static VKAPI_ATTR VkResult VKAPI_CALL marked_layers(uint32_t *count, VkLayerProperties *list)
{
    return list_layers(count, list);
}

static VKAPI_ATTR void VKAPI_CALL marked_properties(VkPhysicalDevice device,
                                                    VkPhysicalDeviceProperties *properties)
{
    (void)device;
    (void)properties;
}

static void test_functions_once(void **state)
{
    (void)state;
    struct vulkan_context first, second;
    const PFN_vkGetPhysicalDeviceProperties properties = vkGetPhysicalDeviceProperties;
    list_layers = vkEnumerateInstanceLayerProperties;
    assert_true(vulkan_context_create(&first));
    // Another instance must leave alone what another thread may be reading.
    vkGetPhysicalDeviceProperties = marked_properties;
    vkEnumerateInstanceLayerProperties = marked_layers;
    assert_true(vulkan_context_create(&second));
    assert_ptr_equal(vkGetPhysicalDeviceProperties, marked_properties);
    assert_ptr_equal(vkEnumerateInstanceLayerProperties, marked_layers);
    vkGetPhysicalDeviceProperties = properties;
    vkEnumerateInstanceLayerProperties = list_layers;
    // And they serve it all the same, after the one that they were looked up for has gone.
    vulkan_context_destroy(&first);
    assert_true(second.count > 0);
    VkPhysicalDeviceProperties found;
    vkGetPhysicalDeviceProperties(second.devices[0], &found);
    assert_true(found.deviceName[0]);
    vulkan_context_destroy(&second);
}

static void test_portability(void **state)
{
    (void)state;
    struct vulkan_context context;
    create_instance = vkCreateInstance;
    list_extensions = vkEnumerateInstanceExtensionProperties;
    vkCreateInstance = watched;
    vkEnumerateInstanceExtensionProperties = few_extensions;
    for (int i = 0; i < 2; i++) {
        hidden = i == 1;
        const bool created = vulkan_context_create(&context);
        vulkan_context_destroy(&context);
        if (!created && !hidden) // named by this test alone
            print_message("the loader does not know it: %s\n", error_text());
        assert_int_equal(flags & VK_INSTANCE_CREATE_ENUMERATE_PORTABILITY_BIT_KHR,
                         hidden ? 0 : VK_INSTANCE_CREATE_ENUMERATE_PORTABILITY_BIT_KHR);
        assert_int_equal(named, !hidden);
    }
    vkCreateInstance = create_instance;
    vkEnumerateInstanceExtensionProperties = list_extensions;
}

int main(void)
{
    struct vulkan_context context;
    if (!vulkan_context_create(&context) || context.count == 0) {
        printf("skipped: no Vulkan device\n");
        return SKIPPED;
    }
    vulkan_context_destroy(&context);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_functions_once),
        cmocka_unit_test(test_portability),
    };
    return cmocka_run_group_tests_name("context", tests, NULL, NULL);
}
