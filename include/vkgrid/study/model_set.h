// SPDX-License-Identifier: MIT
// Which of many models cannot be told apart from the best one: a model confidence set (Hansen,
// Lunde and Nason 2011, Econometrica 79, 453: the range statistic T_R, eliminated from the worst
// on).
//
// Every model has a value for every subject (larger is better); subjects are a sample of those that
// could have been there, models are not. Models stand in the order of their means, and M_m is the
// m best of them. Whether all of M_m are equally good is judged by
//     T = R / S,  R = best mean - worst mean,
//     S^2 = sum over models and subjects of (value - the model's mean - the subject's mean + the
//           grand mean)^2 / ((m - 1) (n - 1)): the variance of what remains of a subject's value
// against its bootstrap distribution: subjects are drawn with replacement, all models of a subject
// together, and of every resample R* is the range of (resample's mean - mean) and S* as above. The
// range is that of all pairs, so that nothing is gained by having picked the best after looking
// (for one pair T is Student's paired t, for independent models that scatter alike it is Tukey's
// studentised range).
//     p(m) = (1 + resamples with T* >= T) / (1 + resamples)
// The p of the m-th best model is the largest p(k), k >= m: it is out when M_m is refused, and all
// the larger sets before it. So the models with p > 0.05 are a set that has all that are equal to
// the best in truth, with probability 0.95 at least: of models that are all equal, one or more are
// left out in 5% of the studies, however many there are.
//
// Training is another chance: a model trained once more comes out differently. Where its size is
// known (`error`), every resample adds a normal deviate to each model's mean (Student's, by the
// degrees of freedom with which the size is known).
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define MODEL_SET_RESAMPLES 10000
// Of more models those go first whose T no one of MODEL_SET_SCREEN resamples reaches: their p is
// 1 / (1 + MODEL_SET_SCREEN), too large rather than too small.
#define MODEL_SET_SCREENED 2000
#define MODEL_SET_SCREEN 500

struct model_set {
    int models, subjects; // at least 1 and 2
    const float *values;  // [model][subject], finite
    const double *error;  // [model]: standard error of its mean by training; NULL: not known
    double error_df;      // of that error; 0: exactly known
    int resamples;        // 1 and more
    int threads;
    uint64_t seed; // 0, where nothing is repeated on purpose
};

// p: [model], that of the model with the best mean is 1. The same input gives the same p on every
// machine with IEEE arithmetic, up to the order in which a compiler adds.
void model_set_test(const struct model_set *set, double *p);
