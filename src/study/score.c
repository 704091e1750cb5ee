// SPDX-License-Identifier: MIT
#include "vkgrid/study/score.h"

#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct score score_none(int cell)
{
    return (struct score){
        .cell = cell, .dice = INFINITY, .loss = INFINITY, .value = INFINITY, .run = -1};
}

static double number(const cJSON *attributes, const char *key, double missing)
{
    const cJSON *value = json_member(attributes, key);
    return cJSON_IsNumber(value) ? value->valuedouble : missing;
}

// A number that a hostile file may have put there.
static int integer(const cJSON *attributes, const char *key, int missing)
{
    const double value = number(attributes, key, missing);
    return value >= -1 && value <= 1e9 ? (int)value : missing;
}

bool score_read(const struct store_trial *trial, const char *where, struct score *score,
                bool *has_weights)
{
    cJSON *attributes = NULL;
    if (!json_parse(trial->attributes, strlen(trial->attributes), where, &attributes))
        return false;
    *score = (struct score){
        .cell = trial->cell,
        .state = trial->state,
        .failed = integer(attributes, "failed_runs", 0),
        .value = isnan(trial->value) ? (double)INFINITY : trial->value,
        .saved = trial->value,
        .loss = number(attributes, "loss", INFINITY),
        .run = integer(attributes, "run", -1),
        .round = integer(attributes, "round", 0),
        .epoch = integer(attributes, "epoch", 0),
        .reopened = trial->reopened,
    };
    over_runs_read(json_member(attributes, "over_runs"), &score->runs);
    score->dice =
        score->runs.runs > 0 && !isnan(score->runs.best) ? score->runs.best : score->value;
    score->unable = score->state == TRIAL_FAIL && cJSON_IsTrue(json_member(attributes, "unable"));
    *has_weights = cJSON_IsString(json_member(attributes, "weights"));
    cJSON_Delete(attributes);
    return true;
}

bool score_finished(const struct score *score)
{
    return score->state != TRIAL_WAITING && score->state != TRIAL_RUNNING;
}

void score_rank(struct score *score, enum rank_by rank_by)
{
    const bool mean = rank_by == RANK_MEAN && score->runs.runs > 0 && !isnan(score->runs.mean);
    score->value = mean ? score->runs.mean : score->dice;
}

bool score_ranks(const struct score *score)
{
    return score->state == TRIAL_COMPLETE && score->run >= 0 && !score->outside;
}

bool score_before(const struct score *a, const struct score *b)
{
    return a->value < b->value || (a->value == b->value && a->cell < b->cell);
}

static int compare_scores(const void *a, const void *b)
{
    const struct score *const *left = a, *const *right = b;
    return score_before(*left, *right) ? -1 : score_before(*right, *left);
}

const struct score **scores_sort(const struct score *scores, int cells, int *count)
{
    const struct score **sorted = mem_alloc(sizeof(*sorted) * (size_t)(cells + 1));
    *count = 0;
    for (int i = 0; i < cells; i++)
        if (score_ranks(&scores[i]))
            sorted[(*count)++] = &scores[i];
    qsort(sorted, (size_t)*count, sizeof(*sorted), compare_scores);
    return sorted;
}

char *score_text(const struct score *score, enum rank_by rank_by)
{
    const struct over_runs *runs = &score->runs;
    struct text text = {0};
    text_add(&text, "validation dice loss %.4f", score->value);
    if (runs->runs > 1 && rank_by == RANK_MEAN)
        text_add(&text, " (mean of %d runs, sd %.4f; best %.4f)", runs->runs, runs->sd, runs->best);
    else if (runs->runs > 1)
        text_add(&text, " (best of %d runs; mean %.4f, sd %.4f)", runs->runs, runs->mean, runs->sd);
    text_add(&text, ", loss %.4f", score->loss);
    return text.bytes;
}

struct leader *leaders_of(struct leaders *leaders, const struct cell *cell)
{
    char *task = cell_task(cell);
    for (int i = 0; i < leaders->count; i++) {
        if (strcmp(leaders->items[i].task, task) == 0) {
            free(task);
            return &leaders->items[i];
        }
    }
    leaders->items = mem_grow(leaders->items, (size_t)leaders->count + 1, sizeof(*leaders->items));
    struct leader *leader = &leaders->items[leaders->count++];
    *leader = (struct leader){.task = task, .score = score_none(-1)};
    return leader;
}

int leaders_take(struct leaders *leaders, const struct cell *cell, const struct score *score)
{
    struct leader *leader = leaders_of(leaders, cell);
    int beaten = score->cell;
    if (score_ranks(score) &&
        (!score_ranks(&leader->score) || score_before(score, &leader->score))) {
        beaten = score_ranks(&leader->score) ? leader->score.cell : -1;
        leader->score = *score;
    }
    return beaten;
}

bool leaders_read_labels(struct leaders *leaders, struct store *store)
{
    for (int i = 0; i < leaders->count; i++) {
        struct leader *leader = &leaders->items[i];
        cJSON_Delete(leader->labels);
        leader->labels = NULL;
        if (score_ranks(&leader->score) &&
            !store_get_attribute(store, leader->score.cell, "labels", &leader->labels))
            return false;
    }
    return true;
}

void score_add_dice_loss(struct cJSON *json, double dice_loss)
{
    static const char *const keys[] = {"dice_loss", "dice"};
    for (int i = 0; i < 2; i++)
        cJSON_AddItemToObject(json, keys[i],
                              isfinite(dice_loss) ? cJSON_CreateNumber(dice_loss)
                                                  : cJSON_CreateNull());
}

void leaders_free(struct leaders *leaders)
{
    for (int i = 0; i < leaders->count; i++) {
        free(leaders->items[i].task);
        cJSON_Delete(leaders->items[i].labels);
    }
    free(leaders->items);
    *leaders = (struct leaders){0};
}
