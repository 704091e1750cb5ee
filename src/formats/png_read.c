// SPDX-License-Identifier: MIT
// Reads .png with stb_image, which checks neither checksums nor how much memory a file makes it
// take: both are checked here first. Format: PNG specification (W3C, second edition).
#include "vkgrid/formats/image.h"

#include "formats/bytes.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/memory.h"

#include <ctype.h>
#include <stdlib.h>
#include <zlib.h>

// The largest block that stb_image may take for the file being read.
static _Thread_local size_t block_limit;

static void *limited_realloc(void *old, size_t size)
{
    return size <= block_limit ? realloc(old, size) : NULL;
}

#define STBI_MALLOC(size) limited_realloc(NULL, size)
#define STBI_REALLOC(old, size) limited_realloc(old, size)
#define STBI_FREE(block) free(block)
#define STBI_ONLY_PNG
#define STBI_NO_STDIO
#define STB_IMAGE_IMPLEMENTATION
#include <stb/stb_image.h>

struct header {
    uint32_t cols, rows;
    int depth, colour; // bits of a channel; 0 grey, 4 grey with alpha
};

static uint32_t load_big(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

// Walks over all chunks: length, type, data, CRC of type and data.
static bool check_chunks(const uint8_t *bytes, size_t size)
{
    static const uint8_t magic[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    if (size < sizeof(magic) || memcmp(bytes, magic, sizeof(magic)) != 0)
        return error_set("not a .png file");
    for (size_t at = sizeof(magic);;) {
        const uint8_t *chunk = bytes + at;
        if (size - at < 12 || load_big(chunk) > size - at - 12)
            return error_set("truncated");
        const uint32_t length = load_big(chunk);
        if (load_big(chunk + 8 + length) != crc32_z(0, chunk + 4, (size_t)length + 4))
            return error_set("damaged: wrong checksum in the chunk at byte %zu", at);
        for (int i = 4; i < 8; i++)
            if (!isalpha(chunk[i]))
                return error_set("damaged: no chunk at byte %zu", at);
        if (at == sizeof(magic) && (length != 13 || memcmp(chunk + 4, "IHDR", 4) != 0))
            return error_set("does not begin with IHDR");
        if (memcmp(chunk + 4, "IEND", 4) == 0)
            return true;
        at += (size_t)length + 12;
    }
}

static bool check_header(const uint8_t *bytes, size_t size, struct header *header)
{
    const uint8_t *data = bytes + 16;
    *header = (struct header){load_big(data), load_big(data + 4), data[8], data[9]};
    if (header->colour != 0 && header->colour != 4)
        return error_set("a colour image: only grey (8 or 16 bits) is read");
    const uint64_t count = (uint64_t)header->rows * header->cols;
    if (count == 0 || count > ELEMENT_LIMIT)
        return error_set("%u x %u pixels: 1 to %zu are allowed", header->rows, header->cols,
                         ELEMENT_LIMIT);
    // Deflate packs at most about 1032 to 1. The least that the pixels can take is the size of the
    // packed rows.
    const uint64_t row =
        ((uint64_t)header->cols * (unsigned)header->depth * (header->colour ? 2 : 1) + 7) / 8 + 1;
    if (row * header->rows / 1100 > size)
        return error_set("%zu bytes are too few for %u x %u pixels", size, header->rows,
                         header->cols);
    // stb_image unpacks to one block, doubling it at need, and widens it: twice the unpacked size
    // is always enough.
    block_limit = 2 * size + 2 * (size_t)count * 4 + 2 * (size_t)row * header->rows + 65536;
    return true;
}

static bool read_bytes(const uint8_t *bytes, size_t size, struct image *image)
{
    struct header header;
    int cols, rows, channels;
    void *pixels = NULL;
    CHECK(check_chunks(bytes, size));
    CHECK(check_header(bytes, size, &header));
    const bool wide = header.depth == 16;
    if (wide)
        pixels = stbi_load_16_from_memory(bytes, (int)size, &cols, &rows, &channels, 1);
    else
        pixels = stbi_load_from_memory(bytes, (int)size, &cols, &rows, &channels, 1);
    if (!pixels)
        FAIL("not a readable .png: %s", stbi_failure_reason());
    const size_t count = (size_t)rows * (size_t)cols;
    *image = (struct image){rows, cols, mem_alloc(count * sizeof(float))};
    for (size_t i = 0; i < count; i++)
        image->values[i] = wide ? (float)((const uint16_t *)pixels)[i] / 65535
                                : (float)((const uint8_t *)pixels)[i] / 255;
    free(pixels);
    return true;
error:
    return false;
}

bool png_read_image(const char *path, struct image *image)
{
    void *bytes = NULL;
    size_t size;
    *image = (struct image){0};
    if (!file_read(path, FILE_LIMIT, &bytes, &size))
        return false;
    const bool read = read_bytes(bytes, size, image);
    free(bytes);
    return read || error_prefix("%s", path);
}
