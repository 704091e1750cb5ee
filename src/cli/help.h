// SPDX-License-Identifier: MIT
// What `vkgrid help` and --help print, at most 80 columns wide.
#pragma once

#include "cli/tables.h"

#include <stdio.h>

void help_program(FILE *out);
void help_command(const struct command_info *command);
