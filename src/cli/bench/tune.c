// SPDX-License-Identifier: MIT
// `vkgrid bench --tune`: measures which tiles the convolutions of a network are fastest with.
#include "cli/bench/bench.h"
#include "cli/commands.h"

#include "vkgrid/base/clock.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/train/train.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// A tile serves other numbers of slots too, the nearest by ratio; so few of them do for any pack.
static const int slot_counts[] = {1, 4, 16, 64};
#define SLOT_COUNTS ((int)(sizeof(slot_counts) / sizeof(slot_counts[0])))
#define SOFTWARE_SLOTS 4 // a software driver is given no more (study/width.c)

struct tuning {
    struct engine *engine;
    bool quiet;
    struct tuned_conv *convs;
    int count, left; // left: for want of time
};

static const char *pass_name(enum op_kind kind)
{
    return kind == OP_CONV              ? "forward"
           : kind == OP_CONV_INPUT_GRAD ? "input gradient"
                                        : "weight gradient";
}

static void name_conv(const struct tuned_conv *conv, char name[static 64])
{
    snprintf(name, 64, "%dx%d/%d %4d -> %-4d at %dx%d", conv->kernel, conv->kernel, conv->stride,
             conv->in, conv->out, conv->rows, conv->cols);
}

static void on_tuned(void *context, const struct tuned_conv *conv, int done, int total)
{
    struct tuning *tuning = context;
    char name[64];
    name_conv(conv, name);
    if (!tuning->quiet || conv->skipped)
        fprintf(stderr, "convolution %d of %d, %d slot%s: %s, %s%s%s\n", done, total, conv->slots,
                conv->slots == 1 ? "" : "s", name, pass_name(conv->kind),
                conv->skipped ? ": left out: " : "", conv->skipped ? conv->skipped : "");
    if (conv->skipped)
        return;
    tuning->convs = mem_grow(tuning->convs, (size_t)tuning->count + 1, sizeof(*tuning->convs));
    tuning->convs[tuning->count++] = *conv;
}

static bool tune(struct tuning *tuning, const struct unet_shape *shape, int pack, double seconds)
{
    const struct device_info *device = engine_device(tuning->engine);
    struct unet_tensors tensors;
    struct graph *graph = unet_training_graph(shape, &tensors);
    const double start = seconds_now();
    bool tuned = true;
    for (int i = 0; tuned && i < SLOT_COUNTS && (pack == 0 || i == 0); i++) {
        const int slots = pack > 0 ? pack : slot_counts[i];
        int left;
        if (device->kind == DEVICE_SOFTWARE && slots > SOFTWARE_SLOTS && pack == 0)
            break;
        if (train_memory(tuning->engine, shape, slots) > device->memory) {
            tuned = i > 0 ||
                    error_set("%s: has not the memory to train %d at once", device->name, slots);
            break;
        }
        const struct tune_options options = {
            .program = {.slots = slots, .batch = shape->batch_size, .precision = shape->precision},
            .seconds = seconds - (seconds_now() - start),
            .each = on_tuned,
            .context = tuning,
        };
        tuned = engine_tune(tuning->engine, graph, &options, &left);
        tuning->left += left;
    }
    graph_destroy(&graph);
    return tuned;
}

static void print_table(const struct tuning *tuning)
{
    printf("%-34s %-15s %5s  %-22s %-22s %9s %6s\n", "convolution", "pass", "slots", "default tile",
           "chosen tile", "ms", "gain");
    for (int i = 0; i < tuning->count; i++) {
        const struct tuned_conv *conv = &tuning->convs[i];
        const bool same = strcmp(conv->before, conv->after) == 0;
        char name[64];
        name_conv(conv, name);
        printf("%-34s %-15s %5d  %-22s %-22s %9.3f", name, pass_name(conv->kind), conv->slots,
               conv->before, same ? "the same" : conv->after, conv->seconds_after * 1e3);
        if (same)
            printf("\n");
        else
            printf(" %5.0f%%\n", (conv->seconds_before / conv->seconds_after - 1) * 100);
    }
    if (tuning->left > 0)
        printf("\n%d more were not measured for want of time: the same command goes on with them\n",
               tuning->left);
    printf("\nkept in %s\n", engine_tuning_file(tuning->engine));
}

static cJSON *conv_json(const struct tuned_conv *conv)
{
    cJSON *json = cJSON_CreateObject();
    const int numbers[] = {conv->rows,   conv->cols,   conv->in,    conv->out,
                           conv->kernel, conv->stride, conv->times, conv->slots};
    static const char *const names[] = {"rows",   "cols",   "in",    "out",
                                        "kernel", "stride", "times", "slots"};
    cJSON_AddStringToObject(json, "op", op_name(conv->kind));
    for (int i = 0; i < (int)(sizeof(numbers) / sizeof(numbers[0])); i++)
        cJSON_AddNumberToObject(json, names[i], numbers[i]);
    cJSON_AddStringToObject(json, "default", conv->before);
    cJSON_AddStringToObject(json, "chosen", conv->after);
    cJSON_AddNumberToObject(json, "default_seconds", conv->seconds_before);
    cJSON_AddNumberToObject(json, "seconds", conv->seconds_after);
    return json;
}

static void print_json(const struct tuning *tuning)
{
    const struct device_info *device = engine_device(tuning->engine);
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "device", device->name);
    cJSON_AddStringToObject(json, "driver", device->driver);
    cJSON_AddStringToObject(json, "file", engine_tuning_file(tuning->engine));
    cJSON_AddNumberToObject(json, "left", tuning->left);
    cJSON *convs = cJSON_AddArrayToObject(json, "convolutions");
    for (int i = 0; i < tuning->count; i++)
        cJSON_AddItemToArray(convs, conv_json(&tuning->convs[i]));
    command_print_json(json);
}

bool bench_tune(struct engine *engine, const struct unet_shape *shape,
                const struct bench_tuning *options)
{
    struct tuning tuning = {.engine = engine, .quiet = options->quiet};
    const bool tuned = tune(&tuning, shape, options->pack, options->seconds);
    if (tuned && options->json)
        print_json(&tuning);
    else if (tuned)
        print_table(&tuning);
    free(tuning.convs);
    return tuned;
}
