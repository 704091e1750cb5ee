// SPDX-License-Identifier: MIT
#include "cortex/areas.h"

#include "vkgrid/base/memory.h"

#include <math.h>

float *vertex_areas(const struct surface *surface)
{
    float *areas = mem_zalloc((size_t)surface->vertex_count, sizeof(*areas));
    for (int i = 0; i < surface->face_count; i++) {
        const int32_t *face = surface->faces[i];
        const float *a = surface->points[face[0]];
        double u[3], v[3];
        for (int k = 0; k < 3; k++) {
            u[k] = (double)surface->points[face[1]][k] - a[k];
            v[k] = (double)surface->points[face[2]][k] - a[k];
        }
        const double x = u[1] * v[2] - u[2] * v[1], y = u[2] * v[0] - u[0] * v[2],
                     z = u[0] * v[1] - u[1] * v[0];
        const float third = (float)(sqrt(x * x + y * y + z * z) / 6);
        for (int k = 0; k < 3; k++)
            areas[face[k]] += third;
    }
    return areas;
}
