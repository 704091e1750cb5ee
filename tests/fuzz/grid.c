// SPDX-License-Identifier: MIT
// A grid file under every sampler, and its first cells.
#include "tests/fuzz/fuzz.h"
#include "vkgrid/grid/folds.h"

#include <cjson/cJSON.h>
#include <stdlib.h>

#define CELLS 4 // that are looked at

static void use_cell(const struct grid *grid, int number)
{
    struct sample_names names;
    struct cell cell;
    cJSON_Delete(grid_values(grid, number));
    if (!fuzz_judge(grid_cell(grid, number, &cell), NULL))
        return;
    free(cell_group_key(&cell));
    free(cell_data_key(&cell));
    free(cell_task(&cell));
    free(cell_ignored_keys(cell.options));
    cell_samples(&cell, &names);
    sample_names_free(&names);
    if (cell.folds > 0) {
        cell_fold_samples(&cell, cell.folds - 1, &names);
        sample_names_free(&names);
    }
    cell_free(&cell);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const char *path = fuzz_file(FUZZ_FILE, bytes, size);
    static const enum sampler samplers[] = {SAMPLER_GRID, SAMPLER_RANDOM, SAMPLER_OPTUNA};
    for (size_t i = 0; i < sizeof(samplers) / sizeof(*samplers); i++) {
        const struct grid_settings settings = {.sampler = samplers[i],
                                               .trials = samplers[i] == SAMPLER_RANDOM ? CELLS : 0};
        struct grid *grid = NULL;
        if (!fuzz_judge(grid_read(path, &settings, &grid), NULL))
            continue;
        for (int n = 0; n < grid->cell_count && n < CELLS; n++)
            use_cell(grid, n);
        grid_free(&grid);
    }
    return 0;
}
