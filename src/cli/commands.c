// SPDX-License-Identifier: MIT
#include "cli/commands.h"

#include "vkgrid/engine/engine.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/interrupt.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct command commands[] = {
    {COMMAND_SEARCH, "search", "[GRID.json]", "train every cell of a hyper-parameter grid", 0, 1,
     "Trains every cell of the grid and ranks them. Without GRID.json: ./grid.json if there is "
     "one, else the\n"
     "bundled sample study, on a phantom data set that is written beside the output. Run again "
     "with the same\n"
     "output folder it goes on where it was stopped.\n"
     "\n"
     "DIR of --out is by default the grid's model_cache_path, else ./vkgrid-out; DIR of --data the "
     "grid's data_cache_path.\n"
     "\n"
     "examples:\n"
     "  vkgrid search                               try it: the sample study\n"
     "  vkgrid search grid.json --dry-run           what would be done, and how much of it\n"
     "  vkgrid search grid.json -d data -o study    the whole grid\n"
     "  vkgrid search grid.json -d data -o study --cells 0:100 --keep all\n"
     "  vkgrid search grid.json -d data -o part2 --shard 2/8     one of eight machines\n"
     "  vkgrid search grid.json -d data -o study --sampler random --trials 200 --prune asha",
     command_search},
    {COMMAND_TRAIN, "train", "OPTIONS.json [PLAN.json]",
     "train one cell with given options and rounds", 1, 2,
     "OPTIONS.json is the options.json of a cell, or a file of a study's hyperparameters folder "
     "(--rank says\n"
     "which of its sets). PLAN.json is a list of rounds; by default that of the set, or the one "
     "that follows\n"
     "from the options. DIR of --out is by default ./vkgrid-train.\n"
     "\n"
     "examples:\n"
     "  vkgrid train study/cells/grid00012/options.json study/cells/grid00012/plan.json -o again\n"
     "  vkgrid train study/hyperparameters/anat_area.json --seed 7 -o best",
     command_train},
    {COMMAND_APPLY, "apply", "-w FILE -d DIR", "predict with a trained network", 0, 0,
     "Writes for every target <target>.npy, probabilities (float32, labels x rows x cols), and "
     "<target>.png, a\n"
     "label map (8 bit): 0 where no label's probability reaches 0.5, else k for the k-th label, "
     "the most\n"
     "probable one. Weights that vkgrid wrote say what network they belong to; for others name "
     "--options, or\n"
     "--base-model, --inputs, --prediction and --size. DIR of --out is by default "
     "./vkgrid-predictions.\n"
     "\n"
     "examples:\n"
     "  vkgrid apply -w study/cells/grid00012/best_anat.safetensors -d data -o predictions\n"
     "  vkgrid apply -w torch.pt --base-model resnet18 --inputs anat --prediction area --size "
     "128x256 -d data",
     command_apply},
    {COMMAND_STATUS, "status", "OUT", "how a study stands", 1, 1,
     "Says from another shell, while a search runs or after it: who is at work, the cells by "
     "state, "
     "what the\n"
     "devices do, the time left, the best cells of each model, which runs failed and why. Changes "
     "nothing.\n"
     "\n"
     "examples:\n"
     "  vkgrid status study\n"
     "  vkgrid status study --watch",
     command_status},
    {COMMAND_REPORT, "report", "OUT", "write the report of a study", 1, 1,
     "Writes OUT/report.html, one file that needs nothing beside it: scores, learning curves, "
     "importance of the\n"
     "hyper-parameters, failures, speed, and what the best cell of each model predicts for the "
     "validation images. A\n"
     "search writes it at its end; this does at any time, also while one runs. DIR of --data is "
     "by default the study's.\n"
     "\n"
     "examples:\n"
     "  vkgrid report study\n"
     "  vkgrid report study -d elsewhere/data --device cpu",
     command_report},
    {COMMAND_MERGE, "merge", "OUT... -o DIR", "join the parts of a study", 1, INT_MAX,
     "Joins the folders of searches with --shard, in which no search may be at work, into DIR: a "
     "new folder, that of\n"
     "an earlier merge, or one of OUT. Of each cell the furthest state counts. What is not "
     "finished then goes on with\n"
     "vkgrid search -o DIR. Can be repeated at any time.\n"
     "\n"
     "examples:\n"
     "  vkgrid merge part0 part1 part2 -o study",
     command_merge},
    {COMMAND_DEVICES, "devices", "", "what it can run on, and which it would pick and why", 0, 0,
     "Lists the devices with the numbers that --device takes.", command_devices},
    {COMMAND_SAMPLE, "sample", "DIR", "write a phantom-cortex data set to try things with", 1, 1,
     "Writes features and labels of invented subjects, sub01, sub02, ... into DIR. The size is by "
     "default 128x256.\n"
     "\n"
     "examples:\n"
     "  vkgrid sample data --subjects 20 --size 64x128",
     command_sample},
    {COMMAND_BENCH, "bench", "", "measure this machine", 0, 0,
     "Measures the peaks of a Vulkan device, times every convolution shape of the U-Net (forward "
     "and\n"
     "both gradients), then whole training steps and evaluations: medians, after a run that is "
     "not\n"
     "counted. Sizes are by default 128x256 and batches of 4. Peaks and shares of them are left "
     "out\n"
     "where the device cannot tell.\n"
     "\n"
     "--tune measures instead which tiles the convolutions of that network are fastest with, "
     "within about two\n"
     "minutes, and keeps them under ~/.cache/vkgrid. Results keep their bits.\n"
     "\n"
     "examples:\n"
     "  vkgrid bench --device 0 --size 64x128 --batch-size 2\n"
     "  vkgrid bench --pack 8 --json > bench.json\n"
     "  vkgrid bench --steps --curve --batch-sizes 2,4,6\n"
     "  vkgrid bench --tune",
     command_bench},
    {0},
};

void commands_help(void)
{
    printf(
        "usage: vkgrid COMMAND [options]\n\nTrains grids of hyper-parameters on any Vulkan device, "
        "or on "
        "the processor.\n\ncommands:\n");
    for (const struct command *command = commands; command->name; command++)
        printf("  %-8s %s\n", command->name, command->summary);
    printf(
        "\n  vkgrid COMMAND --help     options and examples of a command\n"
        "  vkgrid --version          version of the program\n");
}

int command_failed(void)
{
    fprintf(stderr, "vkgrid: %s\n", error_text());
    return interrupt_requested() ? STATUS_INTERRUPTED : STATUS_FAILED;
}

void command_print_json(struct cJSON *json)
{
    char *text = json_print(json);
    fputs(text, stdout);
    free(text);
    cJSON_Delete(json);
}

int command_misused(const char *command, const char *what)
{
    fprintf(stderr, "vkgrid: %s; see vkgrid %s --help\n", what, command);
    return STATUS_USAGE;
}

// The device of one word of a list.
static bool pick_one(const char *word, bool quiet, int *device)
{
    char reason[512];
    if (!device_choose(word, device, reason, sizeof(reason)))
        return false;
    if (!quiet)
        fprintf(stderr, "device %d: %s\n", *device, reason);
    return true;
}

void set_engines(const struct options *options)
{
    enum matrix_use matrix = MATRIX_AUTO;
    engine_threads((int)options->numbers[OPTION_THREADS]);
    if (option_set(options, OPTION_MATRIX))
        matrix_use_parse(options->values[OPTION_MATRIX], &matrix);
    engine_matrix(matrix);
}

bool pick_device(const struct options *options, bool quiet, int *device)
{
    set_engines(options);
    return pick_one(options->values[OPTION_DEVICE], quiet, device);
}

static bool pick_all(bool quiet, int **devices, int *count)
{
    struct device_info *list;
    int there;
    if (!devices_list(&list, &there))
        return false;
    *devices = mem_alloc(sizeof(**devices) * (size_t)(there + 1));
    *count = 0;
    for (int i = 0; i < there; i++) {
        if (!list[i].usable || list[i].kind == DEVICE_SOFTWARE || list[i].kind == DEVICE_CPU)
            continue;
        if (!quiet)
            fprintf(stderr, "device %d: %s\n", i, list[i].name);
        (*devices)[(*count)++] = i;
    }
    free(list);
    return *count > 0 || error_set(
                             "--device all: there is no GPU here: cpu, an index or a name is "
                             "allowed; see vkgrid devices");
}

bool pick_devices(const struct options *options, bool quiet, int **devices, int *count)
{
    const char *wanted = options->values[OPTION_DEVICE];
    char *words = text_copy(wanted), *rest = words, *word;
    bool picked = true;
    *devices = NULL;
    *count = 0;
    set_engines(options);
    if (strcmp(wanted, "all") == 0) {
        free(words);
        return pick_all(quiet, devices, count);
    }
    while (picked && (word = strsep(&rest, ","))) {
        *devices = mem_grow(*devices, (size_t)*count + 1, sizeof(**devices));
        picked = pick_one(word, quiet, &(*devices)[(*count)++]);
    }
    free(words);
    return picked;
}

bool folder_path(const char *folder, char **path)
{
    *path = realpath(folder, NULL);
    return *path ||
           error_set("%s: %s", folder, errno == ENOENT ? "no such folder" : strerror(errno));
}
