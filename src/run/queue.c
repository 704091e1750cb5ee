// SPDX-License-Identifier: MIT
// Groups -> packs. A run's numbers do not depend on its pack, so packs are made as devices ask for
// them, of whatever is left.
#include "run/campaign.h"

#include "vkgrid/base/clock.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/interrupt.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/run/pack_size.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

// The data must be what the study began with. A study that is not there yet begins with it.
static bool check_fingerprint(struct search *search, const struct cell *cell,
                              const struct dataset *dataset)
{
    const uint64_t now = dataset_fingerprint(dataset);
    char *key = cell_data_key(cell), here[HASH_TEXT], there[HASH_TEXT];
    uint64_t earlier = 0;
    CHECK(!search->store || store_get_dataset(search->store, key, &earlier));
    if (earlier != 0 && earlier != now)
        FAIL(
            "%s: is not the data that the study began with (fingerprint %s, was %s): another "
            "folder "
            "(-o) or --overwrite is needed",
            cell->data, hash_print(now, here), hash_print(earlier, there));
    CHECK(search_make(search)); // everything has been found good
    if (earlier == 0)
        CHECK(store_put_dataset(search->store, key, now));
    free(key);
    return true;
error:
    free(key);
    return false;
}

static bool load_data(struct search *search, struct open_group *open)
{
    struct cell cell;
    if (!grid_cell(search->grid, open->group->cells[0], &cell))
        return false;
    const bool loaded =
        cell_load_data(&cell, &open->dataset) && check_fingerprint(search, &cell, open->dataset);
    cell_free(&cell);
    if (loaded && open->dataset->left_out > 0)
        progress_say(&search->progress, "%s: %d targets have no files and are left out",
                     open->group->label, open->dataset->left_out);
    return loaded;
}

static bool open_cell(struct search *search, struct open_group *open, int index)
{
    struct record *record = &open->records[index];
    struct cell cell;
    if (!grid_cell(search->grid, open->group->cells[index], &cell))
        return false;
    char *folder = search_folder(search, &cell);
    record_open(record, &cell, folder);
    free(folder);
    if (!journal_load(search->store, record))
        return false;
    record_clean(record);
    for (int i = 0; i < record->cell.until; i++) {
        const enum trial_state state = record->runs[i].state;
        if (state != TRIAL_COMPLETE && state != TRIAL_FAIL)
            open->jobs[open->job_count++] = (struct job){.record = record, .run = i};
    }
    return true;
}

// Reads the data of a group and what study.db has of its cells.
static bool open_group(struct search *search, struct open_group *open, const struct group *group)
{
    *open = (struct open_group){.group = group};
    open->records = mem_zalloc((size_t)group->cell_count, sizeof(*open->records));
    open->jobs = mem_zalloc((size_t)group->run_count + 1, sizeof(*open->jobs));
    open->taken = mem_zalloc((size_t)group->run_count + 1, sizeof(*open->taken));
    if (!load_data(search, open))
        return false;
    for (int i = 0; i < group->cell_count; i++)
        if (!open_cell(search, open, i))
            return false;
    return true;
}

static void close_group(struct open_group *open)
{
    for (int i = 0; open->records && i < open->group->cell_count; i++)
        record_close(&open->records[i]);
    free(open->records);
    free(open->jobs);
    free(open->taken);
    dataset_free(&open->dataset);
    open->records = NULL;
    open->jobs = NULL;
    open->taken = NULL;
}

// Free jobs that have done as many epochs as the first free one.
static int alike(const struct open_group *open, int *places)
{
    int count = 0, step = 0;
    for (int i = 0; i < open->job_count; i++) {
        const int done = open->taken[i] ? -1 : job_run(&open->jobs[i])->checkpoint.step;
        if (done < 0 || (count > 0 && done != step))
            continue;
        step = done;
        places[count++] = i;
    }
    return count;
}

int queue_packs(const struct search *search, int count, int slots)
{
    const int devices = search->options->device_count;
    int packs = pack_count(count, slots);
    if (devices > 1)
        packs = (packs + devices - 1) / devices * devices;
    return packs < count ? packs : count;
}

static void fill_pack(struct search *search, struct open_group *open, int *places, int count,
                      struct pack *pack)
{
    *pack = (struct pack){.group = open, .places = places, .count = count};
    pack->jobs = mem_alloc(sizeof(*pack->jobs) * (size_t)count);
    for (int i = 0; i < count; i++) {
        open->taken[places[i]] = true;
        pack->jobs[i] = open->jobs[places[i]];
    }
    search->busy++;
}

// How many slots the packs of a group have on a device.
static bool width_on(const struct search *search, struct engine *engine, const struct group *group,
                     const struct device_group *known, struct width *width)
{
    if (!group_width(engine, group, search->options->pack, width))
        return false;
    if (known->most > 0 && width->slots > known->most)
        *width = (struct width){.slots = known->most, .reason = WIDTH_MEMORY};
    return true;
}

// *pack stays empty when no job is free now, or when it must be measured first how many slots the
// packs of *unmeasured are to have. known: [group] by this device.
static bool take(struct search *search, struct engine *engine, const struct device_group *known,
                 struct open_group **unmeasured, struct pack *pack)
{
    *unmeasured = NULL;
    for (int i = 0; i < search->groups.count; i++) {
        struct open_group *open = &search->open[i];
        if (!open->group && !open_group(search, open, &search->groups.items[i]))
            return false;
        if (!open->records)
            continue; // over
        int *places = mem_alloc(sizeof(*places) * ((size_t)open->job_count + 1));
        struct width width = {0};
        const int count = alike(open, places);
        if (count > 0 && !width_on(search, engine, open->group, &known[i], &width)) {
            free(places);
            return false;
        }
        if (count > 0 && width.reason == WIDTH_UNMEASURED && !known[i].measured) {
            *unmeasured = open;
            free(places);
            return true;
        }
        if (count > 0) {
            const int packs = queue_packs(search, count, width.slots);
            fill_pack(search, open, places, (count + packs - 1) / packs, pack);
            return true;
        }
        free(places);
    }
    return true;
}

// Without the lock: other devices go on.
static void measure(struct search *search, struct engine *engine, struct open_group *open,
                    struct device_group *known)
{
    const struct group *group = open->group;
    struct width before, after;
    const double start = seconds_now();
    known->measured = true;
    if (!width_on(search, engine, group, known, &before))
        return;
    progress_say(&search->progress, "%s: measuring how many runs are best trained at once",
                 group->label);
    const int most = group_measure(engine, group);
    if (most > 0)
        known->most = most;
    if (!width_on(search, engine, group, known, &after))
        return;
    progress_say(&search->progress, "%s: %d at once: %s (%.1f s)", group->label, after.slots,
                 width_reason_name(after.reason), seconds_now() - start);
    pthread_mutex_lock(&search->lock);
    if (!open->measured) // by the first device, as the packs were counted by one
        progress_packs(&search->progress, queue_packs(search, group->run_count, after.slots) -
                                              queue_packs(search, group->run_count, before.slots));
    open->measured = true;
    pthread_mutex_unlock(&search->lock);
}

bool queue_take(struct search *search, struct engine *engine, struct device_group *known,
                struct pack *pack)
{
    struct open_group *unmeasured = NULL;
    bool taken = true;
    *pack = (struct pack){0};
    pthread_mutex_lock(&search->lock);
    while (!search->stop && !interrupt_requested() &&
           (taken = take(search, engine, known, &unmeasured, pack)) && pack->count == 0 &&
           (unmeasured || search->busy > 0)) {
        pthread_mutex_unlock(&search->lock);
        if (unmeasured) {
            measure(search, engine, unmeasured, &known[unmeasured - search->open]);
        } else { // a job of another device may come back
            nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
        }
        pthread_mutex_lock(&search->lock);
    }
    pthread_mutex_unlock(&search->lock);
    return taken;
}

void queue_give_back(struct search *search, struct pack *pack)
{
    struct open_group *open = pack->group;
    pthread_mutex_lock(&search->lock);
    for (int i = 0; i < pack->count; i++) {
        const enum trial_state state = job_run(&pack->jobs[i])->state;
        const bool over = state != TRIAL_RUNNING && state != TRIAL_WAITING;
        open->taken[pack->places[i]] = over;
        open->over += over;
    }
    if (open->over == open->job_count)
        close_group(open);
    search->busy--;
    pthread_mutex_unlock(&search->lock);
    free(pack->jobs);
    free(pack->places);
    *pack = (struct pack){0};
}

void queue_close(struct search *search)
{
    for (int i = 0; search->open && i < search->groups.count; i++)
        if (search->open[i].group)
            close_group(&search->open[i]);
    free(search->open);
    search->open = NULL;
}
