// SPDX-License-Identifier: MIT
// What the files of this folder share. The only header that includes Vulkan.
#pragma once

#include "engine/engine_ops.h"
#include "engine/memory_plan.h"
#include "engine/vulkan/matrix.h"

#include "engine/vulkan/pipeline_cache.h"

#define VK_NO_PROTOTYPES
#include <volk.h>

// --- context.c: loader, instance, physical devices
// ---------------------------------------------------

#define VULKAN_DEVICES 32

struct vulkan_context {
    VkInstance instance;
    VkDebugUtilsMessengerEXT messenger;
    VkPhysicalDevice devices[VULKAN_DEVICES];
    uint32_t count;
};

// Whether this machine has a loader.
bool vulkan_loader(void);
// Fails only where there is a loader that cannot make an instance; without a loader, or without a
// driver, count is 0.
bool vulkan_context_create(struct vulkan_context *context);
void vulkan_context_destroy(struct vulkan_context *context);
// Errors that the validation layer has reported since the process began (VKGRID_VALIDATE=1).
int vulkan_validation_errors(void);

const char *vulkan_result(VkResult result);
// error_set_kind() of a result, with the kind that follows from it. Returns false.
bool vulkan_failed(const char *what, VkResult result);

// A Vulkan call: on failure names it, its result, file and line.
#define VK_CHECK(call) \
    do { \
        const VkResult result_ = (call); \
        if (result_ != VK_SUCCESS) { \
            vulkan_failed(#call, result_); \
            error_trace(#call, __FILE__, __LINE__); \
            goto error; \
        } \
    } while (0)

// --- kernels.c: SPIR-V modules; pipelines.c
// -------------------------------------------------------------

enum kernel {
    KERNEL_ID_ADAM,
    KERNEL_ID_ADVANCE,
    KERNEL_ID_CHANNEL_SUMS,
    KERNEL_ID_CONV,
    KERNEL_ID_CONV_FLOAT_OUT,
    KERNEL_ID_CONV_INPUT_GRAD,
    KERNEL_ID_CONV_WEIGHT_GRAD,
    KERNEL_ID_CONV_SHARED,
    KERNEL_ID_CONV_INPUT_GRAD_SHARED,
    KERNEL_ID_CONV_WEIGHT_GRAD_SHARED,
    KERNEL_ID_CONV_MATRIX,
    KERNEL_ID_CONV_MATRIX_FLOAT,
    KERNEL_ID_CONV_INPUT_GRAD_MATRIX,
    KERNEL_ID_CONV_INPUT_GRAD_MATRIX_FLOAT,
    KERNEL_ID_CONV_WEIGHT_GRAD_MATRIX,
    KERNEL_ID_CONV_WINOGRAD,
    KERNEL_ID_CONV_INPUT_GRAD_WINOGRAD,
    KERNEL_ID_CONV_WEIGHT_GRAD_WINOGRAD,
    KERNEL_ID_COPY_CHANNELS,
    KERNEL_ID_COPY_MARKED,
    KERNEL_ID_ELEMENTWISE,
    KERNEL_ID_FIND_OVERFLOW,
    KERNEL_ID_GATHER,
    KERNEL_ID_LOSS_FINISH,
    KERNEL_ID_LOSS_GRAD,
    KERNEL_ID_LOSS_SUMS,
    KERNEL_ID_MATRIX_TEST,
    KERNEL_ID_MATRIX_TEST_FLOAT,
    KERNEL_ID_MAX_POOL,
    KERNEL_ID_MAX_POOL_GRAD,
    KERNEL_ID_NORM_APPLY,
    KERNEL_ID_NORM_FINISH,
    KERNEL_ID_NORM_GRAD,
    KERNEL_ID_PEAK,
    KERNEL_ID_PEAK_MATRIX,
    KERNEL_ID_ROUND_WEIGHTS,
    KERNEL_ID_SUM_SPLITS,
    KERNEL_ID_UPSAMPLE,
    KERNEL_ID_UPSAMPLE_GRAD,
    KERNEL_ID_COUNT
};

#define KERNEL_CONSTANTS 13

struct pipeline {
    enum kernel kernel;
    bool half;   // fp16 activations
    bool based;  // dispatched from workgroups other than the first, too
    bool cached; // it was found in the file of pipelines
    uint32_t constants[KERNEL_CONSTANTS];
    VkPipeline pipeline;
};

struct vulkan_engine;

// The pipelines of kernels with these specialisation constants (id = index), each made on first
// use, by several threads. Fails with what is wrong with the first that cannot be made.
bool vulkan_pipelines_make(struct vulkan_engine *engine, struct pipeline *wanted, int count);
void vulkan_pipelines_destroy(struct vulkan_engine *engine);
// Whether the build could make it.
bool vulkan_has_kernel(enum kernel kernel);
// Whether fp16 activations make it another one.
bool vulkan_has_halves(enum kernel kernel);
struct kernel_words {
    const uint32_t *words;
    size_t size; // bytes
};
// ieee: with the float controls of fp16 (common.glsl).
struct kernel_words vulkan_kernel_words(enum kernel kernel, bool half, bool ieee);
uint32_t vulkan_push_size(enum kernel kernel);
const char *vulkan_kernel_name(enum kernel kernel);
uint64_t vulkan_kernels_hash(void); // of the words of all kernels

// --- statistics.c: what the driver's compiler made of a pipeline
// -------------------------------------------------------------------------------

// `name` is the driver's own word for it ("VGPRs", "Num GPRs", ...).
typedef void vulkan_statistic(void *context, const char *name, double value);

// Calls `each` for every statistic of a pipeline, and for "subgroup", the size of its subgroups;
// engine->capture must be set.
bool vulkan_statistics(struct vulkan_engine *engine, VkPipeline pipeline, vulkan_statistic *each,
                       void *context);

// --- device.c: the engine
// -------------------------------------------------------------------------------

// Elements that a kernel can index one by one: SPIR-V takes an index as signed.
#define REACH ((uint32_t)INT32_MAX)

// How a convolution is cut. No choice within a family changes the result's bits; with fp32
// activations CONV_DIRECT and CONV_SHARED make the same ones.
enum conv_family {
    CONV_DIRECT,   // conv.glsl: tiles in registers
    CONV_SHARED,   // conv_shared.glsl: tiles in shared memory, multiplied as matrices
    CONV_MATRIX,   // conv_matrix.glsl: the same, by matrix units
    CONV_WINOGRAD, // conv_winograd.glsl: the same in Winograd's domain, fp32
    CONV_FAMILIES
};
struct conv_tile {
    enum conv_family family;
    uint32_t local;         // invocations of a workgroup
    uint32_t rows, columns; // of an invocation: pixels and vectors of four channels; CONV_SHARED
                            // and CONV_WINOGRAD: vectors of four of both; CONV_MATRIX: of a
                            // subgroup, matrices
    uint32_t local_columns; // CONV_SHARED: invocations; CONV_WINOGRAD: of those of one place;
                            // CONV_MATRIX: subgroups
    uint32_t depth;         // of a step of the sum; CONV_DIRECT: of the weight gradient
};

// Between kernels; or where recorded kernels begin or end, between all that a device does: kernels,
// copies, and what the host reads and writes.
enum barrier { BARRIER_KERNELS, BARRIER_ENDS };

struct vulkan_engine {
    struct engine base;
    struct vulkan_context context;
    VkPhysicalDevice physical;
    VkDevice device;
    struct VolkDeviceTable vk;
    VkQueue queue;
    uint32_t family;
    uint32_t timestamp_bits; // of the queue; 0: it takes no times
    VkPhysicalDeviceLimits limits;
    VkPhysicalDeviceMemoryProperties memory;
    bool has_budget; // VK_EXT_memory_budget
    uint32_t subgroup;
    bool can_set_subgroup;     // of a kernel, to another size
    struct matrix_size matrix; // of its matrix units; 0: they are not used, or it has none
    char matrix_missing[96];   // why those that it has are not used, else ""
    bool ieee_half;            // it can be told how to round to fp16
    int tile;                  // of VKGRID_TILE (tests), or -1
    uint32_t reach;            // REACH; less in tests
    double dispatch_work;      // operations of a dispatch, at most: none runs into a watchdog
    int most_piece_slots;      // slots of a piece of memory, at most (VKGRID_PIECE_SLOTS, tests)
    struct tuning *tuning;     // what was measured on it (tuning.h)
    enum barrier between;      // kernels: BARRIER_KERNELS, or what VKGRID_BARRIER asks for
    const struct conv_tile *trial; // of every convolution while it is measured, else NULL
    bool slow_uniform_loads; // a load of one address by all invocations costs as much as a gather
    bool lean;               // registers are few: LEAN in kernels, smaller tiles
    VkDeviceSize read_slack; // bytes behind every buffer that kernels may read without meaning it
    bool lost;               // the device was lost: every later call fails at once
    bool hung;               // and may still be at work: what it may use is never freed
    double patience;         // seconds without progress until it counts as hung
    bool capture;            // pipelines keep what the compiler tells of them (statistics.c)
    uint64_t largest_piece;  // bytes of a buffer and its memory
    VkPipelineLayout layout; // push constants only
    struct pipeline *pipelines;
    int pipeline_count;
    struct pipeline_cache cache;
};

// For a driver that can compile but need not have its device: nothing is run, so nothing is tried,
// and pipelines are made anew, with their statistics.
bool vulkan_open_lab(int index, struct engine **engine);
// Writes into the engine's device_info what is used of fp16 and matrix units, and why not.
void vulkan_tell_units(struct vulkan_engine *engine);

// --- self_test.c
// -------------------------------------------------------------------------------------------

// Tries fp16 and matrix units. What computes something else than the processor is not used from now
// on, and the engine's device_info says so. Fails where the device cannot run anything.
bool vulkan_self_test(struct vulkan_engine *engine);

// --- memory.c
// -------------------------------------------------------------------------------------------

enum vulkan_use {
    USE_DEVICE,  // by kernels
    USE_TABLE,   // by kernels; small, and the host looks into it all the time
    USE_STAGING, // by the host and copies
};

// The type of memory for that, out of `allowed` (a bit for each); UINT32_MAX when there is none.
uint32_t memory_type(const VkPhysicalDeviceMemoryProperties *memory, enum device_kind kind,
                     enum vulkan_use use, uint32_t allowed);
// Whether the host should have memory of that type mapped all the time.
bool memory_is_mapped(VkMemoryPropertyFlags type, enum vulkan_use use);
// How much memory there is for USE_DEVICE, and how much of it is free now: the figures of *info,
// whose kind is known. has_budget: VK_EXT_memory_budget.
void memory_count(VkPhysicalDevice device, bool has_budget, struct device_info *info);

// --- buffer.c
// -------------------------------------------------------------------------------------------

struct vulkan_buffer {
    VkBuffer buffer;
    VkDeviceMemory memory;
    VkDeviceAddress address;
    VkDeviceSize size;
    VkDeviceSize allocated; // bytes of `memory`
    void *mapped;           // NULL when the host cannot read it quickly
    bool coherent;          // mapped: host and device see each other's writes
};

bool vulkan_buffer_create(struct vulkan_engine *engine, enum vulkan_use use, VkDeviceSize size,
                          struct vulkan_buffer *buffer);
void vulkan_buffer_destroy(struct vulkan_engine *engine, struct vulkan_buffer *buffer);
// Between the host writing into a mapped buffer and the device reading it, and the other way round.
bool vulkan_buffer_flush(struct vulkan_engine *engine, const struct vulkan_buffer *buffer,
                         VkDeviceSize first, VkDeviceSize size);
bool vulkan_buffer_invalidate(struct vulkan_engine *engine, const struct vulkan_buffer *buffer,
                              VkDeviceSize first, VkDeviceSize size);
// Both, around a copy from or to a mapped buffer. The device must not use it meanwhile.
bool vulkan_buffer_write(struct vulkan_engine *engine, const struct vulkan_buffer *buffer,
                         VkDeviceSize first, VkDeviceSize size, const void *bytes);
bool vulkan_buffer_read(struct vulkan_engine *engine, const struct vulkan_buffer *buffer,
                        VkDeviceSize first, VkDeviceSize size, void *bytes);

// --- program.c, submit.c, transfer.c
// ----------------------------------------------------------------------

// Memory of a block: buffers of some slots each, which follow one another; the last may be smaller.
// Bytes of a block are counted through all of them.
struct pieces {
    struct vulkan_buffer *items;
    int count;
    VkDeviceSize size; // bytes of a piece
};

// The command buffers of one routine for one batch size: several, so that none runs long.
struct recording {
    enum routine routine;
    int n;
    VkCommandBuffer *commands;
    int count;
};

struct vulkan_program {
    struct program base; // its graph is the caller's
    struct vulkan_engine *engine;
    struct graph *graph; // what is run: ops may be joined
    struct memory_plan plan;
    bool *joined[ROUTINE_COUNT]; // [op]: it shares a gap with the one before (gaps.c)
    bool *half;                  // [tensor]: made of fp16 numbers (engine/halves.h)
    int piece_slots;             // of a piece of memory
    struct pieces blocks[BLOCK_COUNT];
    struct vulkan_buffer staging; // where blocks are not mapped
    struct pieces rounded;        // mixed: parameters as fp16, [slot][parameter_span]
    bool rounded_stale;           // since the parameters were changed
    VkCommandPool pool;
    VkCommandBuffer transfer;
    VkSemaphore timeline;
    uint64_t submitted;
    int at_once;       // command buffers of a submission
    int busy_commands; // submitted since the last wait
    double busy_since;
    struct recording *recordings;
    int recording_count;
};

// engine_ops of programs.
uint64_t vulkan_memory(struct engine *engine, const struct graph *graph,
                       const struct program_options *options);
bool vulkan_create(struct engine *engine, const struct graph *graph,
                   const struct program_options *options, struct program **program);
void vulkan_destroy(struct program *program);
bool vulkan_run(struct program *program, enum routine routine, int n);
bool vulkan_check_guards(struct program *program);
bool vulkan_peaks(struct engine *engine, struct engine_peaks *peaks);
bool vulkan_tune(struct engine *engine, const struct graph *graph,
                 const struct tune_options *options, int *left);

// Makes every pipeline of a graph's routines, without memory and without running anything: for a
// driver that can compile but has no device.
bool vulkan_compile(struct vulkan_engine *engine, const struct graph *graph,
                    const struct program_options *options);
bool vulkan_clear(struct program *program, enum block block);
// Brings program->rounded up to date, where there is one.
bool vulkan_round_weights(struct vulkan_program *program);
bool vulkan_write(struct program *program, enum block block, int tensor, int slot, size_t first,
                  size_t count, const void *values);
bool vulkan_read(struct program *program, enum block block, int tensor, int slot, size_t first,
                 size_t count, void *values);
bool vulkan_wait(struct program *program);
bool vulkan_times(struct program *program, enum routine routine, int n, double *seconds);

// Waits until a timeline has reached a value; not for a device that hangs (engine->patience).
bool vulkan_await(struct vulkan_engine *engine, VkSemaphore timeline, uint64_t value);
// Waits for everything submitted, so that the program can be taken apart. False, without a message:
// the device hangs, and what it may use must be left to it.
bool vulkan_settle(struct vulkan_program *program);
// Submits in order; waits while more than a few submissions are in flight.
bool vulkan_submit(struct vulkan_program *program, const VkCommandBuffer *commands, int count);
// What commands need: a pool, a command buffer of it, and a timeline that counts submissions from
// 0. On failure some of it may be there.
bool vulkan_commands_create(struct vulkan_engine *engine, VkCommandPool *pool,
                            VkCommandBuffer *commands, VkSemaphore *timeline);
void vulkan_barrier(struct vulkan_engine *engine, VkCommandBuffer commands, enum barrier kind);

// Bytes of a block as they lie there, from byte `first`: host to device, and back. Both wait.
bool vulkan_upload(struct vulkan_program *program, enum block block, size_t first, size_t size,
                   const void *bytes);
bool vulkan_download(struct vulkan_program *program, enum block block, size_t first, size_t size,
                     void *bytes);
// Fills `count` words of a block, from word `first`; waits.
bool vulkan_fill(struct vulkan_program *program, enum block block, size_t first, size_t count,
                 uint32_t value);

// --- plan.c
// -------------------------------------------------------------------------------------------

// Fills in what a program runs and where it lies, from its graph and options; and forgets it.
void vulkan_plan(struct vulkan_program *program);
void vulkan_forget_plan(struct vulkan_program *program);
uint64_t plan_bytes(const struct vulkan_program *program);    // device memory
uint64_t rounded_bytes(const struct vulkan_program *program); // of it for parameters as fp16
// Of a piece of a block; of parameters as fp16.
uint64_t piece_bytes(const struct vulkan_program *program, enum block block);
uint64_t rounded_piece_bytes(const struct vulkan_program *program);
// Fails on what no amount of memory helps against: indices, and the size of one piece.
bool plan_check(const struct vulkan_program *program);

// --- pieces.c
// -------------------------------------------------------------------------------------------

// The most slots whose spans fit into one piece of memory and into the reach of an index, at least
// one; fewer where all pieces of `slots` can be made equal by that. span_bytes, span_elements: of a
// slot in the largest block.
int pieces_slots(const struct vulkan_engine *engine, uint64_t span_bytes, uint64_t span_elements,
                 int slots);
// `total` bytes, in pieces of `size`.
bool pieces_create(struct vulkan_engine *engine, enum vulkan_use use, VkDeviceSize total,
                   VkDeviceSize size, struct pieces *pieces);
void pieces_destroy(struct vulkan_engine *engine, struct pieces *pieces);
// The piece that holds a byte; *at: where in it, *left: how many follow in it, that one included.
struct vulkan_buffer *pieces_find(const struct pieces *pieces, VkDeviceSize byte, VkDeviceSize *at,
                                  VkDeviceSize *left);
VkDeviceAddress pieces_address(const struct pieces *pieces, VkDeviceSize byte);

// --- record*.c: ops -> dispatches
// ---------------------------------------------------------------------------

// Work of one command buffer, in floating-point operations: about 0.1 s on a slow GPU, so that no
// desktop's watchdog takes it for a hang. A dispatch is never divided among several; what it may do
// at most is vulkan_engine.dispatch_work.
#define COMMANDS_WORK 2e10

// One vkCmdDispatchBase.
struct dispatch {
    struct pipeline pipeline;
    uint8_t push[128];
    uint32_t base[2], groups[3];
    bool beside; // it may run beside the one before
    int op;      // of the routine
    int first;   // slot
    double work; // estimated operations
};

struct dispatch_list {
    struct dispatch *items;
    int count;
};

// Records an op for some slots, which lie in one piece of memory.
struct recorder {
    struct vulkan_program *program;
    struct dispatch_list *list; // where dispatches go
    int n;                      // batch size
    bool half;                  // kernels see fp16 activations
    int op;                     // number in the routine
    int first, slots;           // the slots
    int parts;                  // that a dispatch is cut into
    double work;                // of the op: goes to its first dispatch
};

// Device address of a tensor, of the first of the slots; its stride between slots in elements.
VkDeviceAddress tensor_address(const struct recorder *recorder, int tensor);
uint32_t tensor_stride(const struct recorder *recorder, int tensor);
// Of the memory of any block [slot][stride] from element `offset` of a slot on.
VkDeviceAddress block_address(const struct recorder *recorder, enum block block, size_t offset,
                              size_t stride);
VkDeviceAddress rounded_address(const struct recorder *recorder, size_t offset);
// Elements between the scratch memory of two slots.
uint32_t scratch_stride(const struct recorder *recorder);

// Records one kernel over groups[0] x groups[1] workgroups for every slot. It sees the memory
// effects of all before it, unless `beside` says that it may run beside the one before.
bool record_dispatch(struct recorder *recorder, enum kernel kernel, const uint32_t *constants,
                     int constant_count, const void *push, const uint32_t groups[2], bool beside);
// The same, once for all slots.
bool record_once(struct recorder *recorder, enum kernel kernel, const uint32_t *constants,
                 int constant_count, const void *push, const uint32_t groups[2], bool beside);
// The same for a kernel of FLAT_LAYOUT over `count` invocations (flat_index() in common.glsl).
#define FLAT_LOCAL UINT64_C(64)
#define FLAT_ROW UINT64_C(32768)
bool record_flat(struct recorder *recorder, enum kernel kernel, const uint32_t *constants,
                 int constant_count, const void *push, uint64_t count, bool beside);

// Whether the gradient of the loss is scaled (OP_LOSS): in fp16, where there is a tensor for the
// scale.
bool loss_is_scaled(const struct recorder *recorder, int loss_scale);

// Scratch that an op needs: elements of one slot for a batch of n.
size_t conv_scratch(const struct graph *graph, const struct op *op, int n);
size_t norm_scratch(const struct graph *graph, const struct op *op, int n);
size_t bias_grad_scratch(const struct graph *graph, const struct op *op, int n);
size_t loss_sums_scratch(const struct graph *graph, const struct op *op, int n);
size_t record_scratch(const struct graph *graph, const struct op *op, int n); // any op
// The most of it for any batch up to `batch`.
size_t record_scratch_most(const struct graph *graph, const struct op *op, int batch);

// scratch: address of the op's scratch memory, of the first slot.
bool record_conv(struct recorder *recorder, const struct op *op, VkDeviceAddress scratch);
bool record_norm(struct recorder *recorder, const struct op *op, VkDeviceAddress scratch);
bool record_bias_grad(struct recorder *recorder, const struct op *op, VkDeviceAddress scratch);
bool record_loss(struct recorder *recorder, const struct op *op, VkDeviceAddress scratch);
bool record_op(struct recorder *recorder, const struct op *op, VkDeviceAddress scratch);

// Sums over pixels. Chunks of pixels are summed first (channel_sums.comp; `sums` without the size
// of a chunk; relu: g counts where y > 0), then the chunks, or any `splits` of `count` elements, in
// order.
enum channel_sum { CHANNEL_SUM, CHANNEL_VARIANCE, CHANNEL_GRADIENT };
struct channel_sums_push;
uint32_t sum_chunks(uint32_t pixels);
bool record_channel_sums(struct recorder *recorder, enum channel_sum what, bool relu,
                         const struct channel_sums_push *sums);
bool record_sum_splits(struct recorder *recorder, VkDeviceAddress from, int to, size_t count,
                       uint32_t splits);

// --- gaps.c, dispatches.c, recording.c: dispatches -> command buffers
// -----------------------------------------------

// Which ops of a routine share gaps with the one before: [op], in groups that touch `most` elements
// of a sample at most. All that the ops of a group touch must be alive together. gaps_sizes():
// elements that each group would touch. The caller frees both lists.
#define GAP_OPS 4 // of a group, at most
bool *gaps_find(const struct graph *graph, enum routine routine, size_t most);
size_t *gaps_sizes(const struct graph *graph, enum routine routine, int *count);
// The gap of each step of the ops of a group; a step begins with a dispatch that is not `beside`
// the one before. Returns the number of gaps.
#define GAP_STEPS 8 // of an op, at most
int gaps_level(const struct op *ops, int count, const int *steps, int levels[][GAP_STEPS]);

// All dispatches of a routine for a batch of n, in order. apart: no op shares a gap with another.
bool vulkan_dispatches(struct vulkan_program *program, enum routine routine, int n, bool apart,
                       struct dispatch_list *list);
void dispatch_list_free(struct dispatch_list *list);
// Makes their pipelines.
bool dispatches_prepare(struct vulkan_engine *engine, struct dispatch_list *list);
// Writes them into a command buffer, barriers between them.
void dispatches_write(struct vulkan_engine *engine, VkCommandBuffer commands,
                      const struct dispatch *dispatches, int count);

// Records a routine. stamps: VK_NULL_HANDLE, or takes the time before the first op and after each.
bool vulkan_record(struct vulkan_program *program, VkQueryPool stamps, struct recording *recording);
// The recording of a routine, made on first use.
bool vulkan_recording(struct vulkan_program *program, enum routine routine, int n,
                      const struct recording **recording);

// tiles.c
struct conv_problem {
    enum op_kind kind;
    uint32_t pixels;  // written, or summed over (weight gradient)
    uint32_t quads;   // tiles of 2x2 of them, those at odd borders too
    uint32_t in, out; // channels
    uint32_t kernel, stride, splits, slots;
    bool half;      // fp16 activations
    bool float_out; // all the same, what is written is fp32
};
struct conv_problem conv_problem_of(const struct vulkan_program *program, const struct op *op,
                                    int n);
// The tile that was measured to be fastest (candidates.c), else the default; the latter; and that
// of CONV_DIRECT.
struct conv_tile conv_tile(const struct vulkan_engine *engine, const struct conv_problem *problem);
struct conv_tile conv_default_tile(const struct vulkan_engine *engine,
                                   const struct conv_problem *problem);
struct conv_tile conv_direct_tile(const struct vulkan_engine *engine,
                                  const struct conv_problem *problem);
// Whether a tile of conv_tile_of() can do this problem on this device.
bool conv_tile_fits(const struct vulkan_engine *engine, const struct conv_tile *tile,
                    const struct conv_problem *problem);
// Whether its kernels are to spare registers: LEAN in conv_shared.glsl and conv_winograd.glsl.
bool conv_tile_is_lean(const struct vulkan_engine *engine, const struct conv_tile *tile,
                       const struct conv_problem *problem);
// Elements of a tile along M and N of the product: pixels (CONV_WINOGRAD: quads) or input channels
// (CONV_MATRIX: of all taps), and channels.
void conv_tile_size(const struct vulkan_engine *engine, const struct conv_tile *tile,
                    enum op_kind kind, uint32_t size[2]);
// Workgroups of a tile along x and y.
void conv_groups(const struct vulkan_engine *engine, const struct conv_tile *tile,
                 const struct conv_problem *problem, uint32_t groups[2]);
// The tile that VKGRID_TILE names: -1 when it is not set, 0 for CONV_DIRECT, from 1 on the others.
bool conv_tile_wanted(int *tile);
// The tile of that number; false when there is none.
bool conv_tile_of(const struct vulkan_engine *engine, int number, struct conv_tile *tile);
