// SPDX-License-Identifier: MIT
#include "run/campaign.h"

#include "run/reading.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/base/version.h"
#include "vkgrid/study/checkpoints.h"
#include "vkgrid/study/folder.h"
#include "vkgrid/study/identity.h"
#include "vkgrid/study/lock.h"
#include "vkgrid/study/paths.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// --- Which study it is --------------------------------------------------------------------------

// What changes the numbers or the files of a study, the grid aside.
static cJSON *binding_settings(const struct campaign *campaign)
{
    const struct study_options *options = campaign->options;
    cJSON *settings = cJSON_CreateObject();
    cJSON_AddStringToObject(settings, "sampler", sampler_name(campaign->trials.grid->sampler));
    cJSON_AddBoolToObject(settings, "log_steps", options->log_steps);
    cJSON_AddStringToObject(settings, "prune", prune_name(options->prune));
    cJSON_AddStringToObject(settings, "matrix", options->matrix ? options->matrix : "auto");
    return settings;
}

static cJSON *all_settings(const struct campaign *campaign)
{
    const struct study_options *options = campaign->options;
    const struct grid *grid = campaign->trials.grid;
    cJSON *settings = binding_settings(campaign);
    if (grid->sampler == SAMPLER_RANDOM)
        cJSON_AddNumberToObject(settings, "trials", grid->cell_count);
    cJSON_AddStringToObject(settings, "keep", keep_name(options->keep));
    if (options->shards > 0) {
        const int shard[] = {options->shard, options->shards};
        cJSON_AddItemToObject(settings, "shard", cJSON_CreateIntArray(shard, 2));
    }
    if (options->invocation)
        cJSON_AddItemToObject(settings, "command", cJSON_Duplicate(options->invocation, true));
    return settings;
}

// The settings of those names.
static cJSON *pick(const cJSON *settings, const cJSON *names)
{
    cJSON *picked = cJSON_CreateObject();
    const cJSON *item;
    cJSON_ArrayForEach(item, names)
    {
        const cJSON *value = json_member(settings, item->string);
        if (value)
            cJSON_AddItemToObject(picked, item->string, cJSON_Duplicate(value, true));
    }
    return picked;
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

static bool check_identity(struct campaign *campaign)
{
    struct identity theirs;
    struct identity mine = {NUMERICS_VERSION, campaign->trials.grid->json,
                            binding_settings(campaign)};
    struct text list = {0};
    bool same = identity_read(campaign->store, &theirs) &&
                check_kind(campaign, json_member(theirs.settings, "sampler"));
    if (same) {
        cJSON *binding = pick(theirs.settings, mine.settings);
        cJSON_Delete(theirs.settings);
        theirs.settings = binding;
        identity_compare(&list, &mine, &theirs);
        same = !list.bytes || error_set(
                                  "%s: holds another %s: %s: another folder (-o) or --overwrite is "
                                  "needed",
                                  campaign->options->out,
                                  trains_cell(campaign) ? "training" : "study", list.bytes + 2);
    }
    free(list.bytes);
    identity_free(&theirs);
    cJSON_Delete(mine.settings);
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

bool campaign_open(struct campaign *campaign, struct grid *grid,
                   const struct study_options *options)
{
    bool holds;
    *campaign = (struct campaign){.options = options, .lock_file = -1};
    campaign->room.progress = &campaign->progress;
    pthread_mutex_init(&campaign->lock, NULL);
    pthread_cond_init(&campaign->changed, NULL);
    trials_init(&campaign->trials, grid);
    if (!study_check_folder(options->out, &holds))
        return false;
    if (folder_exists(options->out) && !study_lock(options->out, &campaign->lock_file))
        return false;
    campaign->holds = holds && !options->overwrite;
    return !campaign->holds || (open_store(campaign) && check_identity(campaign) &&
                                trials_read(&campaign->trials, campaign->store, options->out,
                                            options->retry_failed, options->unprune));
}

// --- Making -------------------------------------------------------------------------------------

static bool write_study(struct store *store, void *context)
{
    struct campaign *campaign = context;
    const struct identity identity = {NUMERICS_VERSION, campaign->trials.grid->json,
                                      all_settings(campaign)};
    struct reading reading = reading_start("writing study.db", "cells", campaign->options->quiet);
    campaign->trials.show = reading_show;
    campaign->trials.show_context = &reading;
    const bool written = identity_write(store, &identity) && trials_write(&campaign->trials, store);
    reading_end(&reading);
    campaign->trials.show = NULL;
    cJSON_Delete(identity.settings);
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

void campaign_remove_weights(struct campaign *campaign, int number)
{
    struct cell cell;
    if (!grid_cell(campaign->trials.grid, number, &cell))
        return;
    char *folder = campaign_cell_folder(campaign, number);
    for (int i = 0; i < cell_network_count(&cell); i++) {
        char *path = study_weights(folder, &cell, i);
        unlink(path);
        free(path);
    }
    free(folder);
    cell_free(&cell);
}

// Removes weights that were beaten when the process was killed.
static bool sweep_weights(void *context, const struct store_trial *trial)
{
    struct campaign *campaign = context;
    const struct score *score = &campaign->trials.scores[trial->cell];
    if (score_finished(score) && !score->again && strstr(trial->attributes, "\"weights\":null"))
        campaign_remove_weights(campaign, trial->cell);
    return true;
}

static void say_refused(struct campaign *campaign)
{
    for (int i = 0; i < campaign->trials.answer_count; i++) {
        const struct answer *answer = &campaign->trials.answers[i];
        if (answer->why)
            progress_say(&campaign->progress, "trial %lld of Optuna's is refused: %s",
                         (long long)answer->trial, answer->why);
    }
}

static bool make_checkpoints_folder(const char *out)
{
    char *path = study_path(out, STUDY_CHECKPOINTS);
    const bool made = folder_make(path);
    free(path);
    return made;
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
    say_refused(campaign);
    study_sweep(out);
    return checkpoints_sweep(out, campaign->store) &&
           store_trials(campaign->store, sweep_weights, campaign);
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
    free(campaign->failure);
    free(campaign->told.bytes);
    pthread_cond_destroy(&campaign->changed);
    pthread_mutex_destroy(&campaign->lock);
}
