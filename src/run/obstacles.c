// SPDX-License-Identifier: MIT
#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/run/check_groups.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN 10 // obstacles

void obstacles_add(struct obstacles *obstacles, int cell, bool mendable, const char *why)
{
    int i = obstacles->count - 1; // the same one comes in a row, mostly
    while (i >= 0 && strcmp(obstacles->items[i].why, why) != 0)
        i--;
    if (i < 0) {
        i = obstacles->count++;
        obstacles->items =
            mem_grow(obstacles->items, (size_t)obstacles->count, sizeof(obstacles->items[0]));
        obstacles->items[i] = (struct obstacle){.why = text_copy(why), .mendable = mendable};
    }
    struct obstacle *obstacle = &obstacles->items[i];
    obstacle->cells = mem_reserve(obstacle->cells, &obstacle->room, (size_t)obstacle->count + 1,
                                  sizeof(obstacle->cells[0]));
    obstacle->cells[obstacle->count++] = cell;
}

int obstacles_cells(const struct obstacles *obstacles)
{
    int count = 0;
    for (int i = 0; i < obstacles->count; i++)
        count += obstacles->items[i].count;
    return count;
}

bool obstacles_mendable(const struct obstacles *obstacles)
{
    for (int i = 0; i < obstacles->count; i++)
        if (obstacles->items[i].mendable)
            return true;
    return false;
}

bool obstacles_refuse(const struct obstacles *obstacles, int cells)
{
    const int unable = obstacles_cells(obstacles);
    const char *end = obstacles_mendable(obstacles) ? ": nothing is trained before" : "";
    const char *why = obstacles->items[0].why;
    for (int i = 1; i < obstacles->count && i < SHOWN; i++)
        fprintf(stderr, "%d of %d cells: %s\n", obstacles->items[i].count, cells,
                obstacles->items[i].why);
    if (obstacles->count > 1)
        return error_set("%s (%d of %d cells cannot be trained, for %d reasons%s)", why, unable,
                         cells, obstacles->count, end);
    return unable == cells
               ? error_set("%s", why)
               : error_set("%s (%d of %d cells cannot be trained%s)", why, unable, cells, end);
}

void obstacles_free(struct obstacles *obstacles)
{
    for (int i = 0; i < obstacles->count; i++) {
        free(obstacles->items[i].why);
        free(obstacles->items[i].cells);
    }
    free(obstacles->items);
    *obstacles = (struct obstacles){0};
}
