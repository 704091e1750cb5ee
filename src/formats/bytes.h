// SPDX-License-Identifier: MIT
// Numbers in bytes at any alignment, and the sizes above which a file is refused.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the file formats are little-endian");

#define FILE_LIMIT ((size_t)1 << 30)    // bytes of a file
#define ELEMENT_LIMIT ((size_t)1 << 28) // elements of all arrays of a file together

static inline uint16_t load_u16(const uint8_t *at)
{
    uint16_t value;
    memcpy(&value, at, sizeof(value));
    return value;
}

static inline uint32_t load_u32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof(value));
    return value;
}

static inline uint64_t load_u64(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof(value));
    return value;
}

static inline uint32_t load_be32(const uint8_t *at)
{
    return __builtin_bswap32(load_u32(at));
}

static inline void store_be32(uint8_t *at, uint32_t value)
{
    value = __builtin_bswap32(value);
    memcpy(at, &value, sizeof(value));
}

// Big-endian elements of 2, 4 or 8 bytes to little-endian ones, or back, in place.
static inline void swap_elements(uint8_t *bytes, size_t count, size_t size)
{
    for (size_t i = 0; i < count; i++) {
        uint8_t *at = bytes + i * size;
        if (size == 2) {
            const uint16_t value = __builtin_bswap16(load_u16(at));
            memcpy(at, &value, sizeof(value));
        } else if (size == 4) {
            const uint32_t value = __builtin_bswap32(load_u32(at));
            memcpy(at, &value, sizeof(value));
        } else if (size == 8) {
            const uint64_t value = __builtin_bswap64(load_u64(at));
            memcpy(at, &value, sizeof(value));
        }
    }
}

// Whether the bytes can be shown in a message: no control characters.
static inline bool is_printable(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (bytes[i] < 0x20 || bytes[i] == 0x7f)
            return false;
    return true;
}
