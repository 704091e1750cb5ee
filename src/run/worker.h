// SPDX-License-Identifier: MIT
// A device: packs, one after the other, and what goes wrong with them.
#pragma once

#include "run/campaign.h"

// Trains packs until there are none left. Takes over *engine, which may be open already, and leaves
// there what the caller closes: NULL after a failure.
bool worker_run(struct campaign *campaign, int device, struct engine **engine);
