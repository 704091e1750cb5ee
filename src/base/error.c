// SPDX-License-Identifier: MIT
#include "vkgrid/base/error.h"

#include "vkgrid/base/terminal.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Thread_local char message[2048];
static _Thread_local enum error_kind kind_of_message;

static void set(enum error_kind kind, const char *format, va_list args)
{
    char text[sizeof(message)]; // the arguments may point into the old message
    vsnprintf(text, sizeof(text), format, args);
    text_clean(text); // parts of files stand in messages, and messages on terminals
    memcpy(message, text, sizeof(message));
    kind_of_message = kind;
}

bool error_set(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    set(ERROR_OTHER, format, args);
    va_end(args);
    return false;
}

bool error_set_kind(enum error_kind kind, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    set(kind, format, args);
    va_end(args);
    return false;
}

bool error_set_errno(int number, const char *format, ...)
{
    const bool full = number == ENOSPC || number == EDQUOT;
    va_list args;
    va_start(args, format);
    set(full ? ERROR_NO_SPACE : ERROR_OTHER, format, args);
    va_end(args);
    const size_t size = strlen(message);
    snprintf(message + size, sizeof(message) - size, ": %s", strerror(number));
    return false;
}

enum error_kind error_kind(void)
{
    return kind_of_message;
}

bool error_prefix(const char *format, ...)
{
    char prefix[512], old[sizeof(message)];
    va_list args;
    va_start(args, format);
    vsnprintf(prefix, sizeof(prefix), format, args);
    va_end(args);
    text_clean(prefix);
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
