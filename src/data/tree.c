// SPDX-License-Identifier: MIT
#include "data/tree.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/formats/image.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct growing {
    struct tree *tree;
    const char *root;
    size_t room;
};

static void add(struct growing *growing, char *path)
{
    struct tree *tree = growing->tree;
    tree->paths =
        mem_reserve(tree->paths, &growing->room, (size_t)tree->count + 1, sizeof(tree->paths[0]));
    tree->paths[tree->count++] = path;
}

// below: empty, or ends with '/'.
static bool enter(struct growing *growing, const char *below, int part)
{
    char *folder = text_format("%s/%s", growing->root, below);
    DIR *stream = opendir(folder);
    bool good = stream || error_set("%s: no folder that can be read: %s",
                                    part == 1 ? growing->root : folder, strerror(errno));
    for (const struct dirent *entry; good && stream && (entry = readdir(stream));) {
        char *full = text_format("%s%s", folder, entry->d_name);
        const int stem = image_stem(entry->d_name);
        if (entry->d_name[0] != '.' && folder_exists(full)) {
            char *deeper = text_format("%s%s/", below, entry->d_name);
            good = part == TREE_DEPTH || enter(growing, deeper, part + 1);
            free(deeper);
        } else if (entry->d_name[0] != '.' && stem > 0) {
            add(growing, text_format("%s%.*s", below, stem, entry->d_name));
        }
        free(full);
    }
    if (stream)
        closedir(stream);
    free(folder);
    return good;
}

static int compare(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

bool tree_open(const char *folder, struct tree *tree)
{
    struct growing growing = {tree, folder, 0};
    *tree = (struct tree){0};
    if (!enter(&growing, "", 1)) {
        tree_close(tree);
        return false;
    }
    if (tree->paths)
        qsort(tree->paths, (size_t)tree->count, sizeof(tree->paths[0]), compare);
    tree->parts = mem_zalloc((size_t)tree->count + 1, sizeof(tree->parts[0]));
    for (int i = 0; i < tree->count; i++) {
        tree->parts[i] = 1;
        for (const char *at = tree->paths[i]; (at = strchr(at, '/')); at++)
            tree->parts[i]++;
    }
    return true;
}

void tree_close(struct tree *tree)
{
    for (int i = 0; i < tree->count; i++)
        free(tree->paths[i]);
    free(tree->paths);
    free(tree->parts);
    *tree = (struct tree){0};
}
