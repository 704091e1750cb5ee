// SPDX-License-Identifier: MIT
// Runs scripts of tests/oracle with the Python of the environment's VKGRID_PYTHON, else
// /usr/bin/python3. The default one is formats_oracle.py.
#pragma once

#include <stdbool.h>

// Whether the Python can import PyTorch; if not, the reason has been printed.
bool oracle_probe(void);

// False when it fails; its messages are on stderr.
bool oracle_run(const char *command, const char *folder);
bool oracle_run_script(const char *script, const char *command, const char *folder,
                       const char *more);
