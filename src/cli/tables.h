// SPDX-License-Identifier: MIT
// The tables of commands and options. They drive parsing, help, manual pages, shell completion and
// the invocation that a study keeps.
#pragma once

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
    COMMAND_FLATTEN = 1 << 9,
    COMMAND_LABEL = 1 << 10,
    COMMAND_CONVERT = 1 << 11,
    COMMAND_INIT = 1 << 12,
    COMMAND_EVALUATE = 1 << 13,
    COMMAND_WORKER = 1 << 14,
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
    OPTION_FORMAT,
    OPTION_SHARD,
    OPTION_SAMPLER,
    OPTION_TRIALS,
    OPTION_FROM,
    OPTION_FROM_OPTUNA,
    OPTION_PRUNE,
    OPTION_UNPRUNE,
    OPTION_RETRY_FAILED,
    OPTION_CHECKPOINT,
    OPTION_DRY_RUN,
    OPTION_RANK_BY,
    OPTION_RANK,
    OPTION_SET,
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
    OPTION_NETWORK_SIZE,
    OPTION_BATCH_SIZE,
    OPTION_SAMPLES,
    OPTION_SPLIT,
    OPTION_FLIPS,
    OPTION_OVERLAY,
    OPTION_SUBJECTS,
    OPTION_LABELS,
    OPTION_CLASSES,
    OPTION_VALIDATION,
    OPTION_TEST,
    OPTION_FOLDS,
    OPTION_STEPS,
    OPTION_CURVE,
    OPTION_BATCH_SIZES,
    OPTION_SECONDS,
    OPTION_TUNE,
    OPTION_LIMIT,
    OPTION_FSAVERAGE,
    OPTION_RADIUS,
    OPTION_LABEL,
    OPTION_FEATURE,
    OPTION_FILE,
    OPTION_IN_PLACE,
    OPTION_TAG,
    OPTION_PROBABILITIES,
    OPTION_GIFTI,
    OPTION_VOLUME,
    OPTION_JSON,
    OPTION_WATCH,
    OPTION_QUIET,
    OPTION_HELP,
    OPTION_COUNT
};

enum option_type {
    TYPE_FLAG,
    TYPE_TEXT,
    TYPE_TEXTS,  // may be given several times
    TYPE_LIST,   // NAME=VALUE; may be given several times
    TYPE_CHOICE, // one of the words of `argument`, which | separates
    TYPE_NUMBER, // whole, from low to high
    TYPE_REAL,   // from low to high
    TYPE_SIZE,   // ROWSxCOLS
};

struct option_info {
    const char *name;
    char letter; // 0: none
    enum option_type type;
    const char *argument, *fallback, *help;
    unsigned commands; // which have it
    double low, high;
};

struct command_info {
    enum command_id id;
    const char *name, *arguments, *summary;
    int least, most;  // arguments
    const char *text; // assets/help/NAME.txt: paragraphs, then "examples:" and lines that begin
                      // with two spaces
};

extern const struct option_info option_table[OPTION_COUNT];
extern const struct command_info command_table[]; // ends with a NULL name
extern const char program_text[];                 // assets/help/vkgrid.txt

const struct command_info *command_by_name(const char *name); // NULL: there is none
