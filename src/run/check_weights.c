// SPDX-License-Identifier: MIT
// Weight files are found good, or told why they are not, before anything is trained.
#include "vkgrid/run/check_weights.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/model/weights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// A file that was looked at, for one network.
struct checked {
    char *path;
    bool init; // a whole network, not only its encoder
    enum base_model base_model;
    int features, labels;
    char *why; // it is not good; NULL: it is
};

struct checks {
    const char *cleared; // folder, or NULL
    struct checked *items;
    int count;
    size_t room;
};

void weights_tell(const char *path, char *note)
{
    if (note)
        fprintf(stderr, "%s: %s\n", path, note);
    free(note);
}

static bool check_file(const struct checked *item)
{
    struct tensors weights = {0};
    char *note = NULL;
    if (!(item->init
              ? weights_load_unet(item->path, item->base_model, item->features, item->labels,
                                  &weights, &note)
              : weights_check_pretrained(item->path, item->base_model, item->features, &note)))
        return false;
    tensors_free(&weights);
    weights_tell(item->path, note);
    return true;
}

// NULL: it has not been looked at.
static const struct checked *find_checked(const struct checks *checks, const struct checked *wanted)
{
    for (int i = 0; i < checks->count; i++) {
        const struct checked *item = &checks->items[i];
        if (item->init == wanted->init && item->base_model == wanted->base_model &&
            item->features == wanted->features && item->labels == wanted->labels &&
            strcmp(item->path, wanted->path) == 0)
            return item;
    }
    return NULL;
}

// A file that fits one of two base models.
static bool fits_another(const struct checks *checks, const struct checked *wanted)
{
    for (int i = 0; i < checks->count - 1; i++)
        if (!wanted->init && checks->items[i].base_model != wanted->base_model &&
            strcmp(checks->items[i].path, wanted->path) == 0)
            return true;
    return false;
}

// Whether the file is in no folder that is emptied before anything is trained.
static bool check_stays(const char *path, const char *cleared)
{
    char *file = realpath(path, NULL), *folder = cleared ? realpath(cleared, NULL) : NULL;
    const size_t size = folder ? strlen(folder) : 0;
    const bool stays =
        !file || !folder || strncmp(file, folder, size) != 0 || file[size] != '/' ||
        error_set("%s: is in %s, which --overwrite empties: another folder (-o) is needed", path,
                  cleared);
    free(file);
    free(folder);
    return stays;
}

static bool look_at(struct checks *checks, const struct checked *item, bool may_miss)
{
    if (may_miss && !file_exists(item->path)) {
        fprintf(stderr, "%s: no such file yet: it is wanted when the search begins\n", item->path);
        return true;
    }
    if (!file_exists(item->path))
        return error_set("%s: no such file of %s", item->path,
                         item->init ? "weights to begin with" : "pretrained weights");
    return check_stays(item->path, checks->cleared) && check_file(item);
}

// Why the cell's file is not good, or NULL.
static const char *check_once(struct checks *checks, const struct cell *cell, bool may_miss)
{
    struct checked item = {.path = (char *)(cell->init ? cell->init : cell->pretrained),
                           .init = cell->init,
                           .base_model = cell->base_model,
                           .features = cell->features.count,
                           .labels = cell->labels.count};
    const struct checked *earlier = item.path ? find_checked(checks, &item) : NULL;
    if (!item.path || earlier)
        return earlier ? earlier->why : NULL;
    checks->items =
        mem_reserve(checks->items, &checks->room, (size_t)checks->count + 1, sizeof(item));
    struct checked *added = &checks->items[checks->count++];
    item.path = text_copy(item.path);
    *added = item;
    if (look_at(checks, added, may_miss))
        return NULL;
    error_prefix("%s", cell->name);
    if (fits_another(checks, added))
        error_set("%s: resnet18=FILE,resnet34=FILE names a file for each", error_text());
    added->why = text_copy(error_text());
    return added->why;
}

// Whether any cell may begin with weights of a file: most grids have none, and many cells.
static bool names_weights(const struct grid *grid)
{
    static const char *const keys[] = {"pretrained", "init_weights"};
    bool names = false;
    for (int i = 0; i < 2; i++)
        names = names || json_member(json_member(grid->json, "static"), keys[i]) ||
                json_member(json_member(grid->json, "hyper"), keys[i]);
    return names;
}

bool groups_check_weights(const struct grid *grid, const struct groups *groups, bool may_miss,
                          const char *cleared, struct obstacles *obstacles)
{
    struct checks checks = {.cleared = cleared};
    bool good = true;
    if (!names_weights(grid))
        return true;
    for (int i = 0; good && i < groups->count; i++) {
        const struct group *group = &groups->items[i];
        for (int j = 0; good && j < group->cell_count; j++) {
            struct cell cell;
            good = grid_cell(grid, group->cells[j], &cell);
            const char *why = good ? check_once(&checks, &cell, may_miss) : NULL;
            if (why)
                obstacles_add(obstacles, cell.number, true, why);
            cell_free(&cell);
        }
    }
    for (int i = 0; i < checks.count; i++) {
        free(checks.items[i].path);
        free(checks.items[i].why);
    }
    free(checks.items);
    return good;
}
