// SPDX-License-Identifier: MIT
// How the reader and the writer of .png take libpng's errors. libpng jumps back to the setjmp() of
// the function that called it: what that function needs afterwards lies behind a pointer.
#pragma once

#include "vkgrid/base/error.h"

#include <png.h>
#include <setjmp.h>

// An error function; the error pointer is the beginning of the message.
static inline void refuse_png(png_structp png, png_const_charp message)
{
    error_set("%s: %s", (const char *)png_get_error_ptr(png), message);
    png_longjmp(png, 1);
}

// A warning function.
static inline void ignore_warning(png_structp png, png_const_charp message)
{
    (void)png;
    (void)message;
}
