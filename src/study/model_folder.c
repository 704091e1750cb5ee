// SPDX-License-Identifier: MIT
#include "vkgrid/study/model_folder.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/model/weights.h"
#include "vkgrid/study/paths.h"
#include "vkgrid/study/weights_note.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>

#define COPY_LIMIT ((size_t)64 << 20) // bytes of a file that is copied

static bool read_cell(const char *cell_folder, struct cell *cell)
{
    char *path = study_path(cell_folder, "options.json");
    cJSON *options = NULL;
    const bool read = json_read(path, &options) && cell_from_options(options, path, cell);
    cJSON_Delete(options);
    free(path);
    return read;
}

static bool copy_file(const char *from_folder, const char *to_folder, const char *name)
{
    char *from = study_path(from_folder, name), *to = study_path(to_folder, name);
    void *bytes = NULL;
    size_t size;
    const bool copied = file_read(from, COPY_LIMIT, &bytes, &size) && file_write(to, bytes, size);
    free(bytes);
    free(from);
    free(to);
    return copied;
}

static bool write_model(const char *weights_path, const struct cell *cell, const char *folder)
{
    struct tensors weights = {0};
    if (!weights_read_unet(weights_path, cell->base_model, cell->features.count, cell->labels.count,
                           &weights))
        return false;
    char *path = study_path(folder, "model.pt");
    const bool written = torch_write(path, &weights);
    tensors_free(&weights);
    free(path);
    return written;
}

// What convert writes beside such a file: apply finds it there.
static bool write_description(const char *weights_path, const char *folder)
{
    cJSON *description = NULL;
    if (!weights_describe(weights_path, &description) || !description)
        return false;
    char *path = study_path(folder, "model.options.json");
    const bool written =
        weights_add_flatten(weights_path, description) && json_write(path, description);
    cJSON_Delete(description);
    free(path);
    return written;
}

bool model_folder_write(const char *out, const char *cell_folder)
{
    struct cell cell;
    if (!read_cell(cell_folder, &cell))
        return false;
    char *task = cell_task(&cell), *folder = text_format("%s/" STUDY_MODELS "/%s", out, task),
         *weights = study_weights(cell_folder, &cell, 0);
    bool written = true;
    if (cell.folds > 0)
        fprintf(stderr,
                "%s: a network for each fold is no model of its own: vkgrid convert writes the "
                "weights of each for PyTorch\n",
                cell_folder);
    else if (!file_exists(weights))
        fprintf(stderr, "%s: no weights there, none are written for PyTorch\n", cell_folder);
    else
        written = folder_make(folder) && copy_file(cell_folder, folder, "options.json") &&
                  copy_file(cell_folder, folder, "plan.json") &&
                  copy_file(cell_folder, folder, "training.tsv") &&
                  write_model(weights, &cell, folder) && write_description(weights, folder);
    free(weights);
    free(folder);
    free(task);
    cell_free(&cell);
    return written;
}
