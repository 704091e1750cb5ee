// SPDX-License-Identifier: MIT
// Manual pages and shell completion out of the tables (cli/tables.h).
#pragma once

#include "cli/tables.h"

#include <stdbool.h>

// What completes the value of an option, or the arguments of a command.
enum value {
    VALUE_NONE,   // nothing
    VALUE_FREE,   // nothing that a shell could know
    VALUE_CHOICE, // one of the words
    VALUE_FOLDER,
    VALUE_FILE,
    VALUE_JSON, // a file that ends with .json
};
#define WORDS 128
// words: of VALUE_CHOICE, with spaces between them.
enum value option_value(const struct option_info *info, char words[static WORDS]);
enum value command_value(const struct command_info *command);

static inline bool has_option(const struct command_info *command, int option)
{
    return option_table[option].commands & (unsigned)command->id;
}

// The page of a command, or of the program (NULL).
void man_page(const struct command_info *command, const char *version, const char *date);
void bash_completion(void);
void zsh_completion(void);
void fish_completion(void);
