// SPDX-License-Identifier: MIT
#include "vkgrid/report/status.h"

#include "cli/commands.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/interrupt.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/terminal.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define WATCH_SECONDS 2     // between two looks
#define WATCH_IMPORTANCE 10 // looks for which that of the hyper-parameters holds

static void print_status(const cJSON *status, bool json, bool line)
{
    char *text = line   ? json_print_line(status)
                 : json ? json_print(status)
                        : status_text(status, (double)time(NULL));
    if (json)
        printf("%s%s", text, line ? "\n" : "");
    else
        terminal_write(STDOUT_FILENO, text);
    fflush(stdout);
    free(text);
}

static bool is_running(const cJSON *status)
{
    return strcmp(cJSON_GetStringValue(json_member(status, "state")), "running") == 0;
}

// The next look at a study that is watched, in the place of the one before.
static bool look_again(const char *out, int look, cJSON **status)
{
    cJSON *earlier = *status;
    bool read = status_read(out, look % WATCH_IMPORTANCE == 0 ? NULL : earlier, status);
    cJSON_Delete(earlier);
    if (read && look % WATCH_IMPORTANCE != 0 && !is_running(*status)) { // the last one is whole
        cJSON_Delete(*status);
        read = status_read(out, NULL, status);
    }
    return read;
}

// Until nobody is at work there, or an interrupt: in place on a terminal, else one after the other.
static bool watch(const char *out, bool json)
{
    struct live_lines lines = {.fd = STDOUT_FILENO};
    const bool live = !json && terminal_live(STDOUT_FILENO);
    cJSON *status = NULL;
    for (int look = 0;; look++) {
        if (!look_again(out, look, &status)) {
            live_erase(&lines);
            return false;
        }
        const bool more = is_running(status) && !interrupt_requested();
        if (live && more) {
            char *text = status_text(status, (double)time(NULL));
            live_draw(&lines, NULL, text);
            free(text);
        } else {
            live_erase(&lines);
            print_status(status, json, json);
            if (more && !json)
                terminal_write(STDOUT_FILENO, "\n");
        }
        if (!more)
            break;
        sleep(WATCH_SECONDS); // a signal ends it
    }
    cJSON_Delete(status);
    return true;
}

int command_status(int argc, char **argv)
{
    struct options options;
    cJSON *status;
    int code;
    if (!options_parse(COMMAND_STATUS, argc, argv, &options, &code))
        return code;
    const char *out = options.arguments[0];
    const bool json = option_set(&options, OPTION_JSON);
    if (option_set(&options, OPTION_WATCH)) {
        if (!watch(out, json))
            return command_failed();
        return interrupt_requested() ? STATUS_INTERRUPTED : 0;
    }
    if (!status_read(out, NULL, &status))
        return command_failed();
    print_status(status, json, false);
    cJSON_Delete(status);
    return 0;
}
