// SPDX-License-Identifier: MIT
#include "cli/apply/apply.h"

#include "vkgrid/data/ranges.h"

#include <stdio.h>
#include <stdlib.h>

void apply_tell_ranges(const struct cell *cell, const struct dataset *dataset)
{
    for (int i = 0; cell->trained && i < cell->features.count; i++) {
        char *doubt = range_doubt_of(dataset, i, cell->features.names[i]);
        if (doubt)
            fprintf(stderr, "%s\n", doubt);
        free(doubt);
    }
}
