// SPDX-License-Identifier: MIT
// Convolutions of oneDNN, versions 2 and 3: the only files that know which one it is.
//
// Activations are [n][row][col][channel]. Weights are packed: laid out as oneDNN likes best for one
// convolution; [ky][kx][I][O] (weight_layout.h) is packed before and unpacked after. oneDNN
// allocates nothing when it computes: the caller gives it a scratchpad.
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum convolution_kind {
    CONVOLUTION_FORWARD,
    CONVOLUTION_FORWARD_RELU, // y = max(convolution + bias, 0)
    CONVOLUTION_INPUT_GRAD,
    CONVOLUTION_WEIGHT_GRAD
};

struct convolution_shape {
    enum convolution_kind kind;
    int n, rows, cols, in, out; // of x; channels of x and of y
    int kernel, stride;
    bool bias;
    bool bfloat16;  // activations and packed weights; plain weights, their gradient and bias are
                    // float
    bool float_out; // y is float nevertheless
};

// Bytes.
struct convolution_sizes {
    size_t packed, scratchpad;
};

struct onednn;      // its engine and stream
struct convolution; // one primitive with its layouts

// "oneDNN 3.12.1", "AVX-512, bf16": for people.
void onednn_describe(char *version, size_t version_size, char *features, size_t features_size);

bool onednn_create(struct onednn **onednn);
void onednn_destroy(struct onednn **onednn); // accepts NULL, writes NULL; after its convolutions

// What a convolution will ask for with the number of threads that OpenMP has now. Cheap, and
// remembered: it compiles nothing.
bool convolution_sizes(struct onednn *onednn, const struct convolution_shape *shape,
                       struct convolution_sizes *sizes);

bool convolution_create(struct onednn *onednn, const struct convolution_shape *shape,
                        struct convolution **convolution);
void convolution_destroy(struct convolution **convolution); // accepts NULL, writes NULL
struct convolution_sizes convolution_needs(const struct convolution *convolution);

// Between [ky][kx][I][O] and the layout of this convolution.
bool convolution_pack(struct convolution *convolution, const float *weight, void *packed);
bool convolution_unpack(struct convolution *convolution, const void *packed, float *weight);

// Computes; x and y are the activations on the two sides, or their gradients. Forward makes y,
// CONVOLUTION_INPUT_GRAD x, and CONVOLUTION_WEIGHT_GRAD packed. bias: of forward, or NULL.
bool convolution_run(struct convolution *convolution, void *x, void *packed, const float *bias,
                     void *y, void *scratchpad);
