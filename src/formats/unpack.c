// SPDX-License-Identifier: MIT
// Formats: zlib (RFC 1950), gzip (RFC 1952).
#include "formats/unpack.h"

#include "formats/bytes.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { GZIP_OR_ZLIB = 15 + 32, GZIP = 15 + 16, ZLIB = 15 }; // and 15 bits of window

static bool is_gzip(const uint8_t *bytes, size_t size)
{
    return size >= 18 && bytes[0] == 0x1f && bytes[1] == 0x8b;
}

// zlib counts in unsigned int: files and limits here are smaller.
static bool begin(z_stream *stream, const uint8_t *packed, size_t size)
{
    *stream = (z_stream){.next_in = (uint8_t *)packed, .avail_in = (uInt)size};
    return inflateInit2(stream, GZIP_OR_ZLIB) == Z_OK || error_set("zlib cannot begin");
}

// How large the result will be, as the file says; what that is worth is bounded by what so many
// bytes can hold.
static size_t expected_size(const uint8_t *packed, size_t size)
{
    const size_t said = load_u32(packed + size - 4), most = size * BEST_RATIO;
    const size_t expected = said < most ? said : most;
    return expected < UNPACKED_LIMIT ? expected : UNPACKED_LIMIT;
}

static bool only_zeros(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i])
            return false;
    return true;
}

// One part after the other until the bytes end, or only zeros are left as some writers pad.
static bool unpack_parts(z_stream *stream, uint8_t **bytes, size_t *size, size_t room)
{
    for (;;) {
        stream->next_out = *bytes + *size;
        stream->avail_out = (uInt)(room - *size);
        const int status = inflate(stream, Z_NO_FLUSH);
        *size = room - stream->avail_out;
        if (status == Z_STREAM_END) {
            if (only_zeros(stream->next_in, stream->avail_in))
                return true;
            if (!is_gzip(stream->next_in, stream->avail_in))
                return error_set("other bytes after the gzip data");
            if (inflateReset2(stream, GZIP_OR_ZLIB) != Z_OK)
                return error_set("zlib cannot begin");
        } else if (stream->avail_out == 0 && (status == Z_OK || status == Z_BUF_ERROR)) {
            if (room >= UNPACKED_LIMIT)
                return error_set("more than %zu MiB when it is unpacked", UNPACKED_LIMIT >> 20);
        } else {
            return error_set(status == Z_BUF_ERROR || status == Z_OK
                                 ? "truncated gzip data"
                                 : "damaged gzip data (its checksum or its codes are wrong)");
        }
        if (room == *size) {
            room = room * 2 < UNPACKED_LIMIT ? room * 2 : UNPACKED_LIMIT;
            *bytes = mem_grow(*bytes, room + 1, 1);
        }
    }
}

bool unpack_file(const char *path, uint8_t **bytes, size_t *size)
{
    void *read = NULL;
    size_t read_size;
    z_stream stream;
    if (!file_read(path, UNPACKED_LIMIT, &read, &read_size))
        return false;
    *bytes = read;
    *size = read_size;
    if (!is_gzip(read, read_size))
        return true;
    const size_t room = expected_size(read, read_size) + 64;
    *bytes = mem_alloc(room + 1);
    *size = 0;
    bool done = begin(&stream, read, read_size);
    if (done) {
        done = unpack_parts(&stream, bytes, size, room);
        inflateEnd(&stream);
    }
    free(read);
    if (done) {
        (*bytes)[*size] = 0;
        return true;
    }
    free(*bytes);
    *bytes = NULL;
    return error_prefix("%s", path);
}

bool unpack_stream(const uint8_t *packed, size_t packed_size, uint8_t *bytes, size_t size)
{
    z_stream stream;
    uint8_t over; // room for one byte too many tells a stream that is too long
    if (!begin(&stream, packed, packed_size))
        return false;
    stream.next_out = bytes;
    stream.avail_out = (uInt)size;
    int status = inflate(&stream, Z_FINISH);
    size_t have = size - stream.avail_out;
    if (status == Z_BUF_ERROR && stream.avail_out == 0) {
        stream.next_out = &over;
        stream.avail_out = 1;
        status = inflate(&stream, Z_FINISH);
        have += 1 - stream.avail_out;
    }
    inflateEnd(&stream);
    if (have > size)
        return error_set("more than %zu bytes of data come out of its compressed bytes", size);
    if (status != Z_STREAM_END)
        return error_set("its compressed bytes are %s",
                         status == Z_BUF_ERROR ? "truncated" : "damaged");
    return have == size ||
           error_set("%zu bytes of data, but its dimensions and type need %zu", have, size);
}

bool is_packed_name(const char *path)
{
    const size_t size = strlen(path);
    return size >= 3 &&
           (strcmp(path + size - 3, ".gz") == 0 || strcmp(path + size - 3, "mgz") == 0);
}

static uint8_t *pack(const void *bytes, size_t size, int bits, size_t *packed_size)
{
    z_stream stream = {0};
    if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY) !=
        Z_OK)
        return NULL;
    const size_t room = deflateBound(&stream, size);
    uint8_t *packed = mem_alloc(room);
    stream.next_in = (uint8_t *)bytes;
    stream.avail_in = (uInt)size;
    stream.next_out = packed;
    stream.avail_out = (uInt)room;
    const int status = deflate(&stream, Z_FINISH);
    *packed_size = room - stream.avail_out;
    deflateEnd(&stream);
    if (status == Z_STREAM_END)
        return packed;
    free(packed);
    return NULL;
}

bool pack_file(const char *path, const void *bytes, size_t size)
{
    size_t packed_size;
    uint8_t *packed = pack(bytes, size, GZIP, &packed_size);
    const bool written =
        packed ? file_write(path, packed, packed_size) : error_set("%s: zlib fails", path);
    free(packed);
    return written;
}

uint8_t *pack_stream(const void *bytes, size_t size, size_t *packed_size)
{
    uint8_t *packed = pack(bytes, size, ZLIB, packed_size);
    if (!packed)
        error_set("zlib fails");
    return packed;
}
