// SPDX-License-Identifier: MIT
#include "vkgrid/cortex/flatten.h"

#include "cortex/sulc.h"
#include "vkgrid/base/error.h"

#include <stdlib.h>

bool flat_subject_open(const char *folder, const struct subject_patterns *patterns,
                       const struct cortex_template *cortex_template,
                       const struct flat_settings *settings, struct flat_subject *flat)
{
    *flat = (struct flat_subject){.settings = *settings};
    CHECK(subject_open(folder, patterns, &flat->subject));
    CHECK(hemispheres_read(&flat->subject, flat->hemispheres));
    for (int side = LEFT; side < HEMISPHERES; side++) {
        struct hemisphere *hemisphere = &flat->hemispheres[side];
        float *sulc = sulc_read(&flat->subject, side, hemisphere->vertex_count);
        const bool fits = template_fit(cortex_template, hemisphere, sulc, &flat->motions[side],
                                       &flat->agreements[side]);
        free(sulc);
        if (!fits || !flat_map_make(hemisphere, settings->radius, &flat->maps[side]) ||
            !flat_raster_make(&flat->maps[side], settings->rows, &flat->rasters[side])) {
            error_prefix("%s", folder);
            goto error;
        }
    }
    return true;
error:
    flat_subject_close(flat);
    return false;
}

void flat_subject_close(struct flat_subject *flat)
{
    for (int side = LEFT; side < HEMISPHERES; side++) {
        flat_raster_free(&flat->rasters[side]);
        flat_map_free(&flat->maps[side]);
        hemisphere_free(&flat->hemispheres[side]);
    }
    subject_close(&flat->subject);
    *flat = (struct flat_subject){0};
}
