// SPDX-License-Identifier: MIT
// What a run that was killed has left of an image that was not whole.
#include "vkgrid/base/file.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/cortex/flatten.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct sweep {
    const char *folder;
    char *const *subjects;
    int count;
};

// Whether it would have become an image of that subject: "<subject>.<npy, png>.<process>.tmp".
static bool is_of(const char *name, const char *subject)
{
    static const char *const ends[] = {".npy.", ".png."};
    const size_t length = strlen(subject), end = strlen(ends[0]);
    if (strncmp(name, subject, length) != 0)
        return false;
    for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
        if (strncmp(name + length, ends[i], end) == 0)
            return strspn(name + length + end, "0123456789") + strlen(".tmp") ==
                   strlen(name + length + end);
    return false;
}

static bool sweep_file(void *context, const char *name)
{
    const struct sweep *sweep = context;
    bool ours = false;
    for (int i = 0; i < sweep->count && !ours && file_is_left_over(name); i++)
        ours = is_of(name, sweep->subjects[i]);
    if (ours) {
        char *path = text_format("%s/%s", sweep->folder, name);
        unlink(path);
        free(path);
    }
    return true;
}

void flat_images_sweep(const struct flat_request *request, char *const *subjects, int count)
{
    for (int i = 0; i < request->feature_count + request->label_count; i++) {
        const char *name = i < request->feature_count
                               ? request->features[i].name
                               : request->labels[i - request->feature_count].name;
        char *folder = text_format("%s/%s", request->data, name);
        struct sweep sweep = {folder, subjects, count};
        folder_each_file(folder, sweep_file, &sweep);
        free(folder);
    }
}
