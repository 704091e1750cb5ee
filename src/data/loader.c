// SPDX-License-Identifier: MIT
#include "data/loader.h"

#include "data/pattern.h"
#include "data/normalize.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/interrupt.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/base/parallel.h"
#include "vkgrid/base/processors.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define READING \
    ((size_t)256 << 20) // bytes that all threads may hold, where the data set is smaller

static const char *source_text(const struct loader *loader, int channel)
{
    const struct dataset_request *request = loader->request;
    return channel < request->feature_count ? request->features[channel]
                                            : request->labels[channel - request->feature_count];
}

bool loader_open(struct loader *loader)
{
    const struct dataset_request *request = loader->request;
    const size_t samples = (size_t)request->training_count + (size_t)request->validation_count;
    loader->channel_count = request->feature_count + request->label_count;
    const size_t count = (size_t)loader->channel_count;
    loader->known = request->files ? request->files : dataset_files_new();
    loader->channels = mem_zalloc(count, sizeof(loader->channels[0]));
    loader->files = mem_zalloc(samples * count + 1, sizeof(loader->files[0]));
    pthread_mutex_init(&loader->lock, NULL);
    for (int i = 0; i < loader->channel_count; i++) {
        struct source_summary *summary = &loader->dataset->summaries[i];
        summary->source = text_copy(source_text(loader, i));
        summary->label = i >= request->feature_count;
        if (!channel_of(loader->known, request->folder, summary->source, summary->label,
                        &loader->channels[i]))
            return false;
    }
    return true;
}

void loader_close(struct loader *loader)
{
    if (loader->known && !loader->request->files)
        dataset_files_free(&loader->known);
    free(loader->channels);
    free(loader->files);
    free(loader->why);
    pthread_mutex_destroy(&loader->lock);
}

// --- Which files --------------------------------------------------------------------------------

// [channel] of a sample.
static int *files_of(const struct loader *loader, int sample)
{
    return loader->files + (size_t)sample * (size_t)loader->channel_count;
}

static bool lacks_file(const struct loader *loader, const struct source *source, const char *sample,
                       int found, int wanted)
{
    char *path = pattern_path(loader->request->folder, source->folder, sample);
    const bool several = strstr(path, PATTERN_MARK); // whose place is not known
    error_set("%s" FOLDER_EXTENSIONS ": is missing, but the sample%s%s has %d of its %d files",
              path, several ? " " : "", several ? sample : "", found, wanted);
    free(path);
    return false;
}

bool loader_find(struct loader *loader, const char *sample, bool *any)
{
    int wanted = 0, found = 0, missing = -1, *files = files_of(loader, loader->dataset->count);
    for (int i = 0; i < loader->channel_count; i++) {
        files[i] = -1;
        if (source_is_null(&loader->channels[i]->source))
            continue;
        wanted++;
        if (!folder_find(&loader->channels[i]->files, sample, &files[i]))
            return false;
        if (files[i] >= 0)
            found++;
        else if (missing < 0)
            missing = i;
    }
    if (found > 0 && found < wanted)
        return lacks_file(loader, &loader->channels[missing]->source, sample, found, wanted);
    *any = found > 0 || wanted == 0; // of nothing but "null" every sample is there
    loader->total += found;
    return true;
}

// --- Reading ------------------------------------------------------------------------------------

static float clamp(float value)
{
    return value < 0 ? 0 : value > 1 ? 1 : value;
}

// Resizes the plane into its channel of the data set.
static bool store(const struct loader *loader, int sample, int channel, struct image *plane)
{
    const struct dataset *dataset = loader->dataset;
    const size_t count = (size_t)dataset->rows * (size_t)dataset->cols;
    const bool label = channel >= dataset->features;
    const size_t channels = (size_t)(label ? dataset->labels : dataset->features),
                 at = (size_t)(label ? channel - dataset->features : channel);
    float *all = label ? dataset->targets : dataset->inputs,
          *pixels = all + (size_t)sample * count * channels;
    if (!image_resize(plane, dataset->rows, dataset->cols))
        return false;
    for (size_t i = 0; i < count; i++)
        pixels[i * channels + at] = label ? clamp(plane->values[i]) : plane->values[i];
    return true;
}

static bool has_size(const struct sample_size *size, const struct dataset *dataset)
{
    return size->rows == dataset->rows && size->cols == dataset->cols;
}

// How much of a training sample's label is left at the image size.
static bool wants_reach(const struct loader *loader, int sample, int index)
{
    return loader->channels[index]->label && sample < loader->dataset->training_count;
}

// The plane has its image size, or gets it here.
static bool note_reach(const struct dataset *dataset, struct file_seen *seen, struct image *plane)
{
    if (!image_resize(plane, dataset->rows, dataset->cols))
        return false;
    seen->reach = 0;
    for (size_t i = 0; i < (size_t)plane->rows * (size_t)plane->cols; i++)
        seen->reach = fmaxf(seen->reach, plane->values[i]);
    seen->resized = (struct sample_size){plane->rows, plane->cols};
    return true;
}

// Where files are only checked, one that was read for another request is not read again, unless its
// label is wanted at another size.
static bool read_channel(struct loader *loader, int sample, int index, struct open_image *open)
{
    struct channel *channel = loader->channels[index];
    const int file = files_of(loader, sample)[index];
    struct sample_size *size = &loader->dataset->sizes[sample];
    struct file_seen *seen = &channel->seen[file];
    const struct sample_size *mine = &seen->size;
    const bool stores = loader->dataset->inputs,
               reaches = wants_reach(loader, sample, index) &&
                         (stores || !has_size(&seen->resized, loader->dataset)),
               reads = stores || reaches || mine->rows == 0;
    struct image plane = {0};
    if (reads && !channel_read(channel, file, open, &plane))
        return false;
    if (size->rows == 0)
        *size = *mine;
    bool good = mine->rows == size->rows && mine->cols == size->cols;
    if (!good)
        error_set("%d x %d, but the other arrays of the sample are %d x %d", mine->rows, mine->cols,
                  size->rows, size->cols);
    if (good && stores && !channel->label)
        normalize_note(loader->dataset, sample, index, &plane);
    good = good && (!stores || store(loader, sample, index, &plane));
    good = good && (!reaches || note_reach(loader->dataset, seen, &plane));
    image_free(&plane);
    if (good)
        return true;
    char *path = folder_path(&channel->files, file);
    error_prefix("%s", path);
    free(path);
    return false;
}

// After a sample. The first that failed counts, whichever thread was faster.
static void note_read(struct loader *loader, int sample, bool good, const struct open_image *open)
{
    const struct dataset_request *request = loader->request;
    pthread_mutex_lock(&loader->lock);
    for (int i = 0; i < loader->channel_count; i++)
        loader->done += files_of(loader, sample)[i] >= 0;
    if (open->largest > loader->largest)
        loader->largest = open->largest;
    if (!good && sample < loader->failed) {
        loader->failed = sample;
        free(loader->why);
        loader->why = text_copy(error_text());
    }
    if (request->progress)
        request->progress(request->context, loader->done, loader->total);
    pthread_mutex_unlock(&loader->lock);
}

static bool goes_on(struct loader *loader, int sample)
{
    pthread_mutex_lock(&loader->lock);
    const bool wanted = sample < loader->failed;
    pthread_mutex_unlock(&loader->lock);
    return wanted;
}

static void read_sample(struct loader *loader, int sample)
{
    struct sample_size *size = &loader->dataset->sizes[sample];
    struct open_image open = {0};
    if (!goes_on(loader, sample))
        return;
    bool good = !interrupt_requested() || error_set("interrupted");
    for (int i = 0; good && i < loader->channel_count; i++)
        good = files_of(loader, sample)[i] < 0 || read_channel(loader, sample, i, &open);
    if (good && size->rows == 0) // nothing but "null"
        *size = (struct sample_size){loader->dataset->rows, loader->dataset->cols};
    note_read(loader, sample, good, &open);
    open_image_close(&open);
}

static void read_other(void *context, int i)
{
    read_sample(context, i + 1);
}

// What all threads hold is bounded, however large an image is.
static int thread_count(const struct loader *loader)
{
    const struct dataset *dataset = loader->dataset;
    const size_t own = (size_t)dataset->count * (size_t)dataset->rows * (size_t)dataset->cols *
                       (size_t)loader->channel_count * sizeof(float),
                 room = (own > READING ? own : READING) / (loader->largest + 1);
    const int processors = processor_count();
    return room < 1 ? 1 : room < (size_t)processors ? (int)room : processors;
}

bool loader_read(struct loader *loader)
{
    const int count = loader->dataset->count;
    loader->failed = INT_MAX;
    if (count == 0)
        return true;
    read_sample(loader, 0); // which shows how large images are
    parallel(thread_count(loader), count - 1, read_other, loader);
    return loader->failed == INT_MAX || error_set("%s", loader->why);
}

// --- What it means ------------------------------------------------------------------------------

// Pictures are shares of their range, arrays are taken as they are.
static void summarize_scale(struct source_summary *summary, const struct file_seen *seen)
{
    summary->scaled += seen->scaled;
    if (!seen->scaled && !(seen->low >= 0 && seen->high <= 1) && seen->low <= seen->high)
        summary->beyond++;
}

// Over the files of a source.
static void summarize(const struct loader *loader, int index)
{
    const struct dataset *dataset = loader->dataset;
    struct source_summary *summary = &dataset->summaries[index];
    for (int i = 0; i < dataset->count; i++) {
        const int file = files_of(loader, i)[index];
        if (file < 0)
            continue;
        const struct file_seen *seen = &loader->channels[index]->seen[file];
        const struct sample_size size = seen->size;
        struct sample_size *least = &summary->least, *most = &summary->most;
        summary->low = fminf(summary->files ? summary->low : INFINITY, seen->low);
        summary->high = fmaxf(summary->files ? summary->high : -INFINITY, seen->high);
        summary->nans += seen->nans;
        summary->pixels += (double)size.rows * size.cols;
        summary->inside += seen->inside;
        summary->targets += seen->inside > 0;
        if (summary->label && i < dataset->training_count) {
            summary->reach = fmaxf(summary->reach, seen->reach);
            dataset->reaches[i * dataset->labels + index - dataset->features] = seen->reach;
            summary->reached = fmaxf(summary->reached, seen->high);
        }
        summarize_scale(summary, seen);
        summary->resized += !has_size(&size, dataset);
        if (summary->files++ == 0)
            *least = *most = size;
        least->rows = size.rows < least->rows ? size.rows : least->rows;
        least->cols = size.cols < least->cols ? size.cols : least->cols;
        most->rows = size.rows > most->rows ? size.rows : most->rows;
        most->cols = size.cols > most->cols ? size.cols : most->cols;
    }
}

static bool decide_label(struct loader *loader, int index)
{
    const struct dataset *dataset = loader->dataset;
    struct label_values all = {0};
    struct source_summary *summary = &dataset->summaries[index];
    for (int i = 0; i < dataset->count; i++) {
        const int file = files_of(loader, i)[index];
        if (file >= 0)
            label_values_merge(&all, loader->channels[index]->seen[file].values);
    }
    const bool good =
        label_values_decide(&all, loader->request->folder, source_text(loader, index));
    if (good && all.count > 0)
        summary->values = label_values_text(&all);
    if (good && label_values_many(&all)) {
        summary->whole = all.most;
        summary->range = all.range;
    }
    label_values_free(&all);
    return good;
}

bool loader_decide(struct loader *loader)
{
    for (int i = 0; i < loader->channel_count; i++) {
        summarize(loader, i);
        if (loader->channels[i]->label && !decide_label(loader, i))
            return false;
    }
    return true;
}
