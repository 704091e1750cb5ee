// SPDX-License-Identifier: MIT
#include "data/pairs.h"

#include "data/layout_words.h"
#include "vkgrid/base/memory.h"

#include <stdlib.h>
#include <string.h>

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static int compare(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

// The path with a part of its name only; the caller frees it.
static char *base_of(const char *path, int from, int to)
{
    const char *name = name_of(path);
    return text_format("%.*s%.*s", (int)(name - path), path, to - from, name + from);
}

void pairs_open(const struct tree *tree, int parts, struct pairs *pairs)
{
    size_t room = 0;
    *pairs = (struct pairs){0};
    for (int i = 0; i < tree->count; i++) {
        const char *name = name_of(tree->paths[i]);
        int from, to;
        if (tree->parts[i] != parts || !layout_label_affix(name, (int)strlen(name), &from, &to))
            continue;
        pairs->bases =
            mem_reserve(pairs->bases, &room, (size_t)pairs->count + 1, sizeof(pairs->bases[0]));
        pairs->bases[pairs->count++] = base_of(tree->paths[i], from, to);
    }
    if (pairs->bases)
        qsort(pairs->bases, (size_t)pairs->count, sizeof(pairs->bases[0]), compare);
}

void pairs_close(struct pairs *pairs)
{
    for (int i = 0; i < pairs->count; i++)
        free(pairs->bases[i]);
    free(pairs->bases);
    *pairs = (struct pairs){0};
}

static bool has_base(const struct pairs *pairs, const char *path, int from, int to)
{
    char *base = base_of(path, from, to);
    const bool there = pairs->bases && bsearch(&base, pairs->bases, (size_t)pairs->count,
                                               sizeof(pairs->bases[0]), compare);
    free(base);
    return there;
}

// The longest part of the name that is a label's, whole words from its beginning or to its end.
bool pairs_split(const struct pairs *pairs, const char *path, struct pair *pair)
{
    const char *name = name_of(path);
    const int size = (int)strlen(name);
    *pair = (struct pair){.label = true};
    if (layout_label_affix(name, size, &pair->from, &pair->to))
        return true;
    for (int to = size; to > 0; to--) {
        if ((to == size || !layout_is_word_byte(name[to])) && has_base(pairs, path, 0, to)) {
            *pair = (struct pair){0, to, false};
            return true;
        }
    }
    for (int from = 1; from < size; from++) {
        if (!layout_is_word_byte(name[from - 1]) && has_base(pairs, path, from, size)) {
            *pair = (struct pair){from, size, false};
            return true;
        }
    }
    return false;
}
