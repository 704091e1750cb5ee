// SPDX-License-Identifier: MIT
#include "tests/formats/build.h"

#include "vkgrid/base/memory.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

void bytes_add(struct bytes *bytes, const void *added, size_t size)
{
    bytes->at = mem_grow(bytes->at, bytes->size + size + 1, 1);
    if (size > 0)
        memcpy(bytes->at + bytes->size, added, size);
    bytes->size += size;
}

void bytes_text(struct bytes *bytes, const char *text)
{
    bytes_add(bytes, text, strlen(text));
}

void bytes_free(struct bytes *bytes)
{
    free(bytes->at);
    *bytes = (struct bytes){0};
}

// Little-endian.
static void add_number(struct bytes *bytes, uint64_t number, size_t size)
{
    bytes_add(bytes, &number, size);
}

static void add_big(struct bytes *bytes, uint32_t number)
{
    number = __builtin_bswap32(number);
    bytes_add(bytes, &number, 4);
}

void build_npy(struct bytes *file, int version, const char *header, const void *data, size_t size)
{
    bytes_text(file, "\x93NUMPY");
    add_number(file, (uint64_t)version, 2);
    add_number(file, strlen(header), version == 1 ? 2 : 4);
    bytes_text(file, header);
    bytes_add(file, data, size);
}

static void add_chunk(struct bytes *file, const char *type, const void *data, size_t size)
{
    add_big(file, (uint32_t)size);
    bytes_text(file, type);
    bytes_add(file, data, size);
    add_big(file, (uint32_t)crc32_z(0, file->at + file->size - size - 4, size + 4));
}

void build_png(struct bytes *file, uint32_t rows, uint32_t cols, int depth, int colour,
               const void *pixels, size_t size)
{
    struct bytes header = {0};
    uLongf packed_size = compressBound(size);
    uint8_t *packed = mem_alloc(packed_size);
    add_big(&header, cols);
    add_big(&header, rows);
    bytes_add(&header, (const uint8_t[]){(uint8_t)depth, (uint8_t)colour, 0, 0, 0}, 5);
    compress(packed, &packed_size, pixels, size);
    bytes_add(file, "\x89PNG\r\n\x1a\n", 8);
    add_chunk(file, "IHDR", header.at, header.size);
    add_chunk(file, "tEXt", "Comment\0any", 11);
    add_chunk(file, "IDAT", packed, packed_size);
    add_chunk(file, "IEND", "", 0);
    bytes_free(&header);
    free(packed);
}

static uint32_t big_at(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

void repair_png(struct bytes *file)
{
    for (size_t at = 8; at + 12 <= file->size;) {
        const size_t length = big_at(file->at + at);
        if (length > file->size - at - 12)
            return;
        const uint32_t crc = __builtin_bswap32((uint32_t)crc32_z(0, file->at + at + 4, length + 4));
        memcpy(file->at + at + 8 + length, &crc, 4);
        at += length + 12;
    }
}

void build_safetensors(struct bytes *file, const char *header, const void *data, size_t size)
{
    add_number(file, strlen(header), 8);
    bytes_text(file, header);
    bytes_add(file, data, size);
}

static void add_local(struct bytes *file, const struct member *member, uint32_t crc)
{
    bytes_text(file, "PK\3\4");
    add_number(file, 0, 8); // version, flags, method, time
    add_number(file, 0, 2);
    add_number(file, crc, 4);
    add_number(file, member->size, 4);
    add_number(file, member->size, 4);
    add_number(file, strlen(member->name), 2);
    add_number(file, 5, 2);
    bytes_text(file, member->name);
    bytes_add(file, "FB\1\0Z", 5); // torch.save fills up to its alignment like this
    bytes_add(file, member->bytes, member->size);
}

static void add_entry(struct bytes *file, const struct member *member, uint32_t crc, size_t offset,
                      bool zip64)
{
    bytes_text(file, "PK\1\2");
    add_number(file, 0, 8); // versions, flags, method
    add_number(file, 0, 4); // time
    add_number(file, crc, 4);
    add_number(file, zip64 ? UINT32_MAX : member->size, 4);
    add_number(file, zip64 ? UINT32_MAX : member->size, 4);
    add_number(file, strlen(member->name), 2);
    add_number(file, zip64 ? 33 : 0, 2);
    add_number(file, 0, 8); // comment, disk, attributes
    add_number(file, 0, 2);
    add_number(file, zip64 ? UINT32_MAX : offset, 4);
    bytes_text(file, member->name);
    if (!zip64)
        return;
    add_number(file, 0x7777, 2); // an unknown field before it
    add_number(file, 1, 2);
    add_number(file, 0, 1);
    add_number(file, 1, 2);
    add_number(file, 24, 2);
    add_number(file, member->size, 8);
    add_number(file, member->size, 8);
    add_number(file, offset, 8);
}

void build_zip(struct bytes *file, const struct member *members, int count, int zip64)
{
    size_t *offsets = mem_zalloc((size_t)count, sizeof(offsets[0]));
    for (int i = 0; i < count; i++) {
        offsets[i] = file->size;
        add_local(file, &members[i], (uint32_t)crc32_z(0, members[i].bytes, members[i].size));
    }
    const size_t start = file->size;
    for (int i = 0; i < count; i++)
        add_entry(file, &members[i], (uint32_t)crc32_z(0, members[i].bytes, members[i].size),
                  offsets[i], zip64);
    const size_t end = file->size;
    if (zip64) {
        bytes_text(file, "PK\6\6");
        add_number(file, 44, 8);
        add_number(file, 0, 8); // versions...
        add_number(file, 0, 4); // ... and disks
        add_number(file, (uint64_t)count, 8);
        add_number(file, (uint64_t)count, 8);
        add_number(file, end - start, 8);
        add_number(file, start, 8);
        bytes_text(file, "PK\6\7");
        add_number(file, 0, 4);
        add_number(file, end, 8);
        add_number(file, 1, 4);
    }
    bytes_text(file, "PK\5\6");
    add_number(file, 0, 4);
    add_number(file, zip64 ? UINT16_MAX : (uint64_t)count, 2);
    add_number(file, zip64 ? UINT16_MAX : (uint64_t)count, 2);
    add_number(file, zip64 ? UINT32_MAX : end - start, 4);
    add_number(file, zip64 ? UINT32_MAX : start, 4);
    add_number(file, 0, 2);
    free(offsets);
}

static size_t number_at(const struct bytes *file, size_t at, size_t size)
{
    size_t number = 0;
    memcpy(&number, file->at + at, size);
    return number;
}

// For files without zip64.
void repair_zip(struct bytes *file)
{
    if (file->size < 22)
        return;
    for (size_t at = number_at(file, file->size - 6, 4);
         at + 46 <= file->size && !memcmp(file->at + at, "PK\1\2", 4);) {
        const size_t offset = number_at(file, at + 42, 4), size = number_at(file, at + 24, 4);
        if (offset + 30 <= file->size) {
            const size_t start =
                offset + 30 + number_at(file, offset + 26, 2) + number_at(file, offset + 28, 2);
            if (start + size <= file->size) {
                const uint32_t crc = (uint32_t)crc32_z(0, file->at + start, size);
                memcpy(file->at + at + 16, &crc, 4);
            }
        }
        at += 46 + number_at(file, at + 28, 2) + number_at(file, at + 30, 2) +
              number_at(file, at + 32, 2);
    }
}

void pickle_text(struct bytes *pickle, const char *text)
{
    bytes_text(pickle, "X");
    add_number(pickle, strlen(text), 4);
    bytes_text(pickle, text);
}

void pickle_int(struct bytes *pickle, int64_t number)
{
    bytes_add(pickle, "\x8a\x08", 2);
    add_number(pickle, (uint64_t)number, 8);
}

static void pickle_numbers(struct bytes *pickle, int count, const int64_t *numbers)
{
    bytes_text(pickle, "(");
    for (int i = 0; i < count; i++)
        pickle_int(pickle, numbers[i]);
    bytes_text(pickle, "t");
}

void pickle_tensor(struct bytes *pickle, const struct pickled_tensor *tensor)
{
    bytes_text(pickle, "ctorch._utils\n_rebuild_tensor_v2\n((");
    pickle_text(pickle, "storage");
    bytes_text(pickle, "ctorch\n");
    bytes_text(pickle, tensor->storage);
    bytes_text(pickle, "\n");
    pickle_text(pickle, tensor->key);
    pickle_text(pickle, "cpu");
    pickle_int(pickle, tensor->elements);
    bytes_text(pickle, "tQ");
    pickle_int(pickle, tensor->offset);
    pickle_numbers(pickle, tensor->rank, tensor->dims);
    pickle_numbers(pickle, tensor->rank, tensor->strides);
    bytes_text(pickle,
               "\x89"
               "ccollections\nOrderedDict\n)RtR");
}
