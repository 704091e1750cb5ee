// SPDX-License-Identifier: MIT
#include "grid/names.h"

#include "vkgrid/base/error.h"

bool name_check(const char *name, const char *where)
{
    int plain = 0; // bytes before the first that is not allowed
    while ((unsigned char)name[plain] >= ' ' && name[plain] != 127 && name[plain] != '/')
        plain++;
    if (!name[plain] && name[0] != '.' && plain <= NAME)
        return true;
    return error_set(
        "%s: is \"%.*s\"%s: a name without / and control characters, of at most %d "
        "bytes, that does not begin with a dot is allowed",
        where, plain, name, name[plain] ? " and more" : "", NAME);
}
