// SPDX-License-Identifier: MIT
#include "vkgrid/study/ranking.h"

#include "vkgrid/base/file.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/grid/plan_json.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

bool score_ranks(const struct score *score)
{
    return score->state == TRIAL_COMPLETE && score->run >= 0;
}

bool score_before(const struct score *a, const struct score *b)
{
    return a->dice < b->dice || (a->dice == b->dice && a->cell < b->cell);
}

static int compare_scores(const void *a, const void *b)
{
    const struct score *const *left = a, *const *right = b;
    return score_before(*left, *right) ? -1 : score_before(*right, *left);
}

// The list of one model.
struct model {
    char *name;
    cJSON *ranks;
};

struct models {
    struct model *items;
    int count;
};

static struct model *find_model(struct models *models, const struct cell *cell)
{
    char *name = text_format("%s_%s", cell->inputs, cell->prediction);
    for (int i = 0; i < models->count; i++) {
        if (strcmp(models->items[i].name, name) == 0) {
            free(name);
            return &models->items[i];
        }
    }
    models->items = mem_grow(models->items, (size_t)models->count + 1, sizeof(*models->items));
    models->items[models->count] = (struct model){.name = name, .ranks = cJSON_CreateArray()};
    return &models->items[models->count++];
}

static void add_rank(struct model *model, const struct cell *cell, const struct score *score)
{
    cJSON *rank = cJSON_CreateObject();
    cJSON_AddNumberToObject(rank, "rank", cJSON_GetArraySize(model->ranks) + 1);
    cJSON_AddStringToObject(rank, "name", cell->name);
    cJSON_AddNumberToObject(rank, "dice", score->dice);
    cJSON_AddNumberToObject(rank, "loss", score->loss);
    cJSON_AddNumberToObject(rank, "run", score->run);
    cJSON_AddNumberToObject(rank, "round", score->round);
    cJSON_AddNumberToObject(rank, "epoch", score->epoch);
    cJSON_AddItemToObject(rank, "options", cJSON_Duplicate(cell->options, true));
    cJSON_AddItemToObject(rank, "plan", plan_to_json(&cell->plan));
    cJSON_AddItemToArray(model->ranks, rank);
}

static bool write_models(const char *out, struct models *models)
{
    char *folder = text_format("%s/hyperparameters", out);
    bool written = models->count == 0 || folder_make(folder);
    for (int i = 0; i < models->count; i++) {
        struct model *model = &models->items[i];
        char *path = text_format("%s/%s.json", folder, model->name);
        written = written && json_write(path, model->ranks);
        free(path);
        free(model->name);
        cJSON_Delete(model->ranks);
    }
    free(models->items);
    free(folder);
    return written;
}

bool ranking_write(const char *out, const struct grid *grid, const struct score *scores)
{
    struct models models = {0};
    const struct score **sorted = mem_alloc(sizeof(*sorted) * (size_t)(grid->cell_count + 1));
    int count = 0;
    bool read = true;
    for (int i = 0; i < grid->cell_count; i++) {
        if (score_ranks(&scores[i]))
            sorted[count++] = &scores[i];
    }
    qsort(sorted, (size_t)count, sizeof(*sorted), compare_scores);
    for (int i = 0; read && i < count; i++) {
        struct cell cell;
        read = grid_cell(grid, sorted[i]->cell, &cell);
        if (read) {
            add_rank(find_model(&models, &cell), &cell, sorted[i]);
            cell_free(&cell);
        }
    }
    free(sorted);
    return write_models(out, &models) && read;
}
