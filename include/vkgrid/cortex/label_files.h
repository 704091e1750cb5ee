// SPDX-License-Identifier: MIT
// The files that labels of a subject's cortex are written to, named as FreeSurfer names its own:
//     surf/{lh,rh}.<tag>_<map>.mgz    the class of every vertex (int32), 0: none
//     label/{lh,rh}.<tag>_<map>.annot the same with names and colours
// where <map> is varea for areas (1 to 3 are V1 to V3), vring for rings of eccentricity (1 to 5),
// else the name of the label set; and, where they are asked for,
//     surf/{lh,rh}.<tag>_<label>_probability.mgz    of each label (float32)
//     label/{lh,rh}.<tag>_<map>.label.gii           GIFTI
//     mri/<tag>_<map>.mgz                           the grey matter of the ribbon
#pragma once

#include "vkgrid/cortex/flatten.h"
#include "vkgrid/cortex/ribbon.h"
#include "vkgrid/data/label_map.h"

struct label_request {
    const char *tag;
    struct label_group groups[LABEL_GROUPS]; // a map each
    int group_count;
    const char *const *labels; // of all groups together
    int label_count;
    bool probabilities, gifti, volume;
};

// "varea", "vring", or the set's name.
const char *label_map_name(const struct label_group *group);

enum label_kind { LABEL_CLASSES_MGZ, LABEL_ANNOT, LABEL_GIFTI, LABEL_PROBABILITY, LABEL_VOLUME };

struct label_file {
    enum label_kind kind;
    int side;   // but of LABEL_VOLUME
    int number; // of the group; of LABEL_PROBABILITY, of the label
    char *path;
};

struct label_files {
    struct label_file *items;
    int count;
};

// Of a subject whose folder is, or looks like, `folder`.
void label_files_list(const struct label_request *request, const char *folder,
                      struct label_files *files);
void label_files_free(struct label_files *files); // leaves an empty list

// What the files hold.
struct label_maps {
    const struct label_request *request;
    const struct flat_subject *subject;
    const float *values[HEMISPHERES];            // of each side [label][vertex]
    int32_t *classes[LABEL_GROUPS][HEMISPHERES]; // of every vertex
    struct ribbon ribbon;                        // of label_maps_read_ribbon()
};

// The arguments must stay; values: as flat_values() gives them.
void label_maps_make(const struct label_request *request, const struct flat_subject *subject,
                     const float *const values[HEMISPHERES], struct label_maps *maps);
void label_maps_free(struct label_maps *maps); // leaves empty maps

// Before a volume is written. Fails where the subject has no ribbon.
bool label_maps_read_ribbon(struct label_maps *maps);

// Into a folder that is there.
bool label_maps_write(const struct label_maps *maps, const struct label_file *file);

// How much of a hemisphere a label has.
struct label_extent {
    int vertices;
    double area; // of the midgray surface, mm2
};
// extents[label], of all labels.
void label_maps_extents(const struct label_maps *maps, int side, struct label_extent *extents);
