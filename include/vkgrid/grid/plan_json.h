// SPDX-License-Identifier: MIT
// A training plan as JSON.
#pragma once

#include "vkgrid/train/plan.h"

struct cJSON;
// A list of rounds: [{"lr": , "gamma": , "bce_weight": , "batch_size": , "num_epochs": }, ...].
// What a round leaves out is taken from `base`. `where` names the file and key in errors.
bool plan_from_json(const struct cJSON *json, const char *where, const struct round *base,
                    struct plan *plan);
struct cJSON *plan_to_json(const struct plan *plan);
