// SPDX-License-Identifier: MIT
// What an engine implements; private to src/engine/ and to the engines (the tests' reference engine
// is one).
#pragma once

#include "vkgrid/engine/engine.h"

struct engine_ops {
    const char *name;
    // The engine's devices are appended to *list, which has *count entries.
    bool (*devices)(struct device_info **list, int *count);
    // Why the engine cannot have any device on this machine, or NULL.
    const char *(*absent)(void);
    // index: which of its own devices, in the order of devices().
    bool (*open)(int index, struct engine **engine);
    void (*close)(struct engine *engine);
    // May be NULL: free memory is what there was at the beginning.
    void (*ask_memory)(struct engine *engine);
    uint64_t (*memory)(struct engine *engine, const struct graph *graph,
                       const struct program_options *options);
    bool (*create)(struct engine *engine, const struct graph *graph,
                   const struct program_options *options, struct program **program);
    void (*destroy)(struct program *program);
    bool (*write)(struct program *program, enum block block, int tensor, int slot, size_t first,
                  size_t count, const void *values);
    bool (*read)(struct program *program, enum block block, int tensor, int slot, size_t first,
                 size_t count, void *values);
    bool (*clear)(struct program *program, enum block block);
    bool (*run)(struct program *program, enum routine routine, int n);
    // May be NULL: the engine cannot tell.
    bool (*times)(struct program *program, enum routine routine, int n, double *seconds);
    bool (*wait)(struct program *program);
    bool (*check_guards)(struct program *program);
    // May be NULL: the engine cannot tell.
    bool (*peaks)(struct engine *engine, struct engine_peaks *peaks);
    // May be NULL, all four: nothing is measured, nothing kept.
    const char *(*tuning_file)(const struct engine *engine);
    bool (*tune)(struct engine *engine, const struct graph *graph,
                 const struct tune_options *options, int *left);
    bool (*slot_times)(const struct engine *engine, const char *name, struct slot_times *curve);
    bool (*keep_slot_times)(struct engine *engine, const char *name,
                            const struct slot_times *curve);
};

// The first members of every engine's and program's own struct.
struct engine {
    const struct engine_ops *ops;
    struct device_info device;
};

struct program {
    struct engine *engine;
    const struct graph *graph; // must outlive the program
    struct program_options options;
    int n; // batch size last run: shape of the activations that may be read
};

// program_write, program_read, ... (program.c) check their arguments against graph, options and n
// before an engine sees them.
extern const struct engine_ops vulkan_engine_ops;
extern const struct engine_ops cpu_engine_ops;

// What engine_threads() said last.
int engine_thread_count(void);
// What engine_matrix() said last.
enum matrix_use engine_matrix_use(void);
