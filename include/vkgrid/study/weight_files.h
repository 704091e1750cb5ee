// SPDX-License-Identifier: MIT
// Files of weights that a study begins with (pretrained, init_weights): they are known by what is
// in them, whatever they are called.
#pragma once

struct cJSON;
struct grid;
struct identity;
struct text;

// Adds to the settings of a study's identity: "weights", {file: fingerprint} of those files of the
// grid that are there, and "pretrained", what stands for `"pretrained": true`, with whole paths.
void weight_files_add(struct cJSON *settings, const struct grid *grid);

// What --pretrained said (pretrained_parse()): by the settings of a study, of an older one by the
// command that it keeps. NULL: nothing. The caller frees it.
char *weight_files_pretrained(const struct cJSON *settings);

// Takes over what `from` knows of files that are not there now.
void weight_files_keep(struct cJSON *settings, const struct cJSON *from);

// Where static names files of other names with the same weights, gives `theirs` the names of
// `mine`.
void weight_files_match(const struct identity *mine, struct identity *theirs);

// Adds "; <file>: fingerprint <a's> instead of <b's>" for each that has changed.
void weight_files_compare(struct text *list, const struct identity *a, const struct identity *b);
