// SPDX-License-Identifier: MIT
#include "vkgrid/study/cell_files.h"

#include "study/notebook.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/base/version.h"
#include "vkgrid/grid/plan_json.h"
#include "vkgrid/study/paths.h"
#include "vkgrid/study/weights_note.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

static void remove_file(const char *folder, const char *name)
{
    char *path = study_path(folder, name);
    unlink(path);
    free(path);
}

void cell_files_clean(struct record *record)
{
    if (!record->reopened) {
        remove_file(record->folder, "training.tsv"); // first: the rest is of no use without it
        remove_file(record->folder, "steps.tsv");
    }
    for (int i = 0; i < cell_network_count(&record->cell); i++) {
        char *weights = study_weights(record->folder, &record->cell, i);
        const int run = record_kept_run(record, i);
        if (run >= 0)
            record->weights_dice[i] = record->runs[run].result.dice;
        record->weights[i] = run >= 0 && file_exists(weights);
        if (run < 0 && !record->reopened)
            unlink(weights);
        free(weights);
    }
}

static bool write_weights(const struct record *record, int network, const struct tensors *weights)
{
    cJSON *description = weights_description(&record->cell);
    const int fold = cell_fold(&record->cell, network);
    char *options = json_print_line(description),
         *path = study_weights(record->folder, &record->cell, network),
         *flatten = weights_flat_note(&record->cell),
         *number = fold < 0 ? NULL : text_format("%d", fold);
    const struct weights_notes notes = {
        options, record->statistics ? record->statistics[network] : NULL, flatten, number};
    const bool written = folder_make(record->folder) && weights_write_noting(path, weights, &notes);
    free(number);
    free(flatten);
    free(path);
    free(options);
    cJSON_Delete(description);
    return written;
}

bool cell_files_weights(struct record *record, int run, const struct tensors *weights)
{
    const int network = record_network(record, run);
    const double dice = record->runs[run].result.dice;
    if (dice > record->weights_limit || !(dice < record->weights_dice[network]))
        return true;
    if (!write_weights(record, network, weights))
        return false;
    record->weights[network] = true;
    record->weights_dice[network] = dice;
    return true;
}

// "\t<number>" for each.
static void add_numbers(struct text *out, const double *values, int count)
{
    char text[NUMBER_TEXT];
    for (int i = 0; i < count; i++)
        text_add(out, "\t%s", number_text(values[i], text));
}

static void add_epochs(struct text *out, const struct record *record)
{
    text_add(out,
             "run\tround\tepoch\tlr\tseconds\ttrn_bce\ttrn_dice\ttrn_loss\tval_bce\tval_dice\tval_"
             "loss\tbest\n");
    for (int run = 0; run < cell_run_count(&record->cell); run++) {
        for (int i = 0; i < record->runs[run].epoch_count; i++) {
            const struct epoch_result *epoch = &record->runs[run].epochs[i];
            text_add(out, "%d\t%d\t%d", run, epoch->round, epoch->epoch);
            add_numbers(out, &epoch->lr, 1);
            text_add(out, "\t%.3f", epoch->seconds);
            add_numbers(out, epoch->training, METRIC_COUNT);
            add_numbers(out, epoch->validation, METRIC_COUNT);
            text_add(out, "\t%d\n", epoch->best);
        }
    }
}

static void add_steps(struct text *out, const struct record *record)
{
    text_add(out, "run\tround\tepoch\tstep\tbce\tdice\tloss\n");
    for (int run = 0; run < cell_run_count(&record->cell); run++) {
        for (int i = 0; i < record->runs[run].step_count; i++) {
            const struct step_result *step = &record->runs[run].steps[i];
            text_add(out, "%d\t%d\t%d\t%d", run, step->round, step->epoch, step->step);
            add_numbers(out, step->metrics, METRIC_COUNT);
            text_add(out, "\n");
        }
    }
}

static void add_training(struct text *out, const struct record *record)
{
    text_add(out, "input\tloss\tdice\ttraining_time\n");
    for (int run = 0; run < cell_run_count(&record->cell); run++) {
        const struct run_result *result = &record->runs[run].result;
        const bool complete = record->runs[run].state == TRIAL_COMPLETE;
        const double scores[] = {complete ? result->loss : NAN, complete ? result->dice : NAN};
        text_add(out, "%s", record->cell.inputs);
        add_numbers(out, scores, 2);
        text_add(out, "\t%.3f\n", result->seconds);
    }
}

static void log_round(struct text *out, const struct plan *plan, const struct run_record *run,
                      int index)
{
    const struct round *round = &plan->rounds[index];
    double loss = INFINITY, dice = INFINITY;
    int count = 0;
    for (int i = 0; i < run->epoch_count; i++) {
        const struct epoch_result *epoch = &run->epochs[i];
        const double *trn = epoch->training, *val = epoch->validation;
        if (epoch->round != index)
            continue;
        if (count++ == 0)
            text_add(out,
                     "Round %d of %d: lr %g, gamma %g, bce_weight %g, batch_size %d, %d epochs\n",
                     index + 1, plan->count, round->lr, round->gamma, round->bce_weight,
                     round->batch_size, round->num_epochs);
        loss = fmin(loss, val[METRIC_LOSS]);
        dice = fmin(dice, val[METRIC_DICE]);
        text_add(out, "%4d  lr %.3e %8.2f s | trn %.4f %.4f %.4f | val %.4f %.4f %.4f%s\n",
                 epoch->epoch + 1, epoch->lr, epoch->seconds, trn[METRIC_BCE], trn[METRIC_DICE],
                 trn[METRIC_LOSS], val[METRIC_BCE], val[METRIC_DICE], val[METRIC_LOSS],
                 epoch->best ? " *" : "");
    }
    if (count == round->num_epochs)
        text_add(out, "Best val loss: %.6f, lowest val dice loss: %.6f\n", loss, dice);
}

static void add_log(struct text *out, const struct record *record)
{
    const struct cell *cell = &record->cell;
    text_add(out,
             "%s: %s %s %s. Columns: epoch, learning rate, seconds | bce, dice loss, loss in "
             "training | in validation; * improved\n",
             cell->name, base_model_name(cell->base_model), cell->inputs, cell->prediction);
    if (record->left_out)
        text_add(out, "%s\n", record->left_out);
    for (int i = 0; i < cell_run_count(cell); i++) {
        const struct run_record *run = &record->runs[i];
        text_add(out, "\nRun %d of %d", i + 1, cell_run_count(cell));
        if (cell->folds > 0)
            text_add(out, ": fold %d of %d", cell_fold(cell, i) + 1, cell->folds);
        text_add(out, "\n");
        for (int round = 0; round < cell->plan.count; round++)
            log_round(out, &cell->plan, run, round);
        if (run->state == TRIAL_FAIL)
            text_add(out, "Failed: %s\n", run->result.failure);
        else if (run->state == TRIAL_PRUNED)
            text_add(out, "Pruned after %d epochs\n", run->epoch_count);
        else
            text_add(out, "Best round: %d, loss %.6f, dice loss %.6f, %.1f s\n",
                     run->result.best_round + 1, run->result.loss, run->result.dice,
                     run->result.seconds);
    }
}

static bool write_table(const struct record *record, const char *name,
                        void (*add)(struct text *, const struct record *))
{
    struct text text = {0};
    char *path = study_path(record->folder, name);
    add(&text, record);
    const bool written = file_write(path, text.bytes, text.size);
    free(path);
    free(text.bytes);
    return written;
}

static bool write_json(const struct record *record, const char *name, const cJSON *json)
{
    char *path = study_path(record->folder, name);
    const bool written = json_write(path, json);
    free(path);
    return written;
}

bool cell_files_write(const struct record *record, bool steps)
{
    cJSON *plan = plan_to_json(&record->cell.plan), *opts = notebook_options(&record->cell);
    const bool written =
        folder_make(record->folder) && write_json(record, "options.json", record->cell.options) &&
        write_json(record, "plan.json", plan) && write_json(record, "opts.json", opts) &&
        write_table(record, "training.log", add_log) &&
        write_table(record, "run.log", notebook_log) &&
        write_table(record, "epochs.tsv", add_epochs) &&
        (!steps || write_table(record, "steps.tsv", add_steps)) &&
        write_table(record, "training.tsv", add_training);
    cJSON_Delete(opts);
    cJSON_Delete(plan);
    return written;
}
