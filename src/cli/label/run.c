// SPDX-License-Identifier: MIT
// Subjects become images, images probabilities, probabilities files: so many subjects at once that
// the device has full batches and every thread a subject.
#include "cli/label/label.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/interrupt.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/base/parallel.h"
#include "vkgrid/formats/image.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// One of the subjects that are worked on at once.
struct place {
    struct job *job;
    struct flat_subject flat;
    float *inputs;        // [row][col][feature]
    float *probabilities; // [label][row][col]
};

struct chunk {
    const struct labelling *labelling;
    const struct label_run *run;
    struct place *places;
    int count;
    float *inputs; // of all places
};

static size_t pixel_count(const struct labelling *labelling)
{
    return (size_t)labelling->cell.rows * (size_t)labelling->cell.cols;
}

static bool is_null(const char *feature)
{
    return strcmp(feature, "null") == 0;
}

// Why a feature cannot be had, and what would do about it.
static bool explain(const struct labelling *labelling, int feature)
{
    const struct flat_source *source = &labelling->sources[feature];
    if (!source->pattern)
        return false; // the message names the option
    char *why = text_copy(error_text());
    error_set("feature %s: %s (--feature %s=FILE names its file)", source->name, why, source->name);
    free(why);
    return false;
}

// One feature's image, at the network's size, becomes a channel of the inputs.
static bool put_feature(const struct labelling *labelling, struct place *place, int feature)
{
    const struct cell *cell = &labelling->cell;
    const int rows = labelling->settings.rows;
    const size_t pixels = pixel_count(labelling), features = (size_t)cell->features.count;
    struct image image = {.rows = rows, .cols = 2 * rows};
    image.values = mem_zalloc(2 * (size_t)rows * (size_t)rows, sizeof(*image.values));
    bool good = true;
    if (!is_null(cell->features.names[feature]))
        good = flat_feature(&place->flat, &labelling->sources[feature], image.values) ||
               explain(labelling, feature);
    struct value_statistics *statistics = &place->job->statistics[feature];
    if (good && !is_null(cell->features.names[feature]))
        *statistics = statistics_of(image.values, (size_t)image.rows * (size_t)image.cols);
    if (cell->normalize[feature] != NORMALIZE_NONE)
        normalize_fill(image.values, (size_t)image.rows * (size_t)image.cols, statistics);
    good = good && image_resize(&image, cell->rows, cell->cols);
    if (good)
        normalize_image(cell->normalize[feature], statistics,
                        cell->trained ? &cell->trained[feature] : NULL, image.values, pixels, 1);
    for (size_t i = 0; good && i < pixels; i++)
        place->inputs[i * features + (size_t)feature] = image.values[i];
    image_free(&image);
    return good;
}

static void prepare(void *context, int index)
{
    struct chunk *chunk = context;
    const struct labelling *labelling = chunk->labelling;
    struct place *place = &chunk->places[index];
    if (interrupt_requested())
        return; // jobs_run() looks for itself
    free(place->job->statistics);
    place->job->statistics =
        mem_zalloc((size_t)labelling->cell.features.count, sizeof(*place->job->statistics));
    bool good = flat_subject_open(place->job->path, &labelling->patterns,
                                  chunk->run->cortex_template, &labelling->settings, &place->flat);
    for (int i = 0; good && i < labelling->cell.features.count; i++)
        good = put_feature(labelling, place, i);
    if (!good)
        job_fail(place->job);
}

// Puts the images of subjects that have failed last, so that the others follow each other.
static int move_failed_back(struct chunk *chunk)
{
    const size_t size = pixel_count(chunk->labelling) *
                        (size_t)chunk->labelling->cell.features.count * sizeof(float);
    int good = 0;
    for (int i = 0; i < chunk->count; i++) {
        struct place *place = &chunk->places[i], *to = &chunk->places[good];
        if (place->job->state == JOB_FAILED)
            continue;
        if (place != to) {
            const struct place failed = *to;
            memcpy(to->inputs, place->inputs, size);
            *to = (struct place){place->job, place->flat, failed.inputs, NULL};
            *place = (struct place){failed.job, failed.flat, place->inputs, NULL};
        }
        good++;
    }
    return good;
}

static bool take(void *context, int sample, const float *probabilities)
{
    struct chunk *chunk = context;
    const size_t size = pixel_count(chunk->labelling) * (size_t)chunk->labelling->cell.labels.count;
    for (size_t i = 0; i < size; i++) {
        if (isnan(probabilities[i])) { // resizing would take it for 0
            error_set(
                "the network gives NaN: its weights are damaged, or too large for the "
                "precision");
            job_fail(chunk->places[sample].job);
            return true;
        }
    }
    float *copy = mem_alloc(size * sizeof(*copy));
    memcpy(copy, probabilities, size * sizeof(*copy));
    chunk->places[sample].probabilities = copy;
    return true;
}

// [label][vertex]
static bool find_values(const struct labelling *labelling, const struct place *place, int side,
                        float **values)
{
    const struct flat_map *map = &place->flat.maps[side];
    const int labels = labelling->cell.labels.count;
    const size_t count = (size_t)map->hemisphere_vertices;
    bool found = true;
    *values = mem_zalloc((size_t)labels * count, sizeof(**values));
    for (int k = 0; found && k < labels; k++)
        found = flat_values(map, labelling->settings.rows, labelling->cell.rows,
                            place->probabilities + (size_t)k * pixel_count(labelling),
                            *values + (size_t)k * count);
    return found;
}

static bool make_folder(const struct job *job, const char *name)
{
    char *folder = text_format("%s/%s", job->folder, name);
    const bool made = folder_make(folder);
    free(folder);
    return made;
}

// Volumes, or all but them. What this labelling has written before stays; job_look() has seen to
// all else.
static bool write_kind(const struct job *job, const struct label_maps *maps, bool volumes)
{
    bool written = true;
    for (int i = 0; written && i < job->files.count; i++) {
        const struct label_file *file = &job->files.items[i];
        if ((file->kind == LABEL_VOLUME) == volumes && !file_exists(file->path))
            written = label_maps_write(maps, file);
    }
    return written;
}

// What is wrong with them does not take the other files from a subject.
static void write_volumes(struct job *job, struct label_maps *maps)
{
    if (label_maps_read_ribbon(maps) && make_folder(job, "mri") && write_kind(job, maps, true))
        return;
    job->problem = text_copy(error_text());
}

// Before the record says that what is there was made with these weights: a run that is killed in
// between leaves files that are missing, never those of others.
static bool remove_files(const struct job *job)
{
    for (int i = 0; i < job->files.count; i++) {
        const char *path = job->files.items[i].path;
        if (unlink(path) != 0 && errno != ENOENT)
            return error_set_errno(errno, "%s: cannot be removed", path);
    }
    return true;
}

static bool write_missing(const struct labelling *labelling, struct job *job,
                          struct label_maps *maps)
{
    if (job->anew && !remove_files(job))
        return false;
    // The record comes first: with it a run that was killed can go on.
    if (!job_write_record(labelling, job, NULL) || !write_kind(job, maps, false))
        return false;
    if (labelling->request.volume)
        write_volumes(job, maps);
    return job_write_record(labelling, job, job_labels(labelling, job));
}

static bool write_files(const struct labelling *labelling, struct job *job, struct label_maps *maps)
{
    struct job_lock lock;
    for (int side = 0; side < HEMISPHERES; side++) {
        job->extents[side] =
            mem_zalloc((size_t)labelling->request.label_count, sizeof(*job->extents[side]));
        label_maps_extents(maps, side, job->extents[side]);
    }
    if (!make_folder(job, "surf") || !make_folder(job, "label") || !job_lock(labelling, job, &lock))
        return false;
    job_look(labelling, job); // another process may have come first
    const bool written = job->state != JOB_WAITING || write_missing(labelling, job, maps);
    job_unlock(&lock);
    return written;
}

static void finish(void *context, int index)
{
    struct chunk *chunk = context;
    const struct labelling *labelling = chunk->labelling;
    struct place *place = &chunk->places[index];
    float *values[HEMISPHERES] = {NULL};
    struct label_maps maps = {0};
    bool good = true;
    if (place->job->state == JOB_FAILED || interrupt_requested())
        return;
    for (int side = 0; good && side < HEMISPHERES; side++)
        good = find_values(labelling, place, side, &values[side]);
    if (good) {
        label_maps_make(&labelling->request, &place->flat, (const float *const *)values, &maps);
        good = write_files(labelling, place->job, &maps);
    }
    if (!good && !interrupt_requested()) {
        job_fail(place->job);
    } else if (good && place->job->state == JOB_WAITING) {
        place->job->state = JOB_DONE;
        place->job->notes = flat_notes_of(&place->flat);
    }
    label_maps_free(&maps);
    for (int side = 0; side < HEMISPHERES; side++)
        free(values[side]);
}

static void clear(struct chunk *chunk)
{
    for (int i = 0; i < chunk->count; i++) {
        flat_subject_close(&chunk->places[i].flat);
        free(chunk->places[i].probabilities);
        chunk->places[i].probabilities = NULL;
    }
    chunk->count = 0;
}

static bool run_chunk(struct chunk *chunk, struct predictor *predictor)
{
    const struct label_run *run = chunk->run;
    parallel(run->threads, chunk->count, prepare, chunk);
    const int good = interrupt_requested() ? 0 : move_failed_back(chunk);
    const bool predicted =
        good == 0 || predictor_run(predictor, chunk->places[0].inputs, good, take, chunk);
    if (predicted)
        parallel(run->threads, good, finish, chunk);
    for (int i = 0; i < chunk->count; i++)
        if (chunk->places[i].job->state != JOB_WAITING)
            run->told(run->context, chunk->places[i].job);
    clear(chunk);
    return predicted && (!interrupt_requested() || error_set("interrupted"));
}

static struct chunk chunk_make(const struct labelling *labelling, const struct label_run *run,
                               int room)
{
    struct chunk chunk = {.labelling = labelling, .run = run};
    const size_t size = pixel_count(labelling) * (size_t)labelling->cell.features.count;
    chunk.places = mem_zalloc((size_t)room, sizeof(*chunk.places));
    chunk.inputs = mem_zalloc((size_t)room * size, sizeof(*chunk.inputs));
    for (int i = 0; i < room; i++)
        chunk.places[i].inputs = chunk.inputs + (size_t)i * size;
    return chunk;
}

bool jobs_run(const struct labelling *labelling, const struct label_run *run, struct job *jobs,
              int count)
{
    const struct cell *cell = &labelling->cell;
    const struct unet_shape shape = {
        .base_model = cell->base_model,
        .rows = cell->rows,
        .cols = cell->cols,
        .features = cell->features.count,
        .labels = cell->labels.count,
        .batch_size = run->batch_size,
        .precision = cell->precision,
    };
    // Whole batches, with a subject for each thread.
    const int batches = (run->threads + run->batch_size - 1) / run->batch_size,
              room = batches * run->batch_size;
    struct predictor *predictor;
    if (!predictor_open(run->engine, &shape, run->weights, &predictor))
        return false;
    struct chunk chunk = chunk_make(labelling, run, room);
    bool good = true;
    for (int i = 0; good && i < count; i++) {
        if (jobs[i].state == JOB_WAITING)
            chunk.places[chunk.count++].job = &jobs[i];
        if (chunk.count == room || (i + 1 == count && chunk.count > 0))
            good = run_chunk(&chunk, predictor);
    }
    free(chunk.inputs);
    free(chunk.places);
    predictor_close(&predictor);
    return good;
}
