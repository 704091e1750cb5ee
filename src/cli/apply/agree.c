// SPDX-License-Identifier: MIT
// Which networks can be averaged.
#include "cli/apply/ensemble.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/data/label_map.h"

#include <stdlib.h>
#include <string.h>

// "curvature, depth (of thickness)"
static char *names_text(const struct name_list *list)
{
    struct text text = {0};
    for (int i = 0; i < list->count; i++) {
        text_add(&text, "%s%s", i > 0 ? ", " : "", list->names[i]);
        if (strcmp(list->names[i], list->sources[i]) != 0)
            text_add(&text, " (of %s)", list->sources[i]);
    }
    return text.bytes;
}

static bool check_names(const struct member *one, const struct member *other, const char *what,
                        const struct name_list *ours, const struct name_list *theirs)
{
    char *left = names_text(ours), *right = names_text(theirs);
    const bool same = strcmp(left, right) == 0 ||
                      error_set("%s and %s: cannot be averaged: the %s are %s, and %s", one->file,
                                other->file, what, left, right);
    free(left);
    free(right);
    return same;
}

// Which labels exclude each other, and what their maps are called.
static bool check_groups(const struct member *one, const struct member *other)
{
    struct label_group groups[2][LABEL_GROUPS];
    const struct cell *const cells[2] = {&one->cell, &other->cell};
    int counts[2];
    for (int i = 0; i < 2; i++)
        counts[i] = label_groups(cells[i]->prediction, cells[i]->labels.names,
                                 cells[i]->labels.count, groups[i]);
    bool same = counts[0] == counts[1];
    for (int i = 0; same && i < counts[0]; i++)
        same = groups[0][i].count == groups[1][i].count &&
               strcmp(groups[0][i].name, groups[1][i].name) == 0;
    return same || error_set(
                       "%s and %s: cannot be averaged: the label sets are %s, and %s; "
                       "--prediction names one for both",
                       one->file, other->file, cells[0]->prediction, cells[1]->prediction);
}

bool members_agree(const struct member *one, const struct member *other)
{
    return check_names(one, other, "features", &one->cell.features, &other->cell.features) &&
           check_names(one, other, "labels", &one->cell.labels, &other->cell.labels) &&
           check_groups(one, other);
}
