// SPDX-License-Identifier: MIT
#include "grid/feature_sets.h"

#include <stddef.h>
#include <string.h>

#define ANAT "x", "y", "z", "curvature", "convexity", "thickness", "surface_area"
#define MYELIN "myelin"
#define DWI "dwi_OR", "dwi_VOF"
#define PRF "prf_x", "prf_y", "prf_sigma", "prf_cod"
#define AREA "V1", "V2", "V3"
#define RING "E0", "E1", "E2", "E3", "E4"

const struct named_set feature_sets[] = {
    {"anat", {ANAT}},
    {"full", {ANAT, MYELIN, DWI, PRF}},
    {"null", {"null"}}, // a channel of zeros
    {"t1t2", {ANAT, MYELIN}},
    {"func", {ANAT, PRF}},
    {"trac", {ANAT, DWI}},
    {"not2", {ANAT, PRF, DWI}},
    {"nofn", {ANAT, MYELIN, DWI}},
    {"nodw", {ANAT, MYELIN, PRF}},
    {NULL, {NULL}},
};

const struct named_set label_sets[] = {
    {"area", {AREA}},
    {"ring", {RING}},
    {"sect", {AREA, RING}},
    {NULL, {NULL}},
};

const struct named_set *named_set_find(const struct named_set *sets, const char *name)
{
    for (; sets->name; sets++) {
        if (strcmp(sets->name, name) == 0)
            return sets;
    }
    return NULL;
}
