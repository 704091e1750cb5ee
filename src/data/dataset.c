// SPDX-License-Identifier: MIT
#include "vkgrid/data/dataset.h"

#include "data/folder.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/formats/image.h"
#include "vkgrid/base/hash.h"
#include "vkgrid/base/memory.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define LABEL_SLACK 1e-6f // how far a label may leave 0..1 by rounding

static bool is_null(const char *feature)
{
    return strcmp(feature, "null") == 0;
}

static int by_text(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

// No sample twice, in one half or in both.
static bool check_samples(const struct dataset_request *request)
{
    const int count = request->training_count + request->validation_count;
    const char **sorted = mem_alloc(((size_t)count + 1) * sizeof(sorted[0]));
    for (int i = 0; i < count; i++) {
        sorted[i] = i < request->training_count ? request->training[i]
                                                : request->validation[i - request->training_count];
        CHECK(folder_check_name("sample", sorted[i]));
    }
    qsort(sorted, (size_t)count, sizeof(sorted[0]), by_text);
    for (int i = 1; i < count; i++)
        if (strcmp(sorted[i - 1], sorted[i]) == 0)
            FAIL("sample %s: is in the partition twice", sorted[i]);
    free(sorted);
    return true;
error:
    free(sorted);
    return false;
}

static bool check_folders(const char *folder, const char *const *features, int count)
{
    for (int i = 0; i < count; i++) {
        if (is_null(features[i]))
            continue;
        if (!folder_check_name("feature or label", features[i]))
            return false;
        char *path = text_format("%s/%s", folder, features[i]);
        const bool exists = folder_exists(path);
        if (!exists)
            error_set("%s: no such folder: a data set has one for each feature and label", path);
        free(path);
        if (!exists)
            return false;
    }
    return true;
}

static bool check_request(const struct dataset_request *request)
{
    if (request->rows < 1 || request->cols < 1 || request->feature_count < 1)
        return error_set(
            "data set: a size of %d x %d with %d features: at least 1 of each is wanted",
            request->rows, request->cols, request->feature_count);
    if (!folder_exists(request->folder))
        return error_set("%s: no such folder: the data set is wanted there", request->folder);
    for (int i = 0; i < request->label_count; i++)
        if (is_null(request->labels[i]))
            return error_set("label null: only a feature can be null");
    return check_folders(request->folder, request->features, request->feature_count) &&
           check_folders(request->folder, request->labels, request->label_count) &&
           check_samples(request);
}

// The files of one sample: features, then labels; NULL for "null".
struct sample_files {
    char **paths;
    int count, found;
};

static void sample_files_free(struct sample_files *files)
{
    for (int i = 0; i < files->count; i++)
        free(files->paths[i]);
    free(files->paths);
}

static const char *channel_name(const struct dataset_request *request, int channel)
{
    return channel < request->feature_count ? request->features[channel]
                                            : request->labels[channel - request->feature_count];
}

// The folders' files, [channel]; none for "null".
static bool open_folders(const struct dataset_request *request, struct folder_files **folders)
{
    const int count = request->feature_count + request->label_count;
    *folders = mem_zalloc((size_t)count, sizeof(**folders));
    for (int i = 0; i < count; i++)
        if (!is_null(channel_name(request, i)) &&
            !folder_open(request->folder, channel_name(request, i), &(*folders)[i]))
            return false;
    return true;
}

static void close_folders(const struct dataset_request *request, struct folder_files *folders)
{
    for (int i = 0; folders && i < request->feature_count + request->label_count; i++)
        folder_close(&folders[i]);
    free(folders);
}

// found is 0 for a sample without any file, else no file is missing.
static bool find_files(const struct dataset_request *request, const struct folder_files *folders,
                       const char *sample, struct sample_files *files)
{
    int wanted = 0, missing = -1;
    files->count = request->feature_count + request->label_count;
    files->paths = mem_zalloc((size_t)files->count, sizeof(files->paths[0]));
    for (int i = 0; i < files->count; i++) {
        if (is_null(channel_name(request, i)))
            continue;
        wanted++;
        CHECK(folder_find(&folders[i], sample, &files->paths[i]));
        if (files->paths[i])
            files->found++;
        else if (missing < 0)
            missing = i;
    }
    if (files->found > 0 && files->found < wanted)
        FAIL("%s/%s/%s" FOLDER_EXTENSIONS ": is missing, but the sample has %d of its %d files",
             request->folder, channel_name(request, missing), sample, files->found, wanted);
    if (wanted == 0) // nothing but "null": every sample is there
        files->found = files->count;
    return true;
error:
    sample_files_free(files);
    *files = (struct sample_files){0};
    return false;
}

static bool check_values(const char *path, const struct image *image, bool label)
{
    const size_t count = (size_t)image->rows * (size_t)image->cols;
    for (size_t i = 0; i < count; i++) {
        const float value = image->values[i];
        const int row = (int)(i / (size_t)image->cols), col = (int)(i % (size_t)image->cols);
        if (label ? value < -LABEL_SLACK || value > 1 + LABEL_SLACK : isinf(value))
            return error_set("%s: %g at row %d, column %d: %s", path, (double)value, row, col,
                             label ? "a label is within 0..1" : "a feature is finite");
    }
    return true;
}

static float clamp(float value)
{
    return value < 0 ? 0 : value > 1 ? 1 : value;
}

// Reads one file into channel `channel` of [row][col][channels]. size: of the sample's arrays, zero
// before the first one.
static bool read_channel(const char *path, const struct dataset *dataset, bool label, int channel,
                         struct sample_size *size, float *pixels)
{
    struct image image = {0};
    const size_t channels = (size_t)(label ? dataset->labels : dataset->features);
    const size_t count = (size_t)dataset->rows * (size_t)dataset->cols;
    CHECK(image_read(path, &image));
    if (size->rows == 0)
        *size = (struct sample_size){image.rows, image.cols};
    if (image.rows != size->rows || image.cols != size->cols)
        FAIL("%s: %d x %d, but the other arrays of the sample are %d x %d", path, image.rows,
             image.cols, size->rows, size->cols);
    CHECK(check_values(path, &image, label));
    CHECK(image_resize(&image, dataset->rows, dataset->cols) || error_prefix("%s", path));
    for (size_t i = 0; i < count; i++)
        pixels[i * channels + (size_t)channel] = label ? clamp(image.values[i]) : image.values[i];
    image_free(&image);
    return true;
error:
    image_free(&image);
    return false;
}

// Reads the files of the sample that becomes number `index`.
static bool read_sample(const struct sample_files *files, struct dataset *dataset, int index)
{
    const size_t pixels = (size_t)dataset->rows * (size_t)dataset->cols;
    struct sample_size *size = &dataset->sizes[index];
    for (int i = 0; i < files->count; i++) {
        const bool label = i >= dataset->features;
        float *to = label ? dataset->targets + (size_t)index * pixels * (size_t)dataset->labels
                          : dataset->inputs + (size_t)index * pixels * (size_t)dataset->features;
        const int channel = label ? i - dataset->features : i;
        if (files->paths[i] && !read_channel(files->paths[i], dataset, label, channel, size, to))
            return false;
    }
    if (size->rows == 0) // nothing but "null"
        *size = (struct sample_size){dataset->rows, dataset->cols};
    return true;
}

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

static bool nothing_there(const struct dataset_request *request, const struct folder_files *folders,
                          const char *half, const char *const *samples, int count)
{
    const char *example = NULL;
    for (int i = 0; !example && i < request->feature_count + request->label_count; i++)
        example = folders[i].count > 0 ? folders[i].files[0].name : NULL;
    return error_set(
        "%s: none of the %d %s samples (%s, ...) has any file there%s%s%s", request->folder, count,
        half, samples[0], example ? ": its files are named as " : "", example ? example : "",
        example ? ": a sample is <subject>, or with \"raters\" <rater>_<subject>" : "");
}

// Counts a sample without files, and names the first few.
static void leave_out(const struct dataset_request *request, const struct folder_files *folders,
                      const char *sample, struct dataset *dataset)
{
    const char *nearest = NULL;
    dataset->left_out++;
    if (dataset->left_out > LEFT_OUT_NAMED)
        return;
    for (int i = 0; !nearest && i < request->feature_count + request->label_count; i++)
        nearest = folder_nearest(&folders[i], sample);
    char *before = dataset->left_out_names;
    dataset->left_out_names =
        text_format("%s%s%s%s%s%s", before ? before : "", before ? ", " : "", sample,
                    nearest ? " (nearest: " : "", nearest ? nearest : "", nearest ? ")" : "");
    free(before);
}

// The names of a half whose samples have files go to the data set, others are counted; their files
// are read.
static bool read_half(const struct dataset_request *request, const struct folder_files *folders,
                      const char *half, const char *const *samples, int count,
                      struct dataset *dataset)
{
    const int before = dataset->count;
    for (int i = 0; i < count; i++) {
        struct sample_files files = {0};
        if (!find_files(request, folders, samples[i], &files))
            return false;
        const bool read = files.found == 0 || read_sample(&files, dataset, dataset->count);
        sample_files_free(&files);
        if (!read)
            return false;
        if (files.found > 0)
            dataset->names[dataset->count++] = text_copy(samples[i]);
        else
            leave_out(request, folders, samples[i], dataset);
    }
    return dataset->count > before || count == 0 ||
           nothing_there(request, folders, half, samples, count);
}

bool dataset_load(const struct dataset_request *request, struct dataset **dataset)
{
    struct dataset *made = mem_zalloc(1, sizeof(*made));
    struct folder_files *folders = NULL;
    const size_t count = (size_t)request->training_count + (size_t)request->validation_count;
    *dataset = NULL;
    CHECK(check_request(request));
    if (count == 0)
        FAIL("%s: the partition has no sample", request->folder);
    *made = (struct dataset){.rows = request->rows,
                             .cols = request->cols,
                             .features = request->feature_count,
                             .labels = request->label_count};
    made->names = mem_zalloc(count, sizeof(made->names[0]));
    made->sizes = mem_zalloc(count, sizeof(made->sizes[0]));
    CHECK(allocate(request, count, request->feature_count, &made->inputs));
    if (request->label_count > 0)
        CHECK(allocate(request, count, request->label_count, &made->targets));
    CHECK(open_folders(request, &folders));
    CHECK(
        read_half(request, folders, "training", request->training, request->training_count, made));
    made->training_count = made->count;
    CHECK(read_half(request, folders, "validation", request->validation, request->validation_count,
                    made));
    close_folders(request, folders);
    *dataset = made;
    return true;
error:
    close_folders(request, folders);
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
