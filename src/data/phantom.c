// SPDX-License-Identifier: MIT
// The sheet is a frame of 4 x 2 units, x along the columns. The calcarine sulcus runs along its
// middle from the foveal confluence (left) to the periphery (right); V1 lies in it, V2 and V3 on
// its banks. A smooth displacement that differs between subjects moves sulci and labels alike;
// random folds and a smaller displacement of the labels alone are what cannot be learnt.
#include "data/phantom.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "data/retinotopy.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/base/random.h"

#define FRAME_WIDTH 4.0
#define FRAME_HEIGHT 2.0

const char *const phantom_feature_names[PHANTOM_FEATURES] = {
    "x", "y", "z", "curvature", "convexity", "thickness", "surface_area"};
const char *const phantom_label_names[PHANTOM_LABELS] = {"V1", "V2", "V3", "E0",
                                                         "E1", "E2", "E3", "E4"};

// Outer bounds: of the areas in angle (V2 and V3 together as large as V1, so that a small image
// shows them too), of the rings in degrees.
static const double area_bounds[PHANTOM_AREAS] = {0.85, 1.4, 1.9};
static const double ring_bounds[PHANTOM_RINGS] = {0.5, 1, 2, 4, 7};

// A scalar on the sheet, with a border of one pixel so that derivatives need no special case at
// the edge.
struct field {
    int rows, cols;
    double *values; // [1 + row][1 + col]
};

static struct field field_create(int rows, int cols)
{
    return (struct field){rows, cols,
                          mem_zalloc((size_t)(rows + 2) * (size_t)(cols + 2), sizeof(double))};
}

static double *field_at(const struct field *field, int row, int col)
{
    return &field->values[(size_t)(row + 1) * (size_t)(field->cols + 2) + (size_t)(col + 1)];
}

// Middle of a pixel in the frame, the frame's middle being (0, 0).
static double frame_x(int col, int cols)
{
    return ((col + 0.5) / cols - 0.5) * FRAME_WIDTH;
}

static double frame_y(int row, int rows)
{
    return ((row + 0.5) / rows - 0.5) * FRAME_HEIGHT;
}

// What a random field looks like: a sum of plane waves.
struct waves {
    double rms;
    double shortest, longest; // wavelengths in frame units
    double elongation;        // along x
};

#define WAVE_COUNT 24

// Adds one wave. cos(a + b) = cos a cos b - sin a sin b: the angle falls apart into a part of the
// column and one of the row, which spares a cosine for each pixel.
static void field_add_wave(struct field *field, double kx, double ky, double phase,
                           double amplitude)
{
    double *cosines = mem_zalloc((size_t)field->cols + 2, sizeof *cosines);
    double *sines = mem_zalloc((size_t)field->cols + 2, sizeof *sines);

    for (int col = -1; col <= field->cols; col++) {
        cosines[col + 1] = amplitude * cos(kx * frame_x(col, field->cols));
        sines[col + 1] = amplitude * sin(kx * frame_x(col, field->cols));
    }
    for (int row = -1; row <= field->rows; row++) {
        const double angle = ky * frame_y(row, field->rows) + phase;
        const double c = cos(angle), s = sin(angle);
        double *values = field_at(field, row, -1);
        for (int i = 0; i < field->cols + 2; i++)
            values[i] += cosines[i] * c - sines[i] * s;
    }
    free(cosines);
    free(sines);
}

static void field_add_waves(struct field *field, struct random *random, const struct waves *waves)
{
    for (int i = 0; i < WAVE_COUNT; i++) {
        const double direction = 2 * M_PI * random_uniform(random);
        const double length =
            waves->shortest + (waves->longest - waves->shortest) * random_uniform(random);
        const double k = 2 * M_PI / length;
        field_add_wave(field, k * cos(direction) / waves->elongation, k * sin(direction),
                       2 * M_PI * random_uniform(random), waves->rms * sqrt(2.0 / WAVE_COUNT));
    }
}

// Sulci that everybody has, as segments in the frame before displacement.
static const struct sulcus {
    double x0, y0, x1, y1, depth, width;
} sulci[] = {
    {-1.45, 0.00, 1.60, 0.00, 0.8, 0.20},  // calcarine
    {0.95, -0.15, 1.35, -1.30, 0.7, 0.18}, // parieto-occipital
    {-1.80, 0.78, 2.20, 0.86, 0.6, 0.18},  // collateral
};

// Depth of a sulcus at a place: a trough with a raised bank on either side.
static double sulcus_depth(const struct sulcus *sulcus, double x, double y)
{
    const double dx = sulcus->x1 - sulcus->x0, dy = sulcus->y1 - sulcus->y0;
    const double along = ((x - sulcus->x0) * dx + (y - sulcus->y0) * dy) / (dx * dx + dy * dy);
    const double t = fmin(fmax(along, 0), 1);
    const double d = hypot(x - sulcus->x0 - t * dx, y - sulcus->y0 - t * dy) / sulcus->width;
    return sulcus->depth * (1 - d * d / 2) * exp(-d * d / 2);
}

// Depth of the sheet: the common sulci where the subject's displacement puts them, and folds of
// its own.
static void draw_depth(struct field *depth, const struct field *dx, const struct field *dy)
{
    for (int row = -1; row <= depth->rows; row++)
        for (int col = -1; col <= depth->cols; col++) {
            const double x = frame_x(col, depth->cols) + *field_at(dx, row, col);
            const double y = frame_y(row, depth->rows) + *field_at(dy, row, col);
            for (size_t i = 0; i < sizeof sulci / sizeof sulci[0]; i++)
                *field_at(depth, row, col) += sulcus_depth(&sulci[i], x, y);
        }
}

// All features follow from the depth; thickness has variation of its own.
static void draw_features(struct phantom *phantom, const struct field *depth,
                          const struct field *variation, double size)
{
    const double step_x = FRAME_WIDTH / depth->cols, step_y = FRAME_HEIGHT / depth->rows;

    for (int row = 0; row < depth->rows; row++)
        for (int col = 0; col < depth->cols; col++) {
            const size_t i = (size_t)row * (size_t)depth->cols + (size_t)col;
            const double here = *field_at(depth, row, col);
            const double left = *field_at(depth, row, col - 1);
            const double right = *field_at(depth, row, col + 1);
            const double above = *field_at(depth, row - 1, col);
            const double below = *field_at(depth, row + 1, col);
            const double slope =
                hypot((right - left) / (2 * step_x), (below - above) / (2 * step_y));
            const double laplacian = (left + right - 2 * here) / (step_x * step_x) +
                                     (above + below - 2 * here) / (step_y * step_y);
            const double curvature = tanh(-laplacian / 50);
            // The sheet lies on a ball, the fundus of a sulcus below its surface.
            const double longitude = 0.6 * frame_x(col, depth->cols);
            const double latitude = 0.9 * frame_y(row, depth->rows);
            const double radius = size * (1 - 0.12 * here);

            phantom->features[PHANTOM_X][i] = (float)(radius * sin(longitude) * cos(latitude));
            phantom->features[PHANTOM_Y][i] = (float)(radius * sin(latitude));
            phantom->features[PHANTOM_Z][i] = (float)(radius * cos(longitude) * cos(latitude));
            phantom->features[PHANTOM_CURVATURE][i] = (float)curvature;
            phantom->features[PHANTOM_CONVEXITY][i] = (float)here;
            phantom->features[PHANTOM_THICKNESS][i] =
                (float)(2.5 - 0.5 * curvature + *field_at(variation, row, col));
            phantom->features[PHANTOM_SURFACE_AREA][i] =
                (float)(0.6 * sqrt(1 + 0.02 * slope * slope) * (1 - 0.2 * curvature));
        }
}

static int band(const double *bounds, int count, double value)
{
    int i = 0;
    while (i < count && value > bounds[i])
        i++;
    return i;
}

static void draw_labels(struct phantom *phantom, const struct field *dx, const struct field *dy)
{
    for (int row = 0; row < phantom->rows; row++)
        for (int col = 0; col < phantom->cols; col++) {
            const size_t i = (size_t)row * (size_t)phantom->cols + (size_t)col;
            const double x = frame_x(col, phantom->cols) + *field_at(dx, row, col);
            const double y = frame_y(row, phantom->rows) + *field_at(dy, row, col);
            // The map's plane is stretched along the calcarine sulcus: V1 is longer than wide.
            const struct retinotopy at = retinotopy_at(RETINOTOPY_FOVEA + x + 1.2, 2 * y);
            const int area = band(area_bounds, PHANTOM_AREAS, fabs(at.angle));
            const int ring = band(ring_bounds, PHANTOM_RINGS, at.eccentricity);
            const bool inside = area < PHANTOM_AREAS && ring < PHANTOM_RINGS;

            for (int k = 0; k < PHANTOM_LABELS; k++)
                phantom->labels[k][i] =
                    inside && (k == area || k == PHANTOM_AREAS + ring) ? 255 : 0;
        }
}

void phantom_draw(struct phantom *phantom, uint64_t seed, int subject)
{
    static const struct waves folds = {0.30, 0.5, 1.2, 1.6}, displacement = {0.13, 2.5, 6, 1},
                              own_displacement = {0.025, 1.5, 4, 1}, thickness = {0.12, 0.6, 2, 1};
    struct random random = random_stream(seed, (uint64_t)subject, 0, RANDOM_SAMPLE);
    struct field depth = field_create(phantom->rows, phantom->cols);
    struct field variation = field_create(phantom->rows, phantom->cols);
    struct field dx = field_create(phantom->rows, phantom->cols);
    struct field dy = field_create(phantom->rows, phantom->cols);

    field_add_waves(&dx, &random, &displacement);
    field_add_waves(&dy, &random, &displacement);
    field_add_waves(&depth, &random, &folds);
    field_add_waves(&variation, &random, &thickness);
    draw_depth(&depth, &dx, &dy);
    draw_features(phantom, &depth, &variation, 1 + 0.05 * random_normal(&random));

    field_add_waves(&dx, &random, &own_displacement);
    field_add_waves(&dy, &random, &own_displacement);
    draw_labels(phantom, &dx, &dy);

    free(depth.values);
    free(variation.values);
    free(dx.values);
    free(dy.values);
}

struct phantom *phantom_create(int rows, int cols)
{
    struct phantom *phantom = mem_zalloc(1, sizeof *phantom);
    const size_t pixels = (size_t)rows * (size_t)cols;

    phantom->rows = rows;
    phantom->cols = cols;
    for (int i = 0; i < PHANTOM_FEATURES; i++)
        phantom->features[i] = mem_zalloc(pixels, sizeof *phantom->features[i]);
    for (int i = 0; i < PHANTOM_LABELS; i++)
        phantom->labels[i] = mem_zalloc(pixels, sizeof *phantom->labels[i]);
    return phantom;
}

void phantom_destroy(struct phantom **phantom)
{
    if (!*phantom)
        return;
    for (int i = 0; i < PHANTOM_FEATURES; i++)
        free((*phantom)->features[i]);
    for (int i = 0; i < PHANTOM_LABELS; i++)
        free((*phantom)->labels[i]);
    free(*phantom);
    *phantom = NULL;
}
