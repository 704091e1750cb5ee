// SPDX-License-Identifier: MIT
#include "vkgrid/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Thread_local char message[2048];

bool error_set(const char *format, ...)
{
    char text[sizeof(message)]; // the arguments may point into the old message
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    memcpy(message, text, sizeof(message));
    return false;
}

bool error_prefix(const char *format, ...)
{
    char prefix[512], old[sizeof(message)];
    va_list args;
    va_start(args, format);
    vsnprintf(prefix, sizeof(prefix), format, args);
    va_end(args);
    memcpy(old, message, sizeof(old));
    snprintf(message, sizeof(message), "%s: %.1500s", prefix, old);
    return false;
}

const char *error_text(void)
{
    return message[0] ? message : "unknown error";
}

void error_trace(const char *call, const char *file, int line)
{
    const char *debug = getenv("VKGRID_DEBUG");
    if (debug && strcmp(debug, "1") == 0)
        fprintf(stderr, "vkgrid: debug: %s:%d: %s: %s\n", file, line, call, error_text());
}
