// SPDX-License-Identifier: MIT
// Picks the command.
#include "cli/commands.h"
#include "cli/help.h"
#include "vkgrid/base/interrupt.h"
#include "vkgrid/base/nearest.h"
#include "vkgrid/base/version.h"
#include "vkgrid/engine/engine.h"

#include <stdio.h>
#include <string.h>

static const struct {
    enum command_id id;
    int (*run)(int argc, char **argv); // argv[0] is the command's name; returns the exit status
} runs[] = {
    {COMMAND_SEARCH, command_search},     {COMMAND_TRAIN, command_train},
    {COMMAND_APPLY, command_apply},       {COMMAND_DEVICES, command_devices},
    {COMMAND_SAMPLE, command_sample},     {COMMAND_BENCH, command_bench},
    {COMMAND_REPORT, command_report},     {COMMAND_STATUS, command_status},
    {COMMAND_MERGE, command_merge},       {COMMAND_FLATTEN, command_flatten},
    {COMMAND_LABEL, command_label},       {COMMAND_CONVERT, command_convert},
    {COMMAND_EVALUATE, command_evaluate}, {COMMAND_INIT, command_init},
    {COMMAND_WORKER, command_worker},
};

static int unknown_command(const char *name)
{
    const char *names[32];
    int count = 0;
    for (const struct command_info *command = command_table; command->name; command++)
        names[count++] = command->name;
    names[count] = NULL;
    const char *meant = nearest_name(name, names);
    fprintf(stderr, "vkgrid: %s: unknown command%s%s%s; see vkgrid --help\n", name,
            meant ? ": did you mean " : "", meant ? meant : "", meant ? "?" : "");
    return STATUS_USAGE;
}

static bool is_one_of(const char *word, const char *a, const char *b, const char *c)
{
    return strcmp(word, a) == 0 || strcmp(word, b) == 0 || strcmp(word, c) == 0;
}

// vkgrid help [COMMAND]
static int help(int argc, char **argv)
{
    const struct command_info *command = argc > 0 ? command_by_name(argv[0]) : NULL;
    if (argc > 1) {
        fprintf(stderr, "vkgrid: help: %s: one argument too many; see vkgrid help\n", argv[1]);
        return STATUS_USAGE;
    }
    if (argc > 0 && !command)
        return unknown_command(argv[0]);
    if (command)
        help_command(command);
    else
        help_program(stdout);
    return 0;
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "";
    if (is_one_of(name, "--version", "-V", "version")) {
        printf("vkgrid %s, numerics %d\n", vkgrid_build(), NUMERICS_VERSION);
        return 0;
    }
    if (is_one_of(name, "--help", "-h", "help"))
        return help(argc - 2, argv + 2);
    if (!*name) {
        help_program(stderr);
        fprintf(stderr, "\nvkgrid: a command is missing; to try it: vkgrid search\n");
        return STATUS_USAGE;
    }
    const struct command_info *command = command_by_name(name);
    if (!command)
        return unknown_command(name);
    engine_wait_briefly(argv);
    interrupt_install();
    for (size_t i = 0; i < sizeof(runs) / sizeof(*runs); i++)
        if (runs[i].id == command->id)
            return runs[i].run(argc - 1, argv + 1);
    return STATUS_FAILED; // the tables go together
}
