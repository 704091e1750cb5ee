// SPDX-License-Identifier: MIT
// Errors below main(): a function returns false or NULL and leaves one message behind.
//
// The message is one line, "what: why" (what failed, where, what is allowed), without the
// program's name and without a final full stop; main() prints it as "vkgrid: what: why". Each
// thread has its own.
#pragma once

#include <stdbool.h>

// What a caller may want to know of a failure. error_set() makes it ERROR_OTHER.
enum error_kind {
    ERROR_OTHER,
    ERROR_NO_SPACE,    // the disk (or a quota) is full: the same call may work later
    ERROR_DEVICE_LOST, // the device is gone: a fresh engine may work
    ERROR_DAMAGED,     // a file of a checkpoint is missing or damaged: the run can begin again
    ERROR_NO_MEMORY,   // the device gives no more memory: fewer slots may fit
};
enum error_kind error_kind(void);

// error_set() with a kind.
bool error_set_kind(enum error_kind kind, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// error_set() of something that errno explains, "what: why", with the kind that follows from it.
bool error_set_errno(int number, const char *format, ...) __attribute__((format(printf, 2, 3)));

// Replaces the thread's message. Always returns false, so that `return error_set(...)` reads well.
bool error_set(const char *format, ...) __attribute__((format(printf, 1, 2)));

// Puts "<prefix>: " before the message that is there. Always returns false.
bool error_prefix(const char *format, ...) __attribute__((format(printf, 1, 2)));

// The thread's last message; never NULL.
const char *error_text(void);

// With VKGRID_DEBUG=1 prints the failed call, file and line to stderr.
void error_trace(const char *call, const char *file, int line);

// A call that has set a message: on failure goes to the function's one `error:` label.
#define CHECK(call) \
    do { \
        if (!(call)) { \
            error_trace(#call, __FILE__, __LINE__); \
            goto error; \
        } \
    } while (0)

// Sets the message and goes to the function's one `error:` label.
#define FAIL(...) \
    do { \
        error_set(__VA_ARGS__); \
        error_trace("FAIL", __FILE__, __LINE__); \
        goto error; \
    } while (0)
