// SPDX-License-Identifier: MIT
#include "vkgrid/cortex/label_files.h"

#include "cortex/areas.h"
#include "vkgrid/base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Whether the labels are <letter><first>, <letter><first + 1>, ...: then classes have the numbers
// that other programs know.
static bool are_numbered(const struct label_group *group, char letter, int first)
{
    for (int i = 0; i < group->count; i++) {
        char name[16];
        snprintf(name, sizeof(name), "%c%d", letter, first + i);
        if (strcmp(group->names[i], name) != 0)
            return false;
    }
    return true;
}

const char *label_map_name(const struct label_group *group)
{
    return are_numbered(group, 'V', 1)   ? "varea"
           : are_numbered(group, 'E', 0) ? "vring"
                                         : group->name;
}

static void add(struct label_files *files, enum label_kind kind, int side, int number, char *path)
{
    files->items = mem_grow(files->items, (size_t)files->count + 1, sizeof(*files->items));
    files->items[files->count++] = (struct label_file){kind, side, number, path};
}

static void add_side(const struct label_request *request, const char *folder, int side,
                     struct label_files *files)
{
    const char *hemisphere = hemisphere_names[side], *tag = request->tag;
    for (int i = 0; i < request->group_count; i++) {
        const char *map = label_map_name(&request->groups[i]);
        add(files, LABEL_CLASSES_MGZ, side, i,
            text_format("%s/surf/%s.%s_%s.mgz", folder, hemisphere, tag, map));
        add(files, LABEL_ANNOT, side, i,
            text_format("%s/label/%s.%s_%s.annot", folder, hemisphere, tag, map));
        if (request->gifti)
            add(files, LABEL_GIFTI, side, i,
                text_format("%s/label/%s.%s_%s.label.gii", folder, hemisphere, tag, map));
    }
    for (int k = 0; request->probabilities && k < request->label_count; k++)
        add(files, LABEL_PROBABILITY, side, k,
            text_format("%s/surf/%s.%s_%s_probability.mgz", folder, hemisphere, tag,
                        request->labels[k]));
}

void label_files_list(const struct label_request *request, const char *folder,
                      struct label_files *files)
{
    *files = (struct label_files){0};
    for (int side = 0; side < HEMISPHERES; side++)
        add_side(request, folder, side, files);
    for (int i = 0; request->volume && i < request->group_count; i++)
        add(files, LABEL_VOLUME, 0, i,
            text_format("%s/mri/%s_%s.mgz", folder, request->tag,
                        label_map_name(&request->groups[i])));
}

void label_files_free(struct label_files *files)
{
    for (int i = 0; i < files->count; i++)
        free(files->items[i].path);
    free(files->items);
    *files = (struct label_files){0};
}

void label_maps_make(const struct label_request *request, const struct flat_subject *subject,
                     const float *const values[HEMISPHERES], struct label_maps *maps)
{
    *maps = (struct label_maps){.request = request, .subject = subject};
    for (int side = 0; side < HEMISPHERES; side++) {
        const struct flat_map *map = &subject->maps[side];
        const size_t count = (size_t)map->hemisphere_vertices;
        maps->values[side] = values[side];
        for (int i = 0; i < request->group_count; i++) {
            const struct label_group *group = &request->groups[i];
            maps->classes[i][side] = mem_zalloc(count, sizeof(int32_t));
            flat_labels(map, group->count, values[side] + (size_t)group->first * count,
                        maps->classes[i][side]);
        }
    }
}

bool label_maps_read_ribbon(struct label_maps *maps)
{
    return ribbon_read(&maps->subject->subject, maps->subject->hemispheres, &maps->ribbon);
}

void label_maps_free(struct label_maps *maps)
{
    for (int i = 0; i < LABEL_GROUPS; i++)
        for (int side = 0; side < HEMISPHERES; side++)
            free(maps->classes[i][side]);
    ribbon_free(&maps->ribbon);
    *maps = (struct label_maps){0};
}

static bool write_named(const struct label_file *file, const struct label_group *group,
                        int32_t *keys, int count)
{
    struct label_entry *entries = mem_zalloc((size_t)group->count, sizeof(*entries));
    for (int k = 0; k < group->count; k++) {
        entries[k].key = k + 1;
        snprintf(entries[k].name, sizeof(entries[k].name), "%s", group->names[k]);
        label_colour(k + 1, entries[k].color);
        entries[k].color[3] = 255;
    }
    const struct vertex_labels labels = {count, keys, entries, group->count};
    const bool written = file->kind == LABEL_ANNOT
                             ? annot_write(file->path, &labels)
                             : gifti_write_labels(file->path, &labels, file->side == LEFT);
    free(entries);
    return written;
}

bool label_maps_write(const struct label_maps *maps, const struct label_file *file)
{
    const int side = file->side, count = maps->subject->maps[side].hemisphere_vertices;
    switch (file->kind) {
    case LABEL_CLASSES_MGZ:
        return mgz_write_labels(file->path, count, maps->classes[file->number][side]);
    case LABEL_ANNOT:
    case LABEL_GIFTI:
        return write_named(file, &maps->request->groups[file->number],
                           maps->classes[file->number][side], count);
    case LABEL_PROBABILITY:
        return mgz_write_values(file->path, count, 1,
                                maps->values[side] + (size_t)file->number * (size_t)count);
    case LABEL_VOLUME:
        return ribbon_write(file->path, &maps->ribbon,
                            (const int32_t *const *)maps->classes[file->number]);
    }
    return false; // there is no other kind
}

void label_maps_extents(const struct label_maps *maps, int side, struct label_extent *extents)
{
    const struct surface *midgray = &maps->subject->hemispheres[side].midgray;
    float *areas = vertex_areas(midgray);
    memset(extents, 0, (size_t)maps->request->label_count * sizeof(*extents));
    for (int i = 0; i < maps->request->group_count; i++) {
        struct label_extent *first = extents + maps->request->groups[i].first;
        for (int vertex = 0; vertex < midgray->vertex_count; vertex++) {
            const int class = maps->classes[i][side][vertex];
            if (class > 0) {
                first[class - 1].vertices++;
                first[class - 1].area += (double)areas[vertex];
            }
        }
    }
    free(areas);
}
