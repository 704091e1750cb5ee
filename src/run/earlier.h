// SPDX-License-Identifier: MIT
// What a study has done before this search, for its progress.
#pragma once

#include "run/campaign.h"

// Tells the progress, which has started, of those of the cells that are finished, and of runs and
// epochs that are done of the others, and of the best cells so far. The store is open.
bool earlier_tell(struct campaign *campaign, const int *cells, int count);
