// SPDX-License-Identifier: MIT
#include "vkgrid/base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *checked(void *memory, size_t count, size_t size)
{
    if (!memory && count > 0 && size > 0) {
        fprintf(stderr, "vkgrid: out of memory: %zu x %zu bytes\n", count, size);
        abort();
    }
    return memory;
}

void *mem_alloc(size_t bytes)
{
    return checked(malloc(bytes), bytes, 1);
}

void *mem_zalloc(size_t count, size_t size)
{
    return checked(calloc(count, size), count, size);
}

void *mem_grow(void *old, size_t count, size_t size)
{
    return checked(reallocarray(old, count, size), count, size);
}

char *text_copy(const char *text)
{
    return checked(strdup(text), 1, 1);
}

static char *format_args(const char *format, va_list args, size_t *size)
{
    char *text;
    const int length = vasprintf(&text, format, args);
    checked(length < 0 ? NULL : text, 1, 1);
    *size = (size_t)length;
    return text;
}

char *text_format(const char *format, ...)
{
    va_list args;
    size_t size;
    va_start(args, format);
    char *text = format_args(format, args, &size);
    va_end(args);
    return text;
}

static size_t room(size_t size)
{
    size_t power = 64;
    while (power < size)
        power *= 2;
    return power;
}

void text_add(struct text *text, const char *format, ...)
{
    va_list args;
    size_t size;
    va_start(args, format);
    char *added = format_args(format, args, &size);
    va_end(args);
    // What is allocated is a power of two that follows from the size.
    if (!text->bytes || room(text->size + size + 1) > room(text->size + 1))
        text->bytes = mem_grow(text->bytes, room(text->size + size + 1), 1);
    memcpy(text->bytes + text->size, added, size + 1);
    text->size += size;
    free(added);
}
