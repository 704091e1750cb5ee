// SPDX-License-Identifier: MIT
// What a sample without files may have been meant to be.
#include "data/folder.h"

#include "vkgrid/base/memory.h"
#include "vkgrid/base/nearest.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

// The name as its letters and digits alone, in lower case and without zeros before a number:
// "S001", "s1" and "s-1" look alike. Of other scripts, and of accents in either of their spellings
// (a letter of its own, or one with a mark after it), nothing is left, so that they must be told by
// the rest.
static char *looks(const char *name, int size)
{
    char *key = mem_zalloc((size_t)size + 1, 1);
    int used = 0;
    for (int i = 0; i < size; i++) {
        const unsigned char byte = (unsigned char)name[i];
        const bool next_digit = i + 1 < size && isdigit((unsigned char)name[i + 1]),
                   in_number = used > 0 && isdigit((unsigned char)key[used - 1]);
        if (byte >= 0x80 || !isalnum(byte) || (byte == '0' && next_digit && !in_number))
            continue;
        key[used++] = (char)tolower(byte);
    }
    return key;
}

// An accented letter and the same with a combining mark differ by that letter: J\xfcrgen is "jrgen"
// to looks(), and Ju\xcc\x88rgen "jurgen".
static bool is_part(const char *less, const char *more)
{
    for (; *more && *less; more++)
        less += *less == *more;
    return !*less;
}

static bool has_accent(const char *name, int size)
{
    for (int i = 0; i < size; i++)
        if ((unsigned char)name[i] >= 0x80)
            return true;
    return false;
}

static bool may_be_meant(const struct folder_file *file, const char *stem, const char *key)
{
    const int size = (int)strlen(stem), own = (int)strlen(file->sample);
    char *other = looks(file->sample, own);
    bool alike = *key && strcmp(other, key) == 0;
    if (!alike && *key && *other && has_accent(stem, size) && has_accent(file->sample, own))
        alike = is_part(key, other) || is_part(other, key);
    free(other);
    return alike;
}

const char *folder_nearest(const struct folder_files *files, const char *stem)
{
    enum { MOST = 2000 }; // a longer list is not compared letter by letter
    char *key = looks(stem, (int)strlen(stem));
    const char *found = NULL;
    for (int i = 0; !found && i < files->count; i++)
        if (may_be_meant(&files->files[i], stem, key))
            found = files->files[i].name;
    free(key);
    if (found || files->count > MOST)
        return found;
    char **stems = mem_zalloc((size_t)files->count + 1, sizeof(*stems));
    for (int i = 0; i < files->count; i++)
        stems[i] = files->files[i].sample;
    const char *near = nearest_name(stem, (const char *const *)stems);
    for (int i = 0; i < files->count; i++) {
        if (stems[i] == near)
            found = files->files[i].name;
    }
    free(stems);
    return found;
}
