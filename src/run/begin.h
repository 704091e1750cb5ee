// SPDX-License-Identifier: MIT
// What comes before the first pack: whether all groups can be trained, and what becomes of those
// that cannot.
#pragma once

#include "run/campaign.h"

// Leaves only cells in campaign->groups that can be trained. Fails where the study is not to begin
// or to go on: nothing of it has been written then. engine: of the first device.
bool begin_check(struct campaign *campaign, struct engine *engine);

// The same of cells that a study gets while it runs: what has to be mended in files always ends it.
bool begin_check_more(struct campaign *campaign, struct engine *engine);

// Once the study is there: the other cells are failed ones.
bool begin_note(struct campaign *campaign);
