// SPDX-License-Identifier: MIT
// What test programs share: cmocka behind the headers that it needs, calls that must succeed, and
// tests that cannot run here. They print a line "skipped: REASON", and a program in which nothing
// ran ends with the status that meson reports as SKIP.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "vkgrid/base/error.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { SKIPPED = 77 }; // exit status

__attribute__((weak)) int skipped_tests; // weak: one for all files of a program

// Fails the test with the text of the error where a call has failed.
static inline void must(bool done)
{
    if (!done)
        fail_msg("%s", error_text());
}

// Fails the test unless the last error is one line that contains the text.
static inline void assert_error(const char *text)
{
    if (!strstr(error_text(), text) || strchr(error_text(), '\n'))
        fail_msg("the error is \"%s\", not one line with \"%s\"", error_text(), text);
}

// Ends a test that cannot run here; takes the reason as printf does.
#define SKIP_TEST(...) \
    do { \
        skip_reason(__VA_ARGS__); \
        skip(); \
    } while (0)

__attribute__((format(printf, 1, 2))) static inline void skip_reason(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    printf("skipped: ");
    vprintf(format, args);
    printf("\n");
    va_end(args);
    skipped_tests++;
}

// The exit status of a program with tests that may be skipped: like cmocka_run_group_tests(), but
// SKIPPED when all of them were.
#define RUN_TESTS(tests, setup, teardown) \
    tests_status(cmocka_run_group_tests(tests, setup, teardown), \
                 (int)(sizeof(tests) / sizeof((tests)[0])))

static inline int tests_status(int failed, int count)
{
    return failed == 0 && skipped_tests == count ? SKIPPED : failed;
}
