// SPDX-License-Identifier: MIT
// One slot of a training.
#include "train/trainer.h"

#include <stdlib.h>

bool trainee_end(struct trainer *trainer, int slot)
{
    struct trainee *trainee = &trainer->trainees[slot];
    trainee->over = true;
    tensors_free(&trainee->weights);
    trainee->result.seconds = trainee->seconds_before + seconds_now() - trainer->start;
    return !trainer->events->finished ||
           trainer->events->finished(trainer->events->context, slot, &trainee->result, NULL);
}

bool trainee_fail(struct trainer *trainer, int slot, char *reason)
{
    struct trainee *trainee = &trainer->trainees[slot];
    trainee->result.failure = reason;
    const bool told = trainee_end(trainer, slot);
    trainee->result.failure = NULL;
    free(reason);
    return told;
}

bool train_fresh_adam(struct program *program, const struct unet_tensors *tensors, int slot)
{
    const float correction[2] = {0, 0}, loss_scale[3] = {0x1p16f, 0, 0};
    return program_write(program, tensors->correction, slot, 0, 2, correction) &&
           program_write(program, tensors->loss_scale, slot, 0, 3, loss_scale);
}
