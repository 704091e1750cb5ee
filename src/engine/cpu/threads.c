// SPDX-License-Identifier: MIT
#include "engine/cpu/threads.h"

#include <omp.h>

void threads_set(int count)
{
    omp_set_num_threads(count);
    omp_set_dynamic(0);
}
