// SPDX-License-Identifier: MIT
// What every op does.
#pragma once

#include "engine/cpu/call.h"

const struct op_runner *op_runner(enum op_kind kind);
