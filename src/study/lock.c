// SPDX-License-Identifier: MIT
#include "vkgrid/study/lock.h"

#include "vkgrid/base/error.h"
#include "vkgrid/study/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static bool locked_by_another(const char *out, int file)
{
    char who[128] = "";
    const ssize_t size = pread(file, who, sizeof(who) - 1, 0);
    char *space = size > 0 ? strchr(who, ' ') : NULL;
    who[size > 0 ? strcspn(who, "\n") : 0] = 0;
    if (!space)
        return error_set("%s: another process is at work there", out);
    *space = 0;
    return error_set("%s: process %s on %s is at work there: only one at a time is allowed", out,
                     who, space + 1);
}

bool study_lock(const char *out, int *file)
{
    char host[64] = "?", *path = study_path(out, STUDY_LOCK);
    bool locked = false;
    *file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (*file < 0) {
        error_set_errno(errno, "%s: cannot write", path);
    } else if (flock(*file, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK)
            locked_by_another(out, *file);
        else
            error_set_errno(errno, "%s: cannot be locked", path);
        close(*file);
        *file = -1;
    } else {
        locked = true;
        gethostname(host, sizeof(host) - 1);
        // Only for people: a full disk is no reason to stop.
        if (ftruncate(*file, 0) != 0 || dprintf(*file, "%ld %s\n", (long)getpid(), host) < 0)
            errno = 0;
    }
    free(path);
    return locked;
}

void study_unlock(int *file)
{
    if (*file < 0)
        return;
    (void)!ftruncate(*file, 0); // what it says is for people: the lock goes all the same
    close(*file);
    *file = -1;
}
