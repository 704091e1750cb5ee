// SPDX-License-Identifier: MIT
#include "vkgrid/study/grown.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/json.h"
#include "vkgrid/grid/axis.h"
#include "vkgrid/store/grow.h"
#include "vkgrid/store/join.h"
#include "vkgrid/study/paths.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

// --- The numbers of the cells -------------------------------------------------------------------

static bool same_json(const cJSON *a, const cJSON *b)
{
    if (!a || !b)
        return a == b;
    char *left = json_print_line(a), *right = json_print_line(b);
    const bool same = strcmp(left, right) == 0;
    free(left);
    free(right);
    return same;
}

// In the order of its keys, too: that of hyper numbers the cells. What is static has no order.
bool grown_same_grid(const struct cJSON *old, const struct cJSON *now)
{
    const cJSON *before = json_member(old, "static"), *values = json_member(now, "static"), *item;
    bool same = same_json(json_member(old, "hyper"), json_member(now, "hyper")) &&
                cJSON_GetArraySize(before) == cJSON_GetArraySize(values);
    cJSON_ArrayForEach(item, values)
    {
        const cJSON *own = json_member(before, item->string);
        same = same && own && same_json(own, item);
    }
    return same;
}

struct finder {
    struct growth *growth;
    const char *where;
    int next; // cell
};

static bool take_cell(void *context, const struct store_cell *cell)
{
    struct finder *finder = context;
    cJSON *values = NULL;
    if (cell->cell != finder->next++)
        return error_set("%s: has a cell %d where cell %d was to come", finder->where, cell->cell,
                         finder->next - 1);
    const bool taken = json_parse(cell->options, strlen(cell->options), finder->where, &values) &&
                       json_expect_object(values, finder->where) &&
                       growth_take(finder->growth, values, cell->stream, cell->outside);
    cJSON_Delete(values);
    return taken;
}

static bool number_cells(struct grown *grown, struct grid *grid, struct store *store,
                         const cJSON *old, const char *where)
{
    struct finder finder = {.where = where};
    if (!growth_begin(grid, old, where, &finder.growth))
        return false;
    if (!store_cells(store, take_cell, &finder)) {
        growth_abandon(&finder.growth);
        return false;
    }
    return growth_end(&finder.growth, &grown->cells);
}

// Of one key that an axis can be.
static const char *advice(const struct grid *grid, const char *differences)
{
    const bool one = !strstr(differences, "; "), folds = strncmp(differences, "folds: ", 7) == 0;
    return one && !folds && grid->sampler == SAMPLER_GRID && strstr(differences, " instead of ")
               ? "; with the values of both in a list of hyper it grows"
               : "";
}

static bool refuse(const struct cell_changes *changes, const struct grid *grid, const char *out,
                   bool finished)
{
    const char *instead =
        finished ? "another folder (-o) is needed" : "another folder (-o) or --overwrite is needed";
    if (changes->others.bytes)
        return error_set("%s: holds another %s: %s: %s%s", out,
                         grid->sampler == SAMPLER_CELL ? "training" : "study",
                         changes->others.bytes + 2, instead,
                         advice(grid, changes->others.bytes + 2));
    if (changes->fewer_runs)
        return error_set(
            "%s: until: is less than the study has: runs can be added, not taken away; "
            "else %s",
            out, instead);
    return error_set(
        "%s: num_epochs: is less than the study has: epochs can be added, not taken "
        "away; else %s",
        out, instead);
}

static bool check(const struct cell_changes *changes, const struct grid *grid, struct store *store,
                  const char *out)
{
    int64_t finished;
    if (!changes->others.bytes && !changes->fewer_runs && !changes->fewer_epochs)
        return true;
    return store_count_finished(store, &finished) && refuse(changes, grid, out, finished > 0);
}

bool grown_find(struct grown *grown, struct grid *grid, struct store *store,
                const struct cJSON *old, const char *out)
{
    cJSON *renumbered = NULL, *now = grid_record(grid);
    *grown = (struct grown){.changed = !grown_same_grid(old, now)};
    cJSON_Delete(now);
    if (!store_get(store, "renumbered", &renumbered))
        return false;
    const bool needed = grown->changed || cJSON_IsTrue(renumbered);
    cJSON_Delete(renumbered);
    if (!needed)
        return true;
    char *where = text_format("%s/" STUDY_DATABASE ": grid", out);
    bool found = number_cells(grown, grid, store, old, where) &&
                 check(&grown->cells.changes, grid, store, out);
    free(where);
    for (int i = 0; found && i < grown->cells.cells && grid->outside; i++)
        grown->outside += grid_outside(grid, i);
    return found;
}

void grown_free(struct grown *grown)
{
    growth_result_free(&grown->cells);
    free(grown->reopened);
    free(grown->longer);
    *grown = (struct grown){0};
}

// --- What is to be trained of cells that were over ----------------------------------------------

// The runs of one cell after the other.
struct reopening {
    struct grown *grown;
    const struct grid *grid;
    struct score *scores;
    int cell;         // -1: none yet
    bool inside;      // it is of the grid, and may have more to train
    int runs, epochs; // that its plan has
    int begun, kept_before, longer_before;
};

static void end_cell(struct reopening *reopening)
{
    struct grown *grown = reopening->grown;
    const int more = reopening->runs - reopening->begun,
              longer = grown->longer_count - reopening->longer_before;
    if (reopening->cell < 0 || !reopening->inside ||
        reopening->scores[reopening->cell].state != TRIAL_COMPLETE || (more <= 0 && longer == 0))
        return;
    grown->reopened[reopening->cell] = true;
    reopening->scores[reopening->cell].reopened = true;
    grown->runs_cells += more > 0;
    grown->runs_more += more > 0 ? more : 0;
    grown->epochs_cells += longer > 0;
}

static bool begin_cell(struct reopening *reopening, int number)
{
    struct cell cell;
    reopening->cell = number;
    reopening->begun = 0;
    reopening->longer_before = reopening->grown->longer_count;
    reopening->inside = number >= 0 && number < reopening->grown->cells.cells &&
                        number < reopening->grid->cell_count &&
                        !grid_outside(reopening->grid, number);
    if (!reopening->inside)
        return true;
    if (!grid_cell(reopening->grid, number, &cell))
        return false;
    reopening->runs = cell_run_count(&cell);
    reopening->epochs = plan_epochs(&cell.plan);
    cell_free(&cell);
    return true;
}

static bool take_run(void *context, const struct store_length *run)
{
    struct reopening *reopening = context;
    struct grown *grown = reopening->grown;
    if (run->cell != reopening->cell) {
        end_cell(reopening);
        if (!begin_cell(reopening, run->cell))
            return false;
    }
    reopening->begun++;
    if (!reopening->inside || run->state != TRIAL_COMPLETE || run->epochs >= reopening->epochs)
        return true;
    grown->longer =
        mem_grow(grown->longer, (size_t)grown->longer_count + 1, sizeof(*grown->longer));
    grown->longer[grown->longer_count++] = (struct grown_run){run->cell, run->run};
    grown->kept_count += run->checkpoint;
    return true;
}

bool grown_reopen(struct grown *grown, const struct grid *grid, struct store *store,
                  struct score *scores)
{
    const struct cell_changes *changes = &grown->cells.changes;
    struct reopening reopening = {.grown = grown, .grid = grid, .scores = scores, .cell = -1};
    if (!changes->more_runs && !changes->more_epochs && grown->cells.returned == 0)
        return true;
    grown->reopened = mem_zalloc((size_t)grown->cells.cells + 1, sizeof(*grown->reopened));
    if (!store_lengths(store, take_run, &reopening))
        return false;
    end_cell(&reopening);
    return true;
}

// --- Writing ------------------------------------------------------------------------------------

static bool complete_cells(const struct grown *grown, struct store *store)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, grown->cells.completed)
    {
        char *value = json_print_line(item);
        const bool done = store_complete_cells(store, item->string, value);
        free(value);
        if (!done)
            return false;
    }
    cJSON_ArrayForEach(item, grown->cells.left)
    {
        char *value = json_print_line(item);
        const bool done = store_complete_outside(store, item->string, value);
        free(value);
        if (!done)
            return false;
    }
    return true;
}

// A choice has another index where the list is another.
static bool value_of(void *context, const char *distribution, double value, double *now)
{
    const struct axis *axis = context;
    cJSON *old = NULL;
    *now = -1;
    if (!json_parse(distribution, strlen(distribution), "distribution_json", &old))
        return false;
    const cJSON *choices = json_member(json_member(old, "attributes"), "choices"),
                *choice = value >= 0 && value < GRID_CELLS ? cJSON_GetArrayItem(choices, (int)value)
                                                           : NULL;
    if (choice)
        *now = axis_value(axis, choice);
    cJSON_Delete(old);
    return *now >= 0 || error_set("%s: a trial has a value that no cell has", axis->key);
}

static bool write_params(const struct grown *grown, const struct grid *grid,
                         const struct axis *spans, struct store *store)
{
    bool written = true;
    for (int i = 0; written && i < grid->axis_count; i++) {
        const cJSON *before = json_member(grown->cells.completed, spans[i].key);
        if (strcmp(spans[i].key, "inputs") == 0 || strcmp(spans[i].key, "prediction") == 0)
            continue; // they name the task
        const double missing = before ? axis_value(&spans[i], before) : 0;
        const bool known = before && missing >= 0;
        char *distribution = axis_distribution(&spans[i]);
        const struct store_redistribution change = {
            .name = spans[i].key,
            .distribution = distribution,
            .value_of = spans[i].kind == AXIS_CHOICE ? value_of : NULL,
            .context = (void *)&spans[i],
            .missing = known ? &missing : NULL};
        written = store_redistribute(store, &change);
        free(distribution);
    }
    return written;
}

static bool write_marks(const struct grown *grown, const struct grid *grid, struct store *store)
{
    for (int i = 0; i < grown->cells.cells; i++)
        if (!store_set_outside(store, i, grid_outside(grid, i)) ||
            (grown->reopened && grown->reopened[i] && !store_reopen_cell(store, i)))
            return false;
    for (int i = 0; i < grown->longer_count; i++)
        if (!store_reopen_run(store, grown->longer[i].cell, grown->longer[i].run))
            return false;
    return true;
}

bool grown_write(const struct grown *grown, const struct grid *grid, const struct axis *spans,
                 struct store *store)
{
    if (!grown->changed)
        return true;
    cJSON *yes = cJSON_CreateTrue();
    const bool written = (grown->cells.renumbered ? store_put(store, "renumbered", yes)
                                                  : store_remove(store, "renumbered")) &&
                         write_marks(grown, grid, store) && complete_cells(grown, store) &&
                         write_params(grown, grid, spans, store);
    cJSON_Delete(yes);
    return written;
}

// --- In words -----------------------------------------------------------------------------------

static void add_part(struct text *text, int count, const char *one, const char *many)
{
    if (count > 0)
        text_add(text, "%s%d %s", text->size ? ", " : "", count, count == 1 ? one : many);
}

static void add_runs(struct text *text, const struct grown *grown)
{
    if (grown->runs_cells == 0)
        return;
    add_part(text, grown->runs_cells, "cell gets", "cells get");
    text_add(text, " more runs (%d in all)", grown->runs_more);
}

static void add_epochs(struct text *text, const struct grown *grown)
{
    const int anew = grown->longer_count - grown->kept_count;
    if (grown->epochs_cells == 0 && grown->longer_count == 0)
        return;
    add_part(text, grown->epochs_cells, "cell gets", "cells get");
    text_add(text, " more epochs (");
    if (grown->kept_count > 0)
        text_add(text, "%d run%s on from %s checkpoint%s", grown->kept_count,
                 grown->kept_count == 1 ? " goes" : "s go",
                 grown->kept_count == 1 ? "its" : "their", anew > 0 ? ", " : "");
    if (anew > 0)
        text_add(text, "%d run%s trained anew: no checkpoint was kept", anew,
                 anew == 1 ? " is" : "s are");
    text_add(text, ")");
}

char *grown_text(const struct grown *grown)
{
    struct text text = {0};
    if (!grown->changed)
        return NULL;
    add_part(&text, grown->cells.fresh, "cell is new", "cells are new");
    add_part(&text, grown->cells.returned, "cell is in the grid again",
             "cells are in the grid again");
    add_part(&text, grown->outside, "cell is outside the grid", "cells are outside the grid");
    add_runs(&text, grown);
    add_epochs(&text, grown);
    return text.bytes;
}

struct cJSON *grown_json(const struct grown *grown)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "new", grown->cells.fresh);
    cJSON_AddNumberToObject(json, "outside", grown->outside);
    cJSON_AddNumberToObject(json, "returned", grown->cells.returned);
    cJSON_AddNumberToObject(json, "cells_with_more_runs", grown->runs_cells);
    cJSON_AddNumberToObject(json, "more_runs", grown->runs_more);
    cJSON_AddNumberToObject(json, "cells_with_more_epochs", grown->epochs_cells);
    cJSON_AddNumberToObject(json, "runs_continued", grown->kept_count);
    cJSON_AddNumberToObject(json, "runs_anew", grown->longer_count - grown->kept_count);
    return json;
}
