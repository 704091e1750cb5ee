// SPDX-License-Identifier: MIT
// vkgrid bench: what to measure, in which order.
#include "cli/bench/bench.h"
#include "cli/commands.h"

#include "vkgrid/base/error.h"

#include <limits.h>
#include <stdlib.h>

#define FEATURES 7 // the models of the paper: anat -> area
#define LABELS 3
#define BATCH_SIZE_MOST 1024

// The next number of a list with commas; 0 where there is none.
static int next_batch_size(const char **text)
{
    char *end;
    const long size = strtol(*text, &end, 10);
    const bool good = end > *text && (*end == ',' || !*end) && size > 0 && size <= BATCH_SIZE_MOST;
    *text = *end == ',' ? end + 1 : end;
    return good ? (int)size : 0;
}

static bool are_batch_sizes(const char *text)
{
    do {
        if (!next_batch_size(&text))
            return false;
    } while (*text);
    return true;
}

static bool bench_curves(struct bench *bench, const char *batch_sizes)
{
    if (!batch_sizes)
        return bench_curve(bench, bench->shape.batch_size);
    while (*batch_sizes)
        if (!bench_curve(bench, next_batch_size(&batch_sizes)))
            return false;
    return true;
}

static void take_options(struct bench *bench, const struct options *options)
{
    bench->quiet = option_set(options, OPTION_QUIET);
    bench->seconds = options->numbers[OPTION_SECONDS];
    bench->slots = option_set(options, OPTION_PACK) ? (int)options->numbers[OPTION_PACK] : 1;
    bench->curve_slots = option_set(options, OPTION_PACK) ? bench->slots : INT_MAX;
    bench->shape = (struct unet_shape){
        .rows = options->rows ? options->rows : 128,
        .cols = options->cols ? options->cols : 256,
        .features = FEATURES,
        .labels = LABELS,
        .batch_size = (int)options->numbers[OPTION_BATCH_SIZE],
    };
    if (option_set(options, OPTION_BASE_MODEL))
        base_model_parse(options->values[OPTION_BASE_MODEL], &bench->shape.base_model);
    if (option_set(options, OPTION_PRECISION))
        precision_parse(options->values[OPTION_PRECISION], &bench->shape.precision);
}

static bool tune(struct bench *bench, const struct options *options)
{
    const struct bench_tuning tuning = {.pack = (int)options->numbers[OPTION_PACK],
                                        .seconds = options->numbers[OPTION_LIMIT],
                                        .json = option_set(options, OPTION_JSON),
                                        .quiet = bench->quiet};
    bench->shape.training_count = bench->shape.batch_size;
    bench->shape.count = 2 * bench->shape.batch_size;
    return bench_tune(bench->engine, &bench->shape, &tuning);
}

static bool measure(struct bench *bench, const struct options *options)
{
    const char *const batch_sizes = options->values[OPTION_BATCH_SIZES];
    if ((!option_set(options, OPTION_STEPS) && !bench_layers(bench)) || !bench_network(bench))
        return false;
    if ((option_set(options, OPTION_CURVE) || batch_sizes) && !bench_curves(bench, batch_sizes))
        return false;
    if (option_set(options, OPTION_JSON))
        bench_print_json(bench);
    else
        bench_print_table(bench);
    return true;
}

int command_bench(int argc, char **argv)
{
    struct options options;
    struct bench bench = {0};
    int status, device;
    if (!options_parse(COMMAND_BENCH, argc, argv, &options, &status))
        return status;
    const char *const batch_sizes = options.values[OPTION_BATCH_SIZES];
    take_options(&bench, &options);
    if (bench.shape.rows % 32 || bench.shape.cols % 32)
        return command_misused("bench", "--size: multiples of 32 are allowed");
    if (batch_sizes && !are_batch_sizes(batch_sizes))
        return command_misused("bench", "--batch-sizes: numbers from 1 to 1024 are allowed");
    CHECK(pick_device(&options, bench.quiet, &device));
    CHECK(engine_open(device, &bench.engine));
    CHECK(option_set(&options, OPTION_TUNE) ? tune(&bench, &options) : measure(&bench, &options));
    engine_close(&bench.engine);
    return 0;
error:
    engine_close(&bench.engine);
    return command_failed();
}
