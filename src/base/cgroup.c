// SPDX-License-Identifier: MIT
// /proc/self/cgroup names this process's group in each hierarchy, /proc/self/mountinfo where the
// hierarchies are mounted, and from which of their groups on (proc(5), cgroups(7)).
#include "vkgrid/base/cgroup.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOUNT_FIELDS = 64 };

struct walk {
    const char *root, *controller;
    cgroup_visitor *visit;
    void *context;
};

// Whether a list with commas has the word.
static bool listed(const char *list, const char *word)
{
    const size_t length = strlen(word);
    for (; *list; list += strcspn(list, ","), list += *list == ',')
        if (strcspn(list, ",") == length && strncmp(list, word, length) == 0)
            return true;
    return false;
}

// "\040" is a space.
static void unescape(char *text)
{
    char *to = text;
    for (const char *from = text; *from; to++) {
        unsigned code;
        if (*from == '\\' && strspn(from + 1, "01234567") >= 3 &&
            sscanf(from + 1, "%3o", &code) == 1) {
            *to = (char)code;
            from += 4;
        } else {
            *to = *from++;
        }
    }
    *to = 0;
}

// What is left of a group's path below the group that is mounted; NULL where it is not below.
static const char *below(const char *path, const char *mounted)
{
    const size_t length = strcmp(mounted, "/") == 0 ? 0 : strlen(mounted);
    if (strncmp(path, mounted, length) != 0 || (path[length] != '/' && path[length] != 0))
        return NULL;
    return strcmp(path + length, "/") == 0 ? "" : path + length;
}

// Groups outside of the name space of this process have ".." in their paths.
static bool leads_up(const char *path)
{
    for (const char *at = path; (at = strstr(at, "/..")); at += 3)
        if (at[3] == '/' || at[3] == 0)
            return true;
    return false;
}

static void visit_upwards(const struct walk *walk, const char *point, const char *path)
{
    char folder[PATH_MAX];
    const size_t top = strlen(walk->root) + strlen(point);
    const int length = snprintf(folder, sizeof folder, "%s%s%s", walk->root, point, path);
    if (length < 0 || (size_t)length >= sizeof folder)
        return;
    while (true) {
        walk->visit(folder, walk->context);
        char *last = strrchr(folder, '/');
        if (!last || (size_t)(last - folder) < top)
            return;
        *last = 0;
    }
}

// A line "36 35 0:31 ROOT POINT OPTIONS... - TYPE SOURCE SUPER_OPTIONS" of mountinfo, beside
// the group's path in the hierarchy of either version (NULL: it has none).
static void visit_mount(const struct walk *walk, char *line, const char *paths[3])
{
    char *fields[MOUNT_FIELDS], *rest = line, *word;
    int count = 0, dash = 0;
    while (count < MOUNT_FIELDS && (word = strsep(&rest, " \n")))
        fields[count++] = word;
    for (int i = 6; i < count && !dash; i++)
        dash = strcmp(fields[i], "-") == 0 ? i : 0;
    if (!dash || dash + 3 >= count)
        return;
    const bool second = strcmp(fields[dash + 1], "cgroup2") == 0;
    const bool first =
        strcmp(fields[dash + 1], "cgroup") == 0 && listed(fields[dash + 3], walk->controller);
    const char *path = second ? paths[2] : first ? paths[1] : NULL;
    unescape(fields[3]);
    unescape(fields[4]);
    if (path && (path = below(path, fields[3])))
        visit_upwards(walk, strcmp(fields[4], "/") == 0 ? "" : fields[4], path);
}

static FILE *open_below(const char *root, const char *path)
{
    char whole[PATH_MAX];
    const int length = snprintf(whole, sizeof whole, "%s%s", root, path);
    return length > 0 && (size_t)length < sizeof whole ? fopen(whole, "r") : NULL;
}

// The paths of this process's group by version, from lines "4:cpu,cpuacct:/job" and "0::/job".
static void find_paths(const struct walk *walk, char *paths[3])
{
    char *line = NULL;
    size_t size = 0;
    FILE *file = open_below(walk->root, "/proc/self/cgroup");
    while (file && getline(&line, &size, file) > 0) {
        char *rest = line, *number = strsep(&rest, ":"), *controllers = strsep(&rest, ":");
        if (!rest)
            continue;
        rest[strcspn(rest, "\n")] = 0;
        int version = listed(controllers, walk->controller);
        if (strcmp(number, "0") == 0 && !*controllers)
            version = 2;
        if (version && !paths[version] && *rest == '/' && !leads_up(rest))
            paths[version] = strdup(rest);
    }
    free(line);
    if (file)
        fclose(file);
}

void cgroup_visit(const char *root, const char *controller, cgroup_visitor *visit, void *context)
{
    const struct walk walk = {root, controller, visit, context};
    char *paths[3] = {NULL}, *line = NULL;
    size_t size = 0;
    find_paths(&walk, paths);
    FILE *file = open_below(root, "/proc/self/mountinfo");
    while (file && getline(&line, &size, file) > 0)
        visit_mount(&walk, line, (const char *[]){NULL, paths[1], paths[2]});
    if (file)
        fclose(file);
    free(line);
    free(paths[1]);
    free(paths[2]);
}
