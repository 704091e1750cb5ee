// SPDX-License-Identifier: MIT
#include "tests/reference/ops.h"

static size_t weight_at(struct window w, int o, int i, int ky, int kx)
{
    return (size_t)(((o * w.in.channels + i) * w.kernel + ky) * w.kernel + kx);
}

// Element of an array that is zero outside its shape.
static double padded(struct shape s, const double *x, int n, int row, int col, int channel)
{
    const bool inside = row >= 0 && row < s.rows && col >= 0 && col < s.cols;
    return inside ? x[shape_at(s, n, row, col, channel)] : 0;
}

void reference_conv(struct window w, const double *x, const double *weight, const double *bias,
                    double *y)
{
    const int pad = w.kernel / 2;
    for (int n = 0; n < w.out.n; n++)
        for (int row = 0; row < w.out.rows; row++)
            for (int col = 0; col < w.out.cols; col++)
                for (int o = 0; o < w.out.channels; o++) {
                    double sum = bias ? bias[o] : 0;
                    for (int i = 0; i < w.in.channels; i++)
                        for (int ky = 0; ky < w.kernel; ky++)
                            for (int kx = 0; kx < w.kernel; kx++)
                                sum += weight[weight_at(w, o, i, ky, kx)] *
                                       padded(w.in, x, n, row * w.stride + ky - pad,
                                              col * w.stride + kx - pad, i);
                    y[shape_at(w.out, n, row, col, o)] = sum;
                }
}

// y[row, col] uses x[row * stride + k - pad, ...], so x[row, col] is used by y[(row + pad - k) /
// stride, ...].
void reference_conv_input_grad(struct window w, const double *dy, const double *weight, double *dx)
{
    const int pad = w.kernel / 2;
    for (int n = 0; n < w.in.n; n++)
        for (int row = 0; row < w.in.rows; row++)
            for (int col = 0; col < w.in.cols; col++)
                for (int i = 0; i < w.in.channels; i++) {
                    double sum = 0;
                    for (int o = 0; o < w.out.channels; o++)
                        for (int ky = 0; ky < w.kernel; ky++)
                            for (int kx = 0; kx < w.kernel; kx++) {
                                const int y = row + pad - ky, x = col + pad - kx;
                                if (y % w.stride == 0 && x % w.stride == 0)
                                    sum += weight[weight_at(w, o, i, ky, kx)] *
                                           padded(w.out, dy, n, y / w.stride, x / w.stride, o);
                            }
                    dx[shape_at(w.in, n, row, col, i)] = sum;
                }
}

void reference_conv_weight_grad(struct window w, const double *x, const double *dy, double *dweight)
{
    const int pad = w.kernel / 2;
    for (int o = 0; o < w.out.channels; o++)
        for (int i = 0; i < w.in.channels; i++)
            for (int ky = 0; ky < w.kernel; ky++)
                for (int kx = 0; kx < w.kernel; kx++) {
                    double sum = 0;
                    for (int n = 0; n < w.out.n; n++)
                        for (int row = 0; row < w.out.rows; row++)
                            for (int col = 0; col < w.out.cols; col++)
                                sum += dy[shape_at(w.out, n, row, col, o)] *
                                       padded(w.in, x, n, row * w.stride + ky - pad,
                                              col * w.stride + kx - pad, i);
                    dweight[weight_at(w, o, i, ky, kx)] = sum;
                }
}

void reference_conv_bias_grad(struct shape shape, const double *dy, double *dbias)
{
    for (int o = 0; o < shape.channels; o++) {
        dbias[o] = 0;
        for (int n = 0; n < shape.n; n++)
            for (int row = 0; row < shape.rows; row++)
                for (int col = 0; col < shape.cols; col++)
                    dbias[o] += dy[shape_at(shape, n, row, col, o)];
    }
}
