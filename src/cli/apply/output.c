// SPDX-License-Identifier: MIT
// The files that apply writes.
#include "cli/apply/apply.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/interrupt.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/formats/image.h"

#include <stdlib.h>

bool output_init(struct output *output, const char *folder, const struct cell *cell,
                 const struct options *options)
{
    *output = (struct output){.folder = folder,
                              .overlay = option_set(options, OPTION_OVERLAY),
                              .cell = cell,
                              .size = {options->rows, options->cols}};
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

char *output_overlay_name(const struct output *output, const char *sample, int group)
{
    return output->group_count == 1
               ? text_format("%s_overlay.png", sample)
               : text_format("%s_%s_overlay.png", sample, output->groups[group].name);
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

// What is written of a sample.
struct result {
    const struct output *output;
    struct background *background;
    const char *sample;
    int index; // in the data set
    struct sample_size size;
    const float *probabilities;
};

static bool write_map(const struct result *result, int group, const uint8_t *map)
{
    const struct output *output = result->output;
    const int labels = output->groups[group].count;
    uint8_t palette[LABEL_CLASSES][3];
    for (int i = 0; i <= labels; i++)
        label_colour(i, palette[i]);
    char *name = output_map_name(output, result->sample, group),
         *path = text_format("%s/%s", output->folder, name);
    const bool written =
        png_write_palette(path, result->size.rows, result->size.cols, palette[0], labels + 1, map);
    free(path);
    free(name);
    return written;
}

static bool write_overlay(const struct result *result, int group, const uint8_t *map)
{
    const struct output *output = result->output;
    if (!output->overlay)
        return true;
    char *name = output_overlay_name(output, result->sample, group),
         *path = text_format("%s/%s", output->folder, name);
    const bool written = overlay_write(result->background, result->index, map, path);
    free(path);
    free(name);
    return written;
}

static bool write_group(const struct result *result, int group)
{
    const struct label_group *labels = &result->output->groups[group];
    const size_t pixels = (size_t)result->size.rows * (size_t)result->size.cols;
    const float *first = result->probabilities + (size_t)labels->first * pixels;
    uint8_t *map = mem_alloc(pixels);
    for (size_t i = 0; i < pixels; i++)
        map[i] = label_of(first + i, labels->count, pixels);
    const bool written = write_map(result, group, map) && write_overlay(result, group, map);
    free(map);
    return written;
}

bool output_write(const struct output *output, struct background *background,
                  const struct dataset *dataset, int sample, const float *probabilities)
{
    const struct result result = {
        .output = output,
        .background = background,
        .sample = dataset->names[sample],
        .index = sample,
        .size = map_size(output, dataset, sample),
        .probabilities = probabilities,
    };
    const int dims[] = {output->cell->labels.count, result.size.rows, result.size.cols};
    char *path = text_format("%s/%s.npy", output->folder, result.sample);
    bool written = npy_write(path, 3, dims, probabilities);
    free(path);
    for (int i = 0; written && i < output->group_count; i++)
        written = write_group(&result, i);
    return written && (!interrupt_requested() || error_set("apply: interrupted"));
}
