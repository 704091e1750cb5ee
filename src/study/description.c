// SPDX-License-Identifier: MIT
// What a weights file says of itself, and the data set of a cell.
#include "vkgrid/error.h"
#include "vkgrid/json.h"
#include "vkgrid/memory.h"
#include "vkgrid/study.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct cJSON *weights_description(const struct cell *cell)
{
    // Weights are passed on: whom they were trained on, and where the data lies, stays with the
    // study.
    static const char *const private[] = {"partition", "raters", "data_cache_path", "pretrained"};
    cJSON *description = cJSON_Duplicate(cell->options, true);
    for (size_t i = 0; i < sizeof(private) / sizeof(*private); i++)
        cJSON_DeleteItemFromObjectCaseSensitive(description, private[i]);
    return description;
}

// The header of a safetensors file (u64 length, JSON), or NULL when the file does not begin with
// one.
static cJSON *read_header(FILE *file, const char *path)
{
    unsigned char bytes[8];
    uint64_t size = 0;
    cJSON *header = NULL;
    if (fread(bytes, 1, sizeof(bytes), file) != sizeof(bytes))
        return NULL;
    for (int i = 7; i >= 0; i--)
        size = size << 8 | bytes[i];
    if (size < 2 || size > JSON_LIMIT)
        return NULL;
    char *text = mem_alloc((size_t)size);
    if (fread(text, 1, (size_t)size, file) == size && text[0] == '{' &&
        !json_parse(text, (size_t)size, path, &header))
        header = NULL;
    free(text);
    return header;
}

bool weights_describe(const char *path, struct cJSON **description)
{
    FILE *file = fopen(path, "rbe");
    *description = NULL;
    if (!file)
        return error_set("%s: %s", path, strerror(errno));
    cJSON *header = read_header(file, path);
    fclose(file);
    const cJSON *options = json_member(json_member(header, "__metadata__"), "options");
    bool read = true;
    if (cJSON_IsString(options)) {
        char *where = text_format("%s: options", path);
        read = json_parse(options->valuestring, strlen(options->valuestring), where, description);
        free(where);
    }
    cJSON_Delete(header);
    return read;
}

bool cell_load_data(const struct cell *cell, struct dataset **dataset)
{
    struct targets targets;
    cell_targets(cell, &targets);
    const struct dataset_request request = {
        .folder = cell->data,
        .rows = cell->rows,
        .cols = cell->cols,
        .features = cell->features.names,
        .feature_count = cell->features.count,
        .labels = cell->labels.names,
        .label_count = cell->labels.count,
        .training = (const char *const *)targets.training,
        .training_count = targets.training_count,
        .validation = (const char *const *)targets.validation,
        .validation_count = targets.validation_count,
    };
    const bool loaded = dataset_load(&request, dataset);
    targets_free(&targets);
    return loaded;
}
