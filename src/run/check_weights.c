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
    enum base_model base_model;
    bool three; // features: only then the first convolution is taken too
};

struct checks {
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

static bool check_file(const struct cell *cell)
{
    char *note = NULL;
    if (!weights_check_pretrained(cell->pretrained, cell->base_model, cell->features.count, &note))
        return false;
    weights_tell(cell->pretrained, note);
    return true;
}

static bool is_checked(const struct checks *checks, const struct checked *wanted)
{
    for (int i = 0; i < checks->count; i++) {
        const struct checked *item = &checks->items[i];
        if (item->base_model == wanted->base_model && item->three == wanted->three &&
            strcmp(item->path, wanted->path) == 0)
            return true;
    }
    return false;
}

static bool check_once(struct checks *checks, const struct cell *cell, bool may_miss)
{
    const struct checked item = {(char *)cell->pretrained, cell->base_model,
                                 cell->features.count == 3};
    if (!cell->pretrained || is_checked(checks, &item))
        return true;
    checks->items =
        mem_reserve(checks->items, &checks->room, (size_t)checks->count + 1, sizeof(item));
    checks->items[checks->count] = item;
    checks->items[checks->count++].path = text_copy(cell->pretrained);
    if (may_miss && !file_exists(cell->pretrained)) {
        fprintf(stderr, "%s: no such file yet: it is wanted when the search begins\n",
                cell->pretrained);
        return true;
    }
    if (check_file(cell))
        return true;
    error_prefix("%s", cell->name);
    for (int i = 0; i < checks->count - 1; i++)
        if (strcmp(checks->items[i].path, cell->pretrained) == 0 &&
            checks->items[i].base_model != cell->base_model)
            return error_set("%s: resnet18=FILE,resnet34=FILE names a file for each", error_text());
    return false;
}

// Whether any cell may begin with pretrained weights: most grids have none, and many cells.
static bool names_weights(const struct grid *grid)
{
    return json_member(json_member(grid->json, "static"), "pretrained") ||
           json_member(json_member(grid->json, "hyper"), "pretrained");
}

bool groups_check_weights(const struct grid *grid, const struct groups *groups, bool may_miss)
{
    struct checks checks = {0};
    bool good = true;
    if (!names_weights(grid))
        return true;
    for (int i = 0; good && i < groups->count; i++) {
        const struct group *group = &groups->items[i];
        for (int j = 0; good && j < group->cell_count; j++) {
            struct cell cell;
            good = grid_cell(grid, group->cells[j], &cell);
            if (good)
                good = check_once(&checks, &cell, may_miss);
            cell_free(&cell);
        }
    }
    for (int i = 0; i < checks.count; i++)
        free(checks.items[i].path);
    free(checks.items);
    return good;
}

bool cell_check_weights(const struct cell *cell, const char *init)
{
    struct tensors weights = {0};
    char *note = NULL;
    if (!init)
        return !cell->pretrained || check_file(cell);
    if (!weights_load_unet(init, cell->base_model, cell->features.count, cell->labels.count,
                           &weights, &note))
        return false;
    tensors_free(&weights);
    weights_tell(init, note);
    return true;
}
