// SPDX-License-Identifier: MIT
#include "run/campaign.h"

#include "vkgrid/study/trials.h"
#include "vkgrid/study/folder.h"
#include "vkgrid/study/ranking.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/run/groups.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *search_folder(const struct search *search, const struct cell *cell)
{
    return text_format("%s/cells/%s", search->options->out, cell->name);
}

struct leader *search_leader(struct search *search, const struct cell *cell)
{
    char *model = text_format("%s_%s", cell->inputs, cell->prediction);
    for (int i = 0; i < search->leader_count; i++) {
        if (strcmp(search->leaders[i].model, model) == 0) {
            free(model);
            return &search->leaders[i];
        }
    }
    search->leaders =
        mem_grow(search->leaders, (size_t)search->leader_count + 1, sizeof(*search->leaders));
    struct leader *leader = &search->leaders[search->leader_count++];
    *leader = (struct leader){.model = model, .score = {.dice = INFINITY, .run = -1}};
    return leader;
}

int search_score(struct search *search, const struct cell *cell, const struct score *score)
{
    struct leader *leader = search_leader(search, cell);
    int beaten = cell->number;
    search->scores[cell->number] = *score;
    if (score_ranks(score) && score_before(score, &leader->score)) {
        beaten = score_ranks(&leader->score) ? leader->score.cell : -1;
        leader->score = *score;
    }
    return beaten;
}

bool search_open(struct search *search)
{
    const struct study_options *options = search->options;
    char *path = text_format("%s/study.db", options->out);
    bool holds;
    search->checkpoints = text_format("%s/checkpoints", options->out);
    search->scores = mem_zalloc((size_t)search->grid->cell_count + 1, sizeof(*search->scores));
    for (int i = 0; i < search->grid->cell_count; i++)
        search->scores[i] = (struct score){.cell = i, .run = -1};
    CHECK(folder_check_study(options->out, &holds));
    if (folder_exists(options->out))
        CHECK(folder_lock(options->out, &search->lock_file));
    search->holds = holds && !options->overwrite;
    if (search->holds) {
        CHECK(store_open(path, false, &search->store));
        CHECK(contents_check(search));
        CHECK(contents_read(search));
    }
    free(path);
    return true;
error:
    free(path);
    return false;
}

// A new study.db gets its name when all of it is there.
static bool make_store(struct search *search)
{
    char *path = text_format("%s/study.db", search->options->out),
         *unfinished = text_format("%s.new", path),
         *journal = text_format("%s-journal", unfinished);
    bool made = false;
    unlink(unfinished);
    unlink(journal);
    CHECK(store_create(unfinished, &search->store));
    CHECK(contents_write(search));
    CHECK(store_commit(search->store));
    store_close(&search->store);
    CHECK(file_rename(unfinished, path));
    made = store_open(path, false, &search->store);
error:
    if (!made)
        store_close(&search->store);
    free(path);
    free(unfinished);
    free(journal);
    return made;
}

static bool complete_store(struct search *search)
{
    return store_begin(search->store) && contents_write(search) && store_commit(search->store);
}

struct sweep {
    struct search *search;
    char **needed; // names of files
    int count;
};

static bool add_needed(void *context, int cell, int run, const struct run_state *state)
{
    struct sweep *sweep = context;
    const int steps[] = {state->current.step, state->round_best.step, state->best.step};
    sweep->needed = mem_grow(sweep->needed, (size_t)sweep->count + 3, sizeof(*sweep->needed));
    for (int i = 0; i < 3; i++)
        if (steps[i] >= 0)
            sweep->needed[sweep->count++] =
                text_format("grid%05d-%d-%d.safetensors", cell, run, steps[i]);
    return true;
}

static bool is_needed(const struct sweep *sweep, const char *name)
{
    for (int i = 0; i < sweep->count; i++)
        if (strcmp(sweep->needed[i], name) == 0)
            return true;
    return false;
}

// Removes files of checkpoints that a process which was killed had written, or not yet removed.
static bool sweep_checkpoints(struct search *search)
{
    struct sweep sweep = {.search = search};
    DIR *folder = opendir(search->checkpoints);
    const struct dirent *entry;
    const bool read = !folder || store_checkpoints(search->store, add_needed, &sweep);
    while (read && folder && (entry = readdir(folder))) {
        char *path = text_format("%s/%s", search->checkpoints, entry->d_name);
        if (!is_needed(&sweep, entry->d_name) && file_exists(path))
            unlink(path);
        free(path);
    }
    if (folder)
        closedir(folder);
    for (int i = 0; i < sweep.count; i++)
        free(sweep.needed[i]);
    free(sweep.needed);
    return read;
}

void search_remove_weights(struct search *search, int number)
{
    struct cell cell;
    if (!grid_cell(search->grid, number, &cell))
        return;
    char *folder = search_folder(search, &cell), *path = record_weights_path(folder, &cell);
    unlink(path);
    free(path);
    free(folder);
    cell_free(&cell);
}

// Removes weights that were beaten when the process was killed.
static bool sweep_weights(void *context, const struct store_trial *trial)
{
    struct search *search = context;
    const struct score *score = &search->scores[trial->cell];
    if (score_finished(score) && !score->again && strstr(trial->attributes, "\"weights\":null"))
        search_remove_weights(search, trial->cell);
    return true;
}

bool search_make(struct search *search)
{
    if (search->made)
        return true;
    if (!folder_make(search->options->out))
        return false;
    if (search->lock_file < 0 && !folder_lock(search->options->out, &search->lock_file))
        return false;
    if (!search->holds && !folder_clear(search->options->out))
        return false;
    if (!(search->holds ? complete_store(search) : make_store(search)) ||
        !folder_make(search->checkpoints))
        return false;
    search->made = true;
    folder_sweep(search->options->out);
    return sweep_checkpoints(search) && store_trials(search->store, sweep_weights, search);
}

void search_close(struct search *search)
{
    store_close(&search->store);
    if (search->lock_file >= 0) {
        (void)!ftruncate(search->lock_file, 0); // the lock goes all the same
        close(search->lock_file);
    }
    groups_free(&search->groups);
    for (int i = 0; i < search->leader_count; i++)
        free(search->leaders[i].model);
    for (int i = 0; i < search->answer_count; i++)
        free(search->answers[i].why);
    free(search->answers);
    free(search->leaders);
    free(search->scores);
    free(search->checkpoints);
    free(search->failure);
}
