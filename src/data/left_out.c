// SPDX-License-Identifier: MIT
#include "data/folder.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/data/dataset.h"

char *dataset_left_out(const struct dataset *dataset)
{
    const int count = dataset->left_out;
    return count == 0 ? NULL
                      : text_format("%d of %d samples ha%s no files and %s left out: %s%s", count,
                                    dataset->count + count, count == 1 ? "s" : "ve",
                                    count == 1 ? "is" : "are", dataset->left_out_names,
                                    count > LEFT_OUT_NAMED ? ", ..." : "");
}
