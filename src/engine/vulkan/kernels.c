// SPDX-License-Identifier: MIT
// The table of kernels. Words come from the build (shaders/meson.build).
#include "engine/vulkan/kernels.h"

#include "engine/vulkan/push.h"
#include "shaders/kernel_words.h"
#include "vkgrid/base/hash.h"

struct kernel_info {
    const char *name;
    uint32_t push_size;
    bool matrix;
    // SPIR-V with fp32 and with fp16 activations, and with those by the float controls of IEEE_HALF
    // (common.glsl); NULL where there is none.
    struct kernel_words plain, half, ieee;
};

#define INFO(id, name, push, is_matrix, plain, half, ieee) \
    [KERNEL_ID_##id] = {#name, sizeof(struct push), is_matrix, plain, half, ieee},
// clang-format off
#define WORDS(words) {words, sizeof words}
#define NONE {NULL, 0}
// clang-format on
#define PLAIN(id, name, push) \
    INFO(id, name, push, false, WORDS(name##_words), WORDS(name##_words), WORDS(name##_words))
#define ACTIVATIONS(id, name, push) \
    INFO(id, name, push, false, WORDS(name##_words), WORDS(name##_half_words), \
         WORDS(name##_half_ieee_words))
#define HALF(id, name, push) \
    INFO(id, name, push, false, NONE, WORDS(name##_words), WORDS(name##_ieee_words))
#ifdef MATRIX_KERNELS
#define MATRIX(id, name, push) \
    INFO(id, name, push, true, NONE, WORDS(name##_words), WORDS(name##_ieee_words))
#else
#define MATRIX(id, name, push) INFO(id, name, push, true, NONE, NONE, NONE)
#endif

static const struct kernel_info kernels[KERNEL_ID_COUNT] = {
    KERNELS(PLAIN, ACTIVATIONS, HALF, MATRIX)};

bool vulkan_has_kernel(enum kernel kernel)
{
    return kernels[kernel].half.words != NULL;
}

bool vulkan_is_matrix_kernel(enum kernel kernel)
{
    return kernels[kernel].matrix;
}

bool vulkan_has_halves(enum kernel kernel)
{
    return kernels[kernel].plain.words != kernels[kernel].half.words;
}

struct kernel_words vulkan_kernel_words(enum kernel kernel, bool half, bool ieee)
{
    const struct kernel_info *info = &kernels[kernel];
    if (!half)
        return info->plain;
    return ieee ? info->ieee : info->half;
}

uint64_t vulkan_kernels_hash(void)
{
    uint64_t hash = 0;
    for (int i = 0; i < KERNEL_ID_COUNT; i++) {
        hash = hash_bytes(kernels[i].plain.words, kernels[i].plain.size, hash);
        hash = hash_bytes(kernels[i].half.words, kernels[i].half.size, hash);
        hash = hash_bytes(kernels[i].ieee.words, kernels[i].ieee.size, hash);
    }
    return hash;
}

uint32_t vulkan_push_size(enum kernel kernel)
{
    return kernels[kernel].push_size;
}

const char *vulkan_kernel_name(enum kernel kernel)
{
    return kernels[kernel].name;
}
