// SPDX-License-Identifier: MIT
#include "grid/split.h"

#include "grid/split_groups.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/base/random.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SHUFFLES 100 // most that are tried

// Names, sorted, of which some may be crossed out.
struct names {
    const char **names;
    bool *partial; // not in every folder
    int count;
};

static int compare(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

// All samples that any of the folders has.
static void list_samples(const struct survey *survey, const bool *used, struct names *all)
{
    size_t room = 0;
    int kept = 0;
    *all = (struct names){0};
    for (int i = 0; i < survey->count; i++) {
        const struct survey_folder *folder = &survey->folders[i];
        if (!used[i])
            continue;
        all->names = mem_reserve(all->names, &room, (size_t)(all->count + folder->count),
                                 sizeof(all->names[0]));
        for (int k = 0; k < folder->count; k++)
            all->names[all->count++] = folder->samples[k];
    }
    if (all->names)
        qsort(all->names, (size_t)all->count, sizeof(all->names[0]), compare);
    for (int i = 0; i < all->count; i++)
        if (kept == 0 || strcmp(all->names[i], all->names[kept - 1]) != 0)
            all->names[kept++] = all->names[i];
    all->count = kept;
    all->partial = mem_zalloc((size_t)kept + 1, sizeof(bool));
    for (int i = 0; i < kept; i++)
        for (int k = 0; k < survey->count; k++)
            all->partial[i] |= used[k] && survey_sample(&survey->folders[k], all->names[i]) < 0;
}

// Which of A1 to A4 has drawn the sample; -1: nobody.
static int rater_of(const char *sample)
{
    const bool rated =
        sample[0] == 'A' && sample[1] >= '1' && sample[1] <= '4' && sample[2] == '_' && sample[3];
    return rated ? sample[1] - '1' : -1;
}

static const char *subject_of(const struct split *split, const char *sample)
{
    return split->rated ? sample + 3 : sample;
}

// A subject with a sample that lacks a file would be an error of the search.
static bool has_partial(const struct split *split, const struct names *all, const char *subject)
{
    for (int i = 0; i < all->count; i++)
        if (all->partial[i] && (!split->rated || rater_of(all->names[i]) >= 0) &&
            strcmp(subject_of(split, all->names[i]), subject) == 0)
            return true;
    return false;
}

static bool is_listed(const struct split *split, const char *subject)
{
    for (int i = 0; i < split->count; i++)
        if (strcmp(split->subjects[i], subject) == 0)
            return true;
    return false;
}

// Whether a used folder has both: then neither is meant by the other.
static bool have_both(const struct survey *survey, const bool *used, const char *a, const char *b)
{
    for (int i = 0; i < survey->count; i++)
        if (used[i] && survey_sample(&survey->folders[i], a) >= 0 &&
            survey_sample(&survey->folders[i], b) >= 0)
            return true;
    return false;
}

// "s01: not in masks, where the nearest is S01"; the caller frees it.
static char *describe_partial(const struct survey *survey, const bool *used, const char *sample)
{
    for (int i = 0; i < survey->count; i++) {
        const struct survey_folder *folder = &survey->folders[i];
        if (!used[i] || survey_sample(folder, sample) >= 0)
            continue;
        const char *nearest = survey_nearest(folder, sample);
        if (nearest && have_both(survey, used, sample, nearest))
            nearest = NULL;
        return text_format("%s: not in %s%s%s", sample, folder->source,
                           nearest ? ", where the nearest is " : "", nearest ? nearest : "");
    }
    return text_copy(sample);
}

static void take_subjects(const struct survey *survey, const bool *used, struct split *split,
                          const struct names *all)
{
    split->rated = all->count > 0;
    for (int i = 0; i < all->count; i++)
        split->rated &= all->partial[i] || rater_of(all->names[i]) >= 0;
    split->subjects = mem_zalloc((size_t)all->count + 1, sizeof(split->subjects[0]));
    for (int i = 0; i < all->count; i++) {
        if (all->partial[i]) {
            split->left_out++;
            if (!split->example)
                split->example = describe_partial(survey, used, all->names[i]);
            continue;
        }
        const char *subject = subject_of(split, all->names[i]);
        if (split->rated)
            split->raters[rater_of(all->names[i])] = true;
        if (!(split->rated && (is_listed(split, subject) || has_partial(split, all, subject))))
            split->subjects[split->count++] = text_copy(subject);
    }
}

static void shuffle(struct split *split, struct random *random)
{
    const uint32_t count = (uint32_t)split->count;
    uint32_t *order = mem_zalloc(count, sizeof(order[0]));
    char **subjects = mem_zalloc(count, sizeof(subjects[0]));
    for (uint32_t i = 0; i < count; i++)
        order[i] = i;
    random_shuffle(random, order, count);
    for (uint32_t i = 0; i < count; i++)
        subjects[i] = split->subjects[order[i]];
    free(split->subjects);
    free(order);
    split->subjects = subjects;
}

// Which of the folder's values the subject's files have; bit 0 is the background's.
static unsigned values_of(const struct split *split, const struct survey_folder *folder,
                          const char *subject)
{
    unsigned values = 0;
    for (int i = 0; i < (split->rated ? SPLIT_RATERS : 1); i++) {
        char *name = split->rated ? text_format("A%d_%s", i + 1, subject) : text_copy(subject);
        const int sample = survey_sample(folder, name);
        values |= sample < 0 ? 0 : folder->present[sample];
        free(name);
    }
    return values & ~1U;
}

static bool all_in_training(const struct split *split, const struct survey *survey,
                            const bool *label)
{
    for (int i = 0; i < survey->count; i++) {
        const struct survey_folder *folder = &survey->folders[i];
        unsigned training = 0, all = 0;
        for (int k = 0; label[i] && folder->present && k < split->count; k++) {
            const unsigned values = values_of(split, folder, split->subjects[k]);
            all |= values;
            training |= k < split->count - split->validation ? values : 0;
        }
        if (training != all)
            return false;
    }
    return true;
}

static bool begins_with(const char *text, const char *prefix)
{
    return prefix && strncmp(text, prefix, strlen(prefix)) == 0;
}

// Takes the subject over.
static void leave_outside(struct split *split, char *subject)
{
    if (split->outside++ == 0)
        split->outsider = subject;
    else
        free(subject);
}

// What the layout keeps for a test does not train; who validates it may say too: they come last.
static void take_halves(const struct layout *layout, struct split *split)
{
    char **validation = mem_zalloc((size_t)split->count + 1, sizeof(validation[0]));
    int kept = 0, others = 0;
    split->test = mem_zalloc((size_t)split->count + 1, sizeof(split->test[0]));
    for (int i = 0; i < split->count; i++) {
        char *subject = split->subjects[i];
        if (begins_with(subject, layout->test))
            split->test[split->test_count++] = subject;
        else if (begins_with(subject, layout->validation))
            validation[others++] = subject;
        else if (layout->training && !begins_with(subject, layout->training))
            leave_outside(split, subject);
        else
            split->subjects[kept++] = subject;
    }
    for (int i = 0; i < others; i++)
        split->subjects[kept + i] = validation[i];
    split->count = kept + others;
    split->by_folders = kept > 0 && others > 0;
    split->validation = split->by_folders ? others : 0;
    free(validation);
}

char **split_training(const struct split *split, int *count)
{
    const int training = split->count - split->validation;
    char **samples = mem_zalloc((size_t)training * SPLIT_RATERS + 1, sizeof(samples[0]));
    *count = 0;
    for (int i = 0; i < training; i++) {
        if (!split->rated)
            samples[(*count)++] = text_copy(split->subjects[i]);
        for (int rater = 0; split->rated && rater < SPLIT_RATERS; rater++)
            if (split->raters[rater])
                samples[(*count)++] = text_format("A%d_%s", rater + 1, split->subjects[i]);
    }
    return samples;
}

static int sorted(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

// Of so many subjects, as many as that share, of any share one at least.
static int share_of(double share, int count)
{
    const int part = (int)lrint(share * count);
    return share > 0 && part < 1 ? 1 : part;
}

// The subjects before those who validate are for a test.
static void take_test(struct split *split, int count)
{
    const int training = split->count - split->validation - count;
    for (int i = 0; i < count; i++)
        split->test[split->test_count++] = split->subjects[training + i];
    for (int i = 0; i < split->validation; i++)
        split->subjects[training + i] = split->subjects[training + count + i];
    split->count -= count;
}

static void draw(const struct survey *survey, const bool *used, const bool *label,
                 const struct split_request *request, struct split *split)
{
    struct split_groups groups = {0};
    struct random random = random_stream(request->seed, 0, 0, RANDOM_SPLIT);
    const int tests = split->test_count > 0 ? 0 : share_of(request->test, split->count),
              validations = share_of(request->validation, split->count);
    int validation = validations < split->count ? validations : split->count - 1,
        test = tests < split->count - validation ? tests : split->count - validation - 1;
    if (!survey->layout.training)
        split_groups_find(survey, used, split, &groups);
    split->groups = groups.count;
    for (int i = 0; i == 0 || (i < SHUFFLES && !all_in_training(split, survey, label)); i++) {
        if (groups.count > 0) {
            validation = validations;
            test = tests;
            split_groups_shuffle(&groups, &random, split, &validation, &test);
        } else {
            shuffle(split, &random);
        }
        split->validation = validation + test;
    }
    split_groups_free(&groups);
    split->validation = validation;
    take_test(split, test);
}

bool split_make(const struct survey *survey, const bool *used, const bool *label,
                const struct split_request *request, struct split *split)
{
    struct names all;
    *split = (struct split){0};
    list_samples(survey, used, &all);
    take_subjects(survey, used, split, &all);
    free(all.names);
    free(all.partial);
    take_halves(&survey->layout, split);
    if (split->count < 2) {
        error_set(
            "%d subject%s a file of one name in every folder%s%s: two are wanted, "
            "one for training and one for validation",
            split->count, split->count == 1 ? " has" : "s have",
            split->example ? "; not in all is " : "", split->example ? split->example : "");
        split_free(split);
        return false;
    }
    if (!split->by_folders)
        draw(survey, used, label, request, split);
    const size_t training = (size_t)(split->count - split->validation);
    qsort(split->subjects, training, sizeof(split->subjects[0]), sorted);
    qsort(split->subjects + training, (size_t)split->validation, sizeof(split->subjects[0]),
          sorted);
    qsort(split->test, (size_t)split->test_count, sizeof(split->test[0]), sorted);
    return true;
}

void split_free(struct split *split)
{
    for (int i = 0; i < split->count; i++)
        free(split->subjects[i]);
    for (int i = 0; i < split->test_count; i++)
        free(split->test[i]);
    free(split->test);
    free(split->subjects);
    free(split->example);
    free(split->outsider);
    *split = (struct split){0};
}
