// SPDX-License-Identifier: MIT
// A study.db that is whole but holds any values (values.h), read by status, report or a search that
// goes on, as the first byte of the input says.
#include "tests/fuzz/good_study.h"
#include "tests/fuzz/values.h"

#include <sqlite3.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static uint8_t *good;
    static size_t good_size;
    sqlite3 *database = NULL;
    if (size == 0)
        return 0;
    if (!good)
        good = good_study("good.db", &good_size);
    const char *path = fuzz_file("study.db", good, good_size);
    if (sqlite3_open(path, &database) != SQLITE_OK ||
        sqlite3_exec(database, "PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY; BEGIN",
                     NULL, NULL, NULL) != SQLITE_OK)
        abort();
    change_values(database, bytes + 1, size - 1);
    sqlite3_exec(database, "COMMIT", NULL, NULL, NULL);
    sqlite3_close(database);
    read_study(fuzz_folder(), (enum study_reader)(bytes[0] % STUDY_READERS));
    return 0;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    study_begin();
    return 0;
}
