// SPDX-License-Identifier: MIT
#include "vkgrid/study/paths.h"

#include "vkgrid/base/file.h"
#include "vkgrid/base/memory.h"

#include <stdlib.h>

char *study_path(const char *out, const char *name)
{
    return text_format("%s/%s", out, name);
}

bool study_holds(const char *out, const char *name)
{
    char *path = study_path(out, name);
    const bool holds = file_exists(path);
    free(path);
    return holds;
}

char *study_journal(const char *database)
{
    return text_format("%s-journal", database);
}

char *study_cell_folder(const char *out, int cell)
{
    char name[CELL_NAME];
    return text_format("%s/" STUDY_CELLS "/%s", out, cell_name(cell, name));
}

char *study_weights(const char *folder, const struct cell *cell, int network)
{
    if (cell->folds > 0)
        return text_format("%s/best_%s.fold%d.safetensors", folder, cell->inputs, network);
    return text_format("%s/best_%s.safetensors", folder, cell->inputs);
}

char *study_checkpoints(const char *out, int cell, int run)
{
    char name[CELL_NAME];
    return text_format("%s/" STUDY_CHECKPOINTS "/%s-%d", out, cell_name(cell, name), run);
}
