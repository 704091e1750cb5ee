// SPDX-License-Identifier: MIT
#include "tests/fuzz/good_study.h"

#include "report/choice.h"
#include "report/parts.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/report/status.h"
#include "vkgrid/store/view.h"
#include "vkgrid/study/checkpoints.h"
#include "vkgrid/study/identity.h"
#include "vkgrid/study/saved.h"
#include "vkgrid/study/trials.h"

#include <cjson/cJSON.h>
#include <stdlib.h>

static void read_status(const char *folder)
{
    cJSON *status = NULL;
    if (fuzz_judge(status_read(folder, NULL, &status), NULL)) {
        free(status_text(status, 1.8e9));
        cJSON_Delete(status);
    }
}

static bool read_parts(struct store_view *view, cJSON *data, struct report_curves *curves)
{
    const struct page_choice all = {0};
    if (!fuzz_judge(cells_read(view, &all, data), NULL) ||
        !fuzz_judge(curves_read(view, data, curves), NULL))
        return false;
    importance_add(data);
    return true;
}

// The data of the page, but for its predictions, which read other files.
static void read_report(const char *folder)
{
    struct report_curves curves = {0};
    struct store_view *view = NULL;
    cJSON *data = cJSON_CreateObject();
    if (fuzz_judge(store_view_open(folder, &view), NULL) && read_parts(view, data, &curves)) {
        fuzz_use(curves.values, curves.count * sizeof(*curves.values));
        free(json_print_line(data));
    }
    curves_free(&curves);
    store_view_close(&view);
    cJSON_Delete(data);
}

static bool use_checkpoint(void *context, int cell, int run, const struct run_state *state)
{
    char *names[CHECKPOINT_FILES];
    (void)context;
    const int count = checkpoints_list(cell, run, state, names);
    for (int i = 0; i < count; i++)
        free(names[i]);
    return true;
}

static bool use_curve(void *context, int cell, enum trial_state state, const double *values,
                      int epochs)
{
    (void)context;
    (void)cell;
    (void)state;
    fuzz_use(values, (size_t)epochs * sizeof(*values));
    return true;
}

static bool write_trials(struct store *store, void *context)
{
    return trials_write(context, store);
}

static void read_cell(struct store *store, struct grid *grid, int number)
{
    struct record record;
    struct cell cell;
    if (!grid_cell(grid, number, &cell))
        abort(); // of the good grid
    record_open(&record, &cell, "cells");
    fuzz_judge(saved_load(store, &record), NULL);
    record_close(&record);
    fuzz_judge(store_curves(store, number, use_curve, NULL), NULL);
}

static void read_trials(struct store *store)
{
    static struct grid *grid; // stays as it is
    struct trials trials;
    if (!grid)
        grid = good_grid();
    trials_init(&trials, grid);
    if (fuzz_judge(trials_read(&trials, store, "out", true, true), NULL) &&
        fuzz_judge(store_migrate(store), NULL) &&
        fuzz_judge(store_transaction(store, write_trials, &trials), NULL)) {
        for (int i = 0; i < grid->cell_count; i++)
            read_cell(store, grid, i);
        fuzz_judge(store_checkpoints(store, use_checkpoint, NULL), NULL);
    }
    trials_free(&trials);
}

// As a search that goes on: it changes the file.
static void resume(const char *folder)
{
    char *path = text_format("%s/study.db", folder);
    struct store *store = NULL;
    struct identity identity;
    uint64_t fingerprint;
    if (fuzz_judge(store_open(path, &store), NULL)) {
        fuzz_judge(identity_read(store, &identity), NULL);
        identity_free(&identity);
        fuzz_judge(store_get_dataset(store, "em", &fingerprint), NULL);
        read_trials(store);
    }
    store_close(&store);
    free(path);
}

void read_study(const char *folder, enum study_reader reader)
{
    static void (*const readers[STUDY_READERS])(const char *folder) = {
        [READER_STATUS] = read_status, [READER_REPORT] = read_report, [READER_RESUME] = resume};
    readers[reader](folder);
}
