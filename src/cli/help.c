// SPDX-License-Identifier: MIT
#include "cli/help.h"

#include <stdbool.h>
#include <string.h>

#define COLUMNS 80
#define OPTION_COLUMN 30 // where the text beside an option begins

// Breaks a text between words. It begins at `column`; lines after the first at `indent`.
static void print_wrapped(FILE *out, int column, int indent, const char *text)
{
    bool first = true;
    while (*text) {
        const int length = (int)strcspn(text, " ");
        if (!first && column + 1 + length > COLUMNS) {
            fprintf(out, "\n%*s", indent, "");
            column = indent;
        } else if (!first) {
            fputc(' ', out);
            column++;
        }
        fprintf(out, "%.*s", length, text);
        column += length;
        text += length + strspn(text + length, " ");
        first = false;
    }
    fputc('\n', out);
}

static void print_option(const struct option_info *info)
{
    char letter[8] = "", text[512];
    if (info->letter)
        snprintf(letter, sizeof(letter), "-%c,", info->letter);
    int column = printf("  %3s --%s%s%s", letter, info->name, info->argument ? " " : "",
                        info->argument ? info->argument : "");
    if (column >= OPTION_COLUMN) {
        printf("\n");
        column = 0;
    }
    printf("%*s", OPTION_COLUMN - column, "");
    snprintf(text, sizeof(text), "%s%s%s%s", info->help, info->fallback ? " (default: " : "",
             info->fallback ? info->fallback : "", info->fallback ? ")" : "");
    print_wrapped(stdout, OPTION_COLUMN, OPTION_COLUMN, text);
}

void help_command(const struct command_info *command)
{
    printf("usage: vkgrid %s%s%s [options]\n\n%s\noptions:\n", command->name,
           *command->arguments ? " " : "", command->arguments, command->text);
    for (int i = 0; i < OPTION_COUNT; i++)
        if (option_table[i].commands & command->id)
            print_option(&option_table[i]);
}

void help_program(FILE *out)
{
    fprintf(out, "usage: vkgrid COMMAND [options]\n\n%s\ncommands:\n", program_text);
    for (const struct command_info *command = command_table; command->name; command++)
        fprintf(out, "  %-8s %s\n", command->name, command->summary);
    fprintf(out,
            "\n"
            "  vkgrid help COMMAND    options and examples of a command (also: COMMAND -h)\n"
            "  vkgrid -V, --version   version of the program\n");
}
