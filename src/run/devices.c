// SPDX-License-Identifier: MIT
#include "run/devices.h"

#include "run/queue.h"
#include "run/worker.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/run/pack_size.h"

#include <cjson/cJSON.h>
#include <stdlib.h>

bool plan_packs(struct campaign *campaign, struct engine *engine)
{
    double work = 0;
    int packs = 0;
    for (int i = 0; i < campaign->groups.count; i++) {
        const struct group *group = &campaign->groups.items[i];
        struct pack_size size = {.slots = group->elsewhere};
        if (size.slots == 0 && !pack_size_of(engine, group, campaign->options->pack, &size))
            return false;
        campaign->open[i].packs = queue_group_packs(campaign, group, size.slots);
        packs += campaign->open[i].packs;
        work += group->effort;
    }
    progress_start(&campaign->progress, campaign->options->quiet, campaign->groups.cell_count,
                   packs, work);
    return true;
}

struct thread {
    pthread_t id;
    struct campaign *campaign;
    int device;
    bool done;
};

// The first failure stops the other devices; its message is kept.
static void *run_thread(void *argument)
{
    struct thread *thread = argument;
    struct campaign *campaign = thread->campaign;
    struct engine *engine = NULL;
    thread->done = worker_run(campaign, thread->device, &engine);
    engine_close(&engine);
    pthread_mutex_lock(&campaign->lock);
    if (!thread->done && !campaign->stop) {
        campaign->stop = true;
        campaign->failure = text_copy(error_text());
    }
    pthread_cond_broadcast(&campaign->changed);
    pthread_mutex_unlock(&campaign->lock);
    return NULL;
}

static bool run_threads(struct campaign *campaign)
{
    const int count = campaign->options->device_count;
    struct thread *threads = mem_zalloc((size_t)count, sizeof(*threads));
    bool done = true;
    int started = 0;
    for (; started < count; started++) {
        threads[started] =
            (struct thread){.campaign = campaign, .device = campaign->options->devices[started]};
        if (pthread_create(&threads[started].id, NULL, run_thread, &threads[started]) != 0)
            break;
    }
    for (int i = 0; i < started; i++) {
        pthread_join(threads[i].id, NULL);
        done &= threads[i].done;
    }
    free(threads);
    if (started < count)
        return error_set("no thread could be started for a device");
    return done ? queue_is_done(campaign) : error_set("%s", campaign->failure);
}

bool devices_train(struct campaign *campaign, struct engine **engine)
{
    if (campaign->options->device_count == 1)
        return worker_run(campaign, campaign->options->devices[0], engine);
    engine_close(engine);
    return run_threads(campaign);
}

static bool put_progress(struct store *store, void *context)
{
    return store_put(store, "progress", context);
}

bool note_progress(struct campaign *campaign)
{
    cJSON *progress = progress_json(&campaign->progress);
    const bool noted = store_transaction(campaign->store, put_progress, progress);
    cJSON_Delete(progress);
    return noted;
}
