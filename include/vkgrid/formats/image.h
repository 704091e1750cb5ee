// SPDX-License-Identifier: MIT
// 2-D arrays and the files that hold them.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct image {
    int rows, cols;
    float *values; // [row][col]
};

void image_free(struct image *image); // leaves an empty image

// .npy: versions 1 to 3; float16/32/64, (u)int8/16/32, int64, bool; little- or big-endian; C or
// Fortran order; exactly two axes.
bool image_read_npy(const char *path, struct image *image);
// float32, C order, version 1.0; written atomically.
bool npy_write(const char *path, int rank, const int *dims, const float *values);

// .png: 8- or 16-bit grey (fewer bits too; alpha is ignored), scaled to 0..1. Colour images are
// refused.
bool image_read_png(const char *path, struct image *image);
// 8-bit grey (channels 1) or RGB (3); written atomically.
bool png_write(const char *path, int rows, int cols, int channels, const uint8_t *pixels);
// The bytes of such a file; the caller frees them.
bool png_pack(int rows, int cols, int channels, const uint8_t *pixels, uint8_t **bytes,
              size_t *size);
// The same for pixels that are indices (8 bits) into a palette of 1 to 256 colours, [colours][3]:
// red, green, blue.
bool png_write_palette(const char *path, int rows, int cols, const uint8_t *palette, int colours,
                       const uint8_t *pixels);
bool png_pack_palette(int rows, int cols, const uint8_t *palette, int colours,
                      const uint8_t *pixels, uint8_t **bytes, size_t *size);

// .pt: one 2-D tensor saved by torch.save.
bool image_read_pt(const char *path, struct image *image);

// By extension: .npy, .png or .pt.
bool image_read(const char *path, struct image *image);

// Bilinear (triangle) filter, antialiased when reducing, as
// torchvision.transforms.Resize(antialias=True) and
// torch.nn.functional.interpolate(mode="bilinear", antialias=True, align_corners=False) do. In
// place; NaN becomes 0 first.
bool image_resize(struct image *image, int rows, int cols);
