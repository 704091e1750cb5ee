// SPDX-License-Identifier: MIT
// Cells that cannot be trained: failed ones, with their reason, while the others go on. A search
// that goes on later tries them again.
#pragma once

#include "run/campaign.h"

void unable_say(struct campaign *campaign, int count, const char *why);

// Fails those of the cells of which no run has begun. Others stay as they are: nothing of what was
// trained is lost when they can go on. Under the lock, and inside no transaction.
bool unable_note(struct campaign *campaign, const int *cells, int count, const char *why);
