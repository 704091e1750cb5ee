// SPDX-License-Identifier: MIT
// The keys of vkgrid_datasets. What chooses a data set, JSON texts with a space before each:
// features, image size, partition, raters; then what is normalised, if anything is. Before format 5
// the data folder stood before the last.
#pragma once

#include <sqlite3.h>

#define FORMAT_OF_DATA_KEYS 5

// SQL functions: data_key(KEY) is a key of an older format as it is today, data_raters(KEY) the
// raters of a key of any format; NULL of what is no key.
int data_key_functions(sqlite3 *db);
