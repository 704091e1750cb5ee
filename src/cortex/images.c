// SPDX-License-Identifier: MIT
// The images of a subject as files of a data set.
#include "vkgrid/cortex/flatten.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/formats/image.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char *image_path(const struct flat_request *request, int source, const char *subject)
{
    const bool label = source >= request->feature_count;
    const char *name = label ? request->labels[source - request->feature_count].name
                             : request->features[source].name;
    return text_format("%s/%s/%s.%s", request->data, name, subject, label ? "png" : "npy");
}

// Whether the subject has all of its images, and when the oldest was written.
static bool find_oldest(const struct flat_request *request, const char *subject,
                        struct timespec *oldest)
{
    bool there = true;
    for (int i = 0; i < request->feature_count + request->label_count && there; i++) {
        char *path = image_path(request, i, subject);
        struct stat info;
        there = stat(path, &info) == 0 && S_ISREG(info.st_mode);
        if (there && (i == 0 || time_is_newer(*oldest, info.st_mtim)))
            *oldest = info.st_mtim;
        free(path);
    }
    return there;
}

bool flat_images_state(const struct flat_request *request, const struct subject *subject,
                       enum flat_state *state)
{
    struct timespec oldest, newest = {0};
    *state = FLAT_ABSENT;
    if (!find_oldest(request, subject->name, &oldest))
        return true;
    bool good = subject_newest(subject, &newest);
    for (int i = 0; i < request->feature_count && good; i++)
        good = flat_source_newest(subject, &request->features[i], &newest);
    for (int i = 0; i < request->label_count && good; i++)
        good = flat_source_newest(subject, &request->labels[i], &newest);
    *state = time_is_newer(newest, oldest) ? FLAT_STALE : FLAT_THERE;
    return good;
}

bool flat_images_remove(const struct flat_request *request, const char *subject)
{
    bool removed = true;
    for (int i = 0; i < request->feature_count + request->label_count && removed; i++) {
        char *path = image_path(request, i, subject);
        removed = unlink(path) == 0 || errno == ENOENT ||
                  error_set_errno(errno, "%s: cannot be removed", path);
        free(path);
    }
    return removed;
}

// What the images of a subject show: of each source the numbers, or the masks, of both sides.
struct contents {
    float *(*values)[HEMISPHERES];  // [feature_count]
    uint8_t *(*masks)[HEMISPHERES]; // [label_count]
};

static bool contents_read(const struct flat_request *request, struct flat_subject *flat,
                          struct contents *contents)
{
    bool good = true;
    contents->values = mem_zalloc((size_t)request->feature_count + 1, sizeof(*contents->values));
    contents->masks = mem_zalloc((size_t)request->label_count + 1, sizeof(*contents->masks));
    for (int i = 0; i < request->feature_count && good; i++)
        good = flat_feature_read(flat, &request->features[i], contents->values[i]);
    for (int i = 0; i < request->label_count && good; i++)
        good = flat_label_read(flat, &request->labels[i], contents->masks[i]);
    return good;
}

static void contents_free(const struct flat_request *request, struct contents *contents)
{
    for (int side = LEFT; side < HEMISPHERES; side++) {
        for (int i = 0; contents->values && i < request->feature_count; i++)
            free(contents->values[i][side]);
        for (int i = 0; contents->masks && i < request->label_count; i++)
            free(contents->masks[i][side]);
    }
    free(contents->values);
    free(contents->masks);
}

static bool write_features(const struct flat_request *request, const struct flat_subject *flat,
                           const struct contents *contents)
{
    const int rows = request->settings.rows, dims[2] = {rows, 2 * rows};
    float *image = mem_zalloc(2 * (size_t)rows * (size_t)rows, sizeof(*image));
    bool good = true;
    for (int i = 0; i < request->feature_count && good; i++) {
        char *path = image_path(request, i, flat->subject.name);
        for (int side = LEFT; side < HEMISPHERES; side++)
            flat_paint(&flat->maps[side], &flat->rasters[side], contents->values[i][side], image);
        good = npy_write(path, 2, dims, image);
        free(path);
    }
    free(image);
    return good;
}

static void note_absent(struct flat_notes *notes, const char *label)
{
    char *before = notes->labels_absent;
    notes->labels_absent = before ? text_format("%s, %s", before, label) : text_copy(label);
    free(before);
}

static bool write_labels(const struct flat_request *request, const struct flat_subject *flat,
                         const struct contents *contents, struct flat_notes *notes)
{
    const int rows = request->settings.rows;
    const size_t pixels = 2 * (size_t)rows * (size_t)rows;
    uint8_t *image = mem_zalloc(pixels, 1);
    bool good = true;
    for (int i = 0; i < request->label_count && good; i++) {
        char *path = image_path(request, request->feature_count + i, flat->subject.name);
        for (int side = LEFT; side < HEMISPHERES; side++)
            flat_paint_mask(&flat->maps[side], &flat->rasters[side], contents->masks[i][side],
                            image);
        good = png_write(path, rows, 2 * rows, 1, image);
        if (good && !memchr(image, 255, pixels))
            note_absent(notes, request->labels[i].name);
        free(path);
    }
    free(image);
    return good;
}

struct flat_notes flat_notes_of(const struct flat_subject *flat)
{
    return (struct flat_notes){
        .convexity_as_stored = flat->convexity_known && flat->convexity_scale == 1,
        .nan_vertices = flat->nan_vertices,
        .residual = fmax(flat->motions[LEFT].residual, flat->motions[RIGHT].residual),
        .agreement = fmin(flat->agreements[LEFT], flat->agreements[RIGHT]),
    };
}

char *flat_notes_doubt(const struct flat_notes *notes)
{
    if (notes->residual > FLAT_RESIDUAL_MOST)
        return text_format("lies %.0f mm from fsaverage: is its sphere registered to it?",
                           notes->residual);
    if (notes->agreement < FLAT_AGREEMENT_LEAST) // NAN is not
        return text_format(
            "its sulc is unlike fsaverage's (correlation %.2f): is its sphere registered to it?",
            notes->agreement);
    return NULL;
}

static bool write_images(const struct flat_request *request, const struct flat_subject *flat,
                         const struct contents *contents, struct flat_notes *notes)
{
    if (write_features(request, flat, contents) && write_labels(request, flat, contents, notes))
        return true;
    char *why = text_copy(error_text());
    flat_images_remove(request, flat->subject.name);
    error_set("%s", why);
    free(why);
    return false;
}

bool flat_images_write(const struct flat_request *request, const char *folder,
                       const struct cortex_template *cortex_template, struct flat_notes *notes)
{
    struct flat_subject flat = {0};
    struct contents contents = {NULL, NULL};
    *notes = (struct flat_notes){0};
    const bool written =
        flat_subject_open(folder, &request->patterns, cortex_template, &request->settings, &flat) &&
        contents_read(request, &flat, &contents) && write_images(request, &flat, &contents, notes);
    if (written) {
        char *absent = notes->labels_absent;
        *notes = flat_notes_of(&flat);
        notes->labels_absent = absent;
    } else {
        flat_notes_free(notes);
    }
    contents_free(request, &contents);
    flat_subject_close(&flat);
    return written;
}

void flat_notes_free(struct flat_notes *notes)
{
    free(notes->labels_absent);
    *notes = (struct flat_notes){0};
}
