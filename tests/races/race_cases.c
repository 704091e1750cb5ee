// SPDX-License-Identifier: MIT
// Every kernel on small shapes, for races.py: under a checker of memory accesses, with modules that
// lack a barrier, in other orders. A line for each case: its name and the hash of all its bits.
//
//     race_cases [--list] [--small] [--float-sums] [--exact] [--turn [--no-barriers]]
//                [--modules FOLDER [--all]] [PATTERN...]
//
// --list     only the names
// --small    tiles have fewer invocations where twice their shared memory would be too much, which
//            is what the checker takes
// --float-sums   matrix units as if they had no fp16 sums
// --exact, --turn, --no-barriers, --modules, --all: hooks.h
// PATTERN    shell patterns of names; all cases without one
//
// Exit status 1 at the first case that fails, 77 when there is no device.
#include "engine/vulkan/context.h"
#include "engine/vulkan/pipelines.h"
#include "engine/vulkan/self_test.h"
#include "engine/vulkan/tiles.h"
#include "tests/engine/networks.h"
#include "tests/engine/op_case.h"
#include "tests/races/hooks.h"
#include "tests/test_device.h"
#include "vkgrid/base/hash.h"

#include <fnmatch.h>

enum { SKIPPED = 77, NAME = 96 };

static struct engine *engine;
static char *const *patterns;
static bool small, lists;
static int done;

// Whether to run a case.
static bool is_wanted(const char *name)
{
    bool wanted = !patterns[0];
    for (int i = 0; patterns[i] && !wanted; i++)
        wanted = fnmatch(patterns[i], name, 0) == 0;
    done += wanted;
    if (wanted && lists)
        puts(name);
    return wanted && !lists;
}

// Prints a case's line, or what was wrong with it.
static bool tell(const char *name, bool fine, uint64_t hash)
{
    char text[HASH_TEXT];
    if (!fine)
        return error_prefix("%s", name);
    printf("%s %s\n", name, hash_print(hash, text));
    fflush(stdout); // so that what is done can be read where a driver crashes
    return true;
}

static bool run_op(const char *family, enum op_kind kind, const struct op_shape *shape,
                   enum precision precision, int number)
{
    char name[NAME];
    uint64_t hash = 0;
    snprintf(name, sizeof name, "%s/%s/%s/%d", op_name(kind), precision_name(precision), family,
             number);
    if (!is_wanted(name))
        return true;
    const bool fine = op_case_hash(&op_tests[kind], shape, engine, precision, &hash);
    return tell(name, fine, hash);
}

// ---- the ops of op_table.c by the kernels that have no tiles in shared memory

static bool run_ops(enum precision precision)
{
    for (int kind = 0; kind < OP_GRAPH_KINDS; kind++)
        for (int i = 0; i < op_tests[kind].shape_count; i++)
            if (!run_op("plain", kind, &op_tests[kind].shapes[i], precision, i))
                return false;
    return true;
}

// ---- convolutions by tiles

static const char *const family_names[CONV_FAMILIES] = {[CONV_DIRECT] = "plain",
                                                        [CONV_SHARED] = "shared",
                                                        [CONV_MATRIX] = "matrix",
                                                        [CONV_WINOGRAD] = "winograd"};

static bool fits(const struct vulkan_engine *vulkan, const struct conv_tile *tile,
                 enum op_kind kind, const struct op_shape *s, enum precision precision)
{
    const uint32_t pixels = (uint32_t)(s->n * s->rows * s->cols);
    const struct conv_problem problem = {.kind = kind,
                                         .pixels = pixels,
                                         .quads = pixels / 4,
                                         .in = (uint32_t)s->in,
                                         .out = (uint32_t)s->out,
                                         .kernel = (uint32_t)s->kernel,
                                         .stride = (uint32_t)s->stride,
                                         .splits = 1,
                                         .slots = (uint32_t)s->slots,
                                         .half = precision == PRECISION_MIXED};
    return conv_tile_fits(vulkan, tile, &problem);
}

// Halves the invocations, the longer side of them first, until half the device's shared memory is
// enough for every pass. False when the family is not for this device in this precision.
static bool shrink(struct conv_tile *tile, enum precision precision)
{
    static const struct op_shape shape = {8, 8, 8, 8, 3, 1, 1, 1, 1};
    struct vulkan_engine half = *(struct vulkan_engine *)engine;
    const uint32_t group = tile->family == CONV_MATRIX     ? half.matrix.subgroup
                           : tile->family == CONV_WINOGRAD ? 16
                                                           : 1;
    if (!fits(&half, tile, OP_CONV, &shape, precision))
        return false;
    half.limits.maxComputeSharedMemorySize /= 2;
    while (small && tile->local > group &&
           !(fits(&half, tile, OP_CONV, &shape, precision) &&
             fits(&half, tile, OP_CONV_INPUT_GRAD, &shape, precision) &&
             fits(&half, tile, OP_CONV_WEIGHT_GRAD, &shape, precision))) {
        tile->local /= 2;
        if (tile->local_columns > tile->local / group / tile->local_columns)
            tile->local_columns /= 2;
    }
    return true;
}

// The tile of a family that has the fewest sums, so that it is the quickest to compile; 0: none.
static int smallest_tile(enum conv_family family, enum precision precision)
{
    struct conv_tile tile;
    uint32_t least = UINT32_MAX;
    int best = 0;
    for (int number = 1; conv_tile_of((struct vulkan_engine *)engine, number, &tile); number++) {
        const uint32_t sums = tile.local * tile.rows * tile.columns;
        if (tile.family == family && sums < least && shrink(&tile, precision)) {
            least = sums;
            best = number;
        }
    }
    return best;
}

struct pass_shape {
    enum op_kind kind;
    struct op_shape shape;
};

enum { TILE_SHAPES = 16 };

// A tile that is overfull and one just full; all_shapes: also few channels, one step, strides,
// several splits, and channels one by one into the matrix kernels. Odd and even numbers of steps.
static int tile_shapes(const struct conv_tile *tile, bool all_shapes, struct pass_shape *list)
{
    uint32_t size[2];
    conv_tile_size((struct vulkan_engine *)engine, tile, OP_CONV, size);
    const bool matrix = tile->family == CONV_MATRIX;
    const int few = matrix ? 8 : 4, depth = (int)tile->depth, n = (int)size[1];
    const int m = (int)size[0] * (tile->family == CONV_WINOGRAD ? 4 : 1); // pixels
    const struct op_shape forward[] = {
        // rows, cols, in, out, kernel, stride, batch, n, slots
        {2, m / 2 + 1, depth + few, n + few, 3, 1, 2, 2, 2},
        {2, m / 2, depth, n, 3, 1, 1, 1, 1, .variant = 1},
        {1, m + 1, 2 * depth, few, 1, 1, 1, 1, 2},
        {3, 7, few, few, 3, 2, 2, 1, 1},
    };
    const struct op_shape weight_grad[] = {
        {5, 2 * depth + 3, (int)size[0] + few, n + few, 3, 1, 2, 2, 2},
        {5, 2 * depth + 3, few, n, 1, 1, 1, 1, 1},
        {5, depth, few, few, 3, 2, 1, 1, 2},
        {64, 65, few, 8, 3, 1, 1, 1, 1},
    };
    const struct op_shape few_channels[] = {
        {3, m / 2, 7, n, 3, 1, 2, 2, 2, .variant = 1},
        {5, 7, 14, n + 8, 7, 2, 2, 1, 1},
    };
    int count = 0;
    for (int i = 0; i < (all_shapes ? 4 : 2); i++) {
        list[count++] = (struct pass_shape){OP_CONV, forward[i]};
        list[count] = (struct pass_shape){OP_CONV_INPUT_GRAD, forward[i]};
        list[count].shape.in = forward[i].out;
        list[count++].shape.out = forward[i].in;
        list[count++] = (struct pass_shape){OP_CONV_WEIGHT_GRAD, weight_grad[i]};
    }
    for (int i = 0; i < 2 && matrix && all_shapes; i++) {
        list[count++] = (struct pass_shape){OP_CONV, few_channels[i]};
        list[count++] = (struct pass_shape){OP_CONV_WEIGHT_GRAD, few_channels[i]};
    }
    return count;
}

static bool run_tiles(enum precision precision)
{
    struct vulkan_engine *vulkan = (struct vulkan_engine *)engine;
    struct conv_tile tile;
    for (int number = 1; conv_tile_of(vulkan, number, &tile); number++) {
        struct pass_shape list[TILE_SHAPES];
        char name[32];
        if (!shrink(&tile, precision))
            continue;
        snprintf(name, sizeof name, "%s-%d", family_names[tile.family], number);
        const bool smallest = number == smallest_tile(tile.family, precision);
        const int count = tile_shapes(&tile, smallest, list);
        vulkan->trial = &tile;
        bool fine = true;
        for (int i = 0; i < count && fine; i++)
            if (fits(vulkan, &tile, list[i].kind, &list[i].shape, precision))
                fine = run_op(name, list[i].kind, &list[i].shape, precision, i);
        vulkan->trial = NULL;
        if (!fine)
            return false;
    }
    return true;
}

// ---- networks, where ops are joined

// Bits of what a network has made.
static bool tell_results(const char *name, bool fine, struct results *results)
{
    const uint64_t hash = hash_bytes(results->values, results->count * sizeof(float), 0);
    free(results->values);
    return tell(name, fine, hash);
}

// By the tile of that number where it fits; 0: by none.
static bool run_networks(const char *family, int tile, enum precision precision)
{
    // Of channels that all families take.
    static const struct small_shape wide = {10, 14, 8, 16, 24, true, false, false, 2, 2, 2};
    bool fine = true;
    ((struct vulkan_engine *)engine)->tile = tile;
    for (int i = 0; i <= SMALL_SHAPES && fine; i++) {
        const struct small_shape *shape = i < SMALL_SHAPES ? &small_shapes[i] : &wide;
        struct results results = {0};
        char name[NAME];
        snprintf(name, sizeof name, "network/%s/%s/%d", precision_name(precision), family, i);
        if ((tile > 0 && i < SMALL_SHAPES) || !is_wanted(name))
            continue;
        struct small_net net = small_create(shape);
        fine = tell_results(name, small_run(engine, &net, shape, precision, false, &results),
                            &results);
        graph_destroy(&net.graph);
    }
    ((struct vulkan_engine *)engine)->tile = 0;
    return fine;
}

// The whole network in training, and the checkers' longest case by far.
static bool run_step(const char *family, int tile, enum precision precision)
{
    const struct program_options options = {
        .slots = 2, .batch = STEP_BATCH, .precision = precision};
    struct results results = {0};
    struct unet_tensors at;
    char name[NAME];
    snprintf(name, sizeof name, "step/%s/%s", precision_name(precision), family);
    if (!is_wanted(name))
        return true;
    struct graph *graph = step_graph(32, &at);
    ((struct vulkan_engine *)engine)->tile = tile;
    const bool fine = step_run(engine, graph, &at, &options, &results);
    ((struct vulkan_engine *)engine)->tile = 0;
    graph_destroy(&graph);
    return tell_results(name, fine, &results);
}

static bool run_families(enum precision precision)
{
    for (int family = 0; family < CONV_FAMILIES; family++) {
        const int tile = family == CONV_DIRECT ? 0 : smallest_tile(family, precision);
        if (family != CONV_DIRECT && tile == 0)
            continue;
        if (!run_networks(family_names[family], tile, precision) ||
            !run_step(family_names[family], tile, precision))
            return false;
    }
    return true;
}

// ---- the products by which a device is tested when it is opened (engine/vulkan/self_test.c)

static bool run_self_test(void)
{
    struct vulkan_engine *vulkan = (struct vulkan_engine *)engine;
    if (vulkan->matrix.m == 0 || !is_wanted("self_test/mixed/plain"))
        return true;
    if (!vulkan_self_test(vulkan))
        return false;
    if (vulkan->matrix.m == 0 || vulkan_validation_errors() > 0)
        return error_set("self_test: %d validation errors, %s", vulkan_validation_errors(),
                         vulkan->matrix_missing);
    return tell("self_test/mixed/plain", true, 1);
}

// ---- options

static const char *modules; // a folder
static bool exact, turn, no_barriers, all, float_sums;

static bool read_options(int argc, char **argv)
{
    const struct {
        const char *name;
        bool *value;
    } flags[] = {
        {"--list", &lists},
        {"--small", &small},
        {"--exact", &exact},
        {"--turn", &turn},
        {"--all", &all},
        {"--no-barriers", &no_barriers},
        {"--float-sums", &float_sums},
    };
    int i = 1;
    for (; i < argc && !strncmp(argv[i], "--", 2); i++) {
        bool known = false;
        for (size_t f = 0; f < sizeof flags / sizeof flags[0] && !known; f++)
            if ((known = !strcmp(argv[i], flags[f].name)))
                *flags[f].value = true;
        if (!known && (strcmp(argv[i], "--modules") != 0 || i + 1 == argc)) {
            fprintf(stderr, "race_cases: what is %s?\n", argv[i]);
            return false;
        }
        if (!known)
            modules = argv[++i];
    }
    patterns = argv + i;
    return true;
}

static bool run(void)
{
    struct vulkan_engine *vulkan = (struct vulkan_engine *)engine;
    vulkan->tile = 0;
    if (float_sums)
        vulkan->matrix.half_sums = false;
    if (exact)
        hooks_exact_buffers(vulkan);
    if (turn)
        hooks_turn_dispatches(vulkan, !no_barriers);
    CHECK(!modules || hooks_replace_modules(vulkan, modules, all));
    vulkan_pipelines_destroy(vulkan); // those of the self-test are made anew
    for (int p = 0; p < 2; p++) {
        const enum precision precision = p == 0 ? PRECISION_FP32 : PRECISION_MIXED;
        if (precision == PRECISION_MIXED && engine_device(engine)->half == HALF_NONE)
            break;
        CHECK(run_ops(precision));
        CHECK(run_tiles(precision));
        CHECK(run_families(precision));
    }
    CHECK(run_self_test());
    CHECK(done > 0 || error_set("no case has such a name"));
    if (turn)
        printf("dispatches turned: %d\n", hooks_turned());
    if (modules)
        printf("modules replaced: %d\n", hooks_replaced());
    return true;
error:
    return false;
}

int main(int argc, char **argv)
{
    if (!read_options(argc, argv))
        return 2;
    engine = open_test_device();
    if (!engine)
        return SKIPPED;
    const bool fine = run();
    if (!fine)
        fprintf(stderr, "race_cases: %s\n", error_text());
    engine_close(&engine);
    return fine ? 0 : 1;
}
