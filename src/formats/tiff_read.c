// SPDX-License-Identifier: MIT
// Reads .tif with libtiff: the first image of the file, in strips or tiles, of any compression that
// the library has. Format: TIFF 6.0, BigTIFF.
#include "formats/unpack_image.h"

#include "formats/bytes.h"
#include "formats/elements.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <tiffio.h>

#define FIRST_ROOM ((size_t)1 << 20) // values of which memory is taken at once
#define TILE_ROOM ((size_t)16 << 20) // bytes of a tile that a small image may have

struct memory {
    const uint8_t *bytes;
    uint64_t size, at;
};

struct layout {
    uint32_t rows, cols;
    uint16_t channels, bits, format, colours, planes, alpha;
    enum element element; // of 8 bits and more
};

// --- The file in memory -------------------------------------------------------------------------

static tmsize_t read_memory(thandle_t handle, void *to, tmsize_t size)
{
    struct memory *memory = handle;
    const uint64_t left = memory->at < memory->size ? memory->size - memory->at : 0;
    const uint64_t count = (uint64_t)size < left ? (uint64_t)size : left;
    memcpy(to, memory->bytes + (count ? memory->at : 0), count);
    memory->at += count;
    return (tmsize_t)count;
}

static tmsize_t write_nothing(thandle_t handle, void *from, tmsize_t size)
{
    (void)handle;
    (void)from;
    (void)size;
    return 0;
}

static toff_t seek_memory(thandle_t handle, toff_t offset, int whence)
{
    struct memory *memory = handle;
    memory->at = whence == SEEK_SET   ? offset
                 : whence == SEEK_CUR ? memory->at + offset
                                      : memory->size + offset;
    return memory->at;
}

static int close_nothing(thandle_t handle)
{
    (void)handle;
    return 0;
}

static toff_t memory_size(thandle_t handle)
{
    return ((struct memory *)handle)->size;
}

// The first error stays: what follows comes from it.
static int take_error(TIFF *tiff, void *context, const char *module, const char *format,
                      va_list values)
{
    bool *failed = context;
    char text[300];
    (void)tiff;
    (void)module;
    vsnprintf(text, sizeof(text), format, values);
    for (char *at = text; *at; at++) // parts of the file may stand in it
        *at = *at < ' ' || *at > '~' ? '?' : *at;
    if (!*failed)
        error_set("not a readable .tif: %s", text);
    *failed = true;
    return 1;
}

static int ignore_warning(TIFF *tiff, void *context, const char *module, const char *format,
                          va_list values)
{
    (void)tiff;
    (void)context;
    (void)module;
    (void)format;
    (void)values;
    return 1;
}

static TIFF *open_tiff(struct memory *memory, bool *failed)
{
    TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
    if (!options)
        return NULL;
    TIFFOpenOptionsSetErrorHandlerExtR(options, take_error, failed);
    TIFFOpenOptionsSetWarningHandlerExtR(options, ignore_warning, NULL);
    TIFFOpenOptionsSetMaxSingleMemAlloc(options, (tmsize_t)FILE_LIMIT);
    TIFF *tiff = TIFFClientOpenExt("image", "rm", memory, read_memory, write_nothing, seek_memory,
                                   close_nothing, memory_size, NULL, NULL, options);
    TIFFOpenOptionsFree(options);
    return tiff;
}

// --- What the image is --------------------------------------------------------------------------

static bool find_element(struct layout *layout)
{
    static const struct {
        uint16_t format, bits;
        enum element element;
    } types[] = {
        {SAMPLEFORMAT_UINT, 1, ELEMENT_U8},     {SAMPLEFORMAT_UINT, 2, ELEMENT_U8},
        {SAMPLEFORMAT_UINT, 4, ELEMENT_U8},     {SAMPLEFORMAT_UINT, 8, ELEMENT_U8},
        {SAMPLEFORMAT_UINT, 16, ELEMENT_U16},   {SAMPLEFORMAT_UINT, 32, ELEMENT_U32},
        {SAMPLEFORMAT_INT, 8, ELEMENT_I8},      {SAMPLEFORMAT_INT, 16, ELEMENT_I16},
        {SAMPLEFORMAT_INT, 32, ELEMENT_I32},    {SAMPLEFORMAT_IEEEFP, 16, ELEMENT_F16},
        {SAMPLEFORMAT_IEEEFP, 32, ELEMENT_F32}, {SAMPLEFORMAT_IEEEFP, 64, ELEMENT_F64},
    };
    const uint16_t format =
        layout->format == SAMPLEFORMAT_VOID ? SAMPLEFORMAT_UINT : layout->format;
    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
        if (types[i].format == format && types[i].bits == layout->bits) {
            layout->element = types[i].element;
            return true;
        }
    }
    return error_set(
        "%u bits of sample format %u: 1, 2, 4, 8, 16, 32 bits of whole numbers and 16, 32, "
        "64 of fractions are read",
        layout->bits, layout->format);
}

static bool check_colours(TIFF *tiff, struct layout *layout)
{
    uint16_t compression = COMPRESSION_NONE;
    TIFFGetFieldDefaulted(tiff, TIFFTAG_COMPRESSION, &compression);
    if (!TIFFGetField(tiff, TIFFTAG_PHOTOMETRIC, &layout->colours))
        layout->colours = PHOTOMETRIC_MINISBLACK;
    if (layout->colours == PHOTOMETRIC_YCBCR && compression == COMPRESSION_JPEG) {
        TIFFSetField(tiff, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
        layout->colours = PHOTOMETRIC_RGB;
    }
    switch (layout->colours) {
    case PHOTOMETRIC_MINISBLACK:
    case PHOTOMETRIC_MINISWHITE:
    case PHOTOMETRIC_RGB:
        return true;
    case PHOTOMETRIC_PALETTE:
        return (layout->bits <= 8 && layout->channels == 1 && layout->element == ELEMENT_U8) ||
               error_set("a palette image of %u channels of %u bits: one of at most 8 is read",
                         layout->channels, layout->bits);
    default:
        return error_set("colours of kind %u: grey, RGB and palettes are read", layout->colours);
    }
}

// At most how many bytes a compression makes of one. (An empty row of a fax is one bit: of empty
// images only those of up to 8192 columns are believed, since libtiff goes on behind the end.)
static size_t best_packing(TIFF *tiff)
{
    uint16_t compression = COMPRESSION_NONE;
    TIFFGetFieldDefaulted(tiff, TIFFTAG_COMPRESSION, &compression);
    switch (compression) {
    case COMPRESSION_NONE:
        return 1;
    case COMPRESSION_PACKBITS:
        return 64;
    case COMPRESSION_LZW: // 12 bits for a string of 4096
        return 2731;
    case COMPRESSION_DEFLATE:
    case COMPRESSION_ADOBE_DEFLATE:
        return 1032;
    case COMPRESSION_OJPEG: // a bit for a block of 8 x 8, of three channels
    case COMPRESSION_JPEG:
        return 3 * 512;
    case COMPRESSION_CCITTRLE:
    case COMPRESSION_CCITTRLEW:
    case COMPRESSION_CCITTFAX3:
    case COMPRESSION_CCITTFAX4:
        return 8192;
    default: // Zstandard, LZMA and others
        return 30000;
    }
}

static bool check_layout(TIFF *tiff, size_t file_size, struct layout *layout)
{
    uint16_t extra_count = 0, *extra = NULL;
    if (!TIFFGetField(tiff, TIFFTAG_IMAGEWIDTH, &layout->cols) ||
        !TIFFGetField(tiff, TIFFTAG_IMAGELENGTH, &layout->rows))
        return error_set("says nothing of its size");
    TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLESPERPIXEL, &layout->channels);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_BITSPERSAMPLE, &layout->bits);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_SAMPLEFORMAT, &layout->format);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_PLANARCONFIG, &layout->planes);
    TIFFGetFieldDefaulted(tiff, TIFFTAG_EXTRASAMPLES, &extra_count, &extra);
    layout->alpha = extra_count > 0 && extra && extra_count < layout->channels &&
                    (extra[extra_count - 1] == EXTRASAMPLE_ASSOCALPHA ||
                     extra[extra_count - 1] == EXTRASAMPLE_UNASSALPHA);
    const int64_t dims[] = {layout->rows, layout->cols, layout->channels};
    size_t count;
    if (!element_count(3, dims, &count) || count == 0 || layout->channels > IMAGE_CHANNELS ||
        layout->rows > INT_MAX || layout->cols > INT_MAX)
        return error_set("%u x %u pixels of %u channels: 1 to %zu values are allowed", layout->rows,
                         layout->cols, layout->channels, ELEMENT_LIMIT);
    if (count * layout->bits / 8 / best_packing(tiff) > file_size)
        return error_set("%zu bytes are too few for %u x %u pixels", file_size, layout->rows,
                         layout->cols);
    return find_element(layout) && check_colours(tiff, layout);
}

// --- Its values ---------------------------------------------------------------------------------

// `count` samples of a row, each `channels` apart from the next, to values that are `step` apart.
static void take_samples(const struct layout *layout, const uint8_t *row, uint32_t count,
                         float *values, size_t step)
{
    const size_t size = element_size(layout->element);
    for (uint32_t i = 0; i < count; i++) {
        if (layout->bits >= 8) {
            values[i * step] = element_to_float(layout->element, row + i * size);
            continue;
        }
        const unsigned bit = i * layout->bits,
                       shift = 8 - layout->bits - bit % 8; // the first is in the highest bits
        values[i * step] = (float)(row[bit / 8] >> shift & ((1u << layout->bits) - 1));
    }
}

// The image as far as it has been read: memory is taken when there is something to put there, since
// a few bytes may say that they are many pixels.
struct canvas {
    struct image *image;
    size_t room; // of its values
};

static float *take_rows(struct canvas *canvas, const struct layout *layout, uint64_t rows)
{
    const size_t row = (size_t)layout->cols * layout->channels, all = row * layout->rows;
    const size_t needed = row * (rows < layout->rows ? rows : layout->rows);
    if (needed > canvas->room) {
        canvas->room = needed > 2 * canvas->room ? needed : 2 * canvas->room;
        canvas->room = canvas->room > FIRST_ROOM ? canvas->room : FIRST_ROOM;
        canvas->room = canvas->room < all ? canvas->room : all;
        canvas->image->values = mem_grow(canvas->image->values, canvas->room, sizeof(float));
    }
    return canvas->image->values;
}

// planes: 1 when the channels of a pixel lie side by side, else one for each channel.
static bool read_rows(TIFF *tiff, const struct layout *layout, uint16_t planes,
                      struct canvas *canvas)
{
    const uint16_t together = planes == 1 ? layout->channels : 1;
    const uint64_t wanted = ((uint64_t)layout->cols * together * layout->bits + 7) / 8;
    const tmsize_t size = TIFFScanlineSize(tiff);
    if (size <= 0 || (uint64_t)size < wanted)
        return error_set("rows of %lld bytes, but %llu are needed", (long long)size,
                         (unsigned long long)wanted);
    uint8_t *line = mem_zalloc((size_t)size, 1);
    bool read = true;
    for (uint16_t plane = 0; read && plane < planes; plane++) {
        for (uint32_t row = 0; read && row < layout->rows; row++) {
            read = TIFFReadScanline(tiff, line, row, plane) == 1;
            if (read)
                take_samples(layout, line, layout->cols * together,
                             take_rows(canvas, layout, (uint64_t)row + 1) +
                                 (size_t)row * layout->cols * layout->channels + plane,
                             planes == 1 ? 1 : layout->channels);
        }
    }
    free(line);
    return read;
}

struct tiles {
    uint32_t rows, cols;
    uint64_t row_bytes;
    uint8_t *bytes;
};

static void take_tile(const struct layout *layout, const struct tiles *tiles, uint32_t top,
                      uint32_t left, uint16_t plane, uint16_t planes, float *values)
{
    const uint16_t together = planes == 1 ? layout->channels : 1;
    const uint32_t cols = layout->cols - left < tiles->cols ? layout->cols - left : tiles->cols;
    for (uint32_t row = 0; row < tiles->rows && top + row < layout->rows; row++)
        take_samples(layout, tiles->bytes + row * tiles->row_bytes, cols * together,
                     values + ((size_t)(top + row) * layout->cols + left) * layout->channels +
                         plane,
                     planes == 1 ? 1 : layout->channels);
}

static bool read_tiles(TIFF *tiff, const struct layout *layout, uint16_t planes,
                       struct canvas *canvas)
{
    const uint16_t together = planes == 1 ? layout->channels : 1;
    struct tiles tiles = {0};
    TIFFGetField(tiff, TIFFTAG_TILEWIDTH, &tiles.cols);
    TIFFGetField(tiff, TIFFTAG_TILELENGTH, &tiles.rows);
    const tmsize_t size = TIFFTileSize(tiff);
    tiles.row_bytes = ((uint64_t)tiles.cols * together * layout->bits + 7) / 8;
    // A tile may be larger than the image, but not by much.
    const uint64_t whole = (uint64_t)layout->rows * layout->cols * together * layout->bits / 8;
    if (size <= 0 || (uint64_t)size > TILE_ROOM + 4 * whole || tiles.rows == 0 || tiles.cols == 0 ||
        (uint64_t)size / tiles.rows < tiles.row_bytes)
        return error_set("tiles of %u x %u in %lld bytes", tiles.rows, tiles.cols, (long long)size);
    tiles.bytes = mem_zalloc((size_t)size, 1);
    bool read = true;
    for (uint16_t plane = 0; plane < planes; plane++) {
        for (uint64_t top = 0; read && top < layout->rows; top += tiles.rows) {
            for (uint64_t left = 0; read && left < layout->cols; left += tiles.cols) {
                read =
                    TIFFReadTile(tiff, tiles.bytes, (uint32_t)left, (uint32_t)top, 0, plane) >= 0;
                if (read)
                    take_tile(layout, &tiles, (uint32_t)top, (uint32_t)left, plane, planes,
                              take_rows(canvas, layout, top + tiles.rows));
            }
        }
    }
    free(tiles.bytes);
    return read;
}

static bool take_palette(TIFF *tiff, const struct layout *layout, struct image *image)
{
    uint16_t *colours[3];
    if (!TIFFGetField(tiff, TIFFTAG_COLORMAP, &colours[0], &colours[1], &colours[2]))
        return error_set("a palette image without a palette");
    image->kind = IMAGE_PALETTE;
    image->range = 255;
    image->colours = 1 << layout->bits;
    image->palette = mem_zalloc(IMAGE_COLOURS, 4);
    for (int i = 0; i < image->colours; i++) {
        for (int channel = 0; channel < 3; channel++)
            image->palette[4 * i + channel] = (uint8_t)(colours[channel][i] >> 8);
        image->palette[4 * i + 3] = 255;
    }
    return true;
}

static bool take_kind(TIFF *tiff, const struct layout *layout, struct image *image)
{
    const bool whole = layout->element == ELEMENT_U8 || layout->element == ELEMENT_U16;
    const size_t count = (size_t)layout->rows * layout->cols * layout->channels;
    if (layout->colours == PHOTOMETRIC_PALETTE)
        return take_palette(tiff, layout, image);
    image->kind = whole ? IMAGE_PICTURE : IMAGE_ARRAY;
    image->range = whole ? (float)((1u << layout->bits) - 1) : 1;
    image->alpha = whole && layout->alpha;
    for (size_t i = 0; layout->colours == PHOTOMETRIC_MINISWHITE && whole && i < count; i++)
        image->values[i] = image->range - image->values[i];
    return true;
}

// A stack is more than one image; smaller copies of the first are none.
static bool check_single(TIFF *tiff)
{
    uint32_t kind;
    while (TIFFReadDirectory(tiff)) {
        kind = 0;
        TIFFGetField(tiff, TIFFTAG_SUBFILETYPE, &kind);
        if (!(kind & (FILETYPE_REDUCEDIMAGE | FILETYPE_MASK)))
            return error_set("holds more than one image: one is wanted");
    }
    return true;
}

static bool read_image(TIFF *tiff, size_t file_size, struct image *image)
{
    struct layout layout = {0};
    if (!check_layout(tiff, file_size, &layout))
        return false;
    const uint16_t planes = layout.planes == PLANARCONFIG_SEPARATE ? layout.channels : 1;
    image->rows = (int)layout.rows;
    image->cols = (int)layout.cols;
    image->channels = layout.channels;
    struct canvas canvas = {image, 0};
    return (TIFFIsTiled(tiff) ? read_tiles(tiff, &layout, planes, &canvas)
                              : read_rows(tiff, &layout, planes, &canvas)) &&
           take_kind(tiff, &layout, image) && check_single(tiff);
}

bool tiff_unpack(const uint8_t *bytes, size_t size, struct image *image)
{
    struct memory memory = {bytes, size, 0};
    bool failed = false;
    error_set("not a readable .tif");
    TIFF *tiff = open_tiff(&memory, &failed);
    const bool read = tiff && read_image(tiff, size, image) && !failed;
    if (tiff)
        TIFFClose(tiff);
    return read;
}
