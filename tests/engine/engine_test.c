// SPDX-License-Identifier: MIT
// What program_write(), program_read() and the others refuse, and that they say why.
#include "tests/test.h"
#include "tests/reference/reference.h"
#include "vkgrid/base/error.h"

#include <string.h>

enum { SLOTS = 2, BATCH = 3, CHANNELS = 4 };

struct fixture {
    struct graph *graph;
    struct engine *engine;
    struct program *program;
    int data, order, position, x, parameter, buffer, y, lr, correction;
};

static struct fixture fixture_create(bool inspect)
{
    struct fixture f = {.graph = graph_create(), .engine = reference_engine()};
    f.data = graph_data(f.graph, "data", 5, 1, 1, CHANNELS);
    f.order = graph_table(f.graph, "order", ELEMENT_UINT, 1, (int[]){5});
    f.position = graph_shared(f.graph, "position", ELEMENT_UINT, 2);
    f.parameter = graph_parameter(f.graph, "parameter", 1, (int[]){CHANNELS});
    f.buffer = graph_buffer(f.graph, "buffer", 1, (int[]){CHANNELS});
    f.lr = graph_table(f.graph, "lr", ELEMENT_FLOAT, 1, (int[]){1});
    f.correction = graph_table(f.graph, "correction", ELEMENT_FLOAT, 1, (int[]){2});
    f.x = graph_gather(f.graph, f.data, f.order, f.position);
    f.y = graph_relu(f.graph, f.x);
    f.graph->tensors[f.y].output = true;
    graph_op(f.graph, OP_ADAM, 2, (int[]){f.lr, f.correction}, 0, NULL);
    const struct program_options options = {SLOTS, BATCH, inspect};
    assert_true(program_create(f.engine, f.graph, &options, &f.program));
    return f;
}

static void fixture_destroy(struct fixture *f)
{
    program_destroy(&f->program);
    program_destroy(&f->program); // accepts NULL
    engine_close(&f->engine);
    engine_close(&f->engine);
    graph_destroy(&f->graph);
}

static void check_refused(bool done, const char *why)
{
    assert_false(done);
    if (!strstr(error_text(), why))
        fail_msg("'%s' does not say '%s'", error_text(), why);
}

static void test_ranges(void **state)
{
    (void)state;
    struct fixture f = fixture_create(false);
    float values[64] = {0};
    assert_true(program_write(f.program, f.data, 7, 4, 16, values)); // any slot: it is common
    assert_true(program_write(f.program, f.order, 1, 2, 3, values));
    assert_true(program_write(f.program, f.order, 1, 5, 0, values));
    check_refused(program_write(f.program, -1, 0, 0, 1, values), "tensor -1");
    check_refused(program_write(f.program, 99, 0, 0, 1, values), "tensor 99");
    check_refused(program_write(f.program, f.order, 2, 0, 1, values), "slot 2 of 2");
    check_refused(program_write(f.program, f.order, -1, 0, 1, values), "slot -1 of 2");
    check_refused(program_write(f.program, f.order, 0, 3, 3, values), "elements 3 to 6 of 5");
    check_refused(program_write(f.program, f.order, 0, 6, 0, values), "of 5");
    check_refused(program_write(f.program, f.order, 0, 2, SIZE_MAX, values), "of 5");
    fixture_destroy(&f);
}

static void test_batch_size(void **state)
{
    (void)state;
    struct fixture f = fixture_create(false);
    float values[64] = {0};
    assert_true(program_read(f.program, f.y, 0, 0, BATCH * CHANNELS, values));
    assert_true(program_run(f.program, ROUTINE_TRAIN, 2));
    assert_true(program_read(f.program, f.y, 1, 0, 2 * CHANNELS, values));
    check_refused(program_read(f.program, f.y, 0, 0, BATCH * CHANNELS, values), "of 8");
    check_refused(program_read(f.program, f.x, 0, 0, 1, values), "it is no output");
    check_refused(program_run(f.program, ROUTINE_TRAIN, 0), "a batch of 0");
    check_refused(program_run(f.program, ROUTINE_TRAIN, 4), "takes 1 to 3");
    check_refused(program_run(f.program, ROUTINE_EVALUATE, 1), "no routine");
    check_refused(program_check_guards(f.program), "inspect");
    fixture_destroy(&f);
}

static void test_state_is_moved_whole(void **state)
{
    (void)state;
    struct fixture f = fixture_create(true);
    const float ones[CHANNELS] = {1, 1, 1, 1}, twos[CHANNELS] = {2, 2, 2, 2};
    float values[CHANNELS];
    check_refused(program_write(f.program, f.parameter, 0, 0, 2, ones), "moved whole");
    assert_true(program_write(f.program, f.parameter, 1, 0, CHANNELS, ones));
    assert_true(program_write_block(f.program, BLOCK_MOMENT2, f.parameter, 1, twos));
    assert_true(program_read_block(f.program, BLOCK_MOMENT2, f.parameter, 1, values));
    assert_memory_equal(values, twos, sizeof twos);
    assert_true(program_read_block(f.program, BLOCK_STATE, f.parameter, 1, values));
    assert_memory_equal(values, ones, sizeof ones);
    check_refused(program_read_block(f.program, BLOCK_MOMENT1, f.buffer, 0, values), "no copy");
    check_refused(program_read_block(f.program, BLOCK_TABLE, f.parameter, 0, values), "no copy");
    check_refused(program_read_block(f.program, BLOCK_MOMENT1, f.lr, 0, values), "no copy");
    check_refused(program_read_block(f.program, BLOCK_BEST, f.parameter, 0, values),
                  "does not use");
    assert_true(program_clear(f.program, BLOCK_MOMENT2));
    assert_true(program_read_block(f.program, BLOCK_MOMENT2, f.parameter, 1, values));
    assert_true(values[0] == 0 && values[CHANNELS - 1] == 0);
    check_refused(program_clear(f.program, BLOCK_COUNT), "no block");
    assert_true(program_read(f.program, f.x, 0, 0, 1, values)); // inspect: every tensor
    fixture_destroy(&f);
}

static void test_options(void **state)
{
    (void)state;
    struct graph *graph = graph_create();
    struct engine *engine = reference_engine();
    struct program *program;
    check_refused(program_create(engine, graph, &(struct program_options){0, 1, false}, &program),
                  "0 slots");
    check_refused(program_create(engine, graph, &(struct program_options){1, -1, false}, &program),
                  "batch size -1");
    assert_null(program);
    engine_close(&engine);
    graph_destroy(&graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_batch_size),
        cmocka_unit_test(test_state_is_moved_whole),
        cmocka_unit_test(test_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
