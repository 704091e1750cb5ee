// SPDX-License-Identifier: MIT
// Which triangle of a sphere lies in a direction from its centre.
#pragma once

#include "vkgrid/formats/surface.h"

struct locator; // points into its sphere, which must outlive it

// Fails for meshes that no sphere has: triangles that cover much of it.
bool locator_make(const struct surface *sphere, struct locator **locator);
void locator_free(struct locator **locator); // accepts NULL, writes NULL

// The vertices of the triangle that the ray from 0 through the point meets, and the barycentric
// weights of where it does. False, without a message: it meets none.
bool locator_find(const struct locator *locator, const float point[3], int32_t corners[3],
                  double weights[3]);
