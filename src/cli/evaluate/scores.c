// SPDX-License-Identifier: MIT
#include "cli/evaluate/evaluate.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/interrupt.h"
#include "vkgrid/base/memory.h"

#include <math.h>
#include <stdlib.h>

const char *const score_names[SCORE_COUNT] = {
    "dice", "iou", "dice_loss", "bce_loss", "hausdorff95", "average_distance",
};

void scores_init(struct scores *scores, const struct cell *cell, const struct dataset *dataset)
{
    const int batch = cell->plan.count > 0 ? cell->plan.rounds[0].batch_size : 1;
    *scores =
        (struct scores){.cell = cell, .dataset = dataset, .batch_size = batch > 0 ? batch : 1};
    scores->images =
        mem_zalloc((size_t)dataset->count * (size_t)dataset->labels, sizeof(*scores->images));
}

void scores_free(struct scores *scores)
{
    free(scores->images);
    free(scores->folds);
    *scores = (struct scores){0};
}

static struct image_score *score_at(const struct scores *scores, int image, int label)
{
    return &scores->images[(size_t)image * (size_t)scores->dataset->labels + (size_t)label];
}

bool scores_take(void *context, int sample, const float *logits)
{
    const struct scores *scores = context;
    const struct dataset *dataset = scores->dataset;
    const size_t pixels = (size_t)dataset->rows * (size_t)dataset->cols,
                 labels = (size_t)dataset->labels;
    uint8_t *predicted = mem_alloc(pixels), *target = mem_alloc(pixels);
    bool finite = true;
    for (size_t k = 0; finite && k < labels; k++) {
        const float *z = logits + k * pixels,
                    *t = dataset->targets + (size_t)sample * pixels * labels + k;
        struct image_score *score = score_at(scores, sample, (int)k);
        for (size_t i = 0; i < pixels; i++) {
            finite = finite && isfinite(z[i]);
            predicted[i] = z[i] >= 0; // a probability of 0.5
            target[i] = t[i * labels] >= 0.5F;
        }
        score->overlap = overlap_count(predicted, target, pixels);
        score->losses = overlap_losses(z, t, labels, pixels);
        score->distance = surface_distance(predicted, target, dataset->rows, dataset->cols);
    }
    free(predicted);
    free(target);
    if (!finite)
        return error_set(
            "%s: the network gives NaN or infinity: its weights are damaged, or too "
            "large for this precision",
            dataset->names[sample]);
    return !interrupt_requested() || error_set("evaluate: interrupted");
}

double score_of(const struct image_score *image, enum score_kind kind)
{
    switch (kind) {
    case SCORE_DICE:
        return overlap_dice(&image->overlap);
    case SCORE_IOU:
        return overlap_iou(&image->overlap);
    case SCORE_DICE_LOSS:
        return image->losses.dice;
    case SCORE_BCE_LOSS:
        return image->losses.entropy * image->losses.background;
    case SCORE_HAUSDORFF95:
        return image->distance.hausdorff95;
    case SCORE_AVERAGE_DISTANCE:
        return image->distance.average;
    default:
        return NAN;
    }
}

static double over_labels(const struct scores *scores, enum score_kind kind, int image)
{
    double sum = 0;
    int count = 0;
    for (int k = 0; k < scores->dataset->labels; k++) {
        const double value = score_of(score_at(scores, image, k), kind);
        sum += isnan(value) ? 0 : value;
        count += !isnan(value);
    }
    return count == 0 ? NAN : kind == SCORE_BCE_LOSS ? sum : sum / count;
}

struct spread scores_spread(const struct scores *scores, enum score_kind kind, int label)
{
    const int count = scores->dataset->count;
    double *values = mem_alloc((size_t)count * sizeof(*values));
    for (int i = 0; i < count; i++)
        values[i] =
            label < 0 ? over_labels(scores, kind, i) : score_of(score_at(scores, i, label), kind);
    const struct spread spread = spread_of(values, count);
    free(values);
    return spread;
}

double scores_dice_loss(const struct scores *scores)
{
    double sum = 0;
    for (int i = 0; i < scores->dataset->count; i++)
        sum += over_labels(scores, SCORE_DICE_LOSS, i);
    return sum / scores->dataset->count;
}

double scores_bce_loss(const struct scores *scores)
{
    const int count = scores->dataset->count;
    double sum = 0;
    for (int first = 0; first < count; first += scores->batch_size) {
        const int n = count - first < scores->batch_size ? count - first : scores->batch_size;
        for (int k = 0; k < scores->dataset->labels; k++) {
            double entropy = 0, background = 0;
            for (int i = first; i < first + n; i++) {
                entropy += score_at(scores, i, k)->losses.entropy;
                background += score_at(scores, i, k)->losses.background;
            }
            sum += entropy * background / n; // times n images, over n twice
        }
    }
    return sum / count;
}
