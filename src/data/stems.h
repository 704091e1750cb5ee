// SPDX-License-Identifier: MIT
// The samples of sources that may name them differently: what is before or behind the sample's
// name in all files of one source is cut off, where that makes its samples those of the others.
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct stem {
    char *text; // the sample's name
    int lead;   // bytes of it that folders say; what the file says follows
    char *key;  // the name without what is cut
};

struct stem_file {
    const char *name, *files, *sample;
    int lead;
    bool open;
};

struct stem_source {
    char *name, *files; // files: of an open one without the last part, "{}"
    bool open;          // may be cut
    struct stem *stems;
    int count;
    size_t room;
    int before, after; // bytes that are cut of the files' names
};

struct stems {
    struct stem_source *sources;
    int count;
    size_t room;
    int last; // that was added to
};

// The file of one sample. False when there are more sources than `most`.
bool stems_add(struct stems *stems, const struct stem_file *file, int most);

// Cuts where that is needed; how many samples at least two sources have.
int stems_match(struct stems *stems);

// As a source has it; the caller frees it.
char *stems_files(const struct stem_source *source);
void stems_free(struct stems *stems);
