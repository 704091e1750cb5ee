// SPDX-License-Identifier: MIT
// The user's cache folder: what can be made again at any time.
#pragma once

// The path of a file in it: $XDG_CACHE_HOME/vkgrid/<name>, by default ~/.cache/vkgrid/<name>; as
// the XDG Base Directory Specification has it, a path that is not absolute counts as not set. NULL
// where there is no home either. The caller frees it; the folder need not be there.
char *cache_path(const char *name);
