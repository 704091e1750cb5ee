// SPDX-License-Identifier: MIT
#include "data/pattern.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/formats/image.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MARK_SIZE ((int)sizeof(PATTERN_MARK) - 1)

static int part_size(const char *text)
{
    return (int)strcspn(text, "/");
}

// Where the mark of a part begins; -1: it has none.
static int find_mark(const char *part, int size)
{
    for (int i = 0; i + MARK_SIZE <= size; i++)
        if (memcmp(part + i, PATTERN_MARK, (size_t)MARK_SIZE) == 0)
            return i;
    return -1;
}

bool pattern_check(const char *text)
{
    int parts = 1;
    for (const char *rest = text;; rest++, parts++) {
        const int size = part_size(rest), mark = find_mark(rest, size);
        if (size == 0 || *rest == '.' || parts > PATTERN_PARTS ||
            (mark >= 0 && find_mark(rest + mark + MARK_SIZE, size - mark - MARK_SIZE) >= 0))
            return error_set(
                "source \"%.100s\": a path of at most %d parts that are not empty and do not "
                "begin with . is wanted, with " PATTERN_MARK " once in a part",
                text, PATTERN_PARTS);
        rest += size;
        if (!*rest)
            break;
    }
    return strstr(text, PATTERN_MARK) || parts == 1 ||
           error_set(
               "source \"%.100s\": of a path it has to say where the sample's name stands: "
               "\"%.100s/" PATTERN_MARK "\"",
               text, text);
}

// The pattern with its mark.
static char *whole(const char *text)
{
    return strstr(text, PATTERN_MARK) ? text_copy(text) : text_format("%s/" PATTERN_MARK, text);
}

// Bytes of the parts, with their '/', before the first that has the mark or is the last.
static int root_size(const char *pattern)
{
    int size = 0;
    for (;;) {
        const int part = part_size(pattern + size);
        if (!pattern[size + part] || find_mark(pattern + size, part) >= 0)
            return size;
        size += part + 1;
    }
}

int pattern_root_size(const char *text)
{
    char *pattern = whole(text);
    const int size = root_size(pattern);
    free(pattern);
    return size == 0 ? 0 : size - 1;
}

char *pattern_root(const char *data, const char *text)
{
    const int size = pattern_root_size(text);
    return size == 0 ? text_copy(data) : text_format("%s/%.*s", data, size, text);
}

char *pattern_path(const char *data, const char *text, const char *sample)
{
    char *pattern = whole(text), *mark = strstr(pattern, PATTERN_MARK), *after = mark + MARK_SIZE;
    char *path =
        strstr(after, PATTERN_MARK)
            ? text_format("%s/%s", data, pattern)
            : text_format("%s/%.*s%s%s", data, (int)(mark - pattern), pattern, sample, after);
    free(pattern);
    return path;
}

// Whether a name of `size` bytes is one of a part of the pattern, and from where to where the
// sample's part of it goes (empty when the part has no mark).
static bool matches(const char *part, int part_size, const char *name, int size, int *from, int *to)
{
    const int mark = find_mark(part, part_size);
    *from = *to = 0;
    if (mark < 0)
        return size == part_size && memcmp(part, name, (size_t)size) == 0;
    const int after = part_size - mark - MARK_SIZE;
    *from = mark;
    *to = size - after;
    return *to > *from && memcmp(part, name, (size_t)mark) == 0 &&
           memcmp(part + mark + MARK_SIZE, name + *to, (size_t)after) == 0;
}

struct walk {
    const char *root;
    bool (*each)(void *context, const char *path, const char *sample);
    void *context;
};

// What is known of a file's sample on the way to it.
struct found {
    const char *sample; // its name so far
    const char *part;   // the last part of that
    int size;           // bytes of the part
};

// The name with one more part; the caller frees it.
static char *join(const struct found *found, const char *part, int size)
{
    if (size == 0 || (size == found->size && memcmp(part, found->part, (size_t)size) == 0))
        return text_copy(found->sample);
    return text_format("%s%s%.*s", found->sample, *found->sample ? "_" : "", size, part);
}

// A regular file, or a link to nowhere, which is told when it is to be read.
static bool may_be_read(const char *path)
{
    struct stat there;
    return file_exists(path) || (lstat(path, &there) == 0 && S_ISLNK(there.st_mode) &&
                                 stat(path, &there) != 0 && errno == ENOENT);
}

static bool enter(const struct walk *walk, const char *below, const char *rest,
                  const struct found *found);

// One entry of a folder, which is `below` the root and ends with '/' or is empty.
static bool take_entry(const struct walk *walk, const char *below, const char *rest,
                       const struct found *found, const struct dirent *entry)
{
    const int size = part_size(rest);
    const bool last = !rest[size];
    const int stem = last ? image_stem(entry->d_name) : (int)strlen(entry->d_name);
    int from, to;
    if (entry->d_name[0] == '.' || stem == 0 ||
        !matches(rest, size, entry->d_name, stem, &from, &to))
        return true;
    char *path = text_format("%s%s", below, entry->d_name),
         *full = text_format("%s/%s", walk->root, path),
         *name = join(found, entry->d_name + from, to - from);
    bool good = true;
    if (!last && folder_exists(full)) {
        char *deeper = text_format("%s/", path);
        const struct found more = to > from ? (struct found){name, entry->d_name + from, to - from}
                                            : (struct found){name, found->part, found->size};
        good = enter(walk, deeper, rest + size + 1, &more);
        free(deeper);
    } else if (last && (entry->d_type == DT_REG || may_be_read(full))) {
        good = walk->each(walk->context, path, name);
    }
    free(name);
    free(full);
    free(path);
    return good;
}

static bool enter(const struct walk *walk, const char *below, const char *rest,
                  const struct found *found)
{
    char *path = text_format("%s/%s", walk->root, below);
    DIR *stream = opendir(path);
    bool good = true;
    if (!stream) {
        path[strlen(path) - 1] = 0;
        good = error_set("%s: no folder that can be read: %s", path, strerror(errno));
    }
    for (const struct dirent *entry; good && stream && (entry = readdir(stream));)
        good = take_entry(walk, below, rest, found, entry);
    if (stream)
        closedir(stream);
    free(path);
    return good;
}

bool pattern_walk(const char *data, const char *text,
                  bool (*each)(void *context, const char *path, const char *sample), void *context)
{
    char *pattern = whole(text), *root = pattern_root(data, text);
    const struct walk walk = {root, each, context};
    const struct found nothing = {"", "", 0};
    const bool walked = enter(&walk, "", pattern + root_size(pattern), &nothing);
    free(root);
    free(pattern);
    return walked;
}

bool pattern_reaches(const char *text, const char *folder)
{
    char *pattern = whole(text);
    const char *rest = pattern + root_size(pattern);
    int size = part_size(rest), from, to;
    bool good = true;
    while (good && *folder) {
        const int name = part_size(folder);
        good = rest[size] && *folder != '.' && matches(rest, size, folder, name, &from, &to);
        folder += name + (folder[name] == '/');
        rest += good ? size + 1 : 0;
        size = part_size(rest);
    }
    good = good && !rest[size] && find_mark(rest, size) >= 0;
    free(pattern);
    return good;
}
