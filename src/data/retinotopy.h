// SPDX-License-Identifier: MIT
// Where in the visual field a place of early visual cortex looks: the banded double-sech model of
//   M. M. Schira, C. W. Tyler, B. Spehar, M. Breakspear: Modeling magnification and anisotropy in
//   the primate foveal confluence. PLoS Computational Biology 6(1), e1000651, 2010.
//   doi 10.1371/journal.pcbi.1000651
#pragma once

// One hemisphere. angle runs through the bands: 0 is the horizontal meridian in the middle of V1;
// on either side (sign) follow the rest of V1, then V2 and V3 as bands.
struct retinotopy {
    double eccentricity; // degrees
    double angle;        // radians
};

// x is the real and y the imaginary part of the model's map plane: the foveal confluence lies at
// (RETINOTOPY_FOVEA, 0), eccentricity grows with x.
struct retinotopy retinotopy_at(double x, double y);

// The inverse.
void retinotopy_place(struct retinotopy retinotopy, double *x, double *y);

#define RETINOTOPY_FOVEA (-4.787491742782046) // log(0.75 / 90)
