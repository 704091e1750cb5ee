// SPDX-License-Identifier: MIT
#include "engine/fuse.h"

#include "vkgrid/base/memory.h"

#include <stdlib.h>
#include <string.h>

struct fusion {
    struct graph *graph;
    struct op_list *ops; // of the routine at hand
    bool *gone;          // [op] of it: another has taken it in
    int *users;          // [tensor]: ops of all routines that read it
};

bool is_fused(enum op_kind kind)
{
    return kind >= OP_GRAPH_KINDS;
}

enum op_kind fused_main(enum op_kind kind)
{
    static const enum op_kind main_kinds[OP_KINDS] = {
        [FUSED_CONV_RELU] = OP_CONV,
        [FUSED_BATCH_NORM_RELU] = OP_BATCH_NORM,
        [FUSED_BATCH_NORM_EVAL_RELU] = OP_BATCH_NORM_EVAL,
        [FUSED_BATCH_NORM_RELU_GRAD] = OP_BATCH_NORM_GRAD,
        [FUSED_RELU_GRAD] = OP_RELU_GRAD,
        [FUSED_UPSAMPLE_CONCAT] = OP_UPSAMPLE,
        [FUSED_UPSAMPLE_GRAD] = OP_UPSAMPLE_GRAD,
    };
    return is_fused(kind) ? main_kinds[kind] : kind;
}

static void *copy_of(const void *array, size_t bytes)
{
    return memcpy(mem_alloc(bytes + 1), array ? array : "", bytes);
}

struct graph *graph_copied(const struct graph *graph)
{
    struct graph *copy = graph_create();
    *copy = *graph;
    copy->tensors = copy_of(graph->tensors, (size_t)graph->tensor_count * sizeof *graph->tensors);
    copy->tensor_room = (size_t)graph->tensor_count;
    for (int r = 0; r < ROUTINE_COUNT; r++) {
        const struct op_list *list = &graph->routines[r];
        copy->routines[r].ops = copy_of(list->ops, (size_t)list->count * sizeof *list->ops);
        copy->routines[r].room = (size_t)list->count;
    }
    return copy;
}

static bool reads(const struct op *op, int tensor)
{
    for (int k = 0; k < OP_INPUTS; k++)
        if (op->in[k] == tensor)
            return true;
    return false;
}

static bool writes(const struct op *op, int tensor)
{
    for (int k = 0; k < OP_OUTPUTS; k++)
        if (op->out[k] == tensor)
            return true;
    return false;
}

// What changes weights, and what moves to the next batch, is passed by nothing.
static bool is_barrier(const struct op *op)
{
    return op->kind == OP_ADAM || op->kind == OP_ADVANCE || op->kind == OP_KEEP ||
           op->kind == OP_RESTORE;
}

// Whether op `late` can be done right behind op `early`: nothing between makes what it reads. What
// it makes has no other maker, so that nobody sees it too soon.
static bool can_move(const struct fusion *f, int early, int late)
{
    const struct op *moved = &f->ops->ops[late];
    for (int i = early + 1; i < late; i++) {
        const struct op *op = &f->ops->ops[i];
        if (f->gone[i])
            continue;
        if (is_barrier(op))
            return false;
        for (int k = 0; k < OP_INPUTS; k++)
            if (moved->in[k] != NO_TENSOR && writes(op, moved->in[k]))
                return false;
    }
    return true;
}

// The next op of that kind behind `at` that reads the tensor, if it can be done at `at`; else NULL.
static struct op *follower(const struct fusion *f, int at, int tensor, enum op_kind kind)
{
    for (int i = at + 1; i < f->ops->count; i++) {
        struct op *op = &f->ops->ops[i];
        if (op->kind == kind && reads(op, tensor))
            return can_move(f, at, i) ? op : NULL;
    }
    return NULL;
}

// Whether one op alone reads the tensor, so that it need not be made when that op is taken in.
static bool is_passed_on(const struct fusion *f, int tensor)
{
    return f->users[tensor] == 1 && !f->graph->tensors[tensor].output;
}

static void drop_tensor(const struct fusion *f, int tensor)
{
    f->graph->tensors[tensor].count = 0;
}

// What is gone reads and writes nothing.
static void drop_op(const struct fusion *f, struct op *op)
{
    f->gone[op - f->ops->ops] = true;
    for (int k = 0; k < OP_INPUTS; k++)
        op->in[k] = NO_TENSOR;
    for (int k = 0; k < OP_OUTPUTS; k++)
        op->out[k] = NO_TENSOR;
}

// Each rule looks at the op `at` and at what follows, and says whether it has joined them.

static bool conv_relu(const struct fusion *f, struct op *conv, int at)
{
    const int y = conv->out[0];
    struct op *relu = is_passed_on(f, y) ? follower(f, at, y, OP_RELU) : NULL;
    if (!relu)
        return false;
    conv->kind = FUSED_CONV_RELU;
    conv->out[0] = relu->out[0];
    drop_tensor(f, y);
    drop_op(f, relu);
    return true;
}

// batch norm -> ReLU, or batch norm -> add -> ReLU
static bool norm_relu(const struct fusion *f, struct op *norm, int at)
{
    const int y = norm->out[0];
    struct op *add = is_passed_on(f, y) ? follower(f, at, y, OP_ADD) : NULL;
    const int sum = add ? add->out[0] : y;
    const int before = add ? (int)(add - f->ops->ops) : at;
    struct op *relu = is_passed_on(f, sum) ? follower(f, before, sum, OP_RELU) : NULL;
    if (!relu)
        return false;
    norm->kind = norm->kind == OP_BATCH_NORM ? FUSED_BATCH_NORM_RELU : FUSED_BATCH_NORM_EVAL_RELU;
    if (add) // else it is NO_TENSOR
        norm->in[5] = add->in[0] == y ? add->in[1] : add->in[0];
    norm->out[0] = relu->out[0];
    drop_tensor(f, y);
    drop_op(f, relu);
    if (add) {
        drop_tensor(f, sum);
        drop_op(f, add);
    }
    return true;
}

static bool upsample_concat(const struct fusion *f, struct op *upsample, int at)
{
    const int y = upsample->out[0];
    struct op *concat = is_passed_on(f, y) ? follower(f, at, y, OP_CONCAT) : NULL;
    if (!concat || concat->in[0] != y)
        return false;
    upsample->kind = FUSED_UPSAMPLE_CONCAT;
    upsample->in[1] = concat->in[1];
    upsample->out[0] = concat->out[0];
    drop_tensor(f, y);
    drop_op(f, concat);
    return true;
}

// A slice whose only reader can read the wider tensor itself.
static bool slice_grad(const struct fusion *f, struct op *slice, int at)
{
    const int part = slice->out[0];
    if (!is_passed_on(f, part))
        return false;
    struct op *relu = follower(f, at, part, OP_RELU_GRAD);
    struct op *upsample = follower(f, at, part, OP_UPSAMPLE_GRAD);
    if (relu && relu->in[1] == part) {
        slice->kind = FUSED_RELU_GRAD;
        slice->in[1] = slice->in[0];
        slice->in[0] = relu->in[0];
        slice->out[0] = relu->out[0];
        drop_op(f, relu);
    } else if (upsample) {
        slice->kind = FUSED_UPSAMPLE_GRAD;
        slice->out[0] = upsample->out[0];
        drop_op(f, upsample);
    } else {
        return false;
    }
    drop_tensor(f, part);
    return true;
}

// The gradient of the ReLU is used elsewhere too; only the pass for its sums is saved.
static bool relu_grad_bias(const struct fusion *f, struct op *relu, int at)
{
    struct op *bias =
        relu->out[1] == NO_TENSOR ? follower(f, at, relu->out[0], OP_CONV_BIAS_GRAD) : NULL;
    if (!bias)
        return false;
    if (relu->kind == OP_RELU_GRAD)
        relu->first = 0;
    relu->kind = FUSED_RELU_GRAD;
    relu->out[1] = bias->out[0];
    f->users[relu->out[0]]--;
    drop_op(f, bias);
    return true;
}

static bool relu_norm_grad(const struct fusion *f, struct op *relu, int at)
{
    const int dy = relu->out[0];
    struct op *norm = is_passed_on(f, dy) ? follower(f, at, dy, OP_BATCH_NORM_GRAD) : NULL;
    if (!norm || norm->in[1] != dy)
        return false;
    const int y = relu->in[0], wider = relu->in[1];
    *relu = *norm;
    relu->kind = FUSED_BATCH_NORM_RELU_GRAD;
    relu->in[1] = wider;
    relu->in[5] = y;
    drop_tensor(f, dy);
    drop_op(f, norm);
    return true;
}

static const struct {
    enum op_kind kind;
    bool (*join)(const struct fusion *fusion, struct op *op, int at);
} rules[] = {
    {OP_CONV, conv_relu},
    {OP_BATCH_NORM, norm_relu},
    {OP_BATCH_NORM_EVAL, norm_relu},
    {OP_UPSAMPLE, upsample_concat},
    {OP_SLICE, slice_grad},
    {OP_RELU_GRAD, relu_norm_grad},
    {OP_RELU_GRAD, relu_grad_bias},
    {FUSED_RELU_GRAD, relu_grad_bias},
};

static bool fuse_op(const struct fusion *f, int at)
{
    struct op *op = &f->ops->ops[at];
    if (f->gone[at])
        return false;
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (rules[i].kind == op->kind && rules[i].join(f, op, at))
            return true;
    return false;
}

static void remove_gone(const struct fusion *f)
{
    int count = 0;
    for (int i = 0; i < f->ops->count; i++)
        if (!f->gone[i])
            f->ops->ops[count++] = f->ops->ops[i];
    f->ops->count = count;
}

static void fuse_routine(struct fusion *f, struct op_list *ops)
{
    f->ops = ops;
    f->gone = mem_zalloc((size_t)ops->count + 1, sizeof *f->gone);
    for (int i = 0; i < ops->count; i++)
        while (fuse_op(f, i)) // what it has become may be joined further
            ;
    remove_gone(f);
    free(f->gone);
}

struct graph *graph_fused(const struct graph *graph)
{
    struct graph *copy = graph_copied(graph);
    struct fusion f = {.graph = copy,
                       .users = mem_zalloc((size_t)copy->tensor_count + 1, sizeof(int))};
    for (int r = 0; r < ROUTINE_COUNT; r++)
        for (int i = 0; i < copy->routines[r].count; i++)
            for (int k = 0; k < OP_INPUTS; k++)
                if (copy->routines[r].ops[i].in[k] != NO_TENSOR)
                    f.users[copy->routines[r].ops[i].in[k]]++;
    for (int r = 0; r < ROUTINE_COUNT; r++)
        fuse_routine(&f, &copy->routines[r]);
    free(f.users);
    return copy;
}
