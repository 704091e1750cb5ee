// SPDX-License-Identifier: MIT
// A temporary folder for the files of a test program.
#pragma once

#include "tests/test.h"

// Makes the folder on first use. The result is valid until the eighth next call.
const char *scratch_path(const char *format, ...) __attribute__((format(printf, 1, 2)));

// Without syncing, unlike file_write: tests write thousands of files. Returns path.
const char *scratch_write(const char *path, const void *bytes, size_t size);

// Removes the folder with all that is in it.
void scratch_remove(void);
