// SPDX-License-Identifier: MIT
// Choice of a device out of a list; private to src/engine/ and its tests.
#pragma once

#include "vkgrid/engine/engine.h"

// As device_choose() (engine.h), among the devices of `list`.
bool device_choose_from(const struct device_info *list, int count, const char *wanted, int *chosen,
                        char *reason, size_t size);
