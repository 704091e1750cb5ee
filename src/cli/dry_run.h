// SPDX-License-Identifier: MIT
// What a search would do, and whether it can.
#pragma once

#include "cli/search_args.h"

// Prints it; writes nothing. Fails where the search would be refused, or cells of it would.
bool dry_run(const struct search_args *args);
