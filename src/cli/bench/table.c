// SPDX-License-Identifier: MIT
// What `vkgrid bench` prints for people.
#include "cli/bench/bench.h"

#include <stdio.h>

static void print_peak(const char *name, double rate, const char *unit)
{
    if (rate > 0)
        printf("peak of %-14s %9.1f %s, measured\n", name, rate * 1e-9, unit);
}

static void print_peaks(const struct engine_peaks *peaks)
{
    print_peak("fp32", peaks->flops, "GFLOP/s");
    print_peak("fp16", peaks->half_flops, "GFLOP/s");
    print_peak("matrix units", peaks->matrix_flops, "GFLOP/s");
    print_peak("memory", peaks->bytes, "GB/s");
    if (peaks->flops > 0 || peaks->bytes > 0)
        printf("\n");
}

// A rate, and its share of the peak where that is known.
static void print_rate(const struct bench *bench, double rate)
{
    const double peak = bench_peak(bench);
    if (peak > 0)
        printf(" %9.1f (%3.0f%%)", rate * 1e-9, rate / peak * 100);
    else
        printf(" %16.1f", rate * 1e-9);
}

static void print_layers(const struct bench *bench)
{
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
    if (bench->slot_memory > 0)
        printf("; %.0f MiB for one slot more", (double)bench->slot_memory / 0x1p20);
    if (engine_device(bench->engine)->kind != DEVICE_CPU)
        printf("; the host is busy for %.2f%% of a training step",
               bench->host_seconds / bench->step_seconds * 100);
    printf("\n");
    printf("first step     %9.2f s after the start; at most %.0f MiB of memory\n",
           bench->first_seconds, peak_host_bytes() / 0x1p20);
    double all = 0;
    for (int kind = 0; kind < OP_GRAPH_KINDS; kind++)
        all += bench->op_seconds[kind];
    if (all > 0)
        printf("\nop                         ms of a step\n");
    for (int kind = 0; kind < OP_GRAPH_KINDS; kind++)
        if (bench->op_seconds[kind] > 0)
            printf("%-18s %12.2f   %4.1f%%\n", op_name((enum op_kind)kind),
                   bench->op_seconds[kind] * 1e3, bench->op_seconds[kind] / all * 100);
}

static void print_curve(const struct bench *bench)
{
    printf("\nbatch   slots   device memory   ms of a step   samples/s\n");
    for (int i = 0; i < bench->point_count; i++) {
        const struct point *p = &bench->curve[i];
        printf("%5d   %5d   %9.0f MiB   %12.2f   %9.2f\n", p->batch_size, p->slots,
               (double)p->memory / 0x1p20, p->seconds * 1e3, point_rate(p));
    }
}

void bench_print_table(const struct bench *bench)
{
    const struct device_info *device = engine_device(bench->engine);
    printf("%s, %s\n", device->name, device->driver);
    printf("%s U-Net, %d -> %d channels, %dx%d, batch %d, %d %s, %s\n\n",
           base_model_name(bench->shape.base_model), bench->shape.features, bench->shape.labels,
           bench->shape.rows, bench->shape.cols, bench->shape.batch_size, bench->slots,
           bench->slots == 1 ? "slot" : "slots", precision_name(bench->shape.precision));
    print_peaks(&bench->peaks);
    if (bench->layer_count > 0)
        print_layers(bench);
    print_steps(bench);
    if (bench->point_count > 0)
        print_curve(bench);
}
