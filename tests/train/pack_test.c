// SPDX-License-Identifier: MIT
// What train_pack makes of rounds and epochs, followed number by number on the toy engine.
#include "tests/test.h"

#include <math.h>
#include <signal.h>
#include <string.h>

#include "tests/formats/scratch.h"
#include "tests/train/toy_engine.h"
#include "train/trainer.h"
#include "tests/train/training_case.h"
#include "vkgrid/base/hash.h"
#include "vkgrid/base/interrupt.h"
#include "vkgrid/base/memory.h"

#define TRAINING 7
#define VALIDATION 3
#define BATCH 3
#define STEPS 3 // of an epoch: 3, 3 and 1 samples
#define EPOCHS 5

static struct dataset *dataset;

static int set_up(void **state)
{
    (void)state;
    dataset = case_dataset(64, 32, 1, 1, TRAINING, VALIDATION);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    dataset_free(&dataset);
    scratch_remove();
    return 0;
}

static struct record *train(const struct train_run *runs, int count)
{
    struct record *record = mem_zalloc(1, sizeof *record);
    struct engine *engine = toy_engine();
    record->stop_at_epoch = -1;
    must(case_train(engine, dataset, runs, count, record));
    engine_close(&engine);
    return record;
}

// The naive training: one run, one list of epochs, no tables.
struct naive {
    struct epoch_result epochs[3 * EPOCHS];
    uint64_t overlaps[3 * EPOCHS]; // hashes
    struct round_result rounds[3];
    struct run_result result;
    struct toy weights; // of the run
};

static float sample(uint32_t target)
{
    return dataset->inputs[(size_t)target * 64 * 32];
}

// Mean over `n` samples named by order.
static float mean_of(const uint32_t *order, int n)
{
    float sum = 0;
    for (int i = 0; i < n; i++)
        sum += sample(order[i]);
    return sum / (float)n;
}

static void naive_epoch(const struct train_run *run, struct toy *toy, int number,
                        struct epoch_result *result)
{
    static const uint32_t validation[VALIDATION] = {7, 8, 9};
    const struct round *round = &run->plan.rounds[result->round];
    uint32_t order[TRAINING];
    float metrics[3];

    order_training(run, number, order, TRAINING);
    result->lr = round->lr * pow(round->gamma, result->epoch);
    for (int first = 0; first < TRAINING; first += BATCH) {
        const int n = TRAINING - first < BATCH ? TRAINING - first : BATCH;
        const float x = mean_of(order + first, n);
        toy_loss(toy, x, (float)round->bce_weight, metrics);
        toy_step(toy, x, (float)result->lr);
        for (int m = 0; m < 3; m++)
            result->training[m] += (double)metrics[m] * n;
    }
    toy_loss(toy, mean_of(validation, VALIDATION), (float)round->bce_weight, metrics);
    for (int m = 0; m < 3; m++) {
        result->training[m] /= TRAINING;
        result->validation[m] = (double)metrics[m] * VALIDATION / VALIDATION;
    }
}

// Of what the toy engine says of the validation samples after so many steps.
static uint64_t naive_overlaps(float steps)
{
    uint32_t counts[VALIDATION][OVERLAP_COUNTS];
    for (uint32_t i = 0; i < VALIDATION; i++) {
        const uint32_t of[] = {TRAINING + i, (uint32_t)steps, 1};
        memcpy(counts[i], of, sizeof of);
    }
    return hash_bytes(counts, sizeof counts, 0);
}

static void naive_train(const struct train_run *run, struct toy toy, struct naive *naive)
{
    struct toy best = toy;
    *naive = (struct naive){.result.dice = INFINITY};
    for (int r = 0; r < 3; r++) {
        double loss = INFINITY, dice = INFINITY;
        int kept = 0;
        toy = best;
        toy.m = 0;
        for (int e = 0; e < EPOCHS; e++) {
            struct epoch_result *result = &naive->epochs[r * EPOCHS + e];
            *result = (struct epoch_result){.round = r, .epoch = e};
            naive_epoch(run, &toy, r * EPOCHS + e, result);
            result->best = result->validation[METRIC_LOSS] < loss;
            naive->overlaps[r * EPOCHS + e] = result->best ? naive_overlaps(toy.steps) : 0;
            if (result->best) {
                best = toy;
                kept = r * EPOCHS + e + 1;
            }
            loss = fmin(loss, result->validation[METRIC_LOSS]);
            dice = fmin(dice, result->validation[METRIC_DICE]);
        }
        naive->rounds[r] = (struct round_result){r, loss, dice};
        if (dice < naive->result.dice) {
            naive->result = (struct run_result){
                .best_round = r, .loss = loss, .dice = dice, .kept_epochs = kept};
            naive->weights = best;
        }
    }
}

static const float *weight_of(const struct slot_record *slot, const char *name)
{
    return tensors_find(&slot->weights, name)->values;
}

static int64_t batches_of(const struct slot_record *slot)
{
    int64_t batches = -1;
    for (int i = 0; i < slot->weights.count; i++) {
        const struct named_tensor *tensor = &slot->weights.items[i];
        if (tensor->type != TENSOR_INT)
            continue;
        const int64_t value = *(const int64_t *)tensor->values;
        assert_true(batches == -1 || batches == value); // the same for all batch norms
        batches = value;
    }
    return batches;
}

// The weight that a run starts with.
static float first_weight(const struct train_run *run)
{
    const struct unet_shape shape = {RESNET18, 64, 32, 1, 1, 10, TRAINING, BATCH};
    struct unet_tensors unet;
    struct graph *graph = unet_training_graph(&shape, &unet);
    struct tensors weights = {0};
    weights_initial(
        graph, random_stream(run->seed, (uint64_t)run->cell, (uint64_t)run->index, RANDOM_WEIGHTS),
        &weights);
    const float w = *(const float *)tensors_find(&weights, "conv_last.bias")->values;
    tensors_free(&weights);
    graph_destroy(&graph);
    return w;
}

static void assert_as_naive(const struct slot_record *slot, const struct train_run *run,
                            struct toy start, int64_t batches)
{
    struct naive naive;
    naive_train(run, start, &naive);
    assert_int_equal(slot->epoch_count, 3 * EPOCHS);
    for (int i = 0; i < 3 * EPOCHS; i++) {
        const struct epoch_result *is = &slot->epochs[i], *wanted = &naive.epochs[i];
        assert_int_equal(is->round, wanted->round);
        assert_int_equal(is->epoch, wanted->epoch);
        assert_int_equal(is->best, wanted->best);
        assert_int_equal(slot->overlaps[i], naive.overlaps[i]);
        assert_true(is->lr == wanted->lr);
        assert_true(is->seconds >= 0);
        for (int m = 0; m < METRIC_COUNT; m++) {
            assert_true(is->training[m] == wanted->training[m]);
            assert_true(is->validation[m] == wanted->validation[m]);
        }
    }
    assert_int_equal(slot->round_count, 3);
    for (int r = 0; r < 3; r++) {
        assert_int_equal(slot->rounds[r].round, r);
        assert_true(slot->rounds[r].loss == naive.rounds[r].loss);
        assert_true(slot->rounds[r].dice == naive.rounds[r].dice);
    }
    assert_int_equal(slot->finished, 1);
    assert_null(slot->result.failure);
    assert_int_equal(slot->result.best_round, naive.result.best_round);
    assert_int_equal(slot->result.kept_epochs, naive.result.kept_epochs);
    assert_true(slot->result.loss == naive.result.loss);
    assert_true(slot->result.dice == naive.result.dice);
    assert_true(*weight_of(slot, "conv_last.bias") == naive.weights.w);
    assert_true(*weight_of(slot, "layer0.1.running_mean") == naive.weights.steps);
    assert_int_equal(batches_of(slot), batches + (int64_t)(naive.weights.steps - start.steps));
}

// The three rates make different epochs and rounds the best ones.
static void test_as_naive(void **state)
{
    (void)state;
    struct train_run runs[3] = {case_run(0.02, BATCH, EPOCHS, 0), case_run(0.9, BATCH, EPOCHS, 1),
                                case_run(1.4, BATCH, EPOCHS, 2)};
    runs[2].shuffle = false;
    runs[1].plan.rounds[1].bce_weight = 0.9; // values are each run's own
    struct record *record = train(runs, 3);
    bool later_round = false, not_last_epoch = false;

    for (int slot = 0; slot < 3; slot++) {
        const struct slot_record *is = &record->slots[slot];
        assert_as_naive(is, &runs[slot], (struct toy){.w = first_weight(&runs[slot])}, 0);
        later_round |= is->result.best_round > 0;
        not_last_epoch |= !is->epochs[EPOCHS - 1].best;
    }
    assert_true(later_round && not_last_epoch); // the cases reach what they are for
    record_free(record);
}

static void test_events(void **state)
{
    (void)state;
    const struct train_run run = case_run(0.3, BATCH, EPOCHS, 0);
    struct record *record = train(&run, 1);
    const struct slot_record *slot = &record->slots[0];

    assert_int_equal(slot->step_count, 3 * EPOCHS * STEPS);
    for (int i = 0; i < slot->step_count; i++) {
        assert_int_equal(slot->steps[i].step, i % STEPS);
        assert_int_equal(slot->steps[i].epoch, i / STEPS % EPOCHS);
        assert_int_equal(slot->steps[i].round, i / STEPS / EPOCHS);
    }
    // The epoch's mean weighs the steps by their samples.
    for (int m = 0; m < METRIC_COUNT; m++) {
        const double mean = (3 * slot->steps[0].metrics[m] + 3 * slot->steps[1].metrics[m] +
                             slot->steps[2].metrics[m]) /
                            TRAINING;
        assert_float_equal(slot->epochs[0].training[m], mean, 1e-12);
    }
    assert_true(record->progress_calls > 0);
    assert_int_equal(record->total, 3 * EPOCHS * (STEPS + 1));
    assert_int_equal(record->done, record->total);
    record_free(record);
}

// A file's weights, buffers and step count go on where they were.
static void test_init(void **state)
{
    (void)state;
    struct train_run run = case_run(0.3, BATCH, EPOCHS, 0);
    struct record *first = train(&run, 1);
    const struct slot_record *from = &first->slots[0];
    const struct toy start = {.w = *weight_of(from, "conv_last.bias"),
                              .steps = *weight_of(from, "layer0.1.running_mean")};
    assert_true(start.steps > 0);

    run.init = scratch_path("init.safetensors");
    assert_true(weights_write(run.init, &from->weights, NULL));
    struct record *second = train(&run, 1);
    assert_as_naive(&second->slots[0], &run, start, batches_of(from));

    run.init = scratch_path("missing.safetensors");
    struct engine *engine = toy_engine();
    assert_false(case_train(engine, dataset, &run, 1, second));
    assert_error("missing.safetensors");
    engine_close(&engine);
    record_free(first);
    record_free(second);
}

// A run that diverges ends alone; the others do not notice.
static void test_divergence(void **state)
{
    (void)state;
    const struct train_run good = case_run(0.3, BATCH, EPOCHS, 1);
    const struct train_run runs[3] = {case_run(0.2, BATCH, EPOCHS, 0),
                                      case_run(1e30, BATCH, EPOCHS, 5), good};
    struct record *alone = train(&good, 1), *record = train(runs, 3);
    const struct slot_record *failed = &record->slots[1], *beside = &record->slots[2];

    assert_int_equal(failed->finished, 1);
    assert_int_equal(failed->weights.count, 0);
    assert_int_equal(failed->epoch_count, 0);
    assert_int_equal(failed->round_count, 0);
    // The first step's loss is finite, the second is (1e30)^2.
    assert_int_equal(failed->step_count, 1);
    assert_string_equal(failed->failure,
                        "diverged: loss is not finite in round 1, epoch 1, step 2");
    assert_as_naive(&record->slots[0], &runs[0], (struct toy){.w = first_weight(&runs[0])}, 0);
    assert_int_equal(beside->epoch_count, alone->slots[0].epoch_count);
    for (int i = 0; i < beside->epoch_count; i++)
        assert_true(beside->epochs[i].validation[METRIC_LOSS] ==
                    alone->slots[0].epochs[i].validation[METRIC_LOSS]);
    record_free(alone);
    record_free(record);

    // Nothing is left to do when all fail.
    record = train(&runs[1], 1);
    assert_int_equal(record->slots[0].finished, 1);
    assert_true(record->done < record->total);
    record_free(record);
}

// In a later round the run fails as well, though it had weights.
static void test_late_divergence(void **state)
{
    (void)state;
    struct train_run run = case_run(0.2, BATCH, EPOCHS, 0);
    run.plan.rounds[2].lr = 1e30;
    struct record *record = train(&run, 1);
    const struct slot_record *slot = &record->slots[0];
    assert_int_equal(slot->round_count, 2);
    assert_int_equal(slot->finished, 1);
    assert_int_equal(slot->weights.count, 0);
    assert_string_equal(slot->failure, "diverged: loss is not finite in round 3, epoch 1, step 2");
    record_free(record);
}

static void test_callback_stops(void **state)
{
    (void)state;
    const struct train_run runs[2] = {case_run(0.2, BATCH, EPOCHS, 0),
                                      case_run(0.2, BATCH, EPOCHS, 1)};
    struct record *record = mem_zalloc(1, sizeof *record);
    struct engine *engine = toy_engine();
    record->stop_at_epoch = 6;
    assert_false(case_train(engine, dataset, runs, 2, record));
    assert_error("stopped by the test");
    assert_int_equal(record->slots[0].epoch_count, 6);
    assert_int_equal(record->slots[0].finished, 0);
    engine_close(&engine);
    record_free(record);
}

static void assert_refused(const struct dataset *set, const struct train_run *runs, int count,
                           const char *text)
{
    struct record *record = mem_zalloc(1, sizeof *record);
    struct engine *engine = toy_engine();
    assert_false(case_train(engine, set, runs, count, record));
    assert_error(text);
    engine_close(&engine);
    record_free(record);
}

static void test_refused(void **state)
{
    (void)state;
    struct train_run runs[2] = {case_run(0.2, 2, 2, 0), case_run(0.2, 2, 2, 1)};
    struct dataset *single = case_dataset(32, 32, 1, 1, 3, 1);
    assert_refused(single, runs, 1, "more than one value per channel"); // batches of 2 and 1
    dataset_free(&single);
    single = case_dataset(32, 32, 1, 1, 2, 0);
    assert_refused(single, runs, 1, "0 validation samples");
    dataset_free(&single);

    runs[1].plan.rounds[1].num_epochs = 3;
    assert_refused(dataset, runs, 2, "round 2 differs");
    runs[1].plan.rounds[1].num_epochs = 2;
    runs[1].plan.rounds[2].batch_size = 3;
    assert_refused(dataset, runs, 2, "round 3 differs");
    runs[1].plan.count = 2;
    assert_refused(dataset, runs, 2, "3 and 2 rounds");
    runs[0].plan.rounds[0].num_epochs = 0;
    assert_refused(dataset, runs, 1, "0 epochs");
}

// The flag stays set: last of the tests.
static void test_interrupted(void **state)
{
    (void)state;
    const struct train_run run = case_run(0.2, 2, 2, 0);
    interrupt_install();
    raise(SIGTERM);
    assert_refused(dataset, &run, 1, "interrupted");
}

static void test_work(void **state)
{
    (void)state;
    const struct unet_shape shape = {RESNET18, 128, 256, 7, 3, 10, 8, 4};
    const struct unet_shape training_only = {RESNET18, 128, 256, 7, 3, 8, 8, 4};
    const struct train_run run = case_run(0.2, 4, 10, 0);
    const double all = train_work(&shape, &run.plan);
    const double training = train_work(&training_only, &run.plan);
    // spec.md section 3: about 71 GFLOP for a training step of a sample, 12 GMAC forward.
    assert_float_equal(training / (30 * 8) / 71e9, 1, 0.05);
    assert_float_equal((all - training) / (30 * 2) / 24e9, 1, 0.05);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_naive),
        cmocka_unit_test(test_events),
        cmocka_unit_test(test_init),
        cmocka_unit_test(test_divergence),
        cmocka_unit_test(test_late_divergence),
        cmocka_unit_test(test_callback_stops),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_work),
        cmocka_unit_test(test_interrupted),
    };
    return cmocka_run_group_tests_name("pack", tests, set_up, tear_down);
}
