// SPDX-License-Identifier: MIT
// test.h: the exit status of programs whose tests are all, partly and not skipped.
#include "tests/test.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void passes(void **state)
{
    (void)state;
}

static void cannot_run(void **state)
{
    (void)state;
    SKIP_TEST("there is nothing here to try %s on", "it");
    fail_msg("a skipped test goes on");
}

static void has_no_luck(void **state)
{
    (void)state;
    must(error_set("no luck"));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(cannot_run), // 0, 1
    cmocka_unit_test(cannot_run),
    cmocka_unit_test(passes),      // 2
    cmocka_unit_test(has_no_luck), // 3
};

static int run(int first, int count)
{
    struct CMUnitTest some[4];
    memcpy(some, tests + first, sizeof some[0] * (size_t)count);
    return tests_status(_cmocka_run_group_tests("some", some, (size_t)count, NULL, NULL), count);
}

// In a process of its own, as a program; what it prints is of no interest.
static int status_of(int first, int count)
{
    int status = 0;
    fflush(stdout);
    const pid_t child = fork();
    if (child == 0) {
        if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr))
            _exit(100);
        _exit(run(first, count));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void test_status(void **state)
{
    (void)state;
    assert_int_equal(status_of(0, 1), SKIPPED);
    assert_int_equal(status_of(0, 2), SKIPPED);
    assert_int_equal(status_of(1, 2), 0); // one has run
    assert_int_equal(status_of(2, 1), 0);
    assert_int_equal(status_of(2, 2), 1);
    assert_int_equal(status_of(0, 4), 1);
}

int main(void)
{
    const struct CMUnitTest all[] = {cmocka_unit_test(test_status)};
    return RUN_TESTS(all, NULL, NULL);
}
