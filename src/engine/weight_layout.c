// SPDX-License-Identifier: MIT
#include "engine/weight_layout.h"

bool weight_is_permuted(const struct tensor *tensor)
{
    return tensor->rank == 4 && (tensor->block == BLOCK_STATE || tensor->block == BLOCK_GRADIENT);
}

// from [a][b][c] to [c][b][a]
static void reverse(size_t a, size_t b, size_t c, const float *from, float *to)
{
    for (size_t i = 0; i < a; i++)
        for (size_t j = 0; j < b; j++)
            for (size_t k = 0; k < c; k++)
                to[(k * b + j) * a + i] = from[(i * b + j) * c + k];
}

static size_t taps(const struct tensor *tensor)
{
    return (size_t)tensor->dims[2] * (size_t)tensor->dims[3];
}

void weight_to_device(const struct tensor *tensor, const float *host, float *device)
{
    reverse((size_t)tensor->dims[0], (size_t)tensor->dims[1], taps(tensor), host, device);
}

void weight_to_host(const struct tensor *tensor, const float *device, float *host)
{
    reverse(taps(tensor), (size_t)tensor->dims[1], (size_t)tensor->dims[0], device, host);
}
