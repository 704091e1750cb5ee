// SPDX-License-Identifier: MIT
#include "tests/formats/oracle.h"

#include "vkgrid/base/memory.h"

#include <stdio.h>
#include <stdlib.h>

bool oracle_run_script(const char *script, const char *command, const char *folder,
                       const char *more)
{
    const char *python = getenv("VKGRID_PYTHON"), *source = getenv("VKGRID_SOURCE");
    char *line = text_format("'%s' '%s/tests/oracle/%s' '%s' '%s' '%s'",
                             python ? python : "/usr/bin/python3", source ? source : ".", script,
                             command, folder, more);
    fflush(stdout);
    const int status = system(line);
    free(line);
    return status == 0;
}

bool oracle_run(const char *command, const char *folder)
{
    return oracle_run_script("formats_oracle.py", command, folder, folder);
}

bool oracle_probe(void)
{
    const bool found = oracle_run("probe", "");
    if (!found)
        printf("skipped: no judge without PyTorch\n");
    return found;
}
