// SPDX-License-Identifier: MIT
// A subject's files, and the shape of its two hemispheres.
//
// Where a file lies is a pattern: a path from the subject's folder (or an absolute one) in which
// {hemi} stands for lh or rh, {side} for L or R, {subject} for the subject's name. A name without
// a slash is looked for as surf/{hemi}.NAME, then label/{hemi}.NAME; one with a slash needs {hemi}
// or {side}.
#pragma once

#include "vkgrid/formats/surface.h"

#include <stdbool.h>

enum { LEFT, RIGHT, HEMISPHERES };
extern const char *const hemisphere_names[HEMISPHERES]; // lh, rh

enum subject_file {
    FILE_WHITE,     // surface between white matter and cortex
    FILE_PIAL,      // surface between cortex and what surrounds it
    FILE_SPHERE,    // the hemisphere on a sphere, registered to fsaverage
    FILE_CURVATURE, // the others: a number per vertex
    FILE_CONVEXITY, // sulc
    FILE_THICKNESS,
    FILE_AREA, // of the surface halfway (area.mid); optional
    SUBJECT_FILES
};
extern const char *const subject_file_names[SUBJECT_FILES]; // white, pial, sphere, curv, ...

// Fails for a pattern that would be one file for both hemispheres. `what` begins the message.
bool subject_pattern_check(const char *what, const char *pattern);

// Patterns in place of the usual ones; NULL: the usual one, surf/{hemi}.white and so on, or, in a
// folder without surf but with MNINonLinear/Native, what the HCP's pipelines write.
struct subject_patterns {
    const char *files[SUBJECT_FILES];
};

struct subject {
    char *folder;
    char *name; // the folder's last part: the name of its images
    bool hcp;   // laid out as the Human Connectome Project's, whose curvature has the other sign
    struct subject_patterns patterns;
    bool named[SUBJECT_FILES]; // whose pattern was given
};

// A name without a slash that is no folder here is looked for in $SUBJECTS_DIR. Fails unless the
// folder is there and has a name that a file may have. The patterns are not
// copied. Reads nothing.
bool subject_open(const char *folder, const struct subject_patterns *patterns,
                  struct subject *subject);
void subject_close(struct subject *subject); // leaves an empty subject

// The path of a pattern's file; the caller frees it. Whether it is there is not looked at, but for
// a name without a slash: fails when neither file is there.
bool subject_path(const struct subject *subject, const char *pattern, int hemisphere, char **path);
// The same for one of the usual files. NULL without a message: an optional one is not there.
bool subject_file_path(const struct subject *subject, enum subject_file file, int hemisphere,
                       char **path);

// The shape of one hemisphere. Vertex i is the same place in all of its files.
struct hemisphere {
    int side; // LEFT or RIGHT
    int vertex_count;
    struct surface midgray; // mean of white and pial, in the subject's own space, mm
    struct surface sphere;  // around 0, registered to fsaverage
};

// Reads white, pial and the registered sphere. One line says what is wrong: a missing file, a
// sphere that is not registered or is none, vertex counts that differ.
bool hemisphere_read(const struct subject *subject, int side, struct hemisphere *hemisphere);
// Both; fails also when the left one lies to the right of the right one (x grows to the right). The
// caller frees both, whatever comes of it.
bool hemispheres_read(const struct subject *subject, struct hemisphere hemispheres[HEMISPHERES]);
void hemisphere_free(struct hemisphere *hemisphere); // leaves an empty one
