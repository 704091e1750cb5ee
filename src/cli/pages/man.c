// SPDX-License-Identifier: MIT
// Manual pages in the language of man(7).
#include "cli/pages/pages.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define COLUMNS 72 // of the page's source

// One word. A hyphen of an option is one that can be typed and searched for; one of prose is not.
static void put_word(const char *word, int length)
{
    const bool option = strcspn(word, "-") <= strspn(word, "(\"[");
    for (int i = 0; i < length; i++) {
        if (word[i] == '\\')
            printf("\\e");
        else if (word[i] == '-' && option)
            printf("\\-");
        else
            putchar(word[i]);
    }
}

// Words of a text up to its end or an empty line, in lines of no more than COLUMNS. Returns
// what follows.
static const char *put_paragraph(const char *text)
{
    int column = 0;
    while (*text && !(text[0] == '\n' && text[1] == '\n')) {
        const int length = (int)strcspn(text, " \n");
        if (length > 0) {
            const bool breaks = column > 0 && column + 1 + length > COLUMNS;
            printf("%s", breaks ? "\n" : column > 0 ? " " : "");
            column = breaks || column == 0 ? length : column + 1 + length;
            if ((breaks || column == length) && (*text == '.' || *text == '\''))
                printf("\\&"); // else it would be a request
            put_word(text, length);
        }
        text += length;
        if (*text == ' ' || (*text == '\n' && text[1] != '\n'))
            text++;
    }
    printf("\n");
    return text + strspn(text, "\n");
}

// Lines as they are.
static void put_lines(const char *text)
{
    printf(".nf\n");
    while (*text) {
        const int length = (int)strcspn(text, "\n"), indent = (int)strspn(text, " ");
        for (int i = indent; i < length; i++) {
            if (text[i] == '\\')
                printf("\\e");
            else if (text[i] == '-')
                printf("\\-");
            else
                putchar(text[i]);
        }
        printf("\n");
        text += length + (text[length] == '\n');
    }
    printf(".fi\n");
}

static void put_text(const char *text)
{
    const char *examples = strstr(text, "examples:\n");
    for (bool first = true; *text && text != examples; first = false) {
        if (!first)
            printf(".PP\n");
        text = put_paragraph(text);
    }
}

static void put_option(const struct option_info *info)
{
    printf(".TP\n");
    if (info->letter)
        printf("\\fB\\-%c\\fR, ", info->letter);
    printf("\\fB\\-\\-");
    for (const char *p = info->name; *p; p++)
        printf(*p == '-' ? "\\-" : "%c", *p);
    printf("\\fR");
    if (info->argument)
        printf(" \\fI%s\\fR", info->argument);
    printf("\n");
    put_paragraph(info->help);
    if (info->fallback)
        printf("(default: %s)\n", info->fallback);
}

static void put_title(const char *name, const char *version, const char *date)
{
    printf(".\\\" Made out of the tables of src/cli by src/cli/pages; changes here are lost.\n");
    printf(".TH ");
    for (const char *p = name; *p; p++)
        putchar(toupper((unsigned char)*p));
    printf(" 1 \"%s\" \"vkgrid %s\" \"vkgrid\"\n", date, version);
}

static void put_end(void)
{
    printf(
        ".SH EXIT STATUS\n"
        "0 when all went well, 1 after an error, 2 after wrong usage, 130 after an\n"
        "interrupt. An error is one line on the standard error output.\n");
}

static void command_page(const struct command_info *command, const char *version, const char *date)
{
    char name[64];
    snprintf(name, sizeof(name), "vkgrid-%s", command->name);
    put_title(name, version, date);
    printf(".SH NAME\nvkgrid\\-%s \\- %s\n", command->name, command->summary);
    printf(".SH SYNOPSIS\n\\fBvkgrid %s\\fR", command->name);
    if (*command->arguments) {
        putchar(' ');
        for (const char *p = command->arguments; *p; p++)
            printf(*p == '-' ? "\\-" : "%c", *p);
    }
    printf(" [\\fIoptions\\fR]\n.SH DESCRIPTION\n");
    put_text(command->text);
    printf(".SH OPTIONS\n");
    for (int i = 0; i < OPTION_COUNT; i++)
        if (has_option(command, i))
            put_option(&option_table[i]);
    const char *examples = strstr(command->text, "examples:\n");
    if (examples) {
        printf(".SH EXAMPLES\n");
        put_lines(examples + strlen("examples:\n"));
    }
    put_end();
    printf(".SH SEE ALSO\n.BR vkgrid (1)\n");
}

static void program_page(const char *version, const char *date)
{
    put_title("vkgrid", version, date);
    printf(
        ".SH NAME\nvkgrid \\- train grids of U\\-Nets on any GPU through Vulkan, or on the CPU\n"
        ".SH SYNOPSIS\n\\fBvkgrid\\fR \\fICOMMAND\\fR [\\fIoptions\\fR]\n"
        ".br\n\\fBvkgrid help\\fR [\\fICOMMAND\\fR]\n.br\n\\fBvkgrid \\-\\-version\\fR\n"
        ".SH DESCRIPTION\n");
    put_text(program_text);
    printf(
        "Without a grid, \\fBvkgrid search\\fR trains a small study on data that it makes.\n"
        ".SH COMMANDS\n");
    for (const struct command_info *command = command_table; command->name; command++) {
        printf(".TP\n\\fB%s\\fR\n", command->name);
        put_paragraph(command->summary);
    }
    put_end();
    printf(".SH SEE ALSO\n");
    for (const struct command_info *command = command_table; command->name; command++)
        printf(".BR vkgrid\\-%s (1)%s\n", command->name, command[1].name ? "," : "");
}

void man_page(const struct command_info *command, const char *version, const char *date)
{
    if (command)
        command_page(command, version, date);
    else
        program_page(version, date);
}
