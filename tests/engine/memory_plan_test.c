// SPDX-License-Identifier: MIT
// The memory plan against brute force: no two things that hold something at the same op may
// overlap.
#include "tests/test.h"
#include "engine/memory_plan.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/base/random.h"
#include "vkgrid/model/unet.h"

#include <stdlib.h>

// Of the arena, in elements.
struct extent {
    size_t offset, size;
};

static size_t no_scratch(const void *context, const struct op *op, int n)
{
    (void)context, (void)op, (void)n;
    return 0;
}

// Some scratch for some ops; context: the graph.
static size_t some_scratch(const void *context, const struct op *op, int n)
{
    const struct graph *graph = context;
    if (op->kind != OP_CONV_WEIGHT_GRAD && op->kind != OP_BATCH_NORM)
        return 0;
    return (size_t)n * 3 * (size_t)graph->tensors[op->out[0]].channels + 1000;
}

static struct memory_request request_of(const struct graph *graph, int slots, int batch)
{
    return (struct memory_request){.graph = graph,
                                   .slots = slots,
                                   .batch = batch,
                                   .alignment = 64,
                                   .scratch = some_scratch,
                                   .context = graph};
}

static bool touches(const struct op *op, int tensor)
{
    for (int i = 0; i < OP_INPUTS; i++)
        if (op->in[i] == tensor)
            return true;
    for (int i = 0; i < OP_OUTPUTS; i++)
        if (op->out[i] == tensor)
            return true;
    return false;
}

// The first and the last op of the group of ops that may run together with one.
static void group_of(const struct memory_request *request, enum routine routine, int at, int *first,
                     int *last)
{
    const bool *joined = request->joined[routine];
    *first = *last = at;
    while (joined && *first > 0 && joined[*first])
        --*first;
    while (joined && *last + 1 < request->graph->routines[routine].count && joined[*last + 1])
        ++*last;
}

// Whether a tensor holds something while op `at` of a routine runs, by definition. *parts: how many
// slots have one of their own.
static bool is_alive(const struct memory_request *request, enum routine routine, int at, int tensor,
                     size_t *parts)
{
    const struct graph *graph = request->graph;
    bool written = false, used[ROUTINE_COUNT] = {false};
    int routines = 0, first = -1, last = -1;
    for (int r = 0; r < ROUTINE_COUNT; r++)
        for (int i = 0; i < graph->routines[r].count; i++) {
            const struct op *op = &graph->routines[r].ops[i];
            if (!touches(op, tensor))
                continue;
            for (int k = 0; k < OP_OUTPUTS; k++)
                written = written || op->out[k] == tensor;
            routines += !used[r];
            used[r] = true;
            first = first < 0 ? i : first;
            last = i;
        }
    *parts = request->by_slot ? 1 : (size_t)request->slots;
    if (!written || routines > 1)
        return true;
    if (used[routine]) {
        int unused;
        group_of(request, routine, first, &first, &unused);
        group_of(request, routine, last, &unused, &last);
    }
    if (graph->tensors[tensor].output)
        last = graph->routines[routine].count;
    if (graph->tensors[tensor].output && request->serial) // an earlier slot's
        first = 0;
    else if (request->serial)
        *parts = 1;
    return used[routine] && first <= at && at <= last;
}

static int compare_extents(const void *left, const void *right)
{
    const struct extent *a = left, *b = right;
    return (a->offset > b->offset) - (a->offset < b->offset);
}

// Everything that op `at` of a routine needs in the arena must be apart. Returns the sum of the
// sizes.
static size_t check_op(const struct memory_request *request, const struct memory_plan *plan,
                       enum routine routine, int at)
{
    const struct graph *graph = request->graph;
    const int ops = graph->routines[routine].count;
    struct extent *extents = mem_alloc((size_t)(graph->tensor_count + ops) * sizeof extents[0]);
    size_t sum = 0;
    int count = 0, first, last;
    for (int t = 0; t < graph->tensor_count; t++) {
        const struct tensor *tensor = &graph->tensors[t];
        const size_t size = tensor->count * (tensor->per_sample ? (size_t)request->batch : 1);
        size_t parts;
        if (tensor->block != BLOCK_ARENA || !is_alive(request, routine, at, t, &parts))
            continue;
        if (request->by_slot)
            assert_int_equal(plan->tensors[t].stride, plan->arena_span);
        else
            assert_int_equal(plan->tensors[t].stride, parts == 1 && request->slots > 1 ? 0 : size);
        extents[count++] = (struct extent){plan->tensors[t].offset, parts * size};
    }
    group_of(request, routine, at, &first, &last);
    for (int i = first; i <= last; i++) {
        const size_t scratch =
            request->scratch(request->context, &graph->routines[routine].ops[i], request->batch);
        if (scratch > 0)
            extents[count++] = (struct extent){plan->scratch[routine][i], scratch};
    }
    qsort(extents, (size_t)count, sizeof extents[0], compare_extents);
    for (int i = 0; i < count; i++) {
        const size_t end = extents[i].offset + extents[i].size;
        assert_int_equal(extents[i].offset % request->alignment, 0);
        const size_t total = request->by_slot ? plan->arena_span : plan->total[BLOCK_ARENA];
        assert_true(end <= (i + 1 < count ? extents[i + 1].offset : total));
        sum += extents[i].size;
    }
    free(extents);
    return sum;
}

// Checks the arena at every op. Returns a lower bound for it: the most that is alive at one op.
static size_t check_arena(const struct memory_request *request, const struct memory_plan *plan)
{
    size_t most = 0;
    for (int r = 0; r < ROUTINE_COUNT; r++)
        for (int i = 0; i < request->graph->routines[r].count; i++) {
            const size_t sum = check_op(request, plan, (enum routine)r, i);
            most = sum > most ? sum : most;
        }
    return most;
}

static void report(const char *what, size_t total, size_t least)
{
    print_message("%s: arena of %.1f MiB, at least %.1f MiB (%.1f%% more)\n", what,
                  (double)total * 4 / 1048576, (double)least * 4 / 1048576,
                  100.0 * (double)total / (double)least - 100);
}

static void check_unet(const char *what, struct unet_shape shape, int slots, bool serial)
{
    struct unet_tensors tensors;
    struct graph *graph = unet_training_graph(&shape, &tensors);
    struct memory_request request = request_of(graph, slots, shape.batch_size);
    struct memory_plan plan;
    request.serial = serial;
    memory_plan_create(&request, &plan);
    const size_t least = check_arena(&request, &plan);
    report(what, plan.total[BLOCK_ARENA], least);
    assert_true(plan.total[BLOCK_ARENA] <= least + least / 10);
    memory_plan_destroy(&plan);
    graph_destroy(&graph);
}

static void test_unet(void **state)
{
    (void)state;
    check_unet("resnet18 128x256, batch 4, 1 slot",
               (struct unet_shape){RESNET18, 128, 256, 7, 3, 100, 80, 4}, 1, false);
    check_unet("resnet34 64x96, batch 6, 5 slots",
               (struct unet_shape){RESNET34, 64, 96, 14, 5, 100, 80, 6}, 5, false);
    check_unet("resnet34 64x96, batch 6, 5 slots one after the other",
               (struct unet_shape){RESNET34, 64, 96, 14, 5, 100, 80, 6}, 5, true);
}

// A graph of random ops: every tensor is made by one op from earlier ones; some are outputs.
static struct graph *random_graph(uint64_t seed)
{
    struct random random = random_stream(seed, 0, 0, 0);
    struct graph *graph = graph_create();
    for (int r = 0; r < ROUTINE_COUNT; r++) {
        graph->routine = (enum routine)r;
        const int first = graph->tensor_count;
        graph_activation(graph, "", 1, 1, 5); // made by no op
        for (uint32_t i = 0, ops = 1 + random_below(&random, 30); i < ops; i++) {
            const int made = graph->tensor_count;
            const uint32_t from = (uint32_t)(random_below(&random, 20) == 0 ? made : made - first);
            int in[2], size[3];
            for (int k = 0; k < 2; k++)
                in[k] = made - 1 - (int)random_below(&random, from);
            for (int k = 0; k < 3; k++)
                size[k] = 1 + (int)random_below(&random, 20);
            const int out = graph_activation(graph, "", size[0], size[1], size[2]);
            graph->tensors[out].output = random_below(&random, 8) == 0;
            graph->tensors[out].per_sample = random_below(&random, 4) != 0;
            graph_op(graph, random_below(&random, 5) == 0 ? OP_BATCH_NORM : OP_ADD, 2, in, 1, &out);
        }
    }
    return graph;
}

static void test_random_graphs(void **state)
{
    (void)state;
    double worst = 1;
    for (uint64_t seed = 0; seed < 400; seed++) {
        struct graph *graph = random_graph(seed);
        struct random random = random_stream(seed, 1, 0, 0);
        struct memory_request request = request_of(graph, 3, 2);
        struct memory_plan plan;
        bool joined[ROUTINE_COUNT][32] = {0};
        request.serial = seed % 4 == 1;
        request.by_slot = seed % 4 >= 2;
        for (int r = 0; r < ROUTINE_COUNT && seed % 4 == 3; r++) {
            for (int i = 1; i < graph->routines[r].count; i++)
                joined[r][i] = random_below(&random, 3) == 0;
            request.joined[r] = joined[r];
        }
        memory_plan_create(&request, &plan);
        const size_t total = request.by_slot ? plan.arena_span : plan.total[BLOCK_ARENA];
        assert_true(!request.by_slot || plan.total[BLOCK_ARENA] == 3 * plan.arena_span);
        const double part = (double)total / (double)check_arena(&request, &plan);
        worst = part > worst ? part : worst;
        memory_plan_destroy(&plan);
        graph_destroy(&graph);
    }
    print_message("random graphs: at most %.2f times the lower bound\n", worst);
}

// In a chain, only two neighbours are alive at a time.
static void test_chain_takes_two(void **state)
{
    (void)state;
    struct graph *graph = graph_create();
    int x = graph_activation(graph, "x", 4, 4, 16);
    graph_op(graph, OP_GATHER, 0, NULL, 1, &x);
    for (int i = 0; i < 10; i++)
        x = graph_relu(graph, x);
    struct memory_request request = request_of(graph, 2, 3);
    request.scratch = no_scratch;
    struct memory_plan plan;
    memory_plan_create(&request, &plan);
    check_arena(&request, &plan);
    assert_int_equal(plan.total[BLOCK_ARENA], 2 * (4 * 4 * 16) * 2 * 3);
    memory_plan_destroy(&plan);
    graph_destroy(&graph);
}

static void test_state(void **state)
{
    (void)state;
    struct graph *graph = graph_create();
    const int buffer = graph_buffer(graph, "buffer", 1, (int[]){6});
    const int first = graph_parameter(graph, "first", 2, (int[]){3, 3});
    const int second = graph_parameter(graph, "second", 1, (int[]){5});
    const int lr = graph_table(graph, "lr", ELEMENT_FLOAT, 1, (int[]){1});
    const int correction = graph_table(graph, "correction", ELEMENT_FLOAT, 1, (int[]){2});
    graph_op(graph, OP_ADAM, 2, (int[]){lr, correction}, 0, NULL);
    const struct memory_request request = request_of(graph, 3, 1);
    struct memory_plan plan;
    memory_plan_create(&request, &plan);

    assert_int_equal(plan.tensors[first].offset, 0);
    assert_int_equal(plan.tensors[second].offset, 16); // 9, rounded up to a multiple of 8
    assert_int_equal(plan.parameter_span, 24);
    assert_int_equal(plan.tensors[buffer].offset, 24);
    assert_int_equal(plan.state_span, 32);
    assert_int_equal(plan.tensors[buffer].stride, 32);
    assert_int_equal(plan.total[BLOCK_STATE], 3 * 32);
    assert_int_equal(plan.total[BLOCK_MOMENT1], 3 * 24);
    assert_int_equal(plan.total[BLOCK_MOMENT2], 3 * 24);
    assert_int_equal(plan.total[BLOCK_GRADIENT], 0); // no gradient is used
    assert_int_equal(plan.total[BLOCK_BEST], 0);     // nothing is kept
    assert_int_equal(plan.tensors[lr].offset, 0);
    assert_int_equal(plan.tensors[correction].offset, 64);
    assert_int_equal(plan.tensors[correction].stride, 2);
    assert_int_equal(plan.total[BLOCK_TABLE], 64 + 3 * 2);
    memory_plan_destroy(&plan);
    graph_destroy(&graph);
}

// A guard of the arena stands in each slot's span.
static void test_guards_by_slot(void **state)
{
    (void)state;
    struct graph *graph = graph_create();
    const int x = graph_activation(graph, "x", 2, 2, 3);
    graph_relu(graph, x);
    struct memory_request request = request_of(graph, 3, 1);
    request.inspect = request.by_slot = true;
    struct memory_plan plan;
    memory_plan_create(&request, &plan);
    assert_int_equal(plan.guard_count, 3 * 4);
    for (int g = 0; g < 4; g++)
        for (int slot = 0, found = 0; slot < 3; slot++, found = 0) {
            for (int i = 0; i < plan.guard_count; i++)
                found +=
                    plan.guards[i].offset == plan.guards[g].offset + (size_t)slot * plan.arena_span;
            assert_int_equal(found, 1);
        }
    memory_plan_destroy(&plan);
    graph_destroy(&graph);
}

static size_t tensor_end(const struct memory_request *request, const struct memory_plan *plan,
                         int tensor)
{
    const struct tensor *t = &request->graph->tensors[tensor];
    const size_t stride = plan->tensors[tensor].stride;
    const int parts = stride > 0 ? request->slots : 1;
    return plan->tensors[tensor].offset + (size_t)(parts - 1) * stride +
           t->count * (t->per_sample ? (size_t)request->batch : 1);
}

// With inspect every tensor of the real graph has its own place, right between two guards.
static void test_guards(void **state)
{
    (void)state;
    const struct unet_shape shape = {RESNET18, 32, 64, 2, 1, 5, 3, 2};
    struct unet_tensors tensors;
    struct graph *graph = unet_training_graph(&shape, &tensors);
    struct memory_request request = request_of(graph, 3, 2);
    request.inspect = true;
    struct memory_plan plan;
    memory_plan_create(&request, &plan);

    for (int g = 0; g < plan.guard_count; g++) {
        const struct memory_guard *guard = &plan.guards[g];
        assert_true(guard->offset + MEMORY_GUARD <= plan.total[guard->block]);
        for (int t = 0; t < graph->tensor_count; t++)
            if (graph->tensors[t].block == guard->block)
                assert_true(tensor_end(&request, &plan, t) <= guard->offset ||
                            plan.tensors[t].offset >= guard->offset + MEMORY_GUARD);
    }
    for (int t = 0; t < graph->tensor_count; t++) {
        bool before = false, after = false;
        for (int g = 0; g < plan.guard_count; g++)
            if (plan.guards[g].block == graph->tensors[t].block && plan.guards[g].tensor == t) {
                before = before || plan.guards[g].offset + MEMORY_GUARD == plan.tensors[t].offset;
                after = after || plan.guards[g].offset == tensor_end(&request, &plan, t);
            }
        const enum block block = graph->tensors[t].block;
        assert_true((before && after) || block == BLOCK_STATE || block == BLOCK_GRADIENT);
    }
    memory_plan_destroy(&plan);
    graph_destroy(&graph);
}

// Without Adam, which runs over whole spans, the state's tensors have guards behind them too, in
// every slot.
static void test_state_guards(void **state)
{
    (void)state;
    struct graph *graph = graph_create();
    const int first = graph_parameter(graph, "first", 1, (int[]){5});
    const int second = graph_parameter(graph, "second", 1, (int[]){3});
    struct memory_request request = request_of(graph, 2, 1);
    request.inspect = true;
    struct memory_plan plan;
    memory_plan_create(&request, &plan);
    assert_int_equal(plan.tensors[second].offset, 24); // 5 + 16, rounded up
    assert_int_equal(plan.state_span, 48);             // 24 + 3 + 16, rounded up
    assert_int_equal(plan.guard_count, 4);
    assert_int_equal(plan.guards[0].tensor, first);
    assert_int_equal(plan.guards[0].offset, 5);
    assert_int_equal(plan.guards[1].offset, 27);
    assert_int_equal(plan.guards[2].offset, 48 + 5);
    memory_plan_destroy(&plan);
    graph_destroy(&graph);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unet),
        cmocka_unit_test(test_random_graphs),
        cmocka_unit_test(test_chain_takes_two),
        cmocka_unit_test(test_state),
        cmocka_unit_test(test_guards),
        cmocka_unit_test(test_state_guards),
        cmocka_unit_test(test_guards_by_slot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
