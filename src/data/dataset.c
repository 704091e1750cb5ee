// SPDX-License-Identifier: MIT
#include "vkgrid/data/dataset.h"

#include "data/folder.h"
#include "data/loader.h"
#include "data/normalize.h"
#include "data/request.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/hash.h"
#include "vkgrid/base/memory.h"

#include <stdint.h>
#include <stdlib.h>

// calloc for count * rows * cols * channels floats.
static bool allocate(const struct dataset_request *request, size_t count, int channels,
                     float **values)
{
    size_t size;
    if (__builtin_mul_overflow(count * (size_t)channels,
                               (size_t)request->rows * (size_t)request->cols, &size) ||
        size > SIZE_MAX / sizeof(float) || !(*values = calloc(size, sizeof(float))))
        return error_set("%s: no memory for %zu samples of %d x %d with %d channels",
                         request->folder, count, request->rows, request->cols, channels);
    return true;
}

static bool nothing_there(const struct loader *loader, const char *half, const char *const *samples,
                          int count)
{
    const char *example = NULL;
    for (int i = 0; !example && i < loader->channel_count; i++) {
        const struct folder_files *files = &loader->channels[i]->files;
        example = files->count > 0 ? files->files[0].name : NULL;
    }
    return error_set("%s: none of the %d %s%ssamples (%s, ...) has any file there%s%s%s",
                     loader->request->folder, count, half, *half ? " " : "", samples[0],
                     example ? ": its files are named as " : "", example ? example : "",
                     example ? ": a sample is <subject>, or with \"raters\" <rater>_<subject>"
                             : "");
}

// Counts a sample without files, and names the first few.
static void leave_out(const struct loader *loader, const char *sample)
{
    struct dataset *dataset = loader->dataset;
    const char *nearest = NULL;
    dataset->left_out++;
    if (dataset->left_out > LEFT_OUT_NAMED)
        return;
    for (int i = 0; !nearest && i < loader->channel_count; i++)
        nearest = folder_nearest(&loader->channels[i]->files, sample);
    char *before = dataset->left_out_names;
    dataset->left_out_names =
        text_format("%s%s%s%s%s%s", before ? before : "", before ? ", " : "", sample,
                    nearest ? " (nearest: " : "", nearest ? nearest : "", nearest ? ")" : "");
    free(before);
}

// The names of a half whose samples have files go to the data set, others are counted.
static bool find_half(struct loader *loader, const char *half, const char *const *samples,
                      int count)
{
    struct dataset *dataset = loader->dataset;
    const int before = dataset->count;
    for (int i = 0; i < count; i++) {
        bool found;
        if (!loader_find(loader, samples[i], &found))
            return false;
        if (found)
            dataset->names[dataset->count++] = text_copy(samples[i]);
        else
            leave_out(loader, samples[i]);
    }
    return dataset->count > before || count == 0 || nothing_there(loader, half, samples, count);
}

static bool read_halves(const struct dataset_request *request, struct dataset *dataset)
{
    struct loader loader = {.request = request, .dataset = dataset};
    CHECK(loader_open(&loader));
    CHECK(find_half(&loader, request->training_name ? request->training_name : "training",
                    request->training, request->training_count));
    dataset->training_count = dataset->count;
    CHECK(find_half(&loader, "validation", request->validation, request->validation_count));
    CHECK(loader_read(&loader));
    CHECK(loader_decide(&loader));
    loader_close(&loader);
    return true;
error:
    loader_close(&loader);
    return false;
}

bool dataset_load(const struct dataset_request *request, struct dataset **dataset)
{
    struct dataset *made = mem_zalloc(1, sizeof(*made));
    const size_t count = (size_t)request->training_count + (size_t)request->validation_count,
                 channels = (size_t)request->feature_count + (size_t)request->label_count;
    *dataset = NULL;
    CHECK(request_check(request));
    if (count == 0)
        FAIL("%s: the partition has no sample", request->folder);
    *made = (struct dataset){.rows = request->rows,
                             .cols = request->cols,
                             .features = request->feature_count,
                             .labels = request->label_count};
    made->names = mem_zalloc(count, sizeof(made->names[0]));
    made->sizes = mem_zalloc(count, sizeof(made->sizes[0]));
    made->summaries = mem_zalloc(channels, sizeof(made->summaries[0]));
    made->reaches = mem_zalloc(count * (size_t)request->label_count + 1, sizeof(made->reaches[0]));
    if (!request->check)
        CHECK(allocate(request, count, request->feature_count, &made->inputs));
    normalize_begin(request, made);
    if (!request->check && request->label_count > 0)
        CHECK(allocate(request, count, request->label_count, &made->targets));
    CHECK(read_halves(request, made));
    normalize_inputs(request, made);
    *dataset = made;
    return true;
error:
    dataset_free(&made);
    return false;
}

void dataset_free(struct dataset **dataset)
{
    struct dataset *old = *dataset;
    if (!old)
        return;
    for (int i = 0; i < old->count; i++)
        free(old->names[i]);
    free(old->names);
    free(old->left_out_names);
    free(old->sizes);
    for (int i = 0; old->summaries && i < old->features + old->labels; i++) {
        free(old->summaries[i].source);
        free(old->summaries[i].values);
    }
    free(old->summaries);
    free(old->normalize);
    free(old->statistics);
    free(old->trained);
    free(old->reaches);
    free(old->inputs);
    free(old->targets);
    free(old);
    *dataset = NULL;
}

uint64_t dataset_fingerprint(const struct dataset *dataset)
{
    const int shape[] = {dataset->rows,   dataset->cols,  dataset->features,
                         dataset->labels, dataset->count, dataset->training_count};
    const size_t pixels =
        (size_t)dataset->count * (size_t)dataset->rows * (size_t)dataset->cols * sizeof(float);
    uint64_t hash = hash_bytes(shape, sizeof(shape), 0);
    for (int i = 0; i < dataset->count; i++)
        hash = hash_text(dataset->names[i], hash);
    hash = hash_bytes(dataset->inputs, pixels * (size_t)dataset->features, hash);
    if (dataset->targets)
        hash = hash_bytes(dataset->targets, pixels * (size_t)dataset->labels, hash);
    return hash ? hash : 1;
}
