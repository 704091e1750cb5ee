// SPDX-License-Identifier: MIT
// Memory and strings. Exhausted memory ends the process with a message: a program that cannot get a
// few bytes can do nothing useful, and no caller has to look.
#pragma once

#include <stddef.h>

// A new string, as asprintf. Aborts when memory is exhausted, so it never returns NULL.
char *text_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

// malloc, calloc, realloc and strdup that abort with a message when memory is exhausted. Sizes that
// come from a file must be bounded by the reader before they get here.
void *mem_alloc(size_t bytes);
void *mem_zalloc(size_t count, size_t size);
void *mem_grow(void *old, size_t count, size_t size);
char *text_copy(const char *text);

// The array, grown where it has room for fewer than `count` elements, at least to twice its room,
// which *room tells: both begin as NULL and 0.
//     list = mem_reserve(list, &room, used + 1, sizeof *list);
void *mem_reserve(void *array, size_t *room, size_t count, size_t size);

// A string that grows. Zero-initialise; free(text.bytes) ends it. Only text_add and text_put
// allocate; `size` may be lowered.
struct text {
    char *bytes; // NUL-terminated; NULL while empty
    size_t size;
    size_t room;
};
void text_add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
// Bytes that hold no NUL, as they are.
void text_put(struct text *text, const char *bytes, size_t size);
