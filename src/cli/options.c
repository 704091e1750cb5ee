// SPDX-License-Identifier: MIT
#include "cli/options.h"

#include "cli/help.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/nearest.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct command_info *find_command(enum command_id id)
{
    const struct command_info *command = command_table;
    while (command->id != id)
        command++;
    return command;
}

static bool usage_error(const struct command_info *command, const char *what, const char *why)
{
    fprintf(stderr, "vkgrid: %s: %s; see vkgrid %s --help\n", what, why, command->name);
    return false;
}

static bool unknown_option(const struct command_info *command, const char *what, const char *name)
{
    const char *names[OPTION_COUNT + 1], *meant;
    char why[128];
    int count = 0;
    for (int i = 0; i < OPTION_COUNT; i++) {
        if (option_table[i].commands & command->id)
            names[count++] = option_table[i].name;
    }
    names[count] = NULL;
    meant = nearest_name(name, names);
    if (!meant)
        return usage_error(command, what, "unknown option");
    snprintf(why, sizeof(why), "unknown option: did you mean --%s?", meant);
    return usage_error(command, what, why);
}

static bool is_choice(const char *choices, const char *word)
{
    const size_t length = strlen(word);
    for (const char *p = choices; p; p = strchr(p, '|') ? strchr(p, '|') + 1 : NULL) {
        if (strncmp(p, word, length) == 0 && (p[length] == '|' || !p[length]))
            return length > 0;
    }
    return false;
}

// A whole number of decimal digits and nothing else.
static bool parse_number(const char *text, double low, double high, double *number)
{
    char *end;
    errno = 0;
    const unsigned long long value = strtoull(text, &end, 10);
    if (!(text[0] >= '0' && text[0] <= '9') || *end || errno)
        return false;
    *number = (double)value;
    return *number >= low && *number <= high;
}

static bool parse_real(const char *text, double low, double high, double *number)
{
    char *end;
    *number = strtod(text, &end);
    return end > text && !*end && *number >= low && *number <= high; // NaN is neither
}

// ROWSxCOLS; N: N x 2N, as in a grid file.
static bool parse_size(const char *text, int *rows_of, int *cols_of)
{
    double rows, cols;
    char first[16];
    const char *x = strchr(text, 'x');
    if (!x && parse_number(text, 32, 2048, &rows)) {
        *rows_of = (int)rows;
        *cols_of = 2 * (int)rows;
        return true;
    }
    if (!x || x - text >= (int)sizeof(first))
        return false;
    snprintf(first, sizeof(first), "%.*s", (int)(x - text), text);
    if (!parse_number(first, 32, 4096, &rows) || !parse_number(x + 1, 32, 4096, &cols))
        return false;
    *rows_of = (int)rows;
    *cols_of = (int)cols;
    return true;
}

static bool add_repeated(struct options *options, enum option_id id, const char *value)
{
    if (options->repeated_count == OPTION_REPEATS)
        return false;
    options->repeated_ids[options->repeated_count] = id;
    options->repeated[options->repeated_count++] = value;
    return true;
}

#define WHY 160 // bytes of what is allowed

static bool set_value(enum option_id id, const char *value, struct options *options, char why[WHY])
{
    const struct option_info *info = &option_table[id];
    bool good = true;
    snprintf(why, WHY, "%s is allowed", info->argument ? info->argument : "nothing");
    switch (info->type) {
    case TYPE_TEXT:
        good = *value;
        break;
    case TYPE_TEXTS:
        good = *value && add_repeated(options, id, value);
        break;
    case TYPE_LIST:
        good = *value != '=' && strchr(value, '=') && add_repeated(options, id, value);
        break;
    case TYPE_CHOICE:
        good = is_choice(info->argument, value);
        break;
    case TYPE_NUMBER:
        good = parse_number(value, info->low, info->high, &options->numbers[id]);
        snprintf(why, WHY, "a whole number from %.0f to %.0f is allowed", info->low, info->high);
        break;
    case TYPE_REAL:
        good = parse_real(value, info->low, info->high, &options->numbers[id]);
        snprintf(why, WHY, "a number from %g to %g is allowed", info->low, info->high);
        break;
    case TYPE_SIZE:
        good = id == OPTION_SIZE
                   ? parse_size(value, &options->rows, &options->cols)
                   : parse_size(value, &options->network_rows, &options->network_cols);
        snprintf(why, WHY, "ROWSxCOLS, each from 32 to 4096, or N (Nx2N) is allowed");
        break;
    case TYPE_FLAG:
        break;
    }
    options->values[id] = value;
    return good;
}

static bool take_value(const struct command_info *command, enum option_id id, const char *value,
                       struct options *options)
{
    char what[WHY], why[WHY];
    snprintf(what, sizeof(what), "--%s %.100s", option_table[id].name, value);
    return set_value(id, value, options, why) || usage_error(command, what, why);
}

bool option_given(const struct options *options, enum option_id id)
{
    return options->values[id] && options->values[id] != option_table[id].fallback;
}

bool option_fill(struct options *options, enum option_id id, const char *value, const char *where)
{
    char why[WHY];
    return option_given(options, id) || set_value(id, value, options, why) ||
           error_set("%s: %s: is %.100s: %s", where, option_table[id].name, value, why);
}

static int find_option(const struct command_info *command, const char *name, size_t length,
                       char letter)
{
    for (int i = 0; i < OPTION_COUNT; i++) {
        const struct option_info *info = &option_table[i];
        if (!(info->commands & command->id))
            continue;
        if (name ? strlen(info->name) == length && memcmp(info->name, name, length) == 0
                 : letter && info->letter == letter)
            return i;
    }
    return -1;
}

// One word that begins with a dash, and its value. *at moves past what was taken.
static bool take_option(const struct command_info *command, int argc, char **argv, int *at,
                        struct options *options)
{
    char *word = argv[(*at)++];
    const bool is_long = word[1] == '-';
    const char *equals = is_long ? strchr(word, '=') : NULL, *value = NULL;
    const size_t length = is_long ? (equals ? (size_t)(equals - word) : strlen(word)) - 2 : 0;
    const int id = find_option(command, is_long ? word + 2 : NULL, length, word[1]);
    if (id < 0)
        return unknown_option(command, word, is_long ? word + 2 : word + 1);
    if (option_table[id].type == TYPE_FLAG) {
        if (equals || (!is_long && word[2]))
            return usage_error(command, word, "this option takes no value");
        return take_value(command, (enum option_id)id, "", options);
    }
    if (equals)
        value = equals + 1;
    else if (!is_long && word[2])
        value = word + 2;
    else if (*at < argc)
        value = argv[(*at)++];
    else
        return usage_error(command, word, "a value is missing");
    return take_value(command, (enum option_id)id, value, options);
}

static bool take_words(const struct command_info *command, int argc, char **argv,
                       struct options *options)
{
    bool only_arguments = false;
    for (int at = 1; at < argc;) {
        if (only_arguments || argv[at][0] != '-' || !argv[at][1]) {
            if (options->argument_count == command->most)
                return usage_error(command, argv[at], "one argument too many");
            if (!*argv[at]) // as a folder it would be /
                return usage_error(command, command->arguments, "is empty");
            argv[options->argument_count++] = argv[at++]; // never behind where it is read
        } else if (strcmp(argv[at], "--") == 0) {
            only_arguments = true;
            at++;
        } else if (!take_option(command, argc, argv, &at, options)) {
            return false;
        }
    }
    return true;
}

bool options_parse(enum command_id id, int argc, char **argv, struct options *options, int *status)
{
    const struct command_info *command = find_command(id);
    *options = (struct options){.arguments = (const char **)argv};
    *status = STATUS_USAGE;
    for (int i = 0; i < OPTION_COUNT; i++) {
        if (option_table[i].fallback && (option_table[i].commands & command->id))
            take_value(command, (enum option_id)i, option_table[i].fallback, options);
    }
    if (!take_words(command, argc, argv, options))
        return false;
    if (option_set(options, OPTION_HELP)) {
        help_command(command);
        *status = 0;
        return false;
    }
    return options->argument_count >= command->least ||
           usage_error(command, command->arguments, "is missing");
}

int option_list(const struct options *options, enum option_id id,
                const char *values[static OPTION_REPEATS])
{
    int count = 0;
    for (int i = 0; i < options->repeated_count; i++)
        if (options->repeated_ids[i] == id)
            values[count++] = options->repeated[i];
    return count;
}

static cJSON *list_json(const struct options *options, enum option_id id)
{
    const char *values[OPTION_REPEATS];
    return cJSON_CreateStringArray(values, option_list(options, id, values));
}

struct cJSON *options_invocation(enum command_id id, const struct options *options)
{
    cJSON *invocation = cJSON_CreateObject();
    cJSON_AddStringToObject(invocation, "command", find_command(id)->name);
    cJSON_AddItemToObject(invocation, "arguments",
                          cJSON_CreateStringArray(options->arguments, options->argument_count));
    for (int i = 0; i < OPTION_COUNT; i++) {
        if (!(option_table[i].commands & id) || i == OPTION_HELP)
            continue;
        if (option_table[i].type == TYPE_FLAG)
            cJSON_AddBoolToObject(invocation, option_table[i].name, options->values[i] != NULL);
        else if (option_table[i].type == TYPE_LIST || option_table[i].type == TYPE_TEXTS)
            cJSON_AddItemToObject(invocation, option_table[i].name,
                                  list_json(options, (enum option_id)i));
        else if (!options->values[i])
            cJSON_AddNullToObject(invocation, option_table[i].name);
        else if (option_table[i].type == TYPE_NUMBER || option_table[i].type == TYPE_REAL)
            cJSON_AddNumberToObject(invocation, option_table[i].name, options->numbers[i]);
        else
            cJSON_AddStringToObject(invocation, option_table[i].name, options->values[i]);
    }
    return invocation;
}
