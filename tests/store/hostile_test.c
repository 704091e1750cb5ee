// SPDX-License-Identifier: MIT
// A study.db that anybody may have written: a run goes back to its last checkpoint whatever numbers
// its cell's epochs have, and what is more than tables is refused.
#include "tests/formats/scratch.h"
#include "vkgrid/store/store.h"

#include <cjson/cJSON.h>
#include <sqlite3.h>
#include <unistd.h>

static const char *path;

// One cell of two runs, of which run r has done r + 2 epochs, of validation dice losses
// 0.1 * (epoch + 1) + r.
static void make_study(void)
{
    struct store *store;
    int64_t task;
    cJSON *values = cJSON_CreateObject();
    path = scratch_path("study.db");
    unlink(path);
    must(store_create(path, &store) && store_task(store, "task", &task) &&
         store_add_trial(store, task, 0, values, values, NULL, 0));
    for (int run = 0; run < 2; run++)
        for (int epoch = 0; epoch < run + 2; epoch++) {
            const struct epoch_result result = {
                .validation = {[METRIC_DICE] = 0.1 * (epoch + 1) + run}};
            must(store_put_epoch(store, 0, run, epoch, &result, NULL, 0));
        }
    must(store_commit(store));
    store_close(&store);
    cJSON_Delete(values);
}

static double query(const char *sql)
{
    sqlite3 *database;
    sqlite3_stmt *row;
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(database, sql, -1, &row, NULL), SQLITE_OK);
    const double value = sqlite3_step(row) == SQLITE_ROW ? sqlite3_column_double(row, 0) : -1;
    sqlite3_finalize(row);
    sqlite3_close(database);
    return value;
}

static void cut(int run, int epochs_done)
{
    struct store *store;
    must(store_open(path, &store) && store_begin(store) &&
         store_cut_run(store, 0, run, epochs_done) && store_commit(store));
    store_close(&store);
}

#define VALUES "SELECT count(*) FROM trial_intermediate_values"
#define VALUE_AT "SELECT intermediate_value FROM trial_intermediate_values WHERE step = "

// The values of the trial are those of the runs that are left.
static void values_of_the_others(void **state)
{
    (void)state;
    make_study();
    assert_true(query(VALUE_AT "1") == 0.2);
    cut(0, 1);
    assert_int_equal(query("SELECT count(*) FROM vkgrid_epochs WHERE run = 0"), 1);
    assert_int_equal(query(VALUES), 3);
    assert_true(query(VALUE_AT "0") == 0.1);
    assert_true(query(VALUE_AT "1") == 1.2);
    assert_true(query(VALUE_AT "2") == 0.1 * 3 + 1);
    cut(1, 0);
    assert_int_equal(query(VALUES), 1);
}

// A number of an epoch that nobody can have done costs no more than another.
static void any_number(void **state)
{
    (void)state;
    make_study();
    query(
        "UPDATE vkgrid_epochs SET epoch_index = 9223372036854775807 WHERE run = 1 AND "
        "epoch_index = 2");
    cut(0, 0);
    assert_int_equal(query(VALUES), 3);
    assert_true(query(VALUE_AT "9223372036854775807") == 0.1 * 3 + 1);
}

// What nobody but a stranger puts there, and what a query would never come back from.
static void refuses_views_and_triggers(void **state)
{
    static const char *const added[] = {
        "CREATE VIEW v AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i "
        "FROM n",
        "CREATE TRIGGER t AFTER INSERT ON vkgrid_epochs BEGIN DELETE FROM trials; END"};
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct store *store;
        make_study();
        query(added[i]);
        assert_false(store_open(path, &store));
        assert_error("study.db: not a study of vkgrid: it has views or triggers");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(values_of_the_others),
                                       cmocka_unit_test(any_number),
                                       cmocka_unit_test(refuses_views_and_triggers)};
    const int failed = cmocka_run_group_tests_name("hostile", tests, NULL, NULL);
    scratch_remove();
    return failed;
}
