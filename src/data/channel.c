// SPDX-License-Identifier: MIT
#include "data/channel.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// --- The channels that are known ----------------------------------------------------------------

static void channel_free(struct channel *channel)
{
    for (int i = 0; channel->seen && i < channel->files.count; i++) {
        if (channel->seen[i].values)
            label_values_free(channel->seen[i].values);
        free(channel->seen[i].values);
    }
    free(channel->seen);
    folder_close(&channel->files);
    source_free(&channel->source);
    free(channel->key);
    free(channel);
}

bool channel_of(struct dataset_files *known, const char *folder, const char *text, bool label,
                struct channel **channel)
{
    char *key = text_format("%s/%s%s", folder, text, label ? " as a label" : "");
    struct channel *made = NULL;
    for (int i = 0; i < known->count; i++) {
        if (strcmp(known->channels[i]->key, key) == 0) {
            free(key);
            *channel = known->channels[i];
            return true;
        }
    }
    made = mem_zalloc(1, sizeof(*made));
    made->key = key;
    made->label = label;
    CHECK(source_parse(text, &made->source));
    CHECK(source_is_null(&made->source) || folder_open(folder, made->source.folder, &made->files));
    made->seen = mem_zalloc((size_t)made->files.count + 1, sizeof(made->seen[0]));
    known->channels =
        mem_grow(known->channels, (size_t)known->count + 1, sizeof(known->channels[0]));
    known->channels[known->count++] = made;
    *channel = made;
    return true;
error:
    channel_free(made);
    return false;
}

struct dataset_files *dataset_files_new(void)
{
    return mem_zalloc(1, sizeof(struct dataset_files));
}

void dataset_files_free(struct dataset_files **files)
{
    for (int i = 0; *files && i < (*files)->count; i++)
        channel_free((*files)->channels[i]);
    if (*files)
        free((*files)->channels);
    free(*files);
    *files = NULL;
}

// --- Reading ------------------------------------------------------------------------------------

void open_image_close(struct open_image *open)
{
    image_free(&open->image);
    free(open->path);
    open->path = NULL;
}

// Of the file's values, and of one channel of them twice.
static void note_size(struct open_image *open)
{
    const struct image *image = &open->image;
    const size_t bytes =
        (size_t)image->rows * (size_t)image->cols * (size_t)(image->channels + 2) * sizeof(float);
    if (bytes > open->largest)
        open->largest = bytes;
}

static bool open_image(struct open_image *open, const char *path)
{
    if (open->path && strcmp(open->path, path) == 0)
        return true;
    open_image_close(open);
    if (!image_read(path, &open->image))
        return false;
    open->path = text_copy(path);
    note_size(open);
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
static void note_seen(struct file_seen *seen, const struct image *plane)
{
    float low = INFINITY, high = -INFINITY;
    size_t nans = 0, inside = 0;
    for (size_t i = 0; i < (size_t)plane->rows * (size_t)plane->cols; i++) {
        const float value = plane->values[i];
        nans += isnan(value);
        low = value < low ? value : low;
        high = value > high ? value : high;
        inside += value >= 0.5f;
    }
    seen->low = low;
    seen->high = high;
    seen->nans = (double)nans;
    seen->inside = (double)inside;
    seen->size = (struct sample_size){plane->rows, plane->cols};
}

static bool read_plane(const struct channel *channel, const char *path, struct open_image *open,
                       struct image *plane)
{
    const struct source *source = &channel->source;
    if (!open_image(open, path))
        return false;
    if (!image_channel(&open->image, source->folder, source->channel, source->class >= 0, plane))
        return error_prefix("%s", path);
    return !channel->label || !open->image.lossy ||
           error_set(
               "%s: a .jpg is no label: its values are not quite those that were saved; .png "
               "keeps them",
               path);
}

// What a label's file means, as far as it says so alone.
static bool take_label(const struct channel *channel, const char *path, struct file_seen *seen,
                       struct image *plane)
{
    if (seen->values)
        label_values_free(seen->values);
    else
        seen->values = mem_zalloc(1, sizeof(*seen->values));
    return label_values_take(seen->values, path, &channel->source, plane);
}

bool channel_read(struct channel *channel, int file, struct open_image *open, struct image *plane)
{
    struct file_seen *seen = &channel->seen[file];
    char *path = folder_path(&channel->files, file);
    *plane = (struct image){0};
    const bool read =
        read_plane(channel, path, open, plane) &&
        (channel->label ? take_label(channel, path, seen, plane) : take_feature(path, plane));
    if (read) {
        note_seen(seen, plane);
        seen->scaled = open->image.kind != IMAGE_ARRAY;
    } else {
        image_free(plane);
    }
    free(path);
    return read;
}
