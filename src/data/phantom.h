// SPDX-License-Identifier: MIT
// One subject of the phantom cortex, as images.
#pragma once

#include <stdint.h>

enum phantom_feature {
    PHANTOM_X,
    PHANTOM_Y,
    PHANTOM_Z,
    PHANTOM_CURVATURE,    // positive in sulci, as FreeSurfer has it
    PHANTOM_CONVEXITY,    // depth below the sheet's mean, positive in sulci
    PHANTOM_THICKNESS,    // mm
    PHANTOM_SURFACE_AREA, // mm2 of a vertex
    PHANTOM_FEATURES
};

// Three visual areas, then five rings of eccentricity.
#define PHANTOM_AREAS 3
#define PHANTOM_RINGS 5
#define PHANTOM_LABELS (PHANTOM_AREAS + PHANTOM_RINGS)

extern const char *const phantom_feature_names[PHANTOM_FEATURES];
extern const char *const phantom_label_names[PHANTOM_LABELS];

struct phantom {
    int rows, cols;
    float *features[PHANTOM_FEATURES]; // [row][col]
    uint8_t *labels[PHANTOM_LABELS];   // [row][col], 0 or 255
};

struct phantom *phantom_create(int rows, int cols);
void phantom_destroy(struct phantom **phantom); // accepts NULL, writes NULL

// Draws a subject. The two numbers name its random streams.
void phantom_draw(struct phantom *phantom, uint64_t seed, int subject);
