// SPDX-License-Identifier: MIT
// The mean of all predictions of an image. Those at one size are added there, as doubles in a fixed
// order; a mean of another size is resized first.
#include "cli/apply/ensemble.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/formats/image.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

// The networks of one size, with the sums of a batch, [image][label][pixel].
struct sums {
    const struct member *members;
    int count;
    struct sample_size size;
    double *yes, *no; // of probabilities, and, for logits, of what they leave to 1
};

struct averaging {
    const struct ensemble *ensemble;
    enum averaged averaged;
    int labels, batch_size;
    struct sample_size size; // as ensemble_predict() has it
    bool (*each)(void *context, int sample, const float *values);
    void *context;
    struct sums *sums;
    int sum_count;
    // What is being predicted.
    const struct sums *now;
    const struct member *member;
    int flip, first; // sample of the batch
};

static size_t pixels_of(struct sample_size size)
{
    return (size_t)size.rows * (size_t)size.cols;
}

// One prediction is its own mean: its logits need not become probabilities and back.
static bool alone(const struct averaging *averaging)
{
    return averaging->ensemble->count == 1 && averaging->ensemble->flips.count == 1;
}

static bool check_numbers(const struct averaging *averaging, int sample, const float *values,
                          size_t count)
{
    const struct member *member = averaging->member;
    bool good = true;
    for (size_t i = 0; good && i < count; i++)
        good = averaging->averaged == AVERAGED_LOGITS ? isfinite(values[i]) : !isnan(values[i]);
    return good ||
           error_set(
               "%s: the network %sgives NaN%s: its weights are damaged, or too large "
               "for this precision",
               member->dataset->names[sample], averaging->ensemble->count > 1 ? member->file : "",
               averaging->averaged == AVERAGED_LOGITS ? " or infinity" : "");
}

static double sigmoid(double logit)
{
    return 1 / (1 + exp(-logit));
}

// Adds the prediction of a mirrored image as that of the image.
static bool add(void *context, int index, const float *values)
{
    const struct averaging *averaging = context;
    const struct sums *sums = averaging->now;
    const int rows = sums->size.rows, cols = sums->size.cols, flip = averaging->flip;
    const size_t plane = pixels_of(sums->size), count = plane * (size_t)averaging->labels;
    const int sample = averaging->first + index;
    if (!check_numbers(averaging, sample, values, count))
        return false;
    if (alone(averaging) && averaging->averaged == AVERAGED_LOGITS)
        return averaging->each(averaging->context, sample, values);
    size_t at = (size_t)index * count;
    for (int label = 0; label < averaging->labels; label++)
        for (int row = 0; row < rows; row++) {
            const float *line = values + (size_t)label * plane +
                                (size_t)(flip & FLIP_ROWS ? rows - 1 - row : row) * (size_t)cols;
            for (int col = 0; col < cols; col++, at++) {
                const double value = (double)line[flip & FLIP_COLUMNS ? cols - 1 - col : col];
                if (averaging->averaged == AVERAGED_LOGITS) {
                    sums->yes[at] += sigmoid(value);
                    sums->no[at] += sigmoid(-value);
                } else {
                    sums->yes[at] += value;
                }
            }
        }
    return true;
}

static bool predict_flipped(struct averaging *averaging, int images, float *room)
{
    const struct dataset *dataset = averaging->member->dataset;
    const size_t image = pixels_of(averaging->now->size) * (size_t)dataset->features;
    const float *inputs = dataset->inputs + (size_t)averaging->first * image;
    for (int i = 0; averaging->flip && i < images; i++)
        flip_image(inputs + (size_t)i * image, room + (size_t)i * image, dataset->rows,
                   dataset->cols, dataset->features, averaging->flip);
    struct predictor *predictor = averaging->member->predictor;
    inputs = averaging->flip ? room : inputs;
    return averaging->averaged == AVERAGED_LOGITS
               ? predictor_run_logits(predictor, inputs, images, add, averaging)
               : predictor_run(predictor, inputs, images, add, averaging);
}

// All networks of one size, for a batch.
static bool predict_size(struct averaging *averaging, const struct sums *sums, int images)
{
    const struct flips *flips = &averaging->ensemble->flips;
    const size_t features = (size_t)sums->members[0].cell.features.count;
    const size_t pixels = (size_t)images * pixels_of(sums->size),
                 bytes = pixels * (size_t)averaging->labels * sizeof(double);
    float *room = flips->count > 1 ? mem_alloc(pixels * features * sizeof(float)) : NULL;
    bool good = true;
    memset(sums->yes, 0, bytes);
    if (sums->no)
        memset(sums->no, 0, bytes);
    averaging->now = sums;
    for (int i = 0; good && i < sums->count; i++)
        for (int flip = 0; good && flip < flips->count; flip++) {
            averaging->member = &sums->members[i];
            averaging->flip = flips->list[flip];
            good = predict_flipped(averaging, images, room);
        }
    free(room);
    return good;
}

static float within(float value)
{
    return value < 0 ? 0 : value > 1 ? 1 : value;
}

// The mean of one size for an image, [label][pixel] of the wanted size. The filter's weights add up
// to 1, so that what comes out is within 0..1 but for rounding.
static bool mean_of(const struct averaging *averaging, const struct sums *sums, const double *sum,
                    struct sample_size size, float *mean)
{
    const size_t from = pixels_of(sums->size), to = pixels_of(size);
    const double predictions = sums->count * averaging->ensemble->flips.count;
    for (int label = 0; label < averaging->labels; label++) {
        struct image image = {sums->size.rows, sums->size.cols, mem_alloc(from * sizeof(float))};
        for (size_t i = 0; i < from; i++)
            image.values[i] = (float)(sum[(size_t)label * from + i] / predictions);
        const bool resized = image_resize(&image, size.rows, size.cols);
        for (size_t i = 0; resized && i < to; i++)
            mean[(size_t)label * to + i] = within(image.values[i]);
        image_free(&image);
        if (!resized)
            return false;
    }
    return true;
}

// Over all sizes; `room` is for one of them.
static bool mean_over(const struct averaging *averaging, int index, bool of_no,
                      struct sample_size size, float *mean, float *room)
{
    const size_t count = pixels_of(size) * (size_t)averaging->labels;
    const int networks = averaging->ensemble->count;
    for (int i = 0; i < averaging->sum_count; i++) {
        const struct sums *sums = &averaging->sums[i];
        const double *sum = (of_no ? sums->no : sums->yes) +
                            (size_t)index * pixels_of(sums->size) * (size_t)averaging->labels;
        if (!mean_of(averaging, sums, sum, size, i == 0 ? mean : room))
            return false;
        const double share = (double)sums->count / networks;
        for (size_t j = 0; averaging->sum_count > 1 && j < count; j++)
            mean[j] =
                (float)((i == 0 ? 0 : (double)mean[j]) + share * (double)(i == 0 ? mean : room)[j]);
    }
    return true;
}

static bool tell_image(const struct averaging *averaging, int index)
{
    const int sample = averaging->first + index;
    const struct dataset *dataset = averaging->ensemble->datasets[0];
    const struct sample_size size = averaging->size.rows ? averaging->size : dataset->sizes[sample];
    const size_t count = pixels_of(size) * (size_t)averaging->labels;
    const bool logits = averaging->averaged == AVERAGED_LOGITS;
    float *mean = calloc(count, sizeof(float)), *no = calloc(count, sizeof(float)),
          *room = calloc(count, sizeof(float));
    bool good = (mean && no && room) ||
                error_set("%s: no memory for probabilities of %d labels, %d x %d",
                          dataset->names[sample], averaging->labels, size.rows, size.cols);
    good = good && mean_over(averaging, index, false, size, mean, room) &&
           (!logits || mean_over(averaging, index, true, size, no, room));
    for (size_t i = 0; good && logits && i < count; i++)
        mean[i] = (float)(log(fmax((double)mean[i], DBL_MIN)) - log(fmax((double)no[i], DBL_MIN)));
    good = good && averaging->each(averaging->context, sample, mean);
    free(mean);
    free(no);
    free(room);
    return good;
}

static bool predict_batch(struct averaging *averaging, int images)
{
    for (int i = 0; i < averaging->sum_count; i++)
        if (!predict_size(averaging, &averaging->sums[i], images))
            return false;
    if (alone(averaging) && averaging->averaged == AVERAGED_LOGITS)
        return true; // told already
    for (int i = 0; i < images; i++)
        if (!tell_image(averaging, i))
            return false;
    return true;
}

static bool open_sums(const struct averaging *averaging, const struct member *member,
                      struct sums *sums)
{
    const size_t images = (size_t)averaging->batch_size * (size_t)averaging->labels;
    const bool logits = averaging->averaged == AVERAGED_LOGITS;
    *sums = (struct sums){.members = member, .size = {member->cell.rows, member->cell.cols}};
    sums->yes = calloc(images, pixels_of(sums->size) * sizeof(double));
    sums->no = logits ? calloc(images, pixels_of(sums->size) * sizeof(double)) : NULL;
    return (sums->yes && (sums->no || !logits)) ||
           error_set("no memory for the predictions of %d images of %d x %d", averaging->batch_size,
                     sums->size.rows, sums->size.cols);
}

static bool make_sums(struct averaging *averaging)
{
    const struct ensemble *ensemble = averaging->ensemble;
    averaging->sums = mem_zalloc((size_t)ensemble->count, sizeof(struct sums));
    for (int i = 0; i < ensemble->count; i++) {
        const struct member *member = &ensemble->members[i];
        if ((i == 0 || !members_same_size(&member[-1], member)) &&
            !open_sums(averaging, member, &averaging->sums[averaging->sum_count++]))
            return false;
        averaging->sums[averaging->sum_count - 1].count++;
    }
    return true;
}

// Samples from `first` on, by all networks of the ensemble.
static bool predict_samples(struct averaging averaging, const struct ensemble *ensemble, int first,
                            int count)
{
    averaging.ensemble = ensemble;
    averaging.first = first;
    bool good = make_sums(&averaging);
    while (good && averaging.first < first + count) {
        const int left = first + count - averaging.first;
        const int images = left < averaging.batch_size ? left : averaging.batch_size;
        good = predict_batch(&averaging, images);
        averaging.first += images;
    }
    for (int i = 0; i < averaging.sum_count; i++) {
        free(averaging.sums[i].yes);
        free(averaging.sums[i].no);
    }
    free(averaging.sums);
    return good;
}

bool ensemble_predict(const struct ensemble *ensemble, int batch_size, enum averaged averaged,
                      struct sample_size size,
                      bool (*each)(void *context, int sample, const float *values), void *context)
{
    const int count = ensemble->datasets[0]->count;
    const struct averaging averaging = {
        .averaged = averaged,
        .labels = ensemble->members[0].cell.labels.count,
        .batch_size = batch_size < count ? batch_size : count,
        .size = size,
        .each = each,
        .context = context,
    };
    bool good = ensemble->owners || predict_samples(averaging, ensemble, 0, count);
    for (int i = 0; good && ensemble->owners && i < ensemble->count; i++) {
        struct member *member = &ensemble->members[i];
        struct ensemble one = *ensemble;
        one.members = member;
        one.count = 1;
        good = predict_samples(averaging, &one, member->first, member->count);
    }
    return good;
}
