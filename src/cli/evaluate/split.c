// SPDX-License-Identifier: MIT
#include "cli/evaluate/split.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/study/weights_samples.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = {"training", "validation", "test", "all", NULL};

const char *split_name(enum split split)
{
    return names[split];
}

// A list of names, not owned.
struct part {
    char *const *names;
    int count;
};

static struct part part_of(const struct sample_names *samples, enum split split)
{
    switch (split) {
    case SPLIT_TRAINING:
        return (struct part){samples->training, samples->training_count};
    case SPLIT_VALIDATION:
        return (struct part){samples->validation, samples->validation_count};
    case SPLIT_TEST:
        return (struct part){samples->test, samples->test_count};
    default:
        return (struct part){0};
    }
}

static int compare(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

// How many of the part's samples are in the list.
static int count_in(const struct part *part, const struct sample_list *samples)
{
    char **sorted = mem_alloc((size_t)(samples->count + 1) * sizeof(sorted[0]));
    int count = 0;
    memcpy(sorted, samples->names, (size_t)samples->count * sizeof(sorted[0]));
    qsort(sorted, (size_t)samples->count, sizeof(sorted[0]), compare);
    for (int i = 0; i < part->count; i++)
        count += bsearch(&part->names[i], sorted, (size_t)samples->count, sizeof(sorted[0]),
                         compare) != NULL;
    free(sorted);
    return count;
}

static void copy_part(const struct part *part, struct sample_list *samples)
{
    sample_list_free(samples);
    samples->names = mem_zalloc((size_t)part->count + 1, sizeof(samples->names[0]));
    for (; samples->count < part->count; samples->count++)
        samples->names[samples->count] = text_copy(part->names[samples->count]);
}

// What --split says; SPLIT_NAMED: nothing.
static enum split split_asked(const struct options *options)
{
    const char *asked = options->values[OPTION_SPLIT];
    for (int i = 0; asked && names[i]; i++)
        if (strcmp(asked, names[i]) == 0)
            return (enum split)i;
    return SPLIT_NAMED;
}

static bool check_asked(const struct options *options, enum split asked, const char *where,
                        const struct part *part)
{
    if (!where)
        return error_set(
            "--split %s: options.json of the cell is not beside %s: --options names a file that "
            "has its partition",
            names[asked], options->values[OPTION_WEIGHTS]);
    return part->count > 0 ||
           error_set("--split %s: %s: its partition has two lists: a third one is the test",
                     names[asked], where);
}

// Of the samples that are evaluated some have made the network what it is.
static void tell_seen(const struct sample_names *known, const struct sample_list *samples)
{
    const struct part parts[] = {part_of(known, SPLIT_TRAINING), part_of(known, SPLIT_VALIDATION)};
    const int trained = count_in(&parts[0], samples), validated = count_in(&parts[1], samples);
    if (trained > 0)
        fprintf(stderr,
                "of %d samples the network was trained on %d, and chosen by %d: its numbers are "
                "too good; --split validation or test leaves them out\n",
                samples->count, trained, validated);
}

// --split, or what holds without it.
static bool take_split(const struct options *options, const struct sample_names *known,
                       const char *where, struct sample_list *samples, enum split *split)
{
    const bool asked = *split != SPLIT_NAMED;
    const struct part part = part_of(known, asked ? *split : SPLIT_TEST);
    if (asked && *split != SPLIT_ALL) {
        if (!check_asked(options, *split, where, &part))
            return false;
        copy_part(&part, samples);
    } else if (!asked && count_in(&part, samples) > 0) {
        *split = SPLIT_TEST;
        copy_part(&part, samples);
        fprintf(stderr, "the test of %s: %d sample%s (--split all: every one with labels)\n", where,
                part.count, part.count == 1 ? "" : "s");
    } else {
        *split = SPLIT_ALL;
    }
    return true;
}

bool split_samples(const struct options *options, const struct cell *cell,
                   struct sample_list *samples, enum split *split)
{
    struct sample_names known = {0};
    char *where = NULL;
    bool good = false;
    *split = split_asked(options);
    if (*split != SPLIT_NAMED && option_set(options, OPTION_SAMPLES))
        return error_set("--split: with --samples, which names them, it is not allowed");
    if (!weights_samples(options->values[OPTION_WEIGHTS], options->values[OPTION_OPTIONS], &known,
                         &where) &&
        *split != SPLIT_NAMED && *split != SPLIT_ALL)
        return false; // files of the original may have a partition that says no names
    CHECK(apply_find_samples(options, options->values[OPTION_DATA], cell, true, samples));
    if (!option_set(options, OPTION_SAMPLES))
        CHECK(take_split(options, &known, where, samples, split));
    if (*split != SPLIT_TRAINING)
        tell_seen(&known, samples);
    good = true;
error:
    sample_names_free(&known);
    free(where);
    return good;
}
