// SPDX-License-Identifier: MIT
// Threads of OpenMP.
#pragma once

// So many for the regions that the calling thread begins, and for those of oneDNN, which asks
// OpenMP.
void threads_set(int count);
