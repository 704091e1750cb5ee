// SPDX-License-Identifier: MIT
// A source: where the channel of a feature or a label comes from (spec.md section 1). "t1" is the
// files of the folder t1; "photo[2]" their channel 2, counted from 0; "tissue=3" of a label is 1
// where they have the class 3; both may stand together, "map[0]=3". "null" is a channel of zeros.
// Files that do not lie so are reached by a path in which "{}" stands for the sample:
// "imagesTr/{}_0000", "{}/mask=3" (src/data/pattern.h).
#pragma once

#include <stdbool.h>

#define SOURCE_CLASSES 65535 // largest number of a class

struct source {
    char *folder; // or the path with "{}"
    int channel;  // -1: the only one
    int class;    // -1: none
};

bool source_parse(const char *text, struct source *source);
void source_free(struct source *source); // leaves an empty one

// The folder that has to be there, below `data`; the caller frees it.
char *source_root(const char *data, const struct source *source);
// Bytes of source->folder that say it: of a path the parts before the first that has "{}"; 0: it is
// `data` itself.
int source_root_size(const struct source *source);

// Calls `each` with the path below source_root() of every file of the source, until it fails.
// Errors: a root that cannot be read.
bool source_each_file(const char *data, const struct source *source,
                      bool (*each)(void *context, const char *path), void *context);
// Whether files in a folder, "a/b" below source_root() or "" for itself, could be of the source.
bool source_reaches(const struct source *source, const char *folder);
bool source_is_null(const struct source *source);
