// SPDX-License-Identifier: MIT
#include "data/retinotopy.h"

#include <complex.h>
#include <math.h>

// Poles of the map in degrees: the foveal one, and one that bends the periphery.
#define POLE_A 0.75
#define POLE_B 90.0

// w = log((a + r exp(i P s_a)) / (b + r exp(i P s_b))) with the shear s = sech(P)^(0.1821 sech(0.76
// log(r / pole))): polar angles are compressed far from the horizontal meridian, most at
// eccentricities near the pole.
static double shear(double eccentricity, double angle, double pole)
{
    if (eccentricity <= 0)
        return 1;
    return pow(cosh(angle), -0.1821 / cosh(0.76 * log(eccentricity / pole)));
}

static double complex sheared(struct retinotopy at, double pole)
{
    return at.eccentricity * cexp(I * at.angle * shear(at.eccentricity, at.angle, pole));
}

void retinotopy_place(struct retinotopy at, double *x, double *y)
{
    const double complex w = clog((POLE_A + sheared(at, POLE_A)) / (POLE_B + sheared(at, POLE_B)));
    *x = creal(w);
    *y = cimag(w);
}

struct retinotopy retinotopy_at(double x, double y)
{
    // Solves for the point sheared about pole a; the other pole is far away and enters as a small
    // correction, and the shear varies slowly, so that fixed-point steps gain half a digit each.
    const double complex ratio = cexp(x + I * y);
    const double complex start = (POLE_B * ratio - POLE_A) / (1 - ratio); // without any shear
    struct retinotopy at = {cabs(start), carg(start)};

    for (int i = 0; i < 12; i++) {
        const double complex point = ratio * (POLE_B + sheared(at, POLE_B)) - POLE_A;
        at.eccentricity = cabs(point);
        const double angle = carg(point) / shear(at.eccentricity, at.angle, POLE_A);
        at.angle = fmin(fmax(angle, -M_PI), M_PI); // beyond the bands the map has no meaning
    }
    return at;
}
