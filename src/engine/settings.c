// SPDX-License-Identifier: MIT
// What holds for all devices that are opened from now on.
#include "engine/engine_ops.h"

#include "vkgrid/base/error.h"

#include <string.h>

static int threads;
static enum matrix_use matrix_use;

void engine_threads(int count)
{
    threads = count;
}

int engine_thread_count(void)
{
    return threads;
}

void engine_matrix(enum matrix_use use)
{
    matrix_use = use;
}

enum matrix_use engine_matrix_use(void)
{
    return matrix_use;
}

bool matrix_use_parse(const char *text, enum matrix_use *use)
{
    static const char *const names[] = {
        [MATRIX_AUTO] = "auto", [MATRIX_ON] = "on", [MATRIX_OFF] = "off"};
    for (int i = MATRIX_AUTO; i <= MATRIX_OFF; i++)
        if (strcmp(names[i], text) == 0) {
            *use = (enum matrix_use)i;
            return true;
        }
    return error_set("matrix %s: auto, on or off is allowed", text);
}
