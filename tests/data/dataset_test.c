// SPDX-License-Identifier: MIT
#include "tests/formats/scratch.h"
#include "vkgrid/data/dataset.h"
#include "vkgrid/data/summary.h"
#include "vkgrid/base/file.h"
#include "vkgrid/formats/image.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LIST(...) \
    (const char *const[]) \
    { \
        __VA_ARGS__ \
    }

// <set>/<feature>/<sample>.npy of 2 x 3.
static void write_array(const char *set, const char *file, const float *values)
{
    char path[600];
    strcpy(path, scratch_path("%s/%s.npy", set, file));
    *strrchr(path, '/') = 0;
    assert_true(folder_make(path));
    assert_true(npy_write(scratch_path("%s/%s.npy", set, file), 2, (const int[]){2, 3}, values));
}

// Features a and b, label l; samples s, t, u.
static void write_set(const char *set)
{
    static const char *const samples[] = {"s", "t", "u"};
    for (int i = 0; i < 3; i++) {
        const float base = 100 * (float)i, label = (float)i / 2;
        char name[20];
        snprintf(name, sizeof(name), "a/%s", samples[i]);
        write_array(set, name,
                    (const float[]){base, base + 1, base + 2, base + 3, base + 4, base + 5});
        name[0] = 'b';
        write_array(set, name, (const float[]){-base, NAN, -base, -base, -base, -base});
        name[0] = 'l';
        write_array(set, name, (const float[]){label, 0, 1, 0, 1, label});
    }
}

// Valid until the next call.
static struct dataset_request request_for(const char *set)
{
    static const char *const features[] = {"a", "b"}, *const labels[] = {"l"},
                             *const training[] = {"u", "s"}, *const validation[] = {"t"};
    static char folder[600];
    strcpy(folder, scratch_path("%s", set));
    return (struct dataset_request){
        .folder = folder,
        .rows = 2,
        .cols = 3,
        .features = features,
        .feature_count = 2,
        .labels = labels,
        .label_count = 1,
        .training = training,
        .training_count = 2,
        .validation = validation,
        .validation_count = 1,
    };
}

static void loads_channels_last(void **state)
{
    struct dataset *dataset;
    (void)state;
    write_set("good");
    struct dataset_request request = request_for("good");
    assert_true(dataset_load(&request, &dataset));
    assert_int_equal(dataset->count, 3);
    assert_int_equal(dataset->training_count, 2);
    assert_int_equal(dataset->left_out, 0);
    assert_int_equal(dataset->features, 2);
    assert_int_equal(dataset->labels, 1);
    static const char *const names[] = {"u", "s", "t"};
    static const float bases[] = {200, 0, 100}, labels[] = {1, 0, 0.5f};
    for (int n = 0; n < 3; n++) {
        assert_string_equal(dataset->names[n], names[n]);
        for (int i = 0; i < 6; i++) {
            assert_true(dataset->inputs[(n * 6 + i) * 2] == bases[n] + (float)i);
            assert_true(dataset->inputs[(n * 6 + i) * 2 + 1] ==
                        (i == 1 ? 0 : -bases[n])); // NaN becomes 0
        }
        assert_true(dataset->targets[n * 6] == labels[n] && dataset->targets[n * 6 + 2] == 1);
    }
    // Studies that exist know their data by it: it must stay what it was in the first version.
    assert_true(dataset_fingerprint(dataset) == 0xb901ebf9fa811ccf);
    dataset_free(&dataset);
    assert_null(dataset);
    dataset_free(&dataset);
}

static void loads_null_and_no_labels(void **state)
{
    struct dataset *dataset;
    (void)state;
    write_set("null");
    struct dataset_request request = request_for("null");
    request.features = LIST("null", "a");
    request.label_count = 0;
    request.validation_count = 0;
    assert_true(dataset_load(&request, &dataset));
    assert_int_equal(dataset->count, 2);
    assert_null(dataset->targets);
    assert_true(dataset->inputs[0] == 0 && dataset->inputs[1] == 200 && dataset->inputs[2] == 0);
    dataset_free(&dataset);
    request.feature_count = 1; // nothing to read at all: every sample is there
    assert_true(dataset_load(&request, &dataset));
    assert_int_equal(dataset->count, 2);
    dataset_free(&dataset);
}

static void resizes_and_clamps(void **state)
{
    struct dataset *dataset;
    (void)state;
    write_set("resized");
    write_array("resized", "l/u", (const float[]){1 + 5e-7f, -5e-7f, 1, 0, 1, 0});
    struct dataset_request request = request_for("resized");
    assert_true(dataset_load(&request, &dataset));
    assert_true(dataset->targets[0] == 1 && dataset->targets[1] == 0);
    dataset_free(&dataset);
    request.rows = 1;
    request.cols = 1;
    assert_true(dataset_load(&request, &dataset));
    // Rows weigh 1/2 each, columns 2/7, 3/7, 2/7.
    assert_float_equal(dataset->inputs[0], 202.5, 1e-4);
    assert_float_equal(dataset->targets[0], 0.5, 1e-6);
    dataset_free(&dataset);
    request.rows = 64;
    request.cols = 96;
    assert_true(dataset_load(&request, &dataset));
    for (int i = 0; i < 3 * 64 * 96; i++)
        assert_true(dataset->targets[i] >= 0 && dataset->targets[i] <= 1);
    dataset_free(&dataset);
}

static void leaves_out_targets_without_files(void **state)
{
    struct dataset *dataset;
    (void)state;
    write_set("left");
    struct dataset_request request = request_for("left");
    request.training = LIST("u", "absent", "s");
    request.training_count = 3;
    assert_true(dataset_load(&request, &dataset));
    assert_int_equal(dataset->count, 3);
    assert_int_equal(dataset->training_count, 2);
    assert_int_equal(dataset->left_out, 1);
    assert_string_equal(dataset->names[1], "s");
    assert_string_equal(dataset->left_out_names, "absent");
    dataset_free(&dataset);
    request.validation = LIST("nobody");
    assert_false(dataset_load(&request, &dataset));
    assert_error(
        "left: none of the 1 validation samples (nobody, ...) has any file there: its files "
        "are named as s.npy: a sample is <subject>, or with \"raters\" <rater>_<subject>");
    assert_null(dataset);
}

static void refused(const struct dataset_request *request, const char *error)
{
    struct dataset *dataset = (void *)1;
    assert_false(dataset_load(request, &dataset));
    assert_null(dataset);
    assert_error(error);
}

// The message names what was meant: another case, zeros, an accent in its other spelling.
static void names_the_nearest_file(void **state)
{
    static const char *const files[] = {"Sub-01", "J\u00fcrgen", "007", "t"};
    struct dataset *dataset;
    (void)state;
    for (int i = 0; i < 4; i++) {
        char name[40];
        for (int j = 0; j < 3; j++) {
            snprintf(name, sizeof(name), "%c/%s", "abl"[j], files[i]);
            write_array("nearest", name, (const float[]){0, 1, 0, 1, 0, 1});
        }
    }
    struct dataset_request request = request_for("nearest");
    request.training = LIST("t", "sub-01", "Ju\u0308rgen", "7", "xyz");
    request.training_count = 5;
    request.validation_count = 0;
    assert_true(dataset_load(&request, &dataset));
    assert_int_equal(dataset->left_out, 4);
    char *said = dataset_left_out(dataset);
    assert_string_equal(said,
                        "4 of 5 samples have no files and are left out: sub-01 (nearest: "
                        "Sub-01.npy), Ju\u0308rgen (nearest: J\u00fcrgen.npy), 7 (nearest: "
                        "007.npy), ...");
    free(said);
    dataset_free(&dataset);
}

static void reads_extensions_in_any_case(void **state)
{
    struct dataset *dataset;
    (void)state;
    write_set("case");
    struct dataset_request request = request_for("case");
    assert_int_equal(rename(scratch_path("case/a/s.npy"), scratch_path("case/a/s.NPY.tmp")), 0);
    assert_int_equal(rename(scratch_path("case/a/s.NPY.tmp"), scratch_path("case/a/s.NPY")), 0);
    assert_true(dataset_load(&request, &dataset));
    assert_int_equal(dataset->count, 3);
    dataset_free(&dataset);
    unlink(scratch_path("case/a/s.NPY"));
    assert_int_equal(symlink("nowhere.npy", scratch_path("case/a/s.npy")), 0);
    refused(&request, "case/a/s.npy: is a link to nowhere.npy, which is not there");
}

static void names_what_is_missing(void **state)
{
    (void)state;
    write_set("missing");
    struct dataset_request request = request_for("missing");
    unlink(scratch_path("missing/b/t.npy"));
    refused(
        &request,
        "missing/b/t{.npy,.png,.pt,.tif,.jpg,.mgz,.nii}: is missing, but the sample has 2 of its 3 files");
    request.features = LIST("a", "c");
    refused(&request, "missing/c: no such folder");
    request.labels = LIST("d");
    request.feature_count = 1;
    refused(&request, "missing/d: no such folder");
    request.folder = scratch_path("nowhere");
    refused(&request, "nowhere: no such folder: the data set is wanted there");
}

static void names_files_that_are_wrong(void **state)
{
    (void)state;
    write_set("wrong");
    struct dataset_request request = request_for("wrong");
    const float good[] = {0, 1, 0, 1, 0, 1};
    write_array("wrong", "l/s", (const float[]){0, 1, 0, 0, 1.00001f, 0});
    refused(&request, "wrong/l/s.npy: 1.00001 at row 1, column 1: a label is within 0..1");
    write_array("wrong", "l/s", (const float[]){0, 1, -255, 0, 1, 0});
    refused(&request, "wrong/l/s.npy: -255 at row 0, column 2");
    write_array("wrong", "l/s", good);
    write_array("wrong", "a/s", (const float[]){0, 1, 2, 3, 4, -INFINITY});
    refused(&request, "wrong/a/s.npy: -inf at row 1, column 2: a feature is finite");
    assert_true(npy_write(scratch_path("wrong/a/s.npy"), 2, (const int[]){3, 2}, good));
    refused(&request, "wrong/b/s.npy: 2 x 3, but the other arrays of the sample are 3 x 2");
    scratch_write(scratch_path("wrong/a/s.npy"), "\x93NUM", 4);
    refused(&request, "wrong/a/s.npy: not a .npy file");
    write_array("wrong", "a/s", good);
    assert_true(
        png_write(scratch_path("wrong/a/s.png"), 2, 3, 1, (const uint8_t[]){0, 1, 2, 3, 4, 5}));
    refused(&request, "wrong/a/s.png: ");
    assert_error("wrong/a/s.npy is there too");
    unlink(scratch_path("wrong/a/s.npy"));
    struct dataset *dataset;
    assert_true(dataset_load(&request, &dataset));
    assert_float_equal(dataset->inputs[(6 + 5) * 2], 5 / 255.f, 1e-7);
    dataset_free(&dataset);
}

// <set>/<folder>/<sample>.png of 2 x 3, 8 bits.
static void write_png(const char *set, const char *file, const uint8_t *pixels)
{
    char path[600];
    strcpy(path, scratch_path("%s/%s.png", set, file));
    *strrchr(path, '/') = 0;
    assert_true(folder_make(path));
    assert_true(png_write(scratch_path("%s/%s.png", set, file), 2, 3, 1, pixels));
}

// A label m of three samples: u and s for training, t for validation.
static struct dataset_request request_masks(const char *set, const uint8_t u[6], const uint8_t s[6],
                                            const uint8_t t[6])
{
    write_set(set);
    write_png(set, "m/u", u);
    write_png(set, "m/s", s);
    write_png(set, "m/t", t);
    struct dataset_request request = request_for(set);
    static const char *const labels[] = {"m"};
    request.labels = labels;
    return request;
}

static void assert_targets(const struct dataset_request *request, const float *wanted)
{
    struct dataset *dataset;
    must(dataset_load(request, &dataset));
    for (int i = 0; i < 18; i++)
        assert_true(dataset->targets[i] == wanted[i]);
    dataset_free(&dataset);
}

static void knows_masks(void **state)
{
    static const float wanted[] = {0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1};
    struct dataset_request request =
        request_masks("ones", (const uint8_t[]){0, 1, 1, 0, 0, 0}, (const uint8_t[6]){0},
                      (const uint8_t[]){1, 1, 1, 1, 1, 1});
    (void)state;
    assert_targets(&request, wanted);
    request = request_masks("full", (const uint8_t[]){0, 255, 255, 0, 0, 0}, (const uint8_t[6]){0},
                            (const uint8_t[]){255, 255, 255, 255, 255, 255});
    assert_targets(&request, wanted);
    request.labels = LIST("m=255"); // a class like any other
    assert_targets(&request, wanted);
    request = request_masks("both", (const uint8_t[]){0, 1, 1, 0, 0, 0}, (const uint8_t[6]){0},
                            (const uint8_t[]){255, 0, 0, 0, 0, 0});
    refused(&request, "m/u.png has the values 0 and 1, but ");
    assert_error("m/t.png is of the other kind of mask");
}

// A file of nothing but 0 and 1 beside greys would be 0 and 1/255, or 1 where that is meant.
static void knows_greys(void **state)
{
    struct dataset_request request =
        request_masks("grey", (const uint8_t[]){0, 2, 1, 0, 0, 0}, (const uint8_t[6]){200, 3, 255},
                      (const uint8_t[6]){51});
    float wanted[18] = {0, 2 / 255.f, 1 / 255.f, 0, 0, 0, 200 / 255.f, 3 / 255.f, 1};
    (void)state;
    wanted[12] = 51 / 255.f;
    assert_targets(&request, wanted);
    request = request_masks("grey", (const uint8_t[]){0, 1, 1, 0, 0, 0},
                            (const uint8_t[6]){0, 1, 0, 1}, (const uint8_t[6]){0, 128, 255});
    refused(&request, "grey/m: ");
    assert_error("m/u.png has nothing but 0 and 1, but ");
    assert_error(
        "m/t.png has greys up to 255: beside them 1 would be next to nothing: save it as 0 "
        "and 255 if it is a mask, as 0 if it is not");
    request.check = true;
    refused(&request, "m/u.png has nothing but 0 and 1");
}

// A label of one pixel in 64 is gone at 1/8 of the sides, whether pixels are loaded or not.
static void knows_what_resizing_leaves(void **state)
{
    static uint8_t dot[64 * 64];
    struct dataset *dataset;
    (void)state;
    dot[64 * 20 + 20] = 255;
    write_set("dot");
    assert_true(folder_make(scratch_path("dot/m")) && folder_make(scratch_path("dot/x")));
    for (int i = 0; i < 3; i++) {
        assert_true(png_write(scratch_path("dot/m/%c.png", "stu"[i]), 64, 64, 1, dot));
        assert_true(png_write(scratch_path("dot/x/%c.png", "stu"[i]), 64, 64, 1, dot));
    }
    struct dataset_request request = request_for("dot");
    request.features = LIST("x");
    request.labels = LIST("m");
    request.feature_count = 1;
    request.files = dataset_files_new();
    for (int i = 0; i < 4; i++) { // in turn at its own size
        request.check = i < 2;
        request.rows = request.cols = i % 2 == 0 ? 8 : 64;
        must(dataset_load(&request, &dataset));
        assert_true(summary_check_labels(dataset) == (i % 2 == 1));
        if (i % 2 == 0)
            assert_error(
                "label m: reaches 0.5 in none of the 2 training samples once they are "
                "resized to 8x8 (at most 0.0");
        dataset_free(&dataset);
    }
    dataset_files_free(&request.files);
}

static char *load_summary(const struct dataset_request *request, int channel)
{
    struct dataset *dataset;
    must(dataset_load(request, &dataset));
    char *text = summary_text(dataset, &dataset->summaries[channel]);
    dataset_free(&dataset);
    return text;
}

static void warns_of_numbers_of_objects(void **state)
{
    uint8_t pixels[3][6];
    (void)state;
    for (int i = 0; i < 18; i++)
        pixels[i / 6][i % 6] = (uint8_t)(11 * i);
    struct dataset_request request = request_masks("objects", pixels[0], pixels[1], pixels[2]);
    char *text = load_summary(&request, 2);
    assert_string_equal(text,
                        "m: 3 files of 2x3, probabilities 0 to 0.733333 (whole numbers up to "
                        "187, taken as shares of 255: no numbers of objects), 33.3% of "
                        "pixels, in 1 of 3 samples");
    free(text);
    pixels[2][5] = 255; // greys
    request = request_masks("objects", pixels[0], pixels[1], pixels[2]);
    text = load_summary(&request, 2);
    assert_null(strstr(text, "objects)"));
    free(text);
}

static void warns_of_two_scales(void **state)
{
    (void)state;
    write_set("scales");
    struct dataset_request request = request_for("scales");
    unlink(scratch_path("scales/a/s.npy"));
    write_png("scales", "a/s", (const uint8_t[]){0, 1, 2, 3, 4, 255});
    char *text = load_summary(&request, 0);
    assert_string_equal(text,
                        "a: 3 files of 2x3, 0 to 205, of two scales: 1 as shares of their "
                        "type's range, 2 as stored");
    free(text);
    write_array("scales", "a/t", (const float[6]){0, 0.5f}); // within 0 to 1 as pictures are
    write_array("scales", "a/u", (const float[6]){0, 1});
    text = load_summary(&request, 0);
    assert_string_equal(text, "a: 3 files of 2x3, 0 to 1");
    free(text);
}

static void knows_classes(void **state)
{
    struct dataset_request request =
        request_masks("classes", (const uint8_t[]){0, 1, 2, 2, 1, 0}, (const uint8_t[6]){0},
                      (const uint8_t[6]){255, 2});
    (void)state;
    refused(&request,
            "classes/m/u.png: has the values 0, 1, 2, 255: a map of classes, of which a "
            "label names one: \"m=1\"");
    request.labels = LIST("m=2");
    assert_targets(&request, (const float[18]){[2] = 1, [3] = 1, [13] = 1});
    request.labels = LIST("m[0]=1");
    assert_targets(&request, (const float[18]){[1] = 1, [4] = 1});
    request.labels = LIST("m[1]=1");
    refused(&request, "classes/m/u.png: has no channel [1]: [0] to [0] are there");
    request.labels = LIST("m=65536");
    refused(&request, "source \"m=65536\": ");
    write_array("classes", "l/u", (const float[]){0, 3, 3, 1, 0, 0});
    request.labels = LIST("l");
    refused(&request, "classes/l/u.npy: has the values 0, 1, 3: a map of classes");
    request.labels = LIST("l=3");
    assert_targets(&request, (const float[18]){[1] = 1, [2] = 1});
    request.features = LIST("a", "b=1");
    refused(&request, "feature \"b=1\": only a label can be a class");
}

static void assert_summary(const struct dataset *dataset, int channel, const char *wanted)
{
    char *text = summary_text(dataset, &dataset->summaries[channel]);
    assert_string_equal(text, wanted);
    free(text);
}

static void tells_what_was_read(void **state)
{
    struct dataset *dataset;
    struct dataset_request request =
        request_masks("told", (const uint8_t[]){0, 255, 255, 0, 0, 0}, (const uint8_t[6]){0},
                      (const uint8_t[]){255, 0, 0, 0, 0, 0});
    (void)state;
    request.labels = LIST("m", "m=255", "l");
    request.label_count = 3;
    must(dataset_load(&request, &dataset));
    assert_summary(dataset, 0, "a: 3 files of 2x3, 0 to 205");
    assert_summary(dataset, 1, "b: 3 files of 2x3, -200 to 0, 16.7% NaN, which is read as 0");
    assert_summary(dataset, 2,
                   "m: 3 files of 2x3, masks of 0 and 255, 16.7% of pixels, in 2 of 3 samples");
    assert_summary(
        dataset, 3,
        "m=255: 3 files of 2x3, of the classes 0, 255, 16.7% of pixels, in 2 of 3 samples");
    assert_summary(dataset, 4,
                   "l: 3 files of 2x3, probabilities 0 to 1, 55.6% of pixels, in 3 of 3 samples");
    must(summary_check_labels(dataset));
    dataset_free(&dataset);
    request.labels = LIST("m", "m=254");
    request.label_count = 2;
    request.rows = 1;
    must(dataset_load(&request, &dataset));
    assert_summary(dataset, 0, "a: 3 files of 2x3, 0 to 205, resized to 1x3");
    assert_false(summary_check_labels(dataset));
    assert_error(
        "label m=254: reaches 0.5 in none of the 2 training samples (at most 0; its files have "
        "the values 0, 255)");
    dataset_free(&dataset);
}

// Two features are channels of one file, which is read once.
static void reads_channels(void **state)
{
    static const uint8_t pixels[] = {51, 102, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255};
    struct dataset *dataset;
    (void)state;
    write_set("channels");
    assert_true(folder_make(scratch_path("channels/photo")));
    for (int i = 0; i < 3; i++)
        assert_true(png_write(scratch_path("channels/photo/%c.png", "stu"[i]), 2, 3, 3, pixels));
    struct dataset_request request = request_for("channels");
    request.features = LIST("photo[1]", "photo[0]");
    must(dataset_load(&request, &dataset));
    assert_true(dataset->inputs[0] == 102 / 255.f && dataset->inputs[1] == 51 / 255.f);
    dataset_free(&dataset);
    request.features = LIST("photo", "a");
    refused(&request, "channels/photo/u.png: a colour image: \"photo[0]\" to \"photo[2]\"");
}

static void refuses_wrong_requests(void **state)
{
    (void)state;
    write_set("request");
    const struct dataset_request good = request_for("request");
    struct dataset_request request = good;
    request.validation = LIST("s");
    refused(&request, "sample s: is in the partition twice");
    request = good;
    request.training = LIST("u", "u");
    refused(&request, "sample u: is in the partition twice");
    request = good;
    request.training_count = request.validation_count = 0;
    refused(&request, "request: the partition has no sample");
    request = good;
    request.training = LIST("u", "../a/s");
    refused(&request, "sample \"../a/s\": a name that");
    request = good;
    request.features = LIST("a", "");
    refused(&request, "feature or label \"\": a name that");
    request = good;
    request.labels = LIST("null");
    refused(&request, "label null");
    request = good;
    request.rows = 0;
    refused(&request, "a size of 0 x 3");
    request = good;
    request.rows = request.cols = 2000000000;
    refused(&request, "no memory for 3 samples of 2000000000 x 2000000000");
}

static void lists_targets(void **state)
{
    char **names;
    int count;
    (void)state;
    write_set("list");
    scratch_write(scratch_path("list/a/README.txt"), "", 0);
    scratch_write(scratch_path("list/a/.hidden.npy"), "", 0);
    scratch_write(scratch_path("list/a/.npy"), "", 0);
    scratch_write(scratch_path("list/a/r.s.pt"), "", 0);
    assert_true(folder_make(scratch_path("list/a/folder.png")));
    assert_true(dataset_list(scratch_path("list"), "a", &names, &count));
    assert_int_equal(count, 4);
    static const char *const wanted[] = {"r.s", "s", "t", "u"};
    for (int i = 0; i < 4; i++) {
        assert_string_equal(names[i], wanted[i]);
        free(names[i]);
    }
    free(names);
    scratch_write(scratch_path("list/a/t.png"), "", 0);
    assert_false(dataset_list(scratch_path("list"), "a", &names, &count));
    assert_error("list/a/t.npy is there too: one file for a sample is wanted");
    assert_false(dataset_list(scratch_path("list"), "z", &names, &count));
    assert_error("list/z: no folder that can be read: No such file or directory");
    assert_false(dataset_list(scratch_path("list"), "..", &names, &count));
    assert_error("feature \"..\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loads_channels_last),
        cmocka_unit_test(loads_null_and_no_labels),
        cmocka_unit_test(resizes_and_clamps),
        cmocka_unit_test(leaves_out_targets_without_files),
        cmocka_unit_test(names_the_nearest_file),
        cmocka_unit_test(reads_extensions_in_any_case),
        cmocka_unit_test(names_what_is_missing),
        cmocka_unit_test(names_files_that_are_wrong),
        cmocka_unit_test(knows_masks),
        cmocka_unit_test(knows_greys),
        cmocka_unit_test(knows_what_resizing_leaves),
        cmocka_unit_test(warns_of_numbers_of_objects),
        cmocka_unit_test(warns_of_two_scales),
        cmocka_unit_test(knows_classes),
        cmocka_unit_test(tells_what_was_read),
        cmocka_unit_test(reads_channels),
        cmocka_unit_test(refuses_wrong_requests),
        cmocka_unit_test(lists_targets),
    };
    const int failed = cmocka_run_group_tests_name("dataset", tests, NULL, NULL);
    scratch_remove();
    return failed;
}
