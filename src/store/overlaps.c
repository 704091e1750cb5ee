// SPDX-License-Identifier: MIT
// Pixel counts of epochs whose weights are, or may become, those of their run.
#include "store/db.h"

bool store_put_overlaps(struct store *store, int cell, int run, int epoch_index,
                        const struct overlaps *overlaps)
{
    const size_t count =
        (size_t)overlaps->samples * (size_t)overlaps->labels * OVERLAP_COUNTS * sizeof(uint32_t);
    return db_run(store, "INSERT OR REPLACE INTO vkgrid_overlaps VALUES (?, ?, ?, ?, ?)", "iiiib",
                  (int64_t)cell, (int64_t)run, (int64_t)epoch_index, (int64_t)overlaps->labels,
                  overlaps->counts, count);
}

bool store_remove_overlaps(struct store *store, int cell, int run, int epoch_index)
{
    return db_run(store,
                  "DELETE FROM vkgrid_overlaps WHERE cell = ? AND run = ? AND epoch_index = ?",
                  "iii", (int64_t)cell, (int64_t)run, (int64_t)epoch_index);
}

// Those of a row, labels in a column and counts in the next. What cannot be what was written is
// passed over: then the counts are not known.
static bool read_counts(sqlite3_stmt *row, int column, struct overlaps *overlaps)
{
    const int labels = sqlite3_column_int(row, column),
              bytes = sqlite3_column_bytes(row, column + 1);
    const size_t sample = (size_t)(labels > 0 ? labels : 1) * OVERLAP_COUNTS * sizeof(uint32_t);
    *overlaps = (struct overlaps){
        .samples = (int)((size_t)bytes / sample),
        .labels = labels,
        .counts = (uint32_t *)sqlite3_column_blob(row, column + 1),
    };
    return labels >= 1 && overlaps->counts && (size_t)bytes % sample == 0;
}

static bool take_row(sqlite3_stmt *row,
                     bool (*each)(void *context, int run, int epoch_index,
                                  const struct overlaps *overlaps),
                     void *context)
{
    struct overlaps overlaps;
    return !read_counts(row, 2, &overlaps) ||
           each(context, sqlite3_column_int(row, 0), sqlite3_column_int(row, 1), &overlaps);
}

bool store_overlaps(struct store *store, int cell,
                    bool (*each)(void *context, int run, int epoch_index,
                                 const struct overlaps *overlaps),
                    void *context)
{
    sqlite3_stmt *statement = db_bind(store,
                                      "SELECT run, epoch_index, labels, counts FROM "
                                      "vkgrid_overlaps WHERE cell = ? ORDER BY run, epoch_index",
                                      "i", (int64_t)cell);
    bool row, good = true;
    while (good && (good = db_row(store, statement, &row)) && row)
        good = take_row(statement, each, context);
    if (statement)
        sqlite3_reset(statement);
    return good;
}

bool store_kept_overlaps(struct store *store,
                         bool (*each)(void *context, int cell, int run,
                                      const struct overlaps *overlaps),
                         void *context)
{
    sqlite3_stmt *statement = db_bind(
        store,
        "SELECT labels, counts, cell, run FROM vkgrid_overlaps JOIN vkgrid_runs USING (cell, run) "
        "WHERE state = 'COMPLETE' AND epoch_index = kept_epoch ORDER BY cell, run",
        "");
    struct overlaps overlaps;
    bool row, good = true;
    while (good && (good = db_row(store, statement, &row)) && row)
        good = !read_counts(statement, 0, &overlaps) ||
               each(context, sqlite3_column_int(statement, 2), sqlite3_column_int(statement, 3),
                    &overlaps);
    if (statement)
        sqlite3_reset(statement);
    return good;
}
