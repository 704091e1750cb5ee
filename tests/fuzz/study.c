// SPDX-License-Identifier: MIT
// A study.db whose bytes may be anything: status, report, a search that goes on.
#include "tests/fuzz/good_study.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    fuzz_file("study.db", bytes, size);
    read_study(fuzz_folder());
    return 0;
}
