// SPDX-License-Identifier: MIT
#include "vkgrid/store/grow.h"

#include "store/db.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"

#include <math.h>
#include <stdlib.h>

#define CELLS(columns) "SELECT cell, options, " columns " FROM vkgrid_cells ORDER BY cell"

bool store_cells(struct store *store, bool (*each)(void *context, const struct store_cell *cell),
                 void *context)
{
    sqlite3_stmt *statement = db_bind(
        store, store->format < FORMAT_OF_GROWTH ? CELLS("NULL, 0") : CELLS("stream, outside"), "");
    bool row, good = true;
    while (good && (good = db_row(store, statement, &row)) && row) {
        const struct store_cell cell = {
            .cell = sqlite3_column_int(statement, 0),
            .options = (char *)db_text(statement, 1),
            .stream = db_stream(statement, 2),
            .outside = sqlite3_column_int(statement, 3) != 0,
        };
        good = each(context, &cell);
    }
    if (statement)
        sqlite3_reset(statement);
    return good;
}

bool store_count_inside(struct store *store, int64_t *count)
{
    return db_integer(
        store, db_bind(store, "SELECT count(*) FROM vkgrid_cells WHERE outside = 0", ""), 0, count);
}

bool store_count_finished(struct store *store, int64_t *count)
{
    return db_integer(store,
                      db_bind(store,
                              "SELECT count(*) FROM vkgrid_cells JOIN trials USING (trial_id) "
                              "WHERE state = 'COMPLETE'",
                              ""),
                      0, count);
}

bool store_lengths(struct store *store, bool (*each)(void *context, const struct store_length *run),
                   void *context)
{
    sqlite3_stmt *statement =
        db_bind(store,
                "SELECT cell, run, state, (SELECT count(*) FROM vkgrid_epochs e WHERE e.cell = "
                "r.cell AND e.run = r.run), EXISTS (SELECT 1 FROM vkgrid_checkpoints c WHERE "
                "c.cell = r.cell AND c.run = r.run) FROM vkgrid_runs r ORDER BY cell, run",
                "");
    bool row, good = true;
    while (good && (good = db_row(store, statement, &row)) && row) {
        struct store_length run = {
            .cell = sqlite3_column_int(statement, 0),
            .run = sqlite3_column_int(statement, 1),
            .epochs = sqlite3_column_int(statement, 3),
            .checkpoint = sqlite3_column_int(statement, 4) != 0,
        };
        good = trial_state_parse(db_text(statement, 2), &run.state)
                   ? each(context, &run)
                   : error_set("%s: cell %d, run %d has the state \"%s\"", store->path, run.cell,
                               run.run, db_text(statement, 2));
    }
    if (statement)
        sqlite3_reset(statement);
    return good;
}

static bool complete(struct store *store, const char *key, const char *value, bool outside)
{
    char *path = text_format("$.\"%s\"", key);
    const bool done = db_run(store,
                             "UPDATE vkgrid_cells SET options = json_set(options, ?1, json(?2)) "
                             "WHERE json_type(options, ?1) IS NULL AND outside >= ?3",
                             "tti", path, value, (int64_t)outside);
    free(path);
    return done;
}

bool store_complete_cells(struct store *store, const char *key, const char *value)
{
    return complete(store, key, value, false);
}

bool store_complete_outside(struct store *store, const char *key, const char *value)
{
    return complete(store, key, value, true);
}

struct old_value {
    char *distribution;
    double value;
};

static bool list_values(struct store *store, const char *name, struct old_value **values,
                        int *count)
{
    sqlite3_stmt *statement = db_bind(store,
                                      "SELECT DISTINCT distribution_json, param_value FROM "
                                      "trial_params WHERE param_name = ?",
                                      "t", name);
    bool row, good;
    while ((good = db_row(store, statement, &row)) && row) {
        *values = mem_grow(*values, (size_t)*count + 1, sizeof(**values));
        (*values)[(*count)++] = (struct old_value){.distribution = text_copy(db_text(statement, 0)),
                                                   .value = db_double(statement, 1)};
    }
    return good;
}

// In two steps, since a value of now may be one of before: what is done has the new distribution,
// and a mark in front of it until all are. Values that stay, as those of numbers do, are all of
// them one step: each is a walk through the parameters of all trials.
static bool put_values(struct store *store, const struct store_redistribution *change,
                       const struct old_value *values, int count)
{
    char *marked = text_format(" %s", change->distribution);
    bool put = true;
    for (int i = 0; put && i < count; i++) {
        const double before = values[i].value;
        double now;
        put = change->value_of(change->context, values[i].distribution, before, &now);
        if (put && now != before && !(isnan(now) && isnan(before)))
            put =
                db_run(store,
                       "UPDATE trial_params SET param_value = ?4, distribution_json = ?5 WHERE "
                       "param_name = ?1 AND distribution_json = ?2 AND param_value IS ?3",
                       "ttddt", change->name, values[i].distribution, values[i].value, now, marked);
    }
    put = put && db_run(store,
                        "UPDATE trial_params SET distribution_json = ?2 WHERE param_name = ?1 AND "
                        "distribution_json IS NOT ?2",
                        "tt", change->name, change->distribution);
    free(marked);
    return put;
}

bool store_redistribute(struct store *store, const struct store_redistribution *change)
{
    struct old_value *values = NULL;
    int count = 0;
    const bool put =
        change->value_of
            ? list_values(store, change->name, &values, &count) &&
                  put_values(store, change, values, count)
            : db_run(store,
                     "UPDATE trial_params SET distribution_json = ?2 WHERE param_name = ?1 AND "
                     "distribution_json <> ?2",
                     "tt", change->name, change->distribution);
    for (int i = 0; i < count; i++)
        free(values[i].distribution);
    free(values);
    return put &&
           (!change->missing ||
            db_run(store,
                   "INSERT INTO trial_params (trial_id, param_name, param_value, "
                   "distribution_json) SELECT trial_id, ?1, ?2, ?3 FROM trials WHERE (state IN "
                   "('COMPLETE', 'FAIL', 'PRUNED') OR trial_id IN (SELECT trial_id FROM "
                   "vkgrid_cells)) AND trial_id NOT IN (SELECT trial_id FROM trial_params WHERE "
                   "param_name = ?1) ORDER BY trial_id",
                   "tdt", change->name, *change->missing, change->distribution));
}

bool store_set_outside(struct store *store, int cell, bool outside)
{
    if (!db_run(store, "UPDATE vkgrid_cells SET outside = ?2 WHERE cell = ?1 AND outside <> ?2",
                "ii", (int64_t)cell, (int64_t)outside))
        return false;
    if (sqlite3_changes(store->db) == 0)
        return true;
    if (outside)
        return store_set_attribute(store, cell, "outside_grid", "true");
    return db_run(store,
                  "DELETE FROM trial_user_attributes WHERE \"key\" = 'outside_grid' AND trial_id = "
                  "(SELECT trial_id FROM vkgrid_cells WHERE cell = ?)",
                  "i", (int64_t)cell);
}

bool store_set_stream(struct store *store, int cell, int stream)
{
    return db_run(store,
                  "UPDATE vkgrid_cells SET stream = nullif(?2, ?1) WHERE cell = ?1 AND "
                  "coalesce(stream, cell) != ?2",
                  "ii", (int64_t)cell, (int64_t)stream);
}

bool store_reopen_cell(struct store *store, int cell)
{
    return db_run(store, "UPDATE vkgrid_cells SET reopened = 1 WHERE cell = ?", "i", (int64_t)cell);
}

bool store_reopen_run(struct store *store, int cell, int run)
{
    return db_run(store,
                  "UPDATE vkgrid_runs SET state = 'RUNNING', attempts = 0, kept_epoch = NULL WHERE "
                  "cell = ? AND run = ?",
                  "ii", (int64_t)cell, (int64_t)run);
}
