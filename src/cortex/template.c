// SPDX-License-Identifier: MIT
#include "vkgrid/cortex/template.h"

#include "cortex/locate.h"
#include "cortex/sulc.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/hash.h"
#include "vkgrid/base/memory.h"

#include <math.h>
#include <stdlib.h>

#define SPHERE_RADIUS 100 // of FreeSurfer's spheres

struct cortex_template {
    char *folder;
    struct hemisphere hemispheres[HEMISPHERES];
    struct locator *locators[HEMISPHERES];
    float *sulc[HEMISPHERES]; // NULL: there is none
    char identity[HASH_TEXT];
};

// Where fsaverage is; the caller frees it.
static bool find_folder(const char *named, char **folder)
{
    static const char *const places[][2] = {{"SUBJECTS_DIR", "fsaverage"},
                                            {"FREESURFER_HOME", "subjects/fsaverage"}};
    *folder = named ? text_copy(named) : NULL;
    for (size_t i = 0; i < sizeof(places) / sizeof(*places) && !*folder; i++) {
        const char *base = getenv(places[i][0]);
        char *path = base && *base ? text_format("%s/%s", base, places[i][1]) : NULL;
        if (path && folder_exists(path))
            *folder = path;
        else
            free(path);
    }
    return *folder || error_set(
                          "fsaverage: not found: --fsaverage DIR, or SUBJECTS_DIR or "
                          "FREESURFER_HOME of the environment, must say where it is");
}

// All surfaces there: what is said of a subject's would not help here.
static bool check_files(const struct subject *subject)
{
    for (int side = LEFT; side < HEMISPHERES; side++)
        for (int file = FILE_WHITE; file <= FILE_SPHERE; file++) {
            char *path = text_format("%s/surf/%s.%s", subject->folder, hemisphere_names[side],
                                     subject_file_names[file]);
            const bool there =
                file_exists(path) || error_set(
                                         "%s: no such file: the folder fsaverage of FreeSurfer is "
                                         "needed (--fsaverage DIR)",
                                         path);
            free(path);
            if (!there)
                return false;
        }
    return true;
}

static bool read_template(struct cortex_template *made)
{
    static const struct subject_patterns patterns = {{[FILE_WHITE] = "surf/{hemi}.white",
                                                      [FILE_PIAL] = "surf/{hemi}.pial",
                                                      [FILE_SPHERE] = "surf/{hemi}.sphere"}};
    struct subject subject = {0};
    CHECK(subject_open(made->folder, &patterns, &subject));
    free(made->folder);
    made->folder = text_copy(subject.folder);
    CHECK(check_files(&subject));
    CHECK(hemispheres_read(&subject, made->hemispheres));
    for (int side = LEFT; side < HEMISPHERES; side++) {
        if (!locator_make(&made->hemispheres[side].sphere, &made->locators[side])) {
            error_prefix("%s/surf/%s.sphere", made->folder, hemisphere_names[side]);
            goto error;
        }
        made->sulc[side] = sulc_read(&subject, side, made->hemispheres[side].vertex_count);
    }
    subject_close(&subject);
    return true;
error:
    subject_close(&subject);
    return error_prefix("fsaverage");
}

static void set_identity(struct cortex_template *made)
{
    uint64_t hash = 0;
    for (int side = LEFT; side < HEMISPHERES; side++) {
        const struct surface *surfaces[] = {&made->hemispheres[side].sphere,
                                            &made->hemispheres[side].midgray};
        for (int i = 0; i < 2; i++) {
            const size_t points = (size_t)surfaces[i]->vertex_count,
                         faces = (size_t)surfaces[i]->face_count;
            hash = hash_bytes(surfaces[i]->points, points * sizeof(*surfaces[i]->points), hash);
            hash = hash_bytes(surfaces[i]->faces, faces * sizeof(*surfaces[i]->faces), hash);
        }
    }
    hash_print(hash, made->identity);
}

bool template_open(const char *folder, struct cortex_template **opened)
{
    struct cortex_template *made = mem_zalloc(1, sizeof(*made));
    *opened = NULL;
    if (!find_folder(folder, &made->folder) || !read_template(made)) {
        template_close(&made);
        return false;
    }
    set_identity(made);
    *opened = made;
    return true;
}

void template_close(struct cortex_template **closed)
{
    if (*closed) {
        for (int side = LEFT; side < HEMISPHERES; side++) {
            locator_free(&(*closed)->locators[side]);
            hemisphere_free(&(*closed)->hemispheres[side]);
            free((*closed)->sulc[side]);
        }
        free((*closed)->folder);
        free(*closed);
    }
    *closed = NULL;
}

const char *template_folder(const struct cortex_template *cortex_template)
{
    return cortex_template->folder;
}

const char *template_identity(const struct cortex_template *cortex_template)
{
    return cortex_template->identity;
}

// An icosahedron whose triangles were divided into four so many times.
static bool is_icosphere(const struct surface *sphere)
{
    int faces = 20;
    while (faces < sphere->face_count)
        faces *= 4;
    return sphere->face_count == faces && sphere->vertex_count == faces / 2 + 2;
}

char *template_doubt(const struct cortex_template *cortex_template)
{
    for (int side = LEFT; side < HEMISPHERES; side++) {
        const char *hemi = hemisphere_names[side];
        const struct surface *sphere = &cortex_template->hemispheres[side].sphere;
        const float *p = sphere->points[0];
        const double radius = sqrt((double)p[0] * p[0] + (double)p[1] * p[1] + (double)p[2] * p[2]);
        if (!is_icosphere(sphere))
            return text_format(
                "its %s.sphere has %d vertices, not 10 * 4^n + 2 as fsaverage's: is it fsaverage?",
                hemi, sphere->vertex_count);
        if (fabs(radius - SPHERE_RADIUS) > 1)
            return text_format("its %s.sphere has a radius of %.4g, not %d: is it fsaverage?", hemi,
                               radius, SPHERE_RADIUS);
    }
    return NULL;
}

// Of the values [vertex][width] of a triangle's corners.
static float mean_of(const float *values, int width, const int32_t corners[3],
                     const double weights[3])
{
    double mean = 0;
    for (int k = 0; k < 3; k++)
        mean += weights[k] * values[(size_t)width * (size_t)corners[k]];
    return (float)mean;
}

// Interpolates the template's midgray, and its sulc unless there is none, onto the subject's
// vertices.
static bool interpolate(const struct cortex_template *cortex_template,
                        const struct hemisphere *hemisphere, float (*midgray)[3], float *sulc)
{
    const int side = hemisphere->side;
    const struct surface *from = &cortex_template->hemispheres[side].midgray;
    for (int at = 0; at < hemisphere->vertex_count; at++) {
        int32_t corners[3];
        double weights[3];
        if (!locator_find(cortex_template->locators[side], hemisphere->sphere.points[at], corners,
                          weights))
            return error_set("%s/surf/%s.sphere: has a hole where the subject's vertex %d lies",
                             cortex_template->folder, hemisphere_names[side], at);
        for (int k = 0; k < 3; k++)
            midgray[at][k] = mean_of(&from->points[0][k], 3, corners, weights);
        if (cortex_template->sulc[side])
            sulc[at] = mean_of(cortex_template->sulc[side], 1, corners, weights);
    }
    return true;
}

bool template_fit(const struct cortex_template *cortex_template,
                  const struct hemisphere *hemisphere, const float *sulc,
                  struct rigid_motion *motion, double *agreement)
{
    const int count = hemisphere->vertex_count;
    float(*targets)[3] = mem_zalloc((size_t)count, sizeof(*targets));
    float *depths = mem_zalloc((size_t)count, sizeof(*depths));
    const bool found = interpolate(cortex_template, hemisphere, targets, depths);
    if (found) {
        rigid_fit(count, (const float(*)[3])hemisphere->midgray.points, (const float(*)[3])targets,
                  motion);
        *agreement = sulc ? sulc_correlation(count, sulc, depths) : NAN;
    }
    free(depths);
    free(targets);
    return found;
}
