// SPDX-License-Identifier: MIT
// The outline of a label in a map of classes (label_map.h), or of a mask of 0 and 1: the pixels
// that have a neighbour of another class, or one that is outside of the image.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

// Whether a pixel is part of its label's outline, which is `width` pixels wide and lies within the
// label: what so many erosions by a cross of four neighbours would take from it. Of two labels that
// touch, each has its own. Class 0 has none. map: [row][col].
static inline bool outline_at(const uint8_t *map, int rows, int cols, int width, int row, int col)
{
    const uint8_t *at = map + (size_t)row * (size_t)cols + col;
    if (!*at)
        return false;
    if (row < width || row >= rows - width || col < width || col >= cols - width)
        return true;
    for (int y = -width; y <= width; y++)
        for (int x = abs(y) - width; x <= width - abs(y); x++)
            if (at[(ptrdiff_t)y * cols + x] != *at)
                return true;
    return false;
}
