// SPDX-License-Identifier: MIT
// The commands, one file each, and what they share.
#pragma once

#include "cli/options.h"
#include "vkgrid/run/groups.h"

#include <stddef.h>

int command_search(int argc, char **argv);
int command_train(int argc, char **argv);
int command_apply(int argc, char **argv);
int command_evaluate(int argc, char **argv);
int command_label(int argc, char **argv);
int command_devices(int argc, char **argv);
int command_sample(int argc, char **argv);
int command_bench(int argc, char **argv);
int command_report(int argc, char **argv);
int command_status(int argc, char **argv);
int command_merge(int argc, char **argv);
int command_convert(int argc, char **argv);
int command_init(int argc, char **argv);
int command_flatten(int argc, char **argv);
int command_worker(int argc, char **argv);

// Prints the error message that is set as "vkgrid: what: why". Returns the exit status: that of an
// interrupt if there was one.
int command_failed(void);

// Prints what `--json` asks for to stdout, and ends it with cJSON_Delete.
struct cJSON;
void command_print_json(struct cJSON *json);

// command_failed for wrong usage.
int command_misused(const char *command, const char *what);

// How devices are opened from now on: --threads, --matrix.
void set_engines(const struct options *options);

// As device_choose, with --device and those; says on stderr what it took and why, unless quiet.
bool pick_device(const struct options *options, bool quiet, int *device);

// The same for a search: "all" (every GPU), or several of these separated by commas. The caller
// frees the list.
bool pick_devices(const struct options *options, bool quiet, int **devices, int *count);

struct device_info;
// What may be counted on of a device's memory: "21.6 GiB for packs: 24.0 of 24.0 GiB are free, less
// a reserve; at most 4.0 GiB in one piece".
void memory_words(const struct device_info *device, char words[static 160]);
// The same as members of an object.
void memory_json(const struct device_info *device, struct cJSON *json);

// A copy without slashes at its end; the caller frees it.
char *without_slashes(const char *path);

// The text as a shell takes it for one word; the caller frees it.
char *shell_word(const char *text);

// Says on stderr which keys of a file are taken and not used.
void tell_ignored(const char *where, const struct cJSON *values);

// The absolute path of a folder that is there; the caller frees it.
bool absolute_path(const char *folder, char **path);

// Sets an option of a cell, in place of one that it may have had; takes the value.
void put_option(struct cJSON *options, const char *key, struct cJSON *value);
// The value of KEY=VALUE: JSON, or a word. The caller ends it with cJSON_Delete.
bool option_value(const char *text, const char *where, struct cJSON **value);
// --inputs and --prediction: the name of a set, or members with commas, which become the set of the
// key's own name. NULL: nothing.
void put_set(struct cJSON *options, const char *key, const char *text);
