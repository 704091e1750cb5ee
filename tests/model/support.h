// SPDX-License-Identifier: MIT
// What the tests of this room need of their surroundings.
#pragma once

#include "vkgrid/engine/engine.h"

// Whether the scripts of tests/oracle can run: python3 (or the program in VKGRID_PYTHON) with torch
// and torchvision. Prints why when they cannot.
bool oracle_available(void);

// Runs tests/oracle/<arguments[0]> with the other arguments, NULL-terminated.
bool oracle_run(const char *const *arguments);

// The same by one Python that is started once, by `tests/oracle/<arguments[0]> serve`, since most
// of what a short script does is to import PyTorch. Each call is a line of it, by tabs.
bool oracle_ask(const char *const *arguments);

// Ends it, if there is one. False if it failed.
bool oracle_end(void);

// A name for a file in the build folder, for this process alone. The caller frees it.
char *process_path(const char *name);

// "reference": the reference engine. Otherwise the device that VKGRID_DEVICE names, or the first
// usable one; "mixed": only if it can compute in mixed precision. Prints which, or why there is
// none (NULL).
struct engine *test_engine(const char *wanted);

// PRECISION_MIXED if "mixed" is wanted.
enum precision test_precision(const char *wanted);
