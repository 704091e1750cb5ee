// SPDX-License-Identifier: MIT
// Which of several devices can hold which groups: one that the first cannot is left to another.
#pragma once

#include "run/campaign.h"

// Asks devices for one slot of every group, until each group has one that holds it. why: [group] of
// the campaign, the caller frees it with its texts; NULL where a device holds it. A group that the
// first device, whose engine it is, cannot hold gets `elsewhere`. Fails when a device cannot be
// opened.
bool devices_ask(struct campaign *campaign, struct engine *engine, char ***why);
