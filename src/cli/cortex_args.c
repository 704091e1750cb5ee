// SPDX-License-Identifier: MIT
#include "cli/cortex_args.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool read_pattern(const char *text, struct subject_patterns *patterns)
{
    const size_t length = strcspn(text, "=");
    for (int i = 0; i < SUBJECT_FILES; i++) {
        const char *name = subject_file_names[i];
        if (strlen(name) != length || strncmp(name, text, length) != 0 || !text[length])
            continue;
        if (!text[length + 1])
            break;
        patterns->files[i] = text + length + 1;
        return subject_pattern_check("--file KIND=PATTERN", patterns->files[i]);
    }
    return error_set(
        "--file: is \"%s\": KIND=PATTERN with white, pial, sphere, curv, sulc, "
        "thickness or area as KIND is allowed",
        text);
}

bool subject_patterns_read(const struct options *options, struct subject_patterns *patterns)
{
    const char *values[OPTION_REPEATS];
    const int count = option_list(options, OPTION_FILE, values);
    bool good = true;
    *patterns = (struct subject_patterns){0};
    for (int i = 0; i < count && good; i++)
        good = read_pattern(values[i], patterns);
    return good;
}

static struct flat_source *find(const struct flat_sources *sources, const char *name)
{
    for (int i = 0; i < sources->count; i++)
        if (strcmp(sources->items[i].name, name) == 0)
            return &sources->items[i];
    return NULL;
}

static void add(struct flat_sources *sources, struct flat_source source)
{
    sources->items = mem_grow(sources->items, (size_t)sources->count + 1, sizeof(*sources->items));
    sources->items[sources->count++] = source;
}

bool feature_sources_read(const struct options *options, struct flat_sources *sources)
{
    const char *values[OPTION_REPEATS];
    const int count = option_list(options, OPTION_FEATURE, values);
    *sources = (struct flat_sources){0};
    for (int i = 0; flat_features[i]; i++)
        add(sources, (struct flat_source){.name = text_copy(flat_features[i])});
    for (int i = 0; i < count; i++) {
        struct flat_source source;
        CHECK(flat_source_parse(values[i], false, &source));
        struct flat_source *same = find(sources, source.name);
        if (same && same->pattern) {
            error_set("--feature %s: stands twice", source.name);
            flat_source_free(&source);
            goto error;
        }
        if (same) {
            flat_source_free(same);
            *same = source;
        } else {
            add(sources, source);
        }
    }
    return true;
error:
    flat_sources_free(sources);
    return false;
}

bool label_sources_read(const struct options *options, struct flat_sources *sources)
{
    const char *values[OPTION_REPEATS];
    const int count = option_list(options, OPTION_LABEL, values);
    *sources = (struct flat_sources){0};
    for (int i = 0; i < count; i++) {
        struct flat_source source;
        CHECK(flat_source_parse(values[i], true, &source));
        if (find(sources, source.name)) {
            error_set("--label %s: stands twice", source.name);
            flat_source_free(&source);
            goto error;
        }
        add(sources, source);
    }
    return true;
error:
    flat_sources_free(sources);
    return false;
}

void flat_sources_free(struct flat_sources *sources)
{
    for (int i = 0; i < sources->count; i++)
        flat_source_free(&sources->items[i]);
    free(sources->items);
    *sources = (struct flat_sources){0};
}

bool fsaverage_open(const struct options *options, struct cortex_template **cortex_template)
{
    if (!template_open(options->values[OPTION_FSAVERAGE], cortex_template))
        return false;
    const char *folder = template_folder(*cortex_template);
    char *doubt = template_doubt(*cortex_template);
    if (!option_set(options, OPTION_QUIET))
        fprintf(stderr, "fsaverage: %s\n", folder);
    if (doubt)
        fprintf(stderr, "fsaverage: %s: %s\n", folder, doubt);
    free(doubt);
    return true;
}
