// SPDX-License-Identifier: MIT
// What a convolution does to a sum before it writes it.
layout(constant_id = 7) const uint EPILOGUE = 0; // bits: 1 a bias, 2 a ReLU
const bool BIAS = (EPILOGUE & 1) != 0, RELU = (EPILOGUE & 2) != 0;

REAL4 finish(REAL4 sum, REAL4 bias)
{
    return RELU ? relu(sum + bias) : sum + bias;
}
