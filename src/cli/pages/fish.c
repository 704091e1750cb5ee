// SPDX-License-Identifier: MIT
#include "cli/pages/pages.h"

#include <stdio.h>

static void put_quoted(const char *text)
{
    putchar('\'');
    for (; *text; text++) {
        if (*text == '\'' || *text == '\\')
            putchar('\\');
        putchar(*text);
    }
    putchar('\'');
}

static void put_option(const struct command_info *command, const struct option_info *info)
{
    char words[WORDS];
    printf("complete -c vkgrid -n '__fish_seen_subcommand_from %s' -l %s", command->name,
           info->name);
    if (info->letter)
        printf(" -s %c", info->letter);
    switch (option_value(info, words)) {
    case VALUE_NONE:
        break;
    case VALUE_FREE:
        printf(" -x");
        break;
    case VALUE_CHOICE:
        printf(" -x -a '%s'", words);
        break;
    case VALUE_FOLDER:
        printf(" -x -a '(__fish_complete_directories)'");
        break;
    case VALUE_FILE:
    case VALUE_JSON:
        printf(" -r -F");
        break;
    }
    printf(" -d ");
    put_quoted(info->help);
    printf("\n");
}

static void put_command(const struct command_info *command)
{
    const enum value value = command_value(command);
    printf("complete -c vkgrid -n __fish_use_subcommand -a %s -d ", command->name);
    put_quoted(command->summary);
    printf("\n");
    if (value == VALUE_JSON || value == VALUE_FILE)
        printf("complete -c vkgrid -n '__fish_seen_subcommand_from %s' -F\n", command->name);
    else if (value == VALUE_FOLDER)
        printf(
            "complete -c vkgrid -n '__fish_seen_subcommand_from %s' -a "
            "'(__fish_complete_directories)'\n",
            command->name);
    for (int i = 0; i < OPTION_COUNT; i++)
        if (has_option(command, i))
            put_option(command, &option_table[i]);
}

void fish_completion(void)
{
    printf(
        "# fish completion of vkgrid. Made out of the tables of src/cli by src/cli/pages.\n"
        "complete -c vkgrid -f\n"
        "complete -c vkgrid -n __fish_use_subcommand -s V -l version -d 'version of the program'\n"
        "complete -c vkgrid -n __fish_use_subcommand -a help -d 'what a command does'\n"
        "complete -c vkgrid -n '__fish_seen_subcommand_from help' -a '");
    for (const struct command_info *command = command_table; command->name; command++)
        printf("%s%s", command == command_table ? "" : " ", command->name);
    printf("'\n");
    for (const struct command_info *command = command_table; command->name; command++)
        put_command(command);
}
