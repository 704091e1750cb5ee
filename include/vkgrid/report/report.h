// SPDX-License-Identifier: MIT
// report.html: a study as one page that needs nothing beside it, no network and no library.
//
// Everything is read from OUT/study.db, which may be in use by a search: the report then shows the
// state of that moment. Only the predictions look at other files: the options and the weights of
// the best cell of each task, and the validation images of the data set.
#pragma once

#include <stdbool.h>

struct engine;

struct report_options {
    struct engine *engine; // predicts with the best cell of each task; NULL: no predictions
    const char *no_engine; // why there is none, for the reader of the report; or NULL
    const char *data;      // data folder in place of the study's own, or NULL
};

// Writes OUT/report.html. A prediction that cannot be made is no error: the report says why. Fails
// on a database that is none of vkgrid's or is damaged, and on an interrupt.
bool report_write(const char *out, const struct report_options *options);
