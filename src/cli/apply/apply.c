// SPDX-License-Identifier: MIT
#include "cli/apply/apply.h"

#include "cli/commands.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/run/check_weights.h"
#include "vkgrid/run/run.h"
#include "vkgrid/train/train.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool load_inputs(const struct options *options, const struct cell *cell,
                        const struct sample_list *samples, struct dataset **dataset)
{
    struct dataset_request request = cell_request(cell);
    request.folder = options->values[OPTION_DATA];
    request.labels = NULL; // they are what is asked for
    request.label_count = 0;
    request.training = (const char *const *)samples->names;
    request.training_count = samples->count;
    return dataset_load(&request, dataset);
}

// Samples of --samples that have none of the files.
static void tell_left_out(const struct sample_list *samples, const struct dataset *dataset)
{
    int loaded = 0; // both are in one order
    for (int i = 0; dataset->left_out > 0 && i < samples->count; i++) {
        if (loaded < dataset->count && strcmp(samples->names[i], dataset->names[loaded]) == 0)
            loaded++;
        else
            fprintf(stderr, "%s: left out: it has none of the files\n", samples->names[i]);
    }
}

static void tell_sizes(const struct output *output, const struct dataset *dataset)
{
    int other = 0;
    for (int i = 0; i < dataset->count; i++)
        other += dataset->sizes[i].rows != dataset->rows || dataset->sizes[i].cols != dataset->cols;
    if (other == 0 && !output->size.rows)
        return;
    char *to = output->size.rows ? text_format("%d x %d", output->size.rows, output->size.cols)
                                 : text_copy("the size of their files");
    fprintf(stderr,
            "the network's size is %d x %d: %d of %d images are resized to it, "
            "probabilities to %s\n",
            dataset->rows, dataset->cols, other, dataset->count, to);
    free(to);
}

struct prediction {
    const struct output *output;
    const struct dataset *dataset;
};

static bool write_sample(void *context, int sample, const float *probabilities)
{
    const struct prediction *prediction = context;
    return output_write(prediction->output, prediction->dataset, sample, probabilities);
}

static bool compute(const struct options *options, const struct output *output,
                    const struct dataset *dataset)
{
    const struct cell *cell = output->cell;
    struct prediction prediction = {output, dataset};
    struct network network;
    const bool done = apply_open_network(options, cell, &network) && output_begin(output) &&
                      predict(network.engine, cell->base_model, cell->precision, dataset,
                              cell->labels.count, &network.weights,
                              (int)options->numbers[OPTION_BATCH_SIZE], write_sample, &prediction);
    apply_close_network(&network);
    return done;
}

static bool apply(const struct options *options, const struct cell *cell, const char *out,
                  int *written)
{
    const char *data = options->values[OPTION_DATA];
    struct dataset *dataset = NULL;
    struct sample_list samples = {0};
    struct output output;
    if (!folder_exists(data))
        return error_set("%s: no such data folder", data);
    CHECK(output_init(&output, out, cell, options));
    CHECK(apply_find_samples(options, &cell->features, cell->inputs, &samples));
    CHECK(output_check(&output, data, &samples, option_set(options, OPTION_OVERWRITE)));
    CHECK(load_inputs(options, cell, &samples, &dataset));
    tell_left_out(&samples, dataset);
    apply_tell_ranges(cell, dataset);
    if (!option_set(options, OPTION_QUIET))
        tell_sizes(&output, dataset);
    CHECK(compute(options, &output, dataset));
    *written = dataset->count;
    dataset_free(&dataset);
    sample_list_free(&samples);
    return true;
error:
    dataset_free(&dataset);
    sample_list_free(&samples);
    return false;
}

int command_apply(int argc, char **argv)
{
    struct options options;
    struct cell cell;
    int status, written = 0;
    if (!options_parse(COMMAND_APPLY, argc, argv, &options, &status))
        return status;
    if (!option_set(&options, OPTION_WEIGHTS))
        return command_misused("apply", "-w FILE: is missing");
    if (!option_set(&options, OPTION_DATA))
        return command_misused("apply", "-d DIR: is missing");
    if (!apply_read_cell(&options, &cell))
        return command_failed();
    const char *out =
        option_set(&options, OPTION_OUT) ? options.values[OPTION_OUT] : "vkgrid-predictions";
    const bool done = apply(&options, &cell, out, &written);
    cell_free(&cell);
    if (!done)
        return command_failed();
    printf("%d samples written to %s\n", written, out);
    return 0;
}
