// SPDX-License-Identifier: MIT
// Whether a part is of the same study as the first one.
#pragma once

#include "merge/joined.h"

// Of a part whose identity was read, before it is migrated; notes whether its grid is another one.
bool compare_part(struct joined *joined, int part, struct store *store);
