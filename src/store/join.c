// SPDX-License-Identifier: MIT
// Rows from one study.db to another: `main` and `other` are SQLite's names of the two.
#include "vkgrid/store/join.h"

#include "store/data_key.h"
#include "store/db.h"
#include "vkgrid/base/memory.h"

#include <stdlib.h>

bool store_copy(struct store *store, const char *path)
{
    return db_run(store, "VACUUM INTO ?", "t", path);
}

// Not IMMEDIATE as store_begin(): that would be a transaction of both files, with a journal of its
// own.
bool store_attach(struct store *store, const char *path)
{
    return db_run(store, "ATTACH ? AS other", "t", path) && db_run(store, "BEGIN", "");
}

bool store_detach(struct store *store)
{
    return db_run(store, "COMMIT", "") && db_run(store, "DETACH other", "");
}

// The rows of trial ?2 of the other database in the place of those of trial ?1.
#define TAKE_ROWS(table, columns, order) \
    "DELETE FROM main." table " WHERE trial_id = ?", \
        "INSERT INTO main." table " (trial_id, " columns ") SELECT ?, " columns \
        " FROM other." table " WHERE trial_id = ? ORDER BY " order

static const struct {
    const char *clear, *take;
} trial_rows[] = {
    {TAKE_ROWS("trial_system_attributes", "\"key\", value_json", "trial_system_attribute_id")},
    {TAKE_ROWS("trial_params", "param_name, param_value, distribution_json", "param_id")},
    {TAKE_ROWS("trial_user_attributes", "\"key\", value_json", "trial_user_attribute_id")},
    {TAKE_ROWS("trial_values", "objective, value, value_type", "trial_value_id")},
    {TAKE_ROWS("trial_intermediate_values", "step, intermediate_value, intermediate_value_type",
               "trial_intermediate_value_id")},
};

enum { PARAMETERS = 2 }; // the first of trial_rows are what the trial was asked for

static bool take_trial(struct store *store, size_t first, int64_t to, int64_t from)
{
    for (size_t i = first; i < sizeof(trial_rows) / sizeof(*trial_rows); i++)
        if (!db_run(store, trial_rows[i].clear, "i", to) ||
            !db_run(store, trial_rows[i].take, "ii", to, from))
            return false;
    return db_run(store,
                  "UPDATE main.trials SET (state, datetime_start, datetime_complete) = (SELECT "
                  "state, datetime_start, datetime_complete FROM other.trials WHERE trial_id = ?2) "
                  "WHERE trial_id = ?1",
                  "ii", to, from);
}

#define TAKE_CELL(table) \
    table, "DELETE FROM main." table " WHERE cell = ?", \
        "INSERT INTO main." table " SELECT * FROM other." table " WHERE cell = ?"

// take: of a cell that has the same number.
static const struct {
    const char *name, *clear, *take;
} cell_tables[] = {
    {TAKE_CELL("vkgrid_runs")},         {TAKE_CELL("vkgrid_epochs")},
    {TAKE_CELL("vkgrid_step_metrics")}, {TAKE_CELL("vkgrid_overlaps")},
    {TAKE_CELL("vkgrid_checkpoints")},
};
enum { CELL_TABLES = sizeof(cell_tables) / sizeof(cell_tables[0]) };

static bool find_trials(struct store *store, int cell, int from, int64_t *to, int64_t *there)
{
    return db_integer(store,
                      db_bind(store, "SELECT trial_id FROM main.vkgrid_cells WHERE cell = ?", "i",
                              (int64_t)cell),
                      -1, to) &&
           db_integer(store,
                      db_bind(store, "SELECT trial_id FROM other.vkgrid_cells WHERE cell = ?", "i",
                              (int64_t)from),
                      -1, there);
}

// The rows of a table, whatever columns it has, under another number.
static bool take_rows_as(struct store *store, const char *table, int cell, int from)
{
    sqlite3_stmt *statement =
        db_bind(store,
                "SELECT group_concat('\"' || name || '\"') FROM pragma_table_info(?) WHERE name <> "
                "'cell'",
                "t", table);
    bool row;
    if (!db_row(store, statement, &row))
        return false;
    char *columns = text_copy(row ? db_text(statement, 0) : "");
    sqlite3_reset(statement);
    char *sql = text_format(
        "INSERT INTO main.%s (cell, %s) SELECT %d, %s FROM other.%s WHERE cell "
        "= %d",
        table, columns, cell, columns, table, from);
    const bool taken = sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK ||
                       db_failed(store, "cannot be written");
    free(sql);
    free(columns);
    return taken;
}

// Paths of files that a trial names lie in the folder of its cell.
static bool rename_files(struct store *store, int64_t trial, int cell, int from)
{
    char *now = text_format("grid%05d/", cell), *before = text_format("grid%05d/", from);
    const bool renamed =
        cell == from ||
        db_run(store,
               "UPDATE main.trial_user_attributes SET value_json = replace(value_json, ?2, ?3) "
               "WHERE trial_id = ?1 AND \"key\" IN ('weights', 'fold_weights')",
               "itt", trial, before, now);
    free(now);
    free(before);
    return renamed;
}

bool store_take_cell(struct store *store, int cell, int from)
{
    int64_t to, theirs;
    if (!find_trials(store, cell, from, &to, &theirs) || !take_trial(store, 0, to, theirs) ||
        !rename_files(store, to, cell, from))
        return false;
    for (int i = 0; i < CELL_TABLES; i++)
        if (!db_run(store, cell_tables[i].clear, "i", (int64_t)cell) ||
            !(cell == from ? db_run(store, cell_tables[i].take, "i", (int64_t)cell)
                           : take_rows_as(store, cell_tables[i].name, cell, from)))
            return false;
    return db_run(store,
                  "UPDATE main.vkgrid_cells SET reopened = (SELECT reopened FROM "
                  "other.vkgrid_cells WHERE cell = ?2) WHERE cell = ?1",
                  "ii", (int64_t)cell, (int64_t)from);
}

static bool add_trial(struct store *store, int64_t task, int64_t *trial)
{
    const bool added = db_run(
        store,
        "INSERT INTO main.trials (number, study_id, state) VALUES (coalesce((SELECT number + 1 "
        "FROM main.trials WHERE study_id = ?1 ORDER BY trial_id DESC LIMIT 1), 0), ?1, 'WAITING')",
        "i", task);
    *trial = sqlite3_last_insert_rowid(store->db);
    return added;
}

bool store_join_cell(struct store *store, int cell, int from, const char *options, bool outside)
{
    sqlite3_stmt *statement =
        db_bind(store,
                "SELECT study_name FROM other.studies JOIN other.trials USING (study_id) JOIN "
                "other.vkgrid_cells USING (trial_id) WHERE cell = ?",
                "i", (int64_t)from);
    bool row;
    int64_t task, trial;
    if (!db_row(store, statement, &row))
        return false;
    char *name = text_copy(row ? db_text(statement, 0) : "?");
    if (row)
        sqlite3_reset(statement);
    const bool joined =
        store_task(store, name, &task) && add_trial(store, task, &trial) &&
        db_run(store,
               "INSERT INTO main.vkgrid_cells (cell, trial_id, options, outside) VALUES (?, ?, ?, "
               "?)",
               "iiti", (int64_t)cell, trial, options, (int64_t)outside) &&
        store_take_cell(store, cell, from);
    free(name);
    return joined;
}

bool store_take_cell_as(struct store *store, int cell, int from)
{
    static const char *const tables[] = {"vkgrid_runs", "vkgrid_epochs", "vkgrid_step_metrics",
                                         "vkgrid_overlaps"};
    int64_t to, there;
    if (!find_trials(store, cell, from, &to, &there) || !take_trial(store, PARAMETERS, to, there) ||
        !store_clear_cell(store, cell))
        return false;
    for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++)
        if (!take_rows_as(store, tables[i], cell, from))
            return false;
    return true;
}

// Trials of the other database that are over, belong to no cell there, and are not here: a trial is
// known by its task, values, and times.
static const char missing_trials[] =
    "SELECT theirs.trial_id, here.study_id FROM other.trials AS theirs "
    "JOIN other.studies AS there USING (study_id) "
    "JOIN main.studies AS here USING (study_name) "
    "LEFT JOIN other.trial_system_attributes AS fixed ON fixed.trial_id = theirs.trial_id AND "
    "fixed.\"key\" = 'fixed_params' "
    "WHERE state IN ('COMPLETE', 'FAIL', 'PRUNED') "
    "AND theirs.trial_id NOT IN (SELECT trial_id FROM other.vkgrid_cells) "
    "AND NOT EXISTS (SELECT 1 FROM main.trials AS ours "
    "LEFT JOIN main.trial_system_attributes AS same ON same.trial_id = ours.trial_id AND "
    "same.\"key\" = 'fixed_params' "
    "WHERE ours.study_id = here.study_id AND ours.state = theirs.state "
    "AND ours.datetime_start IS theirs.datetime_start "
    "AND ours.datetime_complete IS theirs.datetime_complete "
    "AND same.value_json IS fixed.value_json) "
    "ORDER BY theirs.trial_id";

struct trial_pair {
    int64_t trial, task;
};

static bool list_missing(struct store *store, struct trial_pair **pairs, int *count)
{
    sqlite3_stmt *statement = db_bind(store, missing_trials, "");
    bool row, good;
    while ((good = db_row(store, statement, &row)) && row) {
        *pairs = mem_grow(*pairs, (size_t)*count + 1, sizeof(**pairs));
        (*pairs)[(*count)++] = (struct trial_pair){sqlite3_column_int64(statement, 0),
                                                   sqlite3_column_int64(statement, 1)};
    }
    return good;
}

bool store_take_dataset(struct store *store, const char *key)
{
    return db_run(store,
                  "INSERT OR IGNORE INTO main.vkgrid_datasets SELECT * FROM other.vkgrid_datasets "
                  "WHERE \"key\" = ?",
                  "t", key);
}

bool store_take_rest(struct store *store)
{
    struct trial_pair *pairs = NULL;
    int count = 0;
    bool taken = list_missing(store, &pairs, &count);
    for (int i = 0; taken && i < count; i++) {
        int64_t trial;
        taken =
            add_trial(store, pairs[i].task, &trial) && take_trial(store, 0, trial, pairs[i].trial);
    }
    free(pairs);
    return taken &&
           db_run(store,
                  "INSERT OR IGNORE INTO main.vkgrid_datasets SELECT * FROM other.vkgrid_datasets",
                  "") &&
           db_run(store,
                  "UPDATE main.vkgrid_datasets AS ours SET images = (SELECT images FROM "
                  "other.vkgrid_datasets AS theirs WHERE theirs.\"key\" = ours.\"key\") "
                  "WHERE images IS NULL",
                  "");
}

bool store_compare_datasets(struct store *store, int64_t *differing)
{
    return db_integer(
        store,
        db_bind(store,
                "SELECT count(*) FROM main.vkgrid_datasets AS ours JOIN other.vkgrid_datasets AS "
                "theirs ON theirs.\"key\" = ours.\"key\" OR (?1 AND theirs.\"key\" = "
                "data_key(ours.\"key\")) WHERE ours.fingerprint <> theirs.fingerprint",
                "i", (int64_t)(store->format < FORMAT_OF_DATA_KEYS)),
        0, differing);
}

bool store_remove(struct store *store, const char *key)
{
    return db_run(store, "DELETE FROM vkgrid_study WHERE \"key\" = ?", "t", key);
}
