// SPDX-License-Identifier: MIT
// What a data set is asked for with.
#pragma once

#include "vkgrid/data/dataset.h"

// Sizes, sources that have folders, samples of which none stands twice.
bool request_check(const struct dataset_request *request);
