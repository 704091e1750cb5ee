// SPDX-License-Identifier: MIT
#include "cli/pages/pages.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

// Within single quotes, where _arguments and _describe give a meaning to [ ] and :.
static void put_quoted(const char *text)
{
    for (; *text; text++) {
        if (*text == '\'')
            printf("'\\''");
        else if (strchr("[]:\\", *text))
            printf("\\%c", *text);
        else
            putchar(*text);
    }
}

static void put_option(const struct option_info *info)
{
    char words[WORDS];
    const enum value value = option_value(info, words);
    const bool several = info->type == TYPE_LIST || info->type == TYPE_TEXTS;
    if (info->letter && several)
        printf("            '*'{-%c,--%s}'[", info->letter, info->name);
    else if (info->letter)
        printf("            '(-%c --%s)'{-%c,--%s}'[", info->letter, info->name, info->letter,
               info->name);
    else
        printf("            '%s--%s[", several ? "*" : "", info->name);
    put_quoted(info->help);
    printf("]");
    if (value != VALUE_NONE) {
        printf(":");
        put_quoted(info->argument);
        if (value == VALUE_CHOICE)
            printf(":(%s)", words);
        else
            printf(":%s", value == VALUE_FOLDER ? "_files -/"
                          : value == VALUE_FREE ? ""
                                                : "_files");
    }
    printf("' \\\n");
}

static void put_command(const struct command_info *command)
{
    const enum value value = command_value(command);
    const char *files = value == VALUE_JSON   ? "_files -g \"*.json\""
                        : value == VALUE_FILE ? "_files"
                                              : "_files -/";
    printf("    %s)\n        _arguments -s \\\n", command->name);
    for (int i = 0; i < OPTION_COUNT; i++)
        if (has_option(command, i))
            put_option(&option_table[i]);
    if (command->most == INT_MAX)
        printf("            '*:%s:%s' ;;\n", "argument", files);
    else if (value == VALUE_NONE)
        printf("            && return ;;\n");
    else
        for (int i = 1; i <= command->most; i++)
            printf("            '%d:argument:%s'%s\n", i, files, i < command->most ? " \\" : " ;;");
}

static void put_commands(void)
{
    printf("    local -a commands=(\n");
    for (const struct command_info *command = command_table; command->name; command++) {
        printf("        '%s:", command->name);
        put_quoted(command->summary);
        printf("'\n");
    }
    printf("        'help:what a command does'\n    )\n");
}

void zsh_completion(void)
{
    printf(
        "#compdef vkgrid\n"
        "# zsh completion of vkgrid. Made out of the tables of src/cli by src/cli/pages.\n"
        "_vkgrid() {\n");
    put_commands();
    printf(
        "    if (( CURRENT == 2 )); then\n"
        "        _describe command commands\n"
        "        return\n"
        "    fi\n"
        "    local command=$words[2]\n"
        "    shift words\n"
        "    (( CURRENT-- ))\n"
        "    case $command in\n");
    for (const struct command_info *command = command_table; command->name; command++)
        put_command(command);
    printf(
        "    help) _describe command commands ;;\n"
        "    esac\n"
        "}\n"
        "_vkgrid \"$@\"\n");
}
