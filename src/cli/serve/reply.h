// SPDX-License-Identifier: MIT
// The lines that `vkgrid worker` writes (docs/worker.md). Any thread may write one.
#pragma once

#include "vkgrid/run/service.h"

#include <pthread.h>

struct replies {
    pthread_mutex_t lock;
    int failed, refused, bad; // lines of these kinds so far
    bool gone;                // nobody reads them any more
};

// {"<kind>": body}, whole and at once; takes the body. Fails when nobody reads it any more.
bool reply(struct replies *replies, const char *kind, struct cJSON *body);

bool reply_hello(struct replies *replies, const struct service *service, const struct grid *grid,
                 const char *out);
bool reply_taken(struct replies *replies, const struct service *service, int cell, int epochs_done);
bool reply_epoch(struct replies *replies, const char *id, int run, int epoch_index,
                 const struct epoch_result *epoch);
// How a finished cell ended: done, pruned or failed. Reads study.db.
bool reply_end(struct replies *replies, struct service *service, const char *out, int cell);
bool reply_refused(struct replies *replies, const char *id, const char *why);
bool reply_error(struct replies *replies, long line, const char *why);
bool reply_bye(struct replies *replies, const char *why);
