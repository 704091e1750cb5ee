// SPDX-License-Identifier: MIT
// Pruning by hand-made curves, and beside Optuna's own pruners where they are at hand.
#include "tests/test.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/run/prune.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS = 12 };

// Flat curves at 1, 2, 3, ..., all complete.
static void flat_curves(struct prune_curve *curves, double (*values)[STEPS], int count)
{
    for (int i = 0; i < count; i++) {
        for (int step = 0; step < STEPS; step++)
            values[i][step] = i + 1;
        curves[i] = (struct prune_curve){.values = values[i], .steps = STEPS, .complete = true};
    }
}

static void test_median(void **state)
{
    struct prune_curve others[6];
    double values[6][STEPS], mine[STEPS] = {4, 4, 3.4, 9, 9};
    (void)state;
    flat_curves(others, values, 6);
    assert_false(prune_median(others, 4, mine, 5, STEPS)); // too few
    assert_false(prune_median(others, 6, mine, 3, STEPS)); // too early
    assert_false(prune_median(others, 6, mine, 4, STEPS)); // the best so far counts, 3.4
    assert_true(prune_median(others, 5, mine, 4, STEPS));  // beside 3
    mine[2] = 3.5;
    assert_false(prune_median(others, 6, mine, 4, STEPS)); // not above 3.5
    others[0].complete = false;
    assert_false(prune_median(others, 5, mine, 4, STEPS)); // four are complete
    assert_false(prune_median(others, 6, mine, 4, STEPS)); // 2 to 6: 4
    for (int i = 0; i < 6; i++)
        others[i].steps = 3;
    assert_false(prune_median(others, 6, mine, 4, STEPS)); // nothing to compare with
    for (int i = 0; i < 4; i++)
        mine[i] = NAN;
    assert_true(prune_median(others, 6, mine, 4, STEPS));
    assert_false(prune_median(NULL, 0, mine, 4, STEPS));
}

// 12 epochs: rungs at 1, 3 and 9.
static void test_asha(void **state)
{
    struct prune_curve others[6];
    double values[6][STEPS], mine[STEPS] = {9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9};
    (void)state;
    flat_curves(others, values, 6);
    for (int steps = 1; steps <= STEPS; steps++)
        assert_int_equal(prune_asha(others, 6, mine, steps, STEPS),
                         steps == 2 || steps == 4 || steps == 10);
    mine[3] = 2; // seven have reached it: the two lowest go on
    assert_false(prune_asha(others, 6, mine, 4, STEPS));
    mine[3] = 2.1;
    assert_true(prune_asha(others, 6, mine, 4, STEPS));
    others[0].complete = others[1].complete = false; // the pruned ones count too
    assert_true(prune_asha(others, 6, mine, 4, STEPS));
    others[0].steps = 3; // but not those that were stopped before
    others[1].steps = 3;
    assert_false(prune_asha(others, 6, mine, 4, STEPS));
    assert_false(prune_asha(NULL, 0, mine, 4, STEPS)); // alone
    mine[3] = NAN;
    assert_true(prune_asha(NULL, 0, mine, 4, STEPS));
    assert_false(prune_asha(others, 6, mine, 0, STEPS));
}

static void test_names(void **state)
{
    enum prune prune;
    (void)state;
    for (int i = PRUNE_NONE; i <= PRUNE_ASHA; i++) {
        assert_true(prune_parse(prune_name((enum prune)i), &prune));
        assert_int_equal(prune, i);
    }
    assert_false(prune_parse("hyperband", &prune));
}

// What Optuna has decided so far in one study.
struct replay {
    bool asha;
    int epochs, count, steps, decisions, pruned;
    struct prune_curve others[32];
    double values[33][64];
};

static void replay_line(struct replay *replay, const char *line)
{
    char word[32], number[64];
    int decision;
    double *mine = replay->values[replay->count];
    if (sscanf(line, "study %31s %d", word, &replay->epochs) == 2) {
        replay->asha = strcmp(word, "asha") == 0;
        replay->count = replay->steps = 0;
    } else if (sscanf(line, "value %63s %d", number, &decision) == 2) {
        mine[replay->steps++] = strtod(number, NULL);
        const bool mine_decision = (replay->asha ? prune_asha : prune_median)(
            replay->others, replay->count, mine, replay->steps, replay->epochs);
        if (mine_decision != decision)
            fail_msg("%s of %d epochs, trial %d, step %d: Optuna says %d",
                     replay->asha ? "asha" : "median", replay->epochs, replay->count,
                     replay->steps - 1, decision);
        replay->decisions++;
        replay->pruned += decision;
    } else if (sscanf(line, "end %31s", word) == 1) {
        replay->others[replay->count++] = (struct prune_curve){
            .values = mine, .steps = replay->steps, .complete = strcmp(word, "COMPLETE") == 0};
        replay->steps = 0;
    } else {
        fail_msg("the oracle says: %s", line);
    }
}

static void test_beside_optuna(void **state)
{
    const char *python = getenv("VKGRID_OPTUNA") ? getenv("VKGRID_OPTUNA") : "python3";
    static struct replay replay;
    char line[256];
    (void)state;
    char *probe = text_format("%s -c 'import optuna' 2>/dev/null", python);
    const bool there = system(probe) == 0;
    free(probe);
    if (!there)
        SKIP_TEST("%s has no optuna (VKGRID_OPTUNA names a command that runs a Python with it)",
                  python);
    char *command = text_format("%s - < '%s/prune_oracle.py'", python, TEST_SOURCE);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    while (fgets(line, sizeof(line), pipe))
        replay_line(&replay, line);
    assert_int_equal(pclose(pipe), 0);
    print_message("%d decisions, %d to prune\n", replay.decisions, replay.pruned);
    assert_true(replay.decisions > 2000 && replay.pruned > 50);
    free(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_median),
        cmocka_unit_test(test_asha),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_beside_optuna),
    };
    return RUN_TESTS(tests, NULL, NULL);
}
