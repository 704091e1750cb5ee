// SPDX-License-Identifier: MIT
// An Intel GPU that is not there: answers, in place of the kernel's i915 and xe drivers, what
// Mesa's Vulkan driver (ANV) asks of them until it has a VkDevice and compiles pipelines. Nothing
// runs: submissions and waits succeed at once.
//
//   INTEL_SHIM_DEVICE=bmg LD_PRELOAD=./libintel_shim.so VK_DRIVER_FILES=.../intel_icd.json COMMAND
//
// INTEL_SHIM_DEVICE: one of the chips below (dg2 if there is none).
// INTEL_SHIM_DEBUG:  1 tells on stderr of requests that are refused, 2 of all.
//
// The render node is a memfd: buffers are ranges of it, so that mmap needs no help, and a duplicate
// of the node's descriptor is known by the memfd's inode.
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/dma-buf.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <xf86drm.h>

#include <drm/i915_drm.h>
#include <drm/xe_drm.h>

#define PUBLIC __attribute__((visibility("default")))
#define GIB (1ull << 30)
#define NODE "/dev/dri/intel-shim" // ANV keeps 19 characters of it
#define SYSTEM_MEMORY (16 * GIB)
#define CLOCK 19200000 // Hz
#define OBJECT_ALIGNMENT 65536

struct chip {
    const char *name, *kernel; // the kernel's driver, by which ANV asks
    uint16_t pci, revision;    // revision: of released chips, it turns workarounds on and off
    uint8_t ip[3];             // xe: graphics version and stepping, as GMD_ID says
    uint8_t slices, subslices; // subslices: of a slice. i915 knows one slice only from DG2 on
    uint8_t eus, eu_threads;   // of a subslice; of an EU
    uint64_t vram;             // bytes
};

static const struct chip chips[] = {
    {"cfl", "i915", 0x3e92, 0, {0}, 1, 3, 8, 7, 0},             // UHD Graphics 630
    {"icl", "i915", 0x8a52, 7, {0}, 1, 8, 8, 7, 0},             // Iris Plus, 64 EUs
    {"tgl", "i915", 0x9a49, 3, {0}, 1, 6, 16, 7, 0},            // Iris Xe of Tiger Lake, 96 EUs
    {"adl", "i915", 0x46a6, 12, {0}, 1, 6, 16, 7, 0},           // Iris Xe of Alder Lake, 96 EUs
    {"dg2", "i915", 0x56a0, 8, {0}, 1, 32, 16, 8, 16 * GIB},    // Arc A770
    {"mtl", "i915", 0x7d55, 4, {0}, 1, 8, 16, 8, 0},            // Arc of Meteor Lake, no XMX
    {"arl", "i915", 0x7d51, 4, {0}, 1, 8, 16, 8, 0},            // Arc 140T of Arrow Lake H
    {"lnl", "xe", 0x64a0, 4, {20, 4, 4}, 2, 4, 8, 8, 0},        // Arc 140V of Lunar Lake
    {"bmg", "xe", 0xe20b, 0, {20, 1, 4}, 5, 4, 8, 8, 16 * GIB}, // Arc B580 (12 GiB in truth)
    {"ptl", "xe", 0xb080, 4, {30, 0, 4}, 2, 6, 8, 10, 0},       // Arc B390 of Panther Lake
};

static const struct chip *chip;
static int node = -1;
static struct stat node_stat;
static int debug;
static int (*real_ioctl)(int, unsigned long, ...);
static int (*real_open)(const char *, int, ...);

static void start(void)
{
    const char *wanted = getenv("INTEL_SHIM_DEVICE"), *level = getenv("INTEL_SHIM_DEBUG");
    *(void **)&real_ioctl = dlsym(RTLD_NEXT, "ioctl");
    *(void **)&real_open = dlsym(RTLD_NEXT, "open64");
    debug = level ? atoi(level) : 0;
    for (size_t i = 0; i < sizeof chips / sizeof chips[0]; i++)
        if (!strcmp(chips[i].name, wanted && *wanted ? wanted : "dg2"))
            chip = &chips[i];
    if (!chip) {
        fprintf(stderr, "intel_shim: INTEL_SHIM_DEVICE: there is no %s\n", wanted);
        return;
    }
    node = memfd_create("intel-shim", MFD_CLOEXEC);
    if (node < 0 || ftruncate(node, 1ll << 46) || fstat(node, &node_stat)) {
        fprintf(stderr, "intel_shim: memfd: %s\n", strerror(errno));
        chip = NULL;
    }
}

static bool is_there(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, start);
    return chip != NULL;
}

static bool is_node(int fd)
{
    struct stat st;
    return is_there() && !fstat(fd, &st) && st.st_ino == node_stat.st_ino &&
           st.st_dev == node_stat.st_dev;
}

static int duplicate(void)
{
    return fcntl(node, F_DUPFD_CLOEXEC, 3);
}

static uint32_t new_id(void)
{
    static atomic_uint last;
    return atomic_fetch_add(&last, 1) + 1;
}

static uint64_t nanoseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

// Buffers. A handle is not used again.
static struct {
    uint64_t offset, size;
} objects[1 << 16];
#define OBJECTS (sizeof objects / sizeof objects[0])

static int create_object(uint64_t size, uint32_t *handle)
{
    static atomic_uint last;
    static atomic_ullong end;
    const uint32_t h = atomic_fetch_add(&last, 1) + 1;
    if (h >= OBJECTS)
        return -ENOMEM;
    size = (size + OBJECT_ALIGNMENT - 1) / OBJECT_ALIGNMENT * OBJECT_ALIGNMENT;
    objects[h].offset = atomic_fetch_add(&end, size);
    objects[h].size = size;
    *handle = h;
    return 0;
}

static int map_object(uint32_t handle, __u64 *offset)
{
    if (handle == 0 || handle >= OBJECTS || !objects[handle].size)
        return -ENOENT;
    *offset = objects[handle].offset;
    return 0;
}

static int close_object(uint32_t handle)
{
    if (handle == 0 || handle >= OBJECTS || !objects[handle].size)
        return -EINVAL;
    fallocate(node, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)objects[handle].offset,
              (off_t)objects[handle].size);
    objects[handle].size = 0;
    return 0;
}

// What every kernel driver answers.

static void tell(char *to, __kernel_size_t *length, const char *text)
{
    if (to && *length >= strlen(text))
        memcpy(to, text, strlen(text));
    *length = strlen(text);
}

// Whatever is waited for has happened.
static int wait_for(unsigned int number, void *argument)
{
    switch (number) {
    case _IOC_NR(DRM_IOCTL_SYNCOBJ_CREATE):
        ((struct drm_syncobj_create *)argument)->handle = new_id();
        return 0;
    case _IOC_NR(DRM_IOCTL_SYNCOBJ_WAIT):
        ((struct drm_syncobj_wait *)argument)->first_signaled = 0;
        return 0;
    case _IOC_NR(DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT):
        ((struct drm_syncobj_timeline_wait *)argument)->first_signaled = 0;
        return 0;
    case _IOC_NR(DRM_IOCTL_SYNCOBJ_QUERY): {
        const struct drm_syncobj_timeline_array *a = argument;
        for (uint32_t i = 0; i < a->count_handles; i++)
            ((uint64_t *)(uintptr_t)a->points)[i] = INT64_MAX;
        return 0;
    }
    case _IOC_NR(DRM_IOCTL_SYNCOBJ_DESTROY):
    case _IOC_NR(DRM_IOCTL_SYNCOBJ_RESET):
    case _IOC_NR(DRM_IOCTL_SYNCOBJ_SIGNAL):
    case _IOC_NR(DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL):
        return 0;
    default:
        return -EINVAL;
    }
}

static int common(unsigned int number, void *argument)
{
    switch (number) {
    case _IOC_NR(DRM_IOCTL_VERSION): {
        struct drm_version *v = argument;
        v->version_major = 1;
        v->version_minor = strcmp(chip->kernel, "xe") ? 6 : 1;
        v->version_patchlevel = 0;
        tell(v->name, &v->name_len, chip->kernel);
        tell(v->date, &v->date_len, "20260101");
        tell(v->desc, &v->desc_len, "no hardware");
        return 0;
    }
    case _IOC_NR(DRM_IOCTL_GET_CAP): {
        struct drm_get_cap *cap = argument;
        cap->value =
            cap->capability == DRM_CAP_PRIME
                ? DRM_PRIME_CAP_IMPORT | DRM_PRIME_CAP_EXPORT
                : cap->capability == DRM_CAP_SYNCOBJ || cap->capability == DRM_CAP_SYNCOBJ_TIMELINE;
        return 0;
    }
    case _IOC_NR(DRM_IOCTL_GEM_CLOSE):
        return close_object(((struct drm_gem_close *)argument)->handle);
    case _IOC_NR(DRM_IOCTL_PRIME_HANDLE_TO_FD): // to ask for DMA_BUF_..._SYNC_FILE only
        ((struct drm_prime_handle *)argument)->fd = duplicate();
        return 0;
    default:
        return wait_for(number, argument);
    }
}

// The firmware's table of what the chip has: key, length, values. ANV reads it from DG2 on.
static size_t hardware_table(void *to)
{
    const uint32_t slices = (uint32_t)(chip->ip[0] ? chip->slices : chip->subslices / 4);
    const uint32_t subslices = (uint32_t)chip->slices * chip->subslices;
    const uint32_t table[] = {
        1,  1, slices,           // slices
        2,  1, subslices,        // (dual) subslices
        3,  1, chip->eus,        // EUs of a subslice
        4,  1, 2,                // pixel pipes of a slice
        15, 1, chip->eu_threads, // threads of an EU
        63, 1, 1,                // geometry pipes of a slice
        70, 1, subslices,        // subslices, from Xe2 on
    };
    memcpy(to, table, sizeof table);
    return sizeof table;
}

static void set_bits(uint8_t *to, unsigned int bits)
{
    for (unsigned int i = 0; i < bits; i++)
        to[i / 8] |= (uint8_t)(1u << i % 8);
}

// i915

static int i915_parameter(int parameter, int *value)
{
    *value = 1;
    switch (parameter) {
    case I915_PARAM_CHIPSET_ID:
        *value = chip->pci;
        return 0;
    case I915_PARAM_REVISION:
        *value = chip->revision;
        return 0;
    case I915_PARAM_CS_TIMESTAMP_FREQUENCY:
        *value = CLOCK;
        return 0;
    case I915_PARAM_MMAP_VERSION:
    case I915_PARAM_MMAP_GTT_VERSION:
        *value = 4; // buffers are mapped by offset
        return 0;
    case I915_PARAM_HAS_EXECBUF2:
    case I915_PARAM_HAS_WAIT_TIMEOUT:
    case I915_PARAM_HAS_EXEC_SOFTPIN:
    case I915_PARAM_HAS_EXEC_ASYNC:
    case I915_PARAM_HAS_EXEC_CAPTURE:
    case I915_PARAM_HAS_EXEC_FENCE_ARRAY:
    case I915_PARAM_HAS_EXEC_TIMELINE_FENCES:
    case I915_PARAM_HAS_CONTEXT_ISOLATION:
        return 0;
    case I915_PARAM_PXP_STATUS: // protected content
        return -ENODEV;
    default:
        return -EINVAL;
    }
}

// One item of a query: its bytes, or 0 if there is no such thing. `to` is all 0.
static size_t i915_item(uint64_t id, void *to)
{
    switch (id) {
    case DRM_I915_QUERY_TOPOLOGY_INFO:
    case DRM_I915_QUERY_GEOMETRY_SUBSLICES: {
        // Masks of bits: slices, subslices of each slice, EUs of each subslice.
        struct drm_i915_query_topology_info *t = to;
        const unsigned int all = (unsigned int)chip->slices * chip->subslices;
        t->max_slices = chip->slices;
        t->max_subslices = chip->subslices;
        t->max_eus_per_subslice = chip->eus;
        t->subslice_offset = 1;
        t->subslice_stride = (uint16_t)((chip->subslices + 7) / 8);
        t->eu_offset = (uint16_t)(t->subslice_offset + chip->slices * t->subslice_stride);
        t->eu_stride = (uint16_t)((chip->eus + 7) / 8);
        set_bits(t->data, chip->slices);
        for (unsigned int s = 0; s < chip->slices; s++)
            set_bits(t->data + t->subslice_offset + s * t->subslice_stride, chip->subslices);
        for (unsigned int s = 0; s < all; s++)
            set_bits(t->data + t->eu_offset + s * t->eu_stride, chip->eus);
        return sizeof *t + t->eu_offset + all * t->eu_stride;
    }
    case DRM_I915_QUERY_ENGINE_INFO: {
        struct drm_i915_query_engine_info *e = to;
        e->engines[e->num_engines++].engine.engine_class = I915_ENGINE_CLASS_RENDER;
        e->engines[e->num_engines++].engine.engine_class = I915_ENGINE_CLASS_COPY;
        if (chip->eu_threads > 7) // from DG2 on
            e->engines[e->num_engines++].engine.engine_class = I915_ENGINE_CLASS_COMPUTE;
        return sizeof *e + e->num_engines * sizeof e->engines[0];
    }
    case DRM_I915_QUERY_MEMORY_REGIONS: {
        struct drm_i915_query_memory_regions *m = to;
        m->num_regions = chip->vram ? 2 : 1;
        m->regions[0].region.memory_class = I915_MEMORY_CLASS_SYSTEM;
        m->regions[0].probed_size = m->regions[0].unallocated_size = SYSTEM_MEMORY;
        if (chip->vram) { // all of it seen by the CPU (resizable BAR)
            m->regions[1].region.memory_class = I915_MEMORY_CLASS_DEVICE;
            m->regions[1].probed_size = m->regions[1].unallocated_size = chip->vram;
            m->regions[1].probed_cpu_visible_size = chip->vram;
            m->regions[1].unallocated_cpu_visible_size = chip->vram;
        }
        return sizeof *m + m->num_regions * sizeof m->regions[0];
    }
    case DRM_I915_QUERY_HWCONFIG_BLOB:
        return chip->eu_threads > 7 ? hardware_table(to) : 0;
    default:
        return 0;
    }
}

// A length of 0 asks for the length.
static int i915_query(const struct drm_i915_query *query)
{
    struct drm_i915_query_item *items = (void *)(uintptr_t)query->items_ptr;
    for (uint32_t i = 0; i < query->num_items; i++) {
        uint64_t answer[256] = {0};
        const size_t size = i915_item(items[i].query_id, answer);
        if (size == 0 || (items[i].length != 0 && (size_t)items[i].length < size)) {
            items[i].length = -EINVAL;
            continue;
        }
        if (items[i].length != 0)
            memcpy((void *)(uintptr_t)items[i].data_ptr, answer, size);
        items[i].length = (int)size;
    }
    return 0;
}

static int i915_object(unsigned int number, void *argument)
{
    switch (number) {
    case DRM_I915_GEM_CREATE: {
        struct drm_i915_gem_create *create = argument;
        return create_object(create->size, &create->handle);
    }
    case DRM_I915_GEM_CREATE_EXT: {
        struct drm_i915_gem_create_ext *create = argument;
        return create_object(create->size, &create->handle);
    }
    case DRM_I915_GEM_USERPTR: { // a size of 0 asks whether there is such a request
        struct drm_i915_gem_userptr *user = argument;
        return user->user_size ? create_object(user->user_size, &user->handle) : -EINVAL;
    }
    case DRM_I915_GEM_MMAP_GTT: { // also DRM_I915_GEM_MMAP_OFFSET
        struct drm_i915_gem_mmap_offset *map = argument;
        return map_object(map->handle, &map->offset);
    }
    default:
        return -EINVAL;
    }
}

static int i915(unsigned int number, void *argument)
{
    switch (number) {
    case DRM_I915_GETPARAM: {
        const struct drm_i915_getparam *p = argument;
        return i915_parameter(p->param, p->value);
    }
    case DRM_I915_QUERY:
        return i915_query(argument);
    case DRM_I915_GEM_CONTEXT_CREATE:
        ((struct drm_i915_gem_context_create *)argument)->ctx_id = new_id();
        return 0;
    case DRM_I915_GEM_VM_CREATE:
        ((struct drm_i915_gem_vm_control *)argument)->vm_id = new_id();
        return 0;
    case DRM_I915_GEM_CONTEXT_GETPARAM: {
        struct drm_i915_gem_context_param *p = argument;
        p->value = p->param == I915_CONTEXT_PARAM_GTT_SIZE ? 1ull << 48
                                                           : p->param == I915_CONTEXT_PARAM_VM;
        return 0;
    }
    case DRM_I915_GEM_GET_APERTURE: {
        struct drm_i915_gem_get_aperture *a = argument;
        a->aper_size = a->aper_available_size = 1ull << 48;
        return 0;
    }
    case DRM_I915_GEM_GET_TILING: {
        struct drm_i915_gem_get_tiling *t = argument;
        t->tiling_mode = I915_TILING_NONE;
        t->swizzle_mode = t->phys_swizzle_mode = I915_BIT_6_SWIZZLE_NONE;
        return 0;
    }
    case DRM_I915_REG_READ: // the GPU's clock
        ((struct drm_i915_reg_read *)argument)->val = nanoseconds() / (1000000000 / CLOCK);
        return 0;
    case DRM_I915_GET_RESET_STATS: {
        struct drm_i915_reset_stats *r = argument;
        r->reset_count = r->batch_active = r->batch_pending = 0;
        return 0;
    }
    case DRM_I915_GEM_EXECBUFFER2:
    case DRM_I915_GEM_WAIT:
    case DRM_I915_GEM_SET_CACHING:
    case DRM_I915_GEM_CONTEXT_DESTROY:
    case DRM_I915_GEM_CONTEXT_SETPARAM:
    case DRM_I915_GEM_VM_DESTROY:
        return 0;
    default:
        return i915_object(number, argument);
    }
}

// xe

static void *topology(void *to, unsigned int type, unsigned int bits, unsigned int bytes)
{
    struct drm_xe_query_topology_mask *mask = to;
    mask->type = (uint16_t)type;
    mask->num_bytes = bytes;
    set_bits(mask->mask, bits);
    return mask->mask + bytes;
}

// The answer's bytes, or 0 if there is none. `to` is all 0.
static size_t xe_answer(uint32_t query, void *to)
{
    switch (query) {
    case DRM_XE_DEVICE_QUERY_ENGINES: {
        static const uint16_t classes[] = {DRM_XE_ENGINE_CLASS_RENDER, DRM_XE_ENGINE_CLASS_COPY,
                                           DRM_XE_ENGINE_CLASS_COMPUTE};
        struct drm_xe_query_engines *e = to;
        for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++)
            e->engines[e->num_engines++].instance.engine_class = classes[i];
        return sizeof *e + e->num_engines * sizeof e->engines[0];
    }
    case DRM_XE_DEVICE_QUERY_MEM_REGIONS: {
        struct drm_xe_query_mem_regions *m = to;
        m->num_mem_regions = chip->vram ? 2 : 1;
        m->mem_regions[0].mem_class = DRM_XE_MEM_REGION_CLASS_SYSMEM;
        m->mem_regions[0].min_page_size = 4096;
        m->mem_regions[0].total_size = SYSTEM_MEMORY;
        m->mem_regions[1].mem_class = DRM_XE_MEM_REGION_CLASS_VRAM;
        m->mem_regions[1].instance = 1;
        m->mem_regions[1].min_page_size = 65536;
        m->mem_regions[1].total_size = m->mem_regions[1].cpu_visible_size = chip->vram;
        return sizeof *m + m->num_mem_regions * sizeof m->mem_regions[0];
    }
    case DRM_XE_DEVICE_QUERY_CONFIG: {
        struct drm_xe_query_config *c = to;
        c->num_params = DRM_XE_QUERY_CONFIG_MAX_EXEC_QUEUE_PRIORITY + 1;
        c->info[DRM_XE_QUERY_CONFIG_REV_AND_DEVICE_ID] = chip->pci | (uint32_t)chip->revision << 16;
        c->info[DRM_XE_QUERY_CONFIG_FLAGS] = DRM_XE_QUERY_CONFIG_FLAG_HAS_LOW_LATENCY;
        if (chip->vram)
            c->info[DRM_XE_QUERY_CONFIG_FLAGS] |= DRM_XE_QUERY_CONFIG_FLAG_HAS_VRAM;
        c->info[DRM_XE_QUERY_CONFIG_MIN_ALIGNMENT] = chip->vram ? 65536 : 4096;
        c->info[DRM_XE_QUERY_CONFIG_VA_BITS] = 48;
        c->info[DRM_XE_QUERY_CONFIG_MAX_EXEC_QUEUE_PRIORITY] = 1; // normal
        return sizeof *c + c->num_params * sizeof c->info[0];
    }
    case DRM_XE_DEVICE_QUERY_GT_LIST: {
        struct drm_xe_query_gt_list *g = to;
        g->num_gt = 1;
        g->gt_list[0].type = DRM_XE_QUERY_GT_TYPE_MAIN;
        g->gt_list[0].reference_clock = CLOCK;
        g->gt_list[0].near_mem_regions = chip->vram ? 2 : 1;
        g->gt_list[0].far_mem_regions = chip->vram ? 1 : 2;
        g->gt_list[0].ip_ver_major = chip->ip[0];
        g->gt_list[0].ip_ver_minor = chip->ip[1];
        g->gt_list[0].ip_ver_rev = chip->ip[2];
        return sizeof *g + sizeof g->gt_list[0];
    }
    case DRM_XE_DEVICE_QUERY_HWCONFIG:
        return hardware_table(to);
    case DRM_XE_DEVICE_QUERY_GT_TOPOLOGY: {
        const unsigned int subslices = (unsigned int)chip->slices * chip->subslices;
        void *end = to;
        end = topology(end, DRM_XE_TOPO_DSS_GEOMETRY, subslices, 8);
        end = topology(end, DRM_XE_TOPO_DSS_COMPUTE, subslices, 8);
        end = topology(end, DRM_XE_TOPO_L3_BANK, subslices, 8);
        end = topology(end, DRM_XE_TOPO_SIMD16_EU_PER_DSS, chip->eus, 8);
        return (size_t)((uint8_t *)end - (uint8_t *)to);
    }
    default:
        return 0;
    }
}

// A size of 0 asks for the size.
static int xe_query(struct drm_xe_device_query *query)
{
    uint64_t answer[256] = {0};
    void *data = (void *)(uintptr_t)query->data;
    if (query->query == DRM_XE_DEVICE_QUERY_ENGINE_CYCLES && query->size != 0) {
        struct drm_xe_query_engine_cycles *c = data;
        c->width = 36;
        c->cpu_timestamp = nanoseconds();
        c->engine_cycles = c->cpu_timestamp / (1000000000 / CLOCK);
        c->cpu_delta = 1000;
        return 0;
    }
    const size_t size = xe_answer(query->query, answer);
    if (size == 0 || (query->size != 0 && query->size != size))
        return -EINVAL;
    if (query->size != 0)
        memcpy(data, answer, size);
    query->size = (uint32_t)size;
    return 0;
}

static int xe(unsigned int number, void *argument)
{
    switch (number) {
    case DRM_XE_DEVICE_QUERY:
        return xe_query(argument);
    case DRM_XE_GEM_CREATE: {
        struct drm_xe_gem_create *create = argument;
        return create_object(create->size, &create->handle);
    }
    case DRM_XE_GEM_MMAP_OFFSET: {
        struct drm_xe_gem_mmap_offset *map = argument;
        return map_object(map->handle, &map->offset);
    }
    case DRM_XE_VM_CREATE:
        ((struct drm_xe_vm_create *)argument)->vm_id = new_id();
        return 0;
    case DRM_XE_EXEC_QUEUE_CREATE:
        ((struct drm_xe_exec_queue_create *)argument)->exec_queue_id = new_id();
        return 0;
    case DRM_XE_EXEC_QUEUE_GET_PROPERTY:
        ((struct drm_xe_exec_queue_get_property *)argument)->value = 0; // not banned
        return 0;
    case DRM_XE_VM_DESTROY:
    case DRM_XE_VM_BIND:
    case DRM_XE_EXEC_QUEUE_DESTROY:
    case DRM_XE_EXEC:
        return 0;
    default:
        return -EINVAL;
    }
}

// In place of libc and libdrm.

PUBLIC int ioctl(int fd, unsigned long request, ...)
{
    va_list list;
    va_start(list, request);
    void *argument = va_arg(list, void *);
    va_end(list);
    const unsigned int type = _IOC_TYPE(request), number = _IOC_NR(request);
    int result = -EINVAL;
    is_there(); // finds the real one
    if ((type != DRM_IOCTL_BASE && type != DMA_BUF_BASE) || !is_node(fd))
        return real_ioctl(fd, request, argument);
    if (type == DMA_BUF_BASE) {
        if (number == _IOC_NR(DMA_BUF_IOCTL_EXPORT_SYNC_FILE))
            ((struct dma_buf_export_sync_file *)argument)->fd = duplicate();
        result = 0;
    } else if (number < DRM_COMMAND_BASE || number >= DRM_COMMAND_END)
        result = common(number, argument);
    else if (!strcmp(chip->kernel, "xe"))
        result = xe(number - DRM_COMMAND_BASE, argument);
    else
        result = i915(number - DRM_COMMAND_BASE, argument);
    if (debug > 1 || (debug && result))
        fprintf(stderr, "intel_shim: %c 0x%02x: %s\n", type, number,
                result ? strerror(-result) : "done");
    if (result == 0)
        return 0;
    errno = -result;
    return -1;
}

PUBLIC int open64(const char *path, int flags, ...)
{
    va_list list;
    va_start(list, flags);
    const mode_t mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(list, mode_t) : 0;
    va_end(list);
    if (is_there() && !strcmp(path, NODE))
        return duplicate();
    return real_open(path, flags, mode);
}

static drmDevicePtr device(void)
{
    static drmPciBusInfo bus = {.bus = 3};
    static drmPciDeviceInfo info = {.vendor_id = 0x8086, .subvendor_id = 0x8086};
    static char render[] = NODE, none[] = "/nonexistent"; // no displays
    static char *nodes[DRM_NODE_MAX] = {none, none, render};
    static drmDevice d = {.nodes = nodes,
                          .available_nodes = 1 << DRM_NODE_RENDER,
                          .bustype = DRM_BUS_PCI,
                          .businfo.pci = &bus,
                          .deviceinfo.pci = &info};
    info.device_id = chip->pci;
    info.revision_id = (uint8_t)chip->revision;
    return &d;
}

PUBLIC int drmGetDevices2(uint32_t flags, drmDevicePtr devices[], int most)
{
    (void)flags;
    if (!is_there())
        return 0;
    if (devices && most > 0)
        devices[0] = device();
    return 1;
}

PUBLIC int drmGetDevice2(int fd, uint32_t flags, drmDevicePtr *to)
{
    (void)flags;
    if (!is_node(fd))
        return -ENODEV;
    *to = device();
    return 0;
}

PUBLIC void drmFreeDevice(drmDevicePtr *to)
{
    if (to)
        *to = NULL;
}

PUBLIC void drmFreeDevices(drmDevicePtr devices[], int count)
{
    for (int i = 0; i < count; i++)
        devices[i] = NULL;
}
