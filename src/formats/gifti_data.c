// SPDX-License-Identifier: MIT
// Formats: base64 (RFC 4648), zlib (RFC 1950), numbers as text.
#include "formats/gifti_data.h"

#include "formats/bytes.h"
#include "formats/unpack.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"

#include <stdlib.h>

enum { NO_DIGIT = 64, SPACE, PADDING };

static void fill_digits(uint8_t digits[256])
{
    memset(digits, NO_DIGIT, 256);
    for (uint8_t i = 0; i < 26; i++) {
        digits['A' + i] = i;
        digits['a' + i] = (uint8_t)(26 + i);
    }
    for (uint8_t i = 0; i < 10; i++)
        digits['0' + i] = (uint8_t)(52 + i);
    digits['+'] = 62;
    digits['/'] = 63;
    digits['='] = PADDING;
    digits[' '] = digits['\t'] = digits['\r'] = digits['\n'] = SPACE;
}

// In place: three bytes never need more room than their four digits.
static bool decode_base64(uint8_t *text, size_t size, size_t *decoded)
{
    uint8_t digits[256];
    uint32_t word = 0;
    int held = 0, padding = 0;
    size_t done = 0;
    fill_digits(digits);
    for (size_t i = 0; i < size; i++) {
        const uint8_t digit = digits[text[i]];
        if (digit == SPACE)
            continue;
        if (digit == NO_DIGIT || (padding > 0 && digit != PADDING))
            return error_set("its data is not base64");
        padding += digit == PADDING;
        word = word << 6 | (digit & 63u);
        if (++held < 4)
            continue;
        if (padding > 2)
            return error_set("its data is not base64");
        text[done++] = (uint8_t)(word >> 16);
        if (padding < 2)
            text[done++] = (uint8_t)(word >> 8);
        if (padding < 1)
            text[done++] = (uint8_t)word;
        held = 0;
        word = 0;
    }
    *decoded = done;
    return held == 0 || error_set("its base64 data is truncated");
}

static bool decode_text(const char *text, size_t size, struct gifti_array *array)
{
    const char *at = text;
    const bool is_float = element_is_float(array->element);
    if (array->count > size / 2 + 1) // a digit and a space each
        return error_set("%zu bytes of text, but its dimensions need %zu numbers", size,
                         array->count);
    array->element = is_float ? ELEMENT_F64 : ELEMENT_I64;
    array->data = mem_alloc(array->count * 8);
    for (size_t i = 0; i < array->count; i++) {
        char *end;
        const double real = is_float ? strtod(at, &end) : 0;
        const int64_t whole = is_float ? 0 : strtoll(at, &end, 10);
        if (end == at || (*end && !strchr(" \t\r\n", *end)))
            return error_set("number %zu of %zu: missing or no number", i + 1, array->count);
        memcpy(array->data + i * 8, is_float ? (const void *)&real : (const void *)&whole, 8);
        at = end;
    }
    at += strspn(at, " \t\r\n");
    return at == text + size ||
           error_set("more than the %zu numbers of its dimensions", array->count);
}

bool gifti_decode(char *text, size_t size, enum gifti_encoding encoding, bool big_endian,
                  struct gifti_array *array)
{
    if (encoding == GIFTI_ASCII)
        return decode_text(text, size, array);
    uint8_t *bytes = (uint8_t *)text;
    const size_t step = element_size(array->element), want = array->count * step;
    size_t have;
    if (!decode_base64(bytes, size, &have))
        return false;
    if (encoding == GIFTI_BASE64 ? have != want : want / BEST_RATIO > have)
        return error_set("%zu bytes of data, but its dimensions and type need %zu", have, want);
    array->data = mem_alloc(want);
    if (encoding == GIFTI_BASE64)
        memcpy(array->data, bytes, want);
    else if (!unpack_stream(bytes, have, array->data, want))
        return false;
    if (big_endian)
        swap_elements(array->data, array->count, step);
    return true;
}
