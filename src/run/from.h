// SPDX-License-Identifier: MIT
// Finished cells of another study (merge/taking.h) in the place of cells that wait.
#pragma once

#include "run/campaign.h"

// Chooses them, so that they count as finished; after campaign_open(). Nothing without --from.
bool from_choose(struct campaign *campaign);
// Writes them, after campaign_create(). Killed before its end it leaves cells that wait, which can
// be taken again.
bool from_write(struct campaign *campaign);
