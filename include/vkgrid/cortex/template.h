// SPDX-License-Identifier: MIT
// fsaverage: the brain that subjects are registered to, and where a subject lies in its space.
#pragma once

#include "vkgrid/cortex/subject.h"

// Read once, then used by any number of threads.
struct cortex_template;

// surf/{lh,rh}.{white,pial,sphere} of a folder; NULL: $SUBJECTS_DIR/fsaverage, else
// $FREESURFER_HOME/subjects/fsaverage. Any number of vertices will do (fsaverage5, ...).
bool template_open(const char *folder, struct cortex_template **cortex_template);
void template_close(struct cortex_template **cortex_template); // accepts NULL, writes NULL

const char *template_folder(const struct cortex_template *cortex_template);

// Of its spheres and midgray surfaces: another number, another fsaverage. 16 hexadecimal digits.
const char *template_identity(const struct cortex_template *cortex_template);
// Why the folder may not be fsaverage, "its lh.sphere has 1000 vertices: ..."; NULL: nothing speaks
// against it. The caller frees it.
char *template_doubt(const struct cortex_template *cortex_template);

// A turn (a proper rotation) and a shift: q = turn p + shift.
struct rigid_motion {
    double turn[3][3], shift[3]; // mm
    double residual;             // root mean square distance after it, mm
};

// The motion that brings points nearest to their targets in the least squares sense (Kabsch 1976;
// by the quaternion of Horn 1987, which is always a proper rotation).
void rigid_fit(int count, const float (*points)[3], const float (*targets)[3],
               struct rigid_motion *motion);
void rigid_move(const struct rigid_motion *motion, int count, const float (*points)[3],
                float (*moved)[3]);

// Of a hemisphere: the template's midgray is interpolated onto the subject's vertices through the
// two spheres (barycentric), and the subject's midgray is fitted to that. `agreement`: how the
// subject's sulc (a number per vertex; NULL: it has none) correlates with the template's, which is
// interpolated likewise; NAN where one of them is not there or constant.
bool template_fit(const struct cortex_template *cortex_template,
                  const struct hemisphere *hemisphere, const float *sulc,
                  struct rigid_motion *motion, double *agreement);
