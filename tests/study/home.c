// SPDX-License-Identifier: MIT
#include "tests/study/home.h"

#include "vkgrid/base/memory.h"

#include <stdlib.h>
#include <unistd.h>

static char home[] = "vkgrid-study-XXXXXX"; // in the build folder

int enter_home(void **state)
{
    (void)state;
    return mkdtemp(home) && chdir(home) == 0 ? 0 : -1;
}

int leave_home(void **state)
{
    (void)state;
    if (chdir("..") != 0)
        return -1;
    char *command = text_format("rm -rf '%s'", home);
    const int status = system(command);
    free(command);
    return status;
}
