// SPDX-License-Identifier: MIT
// The names of a study's files: the one place that knows them. The caller frees every path.
//
//   OUT/study.db                      the study (store.h)
//   OUT/study.db.new                  one that is being made, and gets its name when it is whole
//   OUT/lock                          held by the process that works there (lock.h)
//   OUT/cells/grid00012/...           what is written of a cell when its last run is over
//   OUT/checkpoints/grid00012-0-...   of the runs that are not over (train.h)
//   OUT/hyperparameters/TASK.json     the ranking of a task's cells
//   OUT/models/TASK/...               the best weights of a task for PyTorch (model_folder.h)
//   OUT/report.html
//
// A training (vkgrid train) is a study of one cell, whose files are in OUT itself.
#pragma once

#include "vkgrid/grid/grid.h"

#define STUDY_DATABASE "study.db"
#define STUDY_UNFINISHED "study.db.new"
#define STUDY_LOCK "lock"
#define STUDY_CELLS "cells"
#define STUDY_CHECKPOINTS "checkpoints"
#define STUDY_RANKING "hyperparameters"
#define STUDY_MODELS "models"
#define STUDY_REPORT "report.html"

char *study_path(const char *out, const char *name); // "<out>/<name>"
bool study_holds(const char *out, const char *name); // whether there is such a file

// What SQLite keeps beside a database while it changes it.
char *study_journal(const char *database);

char *study_cell_folder(const char *out, int cell);

// Weights of a network of the cell in its folder: "best_anat.safetensors", of a fold
// "best_anat.fold0.safetensors".
char *study_weights(const char *folder, const struct cell *cell, int network);

// What the files of a run's checkpoints begin with, "<out>/checkpoints/grid00012-0" (train.h).
char *study_checkpoints(const char *out, int cell, int run);
