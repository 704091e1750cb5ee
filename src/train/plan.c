// SPDX-License-Identifier: MIT
#include "vkgrid/train/plan.h"

struct plan plan_default(double lr, double gamma, double bce_weight, int batch_size, int num_epochs)
{
    struct plan plan = {.count = 3};
    for (int i = 0; i < plan.count; i++) {
        plan.rounds[i] = (struct round){
            .lr = lr * (3 - i) / 3,
            .gamma = gamma,
            .bce_weight = bce_weight * (2 - i) / 2,
            .batch_size = batch_size,
            .num_epochs = num_epochs,
        };
    }
    return plan;
}
