// SPDX-License-Identifier: MIT
// Format: numpy.lib.format (NEP 1). The header is a Python dict of three keys in any order.
#include "vkgrid/formats/image.h"

#include "formats/axes.h"
#include "formats/bytes.h"
#include "formats/elements.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/memory.h"

#include <stdlib.h>

struct header {
    enum element element;
    bool big_endian, fortran;
    int rank;
    int64_t dims[8];
};

struct scanner {
    const char *at, *end;
};

static void skip_space(struct scanner *scanner)
{
    while (scanner->at < scanner->end && strchr(" \t\r\n", *scanner->at) && *scanner->at)
        scanner->at++;
}

static bool accept(struct scanner *scanner, const char *token)
{
    const size_t size = strlen(token);
    skip_space(scanner);
    if ((size_t)(scanner->end - scanner->at) < size || memcmp(scanner->at, token, size) != 0)
        return false;
    scanner->at += size;
    return true;
}

// A quoted text without escapes.
static bool scan_text(struct scanner *scanner, char *text, size_t size)
{
    const bool single = accept(scanner, "'");
    if (!single && !accept(scanner, "\""))
        return false;
    const char *end =
        memchr(scanner->at, single ? '\'' : '"', (size_t)(scanner->end - scanner->at));
    if (!end || (size_t)(end - scanner->at) >= size)
        return false;
    const size_t length = (size_t)(end - scanner->at);
    if (!is_printable((const uint8_t *)scanner->at, length))
        return false;
    memcpy(text, scanner->at, length);
    text[length] = 0;
    scanner->at = end + 1;
    return true;
}

static bool scan_number(struct scanner *scanner, int64_t *number)
{
    skip_space(scanner);
    const char *start = scanner->at;
    *number = 0;
    for (; scanner->at < scanner->end && *scanner->at >= '0' && *scanner->at <= '9'; scanner->at++)
        if (__builtin_mul_overflow(*number, 10, number) ||
            __builtin_add_overflow(*number, *scanner->at - '0', number))
            return false;
    return scanner->at > start;
}

// "(3, 4)", "(3,)", "()".
static bool scan_shape(struct scanner *scanner, struct header *header)
{
    if (!accept(scanner, "("))
        return false;
    while (!accept(scanner, ")")) {
        if (header->rank == 8 || !scan_number(scanner, &header->dims[header->rank++]))
            return false;
        if (!accept(scanner, ","))
            return accept(scanner, ")");
    }
    return true;
}

// "<f4": byte order, kind, bytes.
static bool read_dtype(const char *text, struct header *header)
{
    static const struct {
        const char *name;
        enum element element;
    } dtypes[] = {
        {"f8", ELEMENT_F64}, {"f4", ELEMENT_F32}, {"f2", ELEMENT_F16},  {"i8", ELEMENT_I64},
        {"i4", ELEMENT_I32}, {"i2", ELEMENT_I16}, {"i1", ELEMENT_I8},   {"u4", ELEMENT_U32},
        {"u2", ELEMENT_U16}, {"u1", ELEMENT_U8},  {"b1", ELEMENT_BOOL},
    };
    header->big_endian = text[0] == '>';
    for (size_t i = 0; text[0] && strchr("<>|=", text[0]) && i < sizeof(dtypes) / sizeof(dtypes[0]);
         i++)
        if (strcmp(dtypes[i].name, text + 1) == 0) {
            header->element = dtypes[i].element;
            return true;
        }
    return error_set(
        "unknown type %s: allowed are float16, 32, 64, (u)int8, 16, 32, int64 and bool", text);
}

static bool parse_header(const char *text, size_t size, struct header *header)
{
    struct scanner scanner = {text, text + size};
    enum { DESCR = 1, ORDER = 2, SHAPE = 4 };
    int seen = 0;
    char key[16], descr[16];
    if (!accept(&scanner, "{"))
        return error_set("its header is not a dict");
    while (!accept(&scanner, "}")) {
        if (!scan_text(&scanner, key, sizeof(key)) || !accept(&scanner, ":"))
            return error_set("its header is broken");
        if (strcmp(key, "descr") == 0 && !(seen & DESCR)) {
            seen |= DESCR;
            if (!scan_text(&scanner, descr, sizeof(descr)))
                return error_set("its type is not a plain number");
        } else if (strcmp(key, "fortran_order") == 0 && !(seen & ORDER)) {
            seen |= ORDER;
            header->fortran = accept(&scanner, "True");
            if (!header->fortran && !accept(&scanner, "False"))
                return error_set("its fortran_order is neither True nor False");
        } else if (strcmp(key, "shape") == 0 && !(seen & SHAPE)) {
            seen |= SHAPE;
            if (!scan_shape(&scanner, header))
                return error_set("its shape is not a tuple of at most 8 whole numbers");
        } else {
            return error_set("its header has the key %s twice, or should not have it", key);
        }
        if (!accept(&scanner, ",") && (scanner.at == scanner.end || *scanner.at != '}'))
            return error_set("its header is broken");
    }
    skip_space(&scanner);
    if (seen != (DESCR | ORDER | SHAPE) || scanner.at != scanner.end)
        return error_set("its header is not just descr, fortran_order and shape");
    return read_dtype(descr, header);
}

// Where the header's text is, by version.
static bool find_header(const uint8_t *bytes, size_t size, size_t *start, size_t *length)
{
    *start = size > 6 && bytes[6] == 1 ? 10 : 12;
    *length = 0;
    if (size < 6 || memcmp(bytes, "\x93NUMPY", 6) != 0)
        return error_set("not a .npy file");
    if (size < *start)
        return error_set("truncated in its header");
    if (bytes[6] < 1 || bytes[6] > 3 || bytes[7] != 0)
        return error_set(".npy version %d.%d: 1.0, 2.0 and 3.0 are read", bytes[6], bytes[7]);
    *length = bytes[6] == 1 ? load_u16(bytes + 8) : load_u32(bytes + 8);
    return *length <= size - *start || error_set("truncated in its header");
}

// May change the bytes.
static bool read_bytes(uint8_t *bytes, size_t size, struct image *image)
{
    struct header header = {0};
    size_t start, length, count;
    if (!find_header(bytes, size, &start, &length) ||
        !parse_header((const char *)bytes + start, length, &header))
        return false;
    if (header.rank < 2)
        return error_set("an array of %d axes: 2 are wanted, or 3, of which one is of channels",
                         header.rank);
    if (!element_count(header.rank, header.dims, &count) || count == 0)
        return error_set("an array of %lld x %lld elements: 1 to %zu elements are allowed",
                         (long long)header.dims[0], (long long)header.dims[1], ELEMENT_LIMIT);
    uint8_t *data = bytes + start + length;
    const size_t step = element_size(header.element), have = size - start - length;
    if (have != count * step)
        return error_set("%zu bytes of data, but its shape and type need %zu", have, count * step);
    if (header.big_endian)
        swap_elements(data, count, step);
    struct axes axes = {.rank = header.rank};
    memcpy(axes.dims, header.dims, sizeof(axes.dims));
    axes_dense(&axes, header.fortran);
    return axes_image(&axes, header.element, data, image);
}

bool image_read_npy(const char *path, struct image *image)
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

bool npy_write(const char *path, int rank, const int *dims, const float *values)
{
    struct text header = {0}, shape = {0};
    size_t count = 1;
    for (int i = 0; i < rank; i++) {
        count *= (size_t)dims[i];
        text_add(&shape, i == 0 ? "%d" : ", %d", dims[i]);
    }
    text_add(&header, "{'descr': '<f4', 'fortran_order': False, 'shape': (%s%s), }",
             rank > 0 ? shape.bytes : "", rank == 1 ? "," : "");
    // Magic, version, header length, header, newline: together a multiple of 64.
    const size_t start = (10 + header.size + 1 + 63) / 64 * 64,
                 size = start + count * sizeof(float);
    const uint16_t length = (uint16_t)(start - 10);
    uint8_t *bytes = mem_alloc(size);
    memset(bytes, ' ', start);
    memcpy(bytes, "\x93NUMPY\x01\x00", 8);
    memcpy(bytes + 8, &length, sizeof(length));
    memcpy(bytes + 10, header.bytes, header.size);
    bytes[start - 1] = '\n';
    if (count > 0)
        memcpy(bytes + start, values, count * sizeof(float));
    const bool written = file_write(path, bytes, size);
    free(bytes);
    free(header.bytes);
    free(shape.bytes);
    return written;
}
