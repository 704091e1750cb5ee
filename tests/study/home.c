// SPDX-License-Identifier: MIT
#include "tests/study/home.h"

#include "vkgrid/base/memory.h"

#include <stdlib.h>
#include <unistd.h>

static char home[] = "vkgrid-study-XXXXXX"; // in the build folder
static bool entered;

int enter_home(void **state)
{
    (void)state;
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
    return status;
}
