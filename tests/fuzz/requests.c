// SPDX-License-Identifier: MIT
// A line that `vkgrid worker` is asked, and the values in it.
#include "cli/serve/request.h"
#include "tests/fuzz/fuzz.h"
#include "vkgrid/base/json.h"
#include "vkgrid/grid/grid.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

static const char text[] =
    "{\"static\": {\"partition\": [[1, 2], [3]], \"raters\": [], \"inputs\": \"anat\", "
    "\"prediction\": \"area\", \"gamma\": 1}, \"hyper\": {\"lr\": {\"min\": 0.001, \"max\": 0.1}, "
    "\"bce_weight\": [0, 1], \"batch_size\": [1, 2], \"base_model\": [\"resnet18\", \"resnet34\"], "
    "\"image_size\": [[32, 64], [64, 128]]}}";

static struct grid *open_grid(void)
{
    static struct grid *grid;
    const struct grid_settings settings = {.sampler = SAMPLER_OPTUNA};
    if (!grid && !grid_parse(text, strlen(text), "grid", &settings, &grid))
        abort();
    return grid;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct request request;
    cJSON *item, *taken;
    if (!fuzz_judge(request_parse((const char *)bytes, size, "line 1", &request), "line 1"))
        return 0;
    cJSON_ArrayForEach(item, request.items)
    {
        const cJSON *values = json_member(item, "values");
        fuzz_use(item_id(item), strlen(item_id(item)));
        if (values && fuzz_judge(grid_take_values(open_grid(), values, &taken), NULL))
            cJSON_Delete(taken);
    }
    cJSON_Delete(request.items);
    return 0;
}
