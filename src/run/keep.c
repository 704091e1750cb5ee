// SPDX-License-Identifier: MIT
#include "vkgrid/run/run.h"

#include <string.h>

const char *keep_name(enum keep keep)
{
    static const char *const names[] = {"none", "best", "all"};
    return names[keep];
}

bool keep_parse(const char *text, enum keep *keep)
{
    for (int i = KEEP_NONE; i <= KEEP_ALL; i++) {
        if (strcmp(text, keep_name((enum keep)i)) == 0) {
            *keep = (enum keep)i;
            return true;
        }
    }
    return false;
}
