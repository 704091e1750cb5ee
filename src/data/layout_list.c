// SPDX-License-Identifier: MIT
// The sources of a layout.
#include "vkgrid/data/layout.h"

#include "vkgrid/base/memory.h"

#include <stdlib.h>

void layout_add(struct layout *layout, char *name, char *files)
{
    layout->sources =
        mem_grow(layout->sources, (size_t)layout->count + 1, sizeof(layout->sources[0]));
    layout->sources[layout->count++] = (struct layout_source){
        .name = name,
        .files = files,
        .label = layout_is_label(name),
        .image = layout_is_image(name),
    };
}

void layout_free(struct layout *layout)
{
    for (int i = 0; i < layout->count; i++) {
        free(layout->sources[i].name);
        free(layout->sources[i].files);
    }
    for (int i = 0; i < layout->class_count; i++)
        free(layout->classes[i].name);
    for (int i = 0; i < layout->channel_count; i++)
        free(layout->channels[i]);
    free(layout->channels);
    free(layout->region);
    free(layout->sources);
    free(layout->classes);
    free(layout->training);
    free(layout->validation);
    free(layout->test);
    *layout = (struct layout){.ignored = -1};
}
