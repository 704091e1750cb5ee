// SPDX-License-Identifier: MIT
// Files and folders. Every file that vkgrid writes is written to a temporary name in the same
// folder, synced and renamed, so that a reader sees the old contents or the new, never a part.
#pragma once

#include <stdbool.h>
#include <stddef.h>

// The whole file, with a NUL after its last byte (not counted). Fails when it is larger than
// `limit` bytes, is a folder, or cannot be read. The caller frees *bytes.
bool file_read(const char *path, size_t limit, void **bytes, size_t *size);

// Replaces the file atomically and durably (fsync of file and folder). A full disk fails with
// ERROR_NO_SPACE (error.h).
bool file_write(const char *path, const void *bytes, size_t size);

// The same for a file in parts that lie apart.
struct file_part {
    const void *bytes;
    size_t size;
};
bool file_write_parts(const char *path, const struct file_part *parts, size_t count);

// The same for text.
bool file_write_text(const char *path, const char *text);

// Renames a file within its folder, durably.
bool file_rename(const char *from, const char *to);

// Whether a name is one that file_write() gives to a file while it is not whole:
// "<name>.<process>.tmp".
bool file_is_temporary(const char *name);
// The same, of a process that does not run on this machine.
bool file_is_left_over(const char *name);

// The folder part of a path, "." when there is none; the caller frees it.
char *file_folder(const char *path);

bool file_exists(const char *path);             // a regular file
bool folder_exists(const char *path);           // a folder
bool folder_same(const char *a, const char *b); // both are there and one

// mkdir -p. Fails with the first folder that could not be made.
bool folder_make(const char *path);

// Fails unless files can be made in the folder; a full disk with ERROR_NO_SPACE.
bool folder_check_writable(const char *path);

// Fails unless the folder is there and can be written, or can be made.
bool folder_check_target(const char *path);

// Calls `each` with the name of every file of a folder until it fails; a folder that is not there
// has none.
bool folder_each_file(const char *folder, bool (*each)(void *context, const char *name),
                      void *context);
