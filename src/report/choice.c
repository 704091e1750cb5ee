// SPDX-License-Identifier: MIT
#include "report/choice.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/grid/grid.h"
#include "vkgrid/store/queries.h"
#include "vkgrid/store/store.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BEST (1.0 / 5)   // of a task's part of the page
#define BAD (1.0 / 5)    // that failed or were pruned, at most
#define BEGUN (1.0 / 20) // that run or wait, of both at most
#define LEAST 20         // cells of a task
#define STATISTICS 201   // order statistics of its scores

struct page_row {
    int cell;
    double task, dice;
    enum trial_state state;
};

struct rows {
    struct page_row *items; // task by task, each by its dice loss
    size_t count, room;
};

static bool read_row(void *context, const struct view_cell *cell)
{
    struct rows *rows = context;
    struct page_row row = {.cell = cell->cell, .task = cell->task, .dice = cell->dice};
    if (cell->cell < 0 || cell->cell >= GRID_CELLS)
        return error_set("vkgrid_cells: cell %d: 0 to %d are allowed", cell->cell, GRID_CELLS - 1);
    if (!cell->state || !trial_state_parse(cell->state, &row.state))
        row.state = TRIAL_WAITING;
    rows->items = mem_reserve(rows->items, &rows->room, rows->count + 1, sizeof(row));
    rows->items[rows->count++] = row;
    return true;
}

static bool is_ranked(const struct page_row *row)
{
    return row->state == TRIAL_COMPLETE && !isnan(row->dice);
}

// The end of the task that begins there.
static size_t end_of_task(const struct rows *rows, size_t first)
{
    size_t end = first + 1;
    while (end < rows->count && rows->items[end].task == rows->items[first].task)
        end++;
    return end;
}

static int count_tasks(const struct rows *rows)
{
    int count = 0;
    for (size_t i = 0; i < rows->count; i = end_of_task(rows, i))
        count++;
    return count;
}

// --- Choosing -----------------------------------------------------------------------------------

static void add(struct page_choice *choice, bool *chosen, int cell)
{
    if (!chosen[cell])
        choice->cells[choice->count++] = cell;
    chosen[cell] = true;
}

// So many of the rows that a state has, the first ones.
static void add_state(struct page_choice *choice, bool *chosen, const struct page_row *rows,
                      size_t count, enum trial_state state, int most)
{
    for (size_t i = 0; most > 0 && i < count; i++)
        if (rows[i].state == state && !is_ranked(&rows[i])) {
            add(choice, chosen, rows[i].cell);
            most--;
        }
}

static void choose_of_task(struct page_choice *choice, bool *chosen, const struct page_row *rows,
                           size_t count, int most)
{
    const struct page_row **ranked = mem_alloc((count + 1) * sizeof(*ranked));
    const int before = choice->count;
    size_t ranks = 0;
    for (size_t i = 0; i < count; i++)
        if (is_ranked(&rows[i])) {
            choice->ranks[rows[i].cell] = (int)ranks + 1;
            ranked[ranks++] = &rows[i];
        }
    for (size_t i = 0; i < ranks && i < (size_t)(most * BEST); i++)
        add(choice, chosen, ranked[i]->cell);
    add_state(choice, chosen, rows, count, TRIAL_FAIL, (int)(most * BAD / 2));
    add_state(choice, chosen, rows, count, TRIAL_PRUNED, (int)(most * BAD / 2));
    add_state(choice, chosen, rows, count, TRIAL_RUNNING, (int)(most * BEGUN));
    add_state(choice, chosen, rows, count, TRIAL_WAITING, (int)(most * BEGUN));
    const size_t left = (size_t)(most - (choice->count - before)),
                 spread = left < ranks ? left : ranks;
    for (size_t i = 0; i < spread; i++) {
        const int cell = ranked[i * ranks / spread]->cell;
        choice->even[cell] = true;
        add(choice, chosen, cell);
    }
    free(ranked);
}

bool page_choose(struct store_view *view, struct page_choice *choice, struct cJSON *data)
{
    struct rows rows = {0};
    double runs = 0;
    *choice = (struct page_choice){0};
    bool chosen = view_ranking(view, read_row, &rows) && view_run_count(view, &runs);
    if (!chosen || rows.count <= PAGE_CELLS) {
        free(rows.items);
        return chosen;
    }
    const int tasks = count_tasks(&rows), each = PAGE_CELLS / tasks;
    bool *known = mem_zalloc(GRID_CELLS, sizeof(*known));
    choice->room = GRID_CELLS;
    choice->cells = mem_alloc(rows.count * sizeof(*choice->cells));
    choice->ranks = mem_zalloc(GRID_CELLS, sizeof(*choice->ranks));
    choice->even = mem_zalloc(GRID_CELLS, sizeof(*choice->even));
    for (size_t i = 0, end; i < rows.count; i = end) {
        end = end_of_task(&rows, i);
        choose_of_task(choice, known, &rows.items[i], end - i, each > LEAST ? each : LEAST);
    }
    free(known);
    choice->rows = rows.items;
    choice->row_count = (int)rows.count;
    cJSON *page = cJSON_AddObjectToObject(data, "page");
    cJSON_AddNumberToObject(page, "cells", (double)rows.count);
    cJSON_AddNumberToObject(page, "runs", runs);
    cJSON_AddNumberToObject(page, "shown", choice->count);
    return true;
}

void page_choice_free(struct page_choice *choice)
{
    free(choice->rows);
    free(choice->cells);
    free(choice->ranks);
    free(choice->even);
    *choice = (struct page_choice){0};
}

// --- What is of all cells -----------------------------------------------------------------------

static cJSON *find_task(cJSON *data, double id)
{
    cJSON *task;
    cJSON_ArrayForEach(task, json_member(data, "tasks"))
    {
        if (cJSON_GetNumberValue(json_member(task, "id")) == id)
            return task;
    }
    return NULL;
}

// Some of the scores, ascending, from the best to the worst.
static cJSON *statistics(const struct page_row *rows, size_t count, size_t ranked)
{
    cJSON *list = cJSON_CreateArray();
    const size_t shown = ranked < STATISTICS ? ranked : STATISTICS;
    size_t rank = 0, next = 0;
    for (size_t i = 0; i < count && next < shown; i++) {
        if (!is_ranked(&rows[i]))
            continue;
        while (next < shown && rank == (shown > 1 ? next * (ranked - 1) / (shown - 1) : 0)) {
            cJSON_AddItemToArray(list, cJSON_CreateNumber(rows[i].dice));
            next++;
        }
        rank++;
    }
    return list;
}

static void add_totals(cJSON *task, const struct page_row *rows, size_t count)
{
    cJSON *all = cJSON_AddObjectToObject(task, "all");
    cJSON *states = cJSON_AddObjectToObject(all, "states");
    size_t counts[TRIAL_PRUNED + 1] = {0}, ranked = 0;
    for (size_t i = 0; i < count; i++) {
        counts[rows[i].state]++;
        ranked += is_ranked(&rows[i]);
    }
    for (int state = TRIAL_WAITING; state <= TRIAL_PRUNED; state++)
        cJSON_AddNumberToObject(states, trial_state_name((enum trial_state)state),
                                (double)counts[state]);
    cJSON_AddNumberToObject(all, "cells", (double)count);
    cJSON_AddNumberToObject(all, "ranked", (double)ranked);
    cJSON_AddItemToObject(all, "dice", statistics(rows, count, ranked));
    cJSON_AddArrayToObject(all, "runs");
}

static bool read_seconds(void *context, double task_id, const char *device, double seconds)
{
    cJSON *all = json_member(find_task(context, task_id), "all"), *run = cJSON_CreateArray();
    cJSON_AddItemToArray(run, view_text_json(device));
    cJSON_AddItemToArray(run, view_number_json(seconds));
    if (all)
        cJSON_AddItemToArray(json_member(all, "runs"), run);
    else
        cJSON_Delete(run);
    return true;
}

bool page_totals(struct store_view *view, const struct page_choice *choice, struct cJSON *data)
{
    const struct rows rows = {.items = choice->rows, .count = (size_t)choice->row_count};
    if (!choice->rows)
        return true;
    for (size_t i = 0, end; i < rows.count; i = end) {
        cJSON *task = find_task(data, rows.items[i].task);
        end = end_of_task(&rows, i);
        if (task)
            add_totals(task, &rows.items[i], end - i);
    }
    return view_run_seconds(view, read_seconds, data);
}
