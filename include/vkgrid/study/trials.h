// SPDX-License-Identifier: MIT
// What study.db says of the study itself: grid, settings, a trial for each cell.
#pragma once

#include "run/campaign.h"

// Fails unless the database is that of this grid and these settings, listing what differs.
bool contents_check(const struct search *search);

// Reads the cells: scores, leaders, and cells of trials that Optuna chose; of those that wait,
// which ones are to be trained. Writes nothing.
bool contents_read(struct search *search);

// Writes what is missing, in one transaction: grid and settings, trials of cells that have none,
// new trials of failed cells that are to be tried again, answers to Optuna.
bool contents_write(struct search *search);
