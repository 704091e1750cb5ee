// SPDX-License-Identifier: MIT
#include "tests/formats/scratch.h"

#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[PATH_MAX];

const char *scratch_path(const char *format, ...)
{
    static char paths[8][PATH_MAX + 300];
    static int next;
    char *path = paths[next++ % 8];
    if (!folder[0]) {
        const char *parent = getenv("TMPDIR");
        if (!parent) // thousands of small files: in memory where there is such a folder
            parent = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
        snprintf(folder, sizeof(folder), "%s/vkgrid-test-XXXXXX", parent);
        assert_non_null(mkdtemp(folder));
    }
    const int used = snprintf(path, sizeof(paths[0]), "%s/", folder);
    va_list args;
    va_start(args, format);
    vsnprintf(path + used, sizeof(paths[0]) - (size_t)used, format, args);
    va_end(args);
    return path;
}

const char *scratch_write(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    return path;
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *position)
{
    (void)info, (void)type, (void)position;
    return remove(path);
}

void scratch_remove(void)
{
    if (folder[0])
        nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    folder[0] = 0;
}
