// SPDX-License-Identifier: MIT
#include "cli/commands.h"

#include "vkgrid/engine/engine.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/interrupt.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int command_failed(void)
{
    fprintf(stderr, "vkgrid: %s\n", error_text());
    return interrupt_requested() ? STATUS_INTERRUPTED : STATUS_FAILED;
}

void command_print_json(struct cJSON *json)
{
    char *text = json_print(json);
    fputs(text, stdout);
    free(text);
    cJSON_Delete(json);
}

int command_misused(const char *command, const char *what)
{
    fprintf(stderr, "vkgrid: %s; see vkgrid %s --help\n", what, command);
    return STATUS_USAGE;
}

// The device of one word of a list.
static bool pick_one(const char *word, bool quiet, int *device)
{
    char reason[512];
    if (!device_choose(word, device, reason, sizeof(reason)))
        return false;
    if (!quiet)
        fprintf(stderr, "device %d: %s\n", *device, reason);
    return true;
}

void set_engines(const struct options *options)
{
    enum matrix_use matrix = MATRIX_AUTO;
    engine_threads((int)options->numbers[OPTION_THREADS]);
    if (option_set(options, OPTION_MATRIX))
        matrix_use_parse(options->values[OPTION_MATRIX], &matrix);
    engine_matrix(matrix);
}

bool pick_device(const struct options *options, bool quiet, int *device)
{
    set_engines(options);
    return pick_one(options->values[OPTION_DEVICE], quiet, device);
}

static bool pick_all(bool quiet, int **devices, int *count)
{
    struct device_info *list;
    int there;
    if (!devices_list(&list, &there))
        return false;
    *devices = mem_alloc(sizeof(**devices) * (size_t)(there + 1));
    *count = 0;
    for (int i = 0; i < there; i++) {
        if (!list[i].usable || list[i].kind == DEVICE_SOFTWARE || list[i].kind == DEVICE_CPU)
            continue;
        if (!quiet)
            fprintf(stderr, "device %d: %s\n", i, list[i].name);
        (*devices)[(*count)++] = i;
    }
    free(list);
    return *count > 0 ||
           error_set(
               "--device all: there is no GPU here: cpu, an index or a name is allowed; "
               "see vkgrid devices");
}

bool pick_devices(const struct options *options, bool quiet, int **devices, int *count)
{
    const char *wanted = options->values[OPTION_DEVICE];
    char *words = text_copy(wanted), *rest = words, *word;
    bool picked = true;
    *devices = NULL;
    *count = 0;
    set_engines(options);
    if (strcmp(wanted, "all") == 0) {
        free(words);
        return pick_all(quiet, devices, count);
    }
    while (picked && (word = strsep(&rest, ","))) {
        *devices = mem_grow(*devices, (size_t)*count + 1, sizeof(**devices));
        picked = pick_one(word, quiet, &(*devices)[(*count)++]);
    }
    free(words);
    return picked;
}

bool absolute_path(const char *folder, char **path)
{
    *path = realpath(folder, NULL);
    return *path ||
           error_set("%s: %s", folder, errno == ENOENT ? "no such folder" : strerror(errno));
}

char *without_slashes(const char *path)
{
    char *text = text_copy(path);
    for (size_t n = strlen(text); n > 1 && text[n - 1] == '/'; n--)
        text[n - 1] = 0;
    return text;
}

char *shell_word(const char *text)
{
    struct text word = {0};
    const size_t plain = strspn(text,
                                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789_./+-,:@%=");
    if (text[plain] == 0)
        return text_copy(text);
    text_add(&word, "'");
    for (; *text; text++) {
        if (*text == '\'')
            text_add(&word, "'\\''");
        else
            text_add(&word, "%c", *text);
    }
    text_add(&word, "'");
    return word.bytes;
}

void tell_ignored(const char *where, const struct cJSON *values)
{
    char *keys = cell_ignored_keys(values);
    if (keys)
        fprintf(stderr, "%s: not used here: %s (--device and --threads say it)\n", where, keys);
    free(keys);
}

void put_option(struct cJSON *options, const char *key, struct cJSON *value)
{
    cJSON_DeleteItemFromObjectCaseSensitive(options, key);
    cJSON_AddItemToObject(options, key, value);
}

static cJSON *split(const char *text)
{
    cJSON *list = cJSON_CreateArray();
    char *copy = text_copy(text), *rest = copy, *part;
    while ((part = strsep(&rest, ",")))
        cJSON_AddItemToArray(list, cJSON_CreateString(part));
    free(copy);
    return list;
}

void put_set(struct cJSON *options, const char *key, const char *text)
{
    if (!text)
        return;
    if (strchr(text, ','))
        cJSON_DeleteItemFromObjectCaseSensitive(json_member(json_member(options, "features"), key),
                                                key);
    put_option(options, key, strchr(text, ',') ? split(text) : cJSON_CreateString(text));
}

bool option_value(const char *text, const char *where, struct cJSON **value)
{
    if (json_parse(text, strlen(text), where, value))
        return true;
    if (strchr("[{\"", text[0]) && text[0])
        return false;
    *value = cJSON_CreateString(text);
    return true;
}
