// SPDX-License-Identifier: MIT
#include "run/progress.h"

#include <cjson/cJSON.h>
#include <time.h>

double progress_samples_per_second(const struct progress *progress, double time)
{
    double sum = 0;
    for (const struct progress_worker *worker = progress->workers; worker; worker = worker->next)
        sum += worker->busy ? rate_value(&worker->samples, time) : 0;
    return sum;
}

double progress_work_done(const struct progress *progress)
{
    double done = progress->work_done + progress->resumed;
    for (const struct progress_worker *worker = progress->workers; worker; worker = worker->next)
        done += worker->busy ? worker->fraction * worker->work : 0;
    return done < progress->work ? done : progress->work;
}

double progress_active(const struct progress *progress, double time)
{
    const double idle = progress->stepping == 0 ? time - progress->idle_since : 0;
    return time - progress->first_pack - progress->idle - idle;
}

double progress_seconds_left(const struct progress *progress, double time)
{
    const double active = progress_active(progress, time),
                 pace = pace_value(&progress->pace, active, progress->work_measured);
    const int packs = progress->packs > progress->pack ? progress->packs - progress->pack : 0;
    return pace > 0 ? (progress->work - progress_work_done(progress)) / pace +
                          packs * progress->idle / progress->pack
                    : -1;
}

static void add_known(cJSON *object, const char *key, double value, bool known)
{
    if (known)
        cJSON_AddNumberToObject(object, key, value);
    else
        cJSON_AddNullToObject(object, key);
}

static cJSON *pack_json(const struct progress_worker *worker, double time)
{
    const double samples = rate_value(&worker->samples, time);
    cJSON *pack = cJSON_CreateObject();
    cJSON_AddStringToObject(pack, "device", worker->device);
    cJSON_AddStringToObject(pack, "label", worker->label);
    cJSON_AddNumberToObject(pack, "round", worker->round);
    cJSON_AddNumberToObject(pack, "rounds", worker->rounds);
    cJSON_AddNumberToObject(pack, "epoch", worker->epoch);
    cJSON_AddNumberToObject(pack, "epochs", worker->epochs);
    cJSON_AddNumberToObject(pack, "fraction", worker->fraction);
    add_known(pack, "samples_per_second", samples, samples > 0);
    return pack;
}

cJSON *progress_json(struct progress *progress)
{
    cJSON *json = cJSON_CreateObject();
    pthread_mutex_lock(&progress->lock);
    const double now = progress->clock(), samples = progress_samples_per_second(progress, now),
                 left = progress_seconds_left(progress, now);
    cJSON_AddNumberToObject(json, "started", progress->started_unix);
    cJSON_AddNumberToObject(json, "updated", (double)time(NULL));
    cJSON_AddNumberToObject(json, "work", progress->work);
    cJSON_AddNumberToObject(json, "work_done", progress_work_done(progress));
    add_known(json, "samples_per_second", samples, samples > 0);
    add_known(json, "seconds_left", left, left >= 0);
    cJSON *packs = cJSON_AddArrayToObject(json, "packs");
    for (const struct progress_worker *worker = progress->workers; worker; worker = worker->next) {
        if (worker->busy)
            cJSON_AddItemToArray(packs, pack_json(worker, now));
    }
    pthread_mutex_unlock(&progress->lock);
    return json;
}
