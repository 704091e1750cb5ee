// SPDX-License-Identifier: MIT
// pages man vkgrid|COMMAND VERSION DATE, pages bash|zsh|fish: prints a file that is installed.
#include "cli/pages/pages.h"

#include <stdio.h>
#include <string.h>

static int usage(void)
{
    fprintf(stderr, "usage: pages man vkgrid|COMMAND VERSION DATE, or: pages bash|zsh|fish\n");
    return 2;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "man") == 0 && argc == 5) {
        const struct command_info *command = command_by_name(argv[2]);
        if (!command && strcmp(argv[2], "vkgrid") != 0)
            return usage();
        man_page(command, argv[3], argv[4]);
    } else if (strcmp(what, "bash") == 0) {
        bash_completion();
    } else if (strcmp(what, "zsh") == 0) {
        zsh_completion();
    } else if (strcmp(what, "fish") == 0) {
        fish_completion();
    } else {
        return usage();
    }
    return 0;
}
