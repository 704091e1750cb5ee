// SPDX-License-Identifier: MIT
// Shares of a study: every cell once, equal work, few groups cut; how they are named.
#include "tests/test.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/run/shard.h"
#include "vkgrid/run/groups.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Groups of so many cells each, of the work of one cell; cells are dealt out to groups in turn, as
// in a grid.
static struct groups make_groups(const int *counts, const double *work, int count)
{
    struct groups groups = {.items = mem_zalloc((size_t)count, sizeof(*groups.items)),
                            .count = count};
    int dealt = 1;
    for (int i = 0; i < count; i++)
        groups.items[i].cells = mem_alloc(sizeof(int) * (size_t)counts[i]);
    for (int round = 0; dealt; round++) {
        dealt = 0;
        for (int i = 0; i < count; i++) {
            if (round < counts[i]) {
                struct group *group = &groups.items[i];
                group->cells[group->cell_count++] = groups.cell_count++;
                group->work += work[i];
                dealt++;
            }
        }
    }
    return groups;
}

static double cell_work(const struct groups *groups, int cell, int *in)
{
    for (int i = 0; i < groups->count; i++) {
        for (int j = 0; j < groups->items[i].cell_count; j++) {
            if (groups->items[i].cells[j] == cell) {
                *in = i;
                return groups->items[i].work / groups->items[i].cell_count;
            }
        }
    }
    fail_msg("cell %d is in no group", cell);
    return 0;
}

static void check_shards(const struct groups *groups, int shards)
{
    int *cells = mem_alloc(sizeof(int) * (size_t)groups->cell_count), pieces = 0, all = 0;
    char *seen = mem_zalloc((size_t)groups->cell_count, 1);
    double total = 0, largest = 0;
    for (int i = 0; i < groups->count; i++) {
        total += groups->items[i].work;
        largest = fmax(largest, groups->items[i].work / groups->items[i].cell_count);
    }
    for (int shard = 0; shard < shards; shard++) {
        int count, group = -1;
        double work = 0;
        char *in_group = mem_zalloc((size_t)groups->count, 1);
        shard_cells(groups, shard, shards, cells, &count);
        for (int i = 0; i < count; i++) {
            assert_false(seen[cells[i]]);
            assert_true(i == 0 || cells[i] > cells[i - 1]);
            seen[cells[i]] = 1;
            work += cell_work(groups, cells[i], &group);
            pieces += !in_group[group];
            in_group[group] = 1;
        }
        all += count;
        free(in_group);
        assert_true(fabs(work - total / shards) <= largest * (1 + 1e-9));
    }
    assert_int_equal(all, groups->cell_count);
    assert_true(pieces - groups->count <= shards - 1);
    free(seen);
    free(cells);
}

static void test_shares(void **state)
{
    static const int counts[] = {7, 1, 30, 12};
    static const double work[] = {1, 55, 2.5, 0.3};
    struct groups groups = make_groups(counts, work, 4);
    (void)state;
    for (int shards = 1; shards <= 60; shards++)
        check_shards(&groups, shards);
    groups_free(&groups);
}

static void test_published_grid(void **state)
{
    struct grid *grid;
    struct groups groups;
    int all[1800];
    (void)state;
    assert_true(grid_read(TEST_SOURCE "/../../assets/benson2025-grid.json", NULL, &grid));
    for (int i = 0; i < 1800; i++)
        all[i] = i;
    assert_true(groups_make(grid, all, 1800, &groups));
    for (int shards = 1; shards <= 100; shards += 7)
        check_shards(&groups, shards);
    groups_free(&groups);
    grid_free(&grid);
}

static void test_names(void **state)
{
    static const char *const bad[] = {
        "",     "1",   "4/4", "5/4", "-1/4", "+1/4",  "1/",    "/4",      "1/4 ",
        " 1/4", "a/b", "1/0", "0/0", "1//4", "0x1/4", "1/4/5", "0/10001", "0/99999999999999999999"};
    int shard, shards;
    (void)state;
    assert_true(shard_parse("0/1", &shard, &shards));
    assert_true(shard_parse("3/10000", &shard, &shards));
    assert_int_equal(shard, 3);
    assert_int_equal(shards, 10000);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        char *message = text_format(
            "--shard: is \"%s\": K/N with 0 <= K < N <= 10000 is allowed, such as 0/4", bad[i]);
        assert_false(shard_parse(bad[i], &shard, &shards));
        assert_string_equal(error_text(), message);
        free(message);
    }
}

static void clear_environment(void)
{
    static const char *const names[] = {
        "VKGRID_SHARDS",           "SLURM_ARRAY_TASK_ID",  "SLURM_ARRAY_TASK_COUNT",
        "SLURM_ARRAY_TASK_MIN",    "SLURM_ARRAY_TASK_MAX", "SLURM_ARRAY_TASK_STEP",
        "JOB_COMPLETION_INDEX",    "JOB_COMPLETIONS",      "AWS_BATCH_JOB_ARRAY_INDEX",
        "AWS_BATCH_JOB_ARRAY_SIZE"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        unsetenv(names[i]);
}

static void test_environment(void **state)
{
    static const struct {
        const char *variables; // "NAME=VALUE NAME=VALUE"
        int shard, shards;     // 0: none
        const char *message;   // or why it is refused
    } cases[] = {
        {"", 0, 0, NULL},
        {"VKGRID_SHARDS=4", 0, 0, NULL},
        {"SLURM_ARRAY_TASK_ID=3 SLURM_ARRAY_TASK_COUNT=10", 3, 10, NULL},
        {"SLURM_ARRAY_TASK_ID=3 SLURM_ARRAY_TASK_MIN=1 SLURM_ARRAY_TASK_MAX=3 "
         "SLURM_ARRAY_TASK_STEP=1 SLURM_ARRAY_TASK_COUNT=3 JOB_COMPLETION_INDEX=0",
         2, 3, NULL},
        {"SLURM_ARRAY_TASK_ID=3 SLURM_ARRAY_TASK_MIN=3 SLURM_ARRAY_TASK_COUNT=1 VKGRID_SHARDS=8", 3,
         8, NULL},
        {"JOB_COMPLETION_INDEX=1 VKGRID_SHARDS=4", 1, 4, NULL},
        {"JOB_COMPLETION_INDEX=1 JOB_COMPLETIONS=5", 1, 5, NULL},
        {"AWS_BATCH_JOB_ARRAY_INDEX=2 AWS_BATCH_JOB_ARRAY_SIZE=3", 2, 3, NULL},
        {"SLURM_ARRAY_TASK_ID=x SLURM_ARRAY_TASK_COUNT=10", 0, 0,
         "SLURM_ARRAY_TASK_ID: is \"x\": a whole number from 0 to 2147483647 is allowed"},
        {"SLURM_ARRAY_TASK_ID=0 SLURM_ARRAY_TASK_COUNT=99999", 0, 0,
         "SLURM_ARRAY_TASK_COUNT: is \"99999\": a whole number from 0 to 10000 is allowed"},
        {"SLURM_ARRAY_TASK_ID=0 SLURM_ARRAY_TASK_MIN=0 SLURM_ARRAY_TASK_MAX=4 "
         "SLURM_ARRAY_TASK_STEP=2 SLURM_ARRAY_TASK_COUNT=3",
         0, 0,
         "SLURM_ARRAY_TASK_ID: 3 tasks from 0 to 4: a range without gaps is allowed, such as "
         "--array=0-9; or VKGRID_SHARDS says how many shares there are"},
        {"SLURM_ARRAY_TASK_ID=5 SLURM_ARRAY_TASK_COUNT=3", 0, 0,
         "SLURM_ARRAY_TASK_ID: is 5: a whole number from 0 to 2 is allowed by "
         "SLURM_ARRAY_TASK_COUNT"},
        {"JOB_COMPLETION_INDEX=4 VKGRID_SHARDS=4", 0, 0,
         "JOB_COMPLETION_INDEX: is 4: a whole number from 0 to 3 is allowed by VKGRID_SHARDS"},
        {"JOB_COMPLETION_INDEX=1", 0, 0,
         "JOB_COMPLETION_INDEX is set, JOB_COMPLETIONS is not: VKGRID_SHARDS must say how many "
         "shares there are"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char *variables = text_copy(cases[i].variables), *rest = NULL;
        int shard = 0, shards = 0;
        const char *source = NULL;
        clear_environment();
        for (char *word = strtok_r(variables, " ", &rest); word;
             word = strtok_r(NULL, " ", &rest)) {
            char *equals = strchr(word, '=');
            *equals = 0;
            setenv(word, equals + 1, true);
        }
        const bool good = shard_from_environment(&shard, &shards, &source);
        if (cases[i].message) {
            assert_false(good);
            assert_string_equal(error_text(), cases[i].message);
        } else {
            assert_true(good);
            assert_int_equal(shards, cases[i].shards);
            if (shards) {
                assert_int_equal(shard, cases[i].shard);
                assert_memory_equal(cases[i].variables, source, strlen(source));
            }
        }
        free(variables);
    }
    clear_environment();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shares),
        cmocka_unit_test(test_published_grid),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_environment),
    };
    return RUN_TESTS(tests, NULL, NULL);
}
