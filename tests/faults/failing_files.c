// SPDX-License-Identifier: MIT
// A file system that fails, for LD_PRELOAD. It minds the files below one folder only:
//
//   FAULT_ROOT=DIR          that folder, as an absolute path without symbolic links
//   FAULT_SEED=N            of every random choice here
//   FAULT_RATE=N            one in N operations fails, with ...
//   FAULT_ERRORS=ENOSPC,EIO ... one of these (both when it is not set)
//   FAULT_FULL=N            a full disk stays full for N operations that need room (default 1)
//   FAULT_FULL_AFTER=N      the disk is full from the Nth operation that needs room on, once
//   FAULT_CRASH_AFTER=N     the process dies by SIGKILL in place of its Nth operation ...
//   FAULT_CRASH=kill        ... and nothing else happens, or
//               torn        ... after a part of the bytes, where the operation is a write, or
//               power       ... and so does the machine: see below
//   FAULT_COUNT=FILE        a process that ends by itself writes there how many operations it did
//
// Loss of power. What a file held when it was last synced is sure; of each block written since, the
// old or the new contents are found afterwards, and the file ends anywhere between its old and its
// new size. A file made, renamed or unlinked is found so for sure once its folder was synced; of
// the changes since then the last ones are undone, as by a file system with a journal. Each process
// finds the files as the last one left them and takes that for synced.
// Both names of a function are hooked, so neither may stand for the other.
#undef _FILE_OFFSET_BITS
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 4096 }; // what a disk writes whole

enum crash { CRASH_KILL, CRASH_TORN, CRASH_POWER };

// A file with changes that are not synced. The handle keeps its inode from being used again; it is
// made with O_PATH, since closing any other would end the process's locks on the file.
struct file {
    struct stat id;
    int handle;
    uint8_t *old; // contents when last synced
    size_t size;
    struct file *next;
};

// A change of a folder that is not synced, newest first. `backup`: a link to the file that was
// replaced or unlinked, or NULL.
struct change {
    char *folder, *from, *to; // from NULL: `to` was made; to NULL: `from` was unlinked
    char *backup;
    struct change *next;
};

static struct {
    char root[PATH_MAX];
    size_t root_length;
    uint64_t random;
    long rate, full, full_after, crash_after;
    bool enospc, eio;
    enum crash crash;
    const char *count_file;
    long count, full_left, links;
    struct file *files;
    struct change *changes;
} fault;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

// The real function of a hook, looked for once.
#define REAL(result, name, ...) \
    static result (*real_##name)(__VA_ARGS__); \
    __attribute__((constructor(101))) static void find_##name(void) \
    { \
        *(void **)&real_##name = dlsym(RTLD_NEXT, #name); \
    }

REAL(int, openat, int, const char *, int, ...)
REAL(int, fsync, int)
REAL(int, fdatasync, int)
REAL(int, ftruncate, int, off_t)
REAL(int, unlink, const char *)
REAL(int, rename, const char *, const char *)
REAL(int, mkdir, const char *, mode_t)
REAL(int, link, const char *, const char *)
REAL(ssize_t, write, int, const void *, size_t)
REAL(ssize_t, pwrite, int, const void *, size_t, off_t)

static long number(const char *name, long missing)
{
    const char *text = getenv(name);
    return text ? strtol(text, NULL, 10) : missing;
}

__attribute__((constructor(102))) static void begin(void)
{
    const char *root = getenv("FAULT_ROOT"), *errors = getenv("FAULT_ERRORS"),
               *crash = getenv("FAULT_CRASH");
    if (!root)
        return;
    snprintf(fault.root, sizeof fault.root, "%s", root);
    fault.root_length = strlen(fault.root);
    fault.random = (uint64_t)number("FAULT_SEED", 0) + 1;
    fault.rate = number("FAULT_RATE", 0);
    fault.full = number("FAULT_FULL", 1);
    fault.full_after = number("FAULT_FULL_AFTER", 0);
    fault.enospc = !errors || strstr(errors, "ENOSPC");
    fault.eio = !errors || strstr(errors, "EIO");
    fault.crash_after = number("FAULT_CRASH_AFTER", 0);
    fault.crash = !crash                    ? CRASH_KILL
                  : !strcmp(crash, "torn")  ? CRASH_TORN
                  : !strcmp(crash, "power") ? CRASH_POWER
                                            : CRASH_KILL;
    fault.count_file = getenv("FAULT_COUNT");
}

// SplitMix64: from 0 to `below` - 1.
static uint64_t draw(uint64_t below)
{
    uint64_t z = fault.random += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return (z ^ (z >> 31)) % below;
}

// The absolute path, to be freed, of the folder and what lies below it. NULL of anything else.
static char *watched(const char *path)
{
    char folder[PATH_MAX] = "", *all = NULL;
    if (!fault.root_length || (*path != '/' && !getcwd(folder, sizeof folder)))
        return NULL;
    while (path[0] == '.' && path[1] == '/')
        path += 2;
    if (asprintf(&all, "%s%s%s", folder, *path == '/' ? "" : "/", path) < 0)
        return NULL;
    if (strncmp(all, fault.root, fault.root_length) == 0 &&
        (!all[fault.root_length] || all[fault.root_length] == '/'))
        return all;
    free(all);
    return NULL;
}

// The same of an open file or folder.
static char *watched_fd(int fd)
{
    char name[64], path[PATH_MAX];
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    const ssize_t length = fault.root_length ? readlink(name, path, sizeof path - 1) : -1;
    if (length <= 0)
        return NULL;
    path[length] = 0;
    return watched(path);
}

static char *folder_of(const char *path)
{
    return strndup(path, (size_t)(strrchr(path, '/') - path));
}

// ---- files with unsynced contents

static struct file **find_file(int fd)
{
    struct stat id;
    struct file **at = &fault.files;
    if (fstat(fd, &id) != 0)
        abort();
    while (*at && ((*at)->id.st_ino != id.st_ino || (*at)->id.st_dev != id.st_dev))
        at = &(*at)->next;
    return at;
}

static int reopen(int fd, int flags)
{
    char name[64];
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    return real_openat(AT_FDCWD, name, flags | O_CLOEXEC);
}

// Before the first change since the last sync: keeps what the file holds.
static void file_changes(int fd)
{
    if (fault.crash != CRASH_POWER || *find_file(fd))
        return;
    struct file *file = calloc(1, sizeof *file);
    if (!file || fstat(fd, &file->id) != 0)
        abort();
    file->handle = reopen(fd, O_PATH);
    file->size = (size_t)file->id.st_size;
    file->old = malloc(file->size + 1);
    // A file that SQLite locks is open for reading too, and must not be opened and closed here.
    const bool readable = (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR;
    const int reader = readable || !file->size ? fd : reopen(fd, O_RDONLY);
    if (file->size && pread(reader, file->old, file->size, 0) != (ssize_t)file->size)
        abort();
    if (reader != fd)
        close(reader);
    file->next = fault.files;
    fault.files = file;
}

static void file_synced(int fd)
{
    struct file **at = find_file(fd), *file = *at;
    if (!file)
        return;
    *at = file->next;
    close(file->handle);
    free(file->old);
    free(file);
}

// Everything is lost in one of four, nothing in another, else it is as it comes.
static void lose_contents(const struct file *file)
{
    static const uint8_t zeros[BLOCK];
    struct stat now;
    const uint64_t fate = draw(4);
    if (fate == 1)
        return;
    const int fd = reopen(file->handle, O_RDWR);
    if (fd < 0 || fstat(fd, &now) != 0)
        abort();
    const size_t new_size = (size_t)now.st_size;
    const size_t least = new_size < file->size ? new_size : file->size;
    const size_t most = new_size < file->size ? file->size : new_size;
    const size_t size = fate == 0 ? file->size : least + draw(most - least + 1);
    if (real_ftruncate(fd, (off_t)size) != 0)
        abort();
    for (size_t at = 0; at < size; at += BLOCK) {
        const size_t count = size - at < BLOCK ? size - at : BLOCK;
        const size_t old = file->size <= at ? 0 : file->size - at < count ? file->size - at : count;
        if (fate && draw(2))
            continue;
        if ((old && real_pwrite(fd, file->old + at, old, (off_t)at) < 0) ||
            (old < count && real_pwrite(fd, zeros, count - old, (off_t)(at + old)) < 0))
            abort();
    }
    close(fd);
}

// ---- folders with unsynced changes

// A link beside the folder, so that what goes can come back.
static char *back_up(const char *path)
{
    char *backup;
    if (fault.crash != CRASH_POWER)
        return NULL;
    if (asprintf(&backup, "%s.lost-%ld-%ld", fault.root, (long)getpid(), fault.links++) < 0)
        abort();
    if (real_link(path, backup) == 0)
        return backup;
    free(backup);
    return NULL;
}

// After a change; owns `backup`.
static void folder_changes(const char *from, const char *to, char *backup)
{
    if (fault.crash != CRASH_POWER)
        return;
    struct change *change = calloc(1, sizeof *change);
    if (!change)
        abort();
    change->folder = folder_of(to ? to : from);
    change->from = from ? strdup(from) : NULL;
    change->to = to ? strdup(to) : NULL;
    change->backup = backup;
    change->next = fault.changes;
    fault.changes = change;
}

static void drop(struct change **at)
{
    struct change *change = *at;
    *at = change->next;
    if (change->backup)
        real_unlink(change->backup);
    free(change->backup);
    free(change->folder);
    free(change->from);
    free(change->to);
    free(change);
}

static void folder_synced(const char *path)
{
    for (struct change **at = &fault.changes; *at;) {
        if (strcmp((*at)->folder, path) == 0)
            drop(at);
        else
            at = &(*at)->next;
    }
}

static void undo(const struct change *change)
{
    if (change->from && change->to)
        real_rename(change->to, change->from);
    else if (change->to && real_unlink(change->to) != 0)
        rmdir(change->to);
    if (change->backup)
        real_rename(change->backup, change->to ? change->to : change->from);
}

// ---- one operation

static void lose_power(void)
{
    fault.root_length = 0; // what follows is not minded
    for (const struct file *file = fault.files; file; file = file->next)
        lose_contents(file);
    long count = 0;
    for (const struct change *change = fault.changes; change; change = change->next)
        count++;
    for (uint64_t lost = draw((uint64_t)count + 1); lost > 0; lost--) {
        undo(fault.changes);
        free(fault.changes->backup); // the link is used up
        fault.changes->backup = NULL;
        drop(&fault.changes);
    }
    while (fault.changes)
        drop(&fault.changes);
}

static void die(void)
{
    if (fault.crash == CRASH_POWER)
        lose_power();
    kill(getpid(), SIGKILL);
    pause();
}

__attribute__((destructor)) static void end(void)
{
    FILE *file = fault.count_file ? fopen(fault.count_file, "w") : NULL;
    while (fault.changes)
        drop(&fault.changes);
    if (!file)
        return;
    fprintf(file, "%ld\n", fault.count);
    fclose(file);
}

// Counts an operation: 0, or the error that it fails with. `room`: it may need room on the disk.
// `dies`: set instead of dying here, by the operations that can be torn.
static int operation(bool room, bool *dies)
{
    const bool now = ++fault.count == fault.crash_after;
    if (dies)
        *dies = now;
    else if (now)
        die();
    if (room && fault.full_after > 0 && --fault.full_after == 0)
        fault.full_left = fault.full;
    if (room && fault.full_left > 0) {
        fault.full_left--;
        return ENOSPC;
    }
    if (!fault.rate || draw((uint64_t)fault.rate))
        return 0;
    const bool full = room && fault.enospc && (!fault.eio || draw(2));
    if (full)
        fault.full_left = fault.full;
    return full ? ENOSPC : fault.eio ? EIO : 0;
}

static int failed(int reason)
{
    errno = reason;
    return -1;
}

// ---- hooks

// A write at `offset`, or where the file stands when that is negative.
static ssize_t put(int fd, const void *bytes, size_t size, off_t offset)
{
    char *path = watched_fd(fd);
    bool dies;
    if (!path)
        return offset < 0 ? real_write(fd, bytes, size) : real_pwrite(fd, bytes, size, offset);
    free(path);
    pthread_mutex_lock(&lock);
    const int reason = operation(true, &dies);
    if (dies && fault.crash != CRASH_TORN)
        die();
    file_changes(fd);
    // A disk that fills up takes a part, as does a write that is torn.
    size_t part = dies || (reason == ENOSPC && size > 1) ? draw(size) : size;
    ssize_t done = reason && !part ? -1 : 0;
    if (reason == EIO && !dies)
        done = -1;
    else if (part)
        done = offset < 0 ? real_write(fd, bytes, part) : real_pwrite(fd, bytes, part, offset);
    if (dies)
        die();
    pthread_mutex_unlock(&lock);
    return done < 0 && reason ? failed(reason) : done;
}

ssize_t write(int fd, const void *bytes, size_t size)
{
    return put(fd, bytes, size, -1);
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
    return put(fd, bytes, size, offset);
}

int ftruncate(int fd, off_t size)
{
    char *path = watched_fd(fd);
    if (!path)
        return real_ftruncate(fd, size);
    free(path);
    pthread_mutex_lock(&lock);
    const int reason = operation(false, NULL);
    if (!reason)
        file_changes(fd);
    const int done = reason ? failed(reason) : real_ftruncate(fd, size);
    pthread_mutex_unlock(&lock);
    return done;
}

// Power is lost by this library only, so nothing is really synced.
static int sync_fd(int fd, int (*real)(int))
{
    char *path = watched_fd(fd);
    if (!path)
        return real(fd);
    pthread_mutex_lock(&lock);
    const int reason = operation(false, NULL);
    if (!reason) {
        file_synced(fd);
        folder_synced(path);
    }
    pthread_mutex_unlock(&lock);
    free(path);
    return reason ? failed(reason) : 0;
}

int fsync(int fd)
{
    return sync_fd(fd, real_fsync);
}

int fdatasync(int fd)
{
    return sync_fd(fd, real_fdatasync);
}

// Only opens that make or cut a file are operations.
static int open_path(int folder, const char *name, int flags, mode_t mode)
{
    char *path = flags & (O_CREAT | O_TRUNC) ? watched(name) : NULL;
    if (!path)
        return real_openat(folder, name, flags, mode);
    pthread_mutex_lock(&lock);
    const bool is_new = faccessat(AT_FDCWD, path, F_OK, 0) != 0;
    const int reason = is_new || flags & O_TRUNC ? operation(is_new, NULL) : 0;
    int fd = reason ? failed(reason) : real_openat(folder, name, flags & ~O_TRUNC, mode);
    if (fd >= 0 && is_new)
        folder_changes(NULL, path, NULL);
    if (fd >= 0 && flags & O_TRUNC) {
        file_changes(fd);
        if (real_ftruncate(fd, 0) != 0)
            abort();
    }
    pthread_mutex_unlock(&lock);
    free(path);
    return fd;
}

int open(const char *path, int flags, ...)
{
    va_list list;
    va_start(list, flags);
    const mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(list, mode_t) : 0;
    va_end(list);
    return open_path(AT_FDCWD, path, flags, mode);
}

int openat(int folder, const char *path, int flags, ...)
{
    va_list list;
    va_start(list, flags);
    const mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(list, mode_t) : 0;
    va_end(list);
    return folder == AT_FDCWD || *path == '/' ? open_path(folder, path, flags, mode)
                                              : real_openat(folder, path, flags, mode);
}

int unlink(const char *name)
{
    char *path = watched(name);
    if (!path)
        return real_unlink(name);
    pthread_mutex_lock(&lock);
    const int reason = operation(false, NULL);
    char *backup = !reason ? back_up(path) : NULL;
    const int done = reason ? failed(reason) : real_unlink(path);
    if (done == 0)
        folder_changes(path, NULL, backup);
    pthread_mutex_unlock(&lock);
    free(path);
    return done;
}

int remove(const char *path)
{
    return unlink(path) == 0 ? 0 : errno == EISDIR ? rmdir(path) : -1;
}

int rename(const char *from_name, const char *to_name)
{
    char *from = watched(from_name), *to = watched(to_name);
    if (!from || !to) {
        free(from);
        free(to);
        return real_rename(from_name, to_name);
    }
    pthread_mutex_lock(&lock);
    const int reason = operation(true, NULL);
    char *backup = !reason ? back_up(to) : NULL;
    const int done = reason ? failed(reason) : real_rename(from, to);
    if (done == 0)
        folder_changes(from, to, backup);
    pthread_mutex_unlock(&lock);
    free(from);
    free(to);
    return done;
}

int mkdir(const char *name, mode_t mode)
{
    char *path = watched(name);
    if (!path)
        return real_mkdir(name, mode);
    pthread_mutex_lock(&lock);
    const int reason = operation(true, NULL);
    const int done = reason ? failed(reason) : real_mkdir(path, mode);
    if (done == 0)
        folder_changes(NULL, path, NULL);
    pthread_mutex_unlock(&lock);
    free(path);
    return done;
}

// The names of large files are the same functions here.
int open64(const char *, int, ...) __attribute__((alias("open")));
int openat64(int, const char *, int, ...) __attribute__((alias("openat")));
ssize_t pwrite64(int, const void *, size_t, off_t) __attribute__((alias("pwrite")));
int ftruncate64(int, off_t) __attribute__((alias("ftruncate")));
