// SPDX-License-Identifier: MIT
#include "tests/formats/build_surface.h"

#include "vkgrid/base/base64.h"
#include "vkgrid/base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

void bytes_big(struct bytes *bytes, uint32_t number)
{
    number = __builtin_bswap32(number);
    bytes_add(bytes, &number, 4);
}

void bytes_floats(struct bytes *bytes, int count, const float *values)
{
    for (int i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], 4);
        bytes_big(bytes, bits);
    }
}

void build_tetrahedron(struct bytes *file)
{
    static const float points[12] = {0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, -3.5f};
    static const uint8_t faces[12] = {0, 1, 2, 0, 2, 3, 0, 3, 1, 3, 2, 1};
    bytes_text(file,
               "\xff\xff\xfe"
               "made by a test\n\n");
    bytes_big(file, 4);
    bytes_big(file, 4);
    bytes_floats(file, 12, points);
    for (int i = 0; i < 12; i++)
        bytes_big(file, faces[i]);
}

void build_curv(struct bytes *file, int count, const float *values)
{
    bytes_text(file, "\xff\xff\xff");
    bytes_big(file, (uint32_t)count);
    bytes_big(file, 2 * (uint32_t)count - 4);
    bytes_big(file, 1);
    bytes_floats(file, count, values);
}

void build_mgh(struct bytes *file, int width, int type, const void *data, size_t size)
{
    static const uint8_t rest[284] = {0};
    const uint32_t header[] = {1, (uint32_t)width, 1, 1, 1, (uint32_t)type};
    for (int i = 0; i < 6; i++)
        bytes_big(file, header[i]);
    bytes_add(file, rest, 284 - file->size);
    bytes_add(file, data, size);
}

void build_annot(struct bytes *file, int version)
{
    static const char *const names[] = {"unknown", "V1", "V2"};
    static const uint8_t colors[3][4] = {{0, 0, 0, 255}, {255, 0, 0, 0}, {0, 1, 2, 55}};
    static const uint32_t values[] = {255, 256 + 2 * 65536, 0, 255};
    bytes_big(file, 4);
    for (uint32_t i = 0; i < 4; i++) {
        bytes_big(file, i);
        bytes_big(file, values[i]);
    }
    bytes_big(file, 1);
    bytes_big(file, version == 1 ? 3 : (uint32_t)-2);
    if (version == 2)
        bytes_big(file, 3);
    bytes_big(file, 4);
    bytes_add(file, "abc", 4);
    if (version == 2)
        bytes_big(file, 3);
    for (uint32_t i = 0; i < 3; i++) {
        const uint32_t size = (uint32_t)strlen(names[i]) + 1;
        if (version == 2)
            bytes_big(file, i);
        bytes_big(file, size);
        bytes_add(file, names[i], size);
        for (int k = 0; k < 4; k++)
            bytes_big(file, colors[i][k]);
    }
}

void build_gifti(struct bytes *file, const char *labels, const struct gifti_text *arrays, int count)
{
    struct text xml = {0};
    text_add(&xml,
             "<?xml version=\"1.0\"?>\n<!DOCTYPE GIFTI SYSTEM \"http://localhost/gifti.dtd\">\n"
             "<GIFTI Version=\"1.0\" NumberOfDataArrays=\"%d\"><LabelTable>%s</LabelTable>\n",
             count, labels);
    for (int i = 0; i < count; i++)
        text_add(&xml,
                 "<DataArray Intent=\"NIFTI_INTENT_%s\" DataType=\"NIFTI_TYPE_%s\" "
                 "Encoding=\"%s\" Endian=\"%s\" ArrayIndexingOrder=\"%s\" %s>\n"
                 "<Data>%s</Data></DataArray>\n",
                 arrays[i].intent, arrays[i].type, arrays[i].encoding, arrays[i].endian,
                 arrays[i].order, arrays[i].dims, arrays[i].data);
    text_add(&xml, "</GIFTI>\n");
    bytes_add(file, xml.bytes, xml.size);
    free(xml.bytes);
}

// bits: of zlib's window, 16 more for gzip.
static void pack(const void *data, size_t size, int bits, struct bytes *packed)
{
    z_stream stream = {0};
    deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY);
    packed->size = deflateBound(&stream, (uLong)size);
    packed->at = mem_alloc(packed->size);
    stream.next_in = (uint8_t *)data;
    stream.avail_in = (uInt)size;
    stream.next_out = packed->at;
    stream.avail_out = (uInt)packed->size;
    deflate(&stream, Z_FINISH);
    packed->size -= stream.avail_out;
    deflateEnd(&stream);
}

char *build_base64(const void *data, size_t size, bool zipped)
{
    struct bytes packed = {0};
    if (!zipped)
        return base64(data, size);
    pack(data, size, 15, &packed);
    char *text = base64(packed.at, packed.size);
    bytes_free(&packed);
    return text;
}

void build_gzip(struct bytes *file)
{
    struct bytes packed = {0};
    pack(file->at, file->size, 15 + 16, &packed);
    bytes_free(file);
    *file = packed;
}
