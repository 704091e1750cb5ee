// SPDX-License-Identifier: MIT
#include "cli/apply/ensemble.h"

#include "vkgrid/data/ranges.h"

#include <stdio.h>
#include <stdlib.h>

// Of the features that the networks share. Of several networks the first that has a doubt speaks:
// most were trained on much the same.
static void tell_feature(const struct ensemble *ensemble, int feature)
{
    char *doubt = NULL;
    for (int i = 0; !doubt && i < ensemble->count; i++) {
        const struct member *member = &ensemble->members[i];
        const struct dataset *dataset = member->dataset;
        const struct range_check check = {
            .feature = member->cell.features.names[feature],
            .normalize = member->cell.normalize[feature],
            .trained = member->cell.trained ? &member->cell.trained[feature] : NULL,
            .items = dataset->statistics + feature,
            .stride = (size_t)dataset->features,
            .names = (const char *const *)dataset->names,
            .count = dataset->count,
        };
        doubt = range_doubt(&check);
    }
    if (doubt)
        fprintf(stderr, "%s\n", doubt);
    free(doubt);
}

void ensemble_tell_ranges(const struct ensemble *ensemble)
{
    for (int i = 0; i < ensemble->members[0].cell.features.count; i++)
        tell_feature(ensemble, i);
}
