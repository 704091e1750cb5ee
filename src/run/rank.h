// SPDX-License-Identifier: MIT
// The ranking of a study that is at work: hyperparameters/*.json, and which cells cannot be told
// apart. With the campaign's lock, where threads run.
#pragma once

#include "run/campaign.h"

// The files; which cells cannot be told apart only where that takes no more than a hundredth of the
// time.
bool rank_now_and_then(struct campaign *campaign);

// All of it, also into study.db.
bool rank_at_end(struct campaign *campaign);
