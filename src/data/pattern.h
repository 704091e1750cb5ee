// SPDX-License-Identifier: MIT
// Where the files of a source lie below the data folder, as a path without extension in which "{}"
// stands for the sample: "imagesTr/{}_0000", "{}/image". A part of the path has it at most once.
// Where several parts have it, "{}/images/{}", the sample's name is what stands for them, joined by
// "_"; one that is equal to the one before it is taken once ("{}/{}_flair"). Without "{}" a source
// is a folder, "t1", which is the pattern "t1/{}".
#pragma once

#include <stdbool.h>

#define PATTERN_MARK "{}"
#define PATTERN_PARTS 6 // most of a path

// Whether it is one: parts that are not empty and do not begin with a dot.
bool pattern_check(const char *text);

// The part of the path that is a folder for certain, below `data`; the caller frees it.
char *pattern_root(const char *data, const char *text);
int pattern_root_size(const char *text); // bytes of it, without `data`

// The path of a sample's file, below `data` and without extension, for messages: the pattern where
// several parts of it have the mark. The caller frees it.
char *pattern_path(const char *data, const char *text, const char *sample);

// Calls `each` for every file of the pattern: its path below pattern_root() and its sample. Ends
// when `each` fails. Errors: a root that cannot be read.
bool pattern_walk(const char *data, const char *text,
                  bool (*each)(void *context, const char *path, const char *sample), void *context);

// Whether files in a folder, "a/b" below pattern_root(), could be of the pattern by their names.
bool pattern_reaches(const char *text, const char *folder);
