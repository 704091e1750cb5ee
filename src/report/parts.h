// SPDX-License-Identifier: MIT
// The parts of report.html's data, each a JSON value that assets/report.js reads.
#pragma once

#include "vkgrid/report/report.h"

#include <stddef.h>
#include <stdint.h>

struct cJSON;
struct page_choice;
struct store_view;

// What the study is and how far it is, and its tasks with their cells, in the order of their
// numbers:
//   "study": {"version", "grid", "settings", "progress", "left_out"}, "datasets": [fingerprint...],
//   "tasks": [{"name", "cells": [{"cell", "state", "dice", "start", "end", "options": {axis:
//     value}, "run", "round", "epoch", "loss", "kept", "labels" (labels.h), "device", "weights",
//     "failed_runs", "failure",
//     "runs": [[run, state, attempts, device, best round, loss, dice, seconds,
//     failure]...]}...]}...],
//   "devices": [[device, driver, task, epochs of runs, seconds in which they were done]...]
// Subjects' names are left out: "partition" becomes the counts of its lists. Of a page that has not
// all cells (choice.h) these have "rank" and "even" too, and tasks have "all".
bool cells_read(struct store_view *view, const struct page_choice *choice, struct cJSON *data);
// The tasks alone, and of their cells what importance_add() looks at.
bool scores_read(struct store_view *view, struct cJSON *data);

// What the hyper-parameters do to the scores of a task's finished cells. Gives each task its
// "axes": [{"name", "continuous": so many values that they are taken by fifths}...], those that
//   vary among its cells, and
// "importance": {"why": text} where there is none, else {"scores", "cells", "total": sum of
//   squares, "interactions": whether they are told apart, "error": {"from": "runs" or "residual",
//   "df", "ss", "share"}, "rest": {"df", "ss", "share"} or null, "effects": [{"axes": [name,
//   (name)], "df", "ss", "share": epsilon squared}...], "wins": [{"axis", "value", "won",
// "of"}...]:   of sets of cells that are equal but for the axis, in how many the value is best}.
void importance_add(struct cJSON *data);
// Takes it over from the tasks of the same name in `all`; of those that are not there the reason is
// that they have too many cells, more than IMPORTANCE_CELLS.
#define IMPORTANCE_CELLS 200000
void importance_take(struct cJSON *data, struct cJSON *all);

// Learning curves. A value is 16 bits, little-endian: 2048 (log2(value) + 20), rounded; 0: there is
// none. So 1e-6 to 4096 are kept to 2 parts in 10,000. Values stand [metric][run][epoch].
struct report_curves {
    uint16_t *values;
    size_t count;
};
// Into data: "curves": {"metrics": [...], "stride": only every so many epochs are there,
//   "runs": [[cell, run, epochs, which of the schedules]...], "schedules": [[first epoch of each
//   round]...]}
bool curves_read(struct store_view *view, struct cJSON *data, struct report_curves *curves);
void curves_free(struct report_curves *curves); // leaves empty curves

// Into data: "palette": {"errors": ["#rrggbb" of missed, of where there is none, of wrong label]}.
// Gives each task its "predictions": {"why": text} where there are none, else
//   {"cell", "groups": [{"name", "labels": [[name, "#rrggbb"]...]}...], "background": feature,
//   "fold", "folds": where there are some, which one has these images, of how many,
//   "all": images of the validation half, "dice": [[image, dice loss]...], "overlaps": [[label,
//   images that have it, mean hard Dice over them, the lowest]...], "images": [{"name",
//   "dice", "input": PNG, "maps": [{"labels", "prediction", "errors": PNG} of each group]}...]}.
// Fails on an interrupt only.
bool predictions_add(const char *out, const struct report_options *options, struct cJSON *data);
