// SPDX-License-Identifier: MIT
#include "cli/apply/apply.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"

#include <stdlib.h>
#include <string.h>

void sample_list_free(struct sample_list *samples)
{
    for (int i = 0; i < samples->count; i++)
        free(samples->names[i]);
    free(samples->names);
    *samples = (struct sample_list){0};
}

// Those that have a file of the first of the set's sources that has files. What other sources of
// the network reach by more of its name is none of them: x_mask.png is no image.
static bool list_samples(const char *folder, const struct cell *cell, bool labels,
                         struct sample_list *samples)
{
    const struct name_list *set = labels ? &cell->labels : &cell->features,
                           *other = labels ? &cell->features : &cell->labels;
    const char **sources = mem_zalloc((size_t)(set->count + other->count), sizeof(sources[0]));
    int first = -1, count = 0;
    for (int i = 0; i < set->count; i++) {
        first = first < 0 && strcmp(set->sources[i], "null") != 0 ? i : first;
        sources[count++] = set->sources[i];
    }
    for (int i = 0; i < other->count; i++)
        sources[count++] = other->sources[i];
    bool listed = first >= 0;
    if (!listed)
        error_set("%s: the network has no feature with files: --samples is needed",
                  labels ? cell->prediction : cell->inputs);
    else
        listed =
            dataset_list_own(folder, sources, count, first, &samples->names, &samples->count) &&
            (samples->count > 0 || error_set("%s/%s: no samples there", folder, sources[first]));
    free(sources);
    return listed;
}

bool apply_find_samples(const struct options *options, const char *folder, const struct cell *cell,
                        bool labels, struct sample_list *samples)
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
    return list_samples(folder, cell, labels, samples);
}
