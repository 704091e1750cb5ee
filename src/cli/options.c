// SPDX-License-Identifier: MIT
#include "cli/options.h"

#include "cli/commands.h"
#include "vkgrid/grid/grid.h"
#include "vkgrid/base/nearest.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum option_type {
    TYPE_FLAG,
    TYPE_TEXT,
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

#define RUNS (COMMAND_SEARCH | COMMAND_TRAIN)
#define COMPUTES (RUNS | COMMAND_APPLY)

static const struct option_info table[OPTION_COUNT] = {
    [OPTION_DATA] = {"data", 'd', TYPE_TEXT, "DIR", NULL,
                     "data set: one folder per feature or label", COMPUTES | COMMAND_REPORT},
    [OPTION_OUT] = {"out", 'o', TYPE_TEXT, "DIR", NULL, "folder to write to",
                    COMPUTES | COMMAND_MERGE},
    [OPTION_DEVICE] =
        {"device", 0, TYPE_TEXT, "auto|cpu|INDEX|NAME", "auto",
         "what to compute on, see vkgrid devices; search: also all, or a list with commas",
         COMPUTES | COMMAND_BENCH | COMMAND_REPORT},
    [OPTION_THREADS] = {"threads", 0, TYPE_NUMBER, "N", NULL,
                        "threads of the CPU engine (default: one for each processor)",
                        COMPUTES | COMMAND_BENCH | COMMAND_REPORT, 1, 1024},
    [OPTION_MATRIX] =
        {"matrix", 0, TYPE_CHOICE, "auto|on|off", "auto",
         "a GPU's matrix units in mixed precision: where they are known to be of use, "
         "wherever there are some, never",
         COMPUTES | COMMAND_BENCH | COMMAND_REPORT | COMMAND_DEVICES},
    [OPTION_SEED] = {"seed", 0, TYPE_NUMBER, "N", NULL,
                     "seed of all random numbers, in place of the file's", RUNS | COMMAND_SAMPLE, 0,
                     0x1p53},
    [OPTION_PRECISION] =
        {"precision", 0, TYPE_CHOICE, "auto|fp32|mixed", NULL,
         "mixed: 16-bit activations and products where the device has them; auto is fp32",
         COMPUTES | COMMAND_BENCH},
    [OPTION_PRETRAINED] = {"pretrained", 0, TYPE_TEXT, "FILE", NULL,
                           "torchvision ResNet weights that \"pretrained\": true stands for",
                           COMMAND_SEARCH},
    [OPTION_CELLS] = {"cells", 0, TYPE_TEXT, "A:B:STRIDE", NULL,
                      "only cells A, A + STRIDE, ... below B; N: only cell N", COMMAND_SEARCH},
    [OPTION_PACK] = {"pack", 0, TYPE_NUMBER, "N", NULL,
                     "most runs that are trained at once (default: what is of use)",
                     RUNS | COMMAND_BENCH, 1, 4096},
    [OPTION_KEEP] = {"keep", 0, TYPE_CHOICE, "none|best|all", "best",
                     "weights to keep: none, the best cell's of each model so far, every cell's",
                     COMMAND_SEARCH},
    [OPTION_SHARD] = {"shard", 0, TYPE_TEXT, "K/N", NULL,
                      "only the K-th of N parts, K from 0, each in a folder of its own (vkgrid "
                      "merge joins them); default: what a job array says, else all",
                      COMMAND_SEARCH},
    [OPTION_SAMPLER] =
        {"sampler", 0, TYPE_CHOICE, "grid|random", "grid",
         "every combination of the grid's lists, or random cells of lists and ranges",
         COMMAND_SEARCH},
    [OPTION_TRIALS] = {"trials", 0, TYPE_NUMBER, "N", NULL, "how many random cells", COMMAND_SEARCH,
                       1, GRID_CELLS},
    [OPTION_FROM_OPTUNA] = {"from-optuna", 0, TYPE_FLAG, NULL, NULL,
                            "train the trials that Optuna has put in the queue of study.db",
                            COMMAND_SEARCH},
    [OPTION_PRUNE] = {"prune", 0, TYPE_CHOICE, "none|median|asha", "none",
                      "stop cells early that do worse than the others", COMMAND_SEARCH},
    [OPTION_UNPRUNE] = {"unprune", 0, TYPE_FLAG, NULL, NULL,
                        "go on with cells that were stopped early", COMMAND_SEARCH},
    [OPTION_RETRY_FAILED] = {"retry-failed", 0, TYPE_FLAG, NULL, NULL,
                             "try cells again that failed, as new trials", COMMAND_SEARCH},
    [OPTION_CHECKPOINT] = {"checkpoint", 0, TYPE_CHOICE, "auto|always", "auto",
                           "always: after every epoch; auto: unless that takes more than a "
                           "twentieth of the time",
                           COMMAND_SEARCH},
    [OPTION_DRY_RUN] = {"dry-run", 'n', TYPE_FLAG, NULL, NULL,
                        "only say what would be done: cells, packs, memory, work; needs no data",
                        COMMAND_SEARCH},
    [OPTION_RANK] = {"rank", 0, TYPE_NUMBER, "N", "1", "which set of a hyperparameters file",
                     COMMAND_TRAIN, 1, 1e6},
    [OPTION_INIT] = {"init", 0, TYPE_TEXT, "FILE", NULL,
                     "weights to start from (.safetensors, or a state_dict of PyTorch)",
                     COMMAND_TRAIN},
    [OPTION_NO_SHUFFLE] = {"no-shuffle", 0, TYPE_FLAG, NULL, NULL,
                           "targets in the order in which they are listed", COMMAND_TRAIN},
    [OPTION_LOG_STEPS] = {"log-steps", 0, TYPE_FLAG, NULL, NULL,
                          "also write the losses of every step (steps.tsv)", RUNS},
    [OPTION_OVERWRITE] = {"overwrite", 0, TYPE_FLAG, NULL, NULL,
                          "start anew where results already are", RUNS},
    [OPTION_WEIGHTS] = {"weights", 'w', TYPE_TEXT, "FILE", NULL,
                        "the network (.safetensors, or a state_dict of PyTorch)", COMMAND_APPLY},
    [OPTION_OPTIONS] = {"options", 0, TYPE_TEXT, "FILE", NULL,
                        "options.json of the cell that the weights belong to", COMMAND_APPLY},
    [OPTION_BASE_MODEL] = {"base-model", 0, TYPE_CHOICE, "resnet18|resnet34", NULL,
                           "encoder of the network", COMMAND_APPLY | COMMAND_BENCH},
    [OPTION_INPUTS] = {"inputs", 0, TYPE_TEXT, "SET", NULL,
                       "feature set, or features separated by commas", COMMAND_APPLY},
    [OPTION_PREDICTION] = {"prediction", 0, TYPE_TEXT, "SET", NULL,
                           "label set, or labels separated by commas", COMMAND_APPLY},
    [OPTION_SIZE] = {"size", 0, TYPE_SIZE, "ROWSxCOLS", NULL, "size of the images",
                     COMMAND_APPLY | COMMAND_SAMPLE | COMMAND_BENCH},
    [OPTION_BATCH_SIZE] = {"batch-size", 0, TYPE_NUMBER, "N", "4",
                           "images that are computed at once", COMMAND_APPLY | COMMAND_BENCH, 1,
                           1024},
    [OPTION_TARGETS] = {"targets", 0, TYPE_TEXT, "A,B,...", NULL,
                        "targets to predict (default: all that the first feature has)",
                        COMMAND_APPLY},
    [OPTION_SUBJECTS] = {"subjects", 0, TYPE_NUMBER, "N", "8", "number of subjects", COMMAND_SAMPLE,
                         1, 999},
    [OPTION_STEPS] = {"steps", 0, TYPE_FLAG, NULL, NULL,
                      "only whole steps, not every convolution by itself", COMMAND_BENCH},
    [OPTION_CURVE] = {"curve", 0, TYPE_FLAG, NULL, NULL,
                      "also training steps with 1, 2, 4, ... slots, while they fit and gain",
                      COMMAND_BENCH},
    [OPTION_BATCH_SIZES] = {"batch-sizes", 0, TYPE_TEXT, "A,B,...", NULL,
                            "the same for each of these batch sizes", COMMAND_BENCH},
    [OPTION_SECONDS] = {"seconds", 0, TYPE_REAL, "S", "0.5",
                        "that every measurement takes, but three runs at least; 0: one run",
                        COMMAND_BENCH, 0, 3600},
    [OPTION_TUNE] = {"tune", 0, TYPE_FLAG, NULL, NULL,
                     "instead find the fastest tiles for this device, and keep them for every "
                     "training on it",
                     COMMAND_BENCH},
    [OPTION_LIMIT] = {"limit", 0, TYPE_NUMBER, "N", "120",
                      "with --tune: begin no convolution after so many seconds", COMMAND_BENCH, 0,
                      1e6},
    [OPTION_JSON] = {"json", 0, TYPE_FLAG, NULL, NULL, "print the result as JSON",
                     COMMAND_SEARCH | COMMAND_TRAIN | COMMAND_DEVICES | COMMAND_STATUS |
                         COMMAND_MERGE | COMMAND_BENCH},
    [OPTION_WATCH] = {"watch", 0, TYPE_FLAG, NULL, NULL,
                      "look again every 2 seconds until nobody is at work there", COMMAND_STATUS},
    [OPTION_QUIET] = {"quiet", 'q', TYPE_FLAG, NULL, NULL, "no progress",
                      COMPUTES | COMMAND_SAMPLE | COMMAND_BENCH | COMMAND_REPORT | COMMAND_MERGE},
    [OPTION_HELP] = {"help", 'h', TYPE_FLAG, NULL, NULL, "this text", ~0u},
};

static const struct command *find_command(enum command_id id)
{
    const struct command *command = commands;
    while (command->id != id)
        command++;
    return command;
}

static void print_help(const struct command *command)
{
    printf("usage: vkgrid %s%s%s [options]\n\n%s\n\noptions:\n", command->name,
           *command->arguments ? " " : "", command->arguments, command->text);
    for (int i = 0; i < OPTION_COUNT; i++) {
        const struct option_info *info = &table[i];
        char letter[8] = "", left[64];
        if (!(info->commands & command->id))
            continue;
        if (info->letter)
            snprintf(letter, sizeof(letter), "-%c,", info->letter);
        snprintf(left, sizeof(left), "%3s --%s%s%s", letter, info->name, info->argument ? " " : "",
                 info->argument ? info->argument : "");
        printf("  %-32s %s", left, info->help);
        if (info->fallback)
            printf(" (default: %s)", info->fallback);
        printf("\n");
    }
}

static bool usage_error(const struct command *command, const char *what, const char *why)
{
    fprintf(stderr, "vkgrid: %s: %s; see vkgrid %s --help\n", what, why, command->name);
    return false;
}

static bool unknown_option(const struct command *command, const char *what, const char *name)
{
    const char *names[OPTION_COUNT + 1], *meant;
    char why[128];
    int count = 0;
    for (int i = 0; i < OPTION_COUNT; i++) {
        if (table[i].commands & command->id)
            names[count++] = table[i].name;
    }
    names[count] = NULL;
    meant = nearest_name(name, names);
    if (!meant)
        return usage_error(command, what, "unknown option");
    snprintf(why, sizeof(why), "unknown option: did you mean --%s?", meant);
    return usage_error(command, what, why);
}

static bool is_choice(const char *choices, const char *word)
{
    const size_t length = strlen(word);
    for (const char *p = choices; p; p = strchr(p, '|') ? strchr(p, '|') + 1 : NULL) {
        if (strncmp(p, word, length) == 0 && (p[length] == '|' || !p[length]))
            return length > 0;
    }
    return false;
}

// A whole number of decimal digits and nothing else.
static bool parse_number(const char *text, double low, double high, double *number)
{
    char *end;
    errno = 0;
    const unsigned long long value = strtoull(text, &end, 10);
    if (!(text[0] >= '0' && text[0] <= '9') || *end || errno)
        return false;
    *number = (double)value;
    return *number >= low && *number <= high;
}

static bool parse_real(const char *text, double low, double high, double *number)
{
    char *end;
    *number = strtod(text, &end);
    return end > text && !*end && *number >= low && *number <= high; // NaN is neither
}

static bool parse_size(const char *text, struct options *options)
{
    double rows, cols;
    char first[16];
    const char *x = strchr(text, 'x');
    if (!x || x - text >= (int)sizeof(first))
        return false;
    snprintf(first, sizeof(first), "%.*s", (int)(x - text), text);
    if (!parse_number(first, 32, 4096, &rows) || !parse_number(x + 1, 32, 4096, &cols))
        return false;
    options->rows = (int)rows;
    options->cols = (int)cols;
    return true;
}

static bool take_value(const struct command *command, enum option_id id, const char *value,
                       struct options *options)
{
    const struct option_info *info = &table[id];
    char what[160], why[160];
    bool good = true;
    snprintf(what, sizeof(what), "--%s %.100s", info->name, value);
    snprintf(why, sizeof(why), "%s is allowed", info->argument ? info->argument : "nothing");
    switch (info->type) {
    case TYPE_TEXT:
        good = *value;
        break;
    case TYPE_CHOICE:
        good = is_choice(info->argument, value);
        break;
    case TYPE_NUMBER:
        good = parse_number(value, info->low, info->high, &options->numbers[id]);
        snprintf(why, sizeof(why), "a whole number from %.0f to %.0f is allowed", info->low,
                 info->high);
        break;
    case TYPE_REAL:
        good = parse_real(value, info->low, info->high, &options->numbers[id]);
        snprintf(why, sizeof(why), "a number from %g to %g is allowed", info->low, info->high);
        break;
    case TYPE_SIZE:
        good = parse_size(value, options);
        snprintf(why, sizeof(why), "ROWSxCOLS, each from 32 to 4096, is allowed");
        break;
    case TYPE_FLAG:
        break;
    }
    options->values[id] = value;
    return good || usage_error(command, what, why);
}

static int find_option(const struct command *command, const char *name, size_t length, char letter)
{
    for (int i = 0; i < OPTION_COUNT; i++) {
        const struct option_info *info = &table[i];
        if (!(info->commands & command->id))
            continue;
        if (name ? strlen(info->name) == length && memcmp(info->name, name, length) == 0
                 : letter && info->letter == letter)
            return i;
    }
    return -1;
}

// One word that begins with a dash, and its value. *at moves past what was taken.
static bool take_option(const struct command *command, int argc, char **argv, int *at,
                        struct options *options)
{
    char *word = argv[(*at)++];
    const bool is_long = word[1] == '-';
    const char *equals = is_long ? strchr(word, '=') : NULL, *value = NULL;
    const size_t length = is_long ? (equals ? (size_t)(equals - word) : strlen(word)) - 2 : 0;
    const int id = find_option(command, is_long ? word + 2 : NULL, length, word[1]);
    if (id < 0)
        return unknown_option(command, word, is_long ? word + 2 : word + 1);
    if (table[id].type == TYPE_FLAG) {
        if (equals || (!is_long && word[2]))
            return usage_error(command, word, "this option takes no value");
        return take_value(command, (enum option_id)id, "", options);
    }
    if (equals)
        value = equals + 1;
    else if (!is_long && word[2])
        value = word + 2;
    else if (*at < argc)
        value = argv[(*at)++];
    else
        return usage_error(command, word, "a value is missing");
    return take_value(command, (enum option_id)id, value, options);
}

static bool take_words(const struct command *command, int argc, char **argv,
                       struct options *options)
{
    bool only_arguments = false;
    for (int at = 1; at < argc;) {
        if (only_arguments || argv[at][0] != '-' || !argv[at][1]) {
            if (options->argument_count == command->most)
                return usage_error(command, argv[at], "one argument too many");
            if (!*argv[at]) // as a folder it would be /
                return usage_error(command, command->arguments, "is empty");
            argv[options->argument_count++] = argv[at++]; // never behind where it is read
        } else if (strcmp(argv[at], "--") == 0) {
            only_arguments = true;
            at++;
        } else if (!take_option(command, argc, argv, &at, options)) {
            return false;
        }
    }
    return true;
}

bool options_parse(enum command_id id, int argc, char **argv, struct options *options, int *status)
{
    const struct command *command = find_command(id);
    *options = (struct options){.arguments = (const char **)argv};
    *status = STATUS_USAGE;
    for (int i = 0; i < OPTION_COUNT; i++) {
        if (table[i].fallback && (table[i].commands & command->id))
            take_value(command, (enum option_id)i, table[i].fallback, options);
    }
    if (!take_words(command, argc, argv, options))
        return false;
    if (option_set(options, OPTION_HELP)) {
        print_help(command);
        *status = 0;
        return false;
    }
    return options->argument_count >= command->least ||
           usage_error(command, command->arguments, "is missing");
}

struct cJSON *options_record(enum command_id id, const struct options *options)
{
    cJSON *record = cJSON_CreateObject();
    cJSON_AddStringToObject(record, "command", find_command(id)->name);
    cJSON_AddItemToObject(record, "arguments",
                          cJSON_CreateStringArray(options->arguments, options->argument_count));
    for (int i = 0; i < OPTION_COUNT; i++) {
        if (!(table[i].commands & id) || i == OPTION_HELP)
            continue;
        if (table[i].type == TYPE_FLAG)
            cJSON_AddBoolToObject(record, table[i].name, options->values[i] != NULL);
        else if (!options->values[i])
            cJSON_AddNullToObject(record, table[i].name);
        else if (table[i].type == TYPE_NUMBER || table[i].type == TYPE_REAL)
            cJSON_AddNumberToObject(record, table[i].name, options->numbers[i]);
        else
            cJSON_AddStringToObject(record, table[i].name, options->values[i]);
    }
    return record;
}
