// SPDX-License-Identifier: MIT
// What a run trains with: the training plan of a cell (spec.md section 2).
#pragma once

#include <stdbool.h>
#include <string.h>

#define PLAN_ROUNDS 32

struct round {
    double lr, gamma, bce_weight;
    int batch_size, num_epochs;
};

struct plan {
    int count;
    struct round rounds[PLAN_ROUNDS];
};

// Three rounds: exactly lr, lr*2/3, lr*1/3 and bce_weight, bce_weight/2, 0 in double precision.
struct plan plan_default(double lr, double gamma, double bce_weight, int batch_size,
                         int num_epochs);

static inline bool plan_same(const struct plan *a, const struct plan *b)
{
    return a->count == b->count &&
           memcmp(a->rounds, b->rounds, sizeof(*a->rounds) * (size_t)a->count) == 0;
}

// Of all rounds.
static inline int plan_epochs(const struct plan *plan)
{
    int epochs = 0;
    for (int i = 0; i < plan->count; i++)
        epochs += plan->rounds[i].num_epochs;
    return epochs;
}
