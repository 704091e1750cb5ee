// SPDX-License-Identifier: MIT
#include "cli/commands.h"

#include "vkgrid/base/error.h"
#include "vkgrid/data/sample.h"

#include <stdio.h>

int command_sample(int argc, char **argv)
{
    struct options options;
    int status;
    if (!options_parse(COMMAND_SAMPLE, argc, argv, &options, &status))
        return status;
    const int subjects = (int)options.numbers[OPTION_SUBJECTS];
    const int rows = options.rows ? options.rows : 128, cols = options.rows ? options.cols : 256;
    const uint64_t seed =
        option_set(&options, OPTION_SEED) ? (uint64_t)options.numbers[OPTION_SEED] : 1;
    if (!sample_write(options.arguments[0], subjects, rows, cols, seed))
        return command_failed();
    if (!option_set(&options, OPTION_QUIET))
        fprintf(stderr, "%s: %d subject%s of %d x %d\n", options.arguments[0], subjects,
                subjects == 1 ? "" : "s", rows, cols);
    return 0;
}
