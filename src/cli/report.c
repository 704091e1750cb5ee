// SPDX-License-Identifier: MIT
#include "cli/commands.h"

#include "vkgrid/engine/engine.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/report/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// A report without predictions is better than none, so a device that does not open is no error,
// unless it was asked for.
static bool write_report(const struct options *options)
{
    const char *out = options->arguments[0];
    struct report_options report = {.data = options->values[OPTION_DATA]};
    char *why = NULL;
    int device;
    if (!pick_device(options, option_set(options, OPTION_QUIET), &device) ||
        !engine_open(device, &report.engine))
        report.no_engine = why = text_copy(error_text());
    if (why && strcmp(options->values[OPTION_DEVICE], "auto") != 0) {
        free(why);
        return false;
    }
    const bool written = report_write(out, &report);
    engine_close(&report.engine);
    free(why);
    return written;
}

int command_report(int argc, char **argv)
{
    struct options options;
    int status;
    if (!options_parse(COMMAND_REPORT, argc, argv, &options, &status))
        return status;
    if (!write_report(&options))
        return command_failed();
    if (!option_set(&options, OPTION_QUIET))
        printf("%s/report.html\n", options.arguments[0]);
    return 0;
}
