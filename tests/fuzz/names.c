// SPDX-License-Identifier: MIT
// Texts that stand in grids and options, of a command or of a file: where channels, features of a
// cortex and weights come from.
#include "tests/fuzz/fuzz.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/cortex/flatten.h"
#include "vkgrid/data/source.h"
#include "vkgrid/grid/grid.h"

#include <cjson/cJSON.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char *text = text_format("%.*s", (int)size, (const char *)bytes);
    struct flat_source flat;
    struct source source;
    cJSON *value = NULL;
    if (fuzz_judge(source_parse(text, &source), NULL)) {
        source_is_null(&source);
        source_free(&source);
    }
    for (int label = 0; label < 2; label++)
        if (fuzz_judge(flat_source_parse(text, label, &flat), NULL))
            flat_source_free(&flat);
    if (fuzz_judge(pretrained_parse(text, &value), NULL))
        cJSON_Delete(value);
    free(text);
    return 0;
}
