// SPDX-License-Identifier: MIT
#include "data/loader.h"

#include "data/normalize.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *source_text(const struct loader *loader, int channel)
{
    const struct dataset_request *request = loader->request;
    return channel < request->feature_count ? request->features[channel]
                                            : request->labels[channel - request->feature_count];
}

bool loader_open(struct loader *loader)
{
    const struct dataset_request *request = loader->request;
    loader->channels = request->feature_count + request->label_count;
    const size_t count = (size_t)loader->channels;
    loader->sources = mem_zalloc(count, sizeof(loader->sources[0]));
    loader->folders = mem_zalloc(count, sizeof(loader->folders[0]));
    loader->values = mem_zalloc(count, sizeof(loader->values[0]));
    for (int i = 0; i < loader->channels; i++) {
        struct source_summary *summary = &loader->dataset->summaries[i];
        summary->source = text_copy(source_text(loader, i));
        summary->label = i >= request->feature_count;
        if (!source_parse(summary->source, &loader->sources[i]))
            return false;
        if (!source_is_null(&loader->sources[i]) &&
            !folder_open(request->folder, loader->sources[i].folder, &loader->folders[i]))
            return false;
    }
    return true;
}

void loader_close(struct loader *loader)
{
    for (int i = 0; i < loader->channels; i++) {
        source_free(&loader->sources[i]);
        folder_close(&loader->folders[i]);
        label_values_free(&loader->values[i]);
    }
    for (int i = 0; i < loader->again_count; i++)
        free(loader->again[i].path);
    free(loader->again);
    free(loader->sources);
    free(loader->folders);
    free(loader->values);
    image_free(&loader->image);
    free(loader->image_path);
}

static void free_paths(char **paths, int count)
{
    for (int i = 0; i < count; i++)
        free(paths[i]);
    free(paths);
}

// The files of one sample, [channel], NULL for "null"; all of them, or none.
static bool find_files(const struct loader *loader, const char *sample, char ***paths, bool *any)
{
    int wanted = 0, found = 0, missing = -1;
    char **list = mem_zalloc((size_t)loader->channels, sizeof(list[0]));
    for (int i = 0; i < loader->channels; i++) {
        if (source_is_null(&loader->sources[i]))
            continue;
        wanted++;
        CHECK(folder_find(&loader->folders[i], sample, &list[i]));
        if (list[i])
            found++;
        else if (missing < 0)
            missing = i;
    }
    if (found > 0 && found < wanted)
        FAIL("%s/%s/%s" FOLDER_EXTENSIONS ": is missing, but the sample has %d of its %d files",
             loader->request->folder, loader->sources[missing].folder, sample, found, wanted);
    *any = found > 0 || wanted == 0; // of nothing but "null" every sample is there
    *paths = list;
    return true;
error:
    free_paths(list, loader->channels);
    return false;
}

static bool read_file(struct loader *loader, const char *path)
{
    if (loader->image_path && strcmp(loader->image_path, path) == 0)
        return true;
    image_free(&loader->image);
    free(loader->image_path);
    loader->image_path = NULL;
    if (!image_read(path, &loader->image))
        return false;
    loader->image_path = text_copy(path);
    return true;
}

static bool take_feature(const char *path, struct image *plane)
{
    for (size_t i = 0; i < (size_t)plane->rows * (size_t)plane->cols; i++) {
        if (plane->kind == IMAGE_PICTURE)
            plane->values[i] /= plane->range;
        if (isinf(plane->values[i]))
            return error_set("%s: %g at row %d, column %d: a feature is finite", path,
                             (double)plane->values[i], (int)(i / (size_t)plane->cols),
                             (int)(i % (size_t)plane->cols));
    }
    return true;
}

// Of a plane as the network gets it, before it is resized.
static void summarize(const struct loader *loader, struct source_summary *summary,
                      const struct image *plane)
{
    double nans = 0, inside = 0;
    float low = summary->files ? summary->low : INFINITY,
          high = summary->files ? summary->high : -INFINITY, most = -INFINITY;
    const size_t count = (size_t)plane->rows * (size_t)plane->cols;
    for (size_t i = 0; i < count; i++) {
        const float value = plane->values[i];
        nans += isnan(value);
        low = value < low ? value : low;
        most = value > most ? value : most;
        inside += value >= 0.5f;
    }
    summary->low = low;
    summary->high = most > high ? most : high;
    summary->nans += nans;
    summary->pixels += (double)count;
    summary->inside += inside;
    summary->targets += inside > 0;
    if (loader->training && most > summary->reach)
        summary->reach = most;
    const struct dataset *dataset = loader->dataset;
    summary->resized += plane->rows != dataset->rows || plane->cols != dataset->cols;
    if (summary->files++ == 0)
        summary->least = summary->most = (struct sample_size){plane->rows, plane->cols};
    summary->least.rows = plane->rows < summary->least.rows ? plane->rows : summary->least.rows;
    summary->least.cols = plane->cols < summary->least.cols ? plane->cols : summary->least.cols;
    summary->most.rows = plane->rows > summary->most.rows ? plane->rows : summary->most.rows;
    summary->most.cols = plane->cols > summary->most.cols ? plane->cols : summary->most.cols;
}

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
    float *pixels =
        (label ? dataset->targets : dataset->inputs) + (size_t)sample * count * channels;
    if (!image_resize(plane, dataset->rows, dataset->cols))
        return false;
    for (size_t i = 0; i < count; i++)
        pixels[i * channels + at] = label ? clamp(plane->values[i]) : plane->values[i];
    return true;
}

// What a label's file means, as far as it says so alone.
static bool take_label(struct loader *loader, const char *path, int channel, struct image *plane)
{
    const int label = channel - loader->dataset->features;
    bool ones;
    if (!label_values_take(&loader->values[label], path, &loader->sources[channel], false, plane,
                           &ones))
        return false;
    if (ones) {
        loader->again = mem_reserve(loader->again, &loader->again_room,
                                    (size_t)loader->again_count + 1, sizeof(loader->again[0]));
        loader->again[loader->again_count++] =
            (struct again){text_copy(path), loader->dataset->count, channel};
    }
    return true;
}

// Reads one file into a channel. size: of the sample's arrays, zero before the first one.
static bool read_channel(struct loader *loader, const char *path, int channel,
                         struct sample_size *size)
{
    const struct source *source = &loader->sources[channel];
    const bool label = channel >= loader->dataset->features;
    struct image plane = {0};
    CHECK(read_file(loader, path));
    CHECK(image_channel(&loader->image, source->folder, source->channel, source->class >= 0,
                        &plane) ||
          error_prefix("%s", path));
    if (label && loader->image.lossy)
        FAIL(
            "%s: a .jpg is no label: its values are not quite those that were saved; .png keeps them",
            path);
    if (size->rows == 0)
        *size = (struct sample_size){plane.rows, plane.cols};
    if (plane.rows != size->rows || plane.cols != size->cols)
        FAIL("%s: %d x %d, but the other arrays of the sample are %d x %d", path, plane.rows,
             plane.cols, size->rows, size->cols);
    CHECK(label ? take_label(loader, path, channel, &plane) : take_feature(path, &plane));
    summarize(loader, &loader->dataset->summaries[channel], &plane);
    if (!label)
        normalize_note(loader->dataset, loader->dataset->count, channel, &plane);
    CHECK(store(loader, loader->dataset->count, channel, &plane) || error_prefix("%s", path));
    image_free(&plane);
    return true;
error:
    image_free(&plane);
    return false;
}

bool loader_read(struct loader *loader, const char *sample, bool *found)
{
    struct sample_size *size = &loader->dataset->sizes[loader->dataset->count];
    char **paths;
    bool good = true;
    if (!find_files(loader, sample, &paths, found))
        return false;
    for (int i = 0; good && *found && i < loader->channels; i++)
        good = !paths[i] || read_channel(loader, paths[i], i, size);
    free_paths(paths, loader->channels);
    if (good && *found && size->rows == 0) // nothing but "null"
        *size = (struct sample_size){loader->dataset->rows, loader->dataset->cols};
    return good;
}

static bool read_again(struct loader *loader, const struct again *again)
{
    const int label = again->channel - loader->dataset->features;
    const struct source *source = &loader->sources[again->channel];
    struct image plane = {0};
    bool ones;
    const bool read =
        read_file(loader, again->path) &&
        (image_channel(&loader->image, source->folder, source->channel, false, &plane) ||
         error_prefix("%s", again->path)) &&
        label_values_take(&loader->values[label], again->path, source, true, &plane, &ones) &&
        (store(loader, again->sample, again->channel, &plane) || error_prefix("%s", again->path));
    image_free(&plane);
    return read;
}

bool loader_decide(struct loader *loader)
{
    const int features = loader->dataset->features;
    for (int i = features; i < loader->channels; i++) {
        struct label_values *values = &loader->values[i - features];
        bool by_range;
        if (!label_values_decide(values, loader->request->folder, source_text(loader, i),
                                 &by_range))
            return false;
        for (int j = 0; by_range && j < loader->again_count; j++)
            if (loader->again[j].channel == i && !read_again(loader, &loader->again[j]))
                return false;
        if (values->count > 0)
            loader->dataset->summaries[i].values = label_values_text(values);
    }
    return true;
}
