// SPDX-License-Identifier: MIT
#include "train/trainer.h"

#include <string.h>

void order_identity(uint32_t *order, int first, int count)
{
    for (int i = 0; i < count; i++)
        order[i] = (uint32_t)(first + i);
}

void order_listed(const struct train_run *run, uint32_t *order, int first, int count)
{
    if (run->samples)
        memcpy(order, run->samples + first, (size_t)count * sizeof(*order));
    else
        order_identity(order, first, count);
}

void order_training(const struct train_run *run, int epoch, uint32_t *order, int count)
{
    order_listed(run, order, 0, count);
    if (!run->shuffle)
        return;
    // Each epoch has a stream of its own, so that no order depends on how many were drawn before.
    const uint64_t name = (uint64_t)epoch << 32 | (uint32_t)run->index;
    struct random random = random_stream(run->seed, (uint64_t)run->cell, name, RANDOM_ORDER);
    random_shuffle(&random, order, (uint32_t)count);
}

int batch_count(int samples, int batch_size)
{
    return samples / batch_size + (samples % batch_size != 0);
}

int batch_samples(int samples, int batch_size, int batch)
{
    const int left = samples - batch * batch_size;
    return left < batch_size ? left : batch_size;
}
