// SPDX-License-Identifier: MIT
#include "run/queue.h"

#include "run/unable.h"
#include "vkgrid/base/clock.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/interrupt.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/run/pack_size.h"

#include <stdlib.h>

bool queue_open(struct campaign *campaign)
{
    const int count = campaign->groups.count;
    campaign->open = mem_zalloc((size_t)count + 1, sizeof(*campaign->open));
    for (int i = 0; i < count; i++)
        campaign->open[i].group = &campaign->groups.items[i];
    for (int i = 0; i < count; i++)
        if (!group_name_data(campaign, &campaign->open[i]))
            return false;
    return true;
}

void queue_close(struct campaign *campaign)
{
    for (int i = 0; campaign->open && i < campaign->groups.count; i++)
        group_close(campaign, &campaign->open[i]);
    free(campaign->open);
    campaign->open = NULL;
}

int queue_group_packs(const struct campaign *campaign, const struct group *group, int slots)
{
    return queue_packs(campaign, group->larger, slots) +
           queue_packs(campaign, group->run_count - group->larger, slots);
}

int queue_packs(const struct campaign *campaign, int count, int slots)
{
    const int devices = campaign->options->device_count;
    int packs = pack_count(count, slots);
    if (devices > 1)
        packs = (packs + devices - 1) / devices * devices;
    return packs < count ? packs : count;
}

// Free jobs that have done as many epochs as the first free one, and train on as many samples.
static int alike(const struct open_group *open, int *places)
{
    int count = 0, epochs_done = 0, samples = 0;
    for (int i = 0; i < open->job_count; i++) {
        const struct job *job = &open->jobs[i];
        const struct data_fold *fold = group_fold(open, job);
        const int done = open->taken[i] ? -1 : job_run(job)->checkpoint.epochs_done,
                  training = fold ? fold->training_count : 0;
        if (done < 0 || (count > 0 && (done != epochs_done || training != samples)))
            continue;
        epochs_done = done;
        samples = training;
        places[count++] = i;
    }
    return count;
}

// Takes over the places.
static void fill_pack(struct campaign *campaign, struct open_group *open, int *places, int count,
                      struct pack *pack)
{
    *pack = (struct pack){.group = open, .places = places, .count = count};
    pack->jobs = mem_alloc(sizeof(*pack->jobs) * (size_t)count);
    for (int i = 0; i < count; i++) {
        open->taken[places[i]] = true;
        pack->jobs[i] = open->jobs[places[i]];
    }
    campaign->busy++;
}

// How many slots the packs of a group have on a device.
static bool size_on(const struct campaign *campaign, struct engine *engine,
                    const struct group *group, const struct device_group *known,
                    struct pack_size *size)
{
    if (!pack_size_of(engine, group, campaign->options->pack, size))
        return false;
    if (known->most > 0 && size->slots > known->most)
        *size = (struct pack_size){.slots = known->most, .reason = PACK_MEMORY};
    return true;
}

// Whether the device can hold a group; else it is left to another one (device_fit.h).
static bool holds(struct campaign *campaign, struct engine *engine, const struct group *group,
                  struct device_group *known)
{
    struct pack_size size;
    if (campaign->options->device_count == 1)
        return true; // else the search would not have begun
    if (!known->asked) {
        known->asked = true;
        known->holds = pack_size_of(engine, group, 1, &size);
        if (!known->holds)
            progress_say(&campaign->progress, "%s: another device takes it", error_text());
    }
    return known->holds;
}

// What the first group with something to do needs.
enum need { NEED_NOTHING, NEED_OPENING, NEED_MEASURING, NEED_TRAINING };

// Fills the pack if a group has free jobs and is ready for them.
static bool find_work(struct campaign *campaign, struct engine *engine, struct device_group *known,
                      int *group, enum need *need, struct pack *pack)
{
    *need = NEED_NOTHING;
    for (int i = 0; *need == NEED_NOTHING && i < campaign->groups.count; i++) {
        struct open_group *open = &campaign->open[i];
        struct pack_size size = {0};
        *group = i;
        if (open->state == GROUP_OVER || !holds(campaign, engine, open->group, &known[i]))
            continue;
        if (open->state == GROUP_CLOSED)
            *need = NEED_OPENING;
        if (open->state != GROUP_OPEN)
            continue; // over, or another device opens it
        int *places = mem_alloc(sizeof(*places) * ((size_t)open->job_count + 1));
        const int count = alike(open, places);
        const bool sized = count == 0 || size_on(campaign, engine, open->group, &known[i], &size);
        if (sized && count > 0 && size.reason == PACK_UNMEASURED && !known[i].measured &&
            campaign->trials.grid->sampler != SAMPLER_CELL) { // for whose few runs it does not pay
            *need = NEED_MEASURING;
        } else if (sized && count > 0) {
            const int packs = queue_packs(campaign, count, size.slots);
            fill_pack(campaign, open, places, (count + packs - 1) / packs, pack);
            *need = NEED_TRAINING;
            return true;
        }
        free(places);
        if (!sized)
            return false;
    }
    return true;
}

// Lets go of the lock while the data is read: other devices go on. good: it is there, and the group
// can be trained with it; else an error is set. Fails where study.db cannot be asked.
static bool get_data(struct campaign *campaign, struct open_group *open, bool *good)
{
    *good = group_share_data(campaign, open);
    if (!*good) {
        pthread_mutex_unlock(&campaign->lock);
        *good = group_load_data(campaign, open);
        pthread_mutex_lock(&campaign->lock);
    }
    return !*good || group_check_data(campaign, open, good);
}

// The data of a group is not what it was when the search began.
static bool leave_group(struct campaign *campaign, struct open_group *open)
{
    const struct group *group = open->group;
    if (interrupt_requested())
        return error_set("interrupted");
    char *why = text_copy(error_text());
    unable_say(campaign, group->cell_count, why);
    const bool noted = unable_note(campaign, group->cells, group->cell_count, why);
    for (int i = 0; noted && i < group->cell_count; i++) {
        progress_cell(&campaign->progress, PROGRESS_RUNNING);
        progress_cell(&campaign->progress, PROGRESS_FAILED);
    }
    if (noted) {
        progress_drop(&campaign->progress, open->packs, group->effort);
        progress_resumed(&campaign->progress, -open->earlier_over, -open->resumed);
    }
    group_close(campaign, open);
    free(why);
    return noted;
}

static bool open_group(struct campaign *campaign, struct open_group *open)
{
    open->state = GROUP_OPENING;
    campaign->busy++;
    bool good;
    const bool opened = get_data(campaign, open, &good) &&
                        (good ? group_open(campaign, open) : leave_group(campaign, open));
    campaign->busy--;
    pthread_cond_broadcast(&campaign->changed);
    return opened;
}

// Tries how many slots are of use. Without the lock.
static bool try_sizes(struct campaign *campaign, struct engine *engine, const struct group *group,
                      struct device_group *known, struct pack_size *before, struct pack_size *after)
{
    const double start = seconds_now();
    if (!size_on(campaign, engine, group, known, before))
        return false;
    progress_say(&campaign->progress, "%s: measuring how many runs are best trained at once",
                 group->label);
    const int most = pack_size_measure(engine, group);
    if (most > 0)
        known->most = most;
    if (!size_on(campaign, engine, group, known, after))
        return false;
    progress_say(&campaign->progress, "%s: %d at once: %s (%.1f s)", group->label, after->slots,
                 pack_size_reason(after->reason), seconds_now() - start);
    return true;
}

// Lets go of the lock, too. What goes wrong shows again when the pack is made.
static void measure(struct campaign *campaign, struct engine *engine, struct open_group *open,
                    struct device_group *known)
{
    const struct group *group = open->group;
    struct pack_size before, after;
    known->measured = true;
    pthread_mutex_unlock(&campaign->lock);
    const bool tried = try_sizes(campaign, engine, group, known, &before, &after);
    pthread_mutex_lock(&campaign->lock);
    if (tried && !open->measured) // by the first device, as the packs were counted by one
        progress_packs(&campaign->progress, queue_group_packs(campaign, group, after.slots) -
                                                queue_group_packs(campaign, group, before.slots));
    open->measured = open->measured || tried;
}

bool queue_take(struct campaign *campaign, struct engine *engine, struct device_group *known,
                struct pack *pack)
{
    enum need need = NEED_NOTHING;
    bool good = true;
    int group;
    *pack = (struct pack){0};
    pthread_mutex_lock(&campaign->lock);
    while (good && pack->count == 0 && !campaign->stop && !interrupt_requested()) {
        good = find_work(campaign, engine, known, &group, &need, pack);
        if (!good || need == NEED_TRAINING)
            break;
        if (need == NEED_OPENING)
            good = open_group(campaign, &campaign->open[group]);
        else if (need == NEED_MEASURING)
            measure(campaign, engine, &campaign->open[group], &known[group]);
        else if (campaign->busy > 0) // jobs of another device may come back
            pthread_cond_wait(&campaign->changed, &campaign->lock);
        else
            break; // nothing is left to do
    }
    pthread_mutex_unlock(&campaign->lock);
    return good;
}

bool queue_is_done(struct campaign *campaign)
{
    for (int i = 0; i < campaign->groups.count; i++)
        if (campaign->open[i].state != GROUP_OVER && !interrupt_requested())
            return error_set(
                "%s: no device has the memory for it now: the same command goes on "
                "when one has",
                campaign->open[i].group->label);
    return true;
}

void queue_give_back(struct campaign *campaign, struct pack *pack)
{
    struct open_group *open = pack->group;
    pthread_mutex_lock(&campaign->lock);
    for (int i = 0; i < pack->count; i++) {
        const enum trial_state state = job_run(&pack->jobs[i])->state;
        const bool over = state != TRIAL_RUNNING && state != TRIAL_WAITING;
        open->taken[pack->places[i]] = over;
        open->over += over;
    }
    if (open->over == open->job_count)
        group_close(campaign, open);
    campaign->busy--;
    pthread_cond_broadcast(&campaign->changed);
    pthread_mutex_unlock(&campaign->lock);
    free(pack->jobs);
    free(pack->places);
    *pack = (struct pack){0};
}
