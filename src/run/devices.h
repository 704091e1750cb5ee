// SPDX-License-Identifier: MIT
// The devices of a search, and the packs that are planned for them.
#pragma once

#include "run/campaign.h"

// The packs of every group as the first device that can hold it has them, and the progress over all
// of them.
bool plan_packs(struct campaign *campaign, struct engine *engine);

// Trains what is open, on every device. Takes over *engine, that of the first device or NULL; the
// caller closes what is left there.
bool devices_train(struct campaign *campaign, struct engine **engine);

// What `vkgrid status` says once nobody is at work.
bool note_progress(struct campaign *campaign);
