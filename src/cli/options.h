// SPDX-License-Identifier: MIT
// One table of options drives parsing, --help and the record of what was asked for.
#pragma once

#include <stdbool.h>

enum command_id {
    COMMAND_SEARCH = 1 << 0,
    COMMAND_TRAIN = 1 << 1,
    COMMAND_APPLY = 1 << 2,
    COMMAND_DEVICES = 1 << 3,
    COMMAND_SAMPLE = 1 << 4,
    COMMAND_BENCH = 1 << 5,
    COMMAND_REPORT = 1 << 6,
    COMMAND_STATUS = 1 << 7,
    COMMAND_MERGE = 1 << 8,
};

enum option_id {
    OPTION_DATA,
    OPTION_OUT,
    OPTION_DEVICE,
    OPTION_THREADS,
    OPTION_MATRIX,
    OPTION_SEED,
    OPTION_PRECISION,
    OPTION_PRETRAINED,
    OPTION_CELLS,
    OPTION_PACK,
    OPTION_KEEP,
    OPTION_SHARD,
    OPTION_SAMPLER,
    OPTION_TRIALS,
    OPTION_FROM_OPTUNA,
    OPTION_PRUNE,
    OPTION_UNPRUNE,
    OPTION_RETRY_FAILED,
    OPTION_CHECKPOINT,
    OPTION_DRY_RUN,
    OPTION_RANK,
    OPTION_INIT,
    OPTION_NO_SHUFFLE,
    OPTION_LOG_STEPS,
    OPTION_OVERWRITE,
    OPTION_WEIGHTS,
    OPTION_OPTIONS,
    OPTION_BASE_MODEL,
    OPTION_INPUTS,
    OPTION_PREDICTION,
    OPTION_SIZE,
    OPTION_BATCH_SIZE,
    OPTION_TARGETS,
    OPTION_SUBJECTS,
    OPTION_STEPS,
    OPTION_CURVE,
    OPTION_BATCH_SIZES,
    OPTION_SECONDS,
    OPTION_TUNE,
    OPTION_LIMIT,
    OPTION_JSON,
    OPTION_WATCH,
    OPTION_QUIET,
    OPTION_HELP,
    OPTION_COUNT
};

struct options {
    const char
        *values[OPTION_COUNT]; // NULL when not given and without default; "" for a flag that is set
    double numbers[OPTION_COUNT]; // of options that take a number
    int rows, cols;               // OPTION_SIZE, 0 when not given
    const char **arguments;       // what is no option; lives in argv
    int argument_count;
};

struct command {
    enum command_id id;
    const char *name, *arguments, *summary;
    int least, most;                   // arguments
    const char *text;                  // of --help: what it does, examples
    int (*run)(int argc, char **argv); // argv[0] is the command's name; returns the exit status
};

extern const struct command commands[]; // ends with a NULL name

// Parses for the command of that id. False: done, exit with *status (0 after --help, 2 after a
// message on stderr).
bool options_parse(enum command_id id, int argc, char **argv, struct options *options, int *status);

static inline bool option_set(const struct options *options, enum option_id id)
{
    return options->values[id];
}

// What was asked for, defaults included: {"command": ..., "arguments": [...], "<option>": ...}.
struct cJSON *options_record(enum command_id id, const struct options *options);

void commands_help(void);
