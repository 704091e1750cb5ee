// SPDX-License-Identifier: MIT
#include "model/weights_file.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/model/weights.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

// What DataParallel, torch.compile, Lightning and others put before every name.
static const char *const prefixes[] = {"module.",  "_orig_mod.", "model.",  "net.",
                                       "network.", "backbone.",  "encoder."};

static bool has_prefix(const struct named_tensor *tensor, const char *prefix)
{
    const size_t size = strlen(prefix);
    return strncmp(tensor->name, prefix, size) == 0 && tensor->name[size] != 0;
}

static void drop_prefix(struct named_tensor *tensor, const char *prefix)
{
    const size_t size = strlen(prefix);
    memmove(tensor->name, tensor->name + size, strlen(tensor->name + size) + 1);
}

__attribute__((format(printf, 2, 3))) static void add_note(char **note, const char *format, ...)
{
    char part[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(part, sizeof(part), format, arguments);
    va_end(arguments);
    char *whole = *note ? text_format("%s; %s", *note, part) : text_copy(part);
    free(*note);
    *note = whole;
}

static bool all_have(const struct tensors *tensors, const char *prefix)
{
    for (int i = 0; i < tensors->count; i++)
        if (!has_prefix(&tensors->items[i], prefix))
            return false;
    return tensors->count > 0;
}

// A prefix that all names have, or NULL.
static const char *common_prefix(const struct tensors *tensors)
{
    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
        if (all_have(tensors, prefixes[i]))
            return prefixes[i];
    return NULL;
}

static bool begins_as_torch(const char *path)
{
    unsigned char first = 0;
    FILE *file = fopen(path, "rbe");
    const bool read = file && fread(&first, 1, 1, file) == 1;
    if (file)
        fclose(file);
    return read && (first == 'P' || first == 0x80); // a zip file, a pickle
}

bool weights_file_check(const char *path)
{
    struct stat info;
    if (stat(path, &info) != 0)
        return error_set("%s: %s", path, strerror(errno));
    if (S_ISDIR(info.st_mode))
        return error_set("%s: is a folder: a file of weights is needed", path);
    if (S_ISREG(info.st_mode) && info.st_size == 0)
        return error_set("%s: is empty: a file of weights is needed", path);
    return safetensors_is(path) || begins_as_torch(path) ||
           error_set(
               "%s: no weight file that is known, or a damaged one: safetensors, or what "
               "torch.save writes, is needed",
               path);
}

bool weights_read_any(const char *path, struct tensors *tensors, char **note)
{
    const char *prefix;
    const char *end = strrchr(path, '.');
    const bool named = end && strcmp(end, ".safetensors") == 0; // for messages of damaged files
    *note = NULL;
    if (safetensors_is(path) || (named && !begins_as_torch(path))) {
        if (!safetensors_read(path, tensors))
            return false;
    } else if (!torch_read_state(path, tensors, note)) {
        return false;
    }
    while ((prefix = common_prefix(tensors))) {
        for (int i = 0; i < tensors->count; i++)
            drop_prefix(&tensors->items[i], prefix);
        add_note(note, "\"%s\" dropped from all names", prefix);
    }
    return true;
}

void weights_file_encoder(struct tensors *tensors, char **note)
{
    static const char *const parts[] = {"encoder.", "backbone."};
    const char *part = NULL;
    int kept = 0;
    for (int i = 0; i < 2 && !part; i++) {
        char name[32];
        snprintf(name, sizeof(name), "%sconv1.weight", parts[i]);
        part = tensors_find(tensors, name) ? parts[i] : NULL;
    }
    if (!part || tensors_find(tensors, "conv1.weight"))
        return;
    const int all = tensors->count;
    for (int i = 0; i < all; i++) {
        struct named_tensor *tensor = &tensors->items[i];
        if (has_prefix(tensor, part)) {
            drop_prefix(tensor, part);
            tensors->items[kept++] = *tensor;
        } else {
            free(tensor->values);
        }
    }
    tensors->count = kept;
    add_note(note, "taken from \"%s\", %d tensors beside it left out", part, all - kept);
}
