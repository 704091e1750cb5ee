// SPDX-License-Identifier: MIT
// Tuning files: what is written is read, and what others have written is either all good or not
// used. Needs no device: its limits are made up.
#include "tests/test.h"
#include "engine/vulkan/candidates.h"
#include "engine/vulkan/tuning.h"
#include "tests/engine/made_up_gpu.h"
#include "tests/formats/scratch.h"
#include "vkgrid/base/cache.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/base/random.h"

#include <stdlib.h>
#include <string.h>

#define IDENTITY UINT64_C(0x0123456789abcdef)

static const struct conv_problem layer = {.kind = OP_CONV,
                                          .pixels = 4096,
                                          .quads = 1024,
                                          .in = 64,
                                          .out = 64,
                                          .kernel = 3,
                                          .stride = 1,
                                          .splits = 1,
                                          .slots = 4};

static struct tuning tuning_at(const char *path)
{
    return (struct tuning){.path = text_copy(path), .identity = IDENTITY};
}

static void put(struct tuning *tuning, uint32_t pixels, uint32_t slots, int candidate)
{
    struct tuned_tile tile = {.problem = layer, .measured = true};
    tile.problem.pixels = pixels;
    tile.problem.slots = slots;
    assert_true(conv_candidate(&gpu, &tile.problem, candidate, &tile.tile));
    tuning_put_tile(tuning, &tile);
}

static struct slot_times curve_of(int points)
{
    struct slot_times curve = {.count = points};
    for (int i = 0; i < points; i++) {
        curve.points[i].slots = 1 << i;
        curve.points[i].seconds = 0.1 * (1 << i) + 1.0 / 3;
    }
    return curve;
}

// A file with tiles and curves; returns its path.
static const char *good_file(void)
{
    const char *path = scratch_path("deep/er/tuning.json");
    struct tuning tuning = tuning_at(path);
    const struct slot_times curve = curve_of(3);
    put(&tuning, 4096, 1, 2);
    put(&tuning, 4096, 16, 3);
    put(&tuning, 1024, 1, 0);
    tuning_put_curve(&tuning, "a network", &curve, true);
    assert_true(tuning_write(&gpu, &tuning));
    tuning_free(&tuning);
    return path;
}

static bool use(const char *path, struct tuning *tuning)
{
    *tuning = tuning_at(path);
    return tuning_read(tuning) && tuning_check(&gpu, tuning);
}

static void test_round_trip(void **state)
{
    (void)state;
    struct tuning tuning;
    assert_true(use(good_file(), &tuning));
    assert_int_equal(tuning.tile_count, 3);
    assert_int_equal(tuning.curve_count, 1);
    struct conv_problem problem = layer;
    struct conv_tile expected;
    problem.slots = 16;
    assert_true(conv_candidate(&gpu, &problem, 3, &expected));
    assert_true(conv_same_tile(tuning_find_tile(&tuning, &problem), &expected));
    const struct slot_times curve = curve_of(3);
    const struct slot_times *found = tuning_find_curve(&tuning, "a network");
    assert_int_equal(found->count, 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(found->points[i].slots, curve.points[i].slots);
        assert_true(found->points[i].seconds == curve.points[i].seconds); // every bit
    }
    assert_null(tuning_find_curve(&tuning, "another"));
    tuning_free(&tuning);
}

static void test_nearest_slots(void **state)
{
    (void)state;
    static const struct {
        uint32_t slots, served; // served by the entry of so many slots
    } cases[] = {{1, 1}, {2, 1}, {3, 1}, {5, 16}, {16, 16}, {64, 16}, {1000, 16}};
    struct tuning tuning;
    struct conv_tile expected[2];
    assert_true(use(good_file(), &tuning));
    assert_true(conv_candidate(&gpu, &layer, 2, &expected[0]));
    assert_true(conv_candidate(&gpu, &layer, 3, &expected[1]));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct conv_problem problem = layer;
        problem.slots = cases[i].slots;
        assert_true(
            conv_same_tile(tuning_find_tile(&tuning, &problem), &expected[cases[i].served == 16]));
    }
    struct conv_problem other = layer;
    other.half = true;
    assert_null(tuning_find_tile(&tuning, &other));
    other = layer;
    other.kind = OP_CONV_INPUT_GRAD;
    assert_null(tuning_find_tile(&tuning, &other));
    tuning_free(&tuning);
}

// What conv_tile() makes of it.
static void test_use(void **state)
{
    (void)state;
    struct tuning tuning = {0};
    struct vulkan_engine engine = gpu;
    struct conv_tile measured, tile;
    engine.tuning = &tuning;
    put(&tuning, layer.pixels, layer.slots, 5);
    assert_true(conv_candidate(&gpu, &layer, 5, &measured));
    tile = conv_tile(&engine, &layer);
    assert_true(conv_same_tile(&tile, &measured));
    const struct conv_tile first = conv_default_tile(&gpu, &layer);
    assert_false(conv_same_tile(&first, &measured));
    engine.tile = 0; // VKGRID_TILE
    tile = conv_tile(&engine, &layer);
    assert_int_equal(tile.family, CONV_DIRECT);
    engine.tile = -1;
    tuning.tiles[0].tile.local = 77; // nobody may use it
    tile = conv_tile(&engine, &layer);
    assert_true(conv_same_tile(&tile, &first));
    tuning_free(&tuning);
}

// Two processes: each keeps what the other has written.
static void test_merge(void **state)
{
    (void)state;
    const char *path = good_file();
    const struct slot_times longer = curve_of(5);
    struct tuning one, two, all;
    assert_true(use(path, &one));
    assert_true(use(path, &two));
    put(&one, 512, 1, 1);
    put(&two, 256, 1, 1);
    tuning_put_curve(&two, "a network", &longer, true);
    assert_true(tuning_write(&gpu, &two));
    assert_true(tuning_write(&gpu, &one));
    assert_true(use(path, &all));
    assert_int_equal(all.tile_count, 5);
    assert_int_equal(tuning_find_curve(&all, "a network")->count, 5);
    tuning_free(&one);
    tuning_free(&two);
    tuning_free(&all);
}

static void test_entries_are_bounded(void **state)
{
    (void)state;
    struct tuning tuning = {0};
    const struct slot_times curve = curve_of(1);
    for (int i = 0; i < TUNING_CURVES + 10; i++) {
        char *name = text_format("%d", i);
        tuning_put_curve(&tuning, name, &curve, true);
        free(name);
    }
    for (uint32_t i = 0; i < TUNING_TILES + 10; i++)
        put(&tuning, i + 1, 1, 0);
    assert_int_equal(tuning.curve_count, TUNING_CURVES);
    assert_int_equal(tuning.tile_count, TUNING_TILES);
    assert_null(tuning_find_curve(&tuning, "9")); // the oldest went
    assert_non_null(tuning_find_curve(&tuning, "10"));
    tuning_free(&tuning);
}

// Must be refused in one line, and leave nothing.
static void refuse(const char *path, const char *why)
{
    struct tuning tuning = tuning_at(path);
    const bool read = tuning_read(&tuning);
    if (!read)
        assert_int_equal(tuning.tile_count + tuning.curve_count, 0);
    if (read && tuning_check(&gpu, &tuning))
        fail_msg("not refused: %s", why);
    assert_error(why);
    assert_error(path);
    assert_string_equal(tuning.path, path); // it may be made anew
    tuning_free(&tuning);
}

static char *replaced(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    assert_non_null(at);
    const size_t before = (size_t)(at - text);
    return text_format("%.*s%s%s", (int)before, text, to, text + before + strlen(from));
}

static char *good_text(void)
{
    void *bytes = NULL;
    size_t size;
    assert_true(file_read(good_file(), 1 << 20, &bytes, &size));
    char *text = text_copy(bytes);
    free(bytes);
    return text;
}

static void test_damaged_values(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to, *why;
    } cases[] = {
        {"\"format\": 1", "\"format\": 2", "whole number from 1 to 1"},
        {"\"format\": 1", "\"format\": 1, \"format\": 1", "stands twice"},
        {"0123456789abcdef", "0123456789abcdee", "is of another device"},
        {"\"0123456789abcdef\"", "17", "a text"},
        {"\"tiles\": [", "\"tiles\": [7, ", "an object"},
        {"\"tiles\"", "\"tyles\"", "tiles: is missing"},
        {"\"curves\"", "\"tyles\"", "curves: is missing"},
        {"\"op\": \"conv\"", "\"op\": \"adam\"", "no convolution"},
        {"\"op\": \"conv\"", "\"op\": 0", "a text"},
        {"\"pixels\": 4096", "\"pixels\": 0", "from 1"},
        {"\"pixels\": 4096", "\"pixels\": 4294967295", "from 1"},
        {"\"pixels\": 4096", "\"pixels\": 1e308", "from 1"},
        {"\"pixels\": 4096", "\"pixels\": -1", "from 1"},
        {"\"pixels\": 4096", "\"pixels\": 40.5", "whole number"},
        {"\"pixels\": 4096", "\"pixels\": \"4096\"", "whole number"},
        {"\"in\": 64", "\"in\": 7", "none that this device may use"},
        {"\"half\": 0", "\"half\": 2", "from 0 to 1"},
        {"\"slots\": 1", "\"slots\": 0", "from 1"},
        {"\"family\": \"shared\"", "\"family\": \"matrices\"", "is not known"},
        {"\"family\": \"shared\"", "\"family\": \"matrix\"", "none that this device may use"},
        {"\"family\": \"shared\"", "\"family\": \"direct\"", "none that this device may use"},
        {"\"local\": ", "\"local\": 1", "none that this device may use"}, // ten times as many
        {"\"local\": ", "\"local\": -", "from 0"},
        {"\"depth\": ", "\"depth\": 1000", "none that this device may use"},
        {"\"name\": \"a network\"", "\"name\": \"\"", "a text"},
        {"\"points\": [", "\"points\": 1, \"other\": [", "a list"},
        {"[1, ", "[0, ", "whole number from 1"},
        {"[1, ", "[2, ", "whole number from 3"}, // must ascend
        {"[1, ", "[1, -", "number above 0"},
        {"[1, ", "[1, 1, ", "[slots, seconds] is allowed"},
        {"[1, ", "[", "[slots, seconds] is allowed"},
    };
    char *text = good_text();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *damaged = replaced(text, cases[i].from, cases[i].to);
        refuse(scratch_write(scratch_path("damaged"), damaged, strlen(damaged)), cases[i].why);
        free(damaged);
    }
    free(text);
}

static void test_damaged_files(void **state)
{
    (void)state;
    char *text = good_text();
    struct text many = {0};
    for (size_t size = 0; size + 2 < strlen(text); size++) // its last bytes are } and a line's end
        refuse(scratch_write(scratch_path("cut"), text, size), "cut");
    refuse(scratch_write(scratch_path("no object"), "[]", 2), "an object");
    text_add(&many,
             "{\"format\": 1, \"identity\": \"0123456789abcdef\", \"curves\": [], "
             "\"tiles\": [0");
    for (int i = 0; i < TUNING_TILES; i++)
        text_add(&many, ",0");
    text_add(&many, "]}");
    refuse(scratch_write(scratch_path("many"), many.bytes, strlen(many.bytes)), "more than 4096");
    char *huge = mem_zalloc(1, (17 << 20) + 1);
    memset(huge, ' ', 17 << 20);
    refuse(scratch_write(scratch_path("huge"), huge, 17 << 20), "more than the");
    free(huge);
    free(many.bytes);
    free(text);
}

// A few bytes changed at random: whatever is read may be used.
static void test_changed_bytes(void **state)
{
    (void)state;
    char *text = good_text();
    const size_t size = strlen(text);
    struct random random = random_stream(1, 2, 3, 4);
    for (int round = 0; round < 2000; round++) {
        char *changed = text_copy(text);
        struct tuning tuning;
        struct vulkan_engine engine = gpu;
        for (uint32_t left = 1 + random_below(&random, 3); left > 0; left--)
            changed[random_below(&random, (uint32_t)size)] =
                "0123456789\",[]{}-e."[random_below(&random, 19)];
        if (use(scratch_write(scratch_path("changed"), changed, size), &tuning)) {
            engine.tuning = &tuning;
            for (int i = 0; i < tuning.tile_count; i++) {
                const struct conv_tile tile = conv_tile(&engine, &tuning.tiles[i].problem);
                assert_true(conv_allowed(&engine, &tuning.tiles[i].problem, &tile));
            }
        }
        tuning_free(&tuning);
        free(changed);
    }
    free(text);
}

static void test_missing_and_replaced(void **state)
{
    (void)state;
    struct tuning tuning;
    assert_true(use(scratch_path("not there"), &tuning));
    assert_int_equal(tuning.tile_count, 0);
    tuning_free(&tuning);
    const char *path = scratch_write(scratch_path("broken"), "{", 1);
    assert_false(use(path, &tuning));
    put(&tuning, 64, 1, 1);
    assert_true(tuning_write(&gpu, &tuning)); // in place of what cannot be used
    tuning_free(&tuning);
    assert_true(use(path, &tuning));
    assert_int_equal(tuning.tile_count, 1);
    tuning_free(&tuning);
    struct tuning nowhere = {.identity = IDENTITY};
    assert_false(tuning_write(&gpu, &nowhere));
    assert_error("VKGRID_TUNING is off");
}

static void check_cache(const char *cache, const char *home, const char *expected)
{
    char *old = getenv("HOME") ? text_copy(getenv("HOME")) : NULL;
    cache ? setenv("XDG_CACHE_HOME", cache, true) : unsetenv("XDG_CACHE_HOME");
    home ? setenv("HOME", home, true) : unsetenv("HOME");
    char *path = cache_path("x");
    if (expected)
        assert_string_equal(path, expected);
    else
        assert_null(path);
    free(path);
    old ? setenv("HOME", old, true) : unsetenv("HOME");
    unsetenv("XDG_CACHE_HOME");
    free(old);
}

static void test_cache_folder(void **state)
{
    (void)state;
    check_cache("/var/c", "/home/u", "/var/c/vkgrid/x");
    check_cache(NULL, "/home/u", "/home/u/.cache/vkgrid/x");
    check_cache("", "/home/u", "/home/u/.cache/vkgrid/x");
    check_cache("relative", "/home/u", "/home/u/.cache/vkgrid/x");
    check_cache(NULL, NULL, NULL);
    check_cache("relative", "", NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_nearest_slots),
        cmocka_unit_test(test_use),
        cmocka_unit_test(test_merge),
        cmocka_unit_test(test_entries_are_bounded),
        cmocka_unit_test(test_damaged_values),
        cmocka_unit_test(test_damaged_files),
        cmocka_unit_test(test_changed_bytes),
        cmocka_unit_test(test_missing_and_replaced),
        cmocka_unit_test(test_cache_folder),
    };
    const int failed = cmocka_run_group_tests_name("tuning", tests, NULL, NULL);
    scratch_remove();
    return failed;
}
