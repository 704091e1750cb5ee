// SPDX-License-Identifier: MIT
// Studies of an older format: read as they are, brought to the format of today, gone on with; and
// formats that are refused.
//
//   migrate_test FORMAT2.SQL [FAILING_FILES.SO]
//
// FORMAT2.SQL is a study of format 2: a cell that is complete, one that is stopped after its first
// round, one that waits. With FAILING_FILES.SO a migration is killed at each of its operations.
#include "tests/study/fakes.h"
#include "tests/study/home.h"
#include "tests/study/study_case.h"
#include "tests/test.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/merge/merge.h"
#include "vkgrid/store/queries.h"
#include "vkgrid/store/store.h"

#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char *program, *format2, *failing_files;

static void change(const char *path, const char *sql)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", path, sqlite3_errmsg(db));
    sqlite3_close(db);
}

// old/study.db as a version of format 2 left it.
static int make_old(void **state)
{
    char *sql = contents(format2);
    (void)state;
    if (system("rm -rf old") != 0 || !folder_make("old"))
        return -1;
    change("old/study.db", "PRAGMA synchronous = OFF");
    change("old/study.db", sql);
    free(sql);
    return 0;
}

static int add_row(void *context, int count, char **values, char **names)
{
    (void)names;
    for (int i = 0; i < count; i++)
        text_add(context, "%s|", values[i] ? values[i] : "NULL");
    text_add(context, "\n");
    return 0;
}

// The text with one word for another; the caller frees it.
static char *replaced(const char *text, const char *word, const char *by)
{
    struct text result = {0};
    for (const char *next; (next = strstr(text, word)); text = next + strlen(word))
        text_add(&result, "%.*s%s", (int)(next - text), text, by);
    text_add(&result, "%s", text);
    return result.bytes;
}

// Every row of the study but its format, in words of today; the caller frees it.
static char *dump(const char *path, bool old)
{
    static const struct {
        const char *old, *now, *columns;
    } tables[] = {
        {"trials", "trials", "*"},
        {"trial_values", "trial_values", "*"},
        {"trial_user_attributes", "trial_user_attributes", "*"},
        {"trial_intermediate_values", "trial_intermediate_values", "*"},
        {"vkgrid_study WHERE key <> 'format'", "vkgrid_study WHERE key <> 'format'", "*"},
        {"vkgrid_datasets", "vkgrid_datasets", "key, fingerprint"},
        {"vkgrid_cells", "vkgrid_cells", "cell, trial_id, options"},
        {"vkgrid_runs", "vkgrid_runs",
         "cell, run, state, attempts, device, driver, best_round, loss, dice, seconds, failure"},
        {"vkgrid_epochs", "vkgrid_epochs", "*"},
        {"vkgrid_steps", "vkgrid_step_metrics", "*, hex(metrics)"},
        {"vkgrid_checkpoints", "vkgrid_checkpoints", "*"},
    };
    struct text text = {0};
    sqlite3 *db;
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++) {
        char *sql = text_format("SELECT %s FROM %s", tables[i].columns,
                                old ? tables[i].old : tables[i].now);
        if (sqlite3_exec(db, sql, add_row, &text, NULL) != SQLITE_OK)
            fail_msg("%s: %s", sql, sqlite3_errmsg(db));
        free(sql);
    }
    sqlite3_close(db);
    if (!old)
        return text.bytes;
    char *words = replaced(text.bytes, "\"step\":", "\"epochs_done\":"), // in checkpoints' JSON
        *now = replaced(words, " \"data\"|", "|");                       // in the keys of data
    free(text.bytes);
    free(words);
    return now;
}

static bool add_epoch(void *context, const struct view_epoch *row)
{
    text_add(context, "epoch %d %d %d %d %.17g %.17g %.17g %.17g\n", row->cell, row->run,
             row->epoch_index, row->round, row->val_dice, row->val_loss, row->trn_dice,
             row->trn_loss);
    return true;
}

static bool add_device(void *context, const struct view_device *row)
{
    text_add(context, "device %s %s %s %.17g %.17g\n", row->device, row->driver, row->task,
             row->epochs, row->seconds);
    return true;
}

static bool add_cell(void *context, const struct view_cell *row)
{
    text_add(context, "cell %d %s %s %.17g %.17g %.*s\n", row->cell, row->task_name, row->state,
             row->dice, row->loss, (int)row->options.size, row->options.bytes);
    return true;
}

static bool add_run(void *context, const struct view_run *row)
{
    text_add(context, "run %d %d %s %d %.17g %.17g\n", row->cell, row->run, row->state,
             row->attempts, row->dice, row->seconds);
    return true;
}

// What report and status are told; the caller frees it.
static char *told(const char *out)
{
    struct store_view *view;
    struct text text = {0};
    must(store_view_open(out, &view));
    assert_true(view_cells(view, add_cell, &text) && view_ranking(view, add_cell, &text) &&
                view_runs(view, add_run, &text) && view_epochs(view, add_epoch, &text) &&
                view_devices(view, add_device, &text));
    store_view_close(&view);
    return text.bytes;
}

static void migrate(void)
{
    struct store *store;
    must(store_open("old/study.db", &store));
    must(store_migrate(store));
    store_close(&store);
}

// A report of an old study tells the same as one of the migrated, and changes nothing.
static void test_read_as_it_is(void **state)
{
    (void)state;
    assert_int_equal(system("cp old/study.db before"), 0);
    char *old = told("old");
    assert_int_equal(system("cmp old/study.db before && test \"$(ls old)\" = study.db"), 0);
    assert_non_null(strstr(old, "epoch 0 0 3 1 0.69587785005569458 "));
    migrate();
    assert_int_not_equal(system("cmp -s old/study.db before"), 0);
    char *now = told("old");
    assert_string_equal(now, old);
    free(old);
    free(now);
}

static void test_same_values(void **state)
{
    (void)state;
    char *old = dump("old/study.db", true);
    migrate();
    char *now = dump("old/study.db", false);
    assert_string_equal(now, old);
    assert_int_equal(query("old/study.db", "SELECT value FROM vkgrid_study WHERE key = 'format'"),
                     STORE_FORMAT);
    // The best round is the first; its second epoch had the higher loss.
    assert_int_equal(query("old/study.db", "SELECT kept_epoch FROM vkgrid_runs WHERE cell = 0"), 0);
    assert_int_equal(query("old/study.db", "SELECT count(kept_epoch) FROM vkgrid_runs"), 1);
    migrate(); // which is nothing
    char *again = dump("old/study.db", false);
    assert_string_equal(again, old);
    free(old);
    free(now);
    free(again);
}

static bool take_checkpoint(void *context, int cell, int run, const struct run_state *state)
{
    assert_int_equal(cell, 1);
    assert_int_equal(run, 0);
    *(struct run_state *)context = *state;
    return true;
}

static bool count_steps(void *context, int run, int epoch_index, const struct epoch_result *epoch,
                        const float *metrics, int step_count)
{
    int *epochs = context;
    assert_int_equal(run, 0);
    assert_int_equal(epoch_index, *epochs);
    assert_int_equal(step_count, 1);
    assert_true((double)metrics[METRIC_LOSS] == epoch->training[METRIC_LOSS]);
    ++*epochs;
    return true;
}

static void test_checkpoint(void **state)
{
    struct store *store;
    struct run_state at = {0};
    int epochs = 0;
    const struct store_reader reader = {.context = &epochs, .epoch = count_steps};
    (void)state;
    assert_true(store_open("old/study.db", &store) && store_migrate(store));
    assert_true(store_checkpoints(store, take_checkpoint, &at));
    assert_int_equal(at.epochs_done, 2);
    assert_int_equal(at.best.epochs_done, 2);
    assert_true(at.best.hash == 0x802bd904db7c54ee && at.round_best.hash == at.best.hash);
    assert_int_equal(at.current.epochs_done, -1); // between two rounds
    assert_true(at.best_dice == 0.9952365756034851 && at.batches == 2);
    assert_true(store_read_cell(store, 1, &reader));
    assert_int_equal(epochs, 2);
    store_close(&store);
}

#define OLD_CELLS \
    "CREATE TABLE old_cells (cell INTEGER PRIMARY KEY, trial_id INTEGER NOT NULL UNIQUE, " \
    "options TEXT NOT NULL);" \
    "INSERT INTO old_cells SELECT cell, trial_id, options FROM vkgrid_cells;" \
    "DROP TABLE vkgrid_cells;" \
    "ALTER TABLE old_cells RENAME TO vkgrid_cells;"

#define TO_FORMAT_4 \
    OLD_CELLS \
    "UPDATE vkgrid_datasets SET key = key || ' \"data\"';" \
    "UPDATE vkgrid_study SET value = 4 WHERE key = 'format';"

#define TO_FORMAT_3 \
    TO_FORMAT_4 \
    "DROP TABLE vkgrid_overlaps;" \
    "ALTER TABLE vkgrid_runs DROP COLUMN kept_epoch;" \
    "ALTER TABLE vkgrid_datasets DROP COLUMN images;" \
    "DELETE FROM trial_user_attributes WHERE key IN ('kept', 'labels');" \
    "UPDATE vkgrid_study SET value = 3 WHERE key = 'format';"

// What a study of an older format cannot have.
static void drop_counts(const char *path)
{
    change(path,
           "DELETE FROM vkgrid_overlaps;"
           "DELETE FROM trial_user_attributes WHERE key IN ('kept', 'labels', 'over_runs')");
}

// A search that was stopped by a version of format 3. Which epochs' weights the runs have is known
// of all; the pixel counts of those that were kept before are not.
static void test_goes_on_from_3(void **state)
{
    const struct study_options options = {.keep = KEEP_BEST, .always = true};
    (void)state;
    assert_true(run(GRID_TEXT(""), "other", 4, options, NULL));
    fake.epochs = 0;
    fake.stop_epoch = 10; // some cells are finished
    assert_false(run(GRID_TEXT(""), "out", 2, options, NULL));
    fake.stop_epoch = 0;
    change("out/study.db", TO_FORMAT_3);
    fake.resumed = 0;
    must(run(GRID_TEXT(""), "out", 4, options, NULL));
    assert_true(fake.resumed > 0);
    const int64_t counts = query("out/study.db", "SELECT count(*) FROM vkgrid_overlaps");
    assert_true(counts > 0 && counts < 12);
    assert_int_equal(query("other/study.db", "SELECT count(*) FROM vkgrid_overlaps"), 12);
    assert_int_equal(query("out/study.db", "SELECT count(images) FROM vkgrid_datasets"),
                     query("other/study.db", "SELECT count(images) FROM vkgrid_datasets"));
    drop_counts("out/study.db");
    drop_counts("other/study.db");
    assert_same_study("out", "other");
    assert_true(same_files("out/cells", "other/cells"));
}

static int64_t data_sets(const char *where)
{
    char *sql = text_format("SELECT count(*) FROM vkgrid_datasets WHERE key %s", where);
    const int64_t count = query("out/study.db", sql);
    free(sql);
    return count;
}

// The folder of the data was a part of their keys, before what is normalised: it goes, but where
// the grid varies it. Data that changed are refused before anything is migrated.
static void test_goes_on_from_4(void **state)
{
    static const char known[] = "SELECT count(*) FROM vkgrid_datasets WHERE fingerprint = 'f00d'";
    const struct study_options options = {.keep = KEEP_BEST, .always = true};
    (void)state;
    assert_true(run(GRID_TEXT(", \"normalize\": \"zscore\""), "other", 4, options, NULL));
    fake.epochs = 0;
    fake.stop_epoch = 4;
    assert_false(run(GRID_TEXT(", \"normalize\": \"zscore\""), "out", 2, options, NULL));
    fake.stop_epoch = 0;
    change("out/study.db",
           "UPDATE vkgrid_datasets SET key = replace(key, '] \"zscore\"', '] \"data\" "
           "\"zscore\"'), images = fingerprint, fingerprint = 'f00d';" OLD_CELLS
           "UPDATE vkgrid_study SET value = 4 WHERE key = 'format'");
    const int64_t count = data_sets("LIKE '%\"data\" \"zscore\"'");
    assert_true(count > 0);
    assert_false(run(GRID_TEXT(", \"normalize\": \"zscore\""), "out", 4, options, NULL));
    assert_error("is not the data that the study began with");
    assert_int_equal(query("out/study.db", known), count);
    change("out/study.db", "UPDATE vkgrid_datasets SET fingerprint = images, images = NULL");
    must(run(GRID_TEXT(", \"normalize\": \"zscore\""), "out", 4, options, NULL));
    assert_int_equal(data_sets("LIKE '%data%'"), 0);
    assert_true(data_sets("LIKE '%] \"zscore\"'") >= count);
    assert_same_study("out", "other");
}

// Not of such a grid; nor is what no vkgrid wrote touched.
static void test_keys_that_stay(void **state)
{
    (void)state;
    change("old/study.db",
           "INSERT INTO vkgrid_datasets VALUES ('', '1'), ('data', '2'), (' {} [1] [] {', '3'), "
           "(' {} [1] [] []', '4'), (x'00ff', '5')");
    migrate();
    assert_int_equal(query("old/study.db", "SELECT count(*) FROM vkgrid_datasets"), 6);
    assert_int_equal(
        query("old/study.db", "SELECT count(*) FROM vkgrid_datasets WHERE key LIKE '%\"data\"%'"),
        0);
    assert_int_equal(make_old(state), 0);
    change("old/study.db",
           "UPDATE vkgrid_study SET value = json_set(value, '$.hyper.data_cache_path', 'x') WHERE "
           "key = 'grid'");
    migrate();
    assert_int_equal(
        query("old/study.db", "SELECT count(*) FROM vkgrid_datasets WHERE key LIKE '%] \"data\"'"),
        1);
}

// A search that was stopped by a version of format 2, as far as study.db is concerned.
static void test_goes_on(void **state)
{
    const struct study_options options = {.keep = KEEP_BEST, .always = true, .log_steps = true};
    (void)state;
    assert_true(run(GRID_TEXT(""), "other", 4, options, NULL));
    fake.epochs = 0;
    fake.stop_epoch = 4;
    assert_false(run(GRID_TEXT(""), "out", 4, options, NULL));
    fake.stop_epoch = 0;
    assert_true(query("out/study.db", "SELECT count(*) FROM vkgrid_checkpoints") > 0);
    change("out/study.db", TO_FORMAT_3
           "ALTER TABLE vkgrid_epochs RENAME COLUMN epoch_index TO step;"
           "ALTER TABLE vkgrid_step_metrics RENAME COLUMN epoch_index TO step;"
           "ALTER TABLE vkgrid_step_metrics RENAME TO vkgrid_steps;"
           "ALTER TABLE vkgrid_checkpoints RENAME COLUMN epochs_done TO step;"
           "UPDATE vkgrid_checkpoints SET state = replace(state, 'epochs_done', 'step');"
           "UPDATE vkgrid_study SET value = 2 WHERE key = 'format'");
    // One of other numerics stays what its version can go on with.
    change("out/study.db", "UPDATE vkgrid_study SET value = 1 WHERE key = 'numerics'");
    assert_int_equal(system("cp out/study.db before"), 0);
    assert_false(run(GRID_TEXT(""), "out", 4, options, NULL));
    assert_error("out: holds another study: numerics 2 instead of 1");
    assert_false(study_merge(
        &(struct merge_options){.folders = (const char *[]){"out"}, .count = 1, .out = "merged"},
        &(struct merge_result){0}));
    assert_error("out: is of an older version of vkgrid (numerics 1, this one has 2): merge");
    assert_int_equal(system("cmp out/study.db before"), 0);
    change("out/study.db", "DELETE FROM vkgrid_study WHERE key = 'numerics'"); // format 2 has none
    fake.resumed = 0;
    must(run(GRID_TEXT(""), "out", 4, options, NULL));
    assert_true(fake.resumed > 0);
    drop_counts("out/study.db");
    drop_counts("other/study.db");
    assert_same_study("out", "other");
    assert_true(same_files("out/cells", "other/cells"));
}

static void test_refused_formats(void **state)
{
    static const char *const formats[] = {"1", "6", "0", "999999999999", "'three'"};
    (void)state;
    for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++) {
        struct store *store;
        struct store_view *view;
        char *sql =
            text_format("UPDATE vkgrid_study SET value = %s WHERE key = 'format'", formats[i]);
        change("old/study.db", sql);
        free(sql);
        assert_int_equal(system("cp old/study.db before"), 0);
        assert_false(store_open("old/study.db", &store));
        assert_error("old/study.db: a study of format ");
        assert_null(store);
        assert_false(store_view_open("old", &view));
        assert_error("old/study.db: has format ");
        assert_null(view);
        assert_int_equal(system("cmp old/study.db before"), 0);
    }
}

// Opens old/study.db in another process that dies at that operation on a file below `old`. Whether
// it lived to its end.
static bool migrate_until(const char *crash, int operation)
{
    int status;
    char *root = realpath("old", NULL), *after = text_format("%d", operation);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        setenv("LD_PRELOAD", failing_files, 1);
        setenv("FAULT_ROOT", root, 1);
        setenv("FAULT_CRASH", crash, 1);
        setenv("FAULT_CRASH_AFTER", after, 1);
        setenv("FAULT_SEED", after, 1);
        setenv("ASAN_OPTIONS", "verify_asan_link_order=0:detect_leaks=0", 1);
        execl(program, program, "--migrate", (char *)NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    free(root);
    free(after);
    assert_true((WIFEXITED(status) && WEXITSTATUS(status) == 0) ||
                (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
    return WIFEXITED(status);
}

// A migration that is killed leaves the old study or the new one, and the next one ends it.
static void test_killed(void **state)
{
    static const char *const crashes[] = {"kill", "torn", "power"};
    if (!failing_files)
        SKIP_TEST("no failing_files.so");
    char *all = told("old"), *rows = dump("old/study.db", true);
    for (int i = 0; i < 3; i++) {
        int old = 0, now = 0;
        bool ended = false;
        for (int operation = 1; !ended; operation++) {
            assert_true(operation < 1000);
            make_old(state);
            ended = migrate_until(crashes[i], operation);
            char *after = told("old"); // undoes what is half done
            assert_string_equal(after, all);
            free(after);
            const int64_t format =
                query("old/study.db", "SELECT value FROM vkgrid_study WHERE key = 'format'");
            old += format == 2;
            now += format == STORE_FORMAT;
            assert_int_equal(old + now, operation);
            char *left = dump("old/study.db", format == 2);
            assert_string_equal(left, rows);
            free(left);
            migrate();
            char *migrated = dump("old/study.db", false);
            assert_string_equal(migrated, rows);
            free(migrated);
        }
        print_message("%s: %d times the old study, %d times the new one\n", crashes[i], old, now);
        assert_true(old >= 5 && now >= 1);
    }
    free(all);
    free(rows);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_read_as_it_is, make_old),
        cmocka_unit_test_setup(test_same_values, make_old),
        cmocka_unit_test_setup(test_checkpoint, make_old),
        cmocka_unit_test_setup(test_goes_on, setup),
        cmocka_unit_test_setup(test_goes_on_from_3, setup),
        cmocka_unit_test_setup(test_goes_on_from_4, setup),
        cmocka_unit_test_setup(test_keys_that_stay, make_old),
        cmocka_unit_test_setup(test_refused_formats, make_old),
        cmocka_unit_test_setup(test_killed, make_old),
    };
    if (argc == 2 && strcmp(argv[1], "--migrate") == 0) {
        struct store *store;
        const bool opened = store_open("old/study.db", &store) && store_migrate(store);
        store_close(&store);
        return !opened;
    }
    if (argc < 2) {
        fprintf(stderr, "usage: migrate_test FORMAT2.SQL [FAILING_FILES.SO]\n");
        return 2;
    }
    program = realpath("/proc/self/exe", NULL);
    format2 = realpath(argv[1], NULL);
    failing_files = argc > 2 ? realpath(argv[2], NULL) : NULL;
    const int failed = RUN_TESTS(tests, enter_home, leave_home);
    free(program);
    free(format2);
    free(failing_files);
    return failed;
}
