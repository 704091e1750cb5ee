// SPDX-License-Identifier: MIT
#include "vkgrid/study/record.h"

#include "study/kept.h"
#include "vkgrid/base/memory.h"

#include <math.h>
#include <stdlib.h>

void record_open(struct record *record, struct cell *cell, const char *folder)
{
    const int networks = cell_network_count(cell);
    *record = (struct record){
        .cell = *cell,
        .folder = text_copy(folder),
        .runs = mem_zalloc((size_t)cell_run_count(cell), sizeof(*record->runs)),
        .weights = mem_zalloc((size_t)networks, sizeof(*record->weights)),
        .weights_dice = mem_alloc((size_t)networks * sizeof(*record->weights_dice)),
        .weights_limit = INFINITY,
    };
    for (int i = 0; i < networks; i++)
        record->weights_dice[i] = INFINITY;
    *cell = (struct cell){0};
}

void record_close(struct record *record)
{
    for (int i = 0; record->runs && i < cell_run_count(&record->cell); i++) {
        free(record->runs[i].epochs);
        free(record->runs[i].steps);
        kept_cut(&record->runs[i], 0);
        free(record->runs[i].kept);
        free((char *)record->runs[i].result.failure);
    }
    free(record->runs);
    free(record->weights);
    free(record->weights_dice);
    free(record->folder);
    cell_free(&record->cell);
    *record = (struct record){0};
}

void record_epoch(struct record *record, int run, const struct epoch_result *result)
{
    struct run_record *to = &record->runs[run];
    to->epochs = mem_grow(to->epochs, (size_t)to->epoch_count + 1, sizeof(*to->epochs));
    struct epoch_result *epoch = &to->epochs[to->epoch_count++];
    *epoch = *result;
    epoch->overlaps = NULL; // the teller's
    if (result->overlaps)
        kept_add(to, to->epoch_count - 1, result->overlaps, false);
}

void record_step(struct record *record, int run, const struct step_result *result)
{
    struct run_record *to = &record->runs[run];
    to->steps =
        mem_reserve(to->steps, &to->step_room, (size_t)to->step_count + 1, sizeof(*to->steps));
    to->steps[to->step_count++] = *result;
}

void record_note_failure(struct record *record, int run, const struct run_result *result)
{
    struct run_record *to = &record->runs[run];
    char *failure = result->failure ? text_copy(result->failure) : NULL;
    free((char *)to->result.failure);
    to->result = *result;
    to->result.failure = failure;
}

void record_end(struct record *record, int run, enum trial_state state,
                const struct run_result *result)
{
    record_note_failure(record, run, result);
    record->runs[run].state = state;
}

void record_rewind(struct record *record, int run)
{
    struct run_record *to = &record->runs[run];
    const int epochs_done = to->checkpoint.epochs_done;
    if (to->epoch_count > epochs_done)
        to->epoch_count = epochs_done;
    const struct epoch_result *last = epochs_done > 0 ? &to->epochs[epochs_done - 1] : NULL;
    while (to->step_count > 0) {
        const struct step_result *result = &to->steps[to->step_count - 1];
        if (last && (result->round < last->round ||
                     (result->round == last->round && result->epoch <= last->epoch)))
            break;
        to->step_count--;
    }
    if (to->saved_epochs > to->epoch_count)
        to->saved_epochs = to->epoch_count;
    if (to->saved_steps > to->step_count)
        to->saved_steps = to->step_count;
    kept_cut(to, epochs_done);
}

static int count_runs(const struct record *record, enum trial_state state)
{
    int count = 0;
    for (int i = 0; i < cell_run_count(&record->cell); i++)
        count += record->runs[i].state == state;
    return count;
}

bool record_over(const struct record *record)
{
    return count_runs(record, TRIAL_WAITING) + count_runs(record, TRIAL_RUNNING) == 0;
}

// Whether the cell has a score: of folds each needs a run.
static bool is_complete(const struct record *record)
{
    for (int i = 0; i < cell_network_count(&record->cell); i++)
        if (record_kept_run(record, i) < 0)
            return false;
    return true;
}

static enum trial_state state_of(const struct record *record)
{
    if (is_complete(record))
        return TRIAL_COMPLETE;
    return count_runs(record, TRIAL_PRUNED) > 0 ? TRIAL_PRUNED : TRIAL_FAIL;
}

// The best epoch of a network's runs. Only those of complete runs count: of the others there are no
// weights to show.
static void best_epoch(const struct record *record, int network, struct score *score)
{
    for (int run = network; run < cell_run_count(&record->cell);
         run += cell_network_count(&record->cell)) {
        for (int i = 0; i < record->runs[run].epoch_count; i++) {
            const struct epoch_result *epoch = &record->runs[run].epochs[i];
            if (record->runs[run].state != TRIAL_COMPLETE || !epoch->best ||
                !(epoch->validation[METRIC_DICE] < score->dice))
                continue;
            score->dice = epoch->validation[METRIC_DICE];
            score->loss = epoch->validation[METRIC_LOSS];
            score->run = run;
            score->round = epoch->round;
            score->epoch = epoch->epoch;
        }
    }
}

// The mean over the folds; where one has no complete run there is none. Its run is that of the best
// fold.
static void mean_of_folds(const struct record *record, struct score *score)
{
    const int folds = record->cell.folds;
    double dice = 0, loss = 0, lowest = INFINITY;
    for (int i = 0; i < folds; i++) {
        struct score fold = score_none(record->cell.number);
        best_epoch(record, i, &fold);
        dice += fold.dice / folds;
        loss += fold.loss / folds;
        if (fold.dice < lowest) {
            lowest = fold.dice;
            score->run = fold.run;
            score->round = fold.round;
            score->epoch = fold.epoch;
        }
    }
    score->dice = dice;
    score->loss = loss;
    if (!isfinite(dice))
        score->run = -1;
}

void record_score(const struct record *record, struct score *score)
{
    *score = score_none(record->cell.number);
    score->state = state_of(record);
    score->failed = count_runs(record, TRIAL_FAIL);
    score->pruned = count_runs(record, TRIAL_PRUNED);
    if (record->cell.folds > 0)
        mean_of_folds(record, score);
    else
        best_epoch(record, 0, score);
    record_dice_losses(record, &score->runs);
}
