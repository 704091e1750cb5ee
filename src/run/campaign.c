// SPDX-License-Identifier: MIT
#include "run/campaign.h"

#include "run/reading.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/base/version.h"
#include "vkgrid/store/grow.h"
#include "vkgrid/grid/alike.h"
#include "vkgrid/study/checkpoints.h"
#include "vkgrid/study/folder.h"
#include "vkgrid/study/identity.h"
#include "vkgrid/study/lock.h"
#include "vkgrid/study/paths.h"
#include "vkgrid/study/weight_files.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// --- Which study it is --------------------------------------------------------------------------

// What changes the numbers or the files of a study, the grid aside (identity.h).
static cJSON *binding_settings(const struct campaign *campaign)
{
    const struct study_options *options = campaign->options;
    cJSON *settings = cJSON_CreateObject();
    cJSON_AddStringToObject(settings, "sampler", sampler_name(campaign->trials.grid->sampler));
    cJSON_AddBoolToObject(settings, "log_steps", options->log_steps);
    cJSON_AddStringToObject(settings, "prune", prune_name(options->prune));
    cJSON_AddStringToObject(settings, "matrix", options->matrix ? options->matrix : "auto");
    weight_files_keep(settings, campaign->files);
    return settings;
}

// The whole path: the grid may name the data as they are seen from here.
static void add_data(cJSON *settings, const struct campaign *campaign)
{
    const char *data = grid_data(campaign->trials.grid);
    char *path = data ? realpath(data, NULL) : NULL;
    if (path || campaign->data_before)
        cJSON_AddStringToObject(settings, "data", path ? path : campaign->data_before);
    free(path);
}

static cJSON *all_settings(const struct campaign *campaign)
{
    const struct study_options *options = campaign->options;
    const struct grid *grid = campaign->trials.grid;
    cJSON *settings = binding_settings(campaign);
    if (grid->sampler == SAMPLER_RANDOM)
        cJSON_AddNumberToObject(settings, "trials", grid->cell_count);
    cJSON_AddStringToObject(settings, "keep", keep_name(options->keep));
    add_data(settings, campaign);
    cJSON_AddItemToObject(
        settings, "rank_by",
        rank_by_setting(campaign->trials.rank_by, options->rank_by != RANK_DEFAULT, grid));
    if (options->shards > 0) {
        const int shard[] = {options->shard, options->shards};
        cJSON_AddItemToObject(settings, "shard", cJSON_CreateIntArray(shard, 2));
    }
    if (options->invocation)
        cJSON_AddItemToObject(settings, "command", cJSON_Duplicate(options->invocation, true));
    return settings;
}

static bool trains_cell(const struct campaign *campaign)
{
    return campaign->trials.grid->sampler == SAMPLER_CELL;
}

// A search does not go on with a training, nor the other way round.
static bool check_kind(const struct campaign *campaign, const cJSON *sampler)
{
    const bool theirs =
        cJSON_IsString(sampler) && strcmp(sampler->valuestring, sampler_name(SAMPLER_CELL)) == 0;
    return theirs == trains_cell(campaign) ||
           error_set("%s: holds what vkgrid %s has written: another folder (-o) is needed",
                     campaign->options->out, theirs ? "train" : "search");
}

static struct identity identity_of(const struct campaign *campaign, cJSON *settings)
{
    return (struct identity){NUMERICS_VERSION, grid_record(campaign->trials.grid), settings};
}

struct identity campaign_identity(const struct campaign *campaign)
{
    return identity_of(campaign, binding_settings(campaign));
}

// Whom the files named when the study began: later ones may name others, or be gone.
static void take_raters(struct grid *grid, const struct identity *theirs)
{
    const cJSON *raters = json_member(json_member(theirs->grid, "static"), "raters");
    if (!raters || !grid->raters || cJSON_Compare(raters, grid->raters, true))
        return;
    if (!grid->raters_guessed) {
        char *now = json_print_line(grid->raters), *before = json_print_line(raters);
        fprintf(stderr, "raters: %s, as the study began: the files name %s now\n", before, now);
        free(now);
        free(before);
    }
    grid_set_raters(grid, raters);
}

static void find_data(struct campaign *campaign, const struct identity *theirs)
{
    const char *known = cJSON_GetStringValue(json_member(theirs->settings, "data")),
               *data = grid_data(campaign->trials.grid);
    if (!known)
        known = cJSON_GetStringValue(
            json_member(json_member(theirs->grid, "static"), "data_cache_path"));
    char *before = known ? realpath(known, NULL) : NULL, *now = data ? realpath(data, NULL) : NULL;
    campaign->data_before = before || known ? text_copy(before ? before : known) : NULL;
    campaign->data_moved = now && campaign->data_before && strcmp(now, campaign->data_before) != 0;
    free(before);
    free(now);
}

// What is finished is not to be overwritten by whoever reads this.
static bool refuse(const struct campaign *campaign, const char *differences)
{
    int64_t finished;
    return store_count_finished(campaign->store, &finished) &&
           error_set("%s: holds another %s: %s: another folder (-o) %sis needed",
                     campaign->options->out, trains_cell(campaign) ? "training" : "study",
                     differences, finished > 0 ? "" : "or --overwrite ");
}

static bool check_identity(struct campaign *campaign)
{
    struct identity theirs, mine = {0};
    struct text list = {0};
    bool same = identity_read(campaign->store, &theirs) &&
                check_kind(campaign, json_member(theirs.settings, "sampler"));
    if (same) {
        take_raters(campaign->trials.grid, &theirs);
        find_data(campaign, &theirs);
        mine = identity_of(campaign, binding_settings(campaign));
        identity_match(&mine, &theirs);
        identity_compare(&list, &mine, &theirs);
        weight_files_keep(campaign->files, theirs.settings);
        same = !list.bytes || refuse(campaign, list.bytes + 2);
    }
    same = same &&
           trials_place(&campaign->trials, campaign->store, theirs.grid, campaign->options->out);
    free(list.bytes);
    identity_free(&theirs);
    identity_free(&mine);
    return same;
}

// --- Opening ------------------------------------------------------------------------------------

static bool open_store(struct campaign *campaign)
{
    char *path = study_path(campaign->options->out, STUDY_DATABASE);
    const bool opened = store_open(path, &campaign->store);
    free(path);
    if (opened)
        store_when_full(campaign->store, room_wait, &campaign->room);
    return opened;
}

// What ranks the cells: what is asked for, else what the study has, else the grid's default.
static bool find_ranking(struct campaign *campaign)
{
    enum rank_by rank_by = campaign->options->rank_by;
    if (campaign->holds && !rank_by_read(campaign->store, &campaign->ranked_before))
        return false;
    if (rank_by == RANK_DEFAULT)
        rank_by = campaign->ranked_before;
    if (rank_by != RANK_DEFAULT)
        campaign->trials.rank_by = rank_by;
    return true;
}

static void begin(struct campaign *campaign, struct grid *grid, const struct study_options *options)
{
    *campaign = (struct campaign){.options = options, .lock_file = -1};
    campaign->room.progress = &campaign->progress;
    pthread_mutex_init(&campaign->lock, NULL);
    pthread_cond_init(&campaign->changed, NULL);
    trials_init(&campaign->trials, grid);
    campaign->files = cJSON_CreateObject();
    weight_files_add(campaign->files, grid);
}

static bool read_study(struct campaign *campaign)
{
    const struct study_options *options = campaign->options;
    if (!campaign->holds)
        return find_ranking(campaign);
    return open_store(campaign) && check_identity(campaign) && find_ranking(campaign) &&
           trials_read(&campaign->trials, campaign->store, options->out, options->retry_failed,
                       options->unprune);
}

bool campaign_open(struct campaign *campaign, struct grid *grid,
                   const struct study_options *options)
{
    bool holds;
    begin(campaign, grid, options);
    if (!study_check_folder(options->out, &holds))
        return false;
    if (folder_exists(options->out) && !study_lock(options->out, &campaign->lock_file))
        return false;
    campaign->holds = holds && !options->overwrite;
    return read_study(campaign);
}

bool study_look(struct grid *grid, const struct study_options *options, struct grown *grown)
{
    struct campaign campaign;
    begin(&campaign, grid, options);
    campaign.holds = study_holds(options->out, STUDY_DATABASE) && !options->overwrite;
    const bool read = read_study(&campaign);
    *grown = campaign.trials.grown; // taken over
    campaign.trials.grown = (struct grown){0};
    campaign_close(&campaign);
    return read;
}

// --- Making -------------------------------------------------------------------------------------

static bool write_study(struct store *store, void *context)
{
    struct campaign *campaign = context;
    struct identity identity = identity_of(campaign, all_settings(campaign));
    struct reading reading = reading_start("writing study.db", "cells", campaign->options->quiet);
    campaign->trials.show = reading_show;
    campaign->trials.show_context = &reading;
    const bool written = identity_write(store, &identity) &&
                         trials_write(&campaign->trials, store) &&
                         trials_rank(&campaign->trials, store);
    reading_end(&reading);
    campaign->trials.show = NULL;
    identity_free(&identity);
    return written;
}

// A new study.db gets its name when all of it is there.
static bool make_store(struct campaign *campaign)
{
    char *path = study_path(campaign->options->out, STUDY_DATABASE),
         *unfinished = study_path(campaign->options->out, STUDY_UNFINISHED),
         *journal = study_journal(unfinished);
    struct store *store = NULL;
    bool made = false;
    unlink(unfinished);
    unlink(journal);
    CHECK(store_create(unfinished, &store));
    CHECK(write_study(store, campaign));
    CHECK(store_commit(store));
    store_close(&store);
    CHECK(file_rename(unfinished, path));
    made = open_store(campaign);
error:
    store_close(&store);
    unlink(unfinished); // if it has not got its name
    free(path);
    free(unfinished);
    free(journal);
    return made;
}

char *campaign_cell_folder(const struct campaign *campaign, int cell)
{
    const char *out = campaign->options->out;
    return trains_cell(campaign) ? text_copy(out) : study_cell_folder(out, cell);
}

// The names of the files are those of any cell of the task.
static void remove_weights(const struct campaign *campaign, int number, const struct cell *cell)
{
    char *folder = campaign_cell_folder(campaign, number);
    for (int i = 0; i < cell_network_count(cell); i++) {
        char *path = study_weights(folder, cell, i);
        unlink(path);
        free(path);
    }
    free(folder);
}

void campaign_remove_weights(struct campaign *campaign, int number)
{
    struct cell cell;
    if (!grid_cell(campaign->trials.grid, number, &cell))
        return;
    remove_weights(campaign, number, &cell);
    cell_free(&cell);
}

struct sweep {
    struct campaign *campaign;
    struct alike *alike;
    struct cell *cells; // [class] one of it
    int count;
};

// Removes weights that were beaten when the process was killed.
static bool sweep_weights(void *context, int cell)
{
    struct sweep *sweep = context;
    struct campaign *campaign = sweep->campaign;
    if (cell < 0 || cell >= campaign->trials.grid->cell_count)
        return true; // no cell of the study: the row is not vkgrid's
    const struct score *score = &campaign->trials.scores[cell];
    if (!score_finished(score) || score->again || score->reopened)
        return true;
    const int class = alike_class(sweep->alike, cell);
    if (class == sweep->count) {
        sweep->cells = mem_grow(sweep->cells, (size_t) class + 1, sizeof(*sweep->cells));
        if (!grid_cell(campaign->trials.grid, cell, &sweep->cells[class]))
            return false;
        sweep->count++;
    }
    remove_weights(campaign, cell, &sweep->cells[class]);
    return true;
}

static bool sweep_all_weights(struct campaign *campaign)
{
    struct sweep sweep = {campaign, alike_new(campaign->trials.grid, PURPOSE_TASK)};
    const bool swept = store_beaten(campaign->store, sweep_weights, &sweep);
    for (int i = 0; i < sweep.count; i++)
        cell_free(&sweep.cells[i]);
    free(sweep.cells);
    alike_free(&sweep.alike);
    return swept;
}

static void say_refused(struct campaign *campaign)
{
    for (int i = 0; i < campaign->trials.answer_count; i++) {
        const struct answer *answer = &campaign->trials.answers[i];
        if (answer->refused)
            progress_say(&campaign->progress, "refused: %s", answer->refused);
    }
}

static void say_grown(struct campaign *campaign)
{
    char *text = grown_text(&campaign->trials.grown);
    if (text)
        progress_say(&campaign->progress, "the study grows: %s", text);
    free(text);
}

static void say_moved(struct campaign *campaign)
{
    if (campaign->data_moved && !campaign->options->data_told)
        progress_say(&campaign->progress, "data: %s, which were in %s before",
                     grid_data(campaign->trials.grid), campaign->data_before);
}

static bool make_checkpoints_folder(const char *out)
{
    char *path = study_path(out, STUDY_CHECKPOINTS);
    const bool made = folder_make(path);
    free(path);
    return made;
}

static void say_ranking(struct campaign *campaign)
{
    const enum rank_by before = campaign->ranked_before, now = campaign->trials.rank_by;
    if (!campaign->options->quiet && !trains_cell(campaign) &&
        !rank_by_trivial(campaign->trials.grid))
        progress_say(&campaign->progress, "cells are ranked by %s%s", rank_by_words(now),
                     before != RANK_DEFAULT && before != now ? " from now on" : "");
}

bool campaign_create(struct campaign *campaign)
{
    const char *out = campaign->options->out;
    if (!folder_make(out) || (campaign->lock_file < 0 && !study_lock(out, &campaign->lock_file)) ||
        (!campaign->holds && !study_clear(out)))
        return false;
    if (!(campaign->holds ? store_migrate(campaign->store) &&
                                store_transaction(campaign->store, write_study, campaign)
                          : make_store(campaign)) ||
        !make_checkpoints_folder(out))
        return false;
    campaign->holds = true;
    say_grown(campaign);
    say_ranking(campaign);
    say_moved(campaign);
    say_refused(campaign);
    study_sweep(out);
    return checkpoints_sweep(out, campaign->store) && sweep_all_weights(campaign);
}

void campaign_close(struct campaign *campaign)
{
    store_close(&campaign->store);
    study_unlock(&campaign->lock_file);
    groups_free(&campaign->groups);
    obstacles_free(&campaign->obstacles);
    dataset_free(&campaign->spare);
    free(campaign->spare_key);
    trials_free(&campaign->trials);
    taking_free(&campaign->taking);
    cJSON_Delete(campaign->files);
    free(campaign->data_before);
    best_sets_free(&campaign->sets);
    free(campaign->failure);
    free(campaign->told.bytes);
    pthread_cond_destroy(&campaign->changed);
    pthread_mutex_destroy(&campaign->lock);
}
