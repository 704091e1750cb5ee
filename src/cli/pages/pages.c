// SPDX-License-Identifier: MIT
// pages man vkgrid|COMMAND VERSION DATE, pages bash|zsh|fish: prints a file that is installed.
#include "cli/pages/pages.h"

#include <stdio.h>
#include <string.h>

enum value option_value(const struct option_info *info, char words[static WORDS])
{
    words[0] = 0;
    if (info->type == TYPE_FLAG)
        return VALUE_NONE;
    if (strcmp(info->argument, "DIR") == 0)
        return VALUE_FOLDER;
    if (strcmp(info->argument, "FILE") == 0)
        return VALUE_FILE;
    // Words in capitals stand for something.
    int length = 0;
    for (const char *word = info->argument; *word;) {
        const int size = (int)strcspn(word, "|");
        if (word[0] >= 'a' && word[0] <= 'z')
            length += snprintf(words + length, WORDS - (size_t)length, "%s%.*s", length ? " " : "",
                               size, word);
        word += size + (word[size] == '|');
    }
    return length > 0 ? VALUE_CHOICE : VALUE_FREE;
}

enum value command_value(const struct command_info *command)
{
    return command->most == 0                    ? VALUE_NONE
           : strstr(command->arguments, ".json") ? VALUE_JSON
                                                 : VALUE_FOLDER;
}

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
