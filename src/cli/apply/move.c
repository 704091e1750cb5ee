// SPDX-License-Identifier: MIT
// Features whose files lie in a folder of another name.
#include "cli/apply/apply.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/data/source.h"

#include <string.h>

// A feature's source with another folder; the caller frees it.
static char *moved_source(const struct source *source, const char *name)
{
    const char *rest = source->folder + source_root_size(source);
    if (source_is_null(source))
        return text_copy(source->folder);
    if (source->channel < 0)
        return text_format("%s%s", name, rest);
    return text_format("%s%s[%d]", name, rest, source->channel);
}

// Whether it is read as it is meant.
static bool is_moved(const char *text, const struct source *before, const char *name)
{
    struct source after;
    if (source_is_null(before))
        return true;
    if (!source_parse(text, &after))
        return false;
    const int size = (int)strlen(name);
    const bool good = !source_is_null(&after) && after.channel == before->channel &&
                      after.class == before->class && source_root_size(&after) == size &&
                      memcmp(after.folder, name, (size_t)size) == 0;
    source_free(&after);
    return good;
}

bool place_move(struct cell *cell, const char *name, struct place *place)
{
    struct name_list *features = &cell->features;
    place->sources = mem_zalloc((size_t)features->count, sizeof(char *));
    for (int i = 0; i < features->count; i++) {
        struct source before;
        if (!source_parse(features->sources[i], &before))
            return false;
        char *text = moved_source(&before, name);
        place->sources[place->source_count++] = text;
        const bool good = is_moved(text, &before, name);
        source_free(&before);
        if (!good)
            return error_set(
                "%s: a folder of images is not called null, does not begin with a dot, has no {} "
                "and does not end like [0] or =1",
                name);
    }
    for (int i = 0; i < features->count; i++)
        features->sources[i] = place->sources[i];
    return true;
}
