// SPDX-License-Identifier: MIT
// The files that apply writes.
#include "cli/apply/apply.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/interrupt.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/formats/image.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool output_init(struct output *output, const char *folder, const struct cell *cell,
                 const struct options *options)
{
    *output =
        (struct output){.folder = folder, .cell = cell, .size = {options->rows, options->cols}};
    output->group_count =
        label_groups(cell->prediction, cell->labels.names, cell->labels.count, output->groups);
    for (int i = 0; i < output->group_count; i++)
        if (output->groups[i].count >= LABEL_CLASSES)
            return error_set("%s: %d labels: at most %d are allowed, a label map has 8 bits",
                             cell->prediction, output->groups[i].count, LABEL_CLASSES - 1);
    return true;
}

char *output_map_name(const struct output *output, const char *sample, int group)
{
    return output->group_count == 1 ? text_format("%s.png", sample)
                                    : text_format("%s_%s.png", sample, output->groups[group].name);
}

static void add_class(struct text *legend, const char *map, int class, const char *name)
{
    uint8_t colour[3];
    label_colour(class, colour);
    text_add(legend, "%s\t%d\t", map, class);
    for (; *name; name++) // a name may come from anybody's weights
        text_add(legend, "%c", (unsigned char)*name < ' ' ? ' ' : *name);
    text_add(legend, "\t#%02x%02x%02x\n", colour[0], colour[1], colour[2]);
}

char *output_legend(const struct output *output)
{
    struct text legend = {0};
    text_add(&legend, "map\tindex\tname\tcolour\n");
    for (int i = 0; i < output->group_count; i++) {
        const struct label_group *group = &output->groups[i];
        add_class(&legend, group->name, 0, "none");
        for (int k = 0; k < group->count; k++)
            add_class(&legend, group->name, k + 1, group->names[k]);
    }
    return legend.bytes;
}

bool output_begin(const struct output *output)
{
    char *legend = output_legend(output), *path = text_format("%s/" LEGEND, output->folder);
    const bool begun = folder_make(output->folder) && folder_check_writable(output->folder) &&
                       file_write_text(path, legend);
    free(path);
    free(legend);
    return begun;
}

static struct sample_size map_size(const struct output *output, const struct dataset *dataset,
                                   int sample)
{
    return output->size.rows ? output->size : dataset->sizes[sample];
}

// Each label's probabilities, [row][col], from the network's size to the map's. The filter's
// weights add up to 1, so that what comes out is within 0..1 but for rounding.
static bool resize(const struct dataset *dataset, int labels, const float *from,
                   struct sample_size size, float *to)
{
    const size_t pixels = (size_t)dataset->rows * (size_t)dataset->cols,
                 wanted = (size_t)size.rows * (size_t)size.cols;
    for (int k = 0; k < labels; k++) {
        struct image image = {dataset->rows, dataset->cols, mem_alloc(pixels * sizeof(float))};
        memcpy(image.values, from + (size_t)k * pixels, pixels * sizeof(float));
        const bool resized = image_resize(&image, size.rows, size.cols);
        for (size_t i = 0; resized && i < wanted; i++) {
            const float value = image.values[i];
            to[(size_t)k * wanted + i] = value < 0 ? 0 : value > 1 ? 1 : value;
        }
        image_free(&image);
        if (!resized)
            return false;
    }
    return true;
}

static bool write_map(const struct output *output, int group, const char *sample,
                      struct sample_size size, const float *probabilities)
{
    const struct label_group *labels = &output->groups[group];
    const size_t pixels = (size_t)size.rows * (size_t)size.cols;
    const float *first = probabilities + (size_t)labels->first * pixels;
    uint8_t *map = mem_alloc(pixels), palette[LABEL_CLASSES][3];
    for (size_t i = 0; i < pixels; i++)
        map[i] = label_of(first + i, labels->count, pixels);
    for (int i = 0; i <= labels->count; i++)
        label_colour(i, palette[i]);
    char *name = output_map_name(output, sample, group),
         *path = text_format("%s/%s", output->folder, name);
    const bool written =
        png_write_palette(path, size.rows, size.cols, palette[0], labels->count + 1, map);
    free(path);
    free(name);
    free(map);
    return written;
}

static bool write_files(const struct output *output, const char *sample, struct sample_size size,
                        const float *probabilities)
{
    const int dims[] = {output->cell->labels.count, size.rows, size.cols};
    char *path = text_format("%s/%s.npy", output->folder, sample);
    bool written = npy_write(path, 3, dims, probabilities);
    free(path);
    for (int i = 0; written && i < output->group_count; i++)
        written = write_map(output, i, sample, size, probabilities);
    return written;
}

// Resizing would take NaN for 0.
static bool check_numbers(const struct dataset *dataset, int sample, int labels,
                          const float *probabilities)
{
    const size_t count = (size_t)labels * (size_t)dataset->rows * (size_t)dataset->cols;
    for (size_t i = 0; i < count; i++)
        if (isnan(probabilities[i]))
            return error_set(
                "%s: the network gives NaN: its weights are damaged, or too large for "
                "this precision",
                dataset->names[sample]);
    return true;
}

bool output_write(const struct output *output, const struct dataset *dataset, int sample,
                  const float *probabilities)
{
    const struct sample_size size = map_size(output, dataset, sample);
    const char *name = dataset->names[sample];
    const int labels = output->cell->labels.count;
    bool written;
    if (!check_numbers(dataset, sample, labels, probabilities))
        return false;
    if (size.rows == dataset->rows && size.cols == dataset->cols) {
        written = write_files(output, name, size, probabilities);
    } else {
        float *resized =
            calloc((size_t)labels * (size_t)size.rows, (size_t)size.cols * sizeof(float));
        written = resized ? resize(dataset, labels, probabilities, size, resized) &&
                                write_files(output, name, size, resized)
                          : error_set("%s: no memory for probabilities of %d labels, %d x %d", name,
                                      labels, size.rows, size.cols);
        free(resized);
    }
    return written && (!interrupt_requested() || error_set("apply: interrupted"));
}
