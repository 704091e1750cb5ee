// SPDX-License-Identifier: MIT
#include "vkgrid/base/file.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool file_read(const char *path, size_t limit, void **bytes, size_t *size)
{
    struct stat info;
    uint8_t *buffer = NULL;
    size_t done = 0;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_set("%s: %s", path, strerror(errno));
    if (fstat(fd, &info) != 0)
        FAIL("%s: %s", path, strerror(errno));
    if (!S_ISREG(info.st_mode))
        FAIL("%s: not a regular file", path);
    if ((uintmax_t)info.st_size > limit)
        FAIL("%s: %ju bytes, more than the %zu that are allowed here", path,
             (uintmax_t)info.st_size, limit);
    const size_t expected = (size_t)info.st_size;
    buffer = malloc(expected + 1);
    if (!buffer)
        FAIL("%s: no memory for %zu bytes", path, expected);
    while (done < expected) {
        const ssize_t got = read(fd, buffer + done, expected - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            FAIL("%s: %s", path, strerror(errno));
        if (got == 0)
            FAIL("%s: became shorter while it was read", path);
        done += (size_t)got;
    }
    buffer[expected] = 0;
    close(fd);
    *bytes = buffer;
    *size = expected;
    return true;
error:
    free(buffer);
    close(fd);
    return false;
}

char *file_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return text_copy(".");
    return slash == path ? text_copy("/") : text_format("%.*s", (int)(slash - path), path);
}

static bool write_all(int fd, const uint8_t *bytes, size_t size)
{
    while (size > 0) {
        const ssize_t put = write(fd, bytes, size);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            return false;
        bytes += put;
        size -= (size_t)put;
    }
    return true;
}

static bool write_parts(int fd, const struct file_part *parts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!write_all(fd, parts[i].bytes, parts[i].size))
            return false;
    return fsync(fd) == 0;
}

static bool sync_folder(const char *folder)
{
    const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return false;
    // Some file systems cannot sync a folder and say EINVAL: nothing more can be done there.
    const bool done = fsync(fd) == 0 || errno == EINVAL;
    close(fd);
    return done;
}

bool file_write_parts(const char *path, const struct file_part *parts, size_t count)
{
    char *temporary = text_format("%s.%ld.tmp", path, (long)getpid()), *folder = file_folder(path);
    const int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    bool made = fd >= 0, written = made && write_parts(fd, parts, count);
    int reason = errno;
    if (made && close(fd) != 0 && written) {
        written = false;
        reason = errno;
    }
    if (written && (rename(temporary, path) != 0 || !sync_folder(folder))) {
        written = false;
        reason = errno;
    }
    if (!written) {
        if (made)
            unlink(temporary);
        error_set_errno(reason, "%s: cannot write", path);
    }
    free(temporary);
    free(folder);
    return written;
}

bool file_write(const char *path, const void *bytes, size_t size)
{
    const struct file_part part = {bytes, size};
    return file_write_parts(path, &part, 1);
}

bool file_write_text(const char *path, const char *text)
{
    return file_write(path, text, strlen(text));
}

bool file_is_temporary(const char *name)
{
    const char *end = strrchr(name, '.'), *at = end;
    if (!end || strcmp(end, ".tmp") != 0)
        return false;
    while (at > name && at[-1] >= '0' && at[-1] <= '9')
        at--;
    return at < end && at - 1 > name && at[-1] == '.';
}

bool file_is_left_over(const char *name)
{
    if (!file_is_temporary(name))
        return false;
    const char *number = strrchr(name, '.');
    while (number[-1] != '.')
        number--;
    errno = 0;
    const long process = strtol(number, NULL, 10);
    return !errno && process > 0 && process <= INT_MAX && kill((pid_t)process, 0) != 0 &&
           errno == ESRCH;
}

bool file_rename(const char *from, const char *to)
{
    char *folder = file_folder(to);
    const bool renamed = rename(from, to) == 0 && sync_folder(folder);
    if (!renamed)
        error_set_errno(errno, "%s: cannot be renamed to %s", from, to);
    free(folder);
    return renamed;
}

bool file_exists(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

bool folder_exists(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

bool folder_same(const char *a, const char *b)
{
    struct stat left, right;
    return stat(a, &left) == 0 && stat(b, &right) == 0 && left.st_dev == right.st_dev &&
           left.st_ino == right.st_ino;
}

// One folder, whose parent is there; durably, as the files in it are.
static bool make_one(const char *path)
{
    if (mkdir(path, 0777) != 0) {
        const int reason = errno; // looking changes it
        return folder_exists(path) || error_set_errno(reason == EEXIST ? ENOTDIR : reason,
                                                      "%s: cannot make this folder", path);
    }
    char *parent = file_folder(path);
    const bool synced = sync_folder(parent);
    free(parent);
    return synced || error_set_errno(errno, "%s: cannot be synced", path);
}

bool folder_make(const char *path)
{
    if (!*path)
        return error_set("a folder without a name cannot be made");
    char *part = text_copy(path);
    bool made = true;
    for (char *end = part + 1; made; end++) {
        if (*end != '/' && *end != 0)
            continue;
        const char held = *end;
        *end = 0;
        made = make_one(part);
        *end = held;
        if (!held)
            break;
    }
    free(part);
    return made;
}

bool folder_check_writable(const char *path)
{
    if (!folder_exists(path))
        return error_set("%s: not a folder", path);
    char *probe = text_format("%s/.vkgrid.%ld.tmp", path, (long)getpid());
    const int fd = open(probe, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    const int reason = errno;
    if (fd >= 0) {
        close(fd);
        unlink(probe);
    }
    free(probe);
    return fd >= 0 || error_set_errno(reason, "%s: cannot write there", path);
}

bool folder_check_target(const char *path)
{
    struct stat info;
    if (stat(path, &info) == 0)
        return folder_check_writable(path);
    if (errno != ENOENT)
        return error_set("%s: cannot be written: %s", path, strerror(errno));
    // It will be made: look at the first folder above it that is there.
    char *above = text_copy(path);
    bool found = false;
    while (!found) {
        char *slash = strrchr(above, '/');
        if (!slash) {
            strcpy(above, path[0] == '/' ? "/" : ".");
            break;
        }
        *slash = 0;
        found = above[0] && stat(above, &info) == 0;
    }
    const bool writable = access(above, W_OK | X_OK) == 0 ||
                          error_set("%s: cannot be made: %s: %s", path, above, strerror(errno));
    free(above);
    return writable;
}

bool folder_each_file(const char *folder, bool (*each)(void *context, const char *name),
                      void *context)
{
    DIR *listing = opendir(folder);
    const struct dirent *entry;
    bool good = true;
    if (!listing)
        return errno == ENOENT || error_set("%s: cannot be read: %s", folder, strerror(errno));
    while (good && (entry = readdir(listing))) {
        char *path = text_format("%s/%s", folder, entry->d_name);
        if (file_exists(path))
            good = each(context, entry->d_name);
        free(path);
    }
    closedir(listing);
    return good;
}
