// SPDX-License-Identifier: MIT
// Shapes, graphs and bounds of the op tests. Odd sizes, batches of 1, 2, 3 and 6 (run in full or in
// part), 1, 3 and 5 slots, 1, 3, 7, 14, 64 and 192 channels; many channels only with few pixels, so
// that a software driver is quick.
#include "tests/engine/op_case.h"

#include "vkgrid/base/memory.h"

#include <assert.h>
#include <stdlib.h>

#define COUNT(array) ((int)(sizeof(array) / sizeof(array)[0]))

// rows, cols, in, out, kernel, stride, batch, n, slots
static const struct op_shape conv_shapes[] = {
    {13, 11, 3, 64, 7, 2, 2, 2, 1},
    {10, 7, 7, 14, 7, 2, 3, 2, 3},
    {9, 9, 14, 7, 7, 2, 1, 1, 5},
    {5, 3, 1, 1, 7, 2, 6, 5, 1},
    {2, 1, 3, 3, 7, 2, 1, 1, 3},
    {16, 33, 7, 64, 7, 2, 1, 1, 1},
    {6, 8, 14, 64, 7, 2, 2, 1, 1},
    {7, 7, 3, 3, 7, 2, 2, 1, 3, .exact = true},

    {5, 7, 1, 1, 3, 1, 1, 1, 1},
    {7, 5, 3, 7, 3, 1, 2, 2, 3},
    {6, 9, 14, 64, 3, 1, 3, 2, 1},
    {4, 4, 64, 64, 3, 1, 2, 2, 3},
    {3, 5, 192, 64, 3, 1, 1, 1, 1},
    {5, 3, 64, 192, 3, 1, 2, 1, 1},
    {2, 2, 192, 192, 3, 1, 1, 1, 3},
    {1, 1, 7, 3, 3, 1, 6, 4, 5},
    {1, 9, 3, 1, 3, 1, 2, 2, 1},
    {33, 18, 7, 14, 3, 1, 6, 6, 1},
    {17, 19, 14, 14, 3, 1, 1, 1, 5},
    {9, 7, 63, 65, 3, 1, 2, 2, 1},
    {6, 6, 1, 64, 3, 1, 3, 3, 3},
    {8, 8, 64, 64, 3, 1, 1, 1, 1, .exact = true},
    {5, 6, 7, 3, 3, 1, 3, 2, 3, .exact = true},
    {6, 5, 7, 7, 3, 1, 2, 2, 3, .variant = 1},
    // Many tiles and whole blocks of channels, for fast algorithms.
    {12, 10, 64, 64, 3, 1, 3, 2, 3},
    {13, 21, 64, 128, 3, 1, 1, 1, 1},
    {9, 19, 128, 64, 3, 1, 2, 2, 1, .variant = 1},
    {14, 16, 64, 64, 3, 1, 2, 1, 3, .exact = true},

    {5, 7, 1, 3, 3, 2, 1, 1, 1},
    {6, 8, 14, 7, 3, 2, 3, 3, 3},
    {9, 4, 64, 64, 3, 2, 2, 2, 1},
    {4, 4, 64, 192, 3, 2, 1, 1, 1},
    {3, 4, 192, 192, 3, 2, 2, 2, 1},
    {1, 1, 3, 3, 3, 2, 6, 5, 5},
    {7, 9, 7, 7, 3, 2, 2, 1, 3, .exact = true},

    {160, 160, 1, 1, 1, 1, 7, 6, 1}, // the smaller batch has more splits of the weight gradient
    {5, 7, 1, 1, 1, 1, 1, 1, 1},
    {9, 3, 64, 3, 1, 1, 2, 2, 3},
    {4, 5, 192, 192, 1, 1, 1, 1, 1},
    {7, 11, 14, 7, 1, 1, 6, 5, 5},
    {16, 16, 64, 1, 1, 1, 3, 3, 1},
    {3, 3, 7, 14, 1, 1, 2, 2, 3, .exact = true},

    {5, 7, 1, 3, 1, 2, 1, 1, 1},
    {6, 4, 64, 192, 1, 2, 2, 2, 1},
    {7, 7, 14, 7, 1, 2, 3, 2, 3},
    {1, 1, 3, 7, 1, 2, 6, 6, 5},
    {5, 5, 7, 7, 1, 2, 2, 1, 3, .exact = true},
};

// rows, cols, channels
static const struct op_shape plain_shapes[] = {
    {5, 7, 1, .batch = 1, .n = 1, .slots = 1},    {3, 5, 3, .batch = 2, .n = 2, .slots = 3},
    {9, 11, 7, .batch = 3, .n = 2, .slots = 5},   {1, 3, 14, .batch = 6, .n = 5, .slots = 1},
    {13, 17, 64, .batch = 2, .n = 1, .slots = 1}, {3, 3, 192, .batch = 6, .n = 6, .slots = 3},
    {1, 1, 64, .batch = 3, .n = 3, .slots = 1},   {33, 35, 3, .batch = 6, .n = 6, .slots = 1},
};

// variant 1 as op_shape, for batch norm: channels that are all zeros (their gradient: no dx)
static const struct op_shape norm_shapes[] = {
    {5, 7, 1, .batch = 1, .n = 1, .slots = 1},
    {3, 5, 3, .batch = 2, .n = 2, .slots = 3},
    {9, 11, 7, .batch = 3, .n = 2, .slots = 5},
    {1, 3, 14, .batch = 6, .n = 5, .slots = 1},
    {13, 17, 64, .batch = 2, .n = 1, .slots = 1},
    {3, 3, 192, .batch = 6, .n = 6, .slots = 3},
    {1, 1, 64, .batch = 3, .n = 3, .slots = 1},
    {65, 67, 3, .batch = 6, .n = 6, .slots = 1},
    {5, 5, 14, .batch = 3, .n = 2, .slots = 3, .variant = 1},
};

static const struct op_shape pool_shapes[] = {
    {5, 7, 1, 0, 3, 2, 1, 1, 1},
    {6, 8, 3, 0, 3, 2, 2, 2, 3},
    {9, 4, 64, 0, 3, 2, 3, 2, 1},
    {17, 13, 7, 0, 3, 2, 2, 2, 5},
    {1, 1, 14, 0, 3, 2, 6, 5, 3},
    {2, 3, 192, 0, 3, 2, 1, 1, 1},
    {8, 6, 14, 0, 3, 2, 6, 6, 3, .exact = true},
    {7, 8, 7, 0, 3, 2, 2, 1, 3, .variant = 1},
};

static const struct op_shape upsample_shapes[] = {
    {5, 7, 1, .batch = 1, .n = 1, .slots = 1},
    {3, 2, 3, .batch = 2, .n = 2, .slots = 3},
    {1, 4, 7, .batch = 3, .n = 2, .slots = 5},
    {4, 1, 14, .batch = 6, .n = 5, .slots = 1},
    {4, 8, 64, .batch = 1, .n = 1, .slots = 3},
    {2, 2, 192, .batch = 2, .n = 2, .slots = 1},
    {33, 65, 3, .batch = 1, .n = 1, .slots = 1},
    {1, 1, 7, .batch = 2, .n = 1, .slots = 3, .exact = true},
};

// in and out: channels of the two that are joined (of the whole and of the part that is cut out)
static const struct op_shape join_shapes[] = {
    {5, 7, 1, 3, .batch = 1, .n = 1, .slots = 1},
    {3, 2, 3, 1, .batch = 2, .n = 2, .slots = 3},
    {3, 5, 7, 14, .batch = 3, .n = 2, .slots = 5},
    {4, 3, 64, 7, .batch = 6, .n = 5, .slots = 1},
    {9, 5, 128, 64, .batch = 2, .n = 2, .slots = 3},
    {1, 1, 64, 192, .batch = 1, .n = 1, .slots = 1},
};

// in: labels. variant 1: no gradient; 2: logits far from 0
static const struct op_shape loss_shapes[] = {
    {5, 7, 1, .batch = 1, .n = 1, .slots = 1},
    {9, 3, 3, .batch = 2, .n = 2, .slots = 3},
    {11, 13, 5, .batch = 3, .n = 2, .slots = 5},
    {33, 17, 3, .batch = 6, .n = 5, .slots = 3},
    {64, 96, 8, .batch = 2, .n = 2, .slots = 1},
    {1, 1, 7, .batch = 6, .n = 6, .slots = 1},
    {7, 5, 3, .batch = 3, .n = 3, .slots = 3, .variant = 1},
    {7, 9, 3, .batch = 2, .n = 2, .slots = 3, .variant = 2},
};

// in: labels. Fewer pixels and more than a workgroup has invocations; exact: many values that are
// the very thresholds
static const struct op_shape overlap_shapes[] = {
    {5, 7, 1, .batch = 1, .n = 1, .slots = 1},
    {9, 3, 3, .batch = 2, .n = 2, .slots = 3},
    {33, 17, 5, .batch = 6, .n = 5, .slots = 3},
    {64, 96, 8, .batch = 2, .n = 2, .slots = 1},
    {1, 1, 7, .batch = 6, .n = 6, .slots = 5},
    {11, 13, 3, .batch = 3, .n = 3, .slots = 3, .exact = true},
};

// in, out, kernel: the parameters are those of a convolution. variant 1: the first step
static const struct op_shape state_shapes[] = {
    {.in = 1, .out = 1, .kernel = 1, .batch = 1, .n = 1, .slots = 1},
    {.in = 3, .out = 7, .kernel = 3, .batch = 2, .n = 2, .slots = 3},
    {.in = 14, .out = 64, .kernel = 7, .batch = 1, .n = 1, .slots = 5},
    {.in = 7, .out = 3, .kernel = 3, .batch = 6, .n = 5, .slots = 3, .variant = 1},
};

static int add_item(struct op_case *c, int tensor, enum fill fill, bool changed)
{
    assert(c->item_count < CASE_ITEMS);
    c->items[c->item_count++] =
        (struct item){c->graph->tensors[tensor].block, tensor, fill, changed};
    return tensor;
}

static int activation(struct op_case *c, const char *name, int rows, int cols, int channels,
                      enum fill fill)
{
    const int tensor = graph_activation(c->graph, name, rows, cols, channels);
    return add_item(c, tensor, fill, fill == FILL_NONE);
}

// An activation of the shape that goes in.
static int image(struct op_case *c, const char *name, enum fill fill)
{
    return activation(c, name, c->shape->rows, c->shape->cols, c->shape->in, fill);
}

// An activation of the shape that comes out of a convolution or pool.
static int windowed(struct op_case *c, const char *name, int channels, enum fill fill)
{
    const struct op_shape *s = c->shape;
    const int lost = s->kernel - 2 * (s->kernel / 2);
    return activation(c, name, (s->rows - lost) / s->stride + 1, (s->cols - lost) / s->stride + 1,
                      channels, fill);
}

static int table(struct op_case *c, const char *name, enum element element, int count,
                 enum fill fill)
{
    return add_item(c, graph_table(c->graph, name, element, 1, &count), fill, fill == FILL_NONE);
}

static int position(struct op_case *c)
{
    return add_item(c, graph_shared(c->graph, "position", ELEMENT_UINT, 2), FILL_POSITION, false);
}

static int parameter(struct op_case *c, const char *name, int rank, const int *dims)
{
    return add_item(c, graph_parameter(c->graph, name, rank, dims), FILL_NORMAL, false);
}

static int vector(struct op_case *c, const char *name, int channels)
{
    return parameter(c, name, 1, &channels);
}

static int weight(struct op_case *c)
{
    const struct op_shape *s = c->shape;
    return parameter(c, "weight", 4, (int[]){s->out, s->in, s->kernel, s->kernel});
}

static int buffer(struct op_case *c, const char *name, int channels, enum fill fill)
{
    return add_item(c, graph_buffer(c->graph, name, 1, &channels), fill, false);
}

// The gradient of a parameter: of its shape, in BLOCK_GRADIENT.
static int gradient(struct op_case *c, int of, enum fill fill)
{
    const struct tensor p = c->graph->tensors[of];
    char *name = text_format("d:%s", p.name);
    const int tensor = graph_table(c->graph, name, ELEMENT_FLOAT, p.rank, p.dims);
    free(name);
    c->graph->tensors[tensor].block = BLOCK_GRADIENT;
    c->graph->tensors[of].gradient = tensor;
    return add_item(c, tensor, fill, fill == FILL_NONE);
}

// One value a channel, common to all samples of a slot.
static int statistics(struct op_case *c, const char *name, enum fill fill)
{
    const int tensor = graph_table(c->graph, name, ELEMENT_FLOAT, 1, &c->shape->in);
    struct tensor *t = &c->graph->tensors[tensor];
    t->block = BLOCK_ARENA;
    t->rows = t->cols = 1;
    t->channels = c->shape->in;
    return add_item(c, tensor, fill, fill == FILL_NONE);
}

static struct op *op(struct op_case *c, int inputs, const int *in, int outputs, const int *out)
{
    struct op *added = graph_op(c->graph, c->test->kind, inputs, in, outputs, out);
    added->kernel = c->shape->kernel;
    added->stride = c->shape->stride;
    return added;
}

static void build_gather(struct op_case *c)
{
    const struct op_shape *s = c->shape;
    const int data = graph_data(c->graph, "data", case_targets, s->rows, s->cols, s->in);
    const int in[] = {
        add_item(c, data, FILL_NORMAL, false),
        table(c, "order", ELEMENT_UINT, s->batch + 2, FILL_ORDER),
        position(c),
    };
    const int y = image(c, "y", FILL_NONE);
    op(c, 3, in, 1, &y);
}

static void build_conv(struct op_case *c)
{
    const int in[] = {
        image(c, "x", FILL_NORMAL),
        weight(c),
        c->shape->variant == 1 ? NO_TENSOR : vector(c, "bias", c->shape->out),
    };
    const int y = windowed(c, "y", c->shape->out, FILL_NONE);
    op(c, 3, in, 1, &y);
}

static void build_conv_input_grad(struct op_case *c)
{
    const int in[] = {windowed(c, "dy", c->shape->out, FILL_NORMAL), weight(c)};
    const int dx = image(c, "dx", FILL_NONE);
    op(c, 2, in, 1, &dx);
}

static void build_conv_weight_grad(struct op_case *c)
{
    const int in[] = {image(c, "x", FILL_NORMAL), windowed(c, "dy", c->shape->out, FILL_NORMAL)};
    const int dweight = gradient(c, weight(c), FILL_NONE);
    op(c, 2, in, 1, &dweight);
}

static void build_conv_bias_grad(struct op_case *c)
{
    const int dy = windowed(c, "dy", c->shape->out, FILL_NORMAL);
    const int dbias = gradient(c, vector(c, "bias", c->shape->out), FILL_NONE);
    op(c, 1, &dy, 1, &dbias);
}

static void build_batch_norm_with(struct op_case *c, int outputs, const int *out)
{
    const int channels = c->shape->in;
    const int in[] = {
        image(c, "x", c->shape->variant == 1 ? FILL_DEAD : FILL_CHANNELS),
        vector(c, "weight", channels),
        vector(c, "bias", channels),
        buffer(c, "running_mean", channels, FILL_NORMAL),
        buffer(c, "running_var", channels, FILL_POSITIVE),
    };
    op(c, 5, in, outputs, out);
}

static void build_batch_norm(struct op_case *c)
{
    const int out[] = {
        image(c, "y", FILL_NONE),
        statistics(c, "mean", FILL_NONE),
        statistics(c, "inverse_deviation", FILL_NONE),
    };
    build_batch_norm_with(c, 3, out);
    c->items[c->item_count - 2].changed = c->items[c->item_count - 1].changed = true;
}

static void build_batch_norm_eval(struct op_case *c)
{
    const int y = image(c, "y", FILL_NONE);
    build_batch_norm_with(c, 1, &y);
}

static void build_batch_norm_grad(struct op_case *c)
{
    const int scale = vector(c, "weight", c->shape->in), shift = vector(c, "bias", c->shape->in);
    const int in[] = {
        image(c, "x", FILL_NORMAL),
        image(c, "dy", FILL_CHANNELS),
        scale,
        statistics(c, "mean", FILL_NORMAL),
        statistics(c, "inverse_deviation", FILL_POSITIVE),
    };
    const int out[] = {
        c->shape->variant == 1 ? NO_TENSOR : image(c, "dx", FILL_NONE),
        gradient(c, scale, FILL_NONE),
        gradient(c, shift, FILL_NONE),
    };
    op(c, 5, in, 3, out);
}

static void build_relu(struct op_case *c)
{
    const int x = image(c, "x", FILL_NORMAL), y = image(c, "y", FILL_NONE);
    op(c, 1, &x, 1, &y);
}

static void build_relu_grad(struct op_case *c)
{
    const int in[] = {image(c, "y", FILL_RELU), image(c, "dy", FILL_NORMAL)};
    const int dx = image(c, "dx", FILL_NONE);
    op(c, 2, in, 1, &dx);
}

static void build_add(struct op_case *c)
{
    const int in[] = {image(c, "a", FILL_NORMAL), image(c, "b", FILL_NORMAL)};
    const int y = image(c, "y", FILL_NONE);
    op(c, 2, in, 1, &y);
}

static int places(struct op_case *c, enum fill fill)
{
    const int tensor = windowed(c, "index", c->shape->in, fill);
    c->graph->tensors[tensor].element = ELEMENT_UINT;
    return tensor;
}

static void build_max_pool(struct op_case *c)
{
    const int x = image(c, "x", c->shape->variant == 1 ? FILL_NEGATIVE : FILL_RELU);
    const int out[] = {windowed(c, "y", c->shape->in, FILL_NONE), places(c, FILL_NONE)};
    op(c, 1, &x, 2, out);
}

static void build_max_pool_grad(struct op_case *c)
{
    const int in[] = {places(c, FILL_PLACE), windowed(c, "dy", c->shape->in, FILL_NORMAL)};
    const int dx = image(c, "dx", FILL_NONE);
    op(c, 2, in, 1, &dx);
}

static int doubled(struct op_case *c, const char *name, enum fill fill)
{
    return activation(c, name, 2 * c->shape->rows, 2 * c->shape->cols, c->shape->in, fill);
}

static void build_upsample(struct op_case *c)
{
    const int x = image(c, "x", FILL_NORMAL), y = doubled(c, "y", FILL_NONE);
    op(c, 1, &x, 1, &y);
}

static void build_upsample_grad(struct op_case *c)
{
    const int dy = doubled(c, "dy", FILL_NORMAL), dx = image(c, "dx", FILL_NONE);
    op(c, 1, &dy, 1, &dx);
}

static void build_concat(struct op_case *c)
{
    const struct op_shape *s = c->shape;
    const int in[] = {image(c, "a", FILL_NORMAL),
                      activation(c, "b", s->rows, s->cols, s->out, FILL_NORMAL)};
    const int y = activation(c, "y", s->rows, s->cols, s->in + s->out, FILL_NONE);
    op(c, 2, in, 1, &y);
}

// Even channel counts: the first channels, odd ones: the last.
static void build_slice(struct op_case *c)
{
    const struct op_shape *s = c->shape;
    const int x = activation(c, "x", s->rows, s->cols, s->in + s->out, FILL_NORMAL);
    const int y = activation(c, "y", s->rows, s->cols, s->out, FILL_NONE);
    op(c, 1, &x, 1, &y)->first = s->in % 2 == 0 ? 0 : s->in;
}

static void build_loss(struct op_case *c)
{
    const int in[] = {
        image(c, "logits", c->shape->variant == 2 ? FILL_EXTREME : FILL_NORMAL),
        image(c, "targets", FILL_TARGETS),
        table(c, "bce_weight", ELEMENT_FLOAT, 1, FILL_UNIT),
        position(c),
    };
    const int metrics = graph_table(c->graph, "metrics", ELEMENT_FLOAT, 2, (int[]){case_steps, 3});
    const int out[] = {
        add_item(c, metrics, FILL_UNIT, true),
        c->shape->variant == 1 ? NO_TENSOR : image(c, "dlogits", FILL_NONE),
    };
    op(c, 4, in, 2, out);
}

// Rows before and behind those of the batch stay as they are.
static void build_overlap(struct op_case *c)
{
    const int in[] = {image(c, "logits", FILL_NORMAL), image(c, "targets", FILL_TARGETS),
                      position(c)};
    const int counts = graph_table(c->graph, "counts", ELEMENT_UINT, 3,
                                   (int[]){c->shape->batch + 2, c->shape->in, OVERLAP_COUNTS});
    add_item(c, counts, FILL_ORDER, true);
    op(c, 3, in, 1, &counts);
}

// Parameters with gradients, and a buffer, which is no parameter.
static void build_state(struct op_case *c, bool gradients)
{
    const int first = weight(c), second = vector(c, "bias", c->shape->out);
    buffer(c, "running_var", c->shape->out, FILL_POSITIVE);
    if (gradients) {
        gradient(c, first, FILL_WIDE);
        gradient(c, second, FILL_WIDE);
    }
}

static void build_adam(struct op_case *c)
{
    build_state(c, true);
    c->items[0].changed = c->items[1].changed = true; // weight and bias
    const int in[] = {
        table(c, "lr", ELEMENT_FLOAT, 1, FILL_UNIT),
        table(c, "correction", ELEMENT_FLOAT, 2, c->shape->variant == 1 ? FILL_ZERO : FILL_UNIT),
    };
    op(c, 2, in, 0, NULL);
}

static void build_advance(struct op_case *c)
{
    const int in[] = {
        position(c),
        c->shape->variant == 1 ? NO_TENSOR : table(c, "correction", ELEMENT_FLOAT, 2, FILL_UNIT),
    };
    for (int i = 0; i < c->item_count; i++)
        c->items[i].changed = true;
    op(c, 2, in, 0, NULL);
}

static void build_copy(struct op_case *c)
{
    c->graph->routine = c->routine = c->test->kind == OP_KEEP ? ROUTINE_KEEP : ROUTINE_RESTORE;
    build_state(c, false);
    for (int i = 0; i < c->item_count; i++)
        c->items[i].changed = c->test->kind == OP_RESTORE;
    const int mark = table(c, "mark", ELEMENT_UINT, 1, FILL_MARK);
    op(c, 1, &mark, 0, NULL);
}

static double no_terms(const struct op_shape *s)
{
    (void)s;
    return 0;
}

static double forward_terms(const struct op_shape *s)
{
    return (double)s->in * s->kernel * s->kernel;
}

static double backward_terms(const struct op_shape *s)
{
    return (double)s->out * s->kernel * s->kernel;
}

static double pixel_terms(const struct op_shape *s)
{
    return (double)s->n * s->rows * s->cols;
}

// Pixels of dy.
static double window_terms(const struct op_shape *s)
{
    return pixel_terms(s) / s->stride / s->stride;
}

// The square of the largest coordinate, so that its root comes in.
static double coordinate_terms(const struct op_shape *s)
{
    const double size = s->rows > s->cols ? s->rows : s->cols;
    return size * size;
}

const struct op_test op_tests[OP_GRAPH_KINDS] = {
    // Data movement and maxima: no arithmetic, so no error.
    [OP_GATHER] = {OP_GATHER, plain_shapes, COUNT(plain_shapes), build_gather, no_terms, 0},
    [OP_RELU] = {OP_RELU, plain_shapes, COUNT(plain_shapes), build_relu, no_terms, 0},
    [OP_RELU_GRAD] = {OP_RELU_GRAD, plain_shapes, COUNT(plain_shapes), build_relu_grad, no_terms,
                      0},
    [OP_MAX_POOL] = {OP_MAX_POOL, pool_shapes, COUNT(pool_shapes), build_max_pool, no_terms, 0},
    [OP_CONCAT] = {OP_CONCAT, join_shapes, COUNT(join_shapes), build_concat, no_terms, 0},
    [OP_SLICE] = {OP_SLICE, join_shapes, COUNT(join_shapes), build_slice, no_terms, 0},
    [OP_KEEP] = {OP_KEEP, state_shapes, COUNT(state_shapes), build_copy, no_terms, 0},
    [OP_RESTORE] = {OP_RESTORE, state_shapes, COUNT(state_shapes), build_copy, no_terms, 0},
    // One sum: fp32 addition is rounded once, as the reference is when it is read.
    [OP_ADD] = {OP_ADD, plain_shapes, COUNT(plain_shapes), build_add, no_terms, 0},
    // Sums of at most four.
    [OP_MAX_POOL_GRAD] = {OP_MAX_POOL_GRAD, pool_shapes, COUNT(pool_shapes), build_max_pool_grad,
                          no_terms, 1},
    // Sums of products: the random walk alone. In mixed precision weights are rounded; by
    // Winograd's algorithm both factors of the products are, after transforms that make them larger
    // than what comes of their sums.
    [OP_CONV] = {OP_CONV, conv_shapes, COUNT(conv_shapes), build_conv, forward_terms, 1,
                 .rounded = 2, .packed = 2},
    [OP_CONV_INPUT_GRAD] = {OP_CONV_INPUT_GRAD, conv_shapes, COUNT(conv_shapes),
                            build_conv_input_grad, backward_terms, 1, .rounded = 2, .packed = 2},
    [OP_CONV_WEIGHT_GRAD] = {OP_CONV_WEIGHT_GRAD, conv_shapes, COUNT(conv_shapes),
                             build_conv_weight_grad, window_terms, 1, .rounded = 4, .packed = 2},
    [OP_CONV_BIAS_GRAD] = {OP_CONV_BIAS_GRAD, conv_shapes, COUNT(conv_shapes), build_conv_bias_grad,
                           window_terms, 1},
    // The mean is up to four deviations off 0: what is left of x after subtraction has four times
    // the error.
    [OP_BATCH_NORM] = {OP_BATCH_NORM, norm_shapes, COUNT(norm_shapes), build_batch_norm,
                       pixel_terms, 4},
    [OP_BATCH_NORM_EVAL] = {OP_BATCH_NORM_EVAL, norm_shapes, COUNT(norm_shapes),
                            build_batch_norm_eval, no_terms, 4},
    [OP_BATCH_NORM_GRAD] = {OP_BATCH_NORM_GRAD, norm_shapes, COUNT(norm_shapes),
                            build_batch_norm_grad, pixel_terms, 4},
    // A coordinate of size s has an error of 2^-24 s, and so has the weight that is left of it;
    // twice, for two axes.
    [OP_UPSAMPLE] = {OP_UPSAMPLE, upsample_shapes, COUNT(upsample_shapes), build_upsample,
                     coordinate_terms, 2},
    [OP_UPSAMPLE_GRAD] = {OP_UPSAMPLE_GRAD, upsample_shapes, COUNT(upsample_shapes),
                          build_upsample_grad, coordinate_terms, 2},
    // exp and log: Vulkan allows 3 + 2 |x| units in the last place.
    [OP_LOSS] = {OP_LOSS, loss_shapes, COUNT(loss_shapes), build_loss, pixel_terms, 8},
    [OP_OVERLAP] = {OP_OVERLAP, overlap_shapes, COUNT(overlap_shapes), build_overlap, no_terms, 0},
    // About eight roundings, square root and divisions of 2.5 units among them; beta is rounded
    // too.
    [OP_ADAM] = {OP_ADAM, state_shapes, COUNT(state_shapes), build_adam, no_terms, 4},
    [OP_ADVANCE] = {OP_ADVANCE, state_shapes, COUNT(state_shapes), build_advance, no_terms, 2},
};
