// SPDX-License-Identifier: MIT
// Compressed bytes (zlib): whole files of gzip, and streams whose size is known before.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UNPACKED_LIMIT ((size_t)512 << 20) // bytes of a file when it is unpacked
enum { BEST_RATIO = 1032 };                // no byte of deflate gives more: its documentation says

// A file, unpacked where it begins as gzip does (of several parts one after the other, too), with a
// NUL after its last byte. Fails with "PATH: why" when it is packed and damaged, or when more than
// UNPACKED_LIMIT bytes come out. The caller frees *bytes.
bool unpack_file(const char *path, uint8_t **bytes, size_t *size);

// A stream of zlib or gzip that must give exactly `size` bytes.
bool unpack_stream(const uint8_t *packed, size_t packed_size, uint8_t *bytes, size_t size);

// Whether the path says that its file is packed: it ends in "z" as .mgz, or in ".gz".
bool is_packed_name(const char *path);

// file_write() of the bytes as gzip, without a time, so that equal bytes give equal files.
bool pack_file(const char *path, const void *bytes, size_t size);

// The bytes as a stream of zlib. The caller frees the result.
uint8_t *pack_stream(const void *bytes, size_t size, size_t *packed_size);
