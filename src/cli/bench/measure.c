// SPDX-License-Identifier: MIT
// Measures a device: its peaks, every convolution shape of the U-Net alone, forward and both
// gradients, then whole training steps and evaluations. Times of steps are the host's, around work
// that has been submitted and waited for; those of single ops are the device's where it tells them.
#include "cli/bench/bench.h"

#include "vkgrid/base/clock.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/interrupt.h"
#include "vkgrid/train/train.h"

#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define RUNS_LEAST 3 // timed runs after one that is not counted; 1 where no time is given
#define RUNS_MOST 50
#define PASSES_MOST 8   // that are started before they are waited for
#define CURVE_GAIN 1.02 // it ends where twice the slots gain less

static const enum op_kind pass_ops[PASS_COUNT] = {OP_CONV, OP_CONV_INPUT_GRAD, OP_CONV_WEIGHT_GRAD};
const char *const pass_names[PASS_COUNT] = {"forward", "input_grad", "weight_grad"};

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

double peak_host_bytes(void)
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

// Whether so many timed runs, which took so long, are not enough yet.
static bool goes_on(const struct bench *bench, int runs, double seconds)
{
    return runs < (bench->seconds > 0 ? RUNS_LEAST : 1) ||
           (runs < RUNS_MOST && seconds < bench->seconds);
}

// Median time of one pass, after one that warms up. At most `most` are started before they are
// waited for: the data set has as many batches.
static bool measure(const struct bench *bench, struct program *program, int most,
                    enum routine routine, int n, int position, struct pass_time *median)
{
    struct pass_time times[RUNS_MOST];
    double total = 0;
    int count = 0, passes = 1;
    CHECK(run_passes(program, routine, n, position, 1, &times[0]));
    if (bench->seconds > 0) // now that it is warm: how long a pass takes
        CHECK(run_passes(program, routine, n, position, 1, &times[0]));
    while (passes < most && times[0].seconds * passes * 2 < bench->seconds / RUNS_LEAST)
        passes *= 2;
    while (goes_on(bench, count, total)) {
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
static bool measure_op(const struct bench *bench, struct program *program, enum op_kind kind, int n,
                       double *median)
{
    double times[RUNS_MOST], total = 0;
    int count = 0;
    double warm[OP_GRAPH_KINDS] = {0};
    if (!program_times(program, ROUTINE_TRAIN, n, warm) || !(warm[kind] > 0)) {
        struct pass_time time;
        const bool measured = measure(bench, program, 1, ROUTINE_TRAIN, n, NO_TENSOR, &time);
        *median = measured ? time.seconds : 0;
        return measured;
    }
    while (goes_on(bench, count, total)) {
        double seconds[OP_GRAPH_KINDS] = {0};
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

static struct program_options program_options(const struct bench *bench, int batch_size, int slots)
{
    return (struct program_options){
        .slots = slots, .batch = batch_size, .precision = bench->shape.precision};
}

// Its data set has as many batches as are started at once.
static struct graph *network_graph(const struct bench *bench, int batch_size,
                                   struct unet_tensors *tensors)
{
    struct unet_shape shape = bench->shape;
    shape.batch_size = batch_size;
    shape.training_count = passes_most(bench->engine) * batch_size;
    shape.count = 2 * shape.training_count;
    return unet_training_graph(&shape, tensors);
}

static void say(const struct bench *bench, const char *format, ...)
{
    va_list arguments;
    if (bench->quiet)
        return;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

static bool measure_pass(struct bench *bench, struct layer *layer, enum pass pass)
{
    const struct program_options options =
        program_options(bench, bench->shape.batch_size, bench->slots);
    struct graph *graph = pass_graph(layer, pass);
    struct program *program = NULL;
    double seconds = 0;
    CHECK(program_create(bench->engine, graph, &options, &program));
    CHECK(measure_op(bench, program, pass_ops[pass], options.batch, &seconds));
    layer->work =
        op_work(graph, &graph->routines[ROUTINE_TRAIN].ops[0], options.batch) * options.slots;
    layer->rates[pass] = layer->work / seconds;
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

bool bench_layers(struct bench *bench)
{
    struct unet_tensors tensors;
    struct graph *graph = network_graph(bench, bench->shape.batch_size, &tensors);
    find_layers(bench, graph);
    graph_destroy(&graph);
    engine_measure(bench->engine, &bench->peaks); // where it can be told
    for (int i = 0; i < bench->layer_count; i++)
        for (int pass = 0; pass < PASS_COUNT; pass++) {
            say(bench, "layer %d of %d, %s", i + 1, bench->layer_count, pass_names[pass]);
            if (!measure_pass(bench, &bench->layers[i], (enum pass)pass))
                return false;
        }
    return true;
}

double bench_peak(const struct bench *bench)
{
    const struct engine_peaks *peaks = &bench->peaks;
    if (bench->shape.precision == PRECISION_FP32)
        return peaks->flops;
    // Which of them a kernel uses is the engine's choice: the best is what it could be.
    return fmax(peaks->flops, fmax(peaks->half_flops, peaks->matrix_flops));
}

static double routine_work(const struct graph *graph, enum routine routine, int n)
{
    double work = 0;
    for (int i = 0; i < graph->routines[routine].count; i++)
        work += op_work(graph, &graph->routines[routine].ops[i], n);
    return work;
}

// Bytes that one slot more takes; 0 where two do not fit what kernels can index.
static uint64_t slot_memory(const struct bench *bench, const struct graph *graph)
{
    const int batch = bench->shape.batch_size;
    const struct program_options one = program_options(bench, batch, 1);
    const struct program_options two = program_options(bench, batch, 2);
    const uint64_t memory = program_memory(bench->engine, graph, &two);
    return memory == UINT64_MAX ? 0 : memory - program_memory(bench->engine, graph, &one);
}

// As a training begins: what is timed would otherwise skip Adam in mixed precision.
static bool begin_training(struct program *program, const struct unet_tensors *tensors, int slots)
{
    bool begun = true;
    for (int slot = 0; begun && slot < slots; slot++)
        begun = train_fresh_adam(program, tensors, slot);
    return begun;
}

bool bench_network(struct bench *bench)
{
    const int batch = bench->shape.batch_size, most = passes_most(bench->engine);
    const struct program_options options = program_options(bench, batch, bench->slots);
    struct unet_tensors tensors;
    struct graph *graph = network_graph(bench, batch, &tensors);
    struct program *program = NULL;
    struct pass_time time;
    say(bench, "whole steps");
    bench->step_work = routine_work(graph, ROUTINE_TRAIN, batch) * bench->slots;
    bench->evaluation_work = routine_work(graph, ROUTINE_EVALUATE, batch) * bench->slots;
    CHECK(program_create(bench->engine, graph, &options, &program));
    CHECK(begin_training(program, &tensors, bench->slots));
    bench->memory = program_memory(bench->engine, graph, &options);
    bench->slot_memory = slot_memory(bench, graph);
    CHECK(run_passes(program, ROUTINE_TRAIN, batch, tensors.position, 1, &time));
    bench->first_seconds = process_seconds();
    CHECK(measure(bench, program, most, ROUTINE_TRAIN, batch, tensors.position, &time));
    bench->step_seconds = time.seconds;
    bench->host_seconds = time.host;
    CHECK(program_write(program, tensors.position, 0, 0, 2, (const uint32_t[]){0, 0}));
    program_times(program, ROUTINE_TRAIN, batch, bench->op_seconds); // where it can be told
    CHECK(measure(bench, program, most, ROUTINE_EVALUATE, batch, tensors.position, &time));
    bench->evaluation_seconds = time.seconds;
    program_destroy(&program);
    graph_destroy(&graph);
    return true;
error:
    program_destroy(&program);
    graph_destroy(&graph);
    return false;
}

double point_rate(const struct point *point)
{
    return point->slots * point->batch_size / point->seconds;
}

bool bench_curve(struct bench *bench, int batch_size)
{
    const int most = (int)(sizeof(bench->curve) / sizeof(bench->curve[0]));
    struct unet_tensors tensors;
    struct graph *graph = network_graph(bench, batch_size, &tensors);
    struct program *program = NULL;
    double best = 0;
    for (int slots = 1; slots <= bench->curve_slots && bench->point_count < most; slots *= 2) {
        const struct program_options options = program_options(bench, batch_size, slots);
        struct point *point = &bench->curve[bench->point_count];
        struct pass_time time;
        *point = (struct point){.batch_size = batch_size,
                                .slots = slots,
                                .memory = program_memory(bench->engine, graph, &options)};
        if (point->memory > engine_device(bench->engine)->memory)
            break;
        say(bench, "training steps of batch %d, %d slots at once", batch_size, slots);
        if (!program_create(bench->engine, graph, &options, &program)) {
            if (slots == 1)
                goto error;
            say(bench, "%s", error_text()); // others have taken memory: the curve ends here
            break;
        }
        CHECK(begin_training(program, &tensors, slots));
        CHECK(measure(bench, program, passes_most(bench->engine), ROUTINE_TRAIN, batch_size,
                      tensors.position, &time));
        program_destroy(&program);
        point->seconds = time.seconds;
        bench->point_count++;
        if (point_rate(point) < best * CURVE_GAIN)
            break;
        best = point_rate(point);
    }
    graph_destroy(&graph);
    return true;
error:
    program_destroy(&program);
    graph_destroy(&graph);
    return false;
}
