// SPDX-License-Identifier: MIT
// The files that the paper's notebook reads, of cells that no training made.
#include "tests/test.h"

#include "study/notebook.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#define OPTIONS(partition) \
    "{\"partition\": " partition \
    ", \"raters\": [], \"lr\": 0.00167, \"gamma\": 0.8, " \
    "\"bce_weight\": 0.67, \"batch_size\": 4, \"num_epochs\": 2, \"until\": 3, \"inputs\": " \
    "\"anat\", \"prediction\": \"area\", \"base_model\": \"resnet18\"}"

static void open_record(const char *options, struct record *record)
{
    struct cell cell;
    cJSON *json = NULL;
    must(json_parse(options, strlen(options), "options", &json));
    must(cell_from_options(json, "options", &cell));
    cJSON_Delete(json);
    cell.number = 12;
    cell_name(12, cell.name);
    record_open(record, &cell, "nowhere");
}

// A run of `epochs` epochs, two a round; its losses begin with `first` and fall.
static void add_run(struct record *record, int run, int epochs, double first,
                    enum trial_state state)
{
    for (int i = 0; i < epochs; i++) {
        const double loss = first - 0.01 * i;
        record_epoch(record, run,
                     &(struct epoch_result){.round = i / 2,
                                            .epoch = i % 2,
                                            .lr = 0.1,
                                            .training = {1, 2, 3},
                                            .validation = {4, loss, 6},
                                            .best = i % 2 == 0});
    }
    record_end(record, run, state, &(struct run_result){.failure = "its loss is not finite"});
}

// What the notebook makes of a log: its iterations' losses. Returns their number.
static int read_losses(const char *log, double losses[4])
{
    int count = 0;
    for (const char *line = log; *line; line = strchr(line, '\n') + 1) {
        const size_t size = (size_t)(strchr(line, '\n') - line);
        assert_true(strchr(line, '\n')); // the last line ends too
        if (strncmp(line, "Iteration", 9) == 0) {
            losses[count++] = 1e9;
        } else if (size > 0 && line[size - 1] == '*') {
            char copy[512], *rest = copy, *word = NULL;
            assert_true(size < sizeof(copy) && count > 0);
            memcpy(copy, line, size);
            copy[size] = 0;
            for (int i = 0; i < 10; i++)
                while ((word = strsep(&rest, " ")) && !*word) {
                }
            const double dice = strtod(word, NULL);
            losses[count - 1] = dice < losses[count - 1] ? dice : losses[count - 1];
        }
    }
    return count;
}

// Runs that did not get to their end leave neither an iteration nor a line with a star.
static void test_runs(void **state)
{
    struct record record;
    struct text log = {0};
    double losses[4];
    (void)state;
    open_record(OPTIONS("[[2, 1], [3]]"), &record);
    add_run(&record, 0, 6, 0.3, TRIAL_COMPLETE);
    add_run(&record, 1, 3, 0.1, TRIAL_FAIL);
    add_run(&record, 2, 6, 1. / 3, TRIAL_COMPLETE);
    notebook_log(&log, &record);
    assert_int_equal(read_losses(log.bytes, losses), 2);
    assert_true(losses[0] == 0.3 - 0.01 * 4); // to the bit
    assert_true(losses[1] == 1. / 3 - 0.01 * 4);
    assert_non_null(strstr(log.bytes, "\nRun 2 failed: it does not count"));
    assert_null(strstr(log.bytes, "Iteration 2"));
    assert_non_null(strstr(log.bytes, "Partition ID: 0x6\n"));
    free(log.bytes);
    record_close(&record);
}

static void test_no_run(void **state)
{
    struct record record;
    struct text log = {0};
    double losses[4];
    (void)state;
    open_record(OPTIONS("[[1], [3]]"), &record);
    add_run(&record, 0, 3, 0.3, TRIAL_PRUNED);
    add_run(&record, 1, 0, 0.1, TRIAL_FAIL);
    add_run(&record, 2, 1, 0.2, TRIAL_PRUNED);
    notebook_log(&log, &record);
    assert_int_equal(read_losses(log.bytes, losses), 0);
    free(log.bytes);
    record_close(&record);
}

// Python: hex(int(''.join('1' if training else '0' for subject in sorted(subjects)), 2)).
static void test_partition_id(void **state)
{
    static const struct {
        const char *options, *id;
    } cases[] = {
        {OPTIONS("[[1, 3, 10], [2]]"), "0xb\n"},                 // by value, not by text: 1 2 3 10
        {OPTIONS("[[\"1\", \"3\", \"10\"], [\"2\"]]"), "0xd\n"}, // 1 10 2 3
        {OPTIONS("[[9], [1, 2, 3, 4, 5, 6, 7, 8]]"), "0x1\n"},
        {OPTIONS("[[1], [2, 3, 4, 5, 6, 7, 8, 9]]"), "0x100\n"},
        {OPTIONS("[[1, 2, 3, 4, 5], [6]]"), "0x3e\n"},
        {OPTIONS("[[\"b\", \"B\", \"\xc3\xa9\"], [\"a\", \"z\"]]"), "0x15\n"}, // B a b z é
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct record record;
        struct text log = {0};
        open_record(cases[i].options, &record);
        add_run(&record, 0, 6, 0.3, TRIAL_COMPLETE);
        add_run(&record, 1, 6, 0.3, TRIAL_COMPLETE);
        add_run(&record, 2, 6, 0.3, TRIAL_COMPLETE);
        notebook_log(&log, &record);
        const char *found = strstr(log.bytes, "Partition ID: ");
        assert_non_null(found);
        if (strncmp(found + 14, cases[i].id, strlen(cases[i].id)) != 0)
            fail_msg("case %zu: %.20s, not %s", i, found + 14, cases[i].id);
        free(log.bytes);
        record_close(&record);
    }
}

static void test_options(void **state)
{
    struct record record;
    (void)state;
    open_record(OPTIONS("[[1], [3]]"), &record);
    cJSON *options = notebook_options(&record.cell);
    char *line = json_print_line(options);
    assert_string_equal(line,
                        "{\"model_key\": \"grid00012\", \"partition\": [[1], [3]], "
                        "\"pretrained\": false, \"multiproc\": false, \"until\": 3, "
                        "\"model_cache_path\": null, \"data_cache_path\": null, "
                        "\"base_model\": \"resnet18\", \"gamma\": 0.8, \"batch_size\": 4, "
                        "\"inputs\": \"anat\", \"prediction\": \"area\"}");
    free(line);
    cJSON_Delete(options);
    record_close(&record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_runs), cmocka_unit_test(test_no_run),
                                       cmocka_unit_test(test_partition_id),
                                       cmocka_unit_test(test_options)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
