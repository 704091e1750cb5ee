// SPDX-License-Identifier: MIT
// A study: what is still to do, group by group, pack by pack.
#include "vkgrid/study.h"

#include "folder.h"
#include "pack.h"
#include "ranking.h"
#include "vkgrid/error.h"
#include "vkgrid/file.h"
#include "vkgrid/memory.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// The cell of a model that ranks first so far.
struct leader {
    char *model;
    struct score score;
    char *weights;
};

struct study {
    const struct grid *grid;
    const struct study_options *options;
    struct engine *engine;
    struct progress progress;
    struct progress_worker worker;
    struct groups groups; // of what is to do
    int *slots;           // [group] most slots of a pack
    struct score *scores; // [cell of the grid]
    struct leader *leaders;
    int leader_count;
    bool holds, made; // whether the folder holds the study, whether it was made ready now
};

static char *cell_folder(const struct study *study, const struct cell *cell)
{
    return text_format("%s/cells/%s", study->options->out, cell->name);
}

static struct leader *find_leader(struct study *study, const struct cell *cell)
{
    char *model = text_format("%s_%s", cell->inputs, cell->prediction);
    for (int i = 0; i < study->leader_count; i++) {
        if (strcmp(study->leaders[i].model, model) == 0) {
            free(model);
            return &study->leaders[i];
        }
    }
    study->leaders =
        mem_grow(study->leaders, (size_t)study->leader_count + 1, sizeof(*study->leaders));
    struct leader *leader = &study->leaders[study->leader_count++];
    *leader = (struct leader){.model = model, .score = {.dice = INFINITY, .run = -1}};
    return leader;
}

// Takes a finished cell into account. Returns the weights file of whichever of it and the leader so
// far ranks lower, or NULL; the caller frees it.
static char *note_score(struct study *study, const struct cell *cell, const struct score *score)
{
    struct leader *leader = find_leader(study, cell);
    char *folder = cell_folder(study, cell), *weights = record_weights_path(folder, cell);
    study->scores[cell->number] = *score;
    if (score_ranks(score) && score_before(score, &leader->score)) {
        char *beaten = leader->weights;
        leader->score = *score;
        leader->weights = weights;
        weights = beaten;
    }
    free(folder);
    return weights;
}

static double weights_limit(struct study *study, const struct cell *cell)
{
    switch (study->options->keep) {
    case KEEP_NONE:
        return -INFINITY;
    case KEEP_BEST:
        // No epoch of a run has a lower dice than the run, so that a run above the leader's cannot
        // make its cell lead.
        return find_leader(study, cell)->score.dice;
    default:
        return INFINITY;
    }
}

// Reads what the folder has of finished cells.
static bool read_scores(struct study *study)
{
    for (int i = 0; study->holds && i < study->grid->cell_count; i++) {
        struct cell cell;
        struct score score;
        char *table = text_format("%s/cells/grid%05d/training.tsv", study->options->out, i);
        const bool there = file_exists(table);
        free(table);
        if (!there)
            continue;
        if (!grid_cell(study->grid, i, &cell))
            return false;
        char *folder = cell_folder(study, &cell);
        score_read(folder, &cell, &score);
        if (score.finished)
            free(note_score(study, &cell, &score)); // what was kept before stays
        free(folder);
        cell_free(&cell);
    }
    return true;
}

static bool make_groups(struct study *study)
{
    int *pending = mem_alloc(sizeof(*pending) * (size_t)(study->options->cell_count + 1)),
        count = 0;
    for (int i = 0; i < study->options->cell_count; i++) {
        if (!study->scores[study->options->cells[i]].finished)
            pending[count++] = study->options->cells[i];
    }
    const bool made = groups_make(study->grid, pending, count, &study->groups);
    free(pending);
    return made;
}

static bool check_inputs(const struct study *study)
{
    for (int i = 0; i < study->groups.count; i++) {
        const struct group *group = &study->groups.items[i];
        for (int j = 0; j < group->cell_count; j++) {
            struct cell cell;
            if (!grid_cell(study->grid, group->cells[j], &cell))
                return false;
            const bool good = folder_check_inputs(&cell, study->grid->where);
            cell_free(&cell);
            if (!good)
                return false;
        }
    }
    return true;
}

// The packs of every group, and the progress over all of them.
static bool plan_packs(struct study *study)
{
    double work = 0;
    int packs = 0;
    study->slots = mem_zalloc((size_t)study->groups.count + 1, sizeof(*study->slots));
    for (int i = 0; i < study->groups.count; i++) {
        const struct group *group = &study->groups.items[i];
        if (!group_slots(study->engine, group, study->options->pack, &study->slots[i]))
            return false;
        packs += pack_count(group->run_count, study->slots[i]);
        work += group->work;
    }
    progress_start(&study->progress, study->options->quiet, study->groups.cell_count, packs, work);
    progress_join(&study->progress, &study->worker, engine_device(study->engine)->name);
    return true;
}

// All cells of a group, each with a record, and their runs: those of one cell side by side.
struct group_run {
    struct record *records;
    struct job *jobs;
    int job_count;
};

static bool open_group(struct study *study, const struct group *group, struct group_run *run)
{
    run->records = mem_zalloc((size_t)group->cell_count, sizeof(*run->records));
    run->jobs = mem_alloc(sizeof(*run->jobs) * (size_t)group->run_count);
    run->job_count = 0;
    for (int i = 0; i < group->cell_count; i++) {
        struct cell cell;
        if (!grid_cell(study->grid, group->cells[i], &cell))
            return false;
        char *folder = cell_folder(study, &cell);
        record_open(&run->records[i], &cell, folder);
        free(folder);
        for (int j = 0; j < run->records[i].cell.until; j++)
            run->jobs[run->job_count++] = (struct job){.record = &run->records[i], .run = j};
    }
    return true;
}

static void close_group(const struct group *group, struct group_run *run)
{
    for (int i = 0; run->records && i < group->cell_count; i++)
        record_close(&run->records[i]);
    free(run->records);
    free(run->jobs);
}

static bool cell_finished(void *context, struct record *record)
{
    struct study *study = context;
    struct score score;
    score_read(record->folder, &record->cell, &score);
    char *beaten = note_score(study, &record->cell, &score);
    if (beaten && study->options->keep == KEEP_BEST)
        unlink(beaten);
    free(beaten);
    const struct leader *leader = find_leader(study, &record->cell);
    if (score_ranks(&leader->score))
        progress_best(&study->progress, leader->model, leader->score.cell, leader->score.dice);
    if (score_ranks(&score))
        progress_say(&study->progress, "%s: validation dice %.4f, loss %.4f (%s)",
                     record->cell.name, score.dice, score.loss,
                     leader->score.cell == score.cell ? "best so far" : "not the best");
    record_close(record);
    return true;
}

static bool run_packs(struct study *study, const struct group *group, int slots,
                      const struct dataset *dataset, struct group_run *run)
{
    const struct pack_options options = {
        .log_steps = study->options->log_steps,
        .cell_finished = cell_finished,
        .context = study,
    };
    const int packs = pack_count(run->job_count, slots);
    for (int i = 0; i < packs; i++) {
        char label[160];
        int first, count;
        pack_range(run->job_count, packs, i, &first, &count);
        snprintf(label, sizeof(label), "%s, %d slot%s", group->label, count, count == 1 ? "" : "s");
        progress_pack(&study->worker, label, group->work * count / run->job_count, 0);
        for (int j = first; j < first + count; j++)
            run->jobs[j].record->weights_limit = weights_limit(study, &run->jobs[j].record->cell);
        if (!pack_train(study->engine, dataset, run->jobs + first, count, &options,
                        &study->worker) ||
            !ranking_write(study->options->out, study->grid, study->scores))
            return false;
    }
    return true;
}

static bool load_group_data(struct study *study, const struct group *group,
                            struct dataset **dataset)
{
    struct cell cell;
    if (!grid_cell(study->grid, group->cells[0], &cell))
        return false;
    const bool loaded = cell_load_data(&cell, dataset);
    cell_free(&cell);
    if (loaded && (*dataset)->left_out > 0)
        progress_say(&study->progress, "%s: %d targets have no files and are left out",
                     group->label, (*dataset)->left_out);
    return loaded;
}

static bool run_group(struct study *study, const struct group *group, int slots)
{
    const struct study_options *options = study->options;
    struct dataset *dataset = NULL;
    struct group_run run = {0};
    CHECK(load_group_data(study, group, &dataset));
    if (!study->made && !study->holds)
        CHECK(folder_make_study(options->out, study->grid, options->overwrite, options->record));
    study->made = true;
    CHECK(open_group(study, group, &run));
    CHECK(run_packs(study, group, slots, dataset, &run));
    close_group(group, &run);
    dataset_free(&dataset);
    return true;
error:
    close_group(group, &run);
    dataset_free(&dataset);
    return false;
}

static void count_results(const struct study *study, struct study_result *result)
{
    for (int i = 0; i < study->options->cell_count; i++) {
        const struct score *score = &study->scores[study->options->cells[i]];
        result->finished += score->finished;
        result->failed_runs += score->finished ? score->failed : 0;
    }
}

// Moves the names of the models.
static void report_leaders(struct study *study, struct study_result *result)
{
    result->leaders = mem_zalloc((size_t)study->leader_count + 1, sizeof(*result->leaders));
    for (int i = 0; i < study->leader_count; i++) {
        struct leader *leader = &study->leaders[i];
        if (!score_ranks(&leader->score))
            continue;
        result->leaders[result->leader_count++] = (struct study_leader){
            .model = leader->model,
            .cell = leader->score.cell,
            .dice = leader->score.dice,
            .loss = leader->score.loss,
        };
        leader->model = NULL;
    }
}

void study_result_free(struct study_result *result)
{
    for (int i = 0; i < result->leader_count; i++)
        free(result->leaders[i].model);
    free(result->leaders);
    *result = (struct study_result){0};
}

static void close_study(struct study *study)
{
    progress_end(&study->progress);
    engine_close(&study->engine);
    groups_free(&study->groups);
    for (int i = 0; i < study->leader_count; i++) {
        free(study->leaders[i].model);
        free(study->leaders[i].weights);
    }
    free(study->leaders);
    free(study->scores);
    free(study->slots);
}

bool study_run(const struct grid *grid, const struct study_options *options,
               struct study_result *result)
{
    struct study study = {.grid = grid, .options = options};
    bool done = false;
    *result = (struct study_result){0};
    study.scores = mem_zalloc((size_t)grid->cell_count, sizeof(*study.scores));
    CHECK(folder_check_study(options->out, grid, options->overwrite, &study.holds));
    CHECK(read_scores(&study));
    count_results(&study, result);
    result->earlier = result->finished;
    result->finished = result->failed_runs = 0;
    CHECK(make_groups(&study));
    CHECK(check_inputs(&study));
    if (study.groups.count > 0) {
        CHECK(engine_open(options->device, &study.engine));
        CHECK(plan_packs(&study));
    }
    for (int i = 0; i < study.groups.count; i++)
        CHECK(run_group(&study, &study.groups.items[i], study.slots[i]));
    CHECK(ranking_write(options->out, grid, study.scores));
    done = true;
error:
    count_results(&study, result);
    report_leaders(&study, result);
    close_study(&study);
    return done;
}
