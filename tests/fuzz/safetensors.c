// SPDX-License-Identifier: MIT
// A safetensors file: its tensors, and what its metadata says of a network.
#include "tests/fuzz/use.h"
#include "vkgrid/study/weights_note.h"

#include <cjson/cJSON.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const char *path = fuzz_file(FUZZ_FILE, bytes, size);
    struct flat_settings settings;
    struct tensors tensors;
    cJSON *description = NULL;
    bool found;
    if (fuzz_judge(safetensors_read(path, &tensors), path)) {
        use_tensors(&tensors);
        tensors_free(&tensors);
    }
    fuzz_judge(weights_describe(path, &description), path);
    cJSON_Delete(description);
    cJSON *options = cJSON_CreateObject();
    fuzz_judge(weights_add_statistics(path, options), path);
    fuzz_judge(weights_add_flatten(path, options), path);
    cJSON_Delete(options);
    fuzz_judge(weights_flat_settings(path, &settings, &found), path);
    return 0;
}
