// SPDX-License-Identifier: MIT
// Every kernel of an engine against the reference, over the table of op_table.c.
//
//     ops_test [--mixed] [OP] | --list
//
// --mixed: in mixed precision, on a device that has it.
// VKGRID_DEVICE: index or part of the name of the device; without it the first that can be used,
// software drivers included.
#include "tests/test.h"
#include "tests/engine/op_case.h"
#include "tests/reference/reference.h"
#include "tests/test_device.h"
#include "vkgrid/base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct engine *engine, *expected;
static enum precision precision;
static struct op_report reports[OP_GRAPH_KINDS];

static void test_op(void **state)
{
    const struct op_test *test = *state;
    int failures = 0;
    for (int i = 0; i < test->shape_count; i++) {
        if (!op_case_check(test, &test->shapes[i], engine, precision, expected, PRECISION_FP32,
                           &reports[test->kind])) {
            print_error("%s\n", error_text());
            failures++;
        }
    }
    if (failures > 0)
        fail_msg("%d of %d cases failed", failures, test->shape_count);
}

// A step that is out of range makes the loss write behind its metrics: the guard there must tell.
static void test_guards(void **state)
{
    (void)state;
    struct graph *graph = graph_create();
    const int logits = graph_activation(graph, "logits", 2, 2, 1);
    const int targets = graph_activation(graph, "targets", 2, 2, 1);
    const int bce_weight = graph_table(graph, "bce_weight", ELEMENT_FLOAT, 1, (int[]){1});
    const int metrics = graph_table(graph, "metrics", ELEMENT_FLOAT, 2, (int[]){2, 3});
    const int position = graph_shared(graph, "position", ELEMENT_UINT, 2);
    graph_loss(graph, logits, targets, bce_weight, position, metrics, NO_TENSOR);
    struct program *program;
    const struct program_options options = {
        .slots = 1, .batch = 1, .inspect = true, .precision = precision};
    const float values[4] = {0};
    const uint32_t inside[2] = {0, 1}, behind[2] = {0, 2};
    assert_true(program_create(engine, graph, &options, &program));
    assert_true(program_write(program, logits, 0, 0, 4, values));
    assert_true(program_write(program, targets, 0, 0, 4, values));
    assert_true(program_write(program, position, 0, 0, 2, inside));
    assert_true(program_run(program, ROUTINE_TRAIN, 1));
    assert_true(program_check_guards(program));
    assert_true(program_write(program, position, 0, 0, 2, behind));
    assert_true(program_run(program, ROUTINE_TRAIN, 1));
    assert_false(program_check_guards(program));
    assert_non_null(strstr(error_text(), "metrics"));
    program_destroy(&program);
    graph_destroy(&graph);
}

// Times are told of the ops that there are, of each as often as it is asked, and the result is the
// same.
static void test_times(void **state)
{
    (void)state;
    struct graph *graph = graph_create();
    const int x = graph_activation(graph, "x", 8, 8, 4);
    const int y = graph_relu(graph, graph_conv(graph, "conv", x, 8, 3, 1, true));
    struct program *program;
    const struct program_options options = {
        .slots = 2, .batch = 1, .inspect = true, .precision = precision};
    float values[288], made[512], again[512];
    double seconds[OP_GRAPH_KINDS] = {0};
    for (int i = 0; i < 288; i++)
        values[i] = (float)(i % 7 - 3);
    assert_true(program_create(engine, graph, &options, &program));
    assert_true(program_write(program, x, 1, 0, 256, values));
    assert_true(program_write(program, graph_find(graph, "conv.weight"), 1, 0, 288, values));
    assert_true(program_run(program, ROUTINE_TRAIN, 1));
    assert_true(program_read(program, y, 1, 0, 512, made));
    if (!program_times(program, ROUTINE_TRAIN, 1, seconds)) {
        print_message("skipped: %s\n", error_text());
    } else {
        double all = 0;
        for (int kind = 0; kind < OP_GRAPH_KINDS; kind++)
            all += seconds[kind];
        assert_true(all > 0);
        assert_true(seconds[OP_CONV] + seconds[OP_RELU] == all);
        assert_true(program_times(program, ROUTINE_TRAIN, 1, seconds));
        assert_true(seconds[OP_CONV] + seconds[OP_RELU] > all);
        assert_true(program_read(program, y, 1, 0, 512, again));
        assert_memory_equal(made, again, sizeof made);
    }
    program_destroy(&program);
    graph_destroy(&graph);
}

static void test_peaks(void **state)
{
    (void)state;
    struct engine_peaks peaks;
    if (!engine_measure(engine, &peaks)) {
        assert_int_equal(engine_device(engine)->kind, DEVICE_CPU); // the others can tell
        print_message("skipped: %s\n", error_text());
        return;
    }
    print_message("%.1f GFLOP/s in fp32, %.1f in fp16, %.1f by matrix units; %.1f GB/s\n",
                  peaks.flops * 1e-9, peaks.half_flops * 1e-9, peaks.matrix_flops * 1e-9,
                  peaks.bytes * 1e-9);
    assert_true(peaks.flops > 1e6 && peaks.flops < 1e18);
    const bool half = engine_device(engine)->half == HALF_FLOAT16;
    assert_true(half ? peaks.half_flops > 1e6 && peaks.half_flops < 1e18 : peaks.half_flops == 0);
    assert_true(peaks.matrix_flops >= 0 && peaks.matrix_flops < 1e18);
    assert_true(peaks.bytes > 1e6 && peaks.bytes < 1e16);
}

static void print_reports(void)
{
    printf("%-18s %5s   %-24s   %s\n", "op", "cases", "normalised (of bound)",
           "worst element (of bound)");
    for (int kind = 0; kind < OP_GRAPH_KINDS; kind++) {
        const struct op_report *r = &reports[kind];
        if (r->cases > 0)
            printf("%-18s %5d   %9.2e (%.2f)         %9.2e (%.2f)\n", op_name(kind), r->cases,
                   r->normalised, r->normalised_part, r->worst, r->worst_part);
    }
}

int main(int argc, char **argv)
{
    const char *wanted = argc > 1 ? argv[argc - 1] : "";
    if (!strcmp(wanted, "--list")) {
        for (int kind = 0; kind < OP_GRAPH_KINDS; kind++)
            printf("%s: %d shapes\n", op_name(kind), op_tests[kind].shape_count);
        return 0;
    }
    if (argc > 1 && !strcmp(argv[1], "--mixed"))
        precision = PRECISION_MIXED;
    engine = open_test_device_for(precision);
    if (!engine)
        return SKIPPED;
    expected = reference_engine();
    printf("device: %s (%s), %s\n", engine_device(engine)->name, engine_device(engine)->driver,
           precision_name(precision));

    struct CMUnitTest tests[OP_GRAPH_KINDS + 3] = {
        [OP_GRAPH_KINDS] = {.name = "guards", .test_func = test_guards},
        [OP_GRAPH_KINDS + 1] = {.name = "times", .test_func = test_times},
        [OP_GRAPH_KINDS + 2] = {.name = "peaks", .test_func = test_peaks},
    };
    for (int kind = 0; kind < OP_GRAPH_KINDS; kind++)
        tests[kind] = (struct CMUnitTest){
            .name = op_name(kind), .test_func = test_op, .initial_state = (void *)&op_tests[kind]};
    if (*wanted && strcmp(wanted, "--mixed"))
        cmocka_set_test_filter(wanted);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    print_reports();
    engine_close(&expected);
    engine_close(&engine);
    return failed;
}
