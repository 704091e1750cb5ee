// SPDX-License-Identifier: MIT
// options.json of a cell, plan.json of a training, and flatten.json of a data set.
#include "tests/fuzz/fuzz.h"
#include "vkgrid/base/json.h"
#include "vkgrid/cortex/flatten.h"
#include "vkgrid/grid/grid.h"
#include "vkgrid/grid/plan_json.h"
#include "vkgrid/grid/statistics_json.h"
#include "vkgrid/study/weights_note.h"
#include "vkgrid/study/weights_samples.h"

#include <cjson/cJSON.h>
#include <stdlib.h>

static void read_cells(const cJSON *json)
{
    struct sample_names names;
    struct grid *grid = NULL;
    struct cell cell;
    if (fuzz_judge(cell_from_options(json, "a", &cell), NULL)) {
        cell_samples(&cell, &names);
        sample_names_free(&names);
        free(cell_group_key(&cell));
        cell_free(&cell);
    }
    if (fuzz_judge(cell_for_network(json, "a", &cell), NULL)) {
        fuzz_judge(cell_take_statistics(&cell, json_member(json, "statistics"), "a"), NULL);
        cell_free(&cell);
    }
    if (fuzz_judge(grid_of_cell(json, "a", &grid), NULL))
        grid_free(&grid);
}

static void read_plan(const cJSON *json)
{
    const struct round base = {.lr = 0.1, .gamma = 1, .batch_size = 1, .num_epochs = 1};
    struct plan plan;
    if (!fuzz_judge(plan_from_json(json, "a", &base, &plan), NULL))
        return;
    cJSON_Delete(plan_to_json(&plan));
}

// Whom the network was trained on.
static void read_samples(const char *path)
{
    struct sample_names samples;
    char *where;
    if (!fuzz_judge(weights_samples(path, path, &samples, &where), NULL))
        return;
    if (where)
        sample_names_free(&samples);
    free(where);
}

static void read_record(void)
{
    const struct flat_request request = {.data = fuzz_folder()};
    struct flat_settings settings;
    enum flat_likeness likeness;
    bool found;
    char *what;
    fuzz_judge(flat_record_read(request.data, &settings, &found), NULL);
    fuzz_judge(flat_record_compare(&request, &likeness, &what), NULL);
    free(what);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const char *path = fuzz_file(FUZZ_FILE, bytes, size);
    struct flat_settings settings;
    cJSON *json = NULL;
    bool found;
    if (!fuzz_judge(json_read(path, &json), path))
        return 0;
    read_cells(json);
    read_plan(json);
    cJSON_Delete(json);
    read_record();
    read_samples(path);
    fuzz_judge(options_flat_settings(path, &settings, &found), path);
    return 0;
}
