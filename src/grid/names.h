// SPDX-License-Identifier: MIT
#pragma once

#include <stdbool.h>

#define NAME 100 // most bytes of a name

// A name of a set, feature, label, rater or subject, which becomes a part of paths (at most two of
// a file's name) and a cell of tables. Empty is allowed.
bool name_check(const char *name, const char *where);
