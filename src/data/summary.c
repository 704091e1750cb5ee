// SPDX-License-Identifier: MIT
#include "vkgrid/data/summary.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/data/source.h"

#include <stdlib.h>
#include <string.h>

// Without the sign of a zero.
static double number(float value)
{
    return (double)value + 0.0;
}

static void add_files(struct text *text, const struct source_summary *summary)
{
    const struct sample_size least = summary->least, most = summary->most;
    text_add(text, "%s: %d file%s of %dx%d", summary->source, summary->files,
             summary->files == 1 ? "" : "s", least.rows, least.cols);
    if (least.rows != most.rows || least.cols != most.cols)
        text_add(text, " to %dx%d", most.rows, most.cols);
}

static bool names_class(const struct source_summary *summary)
{
    struct source source;
    const bool class = source_parse(summary->source, &source) && source.class >= 0;
    source_free(&source);
    return class;
}

static void add_label(struct text *text, const struct dataset *dataset,
                      const struct source_summary *summary)
{
    const char *values = summary->values;
    if (names_class(summary))
        text_add(text, ", of the classes %s", values);
    else if (values && strncmp(values, "0, ", 3) == 0 && !strchr(values + 3, ','))
        text_add(text, ", masks of 0 and %s", values + 3);
    else if (values && strcmp(values, "0") != 0 && !strstr(values, ", ..."))
        text_add(text, ", of the values %s", values);
    else
        text_add(text, ", probabilities %g to %g", number(summary->low), number(summary->high));
    if (summary->whole > 0)
        text_add(text, " (whole numbers up to %g, taken as shares of %g: no numbers of objects)",
                 (double)summary->whole, (double)summary->range);
    text_add(text, ", %.3g%% of pixels, in %d of %d samples",
             100 * summary->inside / summary->pixels, summary->targets, dataset->count);
}

static enum normalize normalize_of(const struct dataset *dataset,
                                   const struct source_summary *summary)
{
    return summary->label || !dataset->normalize ? NORMALIZE_NONE
                                                 : dataset->normalize[summary - dataset->summaries];
}

char *summary_text(const struct dataset *dataset, const struct source_summary *summary)
{
    struct text text = {0};
    if (summary->files == 0) {
        text_add(&text, "%s: zeros", summary->source);
        return text.bytes;
    }
    add_files(&text, summary);
    if (summary->label)
        add_label(&text, dataset, summary);
    else if (summary->low < summary->high)
        text_add(&text, ", %g to %g", number(summary->low), number(summary->high));
    else if (summary->nans < summary->pixels)
        text_add(&text, ", nothing but %g", number(summary->low));
    if (!summary->label && summary->scaled > 0 && summary->beyond > 0)
        text_add(&text, ", of two scales: %d as shares of their type's range, %d as stored",
                 summary->scaled, summary->files - summary->scaled);
    const enum normalize normalize = normalize_of(dataset, summary);
    if (summary->nans > 0)
        text_add(&text, ", %.3g%% NaN, which %s", 100 * summary->nans / summary->pixels,
                 normalize == NORMALIZE_NONE ? "is read as 0" : "becomes its image's mean");
    if (summary->resized > 0)
        text_add(&text, ", resized to %dx%d", dataset->rows, dataset->cols);
    if (normalize == NORMALIZE_ZSCORE)
        text_add(&text, ", each normalised by its own mean and sd");
    else if (normalize == NORMALIZE_DATASET)
        text_add(&text, ", normalised by the training images' mean and sd");
    return text.bytes;
}

bool summary_check_labels(const struct dataset *dataset)
{
    for (int i = 0; dataset->summaries && i < dataset->labels; i++) {
        const struct source_summary *summary = &dataset->summaries[dataset->features + i];
        if (summary->reach >= 0.5f)
            continue;
        if (summary->reached >= 0.5f)
            return error_set(
                "label %s: reaches 0.5 in none of the %d training samples once they are resized to "
                "%dx%d (at most %g; %g in the files): a larger image_size may keep it",
                summary->source, dataset->training_count, dataset->rows, dataset->cols,
                (double)summary->reach, (double)summary->reached);
        return error_set(
            "label %s: reaches 0.5 in none of the %d training samples (at most %g; %s%s): "
            "masks are 0 and 1, or 0 and 255 of 8 bits",
            summary->source, dataset->training_count, (double)summary->reach,
            summary->values ? "its files have the values " : "greys",
            summary->values ? summary->values : "");
    }
    return true;
}
