// SPDX-License-Identifier: MIT
// Optuna's half of study.db. Rules: a trial's number counts from 0 inside its study without gaps;
// parameters are shown in the order of their rows; a WAITING trial has no start, a finished one has
// both times.
#include "store/db.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NOW "strftime('%Y-%m-%d %H:%M:%f', 'now')" // UTC

static const char *const state_names[] = {"WAITING", "RUNNING", "COMPLETE", "FAIL", "PRUNED"};

const char *trial_state_name(enum trial_state state)
{
    return state_names[state];
}

bool trial_state_parse(const char *text, enum trial_state *state)
{
    for (int i = TRIAL_WAITING; i <= TRIAL_PRUNED; i++) {
        if (strcmp(text, state_names[i]) == 0) {
            *state = (enum trial_state)i;
            return true;
        }
    }
    return false;
}

bool store_task(struct store *store, const char *name, int64_t *task)
{
    if (!db_integer(store,
                    db_bind(store, "SELECT study_id FROM studies WHERE study_name = ?", "t", name),
                    -1, task))
        return false;
    if (*task >= 0)
        return true;
    if (!db_run(store, "INSERT INTO studies (study_name) VALUES (?)", "t", name))
        return false;
    *task = sqlite3_last_insert_rowid(store->db);
    return db_run(store,
                  "INSERT INTO study_directions (direction, study_id, objective) VALUES "
                  "('MINIMIZE', ?, 0)",
                  "i", *task) &&
           db_run(store,
                  "INSERT INTO study_system_attributes (study_id, key, value_json) VALUES (?, "
                  "'study:metric_names', '[\"validation dice loss\"]')",
                  "i", *task);
}

static bool put_params(struct store *store, int64_t trial, const struct store_param *params,
                       int count)
{
    for (int i = 0; i < count; i++)
        if (!db_run(store,
                    "INSERT INTO trial_params (trial_id, param_name, param_value, "
                    "distribution_json) VALUES (?, ?, ?, ?)",
                    "itdt", trial, params[i].name, params[i].value, params[i].distribution))
            return false;
    return true;
}

static bool put_cell(struct store *store, int cell, int64_t trial, const char *options)
{
    return db_run(store,
                  "INSERT INTO vkgrid_cells (cell, trial_id, options) VALUES (?1, ?2, ?3) ON "
                  "CONFLICT (cell) DO UPDATE SET trial_id = ?2, options = ?3, reopened = 0",
                  "iit", (int64_t)cell, trial, options);
}

bool store_add_trial(struct store *store, int64_t task, int cell, const struct cJSON *values,
                     const struct cJSON *fixed, const struct store_param *params, int count)
{
    char *options = json_print_line(values),
         *fixed_params = fixed == values ? text_copy(options) : json_print_line(fixed);
    CHECK(db_run(store,
                 "INSERT INTO trials (number, study_id, state) VALUES (coalesce((SELECT number + 1 "
                 "FROM trials WHERE study_id = ?1 ORDER BY trial_id DESC LIMIT 1), 0), ?1, "
                 "'WAITING')",
                 "i", task));
    const int64_t trial = sqlite3_last_insert_rowid(store->db);
    CHECK(db_run(store,
                 "INSERT INTO trial_system_attributes (trial_id, key, value_json) VALUES (?, "
                 "'fixed_params', ?)",
                 "it", trial, fixed_params));
    CHECK(put_params(store, trial, params, count));
    CHECK(put_cell(store, cell, trial, options));
    free(options);
    free(fixed_params);
    return true;
error:
    free(options);
    free(fixed_params);
    return false;
}

bool store_adopt(struct store *store, int64_t trial, int cell, const struct cJSON *values,
                 const struct store_param *params, int count)
{
    char *options = json_print_line(values);
    const bool adopted = db_run(store, "DELETE FROM trial_params WHERE trial_id = ?", "i", trial) &&
                         put_params(store, trial, params, count) &&
                         put_cell(store, cell, trial, options);
    free(options);
    return adopted;
}

static bool put_attribute(struct store *store, int64_t trial, const char *key, const char *json)
{
    return db_run(store,
                  "INSERT INTO trial_user_attributes (trial_id, key, value_json) VALUES (?1, ?2, "
                  "?3) ON CONFLICT (trial_id, key) DO UPDATE SET value_json = ?3",
                  "itt", trial, key, json);
}

static bool end_trial(struct store *store, int64_t trial, enum trial_state state)
{
    return db_run(store,
                  "UPDATE trials SET state = ?2, datetime_start = coalesce(datetime_start, " NOW
                  "), datetime_complete = " NOW " WHERE trial_id = ?1",
                  "it", trial, trial_state_name(state));
}

bool store_refuse(struct store *store, int64_t trial, const char *why)
{
    cJSON *text = cJSON_CreateString(why);
    char *json = json_print_line(text);
    const bool refused =
        put_attribute(store, trial, "failure", json) && end_trial(store, trial, TRIAL_FAIL);
    free(json);
    cJSON_Delete(text);
    return refused;
}

static bool trial_of(struct store *store, int cell, int64_t *trial)
{
    return db_integer(store,
                      db_bind(store, "SELECT trial_id FROM vkgrid_cells WHERE cell = ?", "i",
                              (int64_t)cell),
                      -1, trial) &&
           (*trial >= 0 || error_set("%s: cell %d has no trial", store->path, cell));
}

bool store_set_attribute(struct store *store, int cell, const char *key, const char *json)
{
    int64_t trial;
    return trial_of(store, cell, &trial) && put_attribute(store, trial, key, json);
}

bool store_no_weights(struct store *store, int cell)
{
    int64_t trial;
    return trial_of(store, cell, &trial) && put_attribute(store, trial, "weights", "null") &&
           db_run(store,
                  "DELETE FROM trial_user_attributes WHERE trial_id = ? AND key = 'fold_weights'",
                  "i", trial);
}

bool store_clear_attribute(struct store *store, const char *key)
{
    return db_run(store, "DELETE FROM trial_user_attributes WHERE key = ?", "t", key);
}

bool store_get_attribute(struct store *store, int cell, const char *key, struct cJSON **value)
{
    bool row, got = true;
    sqlite3_stmt *statement = db_bind(store,
                                      "SELECT value_json FROM trial_user_attributes JOIN "
                                      "vkgrid_cells USING (trial_id) WHERE cell = ? AND key = ?",
                                      "it", (int64_t)cell, key);
    *value = NULL;
    if (!db_row(store, statement, &row))
        return false;
    if (row) {
        const char *text = db_text(statement, 0);
        char *where = text_format("%s: cell %d: %s", store->path, cell, key);
        got = json_parse(text, strlen(text), where, value);
        free(where);
        sqlite3_reset(statement);
    }
    return got;
}

bool store_attributes(struct store *store, int cell, struct cJSON **attributes)
{
    bool row, got = true;
    sqlite3_stmt *statement =
        db_bind(store,
                "SELECT json_group_object(key, json(value_json)) FROM trial_user_attributes JOIN "
                "vkgrid_cells USING (trial_id) WHERE cell = ?",
                "i", (int64_t)cell);
    *attributes = NULL;
    if (!db_row(store, statement, &row))
        return false;
    if (row) {
        const char *text = db_text(statement, 0);
        char *where = text_format("%s: cell %d", store->path, cell);
        got = json_parse(text, strlen(text), where, attributes);
        free(where);
        sqlite3_reset(statement);
    }
    return got;
}

static bool is_reopened(struct store *store, int cell, bool *reopened)
{
    int64_t value;
    const bool read = db_integer(
        store,
        db_bind(store, "SELECT reopened FROM vkgrid_cells WHERE cell = ?", "i", (int64_t)cell), 0,
        &value);
    *reopened = read && value;
    return read;
}

bool store_start_cell(struct store *store, int cell)
{
    int64_t trial;
    bool reopened;
    if (!is_reopened(store, cell, &reopened))
        return false;
    if (reopened)
        return true;
    return trial_of(store, cell, &trial) &&
           db_run(store, "DELETE FROM trial_values WHERE trial_id = ?", "i", trial) &&
           db_run(
               store,
               "UPDATE trials SET state = 'RUNNING', datetime_start = coalesce(datetime_start, " NOW
               "), datetime_complete = NULL WHERE trial_id = ?",
               "i", trial);
}

static bool put_value(struct store *store, int64_t trial, double value)
{
    return db_run(store,
                  "INSERT INTO trial_values (trial_id, objective, value, value_type) VALUES (?1, "
                  "0, ?2, 'FINITE') ON CONFLICT (trial_id, objective) DO UPDATE SET value = ?2",
                  "id", trial, value);
}

bool store_set_value(struct store *store, int cell, double value)
{
    int64_t trial;
    return trial_of(store, cell, &trial) && put_value(store, trial, value);
}

bool store_finish_cell(struct store *store, int cell, enum trial_state state, double value,
                       const struct cJSON *attributes)
{
    const cJSON *attribute;
    int64_t trial;
    if (!trial_of(store, cell, &trial) || !end_trial(store, trial, state) ||
        !db_run(store, "DELETE FROM trial_values WHERE trial_id = ?", "i", trial) ||
        !db_run(store, "UPDATE vkgrid_cells SET reopened = 0 WHERE cell = ?", "i", (int64_t)cell))
        return false;
    if (!isnan(value) && !put_value(store, trial, value))
        return false;
    cJSON_ArrayForEach(attribute, attributes)
    {
        char *json = json_print_line(attribute);
        const bool put = put_attribute(store, trial, attribute->string, json);
        free(json);
        if (!put)
            return false;
    }
    return true;
}

#define TRIALS(columns) \
    "SELECT cell, trial_id, state, value, options, (SELECT json_group_object(key, " \
    "json(value_json)) FROM trial_user_attributes AS a WHERE a.trial_id = trials.trial_id), " columns \
    " FROM vkgrid_cells JOIN trials USING (trial_id) LEFT JOIN trial_values USING " \
    "(trial_id) ORDER BY cell"

bool store_trials(struct store *store, bool (*each)(void *context, const struct store_trial *trial),
                  void *context)
{
    sqlite3_stmt *statement =
        db_bind(store,
                store->format < FORMAT_OF_GROWTH ? TRIALS("NULL, 0, 0")
                                                 : TRIALS("stream, outside, reopened"),
                "");
    bool row, good = true;
    while (good && (good = db_row(store, statement, &row)) && row) {
        struct store_trial trial = {
            .cell = sqlite3_column_int(statement, 0),
            .id = sqlite3_column_int64(statement, 1),
            .value = db_double(statement, 3),
            .options = (char *)db_text(statement, 4),
            .attributes = (char *)db_text(statement, 5),
            .stream = db_stream(statement, 6),
            .outside = sqlite3_column_int(statement, 7) != 0,
            .reopened = sqlite3_column_int(statement, 8) != 0,
        };
        good = trial_state_parse(db_text(statement, 2), &trial.state)
                   ? each(context, &trial)
                   : error_set("%s: cell %d has the state \"%s\"", store->path, trial.cell,
                               db_text(statement, 2));
    }
    if (statement)
        sqlite3_reset(statement);
    return good;
}

bool store_beaten(struct store *store, bool (*each)(void *context, int cell), void *context)
{
    sqlite3_stmt *statement =
        db_bind(store,
                "SELECT cell FROM vkgrid_cells JOIN trial_user_attributes USING (trial_id) WHERE "
                "key = 'weights' AND value_json = 'null'",
                "");
    bool row, good = true;
    while (good && (good = db_row(store, statement, &row)) && row)
        good = each(context, sqlite3_column_int(statement, 0));
    if (statement)
        sqlite3_reset(statement);
    return good;
}

bool store_requests(struct store *store,
                    bool (*each)(void *context, const struct store_request *request), void *context)
{
    sqlite3_stmt *statement = db_bind(
        store,
        "SELECT trial_id, study_name, value_json, number FROM trials JOIN studies USING (study_id) LEFT "
        "JOIN trial_system_attributes USING (trial_id) WHERE state = 'WAITING' AND trial_id NOT IN "
        "(SELECT trial_id FROM vkgrid_cells) AND coalesce(key, 'fixed_params') = 'fixed_params' "
        "ORDER BY trial_id",
        "");
    bool row, good = true;
    while (good && (good = db_row(store, statement, &row)) && row) {
        const struct store_request request = {
            .id = sqlite3_column_int64(statement, 0),
            .number = sqlite3_column_int(statement, 3),
            .task = (char *)db_text(statement, 1),
            .values = (char *)db_text(statement, 2),
        };
        good = each(context, &request);
    }
    if (statement)
        sqlite3_reset(statement);
    return good;
}

bool store_last_value(struct store *store, int cell, double *value)
{
    bool row;
    sqlite3_stmt *statement =
        db_bind(store,
                "SELECT intermediate_value FROM trial_intermediate_values JOIN vkgrid_cells USING "
                "(trial_id) WHERE cell = ? ORDER BY step DESC LIMIT 1",
                "i", (int64_t)cell);
    *value = (double)NAN;
    if (!db_row(store, statement, &row))
        return false;
    if (row)
        *value = db_double(statement, 0);
    sqlite3_reset(statement);
    return true;
}

struct curve {
    int cell;
    enum trial_state state;
    double *values;
    int epochs, room;
};

#define EPOCH_LIMIT 1000000 // of a trial: what no vkgrid wrote

static void add_value(struct curve *curve, int epoch_index, double value)
{
    if (epoch_index < curve->epochs || epoch_index >= EPOCH_LIMIT)
        return;
    if (epoch_index >= curve->room) {
        curve->room = 2 * epoch_index + 16;
        curve->values = mem_grow(curve->values, (size_t)curve->room, sizeof(*curve->values));
    }
    while (curve->epochs < epoch_index)
        curve->values[curve->epochs++] = (double)NAN;
    curve->values[curve->epochs++] = value;
}

bool store_curves(struct store *store, int cell,
                  bool (*each)(void *context, int cell, enum trial_state state,
                               const double *values, int epochs),
                  void *context)
{
    struct curve curve = {.cell = -1};
    bool row, good = true;
    sqlite3_stmt *statement = db_bind(
        store,
        "SELECT cell, state, step, intermediate_value FROM trial_intermediate_values JOIN trials "
        "USING (trial_id) JOIN vkgrid_cells USING (trial_id) WHERE study_id = (SELECT study_id "
        "FROM trials JOIN vkgrid_cells USING (trial_id) WHERE cell = ?) AND outside = 0 "
        "ORDER BY cell, step",
        "i", (int64_t)cell);
    while (good && (good = db_row(store, statement, &row)) && row) {
        const int next = sqlite3_column_int(statement, 0);
        if (next != curve.cell && curve.epochs > 0)
            good = each(context, curve.cell, curve.state, curve.values, curve.epochs);
        if (next != curve.cell)
            curve.epochs = 0;
        curve.cell = next;
        if (!trial_state_parse(db_text(statement, 1), &curve.state))
            curve.state = TRIAL_WAITING;
        add_value(&curve, sqlite3_column_int(statement, 2), db_double(statement, 3));
    }
    if (good && curve.epochs > 0)
        good = each(context, curve.cell, curve.state, curve.values, curve.epochs);
    if (statement)
        sqlite3_reset(statement);
    free(curve.values);
    return good;
}
