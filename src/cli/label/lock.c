// SPDX-License-Identifier: MIT
// One process at a time writes a subject's files of one tag. The lock is a file beside them, which
// is there only while somebody writes.
#include "cli/label/label.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/interrupt.h"
#include "vkgrid/base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

// Whether the file that is locked is still the one of that name: another process may have removed
// it in between.
static bool is_there(int file, const char *path)
{
    struct stat held, named;
    return fstat(file, &held) == 0 && stat(path, &named) == 0 && held.st_ino == named.st_ino &&
           held.st_dev == named.st_dev;
}

// Waits for whoever has it, unless the person does not want to. File systems without locks do not
// keep anybody from writing.
static bool wait_for(int file)
{
    static const struct timespec pause = {.tv_nsec = 50000000};
    while (flock(file, LOCK_EX | LOCK_NB) != 0) {
        if (errno == ENOLCK || errno == ENOSYS || errno == EOPNOTSUPP)
            return true;
        if ((errno != EWOULDBLOCK && errno != EINTR) || interrupt_requested())
            return false;
        nanosleep(&pause, NULL);
    }
    return true;
}

bool job_lock(const struct labelling *labelling, const struct job *job, struct job_lock *lock)
{
    *lock =
        (struct job_lock){text_format("%s/label/%s.lock", job->folder, labelling->request.tag), -1};
    for (;;) {
        lock->file = open(lock->path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        if (lock->file < 0) {
            error_set_errno(errno, "%s: cannot write", lock->path);
            break;
        }
        if (!wait_for(lock->file)) {
            error_set_errno(errno, "%s: cannot be locked", lock->path);
            break;
        }
        if (is_there(lock->file, lock->path))
            return true;
        close(lock->file);
    }
    if (lock->file >= 0)
        close(lock->file);
    free(lock->path);
    *lock = (struct job_lock){NULL, -1};
    return false;
}

void job_unlock(struct job_lock *lock)
{
    if (lock->file < 0)
        return;
    unlink(lock->path); // while it is held, so that nobody's next lock is removed
    close(lock->file);
    free(lock->path);
    *lock = (struct job_lock){NULL, -1};
}
