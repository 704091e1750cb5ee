// SPDX-License-Identifier: MIT
// JSON itself: what is read, printed and read again is the same.
#include "tests/fuzz/fuzz.h"
#include "vkgrid/base/json.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

static void read_again(const cJSON *json, char *text)
{
    cJSON *again = NULL;
    if (!json_parse(text, strlen(text), "again", &again) || !cJSON_Compare(json, again, true))
        abort();
    cJSON_Delete(again);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const char *path = fuzz_file(FUZZ_FILE, bytes, size);
    cJSON *json = NULL;
    if (!fuzz_judge(json_read(path, &json), path))
        return 0;
    read_again(json, json_print(json));
    read_again(json, json_print_line(json));
    cJSON_Delete(json);
    return 0;
}
