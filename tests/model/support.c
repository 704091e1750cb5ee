// SPDX-License-Identifier: MIT
#include "tests/model/support.h"

#include "tests/reference/reference.h"
#include "tests/test_device.h"
#include "vkgrid/base/memory.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *variable(const char *name, const char *otherwise)
{
    const char *value = getenv(name);
    return value ? value : otherwise;
}

static const char *python(void)
{
    return variable("VKGRID_PYTHON", "/usr/bin/python3");
}

// In a child. -B: leaves no bytecode in the source folder.
_Noreturn static void become_python(const char *const *arguments, int count)
{
    const char *all[24] = {python(), "-B"};
    for (int i = 0; i < count && i + 3 < 24; i++)
        all[i + 2] = arguments[i];
    execvp(all[0], (char *const *)all);
    _exit(127);
}

static bool succeeds(pid_t child)
{
    int status = 0;
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0;
}

static bool run_python(const char *const *arguments, int count)
{
    const pid_t child = fork();
    if (child == 0)
        become_python(arguments, count);
    return succeeds(child);
}

bool oracle_available(void)
{
    const char *script =
        "import importlib.util as u, sys\n"
        "sys.exit(not (u.find_spec('torch') and u.find_spec('torchvision')))";
    if (run_python((const char *[]){"-c", script}, 2))
        return true;
    printf("skipped: %s has no torch and torchvision (VKGRID_PYTHON names another)\n", python());
    return false;
}

static char *script_path(const char *name)
{
    return text_format("%s/%s", variable("VKGRID_ORACLE", ORACLE_FOLDER), name);
}

bool oracle_run(const char *const *arguments)
{
    const char *with_folder[20];
    int count = 0;
    while (arguments[count] && count < 20) {
        with_folder[count] = arguments[count];
        count++;
    }
    char *script = script_path(arguments[0]);
    with_folder[0] = script;
    const bool done = run_python(with_folder, count);
    free(script);
    return done;
}

static struct {
    pid_t process;
    FILE *questions, *answers;
} server;

static bool start_server(const char *name)
{
    int questions[2], answers[2];
    if (pipe(questions) != 0 || pipe(answers) != 0)
        return false;
    server.process = fork();
    if (server.process == 0) {
        char *script = script_path(name);
        dup2(questions[0], STDIN_FILENO);
        dup2(answers[1], STDOUT_FILENO);
        close(questions[1]); // else it would never end
        become_python((const char *[]){script, "serve"}, 2);
    }
    close(questions[0]);
    close(answers[1]);
    server.questions = fdopen(questions[1], "w");
    server.answers = fdopen(answers[0], "r");
    signal(SIGPIPE, SIG_IGN); // one that has ended gives no answer
    return server.process > 0 && server.questions && server.answers;
}

bool oracle_ask(const char *const *arguments)
{
    char answer[16];
    if (!server.process && !start_server(arguments[0]))
        return false;
    for (int i = 1; arguments[i]; i++)
        fprintf(server.questions, "%s%c", arguments[i], arguments[i + 1] ? '\t' : '\n');
    return fflush(server.questions) == 0 && fgets(answer, sizeof(answer), server.answers) &&
           strcmp(answer, "done\n") == 0;
}

bool oracle_end(void)
{
    if (!server.process)
        return true;
    fclose(server.questions);
    const bool done = succeeds(server.process);
    fclose(server.answers);
    server.process = 0;
    return done;
}

char *process_path(const char *name)
{
    return text_format("%s/%d-%s", variable("VKGRID_SCRATCH", SCRATCH_FOLDER), (int)getpid(), name);
}

struct engine *test_engine(const char *wanted)
{
    const bool reference = wanted && strcmp(wanted, "reference") == 0;
    const enum precision precision = test_precision(wanted);
    struct engine *engine = reference ? reference_engine() : open_test_device_for(precision);
    if (engine)
        printf("on %s, %s\n", engine_device(engine)->name, precision_name(precision));
    return engine;
}

enum precision test_precision(const char *wanted)
{
    return wanted && strcmp(wanted, "mixed") == 0 ? PRECISION_MIXED : PRECISION_FP32;
}
