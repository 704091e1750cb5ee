// SPDX-License-Identifier: MIT
#include "run/begin.h"

#include "run/device_fit.h"
#include "run/open_group.h"
#include "run/unable.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/study/moved_data.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The first has its pixels and stays; of the others only what was seen is told.
static bool take_data(void *context, const struct cell *cell, bool whole, struct dataset **dataset)
{
    struct campaign *campaign = context;
    tell_sources(campaign, *dataset);
    if (!whole)
        return true;
    char *key = cell_data_key(cell);
    bool same;
    if (!study_check_data(campaign, key, cell->data, *dataset, &same) || !same) {
        free(key);
        return false;
    }
    dataset_free(&campaign->spare);
    free(campaign->spare_key);
    campaign->spare = *dataset;
    campaign->spare_key = key;
    *dataset = NULL;
    return true;
}

// --- Refusing -----------------------------------------------------------------------------------

static bool has_finished_cells(const struct campaign *campaign)
{
    for (int i = 0; i < campaign->trials.grid->cell_count; i++) {
        const struct score *score = &campaign->trials.scores[i];
        if (score_finished(score) && !score->unable)
            return true;
    }
    return false;
}

// --- The cells that are left --------------------------------------------------------------------

static void keep_able(struct campaign *campaign, bool *able)
{
    const struct obstacles *obstacles = &campaign->obstacles;
    struct score *scores = campaign->trials.scores;
    for (int i = 0; i < obstacles->count; i++) {
        for (int k = 0; k < obstacles->items[i].count; k++) {
            struct score *score = &scores[obstacles->items[i].cells[k]];
            able[score->cell] = false;
            score->again = false; // what it is stays
        }
    }
}

// What was found out about the groups.
static void keep_elsewhere(struct groups *groups, const struct groups *before)
{
    for (int i = 0, k = 0; i < groups->count; i++) { // in the same order
        while (strcmp(before->items[k].key, groups->items[i].key) != 0)
            k++;
        groups->items[i].elsewhere = before->items[k].elsewhere;
    }
}

static bool leave_out(struct campaign *campaign)
{
    const struct grid *grid = campaign->trials.grid;
    bool *able = mem_alloc((size_t)grid->cell_count + 1);
    int *cells = mem_alloc(((size_t)campaign->groups.cell_count + 1) * sizeof(*cells)), count = 0;
    for (int i = 0; i < grid->cell_count; i++)
        able[i] = true;
    keep_able(campaign, able);
    for (int i = 0; i < campaign->groups.count; i++) {
        const struct group *group = &campaign->groups.items[i];
        for (int k = 0; k < group->cell_count; k++)
            if (able[group->cells[k]])
                cells[count++] = group->cells[k];
    }
    struct groups before = campaign->groups;
    const bool made = groups_make(grid, cells, count, &campaign->groups);
    keep_elsewhere(&campaign->groups, &before);
    groups_free(&before);
    free(cells);
    free(able);
    return made;
}

// Those that could not be trained before.
static void tell_again(struct campaign *campaign)
{
    int count = 0;
    for (int i = 0; i < campaign->trials.grid->cell_count; i++)
        count += campaign->trials.scores[i].unable && campaign->trials.scores[i].again;
    if (count > 0 && !campaign->options->quiet)
        fprintf(stderr, "%d cell%s could not be trained before: tried again\n", count,
                count == 1 ? "" : "s");
}

// Whether what is left to train reads data that the study has read before, which is compared then.
static bool reads_known_data(const struct campaign *campaign, bool *known)
{
    *known = false;
    for (int i = 0; !*known && i < campaign->groups.count; i++) {
        struct cell cell;
        uint64_t fingerprint = 0;
        if (!grid_cell(campaign->trials.grid, campaign->groups.items[i].cells[0], &cell))
            return false;
        char *key = cell_data_key(&cell);
        const bool read = store_get_dataset(campaign->store, key, &fingerprint);
        *known = fingerprint != 0;
        free(key);
        cell_free(&cell);
        if (!read)
            return false;
    }
    return true;
}

// Where nothing of what the study has read is read again nobody would notice other data.
static bool check_moved(struct campaign *campaign)
{
    struct dataset *dataset = NULL;
    struct cell cell;
    uint64_t fingerprint;
    char *key;
    bool same = true, compared;
    if (!campaign->data_moved)
        return true;
    if (!reads_known_data(campaign, &compared))
        return false;
    if (compared)
        return true;
    if (!moved_data_known(campaign->trials.grid, campaign->store, &cell, &key, &fingerprint))
        return false;
    if (!key)
        return true;
    const bool good = cell_check_inputs(&cell, key) && cell_load_data(&cell, NULL, &dataset) &&
                      study_check_data(campaign, key, cell.data, dataset, &same) && same;
    dataset_free(&dataset);
    cell_free(&cell);
    free(key);
    return good;
}

// What stands in the way of any group.
static bool look(struct campaign *campaign, struct engine *engine)
{
    const struct study_options *options = campaign->options;
    const int count = campaign->groups.count;
    char **unfit = NULL;
    bool looked = count == 0 || devices_ask(campaign, engine, &unfit);
    const struct groups_check check = {
        .grid = campaign->trials.grid,
        .groups = &campaign->groups,
        .unfit = unfit,
        .cleared = options->overwrite ? options->out : NULL,
        .quiet = options->quiet,
        .load = true,
        .good = campaign->spare ? campaign->spare_key : NULL,
        .take = take_data,
        .context = campaign,
    };
    looked = looked && groups_check(&check, &campaign->obstacles);
    for (int i = 0; unfit && i < count; i++)
        free(unfit[i]);
    free(unfit);
    return looked;
}

bool begin_check(struct campaign *campaign, struct engine *engine)
{
    const struct obstacles *obstacles = &campaign->obstacles;
    const int cells = campaign->groups.cell_count;
    if (!check_moved(campaign) || !look(campaign, engine))
        return false;
    const int unable = obstacles_cells(obstacles);
    if (unable > 0 && ((!campaign->holds && obstacles_mendable(obstacles)) ||
                       (unable == cells && !has_finished_cells(campaign))))
        return obstacles_refuse(obstacles, cells);
    if (unable > 0 && !leave_out(campaign))
        return false;
    tell_again(campaign);
    return true;
}

bool begin_check_more(struct campaign *campaign, struct engine *engine)
{
    const struct obstacles *obstacles = &campaign->obstacles;
    if (!look(campaign, engine))
        return false;
    return obstacles_mendable(obstacles) ? obstacles_refuse(obstacles, campaign->groups.cell_count)
                                         : obstacles->count == 0 || leave_out(campaign);
}

bool begin_note(struct campaign *campaign)
{
    bool noted = true;
    for (int i = 0; noted && i < campaign->obstacles.count; i++) {
        const struct obstacle *obstacle = &campaign->obstacles.items[i];
        unable_say(campaign, obstacle->count, obstacle->why);
        noted = unable_note(campaign, obstacle->cells, obstacle->count, obstacle->why);
    }
    return noted;
}
