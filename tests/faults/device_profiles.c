// SPDX-License-Identifier: MIT
// Where figures come from:
//   Mesa   what Mesa 26.2.6 itself says when it runs over a stand-in for the kernel's driver
//   (bench/compile_lab),
//          its heaps replaced by those of the card that is named
//   source the driver's source
//   report somebody's vulkaninfo, or what a project's maintainers found
//   guess  like its neighbours, or from memory; budgets are those of a desktop that is in use
#include "tests/faults/device_profiles.h"

#include <stddef.h>
#include <string.h>

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

#define LOCAL VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT
#define VISIBLE VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT
#define COHERENT VK_MEMORY_PROPERTY_HOST_COHERENT_BIT
#define CACHED VK_MEMORY_PROPERTY_HOST_CACHED_BIT
#define SLOW /* only with a feature of its own */ \
    (VK_MEMORY_PROPERTY_DEVICE_COHERENT_BIT_AMD | VK_MEMORY_PROPERTY_DEVICE_UNCACHED_BIT_AMD)

#define ALL (VK_QUEUE_GRAPHICS_BIT | VK_QUEUE_COMPUTE_BIT | VK_QUEUE_TRANSFER_BIT)
#define COMPUTE (VK_QUEUE_COMPUTE_BIT | VK_QUEUE_TRANSFER_BIT)
#define COPIES VK_QUEUE_TRANSFER_BIT

// Mesa, navi31 and navi33. Both may use 0xfffffffc bytes in one piece.
#define RADV(card, number, bytes, free) \
    .device = card, .driver = "radv", .info = "Mesa 26.2.6", .driver_id = VK_DRIVER_ID_MESA_RADV, \
    .vendor = 0x1002, .id = number, .api = VK_MAKE_API_VERSION(0, 1, 4, 354), \
    .type = VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU, .allocation = 0xfffffffc, .buffer = 0xfffffffc, \
    .shared = 65536, .invocations = 1024, .local = {1024, 1024, 1024}, \
    .groups = {UINT32_MAX, 65535, 65535}, .atom = 64, .tick = 10, .subgroup = 64, \
    .least_subgroup = 32, .most_subgroup = 64, .sets_subgroup = true, .half = true, \
    .matrix = true, .denormals = true, .to_even = true, .told = true, .heap_count = 2, \
    .heaps = {{.size = 32 * GIB, .budget = 28 * GIB}, \
              {.size = bytes, .budget = free, .local = true}}, \
    .memory_count = 6, \
    .memory = {{LOCAL, 1}, \
               {VISIBLE | COHERENT, 0}, \
               {LOCAL | VISIBLE | COHERENT, 1}, \
               {VISIBLE | COHERENT | CACHED, 0}, \
               {LOCAL | SLOW, 1}, \
               {VISIBLE | COHERENT | SLOW, 0}}, \
    .family_count = 2, .families = {{ALL, 1, 64}, {COMPUTE, 4, 64}}

// Largest pieces: report (GPUOpen-Drivers/AMDVLK 413, xgl 40). Heaps, types and atoms: reports of
// cards without resizable BAR. maxComputeWorkGroupCount, shared memory and float controls: guess.
#define AMDVLK(card, number, bytes, free) \
    .device = card, .driver = "AMD open-source driver", .info = "2025.Q2.1 (LLPC)", \
    .driver_id = VK_DRIVER_ID_AMD_OPEN_SOURCE, .vendor = 0x1002, .id = number, \
    .api = VK_MAKE_API_VERSION(0, 1, 4, 313), .type = VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU, \
    .allocation = 2 * GIB, .buffer = 2 * GIB, .shared = 32768, .invocations = 1024, \
    .local = {1024, 1024, 1024}, .groups = {65535, 65535, 65535}, .atom = 128, .tick = 10, \
    .subgroup = 64, .least_subgroup = 32, .most_subgroup = 64, .sets_subgroup = true, \
    .half = true, .matrix = true, .denormals = true, .to_even = true, .told = true, \
    .heap_count = 3, \
    .heaps = {{.size = (bytes)-256 * MIB, .budget = free, .local = true}, \
              {.size = 16 * GIB, .budget = 15 * GIB}, \
              {.size = 256 * MIB, .budget = 173 * MIB, .local = true}}, \
    .memory_count = 8, \
    .memory = {{LOCAL, 0}, \
               {VISIBLE | COHERENT, 1}, \
               {LOCAL | VISIBLE | COHERENT, 2}, \
               {VISIBLE | COHERENT | CACHED, 1}, \
               {LOCAL | SLOW, 0}, \
               {VISIBLE | COHERENT | SLOW, 1}, \
               {LOCAL | VISIBLE | COHERENT | SLOW, 2}, \
               {VISIBLE | COHERENT | CACHED | SLOW, 1}}, \
    .family_count = 3, .families = {{ALL, 1, 64}, {COMPUTE, 4, 64}, {COPIES, 2, 64}}

// Mesa, bmg and tgl. A buffer has at most 4 GiB, memory as much as the heap. Until about 2023 both
// had 2 GiB (source).
#define ANV(card, number) \
    .device = card, .driver = "Intel open-source Mesa driver", .info = "Mesa 26.2.6", \
    .driver_id = VK_DRIVER_ID_INTEL_OPEN_SOURCE_MESA, .vendor = 0x8086, .id = number, \
    .api = VK_MAKE_API_VERSION(0, 1, 4, 354), .buffer = 4 * GIB, .shared = 49152, \
    .invocations = 1024, .local = {1024, 1024, 1024}, .groups = {INT32_MAX, 65535, 65535}, \
    .atom = 64, .tick = 52.0833f, .subgroup = 32, .most_subgroup = 32, .sets_subgroup = true, \
    .half = true, .denormals = true, .to_even = true, .told = true

static const struct device_profile profiles[] = {
    {
        // 0xffe00000 bytes an allocation: reports, of all driver versions. A buffer of 1 TiB and
        // limits of workgroups: report, of consumer cards. Heap: what nvidia-smi tells of the card;
        // its budget, and memory that can be mapped whole: guess. Float controls: report, of a
        // Jetson; elsewhere denormals are said not to be kept. Queue families: reports, video
        // apart.
        .name = "nvidia-80gb",
        .device = "NVIDIA H100 80GB HBM3",
        .driver = "NVIDIA",
        .info = "580.95.05",
        .driver_id = VK_DRIVER_ID_NVIDIA_PROPRIETARY,
        .vendor = 0x10de,
        .id = 0x2330,
        .api = VK_MAKE_API_VERSION(0, 1, 4, 312),
        .type = VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU,
        .allocation = 0xffe00000,
        .buffer = 1024 * GIB,
        .shared = 49152,
        .invocations = 1024,
        .local = {1024, 1024, 64},
        .groups = {INT32_MAX, 65535, 65535},
        .atom = 64,
        .tick = 1,
        .subgroup = 32,
        .least_subgroup = 32,
        .most_subgroup = 32,
        .sets_subgroup = true,
        .half = true,
        .matrix = true,
        .denormals = true,
        .to_even = true,
        .told = true,
        .heap_count = 2,
        .heaps = {{.size = 81559 * MIB, .budget = 80800 * MIB, .local = true},
                  {.size = 180 * GIB, .budget = 180 * GIB}},
        .memory_count = 5,
        .memory = {{0, 1},
                   {LOCAL, 0},
                   {VISIBLE | COHERENT, 1},
                   {VISIBLE | COHERENT | CACHED, 1},
                   {LOCAL | VISIBLE | COHERENT, 0}},
        .family_count = 3,
        .families = {{ALL, 16, 64}, {COPIES, 2, 64}, {COMPUTE, 8, 64}},
    },
    {.name = "radv-24gb",
     RADV("AMD Radeon RX 7900 XTX (RADV NAVI31)", 0x744c, 24560 * MIB, 23 * GIB)},
    {.name = "radv-8gb", RADV("AMD Radeon RX 7600 (RADV NAVI33)", 0x7480, 8176 * MIB, 7 * GIB)},
    {.name = "amdvlk-24gb", AMDVLK("AMD Radeon RX 7900 XTX", 0x744c, 24560 * MIB, 23 * GIB)},
    {.name = "amdvlk-8gb", AMDVLK("AMD Radeon RX 7600", 0x7480, 8176 * MIB, 7 * GIB)},
    {
        // Heap: guess. Budget: nine tenths of what is free (Mesa). On real cards there may be a
        // family for compute alone, of which the stand-in tells nothing.
        .name = "anv-12gb",
        ANV("Intel(R) Arc(tm) B580 Graphics (BMG G21)", 0xe20b),
        .type = VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU,
        .least_subgroup = 16,
        .matrix = true,
        .heap_count = 2,
        .heaps = {{.size = 12216 * MIB, .budget = 10400 * MIB, .local = true},
                  {.size = 16 * GIB, .budget = 14 * GIB}},
        .memory_count = 3,
        .memory = {{LOCAL, 0}, {VISIBLE | COHERENT | CACHED, 1}, {LOCAL | VISIBLE | COHERENT, 0}},
        .family_count = 2,
        .families = {{ALL, 1, 64}, {COPIES, 1, 64}},
    },
    {
        // Three quarters of the machine's 16 GiB (Mesa), of which 5 are in use.
        .name = "igpu-16gb",
        ANV("Intel(R) Iris(R) Xe Graphics (TGL GT2)", 0x9a49),
        .type = VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU,
        .least_subgroup = 8,
        .heap_count = 1,
        .heaps = {{.size = 12 * GIB, .budget = 10137 * MIB, .local = true}},
        .memory_count = 3,
        .memory = {{LOCAL, 0},
                   {LOCAL | VISIBLE | COHERENT, 0},
                   {LOCAL | VISIBLE | COHERENT | CACHED, 0}},
        .family_count = 1,
        .families = {{ALL, 1, 36}},
    },
    {
        // Source (src/broadcom/vulkan). Heap and memory type: report (ggml-org/llama.cpp 5237). No
        // fp16: mixed precision is refused.
        .name = "pi5-8gb",
        .device = "V3D 7.1.7.0",
        .driver = "V3DV Mesa",
        .info = "Mesa 25.2",
        .driver_id = VK_DRIVER_ID_MESA_V3DV,
        .vendor = 0x14e4,
        .id = 0x55701c33,
        .api = VK_MAKE_API_VERSION(0, 1, 3, 305),
        .type = VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU,
        .allocation = GIB,
        .buffer = GIB,
        .shared = 16384,
        .invocations = 256,
        .local = {256, 256, 256},
        .groups = {65535, 65535, 65535},
        .atom = 256,
        .tick = 1,
        .subgroup = 16,
        .least_subgroup = 16,
        .most_subgroup = 16,
        .denormals = true,
        .to_even = true,
        .told = true,
        .heap_count = 1,
        .heaps = {{.size = 4 * GIB, .budget = 4 * GIB, .local = true}},
        .memory_count = 1,
        .memory = {{LOCAL | VISIBLE | COHERENT, 0}},
        .family_count = 1,
        .families = {{ALL, 1, 64}},
    },
    {
        // Source (MVKDevice.mm). Heap: report of a Mac with 16 GB; of that three quarters in one
        // piece: report. Least subgroup and atom: guess.
        .name = "moltenvk-16gb",
        .device = "Apple M2 Pro",
        .driver = "MoltenVK",
        .info = "1.4.1",
        .driver_id = VK_DRIVER_ID_MOLTENVK,
        .vendor = 0x106b,
        .id = 0x1b050209,
        .api = VK_MAKE_API_VERSION(0, 1, 4, 334),
        .type = VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU,
        .allocation = 9093 * MIB,
        .buffer = 9093 * MIB,
        .shared = 32768,
        .invocations = 1024,
        .local = {1024, 1024, 1024},
        .groups = {1 << 30, 1 << 30, 1 << 30},
        .atom = 16384,
        .tick = 1,
        .subgroup = 32,
        .least_subgroup = 4,
        .most_subgroup = 32,
        .half = true,
        .portability = true,
        .to_even = true,
        .told = true,
        .heap_count = 1,
        .heaps = {{.size = 12124 * MIB, .budget = 12124 * MIB, .local = true}},
        .memory_count = 2,
        .memory = {{LOCAL, 0}, {LOCAL | VISIBLE | COHERENT | CACHED, 0}},
        .family_count = 4,
        .families = {{ALL, 1, 64}, {ALL, 1, 64}, {ALL, 1, 64}, {ALL, 1, 64}},
    },
};

const struct device_profile *device_profile(const char *name)
{
    for (size_t i = 0; i < sizeof profiles / sizeof profiles[0]; i++)
        if (strcmp(profiles[i].name, name) == 0)
            return &profiles[i];
    return NULL;
}
