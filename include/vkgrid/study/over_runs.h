// SPDX-License-Identifier: MIT
// What a number of a cell's complete runs comes to: mean and standard deviation.
#pragma once

struct cJSON;
struct record;

struct over_runs {
    int runs;  // complete ones, n
    int folds; // those that have one; 0: of a cell without folds
    // Of folds the means over them; else over the runs. NaN where a fold, or all of the cell, has
    // none.
    double best; // the lowest of the runs
    double mean;
    double sd; // sample standard deviation of all runs (n - 1); NaN of fewer than two
    // Of a cell that has folds with several runs; else NaN: sample standard deviation of the folds'
    // means, and the pooled one of the runs within their folds (the sum of squares around the
    // folds' means / sum (n_fold - 1)).
    double sd_between_folds, sd_within_folds;
};

// values: [count] of the runs, run r of fold r % folds (0: no folds); NaN of one that does not
// count.
void over_runs_of(const double *values, int count, int folds, struct over_runs *result);

// Of the dice losses, a run's being the lowest of its epochs that improved the validation loss.
void record_dice_losses(const struct record *record, struct over_runs *result);

// Adds to an object what there is of a cell with more than one complete run:
//   "over_runs": {"runs": n, "folds" where there are some, "dice_loss": {"best", "mean", "sd"},
//   "loss": of the same epochs, {"mean", "sd"}, "hard_dice", "iou": of the runs' own weights, means
//   over the labels, "labels": {name: {"hard_dice", "iou"}}}
// null for what is not there; with "sd_between_folds" and "sd_within_folds" beside "sd" where these
// are there. Label numbers of a run are means over its images as record_describe_kept() has them.
void record_describe_over_runs(const struct record *record, struct cJSON *json);

// What of it is said of the dice losses; and these back from the value of "over_runs": runs is 0
// where it is none.
struct cJSON *over_runs_json(const struct over_runs *dice_loss);
void over_runs_read(const struct cJSON *json, struct over_runs *result);
