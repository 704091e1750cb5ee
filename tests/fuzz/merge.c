// SPDX-License-Identifier: MIT
// Joining a study.db that is whole but holds any values (values.h) with a good one, in the order
// that the first byte of the input says.
#include "tests/fuzz/good_study.h"
#include "tests/fuzz/values.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/merge/merge.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static char *folders[3]; // a, b, and of both together
static uint8_t *good;
static size_t good_size;

static void write_part(const char *name, const uint8_t *bytes, size_t size)
{
    sqlite3 *database = NULL;
    const char *path = fuzz_file(name, good, good_size);
    if (sqlite3_open(path, &database) != SQLITE_OK ||
        sqlite3_exec(database, "PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY; BEGIN",
                     NULL, NULL, NULL) != SQLITE_OK)
        abort();
    change_values(database, bytes, size);
    sqlite3_exec(database, "COMMIT", NULL, NULL, NULL);
    sqlite3_close(database);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static const char *const names[] = {"a", "b", "out"};
    (void)argc;
    (void)argv;
    study_begin();
    good = good_study("good.db", &good_size);
    for (int i = 0; i < 3; i++) {
        folders[i] = text_format("%s/%s", fuzz_folder(), names[i]);
        if (i < 2 && mkdir(folders[i], 0777) != 0)
            abort();
    }
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size == 0)
        return 0;
    write_part("a/study.db", bytes + 1, size - 1);
    fuzz_file("b/study.db", good, good_size);
    const int first = bytes[0] % 2;
    const char *const parts[] = {folders[first], folders[1 - first]};
    const struct merge_options options = {.folders = parts, .count = 2, .out = folders[2]};
    struct merge_result result;
    fuzz_judge(study_merge(&options, &result), NULL);
    merge_result_free(&result);
    fuzz_remove(folders[2]);
    return 0;
}
