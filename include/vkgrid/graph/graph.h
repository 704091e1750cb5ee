// SPDX-License-Identifier: MIT
// A network as data: tensors and ops, without any device.
//
// A graph holds several routines (training step, evaluation, ...): lists of ops over one set of
// tensors. Nothing in a graph depends on the number of slots or on the batch size: a tensor's shape
// is that of one slot, and of one sample if it is `per_sample`. An engine compiles a graph into a
// program (engine.h).
//
// Layouts. Activations are [slot][n][row][col][channel] (channels last), parameters [slot][...] in
// whatever order the engine likes: program_write() and program_read() speak PyTorch's (OIHW).
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NO_TENSOR (-1)

// Where a tensor lives. Every block but BLOCK_DATA and BLOCK_SHARED has one part for each slot.
enum block {
    BLOCK_STATE,    // parameters, then buffers (running statistics): what a weight file holds
    BLOCK_GRADIENT, // gradients of the parameters, laid out as the parameters are
    BLOCK_MOMENT1,  // Adam's first moments, laid out as the parameters are
    BLOCK_MOMENT2,  // Adam's second moments
    BLOCK_BEST,     // copy of BLOCK_STATE: the best epoch of the round
    BLOCK_TABLE,    // small per-slot arrays that the host writes and reads: learning rate, order,
                    // metrics
    BLOCK_SHARED,   // small arrays common to all slots: position in the epoch
    BLOCK_DATA,     // the data set, common to all slots
    BLOCK_ARENA,    // activations, their gradients, scratch: memory is reused by lifetime
    BLOCK_COUNT
};

enum routine {
    ROUTINE_TRAIN,    // gather, forward (batch statistics), loss, backward, Adam, advance
    ROUTINE_EVALUATE, // gather, forward (running statistics), loss, advance
    ROUTINE_PREDICT,  // gather, forward (running statistics), advance; logits may be read
    ROUTINE_KEEP,     // BLOCK_STATE -> BLOCK_BEST for the slots that are marked
    ROUTINE_RESTORE,  // BLOCK_BEST -> BLOCK_STATE for the slots that are marked
    ROUTINE_COUNT
};

// Element type of tables. Everything else is float.
enum element { ELEMENT_FLOAT, ELEMENT_UINT };

// How a program (engine.h) holds the activations of a graph: as fp32, or as 16-bit numbers whose
// products are accumulated in fp32. Targets, logits, parameters, their gradients, statistics, loss
// and Adam are fp32 in both.
enum precision { PRECISION_FP32, PRECISION_MIXED };

// The 16-bit numbers of an engine. bfloat16 has the range of fp32; float16 has three more bits of
// fraction and so little range that the loss must be scaled (OP_LOSS).
enum half { HALF_NONE, HALF_BFLOAT16, HALF_FLOAT16 };

// "fp32", "mixed", and "auto", which is fp32; false without a message for any other.
bool precision_parse(const char *text, enum precision *precision);
const char *precision_name(enum precision precision);

struct tensor {
    char name[96];
    enum block block;
    enum element element;
    bool per_sample;          // has the batch dimension
    bool parameter;           // trained; the rest of BLOCK_STATE are buffers
    int rows, cols, channels; // activations and data: shape of one sample
    int dims[4], rank;        // parameters, buffers, tables: shape as in PyTorch
    size_t count;             // elements of one slot (and of one sample, if per_sample)
    int gradient;             // the tensor that holds its gradient, or NO_TENSOR
    bool output;              // may be read after the routine: its memory is not reused
};

// n is the batch size; all convolutions and pools pad by kernel / 2; out = (in + 2 pad - kernel) /
// stride + 1.
enum op_kind {
    // in: data (BLOCK_DATA, [target][row][col][channel]), order (uint table), position (uint[2],
    // shared)   out: sample.   out[i] = data[order[position[0] + i]], i < n
    OP_GATHER,

    // in: x, weight [O][I][k][k], bias [O] or NO_TENSOR   out: y
    OP_CONV,
    OP_CONV_INPUT_GRAD,  // in: dy, weight     out: dx
    OP_CONV_WEIGHT_GRAD, // in: x, dy          out: dweight
    OP_CONV_BIAS_GRAD,   // in: dy             out: dbias

    // in: x, weight, bias, running_mean, running_var   out: y, mean [C], inverse deviation [C].
    // Statistics of the batch (biased variance, eps 1e-5); updates the running ones in place with
    // momentum 0.1 and the unbiased variance.
    OP_BATCH_NORM,
    // in: x, weight, bias, running_mean, running_var   out: y.   Uses the running statistics.
    OP_BATCH_NORM_EVAL,
    // in: x, dy, weight, mean, inverse deviation   out: dx, dweight, dbias
    OP_BATCH_NORM_GRAD,

    OP_RELU,      // in: x        out: y = max(x, 0)
    OP_RELU_GRAD, // in: y, dy    out: dx = y > 0 ? dy : 0
    OP_ADD,       // in: a, b     out: a + b

    // in: x   out: y, index (uint: which of the kernel x kernel places, row by row, holds the first
    // maximum).
    OP_MAX_POOL,
    OP_MAX_POOL_GRAD, // in: index, dy   out: dx

    OP_UPSAMPLE,      // in: x    out: y, bilinear, twice the size, align_corners
    OP_UPSAMPLE_GRAD, // in: dy   out: dx

    OP_CONCAT, // in: a, b   out: channels of a, then those of b
    OP_SLICE,  // in: x      out: channels first .. first + channels of the output

    // in: logits, targets, bce_weight (float table [1]), position, loss_scale or NO_TENSOR
    // out: metrics (float table [steps][3]), gradient of the loss by the logits or NO_TENSOR.
    // metrics[position[1]] = bce, dice, loss of the batch (spec.md section 4; loss.h).
    // loss_scale (float table [3]: scale, good steps, 0): where activations are float16 the
    // gradient is multiplied by the scale, so that small ones do not vanish; OP_ADAM divides by it
    // and changes no parameter when a gradient is not finite. OP_ADVANCE then halves the scale, and
    // doubles it after 2000 good steps. Elsewhere it is not used.
    OP_LOSS,

    // in: logits, targets, position   out: counts (uint table [...][K][3]).
    // counts[position[0] + i][k], i < n: pixels of sample i that label k's prediction and target
    // both have, that the prediction has (logit >= 0: a probability of 0.5 or more), that the
    // target has (>= 0.5): what hard Dice and IoU are made of (data/overlap.h).
    OP_OVERLAP,

    // in: lr (float table [1]), correction (float table [2]), loss_scale or NO_TENSOR.
    // Adam (Kingma and Ba 2015) over all parameters: betas 0.9, 0.999, eps 1e-8. correction holds
    // 1 - beta^t of the steps done; the op uses that of the step it does, OP_ADVANCE stores it.
    OP_ADAM,

    // in: position, correction or NO_TENSOR, loss_scale or NO_TENSOR.
    // position += {n, 1}; correction = beta correction + (1 - beta)
    OP_ADVANCE,

    OP_KEEP,    // in: mark (uint table [1])   BLOCK_BEST = BLOCK_STATE where mark is not 0
    OP_RESTORE, // in: mark                    BLOCK_STATE = BLOCK_BEST where mark is not 0

    OP_GRAPH_KINDS, // so many: what graphs are built of

    // Several of the above as one, which engines alone make (engine/fuse.h): no builder does, and
    // none of them has a derivative.

    // in: x, weight, bias or NO_TENSOR   out: y = relu(conv)
    FUSED_CONV_RELU = OP_GRAPH_KINDS,
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
    FUSED_UPSAMPLE_GRAD
};

// Kinds of both sorts. No member of the enum, so that a switch that leaves out a kind, and has no
// `default`, makes the compiler warn (-Wswitch).
#define OP_KINDS (FUSED_UPSAMPLE_GRAD + 1)

#define OVERLAP_COUNTS 3 // of a label of a sample: OP_OVERLAP

#define OP_INPUTS 6 // one more than any op that graphs are built of has: for those that are joined
#define OP_OUTPUTS 3

struct op {
    enum op_kind kind;
    int in[OP_INPUTS], out[OP_OUTPUTS]; // tensors; NO_TENSOR where there is none
    int kernel, stride;                 // convolutions and pools
    int first;                          // OP_SLICE, FUSED_..._GRAD: first channel
};

struct op_list {
    struct op *ops;
    int count;
    size_t room;
};

struct graph {
    struct tensor *tensors;
    int tensor_count;
    size_t tensor_room;
    struct op_list routines[ROUTINE_COUNT];
    enum routine routine; // the one that the builders below add to
};

struct graph *graph_create(void);
void graph_destroy(struct graph **graph); // accepts NULL, writes NULL

// The tensor of that name, or NO_TENSOR.
int graph_find(const struct graph *graph, const char *name);

// New tensors. Names are unique within a graph; an empty name gets a generated one.
int graph_activation(struct graph *graph, const char *name, int rows, int cols, int channels);
int graph_parameter(struct graph *graph, const char *name, int rank, const int *dims);
int graph_buffer(struct graph *graph, const char *name, int rank, const int *dims);
int graph_table(struct graph *graph, const char *name, enum element element, int rank,
                const int *dims);
int graph_shared(struct graph *graph, const char *name, enum element element, int count);
int graph_data(struct graph *graph, const char *name, int targets, int rows, int cols,
               int channels);

// Appends an op to the current routine. The builders make the outputs; they return the first.
// graph_conv and graph_batch_norm take the parameters of that name when the graph has them (a
// second routine over the same weights) and make them otherwise.
int graph_gather(struct graph *graph, int data, int order, int position);
// bias: whether there is one. Parameters "<name>.weight" [O][I][k][k], "<name>.bias" [O].
int graph_conv(struct graph *graph, const char *name, int x, int channels, int kernel, int stride,
               bool bias);
// Batch statistics in ROUTINE_TRAIN, running ones elsewhere. "<name>.weight", ".bias",
// ".running_mean", ".running_var".
int graph_batch_norm(struct graph *graph, const char *name, int x);
int graph_relu(struct graph *graph, int x);
int graph_add(struct graph *graph, int a, int b);
int graph_max_pool(struct graph *graph, int x, int kernel, int stride);
int graph_upsample(struct graph *graph, int x);
int graph_concat(struct graph *graph, int a, int b);
// Returns the gradient by the logits (ROUTINE_TRAIN) or NO_TENSOR.
int graph_loss(struct graph *graph, int logits, int targets, int bce_weight, int position,
               int metrics, int loss_scale);
void graph_overlap(struct graph *graph, int logits, int targets, int position, int counts);
// Appends any op with its inputs and outputs given. For tests, autodiff and the update ops.
struct op *graph_op(struct graph *graph, enum op_kind kind, int inputs, const int *in, int outputs,
                    const int *out);

// Appends the backward ops of the current routine, last op first, from `gradient` (the gradient of
// `of`). Every parameter that `of` depends on gets a tensor in BLOCK_GRADIENT; where a tensor has
// several users their gradients are added in a fixed order. Tensors that lead to no parameter (the
// samples) get none.
void graph_differentiate(struct graph *graph, int of, int gradient);

// Multiplications and additions of an op for one slot and a batch of n, each counted as one; 0 for
// ops that only move data. Of several as one: those of the one that does most of the work. Source:
// 2 k^2 I O per output pixel of a convolution.
double op_work(const struct graph *graph, const struct op *op, int n);

const char *op_name(enum op_kind kind);
