// SPDX-License-Identifier: MIT
// The push constants of every kernel, read by C and by GLSL. Pointers come first (8 bytes each), so that both sides
// lay the block out alike without padding; push.h asserts the sizes.
//
// All sizes are in elements of one slot; the slot is gl_WorkGroupID.z. `x_slot` and the like are strides between slots.
// ACTS are activations, which a program of mixed precision keeps as fp16; REALS are always fp32.
#ifndef VKGRID_KERNELS_H
#define VKGRID_KERNELS_H

#ifdef GL_core_profile
#define KERNEL_REALS(name) Reals name;
#define KERNEL_REAL4S(name) Real4s name;
#define KERNEL_ACTS(name) Acts name;
#define KERNEL_ACT4S(name) Act4s name;
#define KERNEL_OUT4S(name) Out4s name;
#define KERNEL_ACT8S(name) Act8s name;
#define KERNEL_COHERENT_REALS(name) CoherentReals name;
#define KERNEL_UINTS(name) Uints name;
#define KERNEL_UINT(name) uint name;
#else
#define KERNEL_REALS(name) uint64_t name;
#define KERNEL_REAL4S(name) uint64_t name;
#define KERNEL_ACTS(name) uint64_t name;
#define KERNEL_ACT4S(name) uint64_t name;
#define KERNEL_OUT4S(name) uint64_t name;
#define KERNEL_ACT8S(name) uint64_t name;
#define KERNEL_COHERENT_REALS(name) uint64_t name;
#define KERNEL_UINTS(name) uint64_t name;
#define KERNEL_UINT(name) uint32_t name;
#endif

// y[n][OH][OW][O] = x[n][H][W][I] * w[k][k][I][O] + b[O]; also its two gradients, with the same names.
// partial: the weight gradient's sums, [splits][k][k][I][O] (dw itself when there is one split).
#define KERNEL_CONV_OF(ACTS, WEIGHTS, OUTS)                                                        \
    ACTS(x) WEIGHTS(w) KERNEL_REAL4S(b) OUTS(y)                                                    \
    KERNEL_UINT(x_slot) KERNEL_UINT(w_slot) KERNEL_UINT(b_slot) KERNEL_UINT(y_slot)                \
    KERNEL_UINT(N) KERNEL_UINT(H) KERNEL_UINT(W) KERNEL_UINT(I)                                    \
    KERNEL_UINT(OH) KERNEL_UINT(OW) KERNEL_UINT(O) KERNEL_UINT(splits)
// Weights are of the same type as activations, their gradient is fp32.
#define KERNEL_CONV KERNEL_CONV_OF(KERNEL_ACT4S, KERNEL_ACT4S, KERNEL_OUT4S)
#define KERNEL_CONV_WEIGHT_GRAD KERNEL_CONV_OF(KERNEL_ACT4S, KERNEL_REAL4S, KERNEL_OUT4S)
// Winograd's kernels load element by element.
#define KERNEL_CONV_WINOGRAD KERNEL_CONV_OF(KERNEL_REALS, KERNEL_REALS, KERNEL_REAL4S)
#define KERNEL_CONV_INPUT_GRAD_WINOGRAD KERNEL_CONV_OF(KERNEL_REAL4S, KERNEL_REALS, KERNEL_REALS)
#define KERNEL_CONV_WEIGHT_GRAD_WINOGRAD KERNEL_CONV_OF(KERNEL_REALS, KERNEL_REAL4S, KERNEL_REALS)
#define KERNEL_CONV_MATRIX KERNEL_CONV_OF(KERNEL_ACT8S, KERNEL_ACT8S, KERNEL_ACT8S)
#define KERNEL_CONV_WEIGHT_GRAD_MATRIX KERNEL_CONV_OF(KERNEL_ACT8S, KERNEL_REAL4S, KERNEL_ACT8S)

// y[count] = sum over i < splits of x[i][count], splits of x are x_split elements apart
#define KERNEL_SUM_SPLITS                                                                          \
    KERNEL_REALS(x) KERNEL_REALS(y)                                                                \
    KERNEL_UINT(x_slot) KERNEL_UINT(y_slot) KERNEL_UINT(count) KERNEL_UINT(splits)                 \
    KERNEL_UINT(x_split)

// Sums over chunks of `chunk` pixels: partial [chunks][C] (twice that for the gradient). x, y, dx [pixels][C]; g has g_channels,
// of which it is C from g_first on. With a ReLU g counts where y > 0, and the plain sum writes what counts to dx.
#define KERNEL_CHANNEL_SUMS                                                                        \
    KERNEL_ACT4S(x) KERNEL_ACT4S(g) KERNEL_ACT4S(y) KERNEL_ACT4S(dx)                               \
    KERNEL_REAL4S(mean) KERNEL_REAL4S(deviation) KERNEL_REAL4S(partial)                            \
    KERNEL_UINT(x_slot) KERNEL_UINT(g_slot) KERNEL_UINT(y_slot) KERNEL_UINT(dx_slot)               \
    KERNEL_UINT(stat_slot) KERNEL_UINT(partial_slot)                                               \
    KERNEL_UINT(pixels) KERNEL_UINT(C) KERNEL_UINT(chunk)                                          \
    KERNEL_UINT(g_channels) KERNEL_UINT(g_first)

// Ends a statistic: mean, or inverse deviation and running statistics.
#define KERNEL_NORM_FINISH                                                                         \
    KERNEL_REALS(partial) KERNEL_REALS(mean) KERNEL_REALS(deviation)                               \
    KERNEL_REALS(running_mean) KERNEL_REALS(running_var)                                           \
    KERNEL_UINT(partial_slot) KERNEL_UINT(stat_slot) KERNEL_UINT(running_slot)                     \
    KERNEL_UINT(pixels) KERNEL_UINT(C) KERNEL_UINT(chunks)

// y = (x - mean) * deviation * weight + bias, or ReLU(that + added)
#define KERNEL_NORM_APPLY                                                                          \
    KERNEL_ACT4S(x) KERNEL_ACT4S(added) KERNEL_ACT4S(y) KERNEL_REAL4S(mean)                        \
    KERNEL_REAL4S(deviation) KERNEL_REAL4S(weight) KERNEL_REAL4S(bias)                             \
    KERNEL_UINT(x_slot) KERNEL_UINT(added_slot) KERNEL_UINT(y_slot) KERNEL_UINT(stat_slot)         \
    KERNEL_UINT(weight_slot) KERNEL_UINT(count) KERNEL_UINT(C)

// dx from x, g = dy, and the sums dweight, dbias; with a ReLU g counts where y > 0
#define KERNEL_NORM_GRAD                                                                           \
    KERNEL_ACT4S(x) KERNEL_ACT4S(g) KERNEL_ACT4S(y) KERNEL_ACT4S(dx) KERNEL_REAL4S(mean)           \
    KERNEL_REAL4S(deviation) KERNEL_REAL4S(weight) KERNEL_REAL4S(dweight) KERNEL_REAL4S(dbias)     \
    KERNEL_UINT(x_slot) KERNEL_UINT(g_slot) KERNEL_UINT(y_slot) KERNEL_UINT(dx_slot)               \
    KERNEL_UINT(stat_slot) KERNEL_UINT(weight_slot) KERNEL_UINT(dweight_slot)                      \
    KERNEL_UINT(count) KERNEL_UINT(C) KERNEL_UINT(pixels)

// y = f(a, b), element by element
#define KERNEL_ELEMENTWISE                                                                         \
    KERNEL_ACT4S(a) KERNEL_ACT4S(b) KERNEL_ACT4S(y)                                                \
    KERNEL_UINT(a_slot) KERNEL_UINT(b_slot) KERNEL_UINT(y_slot) KERNEL_UINT(count)

// Max-pool and its gradient; index [N][OH][OW][C].
#define KERNEL_POOL                                                                                \
    KERNEL_ACTS(x) KERNEL_ACTS(y) KERNEL_UINTS(index)                                            \
    KERNEL_UINT(x_slot) KERNEL_UINT(y_slot) KERNEL_UINT(index_slot)                                \
    KERNEL_UINT(N) KERNEL_UINT(H) KERNEL_UINT(W) KERNEL_UINT(C) KERNEL_UINT(OH) KERNEL_UINT(OW)

// Bilinear x2 and its gradient: x [N][H][W][C], y [N][2H][2W][y_channels], of which it is C from y_first on.
#define KERNEL_UPSAMPLE                                                                            \
    KERNEL_ACT4S(x) KERNEL_ACT4S(y)                                                              \
    KERNEL_UINT(x_slot) KERNEL_UINT(y_slot)                                                        \
    KERNEL_UINT(N) KERNEL_UINT(H) KERNEL_UINT(W) KERNEL_UINT(C)                             \
    KERNEL_UINT(y_channels) KERNEL_UINT(y_first)

// y[pixels][y_first ...] = x[pixels][x_first ...] for C channels; x has x_channels, y has y_channels.
#define KERNEL_COPY_CHANNELS                                                                       \
    KERNEL_ACT4S(x) KERNEL_ACT4S(y)                                                                \
    KERNEL_UINT(x_slot) KERNEL_UINT(y_slot) KERNEL_UINT(pixels) KERNEL_UINT(C)                     \
    KERNEL_UINT(x_channels) KERNEL_UINT(x_first) KERNEL_UINT(y_channels) KERNEL_UINT(y_first)

// y[N][count] = data[order[position[0] + n]][count]
#define KERNEL_GATHER                                                                              \
    KERNEL_REALS(data) KERNEL_ACTS(y) KERNEL_UINTS(order) KERNEL_UINTS(position)                  \
    KERNEL_UINT(y_slot) KERNEL_UINT(order_slot) KERNEL_UINT(N) KERNEL_UINT(count)

// The loss in three steps; see loss.glsl for `sums` and `totals`.
#define KERNEL_LOSS                                                                                \
    KERNEL_REALS(logits) KERNEL_REALS(targets) KERNEL_REALS(sums) KERNEL_COHERENT_REALS(totals)    \
    KERNEL_REALS(bce_weight) KERNEL_REALS(metrics) KERNEL_ACTS(gradient) KERNEL_REALS(loss_scale) \
    KERNEL_UINTS(position)                                                                         \
    KERNEL_UINT(logits_slot) KERNEL_UINT(scratch_slot) KERNEL_UINT(metrics_slot)                   \
    KERNEL_UINT(gradient_slot) KERNEL_UINT(N) KERNEL_UINT(pixels) KERNEL_UINT(K)                   \
    KERNEL_UINT(chunk)

// counts [...][K][3] of N samples, from row position[0] on (graph.h, OP_OVERLAP)
#define KERNEL_OVERLAP                                                                             \
    KERNEL_REALS(logits) KERNEL_REALS(targets) KERNEL_UINTS(counts) KERNEL_UINTS(position)         \
    KERNEL_UINT(logits_slot) KERNEL_UINT(counts_slot) KERNEL_UINT(pixels) KERNEL_UINT(K)

// rounded [count]: w as fp16, where HALF is defined; its slots are g_slot apart.
#define KERNEL_ADAM                                                                                \
    KERNEL_REAL4S(w) KERNEL_REAL4S(g) KERNEL_REAL4S(m) KERNEL_REAL4S(v)                            \
    KERNEL_REALS(lr) KERNEL_REALS(correction) KERNEL_REALS(loss_scale) KERNEL_ACT4S(rounded)       \
    KERNEL_UINT(w_slot) KERNEL_UINT(g_slot) KERNEL_UINT(count)

// rounded [count] = w [count] as fp16
#define KERNEL_ROUND                                                                               \
    KERNEL_REAL4S(w) KERNEL_ACT4S(rounded)                                                         \
    KERNEL_UINT(w_slot) KERNEL_UINT(rounded_slot) KERNEL_UINT(count)

// g [count]: sets found[slot][2], which is loss_scale's (loss_scale.glsl), where one is not finite.
#define KERNEL_FIND_OVERFLOW                                                                       \
    KERNEL_REAL4S(g) KERNEL_UINTS(found) KERNEL_UINT(g_slot) KERNEL_UINT(count)

// Multiply-adds, `count` rounds of them.
#define KERNEL_PEAK KERNEL_REALS(y) KERNEL_UINT(count)

// y [M][N] = 2 a b of matrices a [M][K] and b [K][N], which also lie transposed behind themselves; rounded [M][N]: as fp16
#define KERNEL_MATRIX_TEST                                                                         \
    KERNEL_ACT8S(a) KERNEL_ACT8S(b) KERNEL_REAL4S(y) KERNEL_ACT8S(rounded)

#define KERNEL_ADVANCE                                                                             \
    KERNEL_UINTS(position) KERNEL_REALS(correction) KERNEL_REALS(loss_scale)                       \
    KERNEL_UINT(N) KERNEL_UINT(slots) KERNEL_UINT(has_correction)

// y = x for the slots whose mark is not 0
#define KERNEL_COPY_MARKED                                                                         \
    KERNEL_REALS(x) KERNEL_REALS(y) KERNEL_UINTS(mark)                                             \
    KERNEL_UINT(x_slot) KERNEL_UINT(y_slot) KERNEL_UINT(count)

#endif
