// SPDX-License-Identifier: MIT
#include "cli/apply/apply.h"

#include "cli/apply/ensemble.h"
#include "cli/evaluate/split.h"
#include "cli/commands.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static void tell_sizes(const struct ensemble *ensemble, const struct output *output)
{
    const struct dataset *first = ensemble->datasets[0];
    int other = 0;
    for (int i = 0; i < first->count; i++)
        for (int j = 0; j < ensemble->dataset_count; j++)
            if (first->sizes[i].rows != ensemble->datasets[j]->rows ||
                first->sizes[i].cols != ensemble->datasets[j]->cols) {
                other++;
                break;
            }
    if (other == 0 && !output->size.rows)
        return;
    char *to = output->size.rows ? text_format("%d x %d", output->size.rows, output->size.cols)
                                 : text_copy("the size of their files"),
         *sizes = ensemble_sizes(ensemble);
    fprintf(stderr, "%s: %d of %d images are resized to it, probabilities to %s\n", sizes, other,
            first->count, to);
    free(sizes);
    free(to);
}

struct prediction {
    const struct output *output;
    const struct dataset *dataset;
    struct background background;
};

static bool write_sample(void *context, int sample, const float *probabilities)
{
    struct prediction *prediction = context;
    return output_write(prediction->output, &prediction->background, prediction->dataset, sample,
                        probabilities);
}

static bool compute(const struct options *options, struct ensemble *ensemble,
                    const struct place *place, const struct output *output)
{
    const struct dataset *dataset = ensemble->datasets[0];
    struct prediction prediction = {output, dataset, {0}};
    const bool done =
        (!output->overlay || background_init(&prediction.background, output->cell, dataset,
                                             place->folder, output->size)) &&
        ensemble_open(options, ensemble) && output_begin(output) &&
        ensemble_predict(ensemble, (int)options->numbers[OPTION_BATCH_SIZE], AVERAGED_PROBABILITIES,
                         output->size, write_sample, &prediction);
    background_free(&prediction.background);
    return done;
}

static bool find_samples(const struct options *options, struct ensemble *ensemble,
                         const struct place *place, struct sample_list *samples)
{
    const struct cell *cell = &ensemble->members[0].cell;
    const char *split = options->values[OPTION_SPLIT];
    if (split && place->only)
        return error_set("--split: an image is named, so that it is not allowed");
    if (split && strcmp(split, "all") != 0)
        return split_images(options, ensemble, samples);
    if (!place->only)
        return apply_find_samples(options, place->folder, cell, false, samples);
    samples->names = mem_zalloc(1, sizeof(*samples->names));
    samples->names[samples->count++] = text_copy(place->only);
    return true;
}

static bool apply(const struct options *options, struct ensemble *ensemble, const char *out)
{
    struct cell *cell = &ensemble->members[0].cell;
    struct place place = {0};
    struct sample_list samples = {0};
    struct output output;
    CHECK(place_find(options, cell, &place));
    CHECK(output_init(&output, out, cell, options));
    CHECK(find_samples(options, ensemble, &place, &samples));
    CHECK(output_check(&output, place.folder, &samples, option_set(options, OPTION_OVERWRITE)));
    CHECK(ensemble_load(ensemble, place.folder, false, (const char *const *)samples.names,
                        samples.count, "")); // labels are what is asked for
    tell_left_out(&samples, ensemble->datasets[0]);
    ensemble_tell_ranges(ensemble);
    if (!option_set(options, OPTION_QUIET))
        tell_sizes(ensemble, &output);
    CHECK(compute(options, ensemble, &place, &output));
    sample_list_free(&samples);
    place_free(&place);
    return true;
error:
    sample_list_free(&samples);
    place_free(&place);
    return false;
}

int command_apply(int argc, char **argv)
{
    struct options options;
    struct ensemble ensemble;
    int status;
    if (!options_parse(COMMAND_APPLY, argc, argv, &options, &status))
        return status;
    if (!option_set(&options, OPTION_WEIGHTS))
        return command_misused("apply", "-w FILE: is missing");
    if (!option_set(&options, OPTION_DATA))
        return command_misused("apply", "-d DIR: is missing");
    const char *out =
        option_set(&options, OPTION_OUT) ? options.values[OPTION_OUT] : "vkgrid-predictions";
    const bool done = ensemble_read(&options, &ensemble) && apply(&options, &ensemble, out);
    const int written = done ? ensemble.datasets[0]->count : 0;
    ensemble_close(&ensemble);
    if (!done)
        return command_failed();
    printf("%d samples written to %s\n", written, out);
    return 0;
}
