// SPDX-License-Identifier: MIT
#include "tests/fuzz/fuzz.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILES 8
#define NEVER_SET "fuzz: no message was set"

static char folder[200];

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *place)
{
    (void)info;
    (void)kind;
    (void)place;
    return remove(path);
}

void fuzz_remove(const char *path)
{
    nftw(path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void remove_folder(void)
{
    fuzz_remove(folder);
}

static void need(bool done, const char *what)
{
    if (done)
        return;
    perror(what);
    abort();
}

const char *fuzz_folder(void)
{
    if (folder[0])
        return folder;
    const char *above = getenv("TMPDIR");
    snprintf(folder, sizeof(folder), "%s/vkgrid-fuzz-XXXXXX", above && *above ? above : "/dev/shm");
    need(mkdtemp(folder) != NULL, folder);
    atexit(remove_folder);
    return folder;
}

const char *fuzz_file(const char *name, const uint8_t *bytes, size_t size)
{
    static struct {
        char *name, *path;
        int file;
    } files[FILES];
    int i = 0;
    while (i < FILES && files[i].name && strcmp(files[i].name, name) != 0)
        i++;
    need(i < FILES, "files");
    if (!files[i].name) {
        files[i].name = text_copy(name);
        files[i].path = text_format("%s/%s", fuzz_folder(), name);
        files[i].file = open(files[i].path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
        need(files[i].file >= 0, name);
    }
    need(pwrite(files[i].file, bytes, size, 0) == (ssize_t)size &&
             ftruncate(files[i].file, (off_t)size) == 0,
         name);
    return files[i].path;
}

bool fuzz_judge(bool good, const char *where)
{
    const char *text = error_text();
    bool shown = strcmp(text, NEVER_SET) != 0 && (!where || strstr(text, where));
    for (const char *at = text; *at; at++)
        shown = shown && (unsigned char)*at >= ' ' && *at != 0x7f;
    if (!good)
        error_trace("a reader", __FILE__, __LINE__);
    if (!good && !shown) {
        fprintf(stderr, "fuzz: the message of a failed reader: \"%s\"\n", text);
        abort();
    }
    error_set(NEVER_SET);
    return good;
}

void fuzz_use(const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    uint8_t all = 0;
    for (size_t i = 0; i < size; i++)
        all ^= at[i];
    __asm__ volatile("" : : "r"(all)); // so that the compiler cannot leave it out
}
