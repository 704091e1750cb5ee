// SPDX-License-Identifier: MIT
// Whether what was made of a subject's files is older than they are.
#include "cortex/feature.h"
#include "vkgrid/base/error.h"
#include "vkgrid/cortex/flatten.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

bool time_is_newer(struct timespec a, struct timespec b)
{
    return a.tv_sec != b.tv_sec ? a.tv_sec > b.tv_sec : a.tv_nsec > b.tv_nsec;
}

// Takes the path.
static bool look_at(char *path, struct timespec *newest)
{
    struct stat info;
    const bool found =
        stat(path, &info) == 0 || error_set_errno(errno, "%s: cannot be looked at", path);
    if (found && time_is_newer(info.st_mtim, *newest))
        *newest = info.st_mtim;
    free(path);
    return found;
}

static bool look_at_file(const struct subject *subject, enum subject_file file,
                         struct timespec *newest)
{
    bool good = true;
    for (int side = LEFT; side < HEMISPHERES && good; side++) {
        char *path;
        good = subject_file_path(subject, file, side, &path) && (!path || look_at(path, newest));
    }
    return good;
}

bool subject_newest(const struct subject *subject, struct timespec *newest)
{
    return look_at_file(subject, FILE_WHITE, newest) && look_at_file(subject, FILE_PIAL, newest) &&
           look_at_file(subject, FILE_SPHERE, newest);
}

bool flat_source_newest(const struct subject *subject, const struct flat_source *source,
                        struct timespec *newest)
{
    const enum subject_file file = feature_file(source->name);
    bool good = true;
    if (!source->pattern)
        return file == SUBJECT_FILES || look_at_file(subject, file, newest);
    for (int side = LEFT; side < HEMISPHERES && good; side++) {
        char *path;
        good = subject_path(subject, source->pattern, side, &path) && look_at(path, newest);
    }
    return good;
}
