// SPDX-License-Identifier: MIT
// A test program's own folder in the build folder, current while its tests run. For
// cmocka_run_group_tests().
#pragma once

int enter_home(void **state);

// Removes it with all that is in it.
int leave_home(void **state);
