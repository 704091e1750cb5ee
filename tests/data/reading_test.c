// SPDX-License-Identifier: MIT
// Files are read by all processors: the data set is the same however many they are, so is the
// message, and what was found of a file serves other requests.
#include "tests/formats/scratch.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/base/random.h"
#include "vkgrid/data/dataset.h"
#include "vkgrid/data/summary.h"
#include "vkgrid/formats/image.h"

#include <stdlib.h>
#include <string.h>

enum { SAMPLES = 40, ROWS = 12, COLS = 10 };

static char names[SAMPLES][8];
static const char *training[SAMPLES], *validation[SAMPLES];

static void write_picture(const char *set, const char *folder, int sample, const uint8_t *pixels,
                          int rows)
{
    uint8_t *bytes;
    size_t size;
    must(png_pack(rows, COLS, 1, pixels, &bytes, &size));
    scratch_write(scratch_path("%s/%s/%s.png", set, folder, names[sample]), bytes, size);
    free(bytes);
}

// Pictures x and y; greys m, some of whose files are dark.
static struct dataset_request write_set(const char *set)
{
    static const char *const features[] = {"x", "y"}, *const labels[] = {"m"};
    static char folder[600];
    struct random random = random_stream(5, 0, 0, 0);
    uint8_t pixels[(ROWS + 1) * COLS];
    assert_true(folder_make(scratch_path("%s/x", set)) && folder_make(scratch_path("%s/y", set)) &&
                folder_make(scratch_path("%s/m", set)));
    for (int i = 0; i < SAMPLES; i++) {
        const int rows = ROWS + i % 2;
        snprintf(names[i], sizeof(names[i]), "s%02d", i);
        training[i] = names[i];
        validation[i] = names[i + SAMPLES * 3 / 4 < SAMPLES ? i + SAMPLES * 3 / 4 : i];
        for (int k = 0; k < 3; k++) {
            for (int p = 0; p < rows * COLS; p++)
                pixels[p] = (uint8_t)random_below(&random, k == 2 && i % 3 == 0 ? 5 : 256);
            write_picture(set, (const char *[]){"x", "y", "m"}[k], i, pixels, rows);
        }
    }
    strcpy(folder, scratch_path("%s", set));
    return (struct dataset_request){
        .folder = folder,
        .rows = 8,
        .cols = 8,
        .features = features,
        .feature_count = 2,
        .labels = labels,
        .label_count = 1,
        .training = training,
        .training_count = SAMPLES * 3 / 4,
        .validation = validation,
        .validation_count = SAMPLES / 4,
    };
}

static char *summaries(const struct dataset *dataset)
{
    struct text text = {0};
    for (int i = 0; i < 3; i++) {
        char *line = summary_text(dataset, &dataset->summaries[i]);
        text_add(&text, "%s\n", line);
        free(line);
    }
    return text.bytes;
}

static void is_the_same_by_any_number_of_threads(void **state)
{
    struct dataset *dataset;
    uint64_t first = 0;
    char *told = NULL;
    (void)state;
    const struct dataset_request request = write_set("threads");
    for (int threads = 1; threads <= 8; threads *= 2) {
        char number[8];
        snprintf(number, sizeof(number), "%d", threads);
        setenv("OMP_NUM_THREADS", number, 1);
        must(dataset_load(&request, &dataset));
        char *text = summaries(dataset);
        if (threads == 1) {
            first = dataset_fingerprint(dataset);
            told = text;
        } else {
            assert_true(dataset_fingerprint(dataset) == first);
            assert_string_equal(text, told);
            free(text);
        }
        dataset_free(&dataset);
    }
    free(told);
}

static void names_the_first_file_that_is_wrong(void **state)
{
    struct dataset *dataset;
    (void)state;
    const struct dataset_request request = write_set("wrong");
    for (int i = 7; i < SAMPLES; i += 5)
        scratch_write(scratch_path("wrong/y/%s.png", names[i]), "no picture", 10);
    setenv("OMP_NUM_THREADS", "8", 1);
    for (int i = 0; i < 20; i++) {
        assert_false(dataset_load(&request, &dataset));
        assert_error("wrong/y/s07.png: ");
        assert_null(dataset);
    }
}

// A file after it is found wrong first.
static void names_the_first_though_it_takes_longer(void **state)
{
    enum { SIDE = 1500 };
    struct dataset *dataset;
    uint8_t *pixels = mem_zalloc(SIDE, SIDE), *bytes;
    size_t size;
    (void)state;
    const struct dataset_request request = write_set("longer");
    must(png_pack(SIDE, SIDE, 1, pixels, &bytes, &size));
    scratch_write(scratch_path("longer/x/s01.png"), bytes, size);
    scratch_write(scratch_path("longer/y/s01.png"), "no picture", 10);
    scratch_write(scratch_path("longer/x/s02.png"), "no picture", 10);
    setenv("OMP_NUM_THREADS", "4", 1);
    for (int i = 0; i < 5; i++) {
        assert_false(dataset_load(&request, &dataset));
        assert_error("longer/y/s01.png: ");
    }
    free(bytes);
    free(pixels);
}

struct told {
    int calls, done, total;
};

static void take_progress(void *context, int done, int total)
{
    struct told *told = context;
    assert_true(done > told->done && done <= total);
    *told = (struct told){told->calls + 1, done, total};
}

static void tells_how_far_it_is(void **state)
{
    struct dataset *dataset;
    struct told told = {0};
    (void)state;
    struct dataset_request request = write_set("told");
    request.progress = take_progress;
    request.context = &told;
    must(dataset_load(&request, &dataset));
    assert_int_equal(told.calls, SAMPLES);
    assert_int_equal(told.done, 3 * SAMPLES);
    assert_int_equal(told.total, 3 * SAMPLES);
    dataset_free(&dataset);
}

static void checks_without_reading_twice(void **state)
{
    static const char *const others[] = {"y", "x"};
    struct dataset *dataset, *again;
    (void)state;
    struct dataset_request request = write_set("twice");
    request.check = true;
    request.files = dataset_files_new();
    must(dataset_load(&request, &dataset));
    assert_null(dataset->inputs);
    assert_null(dataset->targets);
    assert_int_equal(dataset->training_count, SAMPLES * 3 / 4);
    char *told = summaries(dataset);
    for (int i = 0; i < SAMPLES; i++)
        scratch_write(scratch_path("twice/x/%s.png", names[i]), "no picture", 10);
    request.features = others; // the same files for another request
    must(dataset_load(&request, &again));
    assert_float_equal(again->summaries[0].high, dataset->summaries[1].high, 0);
    assert_float_equal(again->summaries[1].nans, 0, 0);
    assert_int_equal(again->summaries[1].files, SAMPLES);
    dataset_free(&again);
    dataset_files_free(&request.files);
    assert_null(request.files);
    assert_false(dataset_load(&request, &again));
    assert_error("twice/x/s00.png: ");
    dataset_free(&dataset);
    free(told);
}

// What is read with its pixels sees the files as they are.
static void loads_what_is_there_now(void **state)
{
    struct dataset *dataset;
    (void)state;
    struct dataset_request request = write_set("now");
    request.files = dataset_files_new();
    request.check = true;
    must(dataset_load(&request, &dataset));
    dataset_free(&dataset);
    write_picture("now", "x", 0, (const uint8_t[(ROWS + 3) * COLS]){0}, ROWS + 3);
    request.check = false;
    assert_false(dataset_load(&request, &dataset));
    assert_error("now/");
    dataset_files_free(&request.files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_the_same_by_any_number_of_threads),
        cmocka_unit_test(names_the_first_file_that_is_wrong),
        cmocka_unit_test(names_the_first_though_it_takes_longer),
        cmocka_unit_test(tells_how_far_it_is),
        cmocka_unit_test(checks_without_reading_twice),
        cmocka_unit_test(loads_what_is_there_now),
    };
    const int failed = cmocka_run_group_tests_name("reading", tests, NULL, NULL);
    scratch_remove();
    return failed;
}
