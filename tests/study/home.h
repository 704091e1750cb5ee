// SPDX-License-Identifier: MIT
// A test program's own folder, in memory or in the build folder, current while its tests run. For
// cmocka_run_group_tests().
#pragma once

#include <stdbool.h>

int enter_home(void **state);

// Empties it. Fails outside it, where nothing is removed.
bool clear_home(void);

// Removes it with all that is in it.
int leave_home(void **state);
