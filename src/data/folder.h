// SPDX-License-Identifier: MIT
// Which file of a data-set folder holds an array.
#pragma once

#include <stdbool.h>

// The extensions that dataset files may have, for messages.
#define FOLDER_EXTENSIONS "{.npy,.png,.pt}"

// True when the name is one part of a path: not empty, not hidden, without '/'. `what` names its
// kind in the message.
bool folder_check_name(const char *what, const char *name);

// The path of <folder>/<feature>/<sample> with whichever extension is there; NULL in *path when
// there is none. More than one is an error. The caller frees *path.
bool folder_find(const char *folder, const char *feature, const char *sample, char **path);
