// SPDX-License-Identifier: MIT
// Files made byte by byte, right and wrong ones.
#pragma once

#include <stddef.h>
#include <stdint.h>

struct bytes {
    uint8_t *at;
    size_t size;
};

void bytes_add(struct bytes *bytes, const void *added, size_t size);
void bytes_text(struct bytes *bytes, const char *text); // without its NUL
void bytes_free(struct bytes *bytes);                   // leaves it empty

// Magic, version, header length, header, data.
void build_npy(struct bytes *file, int version, const char *header, const void *data, size_t size);

// pixels: rows with their filter byte. colour: 0 grey, 2 RGB, 4 grey with alpha.
void build_png(struct bytes *file, uint32_t rows, uint32_t cols, int depth, int colour,
               const void *pixels, size_t size);
// Sets every chunk's checksum right.
void repair_png(struct bytes *file);

void build_safetensors(struct bytes *file, const char *header, const void *data, size_t size);

struct member {
    const char *name;
    const void *bytes;
    size_t size;
};

// Stored members. zip64: sizes and places in the 64-bit fields.
void build_zip(struct bytes *file, const struct member *members, int count, int zip64);
// Sets every member's checksum right, as far as the directory can be read.
void repair_zip(struct bytes *file);

// What torch.save pickles, without its memo.
struct pickled_tensor {
    const char *storage; // "FloatStorage"
    const char *key;
    int64_t elements, offset; // of the storage, where the tensor begins in it
    int rank;
    int64_t dims[9], strides[9];
};
void pickle_text(struct bytes *pickle, const char *text);
void pickle_int(struct bytes *pickle, int64_t number);
void pickle_tensor(struct bytes *pickle, const struct pickled_tensor *tensor);
