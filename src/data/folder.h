// SPDX-License-Identifier: MIT
// Which file of a data-set folder holds an array.
#pragma once

#include <stdbool.h>

// The extensions that dataset files may have, for messages; in files of any case.
#define FOLDER_EXTENSIONS "{.npy,.png,.pt,.tif,.jpg,.mgz,.nii}"

#define LEFT_OUT_NAMED 3 // samples without files

// The files of one source that have such an extension, in the order of their samples. Links to
// nowhere are among them.
struct folder_file {
    char *name;   // below the folder: "s01.npy", "s01/t1.npy"
    char *sample; // whose file it is: "s01"
};
struct folder_files {
    char *path; // of the folder
    struct folder_file *files;
    int count;
};

// True when the name is one part of a path: not empty, not hidden, without '/'. `what` names its
// kind in the message.
bool folder_check_name(const char *what, const char *name);

// The files of <folder>/<feature>; feature: a folder or a pattern (pattern.h), as a source has it.
bool folder_open(const char *folder, const char *feature, struct folder_files *files);
void folder_close(struct folder_files *files); // leaves an empty list

// Which file is the sample's; -1 when there is none. More than one, or a link to nowhere, is an
// error.
bool folder_find(const struct folder_files *files, const char *sample, int *file);
char *folder_path(const struct folder_files *files, int file); // of it; the caller frees it

// The name of the file that may be meant by a sample which has none: it is the same but for the
// case of letters, leading zeros, or how accents are written; else the one that differs least; NULL
// when none comes near.
const char *folder_nearest(const struct folder_files *files, const char *sample);
