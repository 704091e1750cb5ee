// SPDX-License-Identifier: MIT
// A study.db whose bytes may be anything: status, report, a search that goes on.
#include "tests/fuzz/good_study.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    fuzz_file("study.db", bytes, size);
    for (int reader = 0; reader < STUDY_READERS; reader++)
        read_study(fuzz_folder(), (enum study_reader)reader);
    return 0;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    study_begin();
    return 0;
}
