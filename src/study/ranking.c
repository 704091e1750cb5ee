// SPDX-License-Identifier: MIT
#include "vkgrid/study/ranking.h"

#include "vkgrid/base/file.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/grid/alike.h"
#include "vkgrid/grid/plan_json.h"
#include "vkgrid/study/paths.h"

#include <cjson/cJSON.h>
#include <stddef.h>
#include <stdlib.h>

#define RANKED 1000 // cells of a task: the file is for people, and written after each pack

// What is known of the cell's weights, "kept" and "labels" (record.h), and over its runs
// (over_runs.h).
static bool add_known(cJSON *rank, int cell, struct store *store)
{
    static const char *const keys[] = {"kept", "labels", "over_runs"};
    for (int i = 0; i < 3; i++) {
        cJSON *value;
        if (!store_get_attribute(store, cell, keys[i], &value))
            return false;
        if (value)
            cJSON_AddItemToObject(rank, keys[i], value);
    }
    return true;
}

// What all ranks need, and where the search for cells of a task's best set goes on.
struct ranking {
    enum rank_by rank_by;
    const struct best_sets *sets;
    struct store *store;
    int at;
};

static void add_best_set(cJSON *rank, const struct cell *cell, struct ranking *ranking)
{
    char *task = cell_task(cell);
    const struct best_set *set = best_sets_of(ranking->sets, task);
    const struct best_set_cell *known = best_set_find(set, cell->number, &ranking->at);
    if (known && set->count > 1 && set->subjects > 1)
        cJSON_AddItemToObject(rank, "best_set", best_set_cell_json(set, known));
    free(task);
}

static bool add_rank(cJSON *ranks, const struct cell *cell, const struct score *score,
                     struct ranking *ranking)
{
    cJSON *rank = cJSON_CreateObject();
    cJSON_AddNumberToObject(rank, "rank", cJSON_GetArraySize(ranks) + 1);
    cJSON_AddStringToObject(rank, "name", cell->name);
    cJSON_AddStringToObject(rank, "rank_by", rank_by_name(ranking->rank_by));
    score_add_dice_loss(rank, score->value);
    cJSON_AddNumberToObject(rank, "loss", score->loss);
    cJSON_AddNumberToObject(rank, "run", score->run);
    cJSON_AddNumberToObject(rank, "round", score->round);
    cJSON_AddNumberToObject(rank, "epoch", score->epoch);
    const bool added = add_known(rank, score->cell, ranking->store);
    add_best_set(rank, cell, ranking);
    cJSON_AddItemToObject(rank, "options", cJSON_Duplicate(cell->options, true));
    cJSON_AddItemToObject(rank, "plan", plan_to_json(&cell->plan));
    cJSON_AddItemToArray(ranks, rank);
    return added;
}

// The ranks of a task's cells; made with its first one.
static cJSON *ranks_of(struct leaders *tasks, cJSON ***ranks, const struct cell *cell)
{
    const int known = tasks->count;
    const ptrdiff_t task = leaders_of(tasks, cell) - tasks->items;
    if (tasks->count > known) {
        *ranks = mem_grow(*ranks, (size_t)tasks->count, sizeof(**ranks));
        (*ranks)[task] = cJSON_CreateArray();
    }
    return (*ranks)[task];
}

static bool write_task(const char *folder, const char *task, const cJSON *ranks)
{
    char *path = text_format("%s/%s.json", folder, task);
    const bool written = json_write(path, ranks);
    free(path);
    return written;
}

static bool write_tasks(const char *out, const struct leaders *tasks, cJSON *const *ranks)
{
    char *folder = study_path(out, STUDY_RANKING);
    bool written = tasks->count == 0 || folder_make(folder);
    for (int i = 0; written && i < tasks->count; i++)
        written = write_task(folder, tasks->items[i].task, ranks[i]);
    free(folder);
    return written;
}

bool ranking_write(const char *out, const struct grid *grid, const struct score *scores,
                   enum rank_by rank_by, const struct best_sets *sets, struct store *store)
{
    struct ranking ranking = {rank_by, sets, store, 0};
    int count;
    if (grid->sampler == SAMPLER_CELL)
        return true; // against nothing
    const struct score **sorted = scores_sort(scores, grid->cell_count, &count);
    struct alike *alike = alike_new(grid, PURPOSE_TASK);
    int *ranked = mem_zalloc((size_t)count + 1, sizeof(*ranked)); // [class of cells]
    struct leaders tasks = {0};
    cJSON **ranks = NULL;
    bool written = true;
    for (int i = 0; written && i < count; i++) {
        struct cell cell;
        if (ranked[alike_class(alike, sorted[i]->cell)]++ >= RANKED)
            continue;
        written = grid_cell(grid, sorted[i]->cell, &cell);
        if (written) {
            written = add_rank(ranks_of(&tasks, &ranks, &cell), &cell, sorted[i], &ranking);
            cell_free(&cell);
        }
    }
    written = written && write_tasks(out, &tasks, ranks);
    for (int i = 0; i < tasks.count; i++)
        cJSON_Delete(ranks[i]);
    free(ranks);
    free(ranked);
    alike_free(&alike);
    free(sorted);
    leaders_free(&tasks);
    return written;
}
