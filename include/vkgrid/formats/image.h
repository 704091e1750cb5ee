// SPDX-License-Identifier: MIT
// 2-D arrays and the files that hold them.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum image_kind {
    IMAGE_ARRAY,   // numbers that mean what they are: .npy, .pt, volumes
    IMAGE_PICTURE, // grey or colour from 0 to `range`: .png, .tif, .jpg
    IMAGE_PALETTE, // indices into a palette
};

#define IMAGE_CHANNELS 4096 // most that a file may have
#define IMAGE_COLOURS 256

// A file as it is, before anybody says what its values mean.
struct image {
    int rows, cols;
    float *values; // [row][col][channel], never scaled
    int channels;
    enum image_kind kind;
    float range;      // largest value of the type, for unsigned integers of at most 16 bits; else 1
    bool alpha;       // of a picture: the last channel is
    uint8_t *palette; // [colours][4]: red, green, blue, alpha; NULL unless IMAGE_PALETTE
    int colours;
    bool lossy; // its values are not quite those that were saved (.jpg)
};

void image_free(struct image *image); // leaves an empty image

// One channel of a file, as an image of one. channel: which; -1: the only one that the file has
// when axes of size 1, opaque alpha, and grey that is stored as colour or as a palette, are seen as
// what they are. With `classes` a palette's indices are meant, not its colours. folder: the
// source's, for errors that say what to write instead.
bool image_channel(const struct image *image, const char *folder, int channel, bool classes,
                   struct image *plane);

// .npy: versions 1 to 3; float16/32/64, (u)int8/16/32, int64, bool; little- or big-endian; C or
// Fortran order; two axes, or three, of which the first or the last, whichever is shorter, is that
// of the channels.
bool image_read_npy(const char *path, struct image *image);
// float32, C order, version 1.0; written atomically.
bool npy_write(const char *path, int rank, const int *dims, const float *values);

// .png: grey, colour, palettes, alpha; 1 to 16 bits.
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

// .pt: one tensor saved by torch.save, of two or three axes as those of .npy.
bool image_read_pt(const char *path, struct image *image);

// .mgh, .mgz, .nii, .nii.gz: two-dimensional volumes, or with channels as the arrays of .npy.
bool image_read_volume(const char *path, struct image *image);

#define IMAGE_EXTENSIONS ".npy, .png, .pt, .tif, .tiff, .jpg, .jpeg, .mgz, .mgh, .nii and .nii.gz"

// Length of a file's name without its extension, which is one of those in any case; 0 when it has
// none of them.
int image_stem(const char *name);

// By extension: .npy, .png, .pt; .tif and .jpg where vkgrid was built with libtiff and libjpeg.
bool image_read(const char *path, struct image *image);

// Bilinear (triangle) filter, antialiased when reducing, as
// torchvision.transforms.Resize(antialias=True) and
// torch.nn.functional.interpolate(mode="bilinear", antialias=True, align_corners=False) do. In
// place; NaN becomes 0 first.
bool image_resize(struct image *image, int rows, int cols);
