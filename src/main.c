// SPDX-License-Identifier: MIT
// Picks the command.
#include "cli/commands.h"
#include "vkgrid/base/interrupt.h"
#include "vkgrid/base/nearest.h"

#include <stdio.h>
#include <string.h>

static int unknown_command(const char *name)
{
    const char *names[16];
    int count = 0;
    for (const struct command *command = commands; command->name; command++)
        names[count++] = command->name;
    names[count] = NULL;
    const char *meant = nearest_name(name, names);
    fprintf(stderr, "vkgrid: %s: unknown command%s%s%s; see vkgrid --help\n", name,
            meant ? ": did you mean " : "", meant ? meant : "", meant ? "?" : "");
    return STATUS_USAGE;
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    if (strcmp(name, "--version") == 0) {
        printf("vkgrid %s\n", VKGRID_VERSION);
        return 0;
    }
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
        commands_help();
        return 0;
    }
    if (!*name) {
        fprintf(stderr, "vkgrid: a command is missing; see vkgrid --help\n");
        return STATUS_USAGE;
    }
    for (const struct command *command = commands; command->name; command++) {
        if (strcmp(command->name, name) == 0) {
            interrupt_install();
            return command->run(argc - 1, argv + 1);
        }
    }
    return unknown_command(name);
}
