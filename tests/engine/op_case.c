// SPDX-License-Identifier: MIT
#include "tests/engine/op_case.h"

#include "engine/memory_plan.h"
#include "engine/halves.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/hash.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/base/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const block_names[BLOCK_COUNT] = {
    [BLOCK_STATE] = "state",      [BLOCK_GRADIENT] = "gradients", [BLOCK_MOMENT1] = "moment 1",
    [BLOCK_MOMENT2] = "moment 2", [BLOCK_BEST] = "best copy",     [BLOCK_TABLE] = "tables",
    [BLOCK_SHARED] = "shared",    [BLOCK_DATA] = "data",          [BLOCK_ARENA] = "arena",
};

union word {
    float value;
    uint32_t bits;
};

// The contents of all items, of the slots first .. first + slots.
struct contents {
    union word *words[CASE_ITEMS]; // [slot][size]
    int slots;
};

static const struct tensor *tensor_of(const struct op_case *c, int item)
{
    return &c->graph->tensors[c->items[item].tensor];
}

static bool is_common(const struct op_case *c, int item)
{
    return c->items[item].block == BLOCK_DATA || c->items[item].block == BLOCK_SHARED;
}

// Whether it is kept as a 16-bit number: activations, but for what the loss and the overlap read.
static bool is_rounded(const struct op_case *c, int item)
{
    const struct tensor *t = tensor_of(c, item);
    const struct op *op = &c->graph->routines[c->routine].ops[0];
    const int tensor = c->items[item].tensor;
    return c->precision == PRECISION_MIXED && t->block == BLOCK_ARENA && t->per_sample &&
           t->element == ELEMENT_FLOAT &&
           !((op->kind == OP_LOSS || op->kind == OP_OVERLAP) &&
             (tensor == op->in[0] || tensor == op->in[1]));
}

// Rounds to 16-bit numbers, to nearest even.
static void round_words(const struct op_case *c, union word *words, size_t count)
{
    for (size_t k = 0; k < count; k++) {
        uint16_t half;
        halves_from_floats(c->half, &words[k].value, 1, &half);
        halves_to_floats(c->half, &half, 1, &words[k].value);
    }
}

// Elements of one slot for a batch of n.
static size_t item_size(const struct op_case *c, int item, int n)
{
    const struct tensor *t = tensor_of(c, item);
    return t->count * (t->per_sample ? (size_t)n : 1);
}

static void contents_create(const struct op_case *c, int slots, int n, struct contents *contents)
{
    contents->slots = slots;
    for (int i = 0; i < c->item_count; i++)
        contents->words[i] =
            mem_zalloc((size_t)slots * item_size(c, i, n), sizeof contents->words[i][0]);
}

static void contents_destroy(const struct op_case *c, struct contents *contents)
{
    for (int i = 0; i < c->item_count; i++)
        free(contents->words[i]);
}

static float random_float(struct random *random, enum fill fill, size_t at, int channels)
{
    const double normal = random_normal(random), uniform = random_uniform(random);
    const int channel = channels > 0 ? (int)(at % (size_t)channels) : 0;
    switch (fill) {
    case FILL_RELU:
        return (float)fmax(normal, 0);
    case FILL_NEGATIVE:
        return (float)(-0.5 - uniform);
    case FILL_DEAD:
        if (channel % 2 == 1)
            return 0;
        // fallthrough
    case FILL_CHANNELS:
        return (float)(normal * (0.5 + channel % 3) + channel % 5 - 2);
    case FILL_WIDE:
        return (float)(uniform < 0.1 ? 0 : normal * pow(10, 6 * uniform - 4));
    case FILL_EXTREME:
        return (float)(30 * normal);
    case FILL_POSITIVE:
        return (float)(0.5 + 1.5 * uniform);
    case FILL_TARGETS:
        return (float)fmin(fmax(1.5 * uniform - 0.5, 0), normal > 0 ? 1 : 0.6);
    case FILL_UNIT:
        return (float)uniform;
    case FILL_ZERO:
        return 0;
    default:
        return (float)normal;
    }
}

// A place of the window around output element `at` that lies inside the image.
static uint32_t random_place(struct random *random, const struct op_case *c,
                             const struct tensor *index, size_t at)
{
    const struct op_shape *s = c->shape;
    const int pixel = (int)(at / (size_t)index->channels);
    const int col = pixel % index->cols, row = pixel / index->cols % index->rows;
    for (;;) {
        const int place = (int)random_below(random, (uint32_t)(s->kernel * s->kernel));
        const int y = row * s->stride + place / s->kernel - s->kernel / 2;
        const int x = col * s->stride + place % s->kernel - s->kernel / 2;
        if (y >= 0 && y < s->rows && x >= 0 && x < s->cols)
            return (uint32_t)place;
    }
}

static union word random_word(struct random *random, const struct op_case *c, int item, int slot,
                              size_t at)
{
    const struct tensor *t = tensor_of(c, item);
    const enum fill fill = c->items[item].fill;
    switch (fill) {
    case FILL_ORDER:
        return (union word){.bits = random_below(random, case_targets)};
    case FILL_POSITION:
        return (union word){.bits = (uint32_t)at + 1};
    case FILL_PLACE:
        return (union word){.bits = random_place(random, c, t, at)};
    case FILL_MARK:
        return (union word){.bits = slot % 2 == 0 ? (uint32_t)slot / 2 + 1 : 0};
    default:
        break;
    }
    const float value = random_float(random, fill, at, t->channels);
    if (!c->shape->exact)
        return (union word){.value = value};
    // Kept within -2 to 2: sums of products of such numbers stay below 2^24 / 64.
    return (union word){.value = (float)(round(fmin(fmax(value, -2), 2) * 8) / 8)};
}

static void contents_fill(const struct op_case *c, struct contents *contents)
{
    for (int i = 0; i < c->item_count; i++) {
        const size_t size = item_size(c, i, c->shape->batch);
        for (int slot = 0; slot < contents->slots; slot++) {
            struct random random =
                random_stream(c->test->kind, (uint64_t)i, is_common(c, i) ? 0 : (uint64_t)slot, 0);
            for (size_t k = 0; k < size; k++)
                contents->words[i][(size_t)slot * size + k] = random_word(&random, c, i, slot, k);
        }
        if (is_rounded(c, i))
            round_words(c, contents->words[i], (size_t)contents->slots * size);
    }
}

static bool move_item(const struct op_case *c, struct program *program, int item, int slot,
                      size_t size, union word *words, bool writes)
{
    const enum block block = c->items[item].block;
    const int tensor = c->items[item].tensor;
    if (block == tensor_of(c, item)->block)
        return writes ? program_write(program, tensor, slot, 0, size, words)
                      : program_read(program, tensor, slot, 0, size, words);
    return writes ? program_write_block(program, block, tensor, slot, &words->value)
                  : program_read_block(program, block, tensor, slot, &words->value);
}

// Writes the inputs of slots first and up into a program and runs it.
static bool run_once(const struct op_case *c, struct program *program, int slots, int first,
                     const struct contents *inputs, struct contents *outputs)
{
    for (int i = 0; i < c->item_count; i++) {
        const size_t size = item_size(c, i, c->shape->batch);
        for (int slot = 0; slot < slots && c->items[i].fill != FILL_NONE; slot++) {
            union word *words = inputs->words[i] + (size_t)(first + slot) * size;
            CHECK(move_item(c, program, i, slot, size, words, true));
        }
    }
    CHECK(program_run(program, c->routine, c->shape->n));
    CHECK(program_wait(program));
    for (int i = 0; i < c->item_count; i++) {
        const size_t size = item_size(c, i, c->shape->n);
        for (int slot = 0; slot < slots; slot++) {
            union word *words = outputs->words[i] + (size_t)slot * size;
            CHECK(move_item(c, program, i, slot, size, words, false));
        }
    }
    return program_check_guards(program);

error:
    return false;
}

// All bits of `slots` slots of b, from slot `first` of a.
static bool same_bits(const struct op_case *c, const struct contents *a, int first,
                      const struct contents *b, const char *what)
{
    for (int i = 0; i < c->item_count; i++) {
        const size_t size = item_size(c, i, c->shape->n);
        if (memcmp(a->words[i] + (size_t)first * size, b->words[i],
                   (size_t)b->slots * size * sizeof a->words[i][0]))
            return error_set("%s: %s: %s differs", block_names[c->items[i].block],
                             tensor_of(c, i)->name, what);
    }
    return true;
}

// Runs `slots` slots of the case; if asked to, once more after a full batch, which must leave
// nothing behind.
static bool run_case(const struct op_case *c, struct engine *engine, enum precision precision,
                     int slots, int first, bool twice, const struct contents *inputs,
                     struct contents *outputs)
{
    const struct program_options options = {
        .slots = slots, .batch = c->shape->batch, .inspect = true, .precision = precision};
    struct program *program = NULL;
    struct contents again;
    contents_create(c, slots, c->shape->n, &again);
    bool done = false;
    CHECK(program_create(engine, c->graph, &options, &program));
    CHECK(run_once(c, program, slots, first, inputs, outputs));
    if (twice) {
        CHECK(program_run(program, c->routine, c->shape->batch));
        CHECK(run_once(c, program, slots, first, inputs, &again));
        CHECK(same_bits(c, outputs, 0, &again, "a second run"));
    }
    done = true;

error:
    contents_destroy(c, &again);
    program_destroy(&program);
    return done;
}

// 0: every bit is the same.
static double bound_of(const struct op_case *c, int item)
{
    const struct op_test *test = c->test;
    if (c->shape->exact || test->factor == 0 || !c->items[item].changed)
        return 0;
    const double bound = test->factor * 0x1p-24 * (2 + sqrt(test->terms(c->shape)));
    if (c->precision == PRECISION_FP32)
        return bound;
    const double roundings = test->rounded + (is_rounded(c, item) ? 1 : 0);
    return bound +
           (c->half == HALF_FLOAT16 ? (roundings + test->packed) * 0x1p-12 : roundings * 0x1p-9);
}

// Written so that NaN fails. step: half the distance of the smallest numbers, which no result can
// do without.
static bool compare_floats(const char *name, const union word *seen, const union word *expected,
                           size_t count, double bound, double step, struct op_report *report)
{
    double error = 0, squares = 0, worst = 0;
    size_t at = 0;
    for (size_t k = 0; k < count; k++)
        squares += (double)expected[k].value * (double)expected[k].value;
    const double size = squares > 0 ? sqrt(squares / (double)count) : 1;
    for (size_t k = 0; k < count; k++) {
        const double wanted = (double)expected[k].value, got = (double)seen[k].value;
        if (!isfinite(got) || !isfinite(wanted))
            return error_set("%s[%zu]: %g, expected %g", name, k, got, wanted);
        const double difference = fmax(fabs(got - wanted) - step, 0),
                     part = difference / fmax(size, fabs(wanted));
        error += difference * difference;
        if (part > worst) {
            worst = part;
            at = k;
        }
    }
    const double normalised = sqrt(error / (double)count) / size;
    if (!(normalised <= bound) || !(worst <= 4 * bound))
        return error_set(
            "%s: normalised error %.3g (bound %.3g), worst %.3g (bound %.3g): "
            "[%zu] is %.9g, expected %.9g",
            name, normalised, bound, worst, 4 * bound, at, (double)seen[at].value,
            (double)expected[at].value);
    if (report) {
        report->normalised = fmax(report->normalised, normalised);
        report->worst = fmax(report->worst, worst);
        report->normalised_part = fmax(report->normalised_part, normalised / bound);
        report->worst_part = fmax(report->worst_part, worst / (4 * bound));
    }
    return true;
}

// Every bit is the same. sums: but a zero may have either sign, which compilers of SPIR-V need not
// keep where no kernel asks for it (SignedZeroInfNanPreserve): 0 + x becomes x.
static bool compare_bits(const char *name, const union word *seen, const union word *expected,
                         size_t count, bool sums)
{
    for (size_t k = 0; k < count; k++) {
        const float wanted = expected[k].value, got = seen[k].value;
        const bool zeros = sums && wanted == 0 && got == 0;
        if (!isfinite(got) || (seen[k].bits != expected[k].bits && !zeros))
            return error_set("%s[%zu]: %.9g (%08x), expected the same bits as %.9g (%08x)", name, k,
                             (double)got, seen[k].bits, (double)wanted, expected[k].bits);
    }
    return true;
}

static bool compare_words(const char *name, const union word *seen, const union word *expected,
                          size_t count)
{
    for (size_t k = 0; k < count; k++)
        if (seen[k].bits != expected[k].bits)
            return error_set("%s[%zu]: %u, expected %u", name, k, seen[k].bits, expected[k].bits);
    return true;
}

static bool compare(const struct op_case *c, const struct contents *seen,
                    const struct contents *expected, struct op_report *report)
{
    for (int i = 0; i < c->item_count; i++) {
        const struct tensor *t = tensor_of(c, i);
        const size_t count = (size_t)seen->slots * item_size(c, i, c->shape->n);
        const double bound = bound_of(c, i);
        const double step = is_rounded(c, i) && c->half == HALF_FLOAT16 && bound > 0 ? 0x1p-25 : 0;
        if (bound == 0 && is_rounded(c, i))
            round_words(c, expected->words[i], count);
        const union word *got = seen->words[i], *wanted = expected->words[i];
        bool fine;
        if (t->element == ELEMENT_UINT)
            fine = compare_words(t->name, got, wanted, count);
        else if (bound == 0)
            fine = compare_bits(t->name, got, wanted, count,
                                c->test->factor > 0 && c->items[i].changed);
        else
            fine = compare_floats(t->name, got, wanted, count, bound, step, report);
        if (!fine)
            return error_prefix("%s%s", block_names[c->items[i].block],
                                c->items[i].changed ? "" : ", which is only read");
    }
    return true;
}

static bool check_alone(const struct op_case *c, struct engine *engine,
                        const struct contents *inputs, const struct contents *pack)
{
    const int last = c->shape->slots - 1;
    struct contents alone;
    contents_create(c, 1, c->shape->n, &alone);
    const bool same = run_case(c, engine, c->precision, 1, last, false, inputs, &alone) &&
                      same_bits(c, pack, last, &alone, "the last slot alone");
    contents_destroy(c, &alone);
    return same;
}

// Moments, best copies: the state's tensors once more.
static void add_copies(struct op_case *c)
{
    static const enum block blocks[] = {BLOCK_MOMENT1, BLOCK_MOMENT2, BLOCK_BEST};
    const int count = c->item_count;
    for (int b = 0; b < 3; b++)
        for (int i = 0; i < count && graph_has_block(c->graph, blocks[b]); i++) {
            const struct tensor *t = tensor_of(c, i);
            if (t->block != BLOCK_STATE || (blocks[b] != BLOCK_BEST && !t->parameter))
                continue;
            struct item item = {blocks[b], c->items[i].tensor, FILL_NORMAL, true};
            if (blocks[b] != BLOCK_BEST && c->shape->variant == 1)
                item.fill = FILL_ZERO;
            else if (blocks[b] == BLOCK_MOMENT2)
                item.fill = FILL_POSITIVE;
            c->items[c->item_count++] = item;
        }
}

// The case with what its inputs are filled with.
static void case_create(const struct op_test *test, const struct op_shape *shape,
                        struct engine *engine, enum precision precision, struct op_case *c,
                        struct contents *inputs)
{
    *c = (struct op_case){.test = test,
                          .shape = shape,
                          .graph = graph_create(),
                          .precision = precision,
                          .half = engine_device(engine)->half};
    test->build(c);
    add_copies(c);
    contents_create(c, shape->slots, shape->batch, inputs);
    contents_fill(c, inputs);
}

bool op_case_check(const struct op_test *test, const struct op_shape *shape, struct engine *engine,
                   enum precision precision, struct engine *expected,
                   enum precision expected_precision, struct op_report *report)
{
    struct op_case c;
    struct contents inputs, wanted, seen;
    bool passed = false;
    case_create(test, shape, engine, precision, &c, &inputs);
    contents_create(&c, shape->slots, shape->n, &wanted);
    contents_create(&c, shape->slots, shape->n, &seen);

    CHECK(run_case(&c, expected, expected_precision, shape->slots, 0, false, &inputs, &wanted));
    CHECK(run_case(&c, engine, precision, shape->slots, 0, true, &inputs, &seen));
    CHECK(compare(&c, &seen, &wanted, report));
    CHECK(shape->slots == 1 || check_alone(&c, engine, &inputs, &seen));
    passed = true;

error:
    if (!passed)
        error_prefix(
            "%s %dx%d %d -> %d channels, kernel %d/%d, "
            "batch %d of %d, %d slots, variant %d%s",
            op_name(test->kind), shape->rows, shape->cols, shape->in, shape->out, shape->kernel,
            shape->stride, shape->n, shape->batch, shape->slots, shape->variant,
            shape->exact ? ", exact" : "");
    else if (report)
        report->cases++;
    contents_destroy(&c, &inputs);
    contents_destroy(&c, &wanted);
    contents_destroy(&c, &seen);
    graph_destroy(&c.graph);
    return passed;
}

bool op_case_hash(const struct op_test *test, const struct op_shape *shape, struct engine *engine,
                  enum precision precision, uint64_t *hash)
{
    struct op_case c;
    struct contents inputs, seen;
    case_create(test, shape, engine, precision, &c, &inputs);
    contents_create(&c, shape->slots, shape->n, &seen);
    const bool done = run_case(&c, engine, precision, shape->slots, 0, false, &inputs, &seen);
    *hash = 0;
    for (int i = 0; i < c.item_count; i++)
        *hash = hash_bytes(seen.words[i],
                           (size_t)seen.slots * item_size(&c, i, shape->n) * sizeof *seen.words[i],
                           *hash);
    contents_destroy(&c, &inputs);
    contents_destroy(&c, &seen);
    graph_destroy(&c.graph);
    return done;
}
