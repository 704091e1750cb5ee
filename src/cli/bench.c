// SPDX-License-Identifier: MIT
// Measures a device: its peaks, every convolution shape of the U-Net alone, forward and both
// gradients, then a whole training step and a whole evaluation. Times of steps are the host's,
// around work that has been submitted and waited for; those of single ops are the device's where it
// tells them.
#include "commands.h"

#include "vkgrid/clock.h"
#include "vkgrid/engine.h"
#include "vkgrid/error.h"
#include "vkgrid/interrupt.h"
#include "vkgrid/json.h"
#include "vkgrid/unet.h"

#include <cjson/cJSON.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define FEATURES 7 // the models of the paper: anat -> area
#define LABELS 3
#define RUNS_LEAST 3 // timed runs after one that is not counted
#define RUNS_MOST 50
#define SECONDS_ENOUGH 0.5
#define PASSES_MOST 8   // that are started before they are waited for
#define CURVE_MOST 16   // points of the curve
#define CURVE_GAIN 1.02 // it ends where twice the slots gain less

enum pass { PASS_FORWARD, PASS_INPUT_GRAD, PASS_WEIGHT_GRAD, PASS_COUNT };

static const enum op_kind pass_ops[PASS_COUNT] = {OP_CONV, OP_CONV_INPUT_GRAD, OP_CONV_WEIGHT_GRAD};
static const char *const pass_names[PASS_COUNT] = {"forward", "input_grad", "weight_grad"};

struct layer {
    int rows, cols, in, out, kernel, stride;
    int count;                // layers of this shape in the network
    double work;              // floating-point operations of one pass
    double rates[PASS_COUNT]; // GFLOP/s
};

// A training step with so many slots.
struct point {
    int slots;
    uint64_t memory; // bytes of the device
    double seconds;
};

struct bench {
    struct engine *engine;
    struct unet_shape shape;
    int slots;
    struct layer layers[64];
    int layer_count;
    double step_seconds, evaluation_seconds; // of a batch, all slots
    double host_seconds;                     // of a training step: CPU time of the host
    uint64_t memory;                         // of the device, with these slots
    struct point curve[CURVE_MOST];
    int point_count;
    double step_work, evaluation_work;
    double first_seconds;             // from the start of the program to the end of the first step
    double op_seconds[OP_KIND_COUNT]; // of one step; all 0 where the engine cannot tell
    struct engine_peaks peaks;        // the same
};

// Seconds since this process began, from the kernel's bookkeeping (clock ticks).
static double process_seconds(void)
{
    struct timespec boot;
    unsigned long long start;
    FILE *file = fopen("/proc/self/stat", "r");
    const char *skip =
        "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d "
        "%llu";
    const bool found = file && fscanf(file, skip, &start) == 1;
    if (file)
        fclose(file);
    clock_gettime(CLOCK_BOOTTIME, &boot);
    return found ? (double)boot.tv_sec + 1e-9 * (double)boot.tv_nsec -
                       (double)start / (double)sysconf(_SC_CLK_TCK)
                 : 0;
}

// The most memory that this process has had, in bytes.
static double peak_bytes(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_maxrss * 1024;
}

// Times, or what begins with one.
static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// CPU seconds of this thread: what the host does for a Vulkan device.
static double thread_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

struct pass_time {
    double seconds, host; // of one pass
};

// Time of `passes` passes of a routine, started one after the other as in training. position: set
// to the first sample before them; NO_TENSOR where there is none.
static bool run_passes(struct program *program, enum routine routine, int n, int position,
                       int passes, struct pass_time *time)
{
    static const uint32_t first[2] = {0, 0};
    if (interrupt_requested())
        FAIL("interrupted");
    if (position != NO_TENSOR)
        CHECK(program_write(program, position, 0, 0, 2, first));
    const double start = seconds_now(), host = thread_seconds();
    for (int i = 0; i < passes; i++)
        CHECK(program_run(program, routine, n));
    CHECK(program_wait(program));
    time->seconds = (seconds_now() - start) / passes;
    time->host = (thread_seconds() - host) / passes;
    return true;
error:
    return false;
}

// A step of the CPU engine ends before it returns.
static int passes_most(const struct engine *engine)
{
    return engine_device(engine)->kind == DEVICE_CPU ? 1 : PASSES_MOST;
}

// Median time of one pass, after one that warms up. At most `most` are started before they are
// waited for: the data set has as many batches.
static bool measure(struct program *program, int most, enum routine routine, int n, int position,
                    struct pass_time *median)
{
    struct pass_time times[RUNS_MOST];
    double total = 0;
    int count = 0, passes = 1;
    CHECK(run_passes(program, routine, n, position, 1, &times[0]));
    CHECK(run_passes(program, routine, n, position, 1, &times[0]));
    while (passes < most && times[0].seconds * passes * 2 < SECONDS_ENOUGH / RUNS_LEAST)
        passes *= 2;
    while (count < RUNS_LEAST || (count < RUNS_MOST && total < SECONDS_ENOUGH)) {
        CHECK(run_passes(program, routine, n, position, passes, &times[count]));
        total += times[count++].seconds * passes;
    }
    qsort(times, (size_t)count, sizeof(times[0]), compare);
    *median = times[count / 2];
    return true;
error:
    return false;
}

// The same for a graph of one op: without the way to the device and back, where it tells.
static bool measure_op(struct program *program, enum op_kind kind, int n, double *median)
{
    double times[RUNS_MOST], total = 0;
    int count = 0;
    double warm[OP_KIND_COUNT] = {0};
    if (!program_times(program, ROUTINE_TRAIN, n, warm) || !(warm[kind] > 0)) {
        struct pass_time time;
        const bool measured = measure(program, 1, ROUTINE_TRAIN, n, NO_TENSOR, &time);
        *median = measured ? time.seconds : 0;
        return measured;
    }
    while (count < RUNS_LEAST || (count < RUNS_MOST && total < SECONDS_ENOUGH)) {
        double seconds[OP_KIND_COUNT] = {0};
        if (interrupt_requested())
            return error_set("interrupted");
        if (!program_times(program, ROUTINE_TRAIN, n, seconds))
            return false;
        total += times[count++] = seconds[kind];
    }
    qsort(times, (size_t)count, sizeof(times[0]), compare);
    *median = times[count / 2];
    return true;
}

// A graph of one convolution pass.
static struct graph *pass_graph(const struct layer *layer, enum pass pass)
{
    struct graph *graph = graph_create();
    const int pad = layer->kernel / 2;
    const int dims[4] = {layer->out, layer->in, layer->kernel, layer->kernel};
    const int x = graph_activation(graph, "x", layer->rows, layer->cols, layer->in);
    const int y =
        graph_activation(graph, "y", (layer->rows + 2 * pad - layer->kernel) / layer->stride + 1,
                         (layer->cols + 2 * pad - layer->kernel) / layer->stride + 1, layer->out);
    const int weight = graph_parameter(graph, "weight", 4, dims);
    const int in[PASS_COUNT][3] = {
        {x, weight, NO_TENSOR}, {y, weight, NO_TENSOR}, {x, y, NO_TENSOR}};
    const int out[PASS_COUNT] = {y, x, weight};
    struct op *op = graph_op(graph, pass_ops[pass], 3, in[pass], 1, &out[pass]);
    op->kernel = layer->kernel;
    op->stride = layer->stride;
    return graph;
}

static bool bench_pass(struct bench *bench, struct layer *layer, enum pass pass)
{
    const struct program_options options = {.slots = bench->slots,
                                            .batch = bench->shape.batch_size,
                                            .precision = bench->shape.precision};
    struct graph *graph = pass_graph(layer, pass);
    struct program *program = NULL;
    double seconds = 0;
    CHECK(program_create(bench->engine, graph, &options, &program));
    CHECK(measure_op(program, pass_ops[pass], options.batch, &seconds));
    layer->work =
        op_work(graph, &graph->routines[ROUTINE_TRAIN].ops[0], options.batch) * options.slots;
    layer->rates[pass] = layer->work / seconds * 1e-9;
    program_destroy(&program);
    graph_destroy(&graph);
    return true;
error:
    program_destroy(&program);
    graph_destroy(&graph);
    return false;
}

// The distinct convolution shapes of the network's forward pass, in order.
static void find_layers(struct bench *bench, const struct graph *graph)
{
    const struct op_list *list = &graph->routines[ROUTINE_TRAIN];
    for (int i = 0; i < list->count; i++) {
        const struct op *op = &list->ops[i];
        if (op->kind != OP_CONV)
            continue;
        const struct tensor *x = &graph->tensors[op->in[0]], *y = &graph->tensors[op->out[0]];
        const struct layer layer = {x->rows,    x->cols, x->channels, y->channels, op->kernel,
                                    op->stride, 1};
        int at = 0;
        while (at < bench->layer_count &&
               memcmp(&bench->layers[at], &layer, offsetof(struct layer, count)) != 0)
            at++;
        if (at < bench->layer_count)
            bench->layers[at].count++;
        else if (at < (int)(sizeof(bench->layers) / sizeof(bench->layers[0])))
            bench->layers[bench->layer_count++] = layer;
    }
}

static double routine_work(const struct graph *graph, enum routine routine, int n)
{
    double work = 0;
    for (int i = 0; i < graph->routines[routine].count; i++)
        work += op_work(graph, &graph->routines[routine].ops[i], n);
    return work;
}

static bool bench_network(struct bench *bench, const struct graph *graph, int position)
{
    const struct program_options options = {.slots = bench->slots,
                                            .batch = bench->shape.batch_size,
                                            .precision = bench->shape.precision};
    struct program *program = NULL;
    const int most = passes_most(bench->engine);
    struct pass_time time;
    bench->step_work = routine_work(graph, ROUTINE_TRAIN, options.batch) * options.slots;
    bench->evaluation_work = routine_work(graph, ROUTINE_EVALUATE, options.batch) * options.slots;
    CHECK(program_create(bench->engine, graph, &options, &program));
    bench->memory = program_memory(bench->engine, graph, &options);
    CHECK(run_passes(program, ROUTINE_TRAIN, options.batch, position, 1, &time));
    bench->first_seconds = process_seconds();
    CHECK(measure(program, most, ROUTINE_TRAIN, options.batch, position, &time));
    bench->step_seconds = time.seconds;
    bench->host_seconds = time.host;
    CHECK(program_write(program, position, 0, 0, 2, (const uint32_t[]){0, 0}));
    program_times(program, ROUTINE_TRAIN, options.batch, bench->op_seconds); // where it can be told
    CHECK(measure(program, most, ROUTINE_EVALUATE, options.batch, position, &time));
    bench->evaluation_seconds = time.seconds;
    program_destroy(&program);
    return true;
error:
    program_destroy(&program);
    return false;
}

// Training steps with 1, 2, 4, ... slots, as long as they fit and it pays.
static bool bench_curve(struct bench *bench, const struct graph *graph, int position, bool quiet)
{
    struct program *program = NULL;
    double best = 0;
    for (int slots = 1; bench->point_count < CURVE_MOST; slots *= 2) {
        const struct program_options options = {
            .slots = slots, .batch = bench->shape.batch_size, .precision = bench->shape.precision};
        const uint64_t memory = program_memory(bench->engine, graph, &options);
        if (memory > engine_device(bench->engine)->memory)
            break;
        if (!quiet)
            fprintf(stderr, "training steps, %d slots at once\n", slots);
        struct pass_time time;
        CHECK(program_create(bench->engine, graph, &options, &program));
        CHECK(measure(program, passes_most(bench->engine), ROUTINE_TRAIN, options.batch, position,
                      &time));
        program_destroy(&program);
        bench->curve[bench->point_count++] = (struct point){slots, memory, time.seconds};
        if (slots / time.seconds < best * CURVE_GAIN)
            break;
        best = slots / time.seconds;
    }
    return true;
error:
    program_destroy(&program);
    return false;
}

static bool bench_all(struct bench *bench, bool only_steps, bool curve, bool quiet)
{
    struct unet_tensors tensors;
    bench->shape.training_count = passes_most(bench->engine) * bench->shape.batch_size;
    bench->shape.count = 2 * bench->shape.training_count;
    struct graph *graph = unet_training_graph(&bench->shape, &tensors);
    if (!only_steps) {
        find_layers(bench, graph);
        engine_measure(bench->engine, &bench->peaks); // where it can be told
    }
    for (int i = 0; i < bench->layer_count; i++)
        for (int pass = 0; pass < PASS_COUNT; pass++) {
            if (!quiet)
                fprintf(stderr, "layer %d of %d, %s\n", i + 1, bench->layer_count,
                        pass_names[pass]);
            CHECK(bench_pass(bench, &bench->layers[i], (enum pass)pass));
        }
    if (!quiet)
        fprintf(stderr, "whole steps\n");
    CHECK(bench_network(bench, graph, tensors.position));
    if (curve)
        CHECK(bench_curve(bench, graph, tensors.position, quiet));
    graph_destroy(&graph);
    return true;
error:
    graph_destroy(&graph);
    return false;
}

// A rate, and its share of the peak where that is known.
static void print_rate(const struct bench *bench, double rate)
{
    if (bench->peaks.flops > 0)
        printf(" %9.1f (%3.0f%%)", rate, rate * 1e9 / bench->peaks.flops * 100);
    else
        printf(" %16.1f", rate);
}

static void print_layers(const struct bench *bench)
{
    if (bench->peaks.flops > 0)
        printf("peak, measured: %.1f GFLOP/s in fp32, %.1f GB/s to and from memory\n\n",
               bench->peaks.flops * 1e-9, bench->peaks.bytes * 1e-9);
    printf("%-34s %5s %8s %16s %16s %16s\n", "convolution", "times", "GFLOP", "forward, GFLOP/s",
           "input gradient", "weight gradient");
    for (int i = 0; i < bench->layer_count; i++) {
        const struct layer *l = &bench->layers[i];
        char name[64];
        snprintf(name, sizeof(name), "%dx%d/%d %4d -> %-4d at %dx%d", l->kernel, l->kernel,
                 l->stride, l->in, l->out, l->rows, l->cols);
        printf("%-34s %5d %8.2f", name, l->count, l->work * 1e-9);
        for (int pass = 0; pass < PASS_COUNT; pass++)
            print_rate(bench, l->rates[pass]);
        printf("\n");
    }
    printf("\n");
}

static void print_steps(const struct bench *bench)
{
    const double samples = (double)bench->shape.batch_size * bench->slots;
    printf("training step  %9.2f ms  %9.2f samples/s  %8.1f GFLOP/s\n", bench->step_seconds * 1e3,
           samples / bench->step_seconds, bench->step_work / bench->step_seconds * 1e-9);
    printf("evaluation     %9.2f ms  %9.2f samples/s  %8.1f GFLOP/s\n",
           bench->evaluation_seconds * 1e3, samples / bench->evaluation_seconds,
           bench->evaluation_work / bench->evaluation_seconds * 1e-9);
    printf("device memory  %9.0f MiB", (double)bench->memory / 0x1p20);
    if (engine_device(bench->engine)->kind != DEVICE_CPU)
        printf("; the host is busy for %.2f%% of a training step",
               bench->host_seconds / bench->step_seconds * 100);
    printf("\n");
    printf("first step     %9.2f s after the start; at most %.0f MiB of memory\n",
           bench->first_seconds, peak_bytes() / 0x1p20);
    double all = 0;
    for (int kind = 0; kind < OP_KIND_COUNT; kind++)
        all += bench->op_seconds[kind];
    if (all > 0)
        printf("\nop                         ms of a step\n");
    for (int kind = 0; kind < OP_KIND_COUNT; kind++)
        if (bench->op_seconds[kind] > 0)
            printf("%-18s %12.2f   %4.1f%%\n", op_name((enum op_kind)kind),
                   bench->op_seconds[kind] * 1e3, bench->op_seconds[kind] / all * 100);
}

static void print_curve(const struct bench *bench)
{
    printf("\nslots   device memory   ms of a step   samples/s\n");
    for (int i = 0; i < bench->point_count; i++) {
        const struct point *p = &bench->curve[i];
        printf("%5d   %9.0f MiB   %12.2f   %9.2f\n", p->slots, (double)p->memory / 0x1p20,
               p->seconds * 1e3, p->slots * bench->shape.batch_size / p->seconds);
    }
}

static void print_table(const struct bench *bench)
{
    const struct device_info *device = engine_device(bench->engine);
    printf("%s, %s\n", device->name, device->driver);
    printf("%s U-Net, %d -> %d channels, %dx%d, batch %d, %d %s, %s\n\n",
           base_model_name(bench->shape.base_model), FEATURES, LABELS, bench->shape.rows,
           bench->shape.cols, bench->shape.batch_size, bench->slots,
           bench->slots == 1 ? "slot" : "slots", precision_name(bench->shape.precision));
    if (bench->layer_count > 0)
        print_layers(bench);
    print_steps(bench);
    if (bench->point_count > 0)
        print_curve(bench);
}

static cJSON *routine_json(double seconds, double work, double samples)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "seconds", seconds);
    cJSON_AddNumberToObject(json, "samples_per_second", samples / seconds);
    cJSON_AddNumberToObject(json, "gflops", work / seconds * 1e-9);
    return json;
}

static cJSON *curve_json(const struct bench *bench)
{
    cJSON *curve = cJSON_CreateArray();
    for (int i = 0; i < bench->point_count; i++) {
        const struct point *p = &bench->curve[i];
        cJSON *point = cJSON_CreateObject();
        cJSON_AddNumberToObject(point, "slots", p->slots);
        cJSON_AddNumberToObject(point, "device_bytes", (double)p->memory);
        cJSON_AddNumberToObject(point, "seconds", p->seconds);
        cJSON_AddNumberToObject(point, "samples_per_second",
                                p->slots * bench->shape.batch_size / p->seconds);
        cJSON_AddItemToArray(curve, point);
    }
    return curve;
}

static void print_json(const struct bench *bench)
{
    const struct device_info *device = engine_device(bench->engine);
    const double samples = (double)bench->shape.batch_size * bench->slots;
    cJSON *json = cJSON_CreateObject(), *layers = cJSON_AddArrayToObject(json, "layers");
    cJSON_AddStringToObject(json, "device", device->name);
    cJSON_AddStringToObject(json, "driver", device->driver);
    cJSON_AddStringToObject(json, "base_model", base_model_name(bench->shape.base_model));
    cJSON_AddStringToObject(json, "precision", precision_name(bench->shape.precision));
    cJSON_AddNumberToObject(json, "rows", bench->shape.rows);
    cJSON_AddNumberToObject(json, "cols", bench->shape.cols);
    cJSON_AddNumberToObject(json, "batch_size", bench->shape.batch_size);
    cJSON_AddNumberToObject(json, "slots", bench->slots);
    if (bench->peaks.flops > 0) {
        cJSON *peaks = cJSON_AddObjectToObject(json, "peaks");
        cJSON_AddNumberToObject(peaks, "fp32_flops", bench->peaks.flops);
        cJSON_AddNumberToObject(peaks, "memory_bytes_per_second", bench->peaks.bytes);
    }
    for (int i = 0; i < bench->layer_count; i++) {
        const struct layer *l = &bench->layers[i];
        cJSON *layer = cJSON_CreateObject();
        const int sizes[] = {l->rows, l->cols, l->in, l->out, l->kernel, l->stride, l->count};
        static const char *const names[] = {"rows",   "cols",   "in",   "out",
                                            "kernel", "stride", "count"};
        for (int s = 0; s < (int)(sizeof(sizes) / sizeof(sizes[0])); s++)
            cJSON_AddNumberToObject(layer, names[s], sizes[s]);
        cJSON_AddNumberToObject(layer, "gflop", l->work * 1e-9);
        for (int pass = 0; pass < PASS_COUNT; pass++)
            cJSON_AddNumberToObject(layer, pass_names[pass], l->rates[pass]);
        cJSON_AddItemToArray(layers, layer);
    }
    cJSON_AddItemToObject(json, "training_step",
                          routine_json(bench->step_seconds, bench->step_work, samples));
    cJSON_AddItemToObject(json, "evaluation",
                          routine_json(bench->evaluation_seconds, bench->evaluation_work, samples));
    cJSON_AddNumberToObject(json, "device_bytes", (double)bench->memory);
    if (device->kind != DEVICE_CPU)
        cJSON_AddNumberToObject(json, "host_seconds_per_step", bench->host_seconds);
    if (bench->point_count > 0)
        cJSON_AddItemToObject(json, "curve", curve_json(bench));
    cJSON_AddNumberToObject(json, "first_step_seconds", bench->first_seconds);
    cJSON_AddNumberToObject(json, "peak_bytes", peak_bytes());
    cJSON *ops = cJSON_AddObjectToObject(json, "op_seconds");
    for (int kind = 0; kind < OP_KIND_COUNT; kind++)
        if (bench->op_seconds[kind] > 0)
            cJSON_AddNumberToObject(ops, op_name((enum op_kind)kind), bench->op_seconds[kind]);
    command_print_json(json);
}

int command_bench(int argc, char **argv)
{
    struct options options;
    struct bench bench = {.slots = 1};
    int status, device;
    if (!options_parse(COMMAND_BENCH, argc, argv, &options, &status))
        return status;
    const bool quiet = option_set(&options, OPTION_QUIET);
    bench.shape = (struct unet_shape){
        .rows = options.rows ? options.rows : 128,
        .cols = options.cols ? options.cols : 256,
        .features = FEATURES,
        .labels = LABELS,
        .batch_size = (int)options.numbers[OPTION_BATCH_SIZE],
    };
    if (bench.shape.rows % 32 || bench.shape.cols % 32)
        return command_misused("bench", "--size: multiples of 32 are allowed");
    if (option_set(&options, OPTION_PACK))
        bench.slots = (int)options.numbers[OPTION_PACK];
    if (option_set(&options, OPTION_BASE_MODEL))
        base_model_parse(options.values[OPTION_BASE_MODEL], &bench.shape.base_model);
    if (option_set(&options, OPTION_PRECISION))
        precision_parse(options.values[OPTION_PRECISION], &bench.shape.precision);
    CHECK(pick_device(&options, quiet, &device));
    CHECK(engine_open(device, &bench.engine));
    CHECK(bench_all(&bench, option_set(&options, OPTION_STEPS), option_set(&options, OPTION_CURVE),
                    quiet));
    if (option_set(&options, OPTION_JSON))
        print_json(&bench);
    else
        print_table(&bench);
    engine_close(&bench.engine);
    return 0;
error:
    engine_close(&bench.engine);
    return command_failed();
}
