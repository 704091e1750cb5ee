// SPDX-License-Identifier: MIT
// Features that have a file of their own among a subject's usual ones.
#pragma once

#include "vkgrid/cortex/subject.h"

// FILE_CURVATURE of "curvature" and so on; SUBJECT_FILES: it has none.
enum subject_file feature_file(const char *name);
