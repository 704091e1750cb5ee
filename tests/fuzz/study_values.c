// SPDX-License-Identifier: MIT
// A study.db that is whole but holds any values (values.h): status, report, a search that goes on.
#include "tests/fuzz/good_study.h"
#include "tests/fuzz/values.h"

#include <sqlite3.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static uint8_t *good;
    static size_t good_size;
    sqlite3 *database = NULL;
    if (!good)
        good = good_study("good.db", &good_size);
    const char *path = fuzz_file("study.db", good, good_size);
    if (sqlite3_open(path, &database) != SQLITE_OK ||
        sqlite3_exec(database, "PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY; BEGIN",
                     NULL, NULL, NULL) != SQLITE_OK)
        abort();
    change_values(database, bytes, size);
    sqlite3_exec(database, "COMMIT", NULL, NULL, NULL);
    sqlite3_close(database);
    read_study(fuzz_folder());
    return 0;
}
