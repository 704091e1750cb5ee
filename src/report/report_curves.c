// SPDX-License-Identifier: MIT
#include "report/parts.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/store/queries.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define METRICS 4
#define EPOCH_LIMIT 100000   // of a run
#define READ_LIMIT (1 << 25) // epochs of all runs that are read
#define KEEP_LIMIT 400000    // and that are shown

static const char *const metric_names[METRICS] = {"val_dice", "val_loss", "trn_dice", "trn_loss"};

struct run {
    int cell, run;
    size_t first; // in `values`
    int epochs, schedule;
};

struct reader {
    uint16_t (*values)[METRICS]; // of every epoch of every run
    size_t count, room;
    struct run *runs;
    int run_count, run_room;
    cJSON *schedules; // known so far
    cJSON *rounds;    // first epochs of the rounds of the last run
    int last_round;
};

static uint16_t pack_value(double value)
{
    if (isnan(value) || value < 0)
        return 0;
    const double packed = value > 0 ? round(2048 * (log2(value) + 20)) : 1;
    return packed < 1 ? 1 : packed > 65535 ? 65535 : (uint16_t)packed;
}

// The number of the last run's rounds among the schedules.
static void end_run(struct reader *reader)
{
    int index = 0;
    cJSON *schedule = reader->schedules->child;
    if (!reader->rounds)
        return;
    while (schedule && !cJSON_Compare(schedule, reader->rounds, true)) {
        schedule = schedule->next;
        index++;
    }
    if (schedule)
        cJSON_Delete(reader->rounds);
    else
        cJSON_AddItemToArray(reader->schedules, reader->rounds);
    reader->rounds = NULL;
    reader->runs[reader->run_count - 1].schedule = index;
}

static struct run *find_run(struct reader *reader, int cell, int number)
{
    struct run *run = reader->run_count ? &reader->runs[reader->run_count - 1] : NULL;
    if (run && run->cell == cell && run->run == number)
        return run;
    end_run(reader);
    if (reader->run_count == reader->run_room) {
        reader->run_room = 2 * reader->run_room + 64;
        reader->runs = mem_grow(reader->runs, (size_t)reader->run_room, sizeof(*reader->runs));
    }
    run = &reader->runs[reader->run_count++];
    *run = (struct run){.cell = cell, .run = number, .first = reader->count};
    reader->rounds = cJSON_CreateArray();
    reader->last_round = -1;
    return run;
}

static void make_room(struct reader *reader, size_t count)
{
    if (count <= reader->room)
        return;
    reader->room = 2 * count + 1024;
    reader->values = mem_grow(reader->values, reader->room, sizeof(*reader->values));
}

static bool read_epoch(void *context, const struct view_epoch *row)
{
    struct reader *reader = context;
    const int index = row->epoch_index;
    if (index < 0 || index >= EPOCH_LIMIT || reader->count + (size_t)index > READ_LIMIT)
        return error_set("vkgrid_epochs: cell %d: epoch %d: 0 to %d are allowed, and %d in all",
                         row->cell, index, EPOCH_LIMIT - 1, READ_LIMIT);
    struct run *run = find_run(reader, row->cell, row->run);
    if (row->round != reader->last_round)
        cJSON_AddItemToArray(reader->rounds, cJSON_CreateNumber(index));
    reader->last_round = row->round;
    make_room(reader, run->first + (size_t)index + 1);
    for (; run->epochs < index; run->epochs++) // lost epochs
        memset(reader->values[run->first + (size_t)run->epochs], 0, sizeof(*reader->values));
    const double values[METRICS] = {row->val_dice, row->val_loss, row->trn_dice, row->trn_loss};
    for (int i = 0; i < METRICS; i++)
        reader->values[run->first + (size_t)index][i] = pack_value(values[i]);
    run->epochs = index + 1;
    reader->count = run->first + (size_t)run->epochs;
    return true;
}

static cJSON *runs_json(const struct reader *reader, int stride)
{
    cJSON *list = cJSON_CreateArray();
    for (int i = 0; i < reader->run_count; i++) {
        const struct run *run = &reader->runs[i];
        const int epochs = (run->epochs + stride - 1) / stride;
        cJSON_AddItemToArray(
            list,
            cJSON_CreateIntArray((const int[]){run->cell, run->run, epochs, run->schedule}, 4));
    }
    return list;
}

static void thin_out(const struct reader *reader, int stride, struct report_curves *curves)
{
    curves->values = mem_alloc((reader->count + 1) * METRICS * sizeof(*curves->values));
    for (int metric = 0; metric < METRICS; metric++)
        for (int i = 0; i < reader->run_count; i++)
            for (int epoch = 0; epoch < reader->runs[i].epochs; epoch += stride)
                curves->values[curves->count++] =
                    reader->values[reader->runs[i].first + (size_t)epoch][metric];
}

bool curves_read(struct store_view *view, struct cJSON *data, struct report_curves *curves)
{
    struct reader reader = {.schedules = cJSON_CreateArray()};
    const bool read = view_epochs(view, read_epoch, &reader);
    end_run(&reader);
    if (read) {
        const int stride = (int)(reader.count / KEEP_LIMIT) + 1;
        cJSON *json = cJSON_AddObjectToObject(data, "curves");
        cJSON_AddItemToObject(json, "metrics", cJSON_CreateStringArray(metric_names, METRICS));
        cJSON_AddNumberToObject(json, "stride", stride);
        cJSON_AddItemToObject(json, "runs", runs_json(&reader, stride));
        cJSON_AddItemToObject(json, "schedules", reader.schedules);
        thin_out(&reader, stride, curves);
    } else {
        cJSON_Delete(reader.schedules);
    }
    free(reader.values);
    free(reader.runs);
    return read;
}

void curves_free(struct report_curves *curves)
{
    free(curves->values);
    *curves = (struct report_curves){0};
}
