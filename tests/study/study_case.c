// SPDX-License-Identifier: MIT
#include "tests/study/study_case.h"

#include "tests/test.h"
#include "tests/study/fakes.h"
#include "tests/study/home.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/memory.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

int setup(void **state)
{
    (void)state;
    fake_reset();
    return clear_home() && folder_make("data/em") && folder_make("data/cell") ? 0 : -1;
}

struct grid *grid_of(const char *text)
{
    struct grid *grid;
    must(grid_parse(text, strlen(text), "g.json", NULL, &grid));
    return grid;
}

bool run(const char *text, const char *out, int pack, struct study_options more,
         struct study_result *result)
{
    static const int cells[] = {0, 1, 2, 3, 4, 5};
    struct study_result ignored = {0};
    static const int device = 0;
    struct grid *grid = grid_of(text);
    more.devices = &device;
    more.device_count = 1;
    more.out = out;
    more.pack = pack;
    more.quiet = true;
    if (!more.cells) {
        more.cells = cells;
        more.cell_count = 6;
    }
    const bool done = study_run(grid, &more, result ? result : &ignored);
    study_result_free(&ignored);
    grid_free(&grid);
    assert_int_equal(fake.engines, 0);
    assert_int_equal(fake.datasets, 0);
    return done;
}

char *contents(const char *path)
{
    void *bytes;
    size_t size;
    must(file_read(path, 1 << 20, &bytes, &size));
    return bytes;
}

int64_t query(const char *path, const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *statement;
    int64_t value = -1;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    if (sqlite3_step(statement) == SQLITE_ROW)
        value = sqlite3_column_int64(statement, 0);
    assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
    sqlite3_close(db);
    return value;
}

static void add_rows(struct text *text, sqlite3 *db, const char *sql)
{
    sqlite3_stmt *statement;
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), SQLITE_OK);
    while (sqlite3_step(statement) == SQLITE_ROW) {
        for (int k = 0; k < sqlite3_column_count(statement); k++) {
            if (sqlite3_column_type(statement, k) == SQLITE_FLOAT)
                text_add(text, "%a|", sqlite3_column_double(statement, k));
            else
                text_add(text, "%s|", (const char *)sqlite3_column_text(statement, k));
        }
        text_add(text, "\n");
    }
    assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
}

// What a study.db answers to the queries, a line for each row.
static char *rows_of(const char *out, const char *const *queries, int count)
{
    struct text text = {0};
    sqlite3 *db;
    char *path = text_format("%s/study.db", out);
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    for (int i = 0; i < count; i++)
        add_rows(&text, db, queries[i]);
    sqlite3_close(db);
    free(path);
    return text.bytes;
}

void assert_same_rows(const char *a, const char *b, const char *const *queries, int count)
{
    char *x = rows_of(a, queries, count), *y = rows_of(b, queries, count), *left = x, *right = y;
    while (*left && *left == *right) {
        left++;
        right++;
    }
    while (left > x && left[-1] != '\n') {
        left--;
        right--;
    }
    if (*left || *right)
        fail_msg("%s: %.*s\n%s: %.*s", a, (int)strcspn(left, "\n"), left, b,
                 (int)strcspn(right, "\n"), right);
    free(x);
    free(y);
}

void assert_same_study(const char *a, const char *b)
{
    static const char *const queries[] = {
        "SELECT study_name, number, state, value FROM trials JOIN studies USING (study_id) LEFT "
        "JOIN trial_values USING (trial_id) ORDER BY 1, 2",
        "SELECT cell, param_name, param_value, distribution_json FROM trial_params JOIN "
        "vkgrid_cells USING (trial_id) ORDER BY 1, 2",
        "SELECT cell, key, value_json FROM trial_user_attributes JOIN vkgrid_cells USING "
        "(trial_id) ORDER BY 1, 2",
        "SELECT cell, step, intermediate_value FROM trial_intermediate_values JOIN vkgrid_cells "
        "USING (trial_id) ORDER BY 1, 2",
        "SELECT cell, run, state, device, best_round, loss, dice, failure, kept_epoch FROM "
        "vkgrid_runs",
        "SELECT cell, run, epoch_index, round, epoch, lr, trn_bce, trn_dice, trn_loss, val_bce, "
        "val_dice, val_loss, best FROM vkgrid_epochs",
        "SELECT cell, run, epoch_index, hex(metrics) FROM vkgrid_step_metrics",
        "SELECT cell, run, epoch_index, labels, hex(counts) FROM vkgrid_overlaps",
        "SELECT cell, run, epochs_done FROM vkgrid_checkpoints",
    };
    assert_same_rows(a, b, queries, sizeof queries / sizeof *queries);
}

bool same_files(const char *a, const char *b)
{
    char *command = text_format("diff -r '%s' '%s'", a, b);
    const int status = system(command);
    free(command);
    return status == 0;
}

void expect_refusal(bool done, const char *message)
{
    assert_false(done);
    assert_error(message);
}
