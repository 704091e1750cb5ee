// SPDX-License-Identifier: MIT
#include "vkgrid/data/source.h"

#include "data/folder.h"
#include "data/pattern.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/formats/image.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

// The whole number at the end of a text of `size` bytes behind `mark`, which the text is cut
// before; -1 when it does not end so. At most nine digits.
static int take_number(const char *text, size_t *size, char mark)
{
    size_t at = *size;
    int number = 0;
    while (at > 0 && isdigit((unsigned char)text[at - 1]))
        at--;
    if (at == *size || *size - at > 9 || at == 0 || text[at - 1] != mark)
        return -1;
    for (size_t i = at; i < *size; i++)
        number = 10 * number + (text[i] - '0');
    *size = at - 1;
    return number;
}

bool source_parse(const char *text, struct source *source)
{
    size_t size = strlen(text);
    *source = (struct source){.channel = -1};
    source->class = take_number(text, &size, '=');
    if (size > 0 && text[size - 1] == ']') {
        size_t inner = size - 1;
        source->channel = take_number(text, &inner, '[');
        size = source->channel < 0 ? size : inner;
    }
    source->folder = text_format("%.*s", (int)size, text);
    const bool path = strchr(source->folder, '/') || strstr(source->folder, PATTERN_MARK);
    CHECK(path ? pattern_check(source->folder)
               : folder_check_name("feature or label", source->folder));
    if (source->channel >= IMAGE_CHANNELS || source->class > SOURCE_CLASSES)
        FAIL("source \"%.100s\": a channel of [0] to [%d] and a class of =0 to =%d are allowed",
             text, IMAGE_CHANNELS - 1, SOURCE_CLASSES);
    return true;
error:
    source_free(source);
    return false;
}

void source_free(struct source *source)
{
    free(source->folder);
    *source = (struct source){.channel = -1, .class = -1};
}

char *source_root(const char *data, const struct source *source)
{
    return pattern_root(data, source->folder);
}

int source_root_size(const struct source *source)
{
    return pattern_root_size(source->folder);
}

struct each_file {
    bool (*each)(void *context, const char *path);
    void *context;
};

static bool take_path(void *context, const char *path, const char *sample)
{
    const struct each_file *each = context;
    (void)sample;
    return each->each(each->context, path);
}

bool source_each_file(const char *data, const struct source *source,
                      bool (*each)(void *context, const char *path), void *context)
{
    struct each_file taken = {each, context};
    return pattern_walk(data, source->folder, take_path, &taken);
}

bool source_reaches(const struct source *source, const char *folder)
{
    return pattern_reaches(source->folder, folder);
}

bool source_is_null(const struct source *source)
{
    return strcmp(source->folder, "null") == 0;
}
