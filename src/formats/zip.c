// SPDX-License-Identifier: MIT
#include "formats/zip.h"

#include "formats/bytes.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"

#include <stdlib.h>
#include <zlib.h>

enum { LOCAL_SIZE = 30, ENTRY_SIZE = 46, END_SIZE = 22, LOCATOR_SIZE = 20, END64_SIZE = 56 };
enum {
    LOCAL_MAGIC = 0x04034b50,
    ENTRY_MAGIC = 0x02014b50,
    END_MAGIC = 0x06054b50,
    LOCATOR_MAGIC = 0x07064b50,
    END64_MAGIC = 0x06064b50,
};

struct directory {
    uint64_t count, offset, size;
};

static bool fits(uint64_t offset, uint64_t size, uint64_t all)
{
    return offset <= all && size <= all - offset;
}

// The end record must be the file's last bytes: torch.save writes no comment after it.
static bool find_directory(const uint8_t *bytes, size_t size, struct directory *directory)
{
    if (size < 4 || load_u32(bytes) != LOCAL_MAGIC)
        return error_set("not a zip file: only what torch.save writes is read");
    if (size < END_SIZE || load_u32(bytes + size - END_SIZE) != END_MAGIC)
        return error_set("zip file without its end: truncated?");
    const uint8_t *end = bytes + size - END_SIZE;
    *directory = (struct directory){load_u16(end + 10), load_u32(end + 16), load_u32(end + 12)};
    uint64_t limit = size - END_SIZE;
    if (limit >= LOCATOR_SIZE && load_u32(end - LOCATOR_SIZE) == LOCATOR_MAGIC) {
        const uint64_t at = load_u64(end - LOCATOR_SIZE + 8);
        if (!fits(at, END64_SIZE, limit - LOCATOR_SIZE) || load_u32(bytes + at) != END64_MAGIC)
            return error_set("zip file whose zip64 end record is not where it should be");
        *directory = (struct directory){load_u64(bytes + at + 32), load_u64(bytes + at + 48),
                                        load_u64(bytes + at + 40)};
        limit = at;
    }
    if (!fits(directory->offset, directory->size, limit) ||
        directory->count > directory->size / ENTRY_SIZE)
        return error_set("zip file whose directory is not inside it");
    return true;
}

// Replaces the 32-bit fields that say "see the zip64 extra field".
static bool widen(const uint8_t *extra, size_t size, uint64_t *fields[3])
{
    while (size >= 4) {
        const size_t length = load_u16(extra + 2);
        if (length > size - 4)
            return false;
        if (load_u16(extra) == 1) {
            const uint8_t *at = extra + 4, *end = at + length;
            for (int i = 0; i < 3; i++) {
                if (*fields[i] != UINT32_MAX)
                    continue;
                if (end - at < 8)
                    return false;
                *fields[i] = load_u64(at);
                at += 8;
            }
            return true;
        }
        extra += 4 + length;
        size -= 4 + length;
    }
    return true;
}

// One directory entry and its local header. `data_end`: where the members end and the
// directory begins.
static bool read_entry(const uint8_t *bytes, uint64_t data_end, const uint8_t *entry,
                       struct zip_member *member)
{
    const size_t name_size = load_u16(entry + 28), extra_size = load_u16(entry + 30);
    const uint8_t *name = entry + ENTRY_SIZE;
    uint64_t packed = load_u32(entry + 20), size = load_u32(entry + 24),
             offset = load_u32(entry + 42);
    if (!is_printable(name, name_size))
        return error_set("zip member with control characters in its name");
    const int shown = name_size < 100 ? (int)name_size : 100;
    if (!widen(name + name_size, extra_size, (uint64_t *[]){&size, &packed, &offset}))
        return error_set("zip member %.*s: broken zip64 field", shown, name);
    if ((load_u16(entry + 8) & 1) || load_u16(entry + 10) != 0 || packed != size)
        return error_set("zip member %.*s: compressed or encrypted, which torch.save never does",
                         shown, name);
    if (!fits(offset, LOCAL_SIZE, data_end) || load_u32(bytes + offset) != LOCAL_MAGIC)
        return error_set("zip member %.*s: its header is not where the directory says", shown,
                         name);
    const uint64_t start =
        offset + LOCAL_SIZE + load_u16(bytes + offset + 26) + load_u16(bytes + offset + 28);
    if (!fits(start, size, data_end))
        return error_set("zip member %.*s: %llu bytes, more than the file has", shown, name,
                         (unsigned long long)size);
    if (load_u16(bytes + offset + 26) != name_size ||
        memcmp(bytes + offset + LOCAL_SIZE, name, name_size) != 0)
        return error_set("zip member %.*s: has another name in its own header", shown, name);
    if (crc32_z(0, bytes + start, (size_t)size) != load_u32(entry + 16))
        return error_set(
            "zip member %.*s: wrong checksum: damaged (or saved with compute_crc32=False)", shown,
            name);
    *member = (struct zip_member){(const char *)name, name_size, bytes + start, (size_t)size};
    return true;
}

static int by_name(const void *left, const void *right)
{
    const struct zip_member *a = left, *b = right;
    const size_t size = a->name_size < b->name_size ? a->name_size : b->name_size;
    const int order = memcmp(a->name, b->name, size);
    return order ? order : (a->name_size > b->name_size) - (a->name_size < b->name_size);
}

bool zip_open(const uint8_t *bytes, size_t size, struct zip *zip)
{
    struct directory directory = {0};
    *zip = (struct zip){0};
    CHECK(find_directory(bytes, size, &directory));
    zip->members = mem_zalloc((size_t)directory.count, sizeof(zip->members[0]));
    uint64_t at = directory.offset, left = directory.size, total = 0;
    for (; zip->count < directory.count; zip->count++) {
        const uint8_t *entry = bytes + at;
        if (left < ENTRY_SIZE || load_u32(entry) != ENTRY_MAGIC)
            FAIL("zip file with a broken directory");
        const uint64_t length = (uint64_t)ENTRY_SIZE + load_u16(entry + 28) + load_u16(entry + 30) +
                                load_u16(entry + 32);
        if (length > left)
            FAIL("zip file with a broken directory");
        CHECK(read_entry(bytes, directory.offset, entry, &zip->members[zip->count]));
        total += zip->members[zip->count].size;
        if (total > size) // before one block is read as a million members
            FAIL("zip file whose members overlap");
        at += length;
        left -= length;
    }
    if (left != 0)
        FAIL("zip file whose directory is longer than its %zu entries", zip->count);
    qsort(zip->members, zip->count, sizeof(zip->members[0]), by_name);
    for (size_t i = 1; i < zip->count; i++)
        if (by_name(&zip->members[i - 1], &zip->members[i]) == 0)
            FAIL("zip member %.*s: is there twice", (int)zip->members[i].name_size,
                 zip->members[i].name);
    return true;
error:
    zip_close(zip);
    return false;
}

void zip_close(struct zip *zip)
{
    free(zip->members);
    *zip = (struct zip){0};
}

const struct zip_member *zip_find(const struct zip *zip, const char *name)
{
    const struct zip_member wanted = {.name = name, .name_size = strlen(name)};
    return zip->count == 0 ? NULL
                           : bsearch(&wanted, zip->members, zip->count, sizeof(wanted), by_name);
}
