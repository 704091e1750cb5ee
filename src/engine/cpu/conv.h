// SPDX-License-Identifier: MIT
// What convolutions do.
#pragma once

#include "engine/cpu/call.h"

extern const struct op_runner conv_runner; // forward and input gradient
extern const struct op_runner conv_weight_grad_runner;
