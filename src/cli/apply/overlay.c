// SPDX-License-Identifier: MIT
// A sample's image, at the size of its map, with the outlines of its labels.
#include "cli/apply/apply.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/data/grey.h"
#include "vkgrid/data/outline.h"
#include "vkgrid/data/source.h"
#include "vkgrid/formats/image.h"

#include <stdlib.h>
#include <string.h>

#define COLOURS 3
#define READ_SAMPLES 64       // at most so many are read at once: each time the folder is listed
#define READ_PIXELS (1 << 22) // and so many pixels, when images are large
#define WIDE_FROM 1024        // rows or columns from which on an outline is two pixels wide

// The feature that comes from that channel of a folder; NULL: there is none.
static const char *find_channel(const struct name_list *features, const char *folder, int channel)
{
    char *wanted = text_format("%s[%d]", folder, channel);
    const char *found = NULL;
    for (int i = 0; !found && i < features->count; i++)
        if (strcmp(features->sources[i], wanted) == 0)
            found = features->sources[i];
    free(wanted);
    return found;
}

bool background_init(struct background *background, const struct cell *cell,
                     const struct dataset *dataset, const char *folder, struct sample_size size)
{
    const char *shown = cell->features.sources[cell_background(cell)];
    struct source source;
    *background = (struct background){
        .dataset = dataset, .folder = folder, .sources = {shown}, .channels = 1, .size = size};
    if (!source_parse(shown, &source))
        return false;
    const char *channels[COLOURS];
    int found = 0;
    for (int i = 0; source.channel >= 0 && i < COLOURS; i++)
        found += (channels[i] = find_channel(&cell->features, source.folder, i)) != NULL;
    if (found == COLOURS) {
        memcpy(background->sources, channels, sizeof(channels));
        background->channels = COLOURS;
    }
    const bool null = source_is_null(&source);
    source_free(&source);
    return !null || error_set("--overlay: the network has no feature with files to show");
}

void background_free(struct background *background)
{
    dataset_free(&background->loaded);
    *background = (struct background){0};
}

static struct sample_size size_of(const struct background *background, int sample)
{
    return background->size.rows ? background->size : background->dataset->sizes[sample];
}

// The sample with those after it that have its size.
static bool load(struct background *background, int sample)
{
    const struct dataset *dataset = background->dataset;
    const struct sample_size size = size_of(background, sample);
    const int64_t pixels = (int64_t)size.rows * size.cols;
    int count = 1;
    while (sample + count < dataset->count && count < READ_SAMPLES &&
           (count + 1) * pixels <= READ_PIXELS &&
           size_of(background, sample + count).rows == size.rows &&
           size_of(background, sample + count).cols == size.cols)
        count++;
    const struct dataset_request request = {
        .folder = background->folder,
        .rows = size.rows,
        .cols = size.cols,
        .features = background->sources,
        .feature_count = background->channels,
        .training = (const char *const *)dataset->names + sample,
        .training_count = count,
    };
    dataset_free(&background->loaded);
    background->first = sample;
    return dataset_load(&request, &background->loaded) &&
           (background->loaded->count == count ||
            error_set("%s: its files have changed meanwhile", background->folder));
}

// One scale for all colours, which keeps their hues.
static void paint_image(const struct background *background, int sample, size_t pixels,
                        uint8_t *picture)
{
    const size_t channels = (size_t)background->channels;
    const float *values =
        background->loaded->inputs + (size_t)(sample - background->first) * pixels * channels;
    const struct grey_scale scale = grey_scale_of(values, pixels * channels, 1);
    for (size_t i = 0; i < pixels; i++)
        for (size_t c = 0; c < COLOURS; c++)
            picture[i * COLOURS + c] =
                grey_of(scale, values[i * channels + (channels == COLOURS ? c : 0)]);
}

static void paint_outlines(const uint8_t *map, struct sample_size size, uint8_t *picture)
{
    const int width = size.rows >= WIDE_FROM || size.cols >= WIDE_FROM ? 2 : 1;
    for (int row = 0; row < size.rows; row++)
        for (int col = 0; col < size.cols; col++) {
            const size_t at = (size_t)row * (size_t)size.cols + (size_t)col;
            if (outline_at(map, size.rows, size.cols, width, row, col))
                label_colour(map[at], picture + at * COLOURS);
        }
}

bool overlay_write(struct background *background, int sample, const uint8_t *map, const char *path)
{
    const struct sample_size size = size_of(background, sample);
    const size_t pixels = (size_t)size.rows * (size_t)size.cols;
    const bool there = background->loaded && sample >= background->first &&
                       sample < background->first + background->loaded->count;
    if (!there && !load(background, sample))
        return false;
    uint8_t *picture = mem_alloc(pixels * COLOURS);
    paint_image(background, sample, pixels, picture);
    paint_outlines(map, size, picture);
    const bool written = png_write(path, size.rows, size.cols, COLOURS, picture);
    free(picture);
    return written;
}
