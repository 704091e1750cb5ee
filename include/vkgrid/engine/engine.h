// SPDX-License-Identifier: MIT
// The one interface to whatever runs programs. Nothing above this header knows which engine that
// is.
#pragma once

#include "vkgrid/graph/graph.h"

enum device_kind {
    DEVICE_DISCRETE,
    DEVICE_INTEGRATED,
    DEVICE_VIRTUAL,
    DEVICE_SOFTWARE,
    DEVICE_CPU
};

struct device_info {
    char name[256];   // as the driver gives it
    char driver[256]; // driver, its version
    enum device_kind kind;
    uint64_t memory;        // bytes that a pack may use: of those that are free, less a reserve
    uint64_t heap, free;    // bytes that there are, and that this process could have now
    uint64_t largest_piece; // bytes that it gives in one piece
    bool usable;
    enum half half; // the 16-bit numbers of PRECISION_MIXED; HALF_NONE: it cannot run such programs
    char half_missing[128]; // HALF_NONE: what went wrong when they were tried, else ""
    char missing[256];      // why it is not usable, else ""
    char features[256];     // what is used of fp16, matrix units, ..., and what not: for people
    int tuned; // convolutions whose tiles were measured (engine_tune); -1: it is not tuned

    // Of the CPU engine: how many it computes with, and what says so: "--threads", or what
    // processors.h says. Other devices: 0, NULL.
    int threads;
    const char *threads_because;
};

// "discrete GPU", "software driver", ...
const char *device_kind_name(enum device_kind kind);

// All devices of all engines, numbered as `--device INDEX` takes them. The caller frees *list.
// Finding none is no error.
bool devices_list(struct device_info **list, int *count);

// The same after each that is usable was opened, which tests it (engine_open): what it fails in is
// not said to be used, and one that cannot be opened is not usable.
bool devices_examine(struct device_info **list, int *count);

// Why an engine can have no device here. *at counts engines from 0; false when there are no more
// absent ones.
bool engine_absent(int *at, const char **engine, const char **why);

// Picks by "auto", "cpu" (the CPU engine), an index, or a part of the name (without regard to
// case). Writes the index into *chosen and one line why into reason (size bytes). `auto` takes the
// GPU that is preferred by kind (the order of the enum), then by memory; where no GPU can be used
// it takes the CPU engine. A software driver of Vulkan must be asked for by index or name.
bool device_choose(const char *wanted, int *chosen, char *reason, size_t size);

// To be called first in main(), before any thread: has threads of the CPU engine wait actively for
// each other for a tenth of a millisecond, then sleep. Does so by starting the program anew, with
// the same arguments; returns where that is done, not possible, or the environment says already how
// to wait (OMP_WAIT_POLICY, GOMP_SPINCOUNT). LLVM's OpenMP needs none of it.
void engine_wait_briefly(char **argv);

struct engine;
struct program;

// How many threads the CPU engine's devices have that are opened from now on; 0: as many as
// processors.h says.
void engine_threads(int threads);

// Whether devices that are opened from now on may use their matrix units, in mixed precision: by a
// rule of driver and device, wherever the device lists them, or never.
enum matrix_use { MATRIX_AUTO, MATRIX_ON, MATRIX_OFF };
void engine_matrix(enum matrix_use use);
bool matrix_use_parse(const char *text, enum matrix_use *use); // "auto", "on", "off"

// Opens a device. A GPU's fp16 and matrix units are tried first: what computes something else than
// the processor is not used, and engine_device() says so.
bool engine_open(int device, struct engine **engine);
void engine_close(struct engine **engine); // accepts NULL, writes NULL
const struct device_info *engine_device(const struct engine *engine);
// Looks how much memory is free now. Programs that the engine has count as taken.
void engine_ask_memory(struct engine *engine);

// What a device reaches at best, each a second: floating-point operations by kernels that do
// nothing but multiply and add, in fp32, in fp16, and by matrix units with fp16 factors and fp32
// sums (0 where it has none); and bytes to and from its memory.
struct engine_peaks {
    double flops, half_flops, matrix_flops, bytes;
};

// Measures them, in about a second. Fails where the engine cannot tell.
bool engine_measure(struct engine *engine, struct engine_peaks *peaks);

struct program_options {
    int slots;
    int batch;    // the largest batch size that will be run
    bool inspect; // tests: no memory is reused, every tensor can be read, and stands between guard
                  // words
    enum precision precision;
};

// Bytes of device memory that a program would take. UINT64_MAX with a message when the options are
// not allowed, or it is too large for the engine whatever the memory: more than its kernels can
// index, or than the device gives in one piece.
uint64_t program_memory(struct engine *engine, const struct graph *graph,
                        const struct program_options *options);

// Compiles a graph. Everything is allocated here, nothing later. All memory starts as zeros (as NaN
// in the arena when inspect is set). Fails when the device has too little memory, saying how much
// is needed and how much there is.
bool program_create(struct engine *engine, const struct graph *graph,
                    const struct program_options *options, struct program **program);
void program_destroy(struct program **program);

// A tensor of one slot (slot is ignored for BLOCK_DATA and BLOCK_SHARED), `count` elements from
// element `first`. Parameters and their gradients are in PyTorch's layout and must be moved whole;
// activations are [n][row][col][channel], n the batch size last run. Waits for what is running.
bool program_write(struct program *program, int tensor, int slot, size_t first, size_t count,
                   const void *values);
bool program_read(struct program *program, int tensor, int slot, size_t first, size_t count,
                  void *values);

// The copy of a state tensor in another block (BLOCK_MOMENT1, BLOCK_MOMENT2, BLOCK_BEST), as above
// and whole.
bool program_write_block(struct program *program, enum block block, int tensor, int slot,
                         const float *values);
bool program_read_block(struct program *program, enum block block, int tensor, int slot,
                        float *values);

// Zeros a whole block, all slots.
bool program_clear(struct program *program, enum block block);

// Starts one pass of a routine over a batch of n samples. Returns before it is done; calls are
// executed in order.
bool program_run(struct program *program, enum routine routine, int n);

// Runs a routine once, op by op, and adds the seconds that each kind of op took, all slots. Ops
// that the engine joins count as the one that does most of the work. Fails where the engine cannot
// tell.
bool program_times(struct program *program, enum routine routine, int n,
                   double seconds[OP_GRAPH_KINDS]);

// Waits for everything started.
bool program_wait(struct program *program);

// inspect only: fails with the name of the tensor whose guard words were changed.
bool program_check_guards(struct program *program);

// --- What was measured on a device. It is kept in a file under the user's cache folder, one for
// each device, driver and set of kernels; it changes the speed of programs, never a bit of them.

// The file; NULL where none is kept. Lives as long as the engine.
const char *engine_tuning_file(const struct engine *engine);

// A convolution of a graph (one way: forward, gradient of its input or of its weight) and how it
// was cut into tiles by default and after it was measured.
struct tuned_conv {
    enum op_kind kind;
    int rows, cols, in, out, kernel, stride; // rows, cols: of its input
    int times;                               // so often it is in the graph
    int slots;                               // that it was measured with
    char before[48], after[48];              // tiles, for people
    double seconds_before, seconds_after;    // medians
    const char *skipped; // why it was not measured (before, after and seconds say nothing), or NULL
};

// A convolution is measured, as number `done` of `total`.
typedef void engine_tuned(void *context, const struct tuned_conv *conv, int done, int total);

struct tune_options {
    struct program_options program;
    double seconds; // begins no convolution after so long
    engine_tuned *each;
    void *context;
};

// Measures the tiles that each distinct convolution of ROUTINE_TRAIN may have, keeps the fastest in
// the file, and uses them for programs that are made from now on. Those come first that have not
// been measured yet, then those that are most work. Measures fewer slots where those asked for
// would keep the device too long at a time, or where it has not the memory for them; a tile then
// serves other numbers of slots too. *left: convolutions for which there was no time. After an
// interrupt (interrupt.h) it fails with what was measured kept. Fails where there is nothing to
// tune.
bool engine_tune(struct engine *engine, const struct graph *graph,
                 const struct tune_options *options, int *left);

// How long a training step takes, by slots.
#define SLOT_TIMES 16
struct slot_times {
    int count;
    struct {
        int slots;
        double seconds;
    } points[SLOT_TIMES]; // ascending
};

// The curve that is known by that name: what is trained, in which precision.
bool engine_slot_times(const struct engine *engine, const char *name, struct slot_times *curve);
// Keeps one. On failure it is known to this engine alone.
bool engine_keep_slot_times(struct engine *engine, const char *name,
                            const struct slot_times *curve);
