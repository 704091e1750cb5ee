// SPDX-License-Identifier: MIT
// A study that ranks by something else from now on, or did not know its cells' means.
#include "vkgrid/study/trials.h"

#include "vkgrid/base/json.h"
#include "vkgrid/study/saved.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>

// What older versions did not write of a cell with several runs.
static bool complete_runs(struct store *store, struct cell *cell, struct score *score)
{
    const int number = cell->number;
    struct record record;
    cJSON *attributes = cJSON_CreateObject();
    record_open(&record, cell, "");
    bool done = saved_read(store, &record);
    if (done)
        record_describe_over_runs(&record, attributes);
    const cJSON *over = json_member(attributes, "over_runs");
    if (over) {
        char *json = json_print_line(over);
        done = store_set_attribute(store, number, "over_runs", json);
        over_runs_read(over, &score->runs);
        free(json);
    }
    record_close(&record);
    cJSON_Delete(attributes);
    return done;
}

static bool rank_cell(struct trials *trials, struct store *store, struct score *score)
{
    struct cell cell;
    if (!grid_cell(trials->grid, score->cell, &cell))
        return false;
    bool done = true;
    if (score->runs.runs == 0 && cell_run_count(&cell) > 1)
        done = complete_runs(store, &cell, score);
    score_rank(score, trials->rank_by);
    if (done && isfinite(score->value) && score->value != score->saved) {
        done = store_set_value(store, score->cell, score->value);
        score->saved = score->value;
    }
    cell_free(&cell);
    return done;
}

static bool take_leader(struct trials *trials, const struct score *score)
{
    struct cell cell;
    if (!grid_cell(trials->grid, score->cell, &cell))
        return false;
    leaders_take(&trials->leaders, &cell, score);
    cell_free(&cell);
    return true;
}

bool trials_rank(struct trials *trials, struct store *store)
{
    const bool trivial = rank_by_trivial(trials->grid);
    bool changed = false;
    for (int i = 0; i < trials->grid->cell_count; i++) {
        struct score *score = &trials->scores[i];
        if (!score_ranks(score) ||
            ((trivial || score->runs.runs > 0) && score->value == score->saved))
            continue;
        if (!rank_cell(trials, store, score))
            return false;
        changed = true;
    }
    for (int i = 0; changed && i < trials->leaders.count; i++)
        trials->leaders.items[i].score = score_none(-1);
    for (int i = 0; changed && i < trials->grid->cell_count; i++)
        if (score_ranks(&trials->scores[i]) && !take_leader(trials, &trials->scores[i]))
            return false;
    return true;
}
