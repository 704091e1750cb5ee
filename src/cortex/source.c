// SPDX-License-Identifier: MIT
// Where a feature or a label comes from, as a person writes it.
#include "vkgrid/cortex/flatten.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"

#include <stdlib.h>
#include <string.h>

// A name is one of a folder.
static bool good_name(const char *name)
{
    return *name && *name != '.' && !strchr(name, '/');
}

bool flat_source_parse(const char *text, bool label, struct flat_source *source)
{
    const char *form = label ? "--label NAME=FILE:KEY" : "--feature NAME=FILE";
    const char *equals = strchr(text, '=');
    *source = (struct flat_source){0};
    if (!equals || !equals[1])
        return error_set("%s: is \"%s\": a name, \"=\" and a file are needed", form, text);
    source->name = text_format("%.*s", (int)(equals - text), text);
    source->pattern = text_copy(equals + 1);
    char *colon = label ? strrchr(source->pattern, ':') : NULL;
    if (colon) {
        source->key = text_copy(colon + 1);
        *colon = 0;
    }
    if (good_name(source->name) && *source->pattern && (!colon || *source->key)) {
        if (subject_pattern_check(form, source->pattern))
            return true;
        flat_source_free(source);
        return false;
    }
    flat_source_free(source);
    return error_set(
        "%s: is \"%s\": a name without / that does not begin with a dot, a file%s are "
        "needed",
        form, text, label ? " and a key or the name of a label" : "");
}

void flat_source_free(struct flat_source *source)
{
    free(source->name);
    free(source->pattern);
    free(source->key);
    *source = (struct flat_source){0};
}
