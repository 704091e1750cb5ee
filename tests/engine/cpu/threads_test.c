// SPDX-License-Identifier: MIT
// A team that has all processors: each thread has one to itself while the team computes, and the
// caller has them all again afterwards. Who says otherwise is heard.
#include "engine/cpu/threads.h"
#include "tests/test.h"

#include <omp.h>
#include <pthread.h>
#include <stdlib.h>

static const char *const variables[] = {"OMP_WAIT_POLICY", "OMP_PROC_BIND", "OMP_PLACES",
                                        "GOMP_CPU_AFFINITY"};
static cpu_set_t all;
static int count;

static int begin(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++)
        unsetenv(variables[i]);
    if (sched_getaffinity(0, sizeof all, &all) != 0)
        return -1;
    count = CPU_COUNT(&all);
    omp_set_num_threads(count);
    omp_set_dynamic(0);
    return 0;
}

static void need_processors(void)
{
    if (count < 2 || kmp_get_blocktime)
        SKIP_TEST("one processor, or LLVM's OpenMP");
}

static cpu_set_t mask_here(void)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    sched_getaffinity(0, sizeof set, &set);
    return set;
}

static void *mask_there(void *set)
{
    *(cpu_set_t *)set = mask_here();
    return NULL;
}

static void test_one_each(void **state)
{
    (void)state;
    struct pins pins;
    cpu_set_t *masks = calloc((size_t)count, sizeof *masks), seen;
    need_processors();
    pins_find(&pins, count);
    assert_int_equal(pins.count, count);
    for (int round = 0; round < 2; round++) {
        int threads = 0;
        pins_set(&pins);
#pragma omp parallel reduction(+ : threads)
        {
            masks[omp_get_thread_num()] = mask_here();
            threads++;
        }
        pins_clear(&pins);
        assert_int_equal(threads, count);
        CPU_ZERO(&seen);
        for (int i = 0; i < count; i++) {
            assert_int_equal(CPU_COUNT(&masks[i]), 1);
            CPU_OR(&seen, &seen, &masks[i]);
        }
        assert_true(CPU_EQUAL(&seen, &all));
    }
    free(masks);
}

static void test_caller_is_free(void **state)
{
    (void)state;
    struct pins pins;
    pthread_t thread;
    need_processors();
    pins_find(&pins, count);
    pins_set(&pins);
    pins_clear(&pins);
    const cpu_set_t mine = mask_here();
    assert_true(CPU_EQUAL(&mine, &all));
    cpu_set_t theirs;
    assert_int_equal(pthread_create(&thread, NULL, mask_there, &theirs), 0);
    pthread_join(thread, NULL);
    assert_true(CPU_EQUAL(&theirs, &all));
}

static void test_none(void **state)
{
    (void)state;
    struct pins pins;
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++) {
        setenv(variables[i], "false", 1);
        pins_find(&pins, count);
        assert_int_equal(pins.count, 0);
        unsetenv(variables[i]);
    }
    pins_find(&pins, count + 1);
    assert_int_equal(pins.count, 0);
    pins_find(&pins, 1);
    assert_int_equal(pins.count, 0);
    pins_find(&pins, count > 2 ? count - 1 : 1);
    assert_int_equal(pins.count, 0);
    pins_set(&pins);
    const cpu_set_t mine = mask_here();
    assert_true(CPU_EQUAL(&mine, &all));
    pins_clear(&pins);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_each),
        cmocka_unit_test(test_caller_is_free),
        cmocka_unit_test(test_none),
    };
    return RUN_TESTS(tests, begin, NULL);
}
