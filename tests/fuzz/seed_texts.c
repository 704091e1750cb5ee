// SPDX-License-Identifier: MIT
#include "tests/fuzz/seeds.h"

#include "tests/formats/build.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/grid/grid.h"
#include "vkgrid/grid/plan_json.h"

#include <cjson/cJSON.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

// What a study of the grid would write of its first cell.
static void seed_options(const struct grid *grid)
{
    struct cell cell;
    seed_need(grid_cell(grid, 0, &cell), "cell");
    cJSON *plan = plan_to_json(&cell.plan);
    char *text = json_print(cell.options), *rounds = json_print(plan);
    seed_text("options", "options.json", text);
    seed_text("options", "plan.json", rounds);
    free(text);
    free(rounds);
    cJSON_Delete(plan);
    cell_free(&cell);
    seed_text("options", "flatten.json",
              "{\"projection\": \"occipital_pole\", \"radius\": 1.5, \"rows\": 32, \"features\": "
              "{\"curvature\": null}, \"labels\": {\"V1\": \"varea.mgz:1\"}, \"files\": {}, "
              "\"fsaverage\": \"a\"}");
}

static void seed_grids(void)
{
    static const char *const small[] = {
        "{\"static\": {\"partition\": [[1, 2], [\"a\"]], \"raters\": [\"A1\", \"A2\"], "
        "\"gamma\": 1, \"bce_weight\": 0.5, \"until\": 2, \"folds\": 2, \"features\": {\"inputs\": {\"em\": "
        "[\"em\"]}, \"prediction\": {\"cell\": {\"nucleus\": \"map=3\"}}}, \"inputs\": \"em\", "
        "\"prediction\": \"cell\", \"num_epochs\": 2, \"batch_size\": 2, "
        "\"image_size\": [64, 128], \"seed\": 1}, "
        "\"hyper\": {\"base_model\": [\"resnet18\"], \"lr\": [0.1, 0.2]}}",
        "{\"static\": {\"partition\": [[1], [2]], \"raters\": [], \"inputs\": \"anat\", "
        "\"prediction\": \"area\", \"num_epochs\": 1, \"batch_size\": 2, \"shuffle\": false}, "
        "\"hyper\": {\"lr\": "
        "{\"min\": 0.001, \"max\": 0.1, \"log\": true}, \"gamma\": {\"min\": 0.5, \"max\": 1}, "
        "\"bce_weight\": [0, 1]}}"};
    static const char *const names[] = {"lists.json", "ranges.json"};
    const struct grid_settings settings = {.sampler = SAMPLER_GRID};
    struct grid *grid = NULL;
    for (int i = 0; i < 2; i++) {
        seed_text("grid", names[i], small[i]);
        seed_text("json", names[i], small[i]);
    }
    seed_need(grid_parse(small[0], strlen(small[0]), "grid", &settings, &grid), "grid");
    seed_options(grid);
    grid_free(&grid);
}

static void seed_names(void)
{
    static const char *const names[] = {
        "t1",   "photo[2]",       "tissue=3",   "map[0]=3",
        "null", "V1=varea.mgz:1", "a={hemi}.x", "resnet18=a.pt,resnet34=b.pt"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        char *name = text_format("%zu", i);
        seed_text("names", name, names[i]);
        free(name);
    }
}

static void seed_requests(void)
{
    seed_text("requests", "train",
              "{\"train\": [{\"id\": \"17\", \"values\": {\"lr\": 0.003, \"bce_weight\": 0.5, "
              "\"batch_size\": 2, \"base_model\": \"resnet34\", \"image_size\": \"[32, 64]\"}}, "
              "{\"id\": \"18\", \"values\": {\"lr\": 1}}]}");
    seed_text("requests", "prune", "{\"prune\": {\"id\": \"17\"}}");
    seed_text("requests", "go", "{\"go\": {}}");
    seed_text("requests", "end", "{\"end\": {}}");
}

// The lengths of the names say what is in the files (folder.c).
static void seed_folders(void)
{
    seed_text("folder", "masks",
              "images/s01.png\nimages/s02.png\nimages/s03.png\nmasks/s01.png\nmasks/s02.png\n");
    seed_text("folder", "raters", "t1/sub1.png\nt1/sub2.png\nV1/A1_1.png\nV1/A1_2.png\n");
    seed_text("folder", "nnunet", "imagesTr/a_0000.png\nlabelsTr/a.png\nimagesTr/b_0000.png\n");
    seed_text("nnunet", "version2",
              "imagesTr/a_0000.png\nimagesTr/b_0000.png\nlabelsTr/a.png\nlabelsTr/b.png\n"
              "{\"channel_names\": {\"0\": \"T1\"}, \"labels\": {\"background\": 0, \"cell\": 1}, "
              "\"numTraining\": 2, \"file_ending\": \".png\"}");
    seed_text("nnunet", "version1",
              "imagesTr/a_0000.png\nimagesTr/b_0000.png\nlabelsTr/a.png\nlabelsTr/b.png\n"
              "imagesTs/c_0000.png\n{\"modality\": {\"0\": \"CT\"}, \"labels\": {\"0\": "
              "\"background\", \"1\": \"cell\"}, \"numTraining\": 2}");
}

static void seed_tuning(void)
{
    seed_text("tuning", "tuning.json",
              "{\"format\": 1, \"identity\": \"0123456789abcdef\", \"device\": \"d\", \"driver\": "
              "\"d\", \"tiles\": [{\"op\": \"conv\", \"pixels\": 4096, \"quads\": 1024, \"in\": "
              "64, \"out\": 64, \"kernel\": 3, \"stride\": 1, \"bias\": 0, \"splits\": 1, "
              "\"slots\": 4, \"family\": \"shared\", \"local\": 64, \"rows\": 4, \"columns\": 4, "
              "\"local_columns\": 8, \"depth\": 8}], \"curves\": [{\"name\": \"a network\", "
              "\"points\": [[1, 0.5], [2, 0.75]]}]}");
}

// What the driver of pipelines.c writes; the harness puts size and hash before it.
static void seed_pipelines(void)
{
    static const char data[] =
        "\x20\0\0\0\1\0\0\0\x34\x12\0\0\x78\x56\0\0"
        "a driver's name";
    uint8_t file[32 + sizeof(data)] = {0};
    memcpy(file + 32, data, sizeof(data));
    seed_bytes("pipelines", "file", file, sizeof(file));
}

void seed_texts(void)
{
    seed_pipelines();
    seed_text("json", "all.json",
              "{\"a\": [1, -2.5e-3, true, false, null], \"b\\u00e9\\n\": \"\\ud83d\\ude00\", "
              "\"c\": {}}");
    seed_grids();
    seed_names();
    seed_requests();
    seed_folders();
    seed_tuning();
}
