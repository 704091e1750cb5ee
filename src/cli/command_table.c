// SPDX-License-Identifier: MIT
#include "cli/tables.h"

#include <limits.h>
#include <stddef.h>
#include <string.h>

const char program_text[] = {
#include "help_vkgrid.inc"
    0};
static const char init_text[] = {
#include "help_init.inc"
    0};
static const char search_text[] = {
#include "help_search.inc"
    0};
static const char train_text[] = {
#include "help_train.inc"
    0};
static const char apply_text[] = {
#include "help_apply.inc"
    0};
static const char evaluate_text[] = {
#include "help_evaluate.inc"
    0};
static const char status_text[] = {
#include "help_status.inc"
    0};
static const char report_text[] = {
#include "help_report.inc"
    0};
static const char merge_text[] = {
#include "help_merge.inc"
    0};
static const char convert_text[] = {
#include "help_convert.inc"
    0};
static const char devices_text[] = {
#include "help_devices.inc"
    0};
static const char sample_text[] = {
#include "help_sample.inc"
    0};
static const char flatten_text[] = {
#include "help_flatten.inc"
    0};
static const char label_text[] = {
#include "help_label.inc"
    0};
static const char worker_text[] = {
#include "help_worker.inc"
    0};
static const char bench_text[] = {
#include "help_bench.inc"
    0};

const struct command_info command_table[] = {
    {COMMAND_INIT, "init", "-d DIR", "write a grid file for a data set", 0, 0, init_text},
    {COMMAND_SEARCH, "search", "[GRID.json]", "train every cell of a hyper-parameter grid", 0, 1,
     search_text},
    {COMMAND_TRAIN, "train", "OPTIONS.json [PLAN.json]",
     "train one cell with given options and rounds", 1, 2, train_text},
    {COMMAND_WORKER, "worker", "GRID.json -d DIR -o DIR",
     "train what another program asks for, line by line", 1, 1, worker_text},
    {COMMAND_APPLY, "apply", "-w FILE... -d DIR", "predict with a trained network", 0, INT_MAX,
     apply_text},
    {COMMAND_EVALUATE, "evaluate", "-w FILE... -d DIR",
     "compare predictions with labels: Dice, losses, distances", 0, INT_MAX, evaluate_text},
    {COMMAND_STATUS, "status", "OUT", "how a study stands", 1, 1, status_text},
    {COMMAND_REPORT, "report", "OUT", "write the report of a study", 1, 1, report_text},
    {COMMAND_MERGE, "merge", "OUT... -o DIR", "join the parts of a study", 1, INT_MAX, merge_text},
    {COMMAND_CONVERT, "convert", "FILE OUTPUT", "weights between safetensors and PyTorch", 2, 2,
     convert_text},
    {COMMAND_DEVICES, "devices", "", "what it can run on, and which it would pick and why", 0, 0,
     devices_text},
    {COMMAND_SAMPLE, "sample", "DIR", "write a phantom-cortex data set to try things with", 1, 1,
     sample_text},
    {COMMAND_FLATTEN, "flatten", "SUBJECT... -o DIR", "make a data set of FreeSurfer subjects", 1,
     INT_MAX, flatten_text},
    {COMMAND_LABEL, "label", "-w FILE SUBJECT...", "label the cortex of FreeSurfer subjects", 1,
     INT_MAX, label_text},
    {COMMAND_BENCH, "bench", "", "measure this machine", 0, 0, bench_text},
    {0},
};

const struct command_info *command_by_name(const char *name)
{
    for (const struct command_info *command = command_table; command->name; command++)
        if (strcmp(command->name, name) == 0)
            return command;
    return NULL;
}
