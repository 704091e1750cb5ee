// SPDX-License-Identifier: MIT
// A long training takes no more memory and no more files than a short one: both are looked at after
// the second and after the fiftieth epoch of one training.
#include "tests/test.h"

#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/model/support.h"
#include "tests/train/training_case.h"

#define EARLY 2
#define LATE 50

// lavapipe turns over pages of 1 MiB for push constants, which leave up to three holes in the heap
// before they are reused (the same after 200 epochs): 6 MiB. One activation of the first layers
// kept in each of the 48 epochs would be 24 MiB.
#define GROWTH_LIMIT (6L << 20)

struct usage {
    long bytes; // resident
    int files;  // open descriptors
};

static struct engine *engine;
static struct usage early, late;

static struct usage usage_now(void)
{
    struct usage usage = {0};
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%*d %ld", &pages) != 1)
        fail_msg("/proc/self/statm cannot be read");
    fclose(file);
    usage.bytes = pages * sysconf(_SC_PAGESIZE);

    DIR *folder = opendir("/proc/self/fd");
    while (folder && readdir(folder))
        usage.files++;
    closedir(folder);
    return usage;
}

static bool on_epoch(void *context, int slot, const struct epoch_result *result)
{
    (void)context;
    (void)slot;
    if (result->epoch + 1 == EARLY)
        early = usage_now();
    if (result->epoch + 1 == LATE)
        late = usage_now();
    return true;
}

static void test_growth(void **state)
{
    (void)state;
    const struct train_events events = {.epoch = on_epoch};
    struct dataset *dataset = case_dataset(32, 32, 1, 1, 2, 1);
    struct train_run run = case_run(0.001, 2, LATE, 0);
    run.plan.count = 1;
    must(train_pack(engine, RESNET18, dataset, &run, 1, &events));
    dataset_free(&dataset);

    print_message("after %d epochs: %ld KiB, %d files; after %d: %ld KiB, %d files\n", EARLY,
                  early.bytes >> 10, early.files, LATE, late.bytes >> 10, late.files);
    assert_true(early.bytes > 0);
    assert_int_equal(late.files, early.files);
    assert_true(late.bytes - early.bytes <= GROWTH_LIMIT);
}

int main(int count, char **arguments)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (!(engine = test_engine(count > 1 ? arguments[1] : NULL)))
        return SKIPPED;
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_growth)};
    const int failed = cmocka_run_group_tests_name("growth", tests, NULL, NULL);
    engine_close(&engine);
    return failed;
}
