// SPDX-License-Identifier: MIT
// Subjects that stay together: where a source has several "{}", as "{}/{}/image" of P1/day1 and
// P1/day2, those of which the first one stands for the same. Slices of one patient resemble each
// other, and a network that has seen one would be judged too well by the next.
#pragma once

#include "grid/split.h"

struct random;

struct split_groups {
    char **subjects;          // of the split, in the order in which they were
    int *group;               // [subject]
    int *sizes;               // [group]: subjects
    int subject_count, count; // count 0: nothing is to stay together
};

// Of a split that is not drawn yet.
void split_groups_find(const struct survey *survey, const bool *used, const struct split *split,
                       struct split_groups *groups);

// Puts the split's subjects into the order of shuffled groups. *validation and *test, subjects that
// are wanted at the end and before these, become those of whole groups; one group at least trains.
void split_groups_shuffle(const struct split_groups *groups, struct random *random,
                          struct split *split, int *validation, int *test);
void split_groups_free(struct split_groups *groups);
