// SPDX-License-Identifier: MIT
// The command line, parsed by the tables.
#pragma once

#include "cli/tables.h"

#include <stdbool.h>

enum { OPTION_REPEATS = 256 }; // most values of all options that may be given several times

struct options {
    // NULL when not given and without default; "" for a flag that is set.
    const char *values[OPTION_COUNT];
    double numbers[OPTION_COUNT];   // of options that take a number
    int rows, cols;                 // OPTION_SIZE, 0 when not given
    int network_rows, network_cols; // OPTION_NETWORK_SIZE, the same
    const char **arguments;         // what is no option; lives in argv
    int argument_count;
    const char *repeated[OPTION_REPEATS]; // of options of TYPE_LIST and TYPE_TEXTS, in order
    enum option_id repeated_ids[OPTION_REPEATS];
    int repeated_count;
};

enum exit_status { STATUS_FAILED = 1, STATUS_USAGE = 2, STATUS_INTERRUPTED = 130 };

// Parses for the command of that id. False: done, exit with *status (0 after --help, 2 after a
// message on stderr).
bool options_parse(enum command_id id, int argc, char **argv, struct options *options, int *status);

static inline bool option_set(const struct options *options, enum option_id id)
{
    return options->values[id];
}

// Whether it stands on the command line.
bool option_given(const struct options *options, enum option_id id);
// The value of an option that does not, in place of its default; it must live as long as the
// options. `where` says in messages where it comes from.
bool option_fill(struct options *options, enum option_id id, const char *value, const char *where);

// Every value of an option of TYPE_LIST or TYPE_TEXTS, in order; returns how many there are.
int option_list(const struct options *options, enum option_id id,
                const char *values[static OPTION_REPEATS]);

// What was asked for, defaults included: {"command": ..., "arguments": [...], "<option>": ...}.
struct cJSON *options_invocation(enum command_id id, const struct options *options);
