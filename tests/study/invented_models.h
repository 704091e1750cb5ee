// SPDX-License-Identifier: MIT
// Invented models whose truth is known, for judging the test of model_set.h: the Dice of a model
// for a subject is 0.8 + what the subject is worth + what remains (of this model for this subject)
// + what its training came to.
#pragma once

#include "vkgrid/study/model_set.h"

struct invention {
    int models, subjects;
    bool alike;    // what remains follows from three properties of a subject, to which each model
                   // answers in its own way, so that models go together in it; else nothing does
    double uneven; // by how much every second model scatters more; 1: all alike
    double gap;    // by how much the last model is worse in truth
    int runs;      // of each model, of which the mean is taken
    double run_sd; // standard deviation of a run
    bool counted;  // the scatter of the runs is estimated and given to the test
};

#define INVENTED_REST 0.05 // standard deviation of what remains

// What so many studies of that kind come to.
struct invention_result {
    double any;  // share of them in which a model that is equal to the best in truth is out
    double last; // ... in which the last one is
    double size; // mean size of the set
};
struct invention_result invent_studies(const struct invention *invention, int studies,
                                       int resamples);
