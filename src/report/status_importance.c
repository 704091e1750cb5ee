// SPDX-License-Identifier: MIT
#include "report/status_parts.h"

#include "report/parts.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/base/terminal.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SHOWN 6          // effects of a task
#define SHOWN_SHARE 0.01 // less is not worth a line

// --- JSON ---------------------------------------------------------------------------------------

// Takes that of the task of that name out of the scores.
static cJSON *take_importance(const cJSON *scores, const char *name)
{
    cJSON *task;
    cJSON_ArrayForEach(task, json_member(scores, "tasks"))
    {
        const char *other = cJSON_GetStringValue(json_member(task, "name"));
        if (other && strcmp(other, name) == 0)
            return cJSON_DetachItemFromObjectCaseSensitive(task, "importance");
    }
    return NULL;
}

void status_add_importance(struct store_view *view, struct cJSON *status)
{
    cJSON *scores = cJSON_CreateObject(), *task;
    char *why = NULL;
    if (cJSON_GetNumberValue(json_member(json_member(status, "cells"), "total")) > IMPORTANCE_CELLS)
        why = text_copy("the study has too many cells for it");
    else if (scores_read(view, scores))
        importance_add(scores);
    else
        why = text_clean(text_copy(error_text()));
    cJSON_ArrayForEach(task, json_member(status, "tasks"))
    {
        cJSON *importance =
            take_importance(scores, cJSON_GetStringValue(json_member(task, "name")));
        if (!importance) {
            importance = cJSON_CreateObject();
            cJSON_AddStringToObject(importance, "why", why ? why : "no cell is finished");
        }
        cJSON_AddItemToObject(task, "importance", importance);
    }
    free(why);
    cJSON_Delete(scores);
}

void status_keep_importance(const struct cJSON *earlier, struct cJSON *status)
{
    cJSON *task;
    cJSON_ArrayForEach(task, json_member(status, "tasks"))
    {
        const char *name = cJSON_GetStringValue(json_member(task, "name"));
        const cJSON *other, *importance = NULL;
        cJSON_ArrayForEach(other, json_member(earlier, "tasks"))
        {
            if (strcmp(cJSON_GetStringValue(json_member(other, "name")), name) == 0)
                importance = json_member(other, "importance");
        }
        cJSON *kept = importance ? cJSON_Duplicate(importance, true) : cJSON_CreateObject();
        if (!importance)
            cJSON_AddStringToObject(kept, "why", "no cell is finished");
        cJSON_AddItemToObject(task, "importance", kept);
    }
}

// --- Text ---------------------------------------------------------------------------------------

static double share_of(const cJSON *effect)
{
    const double share = cJSON_GetNumberValue(json_member(effect, "share"));
    return isnan(share) ? 0 : share;
}

static int compare_effects(const void *left, const void *right)
{
    const double a = share_of(*(const cJSON *const *)left),
                 b = share_of(*(const cJSON *const *)right);
    return a < b ? 1 : a > b ? -1 : 0;
}

// "lr x gamma"
static char *effect_name(const cJSON *effect)
{
    struct text name = {0};
    const cJSON *axis;
    cJSON_ArrayForEach(axis, json_member(effect, "axes"))
    {
        text_add(&name, "%s%s", name.size ? " x " : "", axis->valuestring);
    }
    return text_clean(name.bytes);
}

static void add_effects(struct text *text, const cJSON *importance)
{
    const cJSON *effects = json_member(importance, "effects"), *effect;
    const cJSON **sorted = mem_zalloc((size_t)cJSON_GetArraySize(effects) + 1, sizeof(sorted[0]));
    int count = 0;
    cJSON_ArrayForEach(effect, effects) sorted[count++] = effect;
    qsort(sorted, (size_t)count, sizeof(sorted[0]), compare_effects);
    for (int i = 0; i < count && i < SHOWN && share_of(sorted[i]) >= SHOWN_SHARE; i++) {
        char *name = effect_name(sorted[i]);
        text_add(text, "  %3.0f%%  %s\n", 100 * share_of(sorted[i]), name);
        free(name);
    }
    free(sorted);
}

void status_importance_text(struct text *text, const struct cJSON *task)
{
    const cJSON *importance = json_member(task, "importance"),
                *why = json_member(importance, "why"), *error = json_member(importance, "error");
    if (cJSON_GetNumberValue(json_member(json_member(task, "cells"), "complete")) < 2)
        return;
    if (why) {
        text_add(text, "\nimportance: not known: %s\n", cJSON_GetStringValue(why));
        return;
    }
    const double cells = cJSON_GetNumberValue(json_member(importance, "cells"));
    const char *from = cJSON_GetStringValue(json_member(error, "from"));
    text_add(text, "\nimportance: share of the variance of the dice loss, %.0f cells\n", cells);
    add_effects(text, importance);
    text_add(text, "  %3.0f%%  chance (%s)\n", 100 * share_of(error),
             strcmp(from, "runs") == 0 ? "between runs of a cell" : "unexplained");
}
