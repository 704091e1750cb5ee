// SPDX-License-Identifier: MIT
// What study.db costs: writes a study of many cells and epochs, as a search does, without training.
//
//   store_write OUT [CELLS] [EPOCHS] [SLOTS] [IMAGES] [LABELS]
//
// Prints the time of a transaction (an epoch of all slots, with their checkpoints' rows, and in
// every third one, which improves, the pixel counts of all validation images and labels in the
// place of those before). OUT can be given to `vkgrid status` and `vkgrid report` afterwards.
#include "vkgrid/base/clock.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/base/random.h"
#include "vkgrid/store/store.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const char axes[] =
    "{\"static\": {\"inputs\": \"anat\", \"prediction\": \"area\", \"until\": 1, \"num_epochs\": "
    "20}, \"hyper\": {\"base_model\": [\"resnet18\", \"resnet34\"], \"lr\": [0.001, 0.002, 0.004, "
    "0.006, 0.01], \"gamma\": [0.85, 0.9, 0.95, 1], \"bce_weight\": [0, 0.25, 0.5, 0.75, 1], "
    "\"batch_size\": [2, 4, 6, 8, 10]}}";

static bool add_cells(struct store *store, int cells)
{
    cJSON *grid = cJSON_Parse(axes);
    const cJSON *hyper = cJSON_GetObjectItem(grid, "hyper"), *axis;
    int64_t task;
    bool added = store_put(store, "grid", grid) && store_task(store, "anat_area", &task);
    for (int cell = 0; added && cell < cells; cell++) {
        cJSON *values = cJSON_CreateObject();
        struct store_param params[8];
        int count = 0, rest = cell;
        cJSON_ArrayForEach(axis, hyper)
        {
            const int size = cJSON_GetArraySize(axis), at = rest % size;
            char *choices = cJSON_PrintUnformatted(axis);
            cJSON_AddItemToObject(values, axis->string,
                                  cJSON_Duplicate(cJSON_GetArrayItem(axis, at), true));
            params[count++] = (struct store_param){
                .name = axis->string,
                .distribution = text_format("{\"name\": \"CategoricalDistribution\", "
                                            "\"attributes\": {\"choices\": %s}}",
                                            choices),
                .value = at};
            free(choices);
            rest /= size;
        }
        added = store_add_trial(store, task, cell, values, values, params, count);
        while (count > 0)
            free((char *)params[--count].distribution);
        cJSON_Delete(values);
    }
    cJSON_Delete(grid);
    return added;
}

static struct epoch_result epoch_of(int cell, int epoch_index, int epochs)
{
    struct random random = random_stream(1, (uint64_t)cell, (uint64_t)epoch_index, 0);
    const double good = 0.2 + 0.1 * (cell % 10) + 0.3 * exp(-4.0 * epoch_index / epochs);
    struct epoch_result epoch = {.round = 3 * epoch_index / epochs,
                                 .epoch = epoch_index % (epochs / 3),
                                 .lr = 1e-3,
                                 .seconds = 1,
                                 .best = epoch_index % 3 == 0};
    for (int m = 0; m < METRIC_COUNT; m++) {
        epoch.training[m] = good + 0.02 * random_uniform(&random);
        epoch.validation[m] = good + 0.05 * random_uniform(&random);
    }
    return epoch;
}

static bool begin(struct store *store, int first, int slots)
{
    bool good = store_begin(store);
    for (int i = first; good && i < first + slots; i++) {
        const struct store_run run = {
            .state = TRIAL_RUNNING, .device = "a device", .driver = "its driver"};
        good = store_start_cell(store, i) && store_put_run(store, i, &run);
    }
    return good && store_commit(store);
}

// Those of an epoch that improves, in the place of those three epochs before.
static bool put_overlaps(struct store *store, int cell, int epoch_index,
                         const struct overlaps *overlaps)
{
    return overlaps->samples == 0 || epoch_index % 3 != 0 ||
           ((epoch_index == 0 || store_remove_overlaps(store, cell, 0, epoch_index - 3)) &&
            store_put_overlaps(store, cell, 0, epoch_index, overlaps));
}

static bool put_epochs(struct store *store, int first, int slots, int epoch_index, int epochs,
                       const struct overlaps *overlaps)
{
    bool good = store_begin(store);
    for (int i = first; good && i < first + slots; i++) {
        const struct epoch_result epoch = epoch_of(i, epoch_index, epochs);
        const struct run_state state = {.epochs_done = epoch_index + 1,
                                        .current = {epoch_index + 1, 1},
                                        .round_best = {epoch_index + 1, 1},
                                        .best = {-1, 0}};
        good = store_put_epoch(store, i, 0, epoch_index, &epoch, NULL, 0) &&
               store_put_checkpoint(store, i, 0, &state) &&
               put_overlaps(store, i, epoch_index, overlaps);
    }
    cJSON *progress = cJSON_Parse("{\"work\": 1, \"work_done\": 0.5, \"packs\": []}");
    good = good && store_put(store, "progress", progress);
    cJSON_Delete(progress);
    return good && store_commit(store);
}

static bool finish(struct store *store, int first, int slots, int epochs)
{
    bool good = store_begin(store);
    cJSON *attributes = cJSON_Parse(
        "{\"seed\": 0, \"run\": 0, \"round\": 2, \"epoch\": 19, "
        "\"loss\": 0.5, \"device\": \"a device\", \"weights\": null, "
        "\"failed_runs\": 0}");
    for (int i = first; good && i < first + slots; i++) {
        const struct epoch_result last = epoch_of(i, epochs - 1, epochs);
        const struct store_run run = {.state = TRIAL_COMPLETE,
                                      .result = {.loss = last.validation[METRIC_LOSS],
                                                 .dice = last.validation[METRIC_DICE],
                                                 .seconds = epochs}};
        good =
            store_set_run(store, i, &run) && store_remove_checkpoint(store, i, 0) &&
            store_finish_cell(store, i, TRIAL_COMPLETE, last.validation[METRIC_DICE], attributes);
    }
    cJSON_Delete(attributes);
    return good && store_commit(store);
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    const int cells = argc > 2 ? atoi(argv[2]) : 2000, epochs = argc > 3 ? atoi(argv[3]) : 60,
              slots = argc > 4 ? atoi(argv[4]) : 4;
    struct overlaps overlaps = {.samples = argc > 5 ? atoi(argv[5]) : 0,
                                .labels = argc > 6 ? atoi(argv[6]) : 3};
    if (argc < 2 || cells < 1 || epochs < 3 || slots < 1 || overlaps.samples < 0 ||
        overlaps.labels < 1) {
        fprintf(stderr, "usage: store_write OUT [CELLS] [EPOCHS] [SLOTS] [IMAGES] [LABELS]\n");
        return 2;
    }
    overlaps.counts = mem_zalloc((size_t)overlaps.samples * (size_t)overlaps.labels + 1,
                                 OVERLAP_COUNTS * sizeof(*overlaps.counts));
    char *path = text_format("%s/study.db", argv[1]);
    double *times = mem_alloc(sizeof(*times) * (size_t)cells * (size_t)epochs);
    struct store *store = NULL;
    int count = 0;
    CHECK(folder_make(argv[1]));
    CHECK(store_create(path, &store));
    cJSON *version = cJSON_CreateString("0.1.0"), *settings = cJSON_CreateObject();
    CHECK(store_put(store, "version", version) && store_put(store, "settings", settings));
    cJSON_Delete(version);
    cJSON_Delete(settings);
    CHECK(add_cells(store, cells) && store_commit(store));
    for (int first = 0; first < cells; first += slots) {
        const int some = first + slots > cells ? cells - first : slots;
        CHECK(begin(store, first, some));
        for (int i = 0; i < epochs; i++) {
            const double start = seconds_now();
            CHECK(put_epochs(store, first, some, i, epochs, &overlaps));
            times[count++] = seconds_now() - start;
        }
        CHECK(finish(store, first, some, epochs));
    }
    store_close(&store);
    qsort(times, (size_t)count, sizeof(*times), compare);
    free(overlaps.counts);
    printf(
        "%d cells x %d epochs, %d slots: %d transactions, each %.2f ms (median), %.2f ms (90%%), "
        "%.2f ms (99%%)\n",
        cells, epochs, slots, count, 1e3 * times[count / 2], 1e3 * times[count * 9 / 10],
        1e3 * times[count * 99 / 100]);
    free(times);
    free(path);
    return 0;
error:
    free(overlaps.counts);
    fprintf(stderr, "store_write: %s\n", error_text());
    store_close(&store);
    free(times);
    free(path);
    return 1;
}
