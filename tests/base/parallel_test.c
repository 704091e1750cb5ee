// SPDX-License-Identifier: MIT
// Every piece of work is done once, whatever the number of threads.
#include "tests/test.h"
#include "vkgrid/base/parallel.h"

#include <pthread.h>
#include <stdatomic.h>

enum { MOST = 1000 };
static atomic_int done[MOST], at_once, most_at_once;

static void work(void *context, int i)
{
    const int now = atomic_fetch_add(&at_once, 1) + 1;
    if (now > atomic_load(&most_at_once))
        atomic_store(&most_at_once, now);
    atomic_fetch_add((atomic_int *)context + i, 1);
    atomic_fetch_sub(&at_once, 1);
}

static void each_once(void **state)
{
    static const int counts[] = {0, 1, 2, 7, MOST}, threads[] = {-1, 0, 1, 2, 3, 64};
    (void)state;
    for (size_t c = 0; c < sizeof(counts) / sizeof(*counts); c++) {
        for (size_t t = 0; t < sizeof(threads) / sizeof(*threads); t++) {
            for (int i = 0; i < MOST; i++)
                done[i] = 0;
            most_at_once = 0;
            parallel(threads[t], counts[c], work, done);
            for (int i = 0; i < MOST; i++)
                assert_int_equal(done[i], i < counts[c]);
            assert_true(most_at_once <= (threads[t] > 1 ? threads[t] : 1));
        }
    }
}

// Two pieces that wait for each other can only end when two threads are at work.
static pthread_barrier_t barrier;

static void wait_for_other(void *context, int i)
{
    (void)context;
    (void)i;
    pthread_barrier_wait(&barrier);
}

static void at_the_same_time(void **state)
{
    (void)state;
    pthread_barrier_init(&barrier, NULL, 2);
    parallel(2, 2, wait_for_other, NULL);
    pthread_barrier_destroy(&barrier);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_once),
                                       cmocka_unit_test(at_the_same_time)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
