// SPDX-License-Identifier: MIT
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
           : strncmp(command->arguments, "FILE", 4) == 0 || strstr(command->arguments, "FILE...")
               ? VALUE_FILE
               : VALUE_FOLDER;
}
