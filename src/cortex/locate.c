// SPDX-License-Identifier: MIT
// The cube around the unit sphere is cut into cells; each lists the triangles that may reach into
// it. A direction looks at the triangles of its cell only, some tens of them.
#include "cortex/locate.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CELLS_LEAST 4
#define CELLS_MOST 96
#define ENTRIES_PER_FACE 128 // most on average: an icosahedron's triangles reach into 64 cells
#define OUTSIDE 1e-7         // by which a weight may be negative: points on an edge are in both

struct locator {
    const struct surface *sphere;
    int cells;      // along an axis
    size_t *starts; // [cells^3 + 1] where a cell's list begins
    int32_t *faces; // of all cells
};

// The cells, along each axis, that a triangle may reach into.
struct reach {
    int first[3], last[3];
};

static int cell_of(int cells, double coordinate)
{
    const int cell = (int)floor((coordinate + 1) / 2 * cells);
    return cell < 0 ? 0 : cell >= cells ? cells - 1 : cell;
}

static void unit(const float point[3], double direction[3])
{
    const double norm = sqrt((double)point[0] * point[0] + (double)point[1] * point[1] +
                             (double)point[2] * point[2]);
    for (int k = 0; k < 3; k++)
        direction[k] = norm > 0 ? point[k] / norm : 0;
}

// A spherical triangle bulges over the plane one: with edges of at most e by at most
// 1 - sqrt(1 - e^2 / 3), as its corners lie within a circle of radius e / sqrt(3).
static struct reach reach_of(const struct locator *locator, int face)
{
    const int32_t *corners = locator->sphere->faces[face];
    double points[3][3], edge = 0;
    struct reach reach;
    for (int i = 0; i < 3; i++)
        unit(locator->sphere->points[corners[i]], points[i]);
    for (int i = 0; i < 3; i++) {
        double squared = 0;
        for (int k = 0; k < 3; k++) {
            const double step = points[i][k] - points[(i + 1) % 3][k];
            squared += step * step;
        }
        edge = squared > edge ? squared : edge; // squared
    }
    const double margin = edge < 3 ? 1 - sqrt(1 - edge / 3) + 1e-6 : 2;
    for (int k = 0; k < 3; k++) {
        const double low = fmin(points[0][k], fmin(points[1][k], points[2][k]));
        const double high = fmax(points[0][k], fmax(points[1][k], points[2][k]));
        reach.first[k] = cell_of(locator->cells, low - margin);
        reach.last[k] = cell_of(locator->cells, high + margin);
    }
    return reach;
}

static size_t cell_at(const struct locator *locator, int x, int y, int z)
{
    const size_t cells = (size_t)locator->cells;
    return ((size_t)x * cells + (size_t)y) * cells + (size_t)z;
}

// Counts the entries of each cell in starts[cell + 1], or puts them where starts[cell] says.
static void fill(struct locator *locator, bool put)
{
    for (int face = 0; face < locator->sphere->face_count; face++) {
        const struct reach reach = reach_of(locator, face);
        for (int x = reach.first[0]; x <= reach.last[0]; x++)
            for (int y = reach.first[1]; y <= reach.last[1]; y++)
                for (int z = reach.first[2]; z <= reach.last[2]; z++) {
                    const size_t cell = cell_at(locator, x, y, z);
                    if (put)
                        locator->faces[locator->starts[cell]++] = face;
                    else
                        locator->starts[cell + 1]++;
                }
    }
}

// How many entries there will be; stops beyond the limit.
static size_t count_entries(const struct locator *locator, size_t limit)
{
    size_t count = 0;
    for (int face = 0; face < locator->sphere->face_count && count <= limit; face++) {
        const struct reach reach = reach_of(locator, face);
        size_t cells = 1;
        for (int k = 0; k < 3; k++)
            cells *= (size_t)(reach.last[k] - reach.first[k] + 1);
        count += cells;
    }
    return count;
}

bool locator_make(const struct surface *sphere, struct locator **made)
{
    const int wanted = (int)(sqrt((double)sphere->face_count) / 6);
    struct locator *locator = mem_zalloc(1, sizeof(*locator));
    locator->sphere = sphere;
    locator->cells = wanted < CELLS_LEAST ? CELLS_LEAST : wanted > CELLS_MOST ? CELLS_MOST : wanted;
    const size_t cells = cell_at(locator, locator->cells, 0, 0);
    const size_t limit = ((size_t)sphere->face_count + 32) * ENTRIES_PER_FACE;
    const size_t entries = count_entries(locator, limit);
    *made = NULL;
    if (entries > limit) {
        free(locator);
        return error_set("its triangles are too large for a sphere of so many");
    }
    locator->starts = mem_zalloc(cells + 1, sizeof(*locator->starts));
    locator->faces = mem_alloc((entries + 1) * sizeof(*locator->faces));
    fill(locator, false);
    for (size_t cell = 0; cell < cells; cell++)
        locator->starts[cell + 1] += locator->starts[cell];
    fill(locator, true);
    // Each start has moved to its cell's end, which is where the next one begins.
    memmove(locator->starts + 1, locator->starts, cells * sizeof(*locator->starts));
    locator->starts[0] = 0;
    *made = locator;
    return true;
}

void locator_free(struct locator **locator)
{
    if (*locator) {
        free((*locator)->starts);
        free((*locator)->faces);
        free(*locator);
    }
    *locator = NULL;
}

// a . (b x c)
static double volume(const double a[3], const float b[3], const float c[3])
{
    return a[0] * ((double)b[1] * c[2] - (double)b[2] * c[1]) +
           a[1] * ((double)b[2] * c[0] - (double)b[0] * c[2]) +
           a[2] * ((double)b[0] * c[1] - (double)b[1] * c[0]);
}

// Of direction = wa a + wb b + wc c, which holds on the ray where they sum to 1.
static bool weigh(const struct locator *locator, const double direction[3], const int32_t *corners,
                  double weights[3])
{
    const float(*points)[3] = (const float(*)[3])locator->sphere->points;
    const float *a = points[corners[0]], *b = points[corners[1]], *c = points[corners[2]];
    const double whole = volume((const double[]){a[0], a[1], a[2]}, b, c);
    const double parts[3] = {volume(direction, b, c), volume(direction, c, a),
                             volume(direction, a, b)};
    const double sum = parts[0] + parts[1] + parts[2];
    if (whole == 0 || sum == 0 || (sum > 0) != (whole > 0)) // flat, or on the other side
        return false;
    for (int i = 0; i < 3; i++) {
        weights[i] = parts[i] / sum;
        if (!(weights[i] >= -OUTSIDE))
            return false;
    }
    return true;
}

bool locator_find(const struct locator *locator, const float point[3], int32_t corners[3],
                  double weights[3])
{
    double direction[3];
    int at[3];
    unit(point, direction);
    for (int k = 0; k < 3; k++)
        at[k] = cell_of(locator->cells, direction[k]);
    const size_t cell = cell_at(locator, at[0], at[1], at[2]);
    for (size_t i = locator->starts[cell]; i < locator->starts[cell + 1]; i++) {
        const int32_t *face = locator->sphere->faces[locator->faces[i]];
        if (weigh(locator, direction, face, weights)) {
            memcpy(corners, face, 3 * sizeof(*corners));
            return true;
        }
    }
    return false;
}
