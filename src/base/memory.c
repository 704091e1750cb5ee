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

void *mem_reserve(void *array, size_t *room, size_t count, size_t size)
{
    if (count <= *room)
        return array;
    *room = count > 2 * *room ? count : 2 * *room;
    return mem_grow(array, *room, size);
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

void text_put(struct text *text, const char *bytes, size_t size)
{
    text->bytes = mem_reserve(text->bytes, &text->room, text->size + size + 1, 1);
    memcpy(text->bytes + text->size, bytes, size);
    text->size += size;
    text->bytes[text->size] = '\0';
}

void text_add(struct text *text, const char *format, ...)
{
    va_list args;
    size_t size;
    va_start(args, format);
    char *added = format_args(format, args, &size);
    va_end(args);
    text_put(text, added, size);
    free(added);
}
