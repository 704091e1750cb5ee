// SPDX-License-Identifier: MIT
// Factorial analysis of variance of scores: main effects and two-way interactions.
//
// Sums of squares are those of nested least-squares models, type II: an effect is what the error of
// the model with all effects that do not contain it falls by when it is added. In a balanced grid
// all types are the same; in one with holes every effect is adjusted for the others.
//
// Shares are epsilon squared, (SS - df MSE) / SS(total): the share of the variance less what chance
// alone would give, so it can be below zero. (Kelley 1935; Okada 2013.)
#pragma once

#include <stdbool.h>

#define ANOVA_FACTORS 12
#define ANOVA_EFFECTS (ANOVA_FACTORS * (ANOVA_FACTORS + 1) / 2)

// What is analysed. Cells that are equal in all factors may occur, but are replicates only as the
// residual has them; replicates proper are the scores of one cell.
struct anova_design {
    int factors, cells;
    const int *levels;        // of each factor: at least 2
    const int *const *level;  // [factor][cell]: 0 to levels - 1
    const int *first, *count; // of each cell: its scores, at least one
    const double *scores;
};

struct anova_effect {
    int factors[2]; // the second is -1: a main effect
    int df;         // 0: cannot be told from the others, as too few cells are there
    double ss, share;
};

struct anova_result {
    const char *why; // there is no result, for this reason; else NULL
    int scores;
    double total; // sum of squares around the mean of all scores
    bool interactions;
    bool by_runs; // the error is the spread of the scores within cells, else the model's residual
    int error_df;
    double error_ss, error_share; // the share of chance: MSE (scores - 1) / SS(total)
    struct anova_effect rest;     // by_runs: of what the effects leave between the cells
    int count;
    struct anova_effect effects[ANOVA_EFFECTS];
};

// The error is taken from the scores within cells if half of the cells have a second one. Where the
// cells are too few for interactions these are left out, and are part of the residual.
void anova(const struct anova_design *design, struct anova_result *result);
