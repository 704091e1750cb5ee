// SPDX-License-Identifier: MIT
#include "grid/split_groups.h"

#include "vkgrid/base/memory.h"
#include "vkgrid/base/random.h"

#include <stdlib.h>
#include <string.h>

// Bytes of the sample's name that the first "{}" of several stands for; 0: no folder has several.
static int lead_of(const struct survey *survey, const bool *used, const char *sample)
{
    for (int i = 0; i < survey->count; i++) {
        const struct survey_folder *folder = &survey->folders[i];
        const int found = used[i] && folder->leads ? survey_sample(folder, sample) : -1;
        if (found >= 0)
            return folder->leads[found];
    }
    return 0;
}

// A subject and the length of its group's name.
struct member {
    const char *subject;
    int lead, at;
};

static int compare(const void *left, const void *right)
{
    const struct member *a = left, *b = right;
    const int order =
        strncmp(a->subject, b->subject, (size_t)(a->lead < b->lead ? a->lead : b->lead));
    return order != 0 ? order : a->lead != b->lead ? a->lead - b->lead : a->at - b->at;
}

void split_groups_find(const struct survey *survey, const bool *used, const struct split *split,
                       struct split_groups *groups)
{
    const size_t count = (size_t)split->count;
    struct member *members = mem_zalloc(count + 1, sizeof(members[0]));
    bool all = !split->rated;
    *groups = (struct split_groups){
        .subjects = mem_zalloc(count + 1, sizeof(char *)),
        .group = mem_zalloc(count + 1, sizeof(int)),
        .sizes = mem_zalloc(count + 1, sizeof(int)),
        .subject_count = split->count,
    };
    for (int i = 0; i < split->count; i++) {
        char *subject = groups->subjects[i] = split->subjects[i];
        members[i] = (struct member){subject, lead_of(survey, used, subject), i};
        all &= members[i].lead > 0;
    }
    qsort(members, count, sizeof(members[0]), compare);
    for (int i = 0; all && i < split->count; i++) {
        const struct member *member = &members[i], *last = member - (i > 0);
        if (i == 0 || member->lead != last->lead ||
            strncmp(member->subject, last->subject, (size_t)member->lead) != 0)
            groups->count++;
        groups->group[member->at] = groups->count - 1;
        groups->sizes[groups->count - 1]++;
    }
    if (groups->count < 2 || groups->count == split->count)
        groups->count = 0;
    free(members);
}

// Groups from before `*end` on, about as many subjects as are wanted.
static int take_groups(const struct split_groups *groups, const uint32_t *order, int wanted,
                       int *end)
{
    int taken = 0;
    while (*end > 1 && taken < wanted &&
           (taken == 0 || taken + groups->sizes[order[*end - 1]] / 2 <= wanted))
        taken += groups->sizes[order[--*end]];
    return taken;
}

void split_groups_shuffle(const struct split_groups *groups, struct random *random,
                          struct split *split, int *validation, int *test)
{
    const uint32_t count = (uint32_t)groups->count;
    uint32_t *order = mem_zalloc(count, sizeof(order[0]));
    int *next = mem_zalloc(count, sizeof(next[0])), place = 0, end = groups->count;
    for (uint32_t i = 0; i < count; i++)
        order[i] = i;
    random_shuffle(random, order, count);
    for (uint32_t i = 0; i < count; i++) {
        next[order[i]] = place;
        place += groups->sizes[order[i]];
    }
    for (int i = 0; i < groups->subject_count; i++)
        split->subjects[next[groups->group[i]]++] = groups->subjects[i];
    *validation = take_groups(groups, order, *validation, &end);
    *test = take_groups(groups, order, *test, &end);
    free(order);
    free(next);
}

void split_groups_free(struct split_groups *groups)
{
    free(groups->subjects);
    free(groups->group);
    free(groups->sizes);
    *groups = (struct split_groups){0};
}
