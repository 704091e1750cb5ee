// SPDX-License-Identifier: MIT
#include "vkgrid/base/cache.h"

#include "vkgrid/base/memory.h"

#include <stdlib.h>

char *cache_path(const char *name)
{
    const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (cache && cache[0] == '/')
        return text_format("%s/vkgrid/%s", cache, name);
    return home && home[0] == '/' ? text_format("%s/.cache/vkgrid/%s", home, name) : NULL;
}
