// SPDX-License-Identifier: MIT
// What a search would do, and whether it can.
#pragma once

#include "cli/search_args.h"

struct grown;

// Prints it; writes nothing. grown: what a study that is there gains. Fails where the search would
// be refused, or cells of it would.
bool dry_run(const struct search_args *args, const struct grown *grown);
