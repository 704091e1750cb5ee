// SPDX-License-Identifier: MIT
// What was meant by a mistyped name.
#pragma once

// The name (of a NULL-terminated list) that differs least from `typed`, or NULL when none
// comes near.
const char *nearest_name(const char *typed, const char *const *names);
