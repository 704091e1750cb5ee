// SPDX-License-Identifier: MIT
// Which folders of a data set are labels.
#include "grid/proposal_parts.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/json.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

char *proposal_next_part(const char **text)
{
    if (!*text || !**text)
        return NULL;
    const size_t size = strcspn(*text, ",");
    char *part = text_format("%.*s", (int)size, *text);
    *text += size + ((*text)[size] == ',');
    return part;
}

static bool take_label(struct proposal *proposal, const char *name)
{
    const struct survey_folder *folder = survey_find(proposal->survey, name);
    if (!folder)
        return error_set("%s/%s: no folder with images: a label is one", proposal->request->data,
                         name);
    if (folder->lossy)
        return error_set(
            "%s/%s: .jpg: its values are not quite those that were saved: save labels "
            "as .png",
            proposal->request->data, folder->source);
    if (folder->kind == SURVEY_FEATURE && folder->channels > 0)
        return error_set(
            "%s/%s: colour images of %d channels: as labels vkgrid reads grey images and palettes: "
            "a number for each colour, the same in all files, is wanted",
            proposal->request->data, folder->source, folder->channels);
    proposal->label[folder - proposal->survey->folders] = true;
    return true;
}

static bool take_named_labels(struct proposal *proposal)
{
    const char *names = proposal->request->labels;
    bool taken = true;
    for (char *name; taken && (name = proposal_next_part(&names)); free(name))
        taken = take_label(proposal, name);
    return taken;
}

// What vkgrid flatten has written says which folders are labels.
static bool take_recorded_labels(struct proposal *proposal, bool *found)
{
    char *path = text_format("%s/flatten.json", proposal->request->data);
    cJSON *json = NULL;
    bool taken = true;
    *found = false;
    if (file_exists(path) && (taken = json_read(path, &json))) {
        const cJSON *label;
        cJSON_ArrayForEach(label, json_member(json, "labels"))
        {
            if (taken && label->string && survey_find(proposal->survey, label->string))
                *found = taken = take_label(proposal, label->string);
        }
    }
    cJSON_Delete(json);
    free(path);
    return taken;
}

static bool take_likely_labels(struct proposal *proposal)
{
    for (int i = 0; i < proposal->survey->count; i++) {
        const struct survey_folder *folder = &proposal->survey->folders[i];
        if (survey_may_be_label(folder) && folder->kind != SURVEY_CONSTANT &&
            !take_label(proposal, folder->name))
            return false;
    }
    return true;
}

bool proposal_find_labels(struct proposal *proposal)
{
    bool recorded = false;
    if (proposal->request->labels)
        return take_named_labels(proposal);
    return take_recorded_labels(proposal, &recorded) && (recorded || take_likely_labels(proposal));
}
