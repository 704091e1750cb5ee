// SPDX-License-Identifier: MIT
// Options of the commands that read subjects: --file, --feature, --label.
#pragma once

#include "cli/options.h"
#include "vkgrid/cortex/flatten.h"

// --file KIND=PATTERN of the usual files. The patterns live as long as argv.
bool subject_patterns_read(const struct options *options, struct subject_patterns *patterns);

struct flat_sources {
    struct flat_source *items;
    int count;
};

// The features that need no option, then those of --feature NAME=FILE; one of them with the name of
// one of those takes its place.
bool feature_sources_read(const struct options *options, struct flat_sources *sources);
// Those of --label NAME=FILE:KEY.
bool label_sources_read(const struct options *options, struct flat_sources *sources);
void flat_sources_free(struct flat_sources *sources); // leaves an empty list

// Opens fsaverage, that of --fsaverage or of the environment, and tells where it is and whether it
// looks like another brain.
bool fsaverage_open(const struct options *options, struct cortex_template **cortex_template);
