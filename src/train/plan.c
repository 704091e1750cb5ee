// SPDX-License-Identifier: MIT
#include "vkgrid/train/plan.h"

struct plan plan_default(double lr, double gamma, double bce_weight, int batch_size, int num_epochs)
{
    // As the original computes them, bit for bit: its scripts look cells up by these numbers.
    const double rates[] = {lr, lr * 2 / 3, lr / 3}, weights[] = {bce_weight, bce_weight / 2, 0};
    struct plan plan = {.count = 3};
    for (int i = 0; i < plan.count; i++) {
        plan.rounds[i] = (struct round){
            .lr = rates[i],
            .gamma = gamma,
            .bce_weight = weights[i],
            .batch_size = batch_size,
            .num_epochs = num_epochs,
        };
    }
    return plan;
}
