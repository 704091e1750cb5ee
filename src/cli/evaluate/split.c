// SPDX-License-Identifier: MIT
#include "cli/evaluate/split.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/study/weights_samples.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[] = {"training", "validation", "test", "folds", "all", NULL};

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

// What is known of the samples of each network: whom it was trained on, and by which file.
struct origin {
    const char *weights;
    struct sample_names names;
    char *where; // NULL: it is not known
    int fold;    // -1: none
};

struct origins {
    struct origin *items; // [count]
    int count;
};

static int compare(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

// The names of that list of all networks, sorted; some may stand there twice.
static struct part all_of(const struct origins *origins, enum split split)
{
    char **list = NULL;
    int count = 0;
    for (int i = 0; i < origins->count; i++) {
        const struct part part = part_of(&origins->items[i].names, split);
        list = mem_grow(list, (size_t)(count + part.count) + 1, sizeof(list[0]));
        for (int j = 0; j < part.count; j++)
            list[count++] = part.names[j];
    }
    qsort(list, (size_t)count, sizeof(list[0]), compare);
    return (struct part){list, count};
}

static bool is_in(char *name, const struct part *sorted)
{
    return bsearch(&name, sorted->names, (size_t)sorted->count, sizeof(name), compare);
}

// How many of the samples have a name of the sorted list.
static int count_in(const struct part *sorted, const struct sample_list *samples)
{
    int count = 0;
    for (int i = 0; i < samples->count; i++)
        count += is_in(samples->names[i], sorted);
    return count;
}

// The first network that has other samples in this list than the first one has; NULL: none.
static const struct origin *other_list(const struct origins *origins, enum split split)
{
    const struct origins first = {origins->items, 1};
    struct part sorted = all_of(&first, split);
    const struct origin *other = NULL;
    for (int i = 1; !other && i < origins->count; i++) {
        const struct part part = part_of(&origins->items[i].names, split);
        int same = 0;
        for (int j = 0; j < part.count; j++)
            same += is_in(part.names[j], &sorted);
        if (same != part.count || part.count != sorted.count)
            other = &origins->items[i];
    }
    free((void *)sorted.names);
    return other;
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

static bool check_known(const struct origins *origins, enum split asked)
{
    for (int i = 0; i < origins->count; i++)
        if (!origins->items[i].where)
            return error_set(
                "--split %s: options.json of the cell is not beside %s: --options names a file "
                "that has its partition",
                names[asked], origins->items[i].weights);
    return true;
}

static bool check_asked(const struct origins *origins, enum split asked)
{
    const struct origin *first = &origins->items[0], *other = other_list(origins, asked);
    if (other)
        return error_set(
            "--split %s: %s and %s have other samples there: --samples A,B names those that none "
            "of the networks was trained on",
            names[asked], first->where, other->where);
    if (asked == SPLIT_VALIDATION && first->names.validation_count == 0)
        return error_set(
            "--split validation: %s: does not say which fold it is: --samples A,B "
            "names them",
            first->weights);
    return part_of(&first->names, asked).count > 0 ||
           error_set("--split %s: %s: its partition has two lists: a third one is the test",
                     names[asked], first->where);
}

// Of the samples that are evaluated some may have made the networks what they are.
static void tell_seen(const struct origins *origins, const struct sample_list *samples)
{
    struct part training = all_of(origins, SPLIT_TRAINING),
                validation = all_of(origins, SPLIT_VALIDATION);
    const int trained = count_in(&training, samples);
    const bool one = origins->count == 1;
    int chosen = 0;
    for (int i = 0; i < samples->count; i++)
        chosen += is_in(samples->names[i], &validation) && !is_in(samples->names[i], &training);
    if (trained > 0)
        fprintf(stderr,
                "of %d samples %d have names of those that the network%s trained on, and %d of "
                "those that %s chosen by: if they are these, %s numbers are too good; --split "
                "validation or test, or --samples, leaves them out\n",
                samples->count, trained, one ? " was" : "s were", chosen,
                one ? "it was" : "they were", one ? "its" : "their");
    free((void *)training.names);
    free((void *)validation.names);
}

// The test, where the networks have one of which something is there.
static bool take_test(const struct origins *origins, struct sample_list *samples)
{
    const struct origin *first = &origins->items[0], *other = other_list(origins, SPLIT_TEST);
    struct part test = part_of(&first->names, SPLIT_TEST), all = all_of(origins, SPLIT_TEST);
    const bool there = count_in(&all, samples) > 0;
    free((void *)all.names);
    if (there && other)
        fprintf(stderr,
                "%s and %s have tests of other samples: every one with labels is evaluated\n",
                first->where ? first->where : first->weights,
                other->where ? other->where : other->weights);
    if (!there || other)
        return false;
    copy_part(&test, samples);
    fprintf(stderr,
            "the test of %s: %d sample%s of its names (--split all: every one with labels)\n",
            first->where, test.count, test.count == 1 ? "" : "s");
    return true;
}

// --- Folds --------------------------------------------------------------------------------------

// The samples that a network was validated with.
struct held_out {
    const struct origin *origin;
    int member;
};

// In the order of the folds; of networks without any in that in which they stand.
static int by_fold(const void *left, const void *right)
{
    const struct held_out *a = left, *b = right;
    const int one = a->origin->fold, other = b->origin->fold;
    return one != other ? one - other : a->member - b->member;
}

// Two networks would both be out of the fold of a sample.
static bool check_once(const struct held_out *lists, int count)
{
    for (int i = 0; i < count; i++) {
        const struct origins one = {(struct origin *)lists[i].origin, 1};
        struct part sorted = all_of(&one, SPLIT_VALIDATION);
        const char *twice = NULL;
        int other = i + 1;
        for (; !twice && other < count; other += !twice) {
            const struct sample_names *theirs = &lists[other].origin->names;
            for (int j = 0; !twice && j < theirs->validation_count; j++)
                if (is_in(theirs->validation[j], &sorted))
                    twice = theirs->validation[j];
        }
        free((void *)sorted.names);
        if (twice)
            return error_set(
                "--split folds: %s is among the validation samples of both %s and %s: "
                "one network of each fold is allowed",
                twice, lists[i].origin->weights, lists[other].origin->weights);
    }
    return true;
}

// Samples of training and validation that none of the networks can judge.
static void tell_missing(const struct held_out *lists, int count, int taken)
{
    const struct sample_names *first = &lists[0].origin->names;
    const int all = first->training_count + first->validation_count;
    if (taken < all)
        fprintf(stderr, "%d of %d samples are left out: %s\n", all - taken, all,
                count == 1 ? "the network was trained on them"
                           : "none of the networks was validated with them");
}

static void take_held_out(const struct held_out *lists, int count, struct ensemble *ensemble,
                          struct sample_list *samples)
{
    int all = 0;
    for (int i = 0; i < count; i++)
        all += lists[i].origin->names.validation_count;
    sample_list_free(samples);
    samples->names = mem_zalloc((size_t)all + 1, sizeof(samples->names[0]));
    ensemble->owners = mem_zalloc((size_t)all + 1, sizeof(ensemble->owners[0]));
    for (int i = 0; i < count; i++) {
        const struct sample_names *names_of = &lists[i].origin->names;
        for (int j = 0; j < names_of->validation_count; j++) {
            ensemble->owners[samples->count] = lists[i].member;
            samples->names[samples->count++] = text_copy(names_of->validation[j]);
        }
    }
}

static bool take_folds(const struct origins *origins, struct ensemble *ensemble,
                       struct sample_list *samples)
{
    struct held_out *lists = mem_zalloc((size_t)origins->count, sizeof(lists[0]));
    for (int i = 0; i < origins->count; i++)
        lists[i] = (struct held_out){&origins->items[i], i};
    qsort(lists, (size_t)origins->count, sizeof(lists[0]), by_fold);
    const bool good = check_once(lists, origins->count);
    if (good) {
        take_held_out(lists, origins->count, ensemble, samples);
        tell_missing(lists, origins->count, samples->count);
    }
    free(lists);
    return good &&
           (samples->count > 0 || error_set("--split folds: %s: does not say which fold it is",
                                            origins->items[0].weights));
}

// --- One list -----------------------------------------------------------------------------------

// --split, or what holds without it.
static bool take_split(const struct origins *origins, struct ensemble *ensemble,
                       struct sample_list *samples, enum split *split)
{
    if (*split == SPLIT_FOLDS)
        return check_known(origins, *split) && take_folds(origins, ensemble, samples);
    if (*split != SPLIT_NAMED && *split != SPLIT_ALL) {
        if (!check_known(origins, *split) || !check_asked(origins, *split))
            return false;
        const struct part part = part_of(&origins->items[0].names, *split);
        copy_part(&part, samples);
    } else if (*split == SPLIT_NAMED && take_test(origins, samples)) {
        *split = SPLIT_TEST;
    } else {
        *split = SPLIT_ALL;
    }
    return true;
}

// must: a partition that cannot be read is an error.
static bool read_origins(const struct options *options, const struct ensemble *ensemble, bool must,
                         struct origins *origins)
{
    origins->items = mem_zalloc((size_t)ensemble->count, sizeof(origins->items[0]));
    for (int i = 0; i < ensemble->count; i++) {
        struct origin *origin = &origins->items[origins->count++];
        origin->weights = ensemble->members[i].file;
        origin->fold = ensemble->members[i].fold;
        if (!weights_samples(origin->weights, options->values[OPTION_OPTIONS], &origin->names,
                             &origin->where) &&
            must)
            return false;
    }
    return true;
}

static void origins_free(struct origins *origins)
{
    for (int i = 0; i < origins->count; i++) {
        sample_names_free(&origins->items[i].names);
        free(origins->items[i].where);
    }
    free(origins->items);
}

bool split_images(const struct options *options, struct ensemble *ensemble,
                  struct sample_list *samples)
{
    struct origins origins = {0};
    enum split split = split_asked(options);
    bool good = false;
    if (option_set(options, OPTION_SAMPLES))
        return error_set("--split: with --samples, which names them, it is not allowed");
    CHECK(read_origins(options, ensemble, true, &origins));
    CHECK(take_split(&origins, ensemble, samples, &split));
    good = true;
error:
    origins_free(&origins);
    return good;
}

bool split_samples(const struct options *options, struct ensemble *ensemble,
                   struct sample_list *samples, enum split *split)
{
    struct origins origins = {0};
    bool good = false;
    *split = split_asked(options);
    // Files of the original may have a partition that says no names.
    const bool must = *split != SPLIT_NAMED && *split != SPLIT_ALL;
    if (*split != SPLIT_NAMED && option_set(options, OPTION_SAMPLES))
        return error_set("--split: with --samples, which names them, it is not allowed");
    CHECK(read_origins(options, ensemble, must, &origins));
    CHECK(apply_find_samples(options, options->values[OPTION_DATA], &ensemble->members[0].cell,
                             true, samples));
    if (!option_set(options, OPTION_SAMPLES))
        CHECK(take_split(&origins, ensemble, samples, split));
    if (*split != SPLIT_TRAINING && *split != SPLIT_FOLDS)
        tell_seen(&origins, samples);
    good = true;
error:
    origins_free(&origins);
    return good;
}
