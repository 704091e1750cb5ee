// SPDX-License-Identifier: MIT
// A subject becomes images: features and labels on its two flat maps.
#pragma once

#include "vkgrid/cortex/flat_map.h"
#include "vkgrid/cortex/template.h"

#include <time.h>

// What decides where a pixel lies: images of one data set, and weights with what they are applied
// to, must agree in the radius.
struct flat_settings {
    double radius; // of the flat map, radians
    int rows;      // an image has rows x 2 rows pixels
};

// A subject on its flat maps. One thread's at a time.
struct flat_subject {
    struct subject subject;
    struct flat_settings settings;
    struct hemisphere hemispheres[HEMISPHERES];
    struct rigid_motion motions[HEMISPHERES]; // onto the template
    double agreements[HEMISPHERES];           // of sulc with the template's (template.h)
    struct flat_map maps[HEMISPHERES];
    struct flat_raster rasters[HEMISPHERES];
    bool convexity_known;
    float convexity_scale; // 0.1: sulc is in FreeSurfer's unit; 1: in HCP's
    int nan_vertices;      // values that were NaN so far and took no part
};

// Reads the shape of the subject, fits it to the template and makes the maps.
bool flat_subject_open(const char *folder, const struct subject_patterns *patterns,
                       const struct cortex_template *cortex_template,
                       const struct flat_settings *settings, struct flat_subject *flat);
void flat_subject_close(struct flat_subject *flat); // leaves an empty one

// Where a feature or a label comes from.
struct flat_source {
    char *name;    // of the image's folder
    char *pattern; // of the file (subject.h); NULL: of the features below
    char *key;     // of a label: a number or the name of an entry; NULL: every key above 0
};

// Names of the features that need no file of their own: x y z curvature convexity thickness
// surface_area (the set "anat"), NULL-terminated.
extern const char *const flat_features[];

// "NAME=FILE" of a feature, "NAME=FILE" or "NAME=FILE:KEY" of a label (the last colon counts).
bool flat_source_parse(const char *text, bool label, struct flat_source *source);
void flat_source_free(struct flat_source *source);

// *newest becomes the time of the newest file of the subject's shape, or of a source, that is newer
// than it; zero before the first. Fails when a file that is needed is missing.
bool subject_newest(const struct subject *subject, struct timespec *newest);
bool flat_source_newest(const struct subject *subject, const struct flat_source *source,
                        struct timespec *newest);
bool time_is_newer(struct timespec a, struct timespec b); // a than b

// Reads a number, or a byte (0 or 1), for every vertex; the caller frees those of both hemispheres.
bool flat_feature_read(struct flat_subject *flat, const struct flat_source *source,
                       float *values[HEMISPHERES]);
bool flat_label_read(struct flat_subject *flat, const struct flat_source *source,
                     uint8_t *masks[HEMISPHERES]);

// The same, painted: image is [rows][2 * rows]. A feature of flat_features, or of a file with a
// number per vertex.
bool flat_feature(struct flat_subject *flat, const struct flat_source *source, float *image);

// The images of one data set: <data>/<feature>/<subject>.npy (float32),
// <data>/<label>/<subject>.png (0 or 255).
struct flat_request {
    const char *data;
    struct flat_settings settings;
    struct subject_patterns patterns;
    const char *fsaverage; // template_identity()
    const struct flat_source *features, *labels;
    int feature_count, label_count;
};

// Millimetres; registered people lie within some 10 of fsaverage.
#define FLAT_RESIDUAL_MOST 20.0

// Of sulc with fsaverage's, by which spheres are registered: warped copies of fsaverage5 have 0.78
// to 0.88; with the sphere turned by 8 degrees 0.61, by 12 0.41, by 20 0.17.
#define FLAT_AGREEMENT_LEAST 0.5

// What a person should know of a subject whose images were made.
struct flat_notes {
    bool convexity_as_stored; // sulc was not divided by 10: it is in the HCP's unit already
    int nan_vertices;         // values that are NaN
    double residual;          // largest of both hemispheres (template.h)
    double agreement;         // least of both (template.h)
    char *labels_absent;      // labels that no vertex of the maps has, with commas; NULL: none
};
// Of a subject whose features were read; without labels.
struct flat_notes flat_notes_of(const struct flat_subject *flat);
// Why the subject may not be registered, after "NAME: "; NULL: nothing speaks against it. The
// caller frees it.
char *flat_notes_doubt(const struct flat_notes *notes);
void flat_notes_free(struct flat_notes *notes);

// What there is of a subject's images: not all of them, all but older than one of the files that
// they are made of, or all.
enum flat_state { FLAT_ABSENT, FLAT_STALE, FLAT_THERE };
// Fails when they are there and a file that they are made of is not.
bool flat_images_state(const struct flat_request *request, const struct subject *subject,
                       enum flat_state *state);
// Removes what the subject of that name has.
bool flat_images_remove(const struct flat_request *request, const char *subject);

// Removes what killed runs have left of images of these subjects. Of no others: another machine may
// be writing them.
void flat_images_sweep(const struct flat_request *request, char *const *subjects, int count);

// Makes the images of a subject, each file atomically. Everything is read before the first is
// written, and those of a subject that cannot be written are removed: it has all images or none.
bool flat_images_write(const struct flat_request *request, const char *folder,
                       const struct cortex_template *cortex_template, struct flat_notes *notes);

// <data>/flatten.json: what a data set's images were made with. *found: whether the file is there;
// fails when it cannot be read.
bool flat_record_read(const char *data, struct flat_settings *settings, bool *found);
bool flat_record_write(const struct flat_request *request);

// Whether a request's images would be like those of the record, the settings aside.
enum flat_likeness {
    FLAT_SAME,
    FLAT_ADDS,    // features or labels that there are none of
    FLAT_LACKS,   // features or labels that there are
    FLAT_DIFFERS, // made of other files, or with another fsaverage
};
// *what, which the caller frees, is in the words of the options: what is added, what is lacking, or
// how the images were made ("with --label V1=varea.mgz:1"); NULL: the same.
bool flat_record_compare(const struct flat_request *request, enum flat_likeness *likeness,
                         char **what);
