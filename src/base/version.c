// SPDX-License-Identifier: MIT
// The only file that is compiled anew after every commit.
#include "vkgrid/base/version.h"

#include "commit.h"

const char *vkgrid_version(void)
{
    return VKGRID_VERSION;
}

const char *vkgrid_build(void)
{
    return sizeof(VKGRID_COMMIT) > 1 ? VKGRID_VERSION " (" VKGRID_COMMIT ")" : VKGRID_VERSION;
}
