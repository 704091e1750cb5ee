// SPDX-License-Identifier: MIT
// Volumes of labels, as FreeSurfer's ribbon.mgz and aseg.mgz, with their place in space.
// Source: FreeSurfer's page on the MGH/MGZ volume format; nibabel, which tests compare with.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VOLUME_VOXELS (1 << 27) // most that a file may have: 512 x 512 x 512

struct volume {
    int dims[3];            // voxels along i, j, k
    bool has_geometry;      // else what follows is FreeSurfer's default: 1 mm, coronal, about 0
    float voxel_size[3];    // mm along i, j, k
    float directions[3][3]; // of i, j, k as right, anterior, superior: unit vectors
    float center[3];        // of the volume, right, anterior, superior (mm)
    int32_t *values;        // values[(k * dims[1] + j) * dims[0] + i]
};

// .mgh/.mgz of one frame whose values are whole numbers; told by content, gzip or not. Hostile
// files are refused in one line.
bool volume_read(const char *path, struct volume *volume);
void volume_free(struct volume *volume); // leaves an empty one

// .mgz (.mgh when the path ends so), atomically: uint8 when `small` (values must be 0 to 255), else
// int32.
bool volume_write(const char *path, const struct volume *volume, bool small);

// The millimetres of voxel (i, j, k, 1): of surfaces ("vox2ras-tkr", the coordinates of
// lh.white), which the sizes alone decide, and of the scanner ("vox2ras").
void volume_surface_matrix(const struct volume *volume, double matrix[3][4]);
void volume_scanner_matrix(const struct volume *volume, double matrix[3][4]);
