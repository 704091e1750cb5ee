// SPDX-License-Identifier: MIT
// The test of the op tests, without any device: the reference passes all of them, a reference that
// moves one element a little passes none, and no op kind is left out.
#include "tests/test.h"
#include "tests/engine/op_case.h"
#include "tests/reference/reference.h"
#include "vkgrid/base/error.h"

static void test_every_op_has_cases(void **state)
{
    (void)state;
    for (int kind = 0; kind < OP_GRAPH_KINDS; kind++) {
        if (op_tests[kind].shape_count == 0)
            fail_msg("%s has no test", op_name(kind));
        assert_int_equal(op_tests[kind].kind, kind);
    }
}

static void test_reference_passes(void **state)
{
    (void)state;
    struct engine *engine = reference_engine(), *expected = reference_engine();
    for (int kind = 0; kind < OP_GRAPH_KINDS; kind++)
        for (int i = 0; i < op_tests[kind].shape_count; i++)
            must(op_case_check(&op_tests[kind], &op_tests[kind].shapes[i], engine, PRECISION_FP32,
                               expected, PRECISION_FP32, NULL));
    engine_close(&engine);
    engine_close(&expected);
}

static void test_perturbed_fails(void **state)
{
    (void)state;
    struct engine *engine = reference_engine(), *expected = reference_engine();
    reference_perturb(engine, 1e-3);
    for (int kind = 0; kind < OP_GRAPH_KINDS; kind++)
        for (int i = 0; i < op_tests[kind].shape_count; i++)
            if (op_case_check(&op_tests[kind], &op_tests[kind].shapes[i], engine, PRECISION_FP32,
                              expected, PRECISION_FP32, NULL))
                fail_msg("%s, shape %d: an error was not seen", op_name(kind), i);
    engine_close(&engine);
    engine_close(&expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_op_has_cases),
        cmocka_unit_test(test_reference_passes),
        cmocka_unit_test(test_perturbed_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
