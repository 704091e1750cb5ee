// SPDX-License-Identifier: MIT
#include "data/stems.h"

#include "data/layout_words.h"
#include "vkgrid/base/memory.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define SHARED_LEAST 2

static struct stem_source *find_source(struct stems *stems, const char *files, int most)
{
    for (int i = 0; i <= stems->count; i++) { // the last one is asked for first
        const int at = i == 0 ? stems->last : i - 1;
        if (at < stems->count && strcmp(stems->sources[at].files, files) == 0) {
            stems->last = at;
            return &stems->sources[at];
        }
    }
    if (stems->count == most)
        return NULL;
    stems->sources = mem_reserve(stems->sources, &stems->room, (size_t)stems->count + 1,
                                 sizeof(stems->sources[0]));
    stems->last = stems->count;
    stems->sources[stems->count] = (struct stem_source){.files = text_copy(files)};
    return &stems->sources[stems->count++];
}

bool stems_add(struct stems *stems, const struct stem_file *file, int most)
{
    struct stem_source *source = find_source(stems, file->files, most);
    if (!source)
        return false;
    if (!source->name)
        source->name = text_copy(file->name);
    source->open = file->open;
    source->stems = mem_reserve(source->stems, &source->room, (size_t)source->count + 1,
                                sizeof(source->stems[0]));
    source->stems[source->count++] = (struct stem){
        .text = text_copy(file->sample), .lead = file->lead, .key = text_copy(file->sample)};
    return true;
}

static void cut(struct stem_source *source, int before, int after)
{
    source->before = before;
    source->after = after;
    for (int i = 0; i < source->count; i++) {
        struct stem *stem = &source->stems[i];
        const int size = (int)strlen(stem->text) - stem->lead - before - after;
        free(stem->key);
        stem->key = size > 0 ? text_format("%.*s%.*s", stem->lead, stem->text, size,
                                           stem->text + stem->lead + before)
                             : text_copy(stem->text);
    }
}

static int compare(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

// All samples' keys, or their names as they are, sorted; the caller frees the list.
static char **list_samples(const struct stems *stems, bool keys, int *count)
{
    int total = 0;
    for (int i = 0; i < stems->count; i++)
        total += stems->sources[i].count;
    char **list = mem_zalloc((size_t)total + 1, sizeof(list[0]));
    *count = 0;
    for (int i = 0; i < stems->count; i++) {
        const struct stem_source *source = &stems->sources[i];
        for (int k = 0; k < source->count; k++)
            list[(*count)++] = keys ? source->stems[k].key : source->stems[k].text;
    }
    qsort(list, (size_t)total, sizeof(list[0]), compare);
    return list;
}

// How many keys stand there more than once.
static int count_shared(const struct stems *stems)
{
    int count, shared = 0;
    char **keys = list_samples(stems, true, &count);
    for (int i = 1; i < count; i++)
        shared +=
            strcmp(keys[i], keys[i - 1]) == 0 && (i < 2 || strcmp(keys[i - 1], keys[i - 2]) != 0);
    free(keys);
    return shared;
}

// The names of all sources' samples, sorted.
struct all {
    char **names;
    int count;
};

// How often a name is among them; 2: twice or more.
static int count_name(const struct all *all, char *name)
{
    char **found = bsearch(&name, all->names, (size_t)all->count, sizeof(all->names[0]), compare);
    if (!found)
        return 0;
    const ptrdiff_t at = found - all->names;
    return 1 + ((at > 0 && strcmp(all->names[at - 1], name) == 0) ||
                (at + 1 < all->count && strcmp(all->names[at + 1], name) == 0));
}

// Whether others have enough of the source's samples, whose keys are cut or not.
static bool matches(const struct all *all, const struct stem_source *source)
{
    const int wanted = source->before > 0 || source->after > 0 ? 1 : 2;
    int found = 0;
    for (int i = 0; found < SHARED_LEAST && i < source->count; i++)
        found += count_name(all, source->stems[i].key) >= wanted;
    return found >= SHARED_LEAST;
}

static const char *file_of(const struct stem *stem)
{
    return stem->text + stem->lead;
}

// What all of the source's files begin with, without the digits at its end: of img_001 and img_002
// it is "img_".
static int common_begin(const struct stem_source *source)
{
    const char *first = file_of(&source->stems[0]);
    int size = (int)strlen(first);
    for (int i = 1; i < source->count; i++) {
        int same = 0;
        while (same < size && file_of(&source->stems[i])[same] == first[same])
            same++;
        size = same;
    }
    while (size > 0 && isdigit((unsigned char)first[size - 1]))
        size--;
    return size;
}

// What all of them end with, from the first byte that separates words, as "_0000".
static int common_end(const struct stem_source *source)
{
    const char *first = file_of(&source->stems[0]);
    const int whole = (int)strlen(first);
    int size = whole;
    for (int i = 1; i < source->count; i++) {
        const char *other = file_of(&source->stems[i]);
        const int length = (int)strlen(other);
        int same = 0;
        while (same < size && same < length && other[length - 1 - same] == first[whole - 1 - same])
            same++;
        size = same;
    }
    while (size > 0 && layout_is_word_byte(first[whole - size]))
        size--;
    return size;
}

static bool try_cut(const struct all *all, struct stem_source *source, int before, int after)
{
    if (before == 0 && after == 0)
        return false;
    cut(source, before, after);
    if (matches(all, source))
        return true;
    cut(source, 0, 0);
    return false;
}

int stems_match(struct stems *stems)
{
    struct all all;
    all.names = list_samples(stems, false, &all.count);
    for (int i = 0; i < stems->count; i++) {
        struct stem_source *source = &stems->sources[i];
        if (!source->open || source->count < SHARED_LEAST || matches(&all, source))
            continue;
        const int before = common_begin(source), after = common_end(source);
        (void)(try_cut(&all, source, 0, after) || try_cut(&all, source, before, 0) ||
               try_cut(&all, source, before, after));
    }
    free(all.names);
    int shared = count_shared(stems);
    if (shared >= SHARED_LEAST)
        return shared;
    for (int i = 0; i < stems->count; i++) { // both have a word of their own: image_1 and mask_1
        struct stem_source *source = &stems->sources[i];
        if (source->open && source->count >= SHARED_LEAST)
            cut(source, common_begin(source), common_end(source));
    }
    shared = count_shared(stems);
    for (int i = 0; shared < SHARED_LEAST && i < stems->count; i++)
        cut(&stems->sources[i], 0, 0);
    return shared;
}

char *stems_files(const struct stem_source *source)
{
    if (!source->open)
        return text_copy(source->files);
    const char *first = file_of(&source->stems[0]);
    const bool plain = source->before == 0 && source->after == 0 && !strchr(source->files, '/') &&
                       !strstr(source->files, "{}");
    return plain ? text_copy(source->files)
                 : text_format("%s%s%.*s{}%s", source->files, *source->files ? "/" : "",
                               source->before, first, first + strlen(first) - source->after);
}

void stems_free(struct stems *stems)
{
    for (int i = 0; i < stems->count; i++) {
        struct stem_source *source = &stems->sources[i];
        for (int k = 0; k < source->count; k++) {
            free(source->stems[k].text);
            free(source->stems[k].key);
        }
        free(source->stems);
        free(source->name);
        free(source->files);
    }
    free(stems->sources);
    *stems = (struct stems){0};
}
