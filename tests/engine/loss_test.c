// SPDX-License-Identifier: MIT
// The cross-entropy of pixels that are far on the right side: small numbers, which have as many
// digits as any. (Whole batches are compared with the reference in ops_test, where such pixels do
// not show.)
#include "tests/test.h"
#include "tests/test_device.h"
#include "vkgrid/base/error.h"

#include <math.h>
#include <stdlib.h>

enum { SLOTS = 64 };

static struct engine *engine;
static double worst;

static float logit_of(int slot)
{
    return -0.3125f * (float)slot;
}

// One pixel a slot, which is none of the class: its cross-entropy is log(1 + e^z).
static void test_small_losses(void **state)
{
    (void)state;
    const struct program_options options = {.slots = SLOTS, .batch = 1};
    struct graph *g = graph_create();
    struct program *program;
    const int logits = graph_activation(g, "logits", 1, 1, 1),
              targets = graph_activation(g, "targets", 1, 1, 1),
              bce_weight = graph_table(g, "bce_weight", ELEMENT_FLOAT, 1, (int[]){1}),
              metrics = graph_table(g, "metrics", ELEMENT_FLOAT, 2, (int[]){1, 3}),
              position = graph_shared(g, "position", ELEMENT_UINT, 2);
    const uint32_t start[2] = {0, 0};
    const float none = 0;
    graph_loss(g, logits, targets, bce_weight, position, metrics, NO_TENSOR);
    must(program_create(engine, g, &options, &program));
    must(program_write(program, position, 0, 0, 2, start));
    for (int slot = 0; slot < SLOTS; slot++) {
        const float z = logit_of(slot);
        must(program_write(program, logits, slot, 0, 1, &z));
        must(program_write(program, targets, slot, 0, 1, &none));
    }
    must(program_run(program, ROUTINE_TRAIN, 1));
    for (int slot = 0; slot < SLOTS; slot++) {
        float row[3];
        must(program_read(program, metrics, slot, 0, 3, row));
        const double z = (double)logit_of(slot), expected = log1p(exp(z));
        // Vulkan allows exp() 3 + 2 |z| units of the last place, and a division 2.5 of them.
        const double units = fabs((double)row[0] - expected) / (expected * 0x1p-23);
        if (!(units <= 3 + 2 * fabs(z) + 5))
            fail_msg("z = %g: %.9g instead of %.9g: %.1f units of the last place", z,
                     (double)row[0], expected, units);
        worst = units > worst ? units : worst;
    }
    print_message("%.1f units of the last place at most\n", worst);
    program_destroy(&program);
    graph_destroy(&g);
}

int main(void)
{
    engine = open_test_device();
    if (!engine)
        return SKIPPED;
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_small_losses)};
    const int failed = cmocka_run_group_tests_name("loss", tests, NULL, NULL);
    engine_close(&engine);
    return failed;
}
