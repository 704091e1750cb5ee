// SPDX-License-Identifier: MIT
// A line of what `vkgrid worker` is asked (docs/worker.md).
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct cJSON;

enum request_kind {
    REQUEST_TRAIN, // {"train": {"id": ..., "values": {...}}}, or a list of these
    REQUEST_PRUNE, // {"prune": {"id": ...}}, or a list of these
    REQUEST_GO,    // {"go": {}}, or an empty line
    REQUEST_END,   // {"end": {}}
};

struct request {
    enum request_kind kind;
    bool batch; // it was a list
    struct cJSON
        *items; // a list of {"id", "values"} or {"id"}, each checked; the caller deletes it
};

// line: without its newline, any bytes. `where` stands in messages.
bool request_parse(const char *line, size_t size, const char *where, struct request *request);

const char *item_id(const struct cJSON *item);
