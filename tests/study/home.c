// SPDX-License-Identifier: MIT
#include "tests/study/home.h"

#include "vkgrid/base/memory.h"

#include <stdlib.h>
#include <sys/statvfs.h>
#include <unistd.h>

// In memory: databases are synced thousands of times here, and each waits for a disk that others
// use. What a disk does wrong is the business of tests/faults.
#define MEMORY "/dev/shm"
#define ROOM (256ull << 20)

static char *home;
static bool entered;

static bool has_room(const char *folder)
{
    struct statvfs status;
    return access(folder, W_OK) == 0 && statvfs(folder, &status) == 0 &&
           (unsigned long long)status.f_bavail * status.f_frsize >= ROOM;
}

int enter_home(void **state)
{
    (void)state;
    // Else in the build folder.
    home = text_format("%svkgrid-study-XXXXXX", has_room(MEMORY) ? MEMORY "/" : "");
    entered = mkdtemp(home) && chdir(home) == 0;
    return entered ? 0 : -1;
}

bool clear_home(void)
{
    return entered && system("rm -rf ./*") == 0;
}

int leave_home(void **state)
{
    (void)state;
    entered = false;
    if (chdir("..") != 0)
        return -1;
    char *command = text_format("rm -rf '%s'", home);
    const int status = system(command);
    free(command);
    free(home);
    return status;
}
