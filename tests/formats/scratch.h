// SPDX-License-Identifier: MIT
// A temporary folder for the files of a test program.
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

// Makes the folder on first use. The result is valid until the eighth next call.
const char *scratch_path(const char *format, ...) __attribute__((format(printf, 1, 2)));

// Without syncing, unlike file_write: tests write thousands of files. Returns path.
const char *scratch_write(const char *path, const void *bytes, size_t size);

// Removes the folder with all that is in it.
void scratch_remove(void);

// Fails the test unless the last error is one line that contains the text.
void assert_error(const char *text);
