// SPDX-License-Identifier: MIT
#include "vkgrid/study/weights_note.h"

#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/formats/tensors.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

struct cJSON *weights_description(const struct cell *cell)
{
    // Weights are passed on: whom they were trained on, and where the data lies, stays with the
    // study.
    static const char *const private[] = {"partition", "raters", "data_cache_path", "pretrained",
                                          "init_weights"};
    cJSON *description = cJSON_Duplicate(cell->options, true);
    for (size_t i = 0; i < sizeof(private) / sizeof(*private); i++)
        cJSON_DeleteItemFromObjectCaseSensitive(description, private[i]);
    return description;
}

bool weights_describe(const char *path, struct cJSON **description)
{
    char *options;
    *description = NULL;
    if (!safetensors_metadata(path, "options", &options))
        return false;
    if (!options)
        return true;
    char *where = text_format("%s: options", path);
    const bool read = json_parse(options, strlen(options), where, description);
    free(where);
    free(options);
    return read;
}
