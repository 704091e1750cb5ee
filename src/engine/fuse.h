// SPDX-License-Identifier: MIT
// Joins ops that follow one another into one pass over memory, for any engine.
#pragma once

#include "vkgrid/graph/graph.h"

// Ops that only engines know; see op_kind for those that they are made of.
enum fused_kind {
    // in: x, weight, bias or NO_TENSOR   out: y = relu(conv)
    FUSED_CONV_RELU = OP_KIND_COUNT,
    // in: as OP_BATCH_NORM, and a tensor that is added before the ReLU, or NO_TENSOR
    // out: as OP_BATCH_NORM
    FUSED_BATCH_NORM_RELU,
    // in: as OP_BATCH_NORM_EVAL, and a tensor that is added before the ReLU, or NO_TENSOR   out: y
    FUSED_BATCH_NORM_EVAL_RELU,
    // in: as OP_BATCH_NORM_GRAD, and y of the ReLU behind it: dy counts where y > 0
    // out: as OP_BATCH_NORM_GRAD
    FUSED_BATCH_NORM_RELU_GRAD,
    // in: y, dy (its channels from `first`)   out: dx, dbias [C] = its sums or NO_TENSOR
    FUSED_RELU_GRAD,
    // in: a, b   out: channels of a at twice the size, then those of b
    FUSED_UPSAMPLE_CONCAT,
    // in: dy (its channels from `first`)   out: dx
    FUSED_UPSAMPLE_GRAD,
    FUSED_KIND_COUNT
};

// The op that does most of the work of one that is joined; any other kind as it is.
enum op_kind fused_main(int kind);
// op_work() of any op; of one that is joined, that of fused_main().
double fused_work(const struct graph *graph, const struct op *op, int n);

// A copy of the graph with the same tensors by number, and fewer ops. An op that takes another into
// itself stands at the first one's place, where all that it reads has been made; tensors that are
// made no more have a count of 0. Tensors that are outputs, or that another op reads, are made as
// before.
struct graph *graph_fused(const struct graph *graph);
// A copy as it is.
struct graph *graph_copied(const struct graph *graph);
