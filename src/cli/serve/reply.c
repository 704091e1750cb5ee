// SPDX-License-Identifier: MIT
#include "cli/serve/reply.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/interrupt.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/base/version.h"
#include "vkgrid/grid/axis.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROTOCOL 1
#define LOOK_MILLISECONDS 100
#define PATIENCE 50 // looks, once the process is to end

// Who is to end does not wait for somebody who does not read.
static bool wait_for_reader(void)
{
    struct pollfd file = {.fd = STDOUT_FILENO, .events = POLLOUT};
    for (int left = PATIENCE; left > 0; left -= interrupt_requested())
        if (poll(&file, 1, LOOK_MILLISECONDS) > 0)
            return true;
    return error_set("standard output: nobody reads the answers");
}

static bool write_line(const char *line, size_t size)
{
    while (size > 0) {
        if (!wait_for_reader())
            return false;
        const ssize_t written = write(STDOUT_FILENO, line, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return error_set_errno(errno, "standard output: cannot write");
        line += written;
        size -= (size_t)written;
    }
    return true;
}

bool reply(struct replies *replies, const char *kind, struct cJSON *body)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddItemToObject(json, kind, body);
    char *text = json_print_line(json), *line = text_format("%s\n", text);
    pthread_mutex_lock(&replies->lock);
    const bool written = replies->gone ? error_set("standard output: nobody reads the answers")
                                       : write_line(line, strlen(line));
    replies->gone = !written;
    pthread_mutex_unlock(&replies->lock);
    free(line);
    free(text);
    cJSON_Delete(json);
    return written;
}

// JSON has no other numbers.
static void add_number(cJSON *json, const char *key, double value)
{
    cJSON_AddItemToObject(json, key,
                          isfinite(value) ? cJSON_CreateNumber(value) : cJSON_CreateNull());
}

bool reply_hello(struct replies *replies, const struct service *service, const struct grid *grid,
                 const char *out)
{
    cJSON *body = cJSON_CreateObject();
    cJSON_AddNumberToObject(body, "protocol", PROTOCOL);
    cJSON_AddStringToObject(body, "vkgrid", vkgrid_version());
    cJSON_AddStringToObject(body, "out", out);
    cJSON_AddStringToObject(body, "rank_by", rank_by_name(service_rank_by(service)));
    cJSON *axes = cJSON_AddObjectToObject(body, "axes");
    for (int i = 0; i < grid->axis_count; i++) {
        char *text = axis_distribution(&grid->axes[i]);
        cJSON_AddItemToObject(axes, grid->axes[i].key, cJSON_Parse(text));
        free(text);
    }
    return reply(replies, "hello", body);
}

bool reply_taken(struct replies *replies, const struct service *service, int cell, int epochs_done)
{
    char name[CELL_NAME];
    cJSON *body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "id", service_id(service, cell));
    cJSON_AddStringToObject(body, "cell", cell_name(cell, name));
    cJSON_AddNumberToObject(body, "runs", service_runs(service, cell));
    cJSON_AddNumberToObject(body, "epochs_done", epochs_done);
    return reply(replies, "taken", body);
}

static void add_metrics(cJSON *body, const char *prefix, const double *metrics)
{
    static const char *const names[] = {
        [METRIC_BCE] = "bce_loss", [METRIC_DICE] = "dice_loss", [METRIC_LOSS] = "loss"};
    for (int i = 0; i < METRIC_COUNT; i++) {
        char *key = text_format("%s%s", prefix, names[i]);
        add_number(body, key, metrics[i]);
        free(key);
    }
}

bool reply_epoch(struct replies *replies, const char *id, int run, int epoch_index,
                 const struct epoch_result *epoch)
{
    cJSON *body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "id", id);
    cJSON_AddNumberToObject(body, "run", run);
    cJSON_AddNumberToObject(body, "step", epoch_index);
    cJSON_AddNumberToObject(body, "round", epoch->round);
    cJSON_AddNumberToObject(body, "epoch", epoch->epoch);
    add_metrics(body, "", epoch->validation);
    add_metrics(body, "training_", epoch->training);
    cJSON_AddBoolToObject(body, "best", epoch->best);
    add_number(body, "lr", epoch->lr);
    add_number(body, "seconds", epoch->seconds);
    return reply(replies, "epoch", body);
}

// The weights by a path that can be used as it stands.
static void place_weights(cJSON *attributes, const char *out)
{
    const cJSON *weights = json_member(attributes, "weights");
    if (!cJSON_IsString(weights))
        return;
    char *path = text_format("%s/%s", out, weights->valuestring);
    cJSON_ReplaceItemInObjectCaseSensitive(attributes, "weights", cJSON_CreateString(path));
    free(path);
}

static bool reply_failed(struct replies *replies, const char *id, const cJSON *attributes)
{
    const cJSON *why = json_member(attributes, "failure"), *cell = json_member(attributes, "cell");
    cJSON *body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "id", id);
    cJSON_AddStringToObject(body, "why", cJSON_IsString(why) ? why->valuestring : "unknown");
    if (cell)
        cJSON_AddItemToObject(body, "cell", cJSON_Duplicate(cell, true));
    replies->failed++;
    return reply(replies, "failed", body);
}

bool reply_end(struct replies *replies, struct service *service, const char *out, int cell)
{
    const struct score *score = service_score(service, cell);
    const char *id = service_id(service, cell);
    cJSON *attributes, *item, *next;
    if (!service_attributes(service, cell, &attributes))
        return false;
    place_weights(attributes, out);
    bool told;
    if (score->state == TRIAL_FAIL) {
        told = reply_failed(replies, id, attributes);
    } else {
        cJSON *body = cJSON_CreateObject();
        cJSON_AddStringToObject(body, "id", id);
        if (score->state == TRIAL_COMPLETE)
            add_number(body, "value", score->value);
        for (item = attributes->child; item; item = next) {
            next = item->next;
            cJSON_DetachItemViaPointer(attributes, item);
            cJSON_AddItemToObject(body, item->string, item);
        }
        told = reply(replies, score->state == TRIAL_PRUNED ? "pruned" : "done", body);
    }
    cJSON_Delete(attributes);
    return told;
}

bool reply_refused(struct replies *replies, const char *id, const char *why)
{
    cJSON *body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "id", id);
    cJSON_AddStringToObject(body, "why", why);
    replies->refused++;
    return reply(replies, "refused", body);
}

bool reply_error(struct replies *replies, long line, const char *why)
{
    cJSON *body = cJSON_CreateObject();
    cJSON_AddNumberToObject(body, "line", (double)line);
    cJSON_AddStringToObject(body, "why", why);
    replies->bad++;
    return reply(replies, "error", body);
}

bool reply_bye(struct replies *replies, const char *why)
{
    cJSON *body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "why", why);
    return reply(replies, "bye", body);
}
