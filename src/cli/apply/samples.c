// SPDX-License-Identifier: MIT
#include "cli/apply/apply.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/data/source.h"

#include <stdlib.h>
#include <string.h>

void sample_list_free(struct sample_list *samples)
{
    for (int i = 0; i < samples->count; i++)
        free(samples->names[i]);
    free(samples->names);
    *samples = (struct sample_list){0};
}

// Those that have a file of a source.
static bool list_samples(const char *folder, const char *text, struct sample_list *samples)
{
    struct source source;
    if (!source_parse(text, &source))
        return false;
    const bool listed =
        dataset_list(folder, source.folder, &samples->names, &samples->count) &&
        (samples->count > 0 || error_set("%s/%s: no samples there", folder, source.folder));
    source_free(&source);
    return listed;
}

bool apply_find_samples(const struct options *options, const char *folder,
                        const struct name_list *sources, const char *set,
                        struct sample_list *samples)
{
    if (option_set(options, OPTION_SAMPLES)) {
        char *copy = text_copy(options->values[OPTION_SAMPLES]), *rest = copy, *part;
        bool good = true;
        while (good && (part = strsep(&rest, ","))) {
            good = *part && *part != '.' && !strchr(part, '/');
            if (!good)
                error_set(
                    "--samples: \"%s\": names without / that do not begin with a dot are allowed",
                    part);
            samples->names =
                mem_grow(samples->names, (size_t)samples->count + 1, sizeof(*samples->names));
            samples->names[samples->count++] = text_copy(part);
        }
        free(copy);
        return good;
    }
    for (int i = 0; i < sources->count; i++) {
        if (strcmp(sources->sources[i], "null") != 0)
            return list_samples(folder, sources->sources[i], samples);
    }
    return error_set("%s: the network has no feature with files: --samples is needed", set);
}
