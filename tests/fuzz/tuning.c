// SPDX-License-Identifier: MIT
// A tuning file, and whether a device that is made up may use it.
#include "tests/fuzz/fuzz.h"
#include "tests/engine/made_up_gpu.h"
#include "engine/vulkan/tuning.h"
#include "vkgrid/base/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const char *path = fuzz_file(FUZZ_FILE, bytes, size);
    struct tuning tuning = {.path = text_copy(path), .identity = UINT64_C(0x0123456789abcdef)};
    if (fuzz_judge(tuning_read(&tuning), path) && fuzz_judge(tuning_check(&gpu, &tuning), path))
        for (int i = 0; i < tuning.tile_count; i++)
            tuning_find_tile(&tuning, &tuning.tiles[i].problem);
    tuning_free(&tuning);
    return 0;
}
