// SPDX-License-Identifier: MIT
#include "vkgrid/study/labels.h"

#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/base/terminal.h"

#include <cjson/cJSON.h>

#define LABELS_SHOWN 255 // as many as a label set may have

struct cJSON *labels_checked(const struct cJSON *labels)
{
    static const char *const numbers[] = {"hard_dice", "iou", "images"};
    cJSON *checked = cJSON_CreateObject();
    const cJSON *label;
    int count = 0;
    cJSON_ArrayForEach(label, labels)
    {
        if (!label->string || !cJSON_IsObject(label) || count++ >= LABELS_SHOWN)
            continue;
        cJSON *copy = cJSON_AddObjectToObject(checked, label->string);
        for (int i = 0; i < 3; i++) {
            const cJSON *number = json_member(label, numbers[i]);
            cJSON_AddItemToObject(copy, numbers[i],
                                  cJSON_IsNumber(number) ? cJSON_CreateNumber(number->valuedouble)
                                                         : cJSON_CreateNull());
        }
    }
    return checked;
}

char *labels_text(const struct cJSON *labels)
{
    struct text text = {0};
    const cJSON *label;
    cJSON_ArrayForEach(label, labels)
    {
        const cJSON *dice = json_member(label, "hard_dice");
        text_add(&text, "%s%s ", text.size ? ", " : "Dice ", label->string);
        if (cJSON_IsNumber(dice))
            text_add(&text, "%.4f", dice->valuedouble);
        else
            text_add(&text, "-");
    }
    return text.bytes ? text_clean(text.bytes) : NULL;
}
