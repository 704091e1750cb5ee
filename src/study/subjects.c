// SPDX-License-Identifier: MIT
#include "study/subjects.h"

#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/data/overlap.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

// --- Who an image is of -------------------------------------------------------------------------

// What stands behind the rater: of raters whose names begin alike, the longest.
static const char *subject_of(const char *image, const cJSON *raters)
{
    const cJSON *rater;
    size_t longest = 0;
    cJSON_ArrayForEach(rater, raters)
    {
        const size_t length = cJSON_IsString(rater) ? strlen(rater->valuestring) : 0;
        if (length > longest && strncmp(image, rater->valuestring, length) == 0 &&
            image[length] == '_' && image[length + 1])
            longest = length;
    }
    return longest > 0 ? image + longest + 1 : image;
}

static int compare_names(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

// The images of a fold, or of all: a list of lists, or a list.
static const cJSON *images_of(const cJSON *images, bool folds, int fold)
{
    return folds ? cJSON_GetArrayItem(images, fold) : images;
}

// All subjects, each once, sorted. Names point into the images.
static const char **list_subjects(const struct subject_layout *layout, const cJSON *images,
                                  bool folds, const cJSON *raters, int *count)
{
    const char **names = NULL;
    size_t room = 0;
    const cJSON *image;
    *count = 0;
    for (int fold = 0; fold < layout->folds; fold++) {
        cJSON_ArrayForEach(image, images_of(images, folds, fold))
        {
            names = mem_reserve(names, &room, (size_t)*count + 1, sizeof(*names));
            names[(*count)++] = subject_of(cJSON_IsString(image) ? image->valuestring : "", raters);
        }
    }
    if (*count > 0)
        qsort(names, (size_t)*count, sizeof(*names), compare_names);
    int kept = 0;
    for (int i = 0; i < *count; i++)
        if (i == 0 || strcmp(names[i], names[kept - 1]) != 0)
            names[kept++] = names[i];
    *count = kept;
    return names;
}

static void place_images(struct subject_layout *layout, const cJSON *images, bool folds,
                         const cJSON *raters, const char *const *names)
{
    for (int fold = 0; fold < layout->folds; fold++) {
        const cJSON *list = images_of(images, folds, fold), *image;
        int *subject = mem_zalloc((size_t)cJSON_GetArraySize(list) + 1, sizeof(*subject)), at = 0;
        cJSON_ArrayForEach(image, list)
        {
            const char *name = subject_of(cJSON_IsString(image) ? image->valuestring : "", raters);
            const char *const *found =
                bsearch(&name, names, (size_t)layout->subjects, sizeof(*names), compare_names);
            subject[at++] = (int)(found - names);
        }
        layout->subject[fold] = subject;
        layout->images[fold] = at;
    }
}

static void fill_layout(struct subject_layout *layout, const struct cell *cell, const cJSON *images)
{
    const cJSON *raters = json_member(cell->options, "raters");
    const bool folds = cell->folds > 0;
    struct text text = {0};
    layout->folds = folds ? cell->folds : 1;
    layout->images = mem_zalloc((size_t)layout->folds, sizeof(*layout->images));
    layout->subject = mem_zalloc((size_t)layout->folds, sizeof(*layout->subject));
    const char **names = list_subjects(layout, images, folds, raters, &layout->subjects);
    for (int i = 0; i < layout->subjects; i++)
        text_add(&text, "%s\n", names[i]);
    layout->names = text.bytes;
    place_images(layout, images, folds, raters, names);
    free(names);
}

bool subject_layout_of(struct subject_layouts *layouts, struct store *store,
                       const struct cell *cell, const struct subject_layout **layout)
{
    char *key = cell_data_key(cell);
    cJSON *images = NULL;
    bool read = true;
    *layout = NULL;
    for (int i = 0; !*layout && i < layouts->count; i++)
        if (strcmp(layouts->items[i]->key, key) == 0)
            *layout = layouts->items[i];
    if (!*layout) {
        struct subject_layout *made = mem_zalloc(1, sizeof(*made));
        made->key = text_copy(key);
        read = store_get_images(store, key, &images);
        if (images)
            fill_layout(made, cell, images);
        layouts->items =
            mem_grow(layouts->items, (size_t)layouts->count + 1, sizeof(*layouts->items));
        *layout = layouts->items[layouts->count++] = made;
    }
    if ((*layout)->subjects == 0)
        *layout = NULL;
    cJSON_Delete(images);
    free(key);
    return read;
}

bool subject_layouts_equal(const struct subject_layout *a, const struct subject_layout *b)
{
    return a == b || strcmp(a->names, b->names) == 0;
}

void subject_layouts_free(struct subject_layouts *layouts)
{
    for (int i = 0; i < layouts->count; i++) {
        struct subject_layout *layout = layouts->items[i];
        for (int fold = 0; fold < layout->folds; fold++)
            free(layout->subject[fold]);
        free(layout->subject);
        free(layout->images);
        free(layout->names);
        free(layout->key);
        free(layout);
    }
    free(layouts->items);
    *layouts = (struct subject_layouts){0};
}

// --- Their Dice ---------------------------------------------------------------------------------

void subject_sums_begin(struct subject_sums *sums, const struct subject_layout *layout)
{
    const size_t subjects = (size_t)layout->subjects, folds = (size_t)layout->folds;
    sums->layout = layout;
    if (subjects > sums->room) {
        sums->sum = mem_grow(sums->sum, subjects, sizeof(*sums->sum));
        sums->runs = mem_grow(sums->runs, subjects, sizeof(*sums->runs));
        sums->of_run = mem_grow(sums->of_run, subjects, sizeof(*sums->of_run));
        sums->of_images = mem_grow(sums->of_images, subjects, sizeof(*sums->of_images));
        sums->room = subjects;
    }
    if (folds > sums->fold_room) {
        sums->folds = mem_grow(sums->folds, folds, sizeof(*sums->folds));
        sums->fold_room = folds;
    }
    memset(sums->sum, 0, subjects * sizeof(*sums->sum));
    memset(sums->runs, 0, subjects * sizeof(*sums->runs));
    memset(sums->folds, 0, folds * sizeof(*sums->folds));
}

// The mean over the labels; 1 for one that is in neither.
static double image_dice(const struct overlaps *overlaps, int image)
{
    const uint32_t *counts =
        overlaps->counts + (size_t)image * (size_t)overlaps->labels * OVERLAP_COUNTS;
    double sum = 0;
    for (int k = 0; k < overlaps->labels; k++, counts += OVERLAP_COUNTS) {
        const double dice = overlap_dice(&(struct overlap){counts[0], counts[1], counts[2]});
        sum += isnan(dice) ? 1 : dice;
    }
    return sum / overlaps->labels;
}

void subject_sums_add(struct subject_sums *sums, int run, const struct overlaps *overlaps)
{
    const struct subject_layout *layout = sums->layout;
    const int fold = run >= 0 ? run % layout->folds : 0, subjects = layout->subjects;
    struct fold_sums *of_fold = &sums->folds[fold];
    double total = 0;
    int seen = 0;
    if (overlaps->samples != layout->images[fold] || overlaps->samples == 0)
        return;
    memset(sums->of_run, 0, (size_t)subjects * sizeof(*sums->of_run));
    memset(sums->of_images, 0, (size_t)subjects * sizeof(*sums->of_images));
    for (int i = 0; i < overlaps->samples; i++) {
        const int subject = layout->subject[fold][i];
        sums->of_run[subject] += image_dice(overlaps, i);
        sums->of_images[subject]++;
    }
    for (int i = 0; i < subjects; i++) {
        if (sums->of_images[i] == 0)
            continue;
        const double dice = sums->of_run[i] / sums->of_images[i];
        sums->sum[i] += dice;
        sums->runs[i]++;
        total += dice;
        seen++;
    }
    of_fold->subjects = seen;
    const double mean = total / seen, before = mean - of_fold->mean;
    of_fold->mean += before / ++of_fold->runs;
    of_fold->square += before * (mean - of_fold->mean);
}

float *subject_sums_end(const struct subject_sums *sums, double *square, int *freedom,
                        double *error)
{
    const int subjects = sums->layout->subjects;
    *square = *error = 0;
    *freedom = 0;
    for (int i = 0; i < subjects; i++)
        if (sums->runs[i] == 0)
            return NULL;
    float *values = mem_alloc((size_t)subjects * sizeof(*values));
    for (int i = 0; i < subjects; i++)
        values[i] = (float)(sums->sum[i] / sums->runs[i]);
    for (int fold = 0; fold < sums->layout->folds; fold++) {
        const struct fold_sums *of_fold = &sums->folds[fold];
        if (of_fold->runs == 0)
            continue;
        *square += of_fold->square;
        *freedom += of_fold->runs - 1;
        const double share = (double)of_fold->subjects / subjects;
        *error += share * share / of_fold->runs;
    }
    return values;
}

void subject_sums_free(struct subject_sums *sums)
{
    free(sums->sum);
    free(sums->runs);
    free(sums->of_run);
    free(sums->of_images);
    free(sums->folds);
    *sums = (struct subject_sums){0};
}
