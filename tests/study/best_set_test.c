// SPDX-License-Identifier: MIT
// From pixel counts in study.db to the cells that cannot be told apart: subjects are drawn, not
// images; runs scatter; other subjects cannot be compared.
#include "tests/study/fakes.h"
#include "tests/study/home.h"
#include "tests/study/study_case.h"
#include "tests/test.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/base/random.h"
#include "vkgrid/study/best_set.h"
#include "vkgrid/study/model_set.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>

enum { CELLS = 6, RUNS = 2, SUBJECTS = 12, RATERS = 2, PIXELS = 1000000 };

#define RATED(fixed, hyper) \
    "{\"static\": {" fixed \
    "\"raters\": [\"A1\", \"A2\"], \"gamma\": 1, " \
    "\"bce_weight\": 0.5, \"until\": 2, \"features\": {\"inputs\": {\"em\": [\"em\"]}, " \
    "\"prediction\": {\"cell\": [\"cell\"]}}, \"num_epochs\": 2, \"inputs\": \"em\", " \
    "\"prediction\": \"cell\", \"data_cache_path\": \"data\", \"batch_size\": 1}, \"hyper\": " \
    "{" hyper "}}"
#define SIX_RATES RATED("\"partition\": [[1, 2], [3]], ", "\"lr\": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]")
#define TWO_PARTITIONS \
    RATED("", "\"lr\": [0.1, 0.2, 0.3], \"partition\": [[[1, 2], [3]], [[1, 3], [2]]]")

// Pixels that cell, run and rater share with the target of a subject, of PIXELS: cells 3, 4 and 5
// are worse, and every third subject has nothing at all for one rater: that counts as 1.
static uint32_t shared_pixels(int cell, int run, int rater, int subject)
{
    struct random random = random_stream(5, (uint64_t)(cell * RUNS + run),
                                         (uint64_t)(rater * SUBJECTS + subject), 100);
    const double dice = 0.8 + 0.05 * sin(subject) + 0.01 * random_normal(&random) -
                        (cell >= 3 ? 0.06 * (cell - 2) : 0) - 0.004 * run * (cell % 2 ? 1 : -1);
    return (uint32_t)(PIXELS * dice);
}

static double expected_dice(int cell, int run, int subject)
{
    double sum = 0;
    for (int rater = 0; rater < RATERS; rater++)
        sum += rater == 1 && subject % 3 == 0
                   ? 1
                   : (double)shared_pixels(cell, run, rater, subject) / PIXELS;
    return sum / RATERS;
}

static void put_counts(struct store *store, int cell, int run)
{
    uint32_t counts[RATERS * SUBJECTS][OVERLAP_COUNTS] = {{0}};
    char *sql =
        text_format("SELECT kept_epoch FROM vkgrid_runs WHERE cell = %d AND run = %d", cell, run);
    const int epoch = (int)query("out/study.db", sql);
    free(sql);
    for (int rater = 0; rater < RATERS; rater++)
        for (int i = 0; i < SUBJECTS; i++) {
            uint32_t *of = counts[rater * SUBJECTS + i];
            if (rater == 1 && i % 3 == 0)
                continue;
            of[0] = shared_pixels(cell, run, rater, i);
            of[1] = of[2] = PIXELS;
        }
    const struct overlaps overlaps = {RATERS * SUBJECTS, 1, counts[0]};
    must(store_put_overlaps(store, cell, run, epoch, &overlaps));
}

static char *image_list(const char *subject)
{
    struct text text = {0};
    for (int rater = 1; rater <= RATERS; rater++)
        for (int i = 0; i < SUBJECTS; i++)
            text_add(&text, "%s\"A%d_%s%02d\"", text.size ? ", " : "[", rater, subject, i);
    text_add(&text, "]");
    return text.bytes;
}

static void name_images(const char *subject, const char *which)
{
    char *images = image_list(subject),
         *sql = text_format(
             "UPDATE vkgrid_datasets SET images = '%s' WHERE key = (SELECT %s(key) "
             "FROM vkgrid_datasets)",
             images, which);
    query("out/study.db", sql);
    free(sql);
    free(images);
}

static bool search(const char *text, struct study_result *result)
{
    return run(text, "out", 4, (struct study_options){.keep = KEEP_ALL}, result);
}

// A study whose counts are those above; then it is opened once more.
static void make_study(const char *text, struct study_result *result)
{
    struct study_result none;
    struct store *store;
    must(search(text, &none));
    study_result_free(&none);
    must(store_open("out/study.db", &store) && store_begin(store));
    for (int cell = 0; cell < CELLS; cell++)
        for (int r = 0; r < RUNS; r++)
            put_counts(store, cell, r);
    must(store_commit(store));
    store_close(&store);
    name_images("s", "min");
    must(search(text, result));
}

// p by hand, of the cells as they are numbered; run_sd: pooled over all of them.
static double expected_p(double *p)
{
    float values[CELLS][SUBJECTS];
    double squares = 0, errors[CELLS];
    for (int c = 0; c < CELLS; c++) {
        double means[RUNS] = {0};
        for (int i = 0; i < SUBJECTS; i++) {
            const double one = expected_dice(c, 0, i), two = expected_dice(c, 1, i);
            values[c][i] = (float)((one + two) / 2);
            means[0] += one / SUBJECTS;
            means[1] += two / SUBJECTS;
        }
        squares += (means[0] - means[1]) * (means[0] - means[1]) / 2;
    }
    const double run_sd = sqrt(squares / CELLS);
    for (int c = 0; c < CELLS; c++)
        errors[c] = run_sd / sqrt(RUNS);
    model_set_test(
        &(struct model_set){CELLS, SUBJECTS, values[0], errors, CELLS, MODEL_SET_RESAMPLES, 1, 0},
        p);
    return run_sd;
}

static void test_set(void **state)
{
    struct study_result result;
    double p[CELLS];
    (void)state;
    make_study(SIX_RATES, &result);
    assert_int_equal(result.sets.count, 1);
    const struct best_set *set = &result.sets.items[0];
    assert_string_equal(set->task, "em_cell");
    assert_int_equal(set->count, CELLS);
    assert_int_equal(set->subjects, SUBJECTS); // of twice as many images
    assert_int_equal(set->others + set->unknown, 0);
    assert_int_equal(set->run_freedom, CELLS);
    assert_true(fabs(set->run_sd - expected_p(p)) < 1e-6);
    for (int i = 0; i < CELLS; i++) {
        const struct best_set_cell *cell = &set->cells[i];
        assert_int_equal(cell->rank, i + 1);
        assert_true(fabs(cell->p - p[cell->cell]) < 2e-3);
        assert_true((cell->p > BEST_SET_LEVEL) == (cell->cell < 3));
    }
    assert_int_equal(query("out/study.db",
                           "SELECT count(*) FROM vkgrid_cells JOIN trial_user_attributes USING "
                           "(trial_id) WHERE key = 'best_set' AND json_extract(value_json, "
                           "'$.member') = (cell < 3) AND json_extract(value_json, '$.subjects') = "
                           "12 AND cell < 3"),
                     3);
    cJSON *json = best_set_json(set), *checked = best_set_checked(json);
    assert_true(cJSON_Compare(json, checked, true));
    char *text = best_set_text(checked);
    assert_non_null(strstr(text, "of 6 cannot be told apart by Dice (p > 0.05, n = 12)"));
    free(text);
    cJSON_Delete(json);
    cJSON_Delete(checked);
    study_result_free(&result);
    char *ranking = contents("out/hyperparameters/em_cell.json");
    assert_non_null(strstr(ranking, "\"best_set\""));
    free(ranking);
}

// Half of the cells were validated on others.
static void test_other_subjects(void **state)
{
    struct study_result result;
    (void)state;
    make_study(TWO_PARTITIONS, &result);
    assert_int_equal(result.sets.items[0].unknown, 3); // the second data set names no images
    study_result_free(&result);
    name_images("t", "max");
    must(search(TWO_PARTITIONS, &result));
    const struct best_set *set = &result.sets.items[0];
    assert_int_equal(set->count, 3);
    assert_int_equal(set->others, 3);
    assert_int_equal(set->unknown, 0);
    cJSON *json = best_set_json(set);
    char *words = best_set_text(json);
    assert_non_null(strstr(words, "3 cells validated on other subjects cannot be compared"));
    free(words);
    cJSON_Delete(json);
    study_result_free(&result);
}

#define FOLDED \
    "{\"static\": {\"partition\": [[1, 2], [3]], \"raters\": [], \"gamma\": 1, " \
    "\"bce_weight\": 0.5, " \
    "\"until\": 2, \"folds\": 3, \"features\": {\"inputs\": {\"em\": [\"em\"]}, \"prediction\": " \
    "{\"cell\": [\"cell\"]}}, \"num_epochs\": 2, \"inputs\": \"em\", \"prediction\": \"cell\", " \
    "\"data_cache_path\": \"data\", \"batch_size\": 1}, \"hyper\": {\"lr\": [0.1, 0.2, 0.3, 0.4, " \
    "0.5, 0.6]}}"
enum { FOLDS = 3 };
static const int fold_sizes[FOLDS] = {2, 1, 3};

// Every fold has subjects of its own, of which its runs say the same but for `run`.
static void put_folds(struct store *store, int cell, int run)
{
    uint32_t counts[3][OVERLAP_COUNTS];
    char *sql =
        text_format("SELECT kept_epoch FROM vkgrid_runs WHERE cell = %d AND run = %d", cell, run);
    const int fold = run % FOLDS, epoch = (int)query("out/study.db", sql);
    free(sql);
    for (int i = 0; i < fold_sizes[fold]; i++) {
        counts[i][0] = (uint32_t)(500 + 100 * fold + 10 * i + cell + (run < FOLDS ? -6 : 6));
        counts[i][1] = counts[i][2] = 1000;
    }
    const struct overlaps overlaps = {fold_sizes[fold], 1, counts[0]};
    must(store_put_overlaps(store, cell, run, epoch, &overlaps));
}

// Out of fold: a subject's Dice is that of the runs that have not seen it.
static void test_folds(void **state)
{
    struct study_result result;
    struct store *store;
    (void)state;
    fake.named = true;
    must(search(FOLDED, &result));
    study_result_free(&result);
    must(store_open("out/study.db", &store) && store_begin(store));
    for (int cell = 0; cell < CELLS; cell++)
        for (int r = 0; r < 2 * FOLDS; r++)
            put_folds(store, cell, r);
    must(store_commit(store));
    store_close(&store);
    query("out/study.db",
          "UPDATE vkgrid_datasets SET images = "
          "'[[\"a\", \"b\"], [\"c\"], [\"d\", \"e\", \"f\"]]'");
    must(search(FOLDED, &result));
    const struct best_set *set = &result.sets.items[0];
    assert_int_equal(set->count, CELLS);
    assert_int_equal(set->subjects, 6);
    assert_int_equal(set->run_freedom, CELLS * FOLDS);
    assert_true(fabs(set->run_sd - sqrt(2) * 0.006) < 1e-6); // runs are 0.012 apart
    for (int i = 0; i < CELLS; i++) {
        const struct best_set_cell *cell = &set->cells[i];
        const double sum = 0.5 + 0.51 + 0.6 + 0.7 + 0.71 + 0.72;
        assert_true(fabs(cell->dice - (sum / 6 + 0.001 * cell->cell)) < 1e-6);
        // Each fold's share of the subjects, squared, over its two runs.
        assert_true(fabs(cell->error - (4 + 1 + 9) / 36.0 / 2) < 1e-12);
    }
    assert_int_equal(set->highest, CELLS - 1);
    study_result_free(&result);
}

// What anybody may have written there.
static void test_hostile(void **state)
{
    static const char *const texts[] = {
        "7", "{}", "{\"task\": 7}",
        "{\"task\": \"a\", \"ranks\": 7, \"members\": [\"x\", {}], \"p\": "
        "[[1], [1, \"2\"], 7, [1, 2, 3]], \"compared\": 9, \"subjects\": 9, \"level\": null}",
        "{\"task\": \"a\\u001b[31m\", \"ranks\": [[1, 1e300]], \"members\": [1e300, 2], \"p\": "
        "[[1e300, "
        "-1]], \"first\": 1e300, \"compared\": 1e300, \"subjects\": 1e300, \"ranked\": -1}"};
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        cJSON *json = cJSON_Parse(texts[i]), *checked = best_set_checked(json);
        assert_non_null(json);
        assert_int_equal(checked != NULL, i >= 3);
        char *text = best_set_text(checked);
        assert_true(!text || !strchr(text, '\033'));
        free(text);
        cJSON_Delete(json);
        cJSON_Delete(checked);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_set, setup),
        cmocka_unit_test_setup(test_other_subjects, setup),
        cmocka_unit_test_setup(test_folds, setup),
        cmocka_unit_test_setup(test_hostile, setup),
    };
    return RUN_TESTS(tests, enter_home, leave_home);
}
