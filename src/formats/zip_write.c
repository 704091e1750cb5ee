// SPDX-License-Identifier: MIT
#include "formats/zip_write.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { LOCAL_SIZE = 30, ENTRY_SIZE = 46, END_SIZE = 22, EXTRA_SIZE = 4 };
enum {
    VERSION = 10,     // of the format that is needed: 1.0
    DATE = 0x21,      // 1 January 1980, the first there is
    PADDING = 0x4246, // the extra field that PyTorch fills up with: "FB"
};

struct writer {
    uint8_t *bytes;
    size_t size, room;
};

// Little-endian.
static void add(struct writer *writer, uint64_t number, size_t size)
{
    writer->bytes = mem_reserve(writer->bytes, &writer->room, writer->size + size, 1);
    for (size_t i = 0; i < size; i++)
        writer->bytes[writer->size++] = (uint8_t)(number >> 8 * i);
}

static void add_bytes(struct writer *writer, const void *bytes, size_t size)
{
    writer->bytes = mem_reserve(writer->bytes, &writer->room, writer->size + size, 1);
    memcpy(writer->bytes + writer->size, bytes, size);
    writer->size += size;
}

// What a part's own header and its line of the directory have in common.
static void add_facts(struct writer *writer, const struct zip_part *part, uint32_t crc)
{
    add(writer, VERSION, 2);
    add(writer, 0, 2); // flags
    add(writer, 0, 2); // stored
    add(writer, 0, 2); // midnight
    add(writer, DATE, 2);
    add(writer, crc, 4);
    add(writer, part->size, 4);
    add(writer, part->size, 4);
    add(writer, strlen(part->name), 2);
}

// offset: where the header begins in the file.
static void add_local(struct writer *writer, const struct zip_part *part, uint32_t crc,
                      uint64_t offset, size_t align)
{
    const size_t name = strlen(part->name);
    const size_t padding = (size_t)(-(offset + LOCAL_SIZE + name + EXTRA_SIZE) & (align - 1));
    add(writer, 0x04034b50, 4);
    add_facts(writer, part, crc);
    add(writer, EXTRA_SIZE + padding, 2);
    add_bytes(writer, part->name, name);
    add(writer, PADDING, 2);
    add(writer, padding, 2);
    for (size_t i = 0; i < padding; i++)
        add(writer, 'Z', 1);
}

static void add_entry(struct writer *writer, const struct zip_part *part, uint32_t crc,
                      uint64_t offset)
{
    add(writer, 0x02014b50, 4);
    add(writer, VERSION, 2); // of the writer
    add_facts(writer, part, crc);
    add(writer, 0, 2); // extra field
    add(writer, 0, 2); // comment
    add(writer, 0, 2); // disk
    add(writer, 0, 2); // attributes
    add(writer, 0, 4);
    add(writer, offset, 4);
    add_bytes(writer, part->name, strlen(part->name));
}

static void add_end(struct writer *writer, size_t count, uint64_t offset, uint64_t size)
{
    add(writer, 0x06054b50, 4);
    add(writer, 0, 4); // disks
    add(writer, count, 2);
    add(writer, count, 2);
    add(writer, size, 4);
    add(writer, offset, 4);
    add(writer, 0, 2); // comment
}

// Headers of all parts one after the other, then the directory; at[i]: where header i begins there,
// at[count]: where the directory does. Returns the size of the whole file.
static uint64_t make_headers(struct writer *writer, const struct zip_part *parts, size_t count,
                             size_t align, size_t *at)
{
    struct writer directory = {0};
    uint64_t data = 0; // bytes of the parts before
    for (size_t i = 0; i < count; i++) {
        const uint32_t crc = (uint32_t)crc32_z(0, parts[i].bytes, parts[i].size);
        const uint64_t offset = writer->size + data;
        at[i] = writer->size;
        add_local(writer, &parts[i], crc, offset, align);
        add_entry(&directory, &parts[i], crc, offset);
        data += parts[i].size;
    }
    at[count] = writer->size;
    const uint64_t offset = writer->size + data;
    add_bytes(writer, directory.bytes, directory.size);
    add_end(writer, count, offset, directory.size);
    free(directory.bytes);
    return writer->size + data;
}

bool zip_write(const char *path, const struct zip_part *parts, size_t count, size_t align)
{
    uint64_t data = 0;
    for (size_t i = 0; i < count; i++)
        data += parts[i].size;
    if (count >= UINT16_MAX || data >= UINT32_MAX)
        return error_set(
            "%s: too large for a zip file without zip64: less than 4 GiB and 65535 "
            "parts are written",
            path);
    struct writer writer = {0};
    size_t *at = mem_alloc((count + 1) * sizeof(*at));
    struct file_part *pieces = mem_alloc((2 * count + 1) * sizeof(*pieces));
    const uint64_t size = make_headers(&writer, parts, count, align, at);
    for (size_t i = 0; i < count; i++) {
        pieces[2 * i] = (struct file_part){writer.bytes + at[i], at[i + 1] - at[i]};
        pieces[2 * i + 1] = (struct file_part){parts[i].bytes, parts[i].size};
    }
    pieces[2 * count] = (struct file_part){writer.bytes + at[count], writer.size - at[count]};
    const bool written = size <= UINT32_MAX ? file_write_parts(path, pieces, 2 * count + 1)
                                            : error_set("%s: 4 GiB and more are not written", path);
    free(pieces);
    free(at);
    free(writer.bytes);
    return written;
}
