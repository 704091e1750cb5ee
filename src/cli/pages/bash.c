// SPDX-License-Identifier: MIT
#include "cli/pages/pages.h"

#include <stdio.h>

static void put_pattern(const struct option_info *info)
{
    printf("    --%s", info->name);
    if (info->letter)
        printf("|-%c", info->letter);
    printf(") ");
}

static void put_value(const struct option_info *info)
{
    char words[WORDS];
    switch (option_value(info, words)) {
    case VALUE_NONE:
        return;
    case VALUE_CHOICE:
        put_pattern(info);
        printf("_vkgrid_words '%s' ;;\n", words);
        return;
    case VALUE_FOLDER:
        put_pattern(info);
        printf("_vkgrid_paths -d ;;\n");
        return;
    case VALUE_FILE:
    case VALUE_JSON:
        put_pattern(info);
        printf("_vkgrid_paths -f ;;\n");
        return;
    case VALUE_FREE:
        put_pattern(info);
        printf(";;\n");
        return;
    }
}

static void put_command(const struct command_info *command)
{
    static const char *const arguments[] = {
        [VALUE_FOLDER] = "_vkgrid_paths -d",
        [VALUE_FILE] = "_vkgrid_paths -f",
        [VALUE_JSON] = "_vkgrid_paths -d; _vkgrid_paths -f -X '!*.json'",
    };
    const enum value value = command_value(command);
    printf("    %s)\n        if [[ $current == -* ]]; then\n            _vkgrid_words '",
           command->name);
    for (int i = 0, first = 1; i < OPTION_COUNT; i++) {
        if (!has_option(command, i))
            continue;
        printf("%s--%s", first ? "" : " ", option_table[i].name);
        first = 0;
    }
    printf("'\n");
    if (value != VALUE_NONE)
        printf("        else\n            %s\n", arguments[value]);
    printf("        fi ;;\n");
}

void bash_completion(void)
{
    printf(
        "# bash completion of vkgrid. Made out of the tables of src/cli by src/cli/pages.\n"
        "_vkgrid_words() {\n"
        "    mapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$current\")\n"
        "}\n"
        "_vkgrid_paths() {\n"
        "    local found\n"
        "    mapfile -t found < <(compgen \"$@\" -- \"$current\")\n"
        "    COMPREPLY+=(\"${found[@]}\")\n"
        "    compopt -o filenames 2>/dev/null\n"
        "}\n"
        "_vkgrid() {\n"
        "    local current=${COMP_WORDS[COMP_CWORD]} at=$((COMP_CWORD - 1))\n"
        "    COMPREPLY=()\n"
        "    if [[ $current == = ]]; then\n"
        "        current=\n"
        "    elif [[ ${COMP_WORDS[at]} == = ]]; then\n"
        "        at=$((at - 1))\n"
        "    fi\n"
        "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
        "        _vkgrid_words '");
    for (const struct command_info *command = command_table; command->name; command++)
        printf("%s ", command->name);
    printf(
        "help --help --version'\n"
        "        return\n"
        "    fi\n"
        "    case ${COMP_WORDS[at]} in\n");
    for (int i = 0; i < OPTION_COUNT; i++)
        put_value(&option_table[i]);
    printf(
        "    *) _vkgrid_arguments ;;\n"
        "    esac\n"
        "}\n"
        "_vkgrid_arguments() {\n"
        "    case ${COMP_WORDS[1]} in\n");
    for (const struct command_info *command = command_table; command->name; command++)
        put_command(command);
    printf("    help)\n        _vkgrid_words '");
    for (const struct command_info *command = command_table; command->name; command++)
        printf("%s%s", command == command_table ? "" : " ", command->name);
    printf(
        "' ;;\n"
        "    esac\n"
        "}\n"
        "complete -F _vkgrid vkgrid\n");
}
