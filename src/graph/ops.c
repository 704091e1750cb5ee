// SPDX-License-Identifier: MIT
// Names and work of the ops.
#include "vkgrid/graph/graph.h"

#include <stddef.h>

const char *op_name(enum op_kind kind)
{
    static const char *const names[OP_KINDS] = {
        [OP_GATHER] = "gather",
        [OP_CONV] = "conv",
        [OP_CONV_INPUT_GRAD] = "conv_input_grad",
        [OP_CONV_WEIGHT_GRAD] = "conv_weight_grad",
        [OP_CONV_BIAS_GRAD] = "conv_bias_grad",
        [OP_BATCH_NORM] = "batch_norm",
        [OP_BATCH_NORM_EVAL] = "batch_norm_eval",
        [OP_BATCH_NORM_GRAD] = "batch_norm_grad",
        [OP_RELU] = "relu",
        [OP_RELU_GRAD] = "relu_grad",
        [OP_ADD] = "add",
        [OP_MAX_POOL] = "max_pool",
        [OP_MAX_POOL_GRAD] = "max_pool_grad",
        [OP_UPSAMPLE] = "upsample",
        [OP_UPSAMPLE_GRAD] = "upsample_grad",
        [OP_CONCAT] = "concat",
        [OP_SLICE] = "slice",
        [OP_LOSS] = "loss",
        [OP_OVERLAP] = "overlap",
        [OP_ADAM] = "adam",
        [OP_ADVANCE] = "advance",
        [OP_KEEP] = "keep",
        [OP_RESTORE] = "restore",
        [FUSED_CONV_RELU] = "conv_relu",
        [FUSED_BATCH_NORM_RELU] = "batch_norm_relu",
        [FUSED_BATCH_NORM_EVAL_RELU] = "batch_norm_eval_relu",
        [FUSED_BATCH_NORM_RELU_GRAD] = "batch_norm_relu_grad",
        [FUSED_RELU_GRAD] = "relu_grad_bias",
        [FUSED_UPSAMPLE_CONCAT] = "upsample_concat",
        [FUSED_UPSAMPLE_GRAD] = "upsample_grad_slice",
    };
    return names[kind];
}

static double parameter_count(const struct graph *graph)
{
    double count = 0;
    for (int i = 0; i < graph->tensor_count; i++)
        if (graph->tensors[i].parameter)
            count += (double)graph->tensors[i].count;
    return count;
}

double op_work(const struct graph *graph, const struct op *op, int n)
{
    // Elements of a batch of an activation; 0 where there is none.
    const struct tensor *in[OP_INPUTS], *out[OP_OUTPUTS];
    double in_count[OP_INPUTS] = {0}, out_count = 0;
    for (int i = 0; i < OP_INPUTS; i++) {
        in[i] = op->in[i] == NO_TENSOR ? NULL : &graph->tensors[op->in[i]];
        in_count[i] = in[i] ? (double)n * (double)in[i]->count : 0;
    }
    for (int i = 0; i < OP_OUTPUTS; i++)
        out[i] = op->out[i] == NO_TENSOR ? NULL : &graph->tensors[op->out[i]];
    out_count = out[0] ? (double)n * (double)out[0]->count : 0;
    const double taps = (double)op->kernel * op->kernel;

    switch (op->kind) {
    case OP_CONV: // with the bias
    case FUSED_CONV_RELU:
        return out_count * (2 * taps * in[0]->channels + (in[2] ? 1 : 0));
    case OP_CONV_INPUT_GRAD: // as many products as forward: one for each dy, tap and channel of dx
        return in_count[0] * 2 * taps * out[0]->channels;
    case OP_CONV_WEIGHT_GRAD:
        return in_count[1] * 2 * taps * in[0]->channels;
    case OP_CONV_BIAS_GRAD:
        return in_count[0];
    case OP_BATCH_NORM: // mean 1, variance 3, scale and shift 2
    case FUSED_BATCH_NORM_RELU:
        return 6 * in_count[0];
    case OP_BATCH_NORM_EVAL:
    case FUSED_BATCH_NORM_EVAL_RELU:
        return 2 * in_count[0];
    case OP_BATCH_NORM_GRAD: // normalised x 2, two sums 3, dx 4
    case FUSED_BATCH_NORM_RELU_GRAD:
        return 9 * in_count[0];
    case OP_RELU:
    case OP_RELU_GRAD:
    case FUSED_RELU_GRAD:
    case OP_ADD:
        return out_count;
    case OP_MAX_POOL:
        return out_count * taps;
    case OP_MAX_POOL_GRAD:
        return in_count[1];
    case OP_UPSAMPLE: // four products and three sums
    case FUSED_UPSAMPLE_CONCAT:
        return 7 * out_count;
    case OP_UPSAMPLE_GRAD:
    case FUSED_UPSAMPLE_GRAD:
        return 7 * in_count[0];
    case OP_LOSS: // about 20 for sigmoid, logarithm, four sums and the gradient
        return 20 * in_count[0];
    case OP_OVERLAP: // two comparisons and three sums
        return 5 * in_count[0];
    case OP_ADAM:
        return 12 * parameter_count(graph);
    case OP_GATHER: // moves data
    case OP_CONCAT:
    case OP_SLICE:
    case OP_ADVANCE:
    case OP_KEEP:
    case OP_RESTORE:
        break;
    }
    return 0;
}
