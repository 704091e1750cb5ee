// SPDX-License-Identifier: MIT
// The only file that is compiled anew after every commit.
#include "vkgrid/base/version.h"

#include "commit.inc" // VKGRID_COMMIT: of git, else the version

#include <string.h>

const char *vkgrid_version(void)
{
    return VKGRID_VERSION;
}

const char *vkgrid_build(void)
{
    return strcmp(VKGRID_COMMIT, VKGRID_VERSION) == 0 ? VKGRID_VERSION
                                                      : VKGRID_VERSION " (" VKGRID_COMMIT ")";
}
