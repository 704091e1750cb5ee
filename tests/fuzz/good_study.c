// SPDX-License-Identifier: MIT
#include "tests/fuzz/good_study.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/base/version.h"
#include "vkgrid/study/identity.h"
#include "vkgrid/study/trials.h"

#include <cjson/cJSON.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEAP_LIMIT (32 << 20) // bytes that SQLite may have; readers.txt allows twice as many

#define GRID \
    "{\"static\": {\"partition\": [[1, 2], [3]], \"raters\": [], \"gamma\": 1, \"bce_weight\": " \
    "0.5, \"until\": 2, \"num_epochs\": 2, \"batch_size\": 1, " \
    "\"features\": {\"inputs\": {\"em\": [\"em\"]}, \"prediction\": {\"cell\": [\"cell\"]}}, " \
    "\"inputs\": \"em\", \"prediction\": \"cell\", \"data_cache_path\": \"data\"}, " \
    "\"hyper\": {\"lr\": [0.1, 0.2]}}"

#define PAGES 600
#define PAGE_ROOM 1024 // bytes, for one of 512 and what SQLite keeps beside it

static void need(bool done)
{
    if (done)
        return;
    fprintf(stderr, "fuzz: %s\n", error_text());
    abort();
}

void study_begin(void)
{
    static uint64_t pages[PAGES * PAGE_ROOM / sizeof(uint64_t)];
    if (sqlite3_config(SQLITE_CONFIG_SINGLETHREAD) != SQLITE_OK ||
        sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 1) != SQLITE_OK || // for the limit
        sqlite3_config(SQLITE_CONFIG_PAGECACHE, pages, PAGE_ROOM, PAGES) != SQLITE_OK ||
        sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 512, 200) != SQLITE_OK)
        abort();
    // Debian 12's SQLite makes room for whatever a row of the schema claims to be.
    sqlite3_hard_heap_limit64(HEAP_LIMIT);
}

struct grid *good_grid(void)
{
    const struct grid_settings settings = {.sampler = SAMPLER_GRID};
    struct grid *grid = NULL;
    need(grid_parse(GRID, strlen(GRID), "grid", &settings, &grid));
    return grid;
}

static void put_json(struct store *store, const char *key, const char *text)
{
    cJSON *json = cJSON_Parse(text);
    need(store_put(store, key, json));
    cJSON_Delete(json);
}

static void put_runs(struct store *store, int cell)
{
    const struct run_result result = {.best_round = 0, .loss = 0.5, .dice = 0.25, .seconds = 3};
    const struct epoch_result epoch = {.lr = 0.1, .seconds = 1.5, .best = true};
    const float metrics[METRIC_COUNT] = {1, 2, 3};
    const struct run_state state = {.epochs_done = 1,
                                    .best_round = -1,
                                    .current = {.epochs_done = 1, .hash = 12},
                                    .round_best = {.epochs_done = 1, .hash = 12},
                                    .best = {.epochs_done = -1}};
    for (int run = 0; run < 2; run++) {
        const struct store_run row = {.run = run,
                                      .state = cell == 0 ? TRIAL_COMPLETE : TRIAL_RUNNING,
                                      .result = result,
                                      .device = "a device",
                                      .driver = "a driver"};
        need(store_put_run(store, cell, &row));
        need(store_put_epoch(store, cell, run, 0, &epoch, metrics, 1));
        need(cell == 0 || store_put_checkpoint(store, cell, run, &state));
    }
}

static void put_cells(struct store *store)
{
    struct grid *grid = good_grid();
    struct trials trials;
    const struct identity identity = {NUMERICS_VERSION, grid->json,
                                      cJSON_Parse("{\"sampler\": \"grid\", \"keep\": \"best\", "
                                                  "\"shard\": null, \"until\": 2}")};
    cJSON *attributes = cJSON_Parse(
        "{\"run\": 1, \"round\": 0, \"epoch\": 0, \"loss\": 0.5, "
        "\"device\": \"a device\", \"weights\": \"a.safetensors\", "
        "\"failed_runs\": 0, \"failure\": null, \"over_runs\": {\"runs\": 2, \"dice_loss\": "
        "{\"mean\": 0.3, \"sd\": 0.1, \"best\": 0.25}}}");
    trials_init(&trials, grid);
    need(identity_write(store, &identity) && trials_write(&trials, store));
    for (int cell = 0; cell < 2; cell++) {
        need(store_start_cell(store, cell));
        put_runs(store, cell);
    }
    need(store_finish_cell(store, 0, TRIAL_COMPLETE, 0.25, attributes));
    put_json(store, "progress",
             "{\"started\": 1, \"updated\": 2, \"work\": 2, \"work_done\": 1, \"packs\": "
             "[{\"device\": \"a device\", \"label\": \"em\", \"round\": 1, \"rounds\": 3}]}");
    put_json(store, "left_out", "{\"em_cell\": {\"count\": 1, \"samples\": 3, \"names\": \"3\"}}");
    put_json(store, "best_sets",
             "[{\"task\": \"em_cell\", \"first\": 0, \"highest\": 0, \"subjects\": 9, \"level\": "
             "0.05, \"compared\": 2, \"size\": 1, \"ranks\": [[1, 1]], \"members\": [0], \"p\": "
             "[[0, 1]]}]");
    cJSON *images = cJSON_Parse("[\"3\"]");
    need(store_put_dataset(store, "em", 0x123456789abcdef, images));
    cJSON_Delete(images);
    cJSON_Delete(attributes);
    cJSON_Delete(identity.settings);
    trials_free(&trials);
    grid_free(&grid);
}

// 512 bytes are the least that a page can have: a change of one byte says more, and mutations take
// less time.
static void shrink(const char *path)
{
    sqlite3 *database = NULL;
    if (sqlite3_open(path, &database) != SQLITE_OK ||
        sqlite3_exec(database, "PRAGMA page_size = 512; VACUUM;", NULL, NULL, NULL) != SQLITE_OK)
        abort();
    sqlite3_close(database);
}

uint8_t *good_study(const char *name, size_t *size)
{
    char *path = text_format("%s/%s", fuzz_folder(), name);
    struct store *store = NULL;
    void *bytes = NULL;
    unlink(path);
    need(store_create(path, &store));
    put_cells(store);
    need(store_commit(store));
    store_close(&store);
    shrink(path);
    need(file_read(path, (size_t)1 << 20, &bytes, size));
    free(path);
    return bytes;
}
