// SPDX-License-Identifier: MIT
// vkgrid's half of study.db: runs, epochs, checkpoints.
#include "store/db.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/hash.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define EPOCHS 1000000 // most of a run that are believed

// NaN, which becomes NULL, unless the run is complete.
static double kept_epoch(const struct store_run *run)
{
    return run->state == TRIAL_COMPLETE ? run->result.kept_epochs - 1 : (double)NAN;
}

bool store_put_run(struct store *store, int cell, const struct store_run *run)
{
    const struct run_result *result = &run->result;
    return db_run(store,
                  "INSERT OR REPLACE INTO vkgrid_runs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                  "iitittidddtd", (int64_t)cell, (int64_t)run->run, trial_state_name(run->state),
                  (int64_t)run->attempts, run->device, run->driver, (int64_t)result->best_round,
                  result->loss, result->dice, result->seconds, result->failure, kept_epoch(run));
}

bool store_set_run(struct store *store, int cell, const struct store_run *run)
{
    const struct run_result *result = &run->result;
    return db_run(store,
                  "UPDATE vkgrid_runs SET state = ?3, attempts = ?4, best_round = ?5, loss = ?6, "
                  "dice = ?7, seconds = ?8, failure = ?9, kept_epoch = ?10 WHERE cell = ?1 AND run "
                  "= ?2",
                  "iitiidddtd", (int64_t)cell, (int64_t)run->run, trial_state_name(run->state),
                  (int64_t)run->attempts, (int64_t)result->best_round, result->loss, result->dice,
                  result->seconds, result->failure, kept_epoch(run));
}

// The trial's intermediate value is the lowest of the cell's runs at that epoch, which Optuna calls
// a step. NaN stands in no row: a run that fails there leaves none. Of all epochs from `first` to
// `last` that there are.
static bool put_intermediate(struct store *store, int cell, int64_t first, int64_t last)
{
    return db_run(store,
                  "INSERT INTO trial_intermediate_values (trial_id, step, intermediate_value, "
                  "intermediate_value_type) SELECT trial_id, epoch_index, min(val_dice), 'FINITE' "
                  "FROM vkgrid_cells JOIN vkgrid_epochs USING (cell) WHERE cell = ?1 AND "
                  "epoch_index BETWEEN ?2 AND ?3 GROUP BY trial_id, epoch_index ON CONFLICT "
                  "(trial_id, step) DO UPDATE SET intermediate_value = excluded.intermediate_value",
                  "iii", (int64_t)cell, first, last);
}

bool store_put_epoch(struct store *store, int cell, int run, int epoch_index,
                     const struct epoch_result *epoch, const float *metrics, int step_count)
{
    const double *trn = epoch->training, *val = epoch->validation;
    return db_run(store,
                  "INSERT OR REPLACE INTO vkgrid_epochs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
                  "?, ?, ?)",
                  "iiiiiddddddddi", (int64_t)cell, (int64_t)run, (int64_t)epoch_index,
                  (int64_t)epoch->round, (int64_t)epoch->epoch, epoch->lr, epoch->seconds,
                  trn[METRIC_BCE], trn[METRIC_DICE], trn[METRIC_LOSS], val[METRIC_BCE],
                  val[METRIC_DICE], val[METRIC_LOSS], (int64_t)epoch->best) &&
           (!metrics ||
            db_run(store, "INSERT OR REPLACE INTO vkgrid_step_metrics VALUES (?, ?, ?, ?)", "iiib",
                   (int64_t)cell, (int64_t)run, (int64_t)epoch_index, metrics,
                   sizeof(float) * METRIC_COUNT * (size_t)step_count)) &&
           put_intermediate(store, cell, epoch_index, epoch_index);
}

static void add_weights(cJSON *json, const char *name, const struct state_weights *weights)
{
    char text[HASH_TEXT];
    if (weights->epochs_done < 0)
        return;
    cJSON *item = cJSON_AddObjectToObject(json, name);
    cJSON_AddNumberToObject(item, "epochs_done", weights->epochs_done);
    cJSON_AddStringToObject(item, "hash", hash_print(weights->hash, text));
}

static cJSON *state_to_json(const struct run_state *state)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "batches", (double)state->batches);
    cJSON_AddNumberToObject(json, "kept_batches", (double)state->kept_batches);
    cJSON_AddNumberToObject(json, "correction1", (double)state->correction[0]);
    cJSON_AddNumberToObject(json, "correction2", (double)state->correction[1]);
    cJSON_AddNumberToObject(json, "loss_scale", (double)state->loss_scale[0]);
    cJSON_AddNumberToObject(json, "good_steps", (double)state->loss_scale[1]);
    cJSON_AddNumberToObject(json, "round_loss", state->round_loss);
    cJSON_AddNumberToObject(json, "round_dice", state->round_dice);
    cJSON_AddNumberToObject(json, "best_round", state->best_round);
    cJSON_AddNumberToObject(json, "best_loss", state->best_loss);
    cJSON_AddNumberToObject(json, "best_dice", state->best_dice);
    cJSON_AddNumberToObject(json, "seconds", state->seconds);
    add_weights(json, "current", &state->current);
    add_weights(json, "round_best", &state->round_best);
    add_weights(json, "best", &state->best);
    return json;
}

static bool read_weights(const cJSON *json, const char *name, struct state_weights *weights)
{
    const cJSON *item = json_member(json, name), *hash = json_member(item, "hash");
    *weights = (struct state_weights){.epochs_done = -1};
    if (!item)
        return true;
    if (cJSON_IsString(hash))
        weights->hash = strtoull(hash->valuestring, NULL, 16);
    return json_get_int(json_member(item, "epochs_done"), name, 0, EPOCHS, &weights->epochs_done);
}

static bool state_from_json(const cJSON *json, struct run_state *state)
{
    const struct {
        const char *name;
        double low, high, *to;
    } numbers[] = {
        {"round_loss", -HUGE_VAL, HUGE_VAL, &state->round_loss},
        {"round_dice", -HUGE_VAL, HUGE_VAL, &state->round_dice},
        {"best_loss", -HUGE_VAL, HUGE_VAL, &state->best_loss},
        {"best_dice", -HUGE_VAL, HUGE_VAL, &state->best_dice},
        {"seconds", 0, HUGE_VAL, &state->seconds},
    };
    double batches, kept, correction[2], scale[2] = {0x1p16, 0}; // of checkpoints without them
    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
        if (!json_get_number(json_member(json, numbers[i].name), numbers[i].name, numbers[i].low,
                             numbers[i].high, numbers[i].to))
            return false;
    if (!json_get_integer(json_member(json, "batches"), "batches", 0, 0x1p53, &batches) ||
        !json_get_integer(json_member(json, "kept_batches"), "kept_batches", 0, 0x1p53, &kept) ||
        !json_get_number(json_member(json, "correction1"), "correction1", 0, 1, &correction[0]) ||
        !json_get_number(json_member(json, "correction2"), "correction2", 0, 1, &correction[1]) ||
        !json_get_int(json_member(json, "best_round"), "best_round", -1, PLAN_ROUNDS,
                      &state->best_round))
        return false;
    if (json_member(json, "loss_scale") &&
        (!json_get_number(json_member(json, "loss_scale"), "loss_scale", 0, 0x1p24, &scale[0]) ||
         !json_get_number(json_member(json, "good_steps"), "good_steps", 0, 2000, &scale[1])))
        return false;
    state->batches = (int64_t)batches;
    state->kept_batches = (int64_t)kept;
    state->correction[0] = (float)correction[0];
    state->correction[1] = (float)correction[1];
    state->loss_scale[0] = (float)scale[0];
    state->loss_scale[1] = (float)scale[1];
    return read_weights(json, "current", &state->current) &&
           read_weights(json, "round_best", &state->round_best) &&
           read_weights(json, "best", &state->best);
}

bool store_put_checkpoint(struct store *store, int cell, int run, const struct run_state *state)
{
    cJSON *json = state_to_json(state);
    char *text = json_print_line(json);
    const bool put = db_run(store, "INSERT OR REPLACE INTO vkgrid_checkpoints VALUES (?, ?, ?, ?)",
                            "iiit", (int64_t)cell, (int64_t)run, (int64_t)state->epochs_done, text);
    free(text);
    cJSON_Delete(json);
    return put;
}

bool store_remove_checkpoint(struct store *store, int cell, int run)
{
    return db_run(store, "DELETE FROM vkgrid_checkpoints WHERE cell = ? AND run = ?", "ii",
                  (int64_t)cell, (int64_t)run);
}

bool store_cut_run(struct store *store, int cell, int run, int epochs_done)
{
    return db_run(store,
                  "DELETE FROM vkgrid_epochs WHERE cell = ? AND run = ? AND epoch_index >= ?",
                  "iii", (int64_t)cell, (int64_t)run, (int64_t)epochs_done) &&
           db_run(store,
                  "DELETE FROM vkgrid_step_metrics WHERE cell = ? AND run = ? AND epoch_index >= ?",
                  "iii", (int64_t)cell, (int64_t)run, (int64_t)epochs_done) &&
           db_run(store,
                  "DELETE FROM vkgrid_overlaps WHERE cell = ? AND run = ? AND epoch_index >= ?",
                  "iii", (int64_t)cell, (int64_t)run, (int64_t)epochs_done) &&
           db_run(store,
                  "DELETE FROM trial_intermediate_values WHERE step >= ?2 AND trial_id = (SELECT "
                  "trial_id FROM vkgrid_cells WHERE cell = ?1)",
                  "ii", (int64_t)cell, (int64_t)epochs_done) &&
           put_intermediate(store, cell, epochs_done, INT64_MAX) && // of the other runs
           (epochs_done > 0 || store_remove_checkpoint(store, cell, run));
}

bool store_clear_cell(struct store *store, int cell)
{
    return db_run(store, "DELETE FROM vkgrid_runs WHERE cell = ?", "i", (int64_t)cell) &&
           db_run(store, "DELETE FROM vkgrid_epochs WHERE cell = ?", "i", (int64_t)cell) &&
           db_run(store, "DELETE FROM vkgrid_step_metrics WHERE cell = ?", "i", (int64_t)cell) &&
           db_run(store, "DELETE FROM vkgrid_overlaps WHERE cell = ?", "i", (int64_t)cell) &&
           db_run(store, "DELETE FROM vkgrid_checkpoints WHERE cell = ?", "i", (int64_t)cell);
}

// 0: not known.
static int read_kept_epochs(sqlite3_stmt *row, int column)
{
    const int64_t epoch_index = sqlite3_column_int64(row, column);
    const bool known = sqlite3_column_type(row, column) == SQLITE_INTEGER;
    return known && epoch_index >= 0 && epoch_index < EPOCHS ? (int)epoch_index + 1 : 0;
}

static bool read_run(struct store *store, int cell, sqlite3_stmt *row,
                     const struct store_reader *reader)
{
    struct store_run run = {
        .run = sqlite3_column_int(row, 0),
        .attempts = sqlite3_column_int(row, 2),
        .result = {.best_round = sqlite3_column_int(row, 3),
                   .loss = db_double(row, 4),
                   .dice = db_double(row, 5),
                   .seconds = db_double(row, 6),
                   .failure = sqlite3_column_type(row, 7) == SQLITE_NULL ? NULL : db_text(row, 7),
                   .kept_epochs = read_kept_epochs(row, 8)},
    };
    if (!trial_state_parse(db_text(row, 1), &run.state))
        return error_set("%s: cell %d, run %d has the state \"%s\"", store->path, cell, run.run,
                         db_text(row, 1));
    return reader->run(reader->context, &run);
}

static bool read_epoch(sqlite3_stmt *row, const struct store_reader *reader)
{
    struct epoch_result epoch = {
        .round = sqlite3_column_int(row, 2),
        .epoch = sqlite3_column_int(row, 3),
        .lr = db_double(row, 4),
        .seconds = db_double(row, 5),
        .best = sqlite3_column_int(row, 12) == 1,
    };
    for (int m = 0; m < METRIC_COUNT; m++) {
        epoch.training[m] = db_double(row, 6 + m);
        epoch.validation[m] = db_double(row, 9 + m);
    }
    const float *metrics = sqlite3_column_blob(row, 13);
    const int steps = sqlite3_column_bytes(row, 13) / (int)(sizeof(float) * METRIC_COUNT);
    return reader->epoch(reader->context, sqlite3_column_int(row, 0), sqlite3_column_int(row, 1),
                         &epoch, metrics, metrics ? steps : 0);
}

static bool read_checkpoint(struct store *store, sqlite3_stmt *row, int cell, int run,
                            struct run_state *state)
{
    cJSON *json = NULL;
    const char *text = db_text(row, 3);
    char *where = text_format("%s: checkpoint of cell %d, run %d", store->path, cell, run);
    *state = (struct run_state){.epochs_done = sqlite3_column_int(row, 2)};
    const bool read = json_parse(text, strlen(text), where, &json) &&
                      (state_from_json(json, state) || error_prefix("%s", where));
    free(where);
    cJSON_Delete(json);
    return read;
}

// Calls `take` with every row of a statement.
static bool each_row(struct store *store, sqlite3_stmt *statement, int cell,
                     const struct store_reader *reader,
                     bool (*take)(struct store *, int, sqlite3_stmt *, const struct store_reader *))
{
    bool row, good = true;
    while (good && (good = db_row(store, statement, &row)) && row)
        good = take(store, cell, statement, reader);
    if (statement)
        sqlite3_reset(statement);
    return good;
}

static bool take_run(struct store *store, int cell, sqlite3_stmt *row,
                     const struct store_reader *reader)
{
    return read_run(store, cell, row, reader);
}

static bool take_epoch(struct store *store, int cell, sqlite3_stmt *row,
                       const struct store_reader *reader)
{
    (void)store;
    (void)cell;
    return read_epoch(row, reader);
}

static bool take_checkpoint(struct store *store, int cell, sqlite3_stmt *row,
                            const struct store_reader *reader)
{
    struct run_state state;
    const int run = sqlite3_column_int(row, 1);
    return read_checkpoint(store, row, cell, run, &state) &&
           reader->checkpoint(reader->context, run, &state);
}

bool store_read_cell(struct store *store, int cell, const struct store_reader *reader)
{
    return (!reader->run ||
            each_row(store,
                     db_bind(store,
                             "SELECT run, state, attempts, best_round, loss, dice, seconds, "
                             "failure, kept_epoch FROM vkgrid_runs WHERE cell = ? ORDER BY run",
                             "i", (int64_t)cell),
                     cell, reader, take_run)) &&
           (!reader->epoch ||
            each_row(store,
                     db_bind(store,
                             "SELECT run, epoch_index, round, epoch, lr, seconds, trn_bce, "
                             "trn_dice, trn_loss, val_bce, val_dice, val_loss, best, metrics FROM "
                             "vkgrid_epochs LEFT JOIN vkgrid_step_metrics USING (cell, run, "
                             "epoch_index) WHERE cell = ? ORDER BY run, epoch_index",
                             "i", (int64_t)cell),
                     cell, reader, take_epoch)) &&
           (!reader->checkpoint ||
            each_row(store,
                     db_bind(store,
                             "SELECT cell, run, epochs_done, state FROM vkgrid_checkpoints WHERE "
                             "cell = ? ORDER BY run",
                             "i", (int64_t)cell),
                     cell, reader, take_checkpoint));
}

bool store_checkpoints(struct store *store,
                       bool (*each)(void *context, int cell, int run,
                                    const struct run_state *state),
                       void *context)
{
    sqlite3_stmt *statement =
        db_bind(store, "SELECT cell, run, epochs_done, state FROM vkgrid_checkpoints", "");
    bool row, good = true;
    while (good && (good = db_row(store, statement, &row)) && row) {
        struct run_state state;
        const int cell = sqlite3_column_int(statement, 0), run = sqlite3_column_int(statement, 1);
        good = read_checkpoint(store, statement, cell, run, &state) &&
               each(context, cell, run, &state);
    }
    if (statement)
        sqlite3_reset(statement);
    return good;
}
