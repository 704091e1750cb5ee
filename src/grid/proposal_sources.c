// SPDX-License-Identifier: MIT
// What the features and labels of a data set are called, and where they come from.
#include "grid/proposal_parts.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/json.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

static void add_source(cJSON *set, char *name, char *source)
{
    cJSON_AddStringToObject(set, name, source);
    free(name);
    free(source);
}

#define WIDE 10 // a network learns badly from values beyond it

static void add_channel(struct proposal *proposal, const struct survey_folder *folder, char *name,
                        char *source)
{
    if (folder->low < -WIDE || folder->high > WIDE)
        cJSON_AddStringToObject(proposal->normalize, name, "dataset");
    add_source(proposal->features, name, source);
}

static void add_feature(struct proposal *proposal, const struct survey_folder *folder)
{
    const struct layout *layout = &proposal->survey->layout;
    const bool named = layout->channel_count == folder->channels;
    if (folder->channels == 0)
        add_channel(proposal, folder, text_copy(folder->name), text_copy(folder->source));
    for (int i = 0; i < folder->channels; i++)
        add_channel(proposal, folder,
                    named ? text_copy(layout->channels[i]) : text_format("%s_%d", folder->name, i),
                    text_format("%s[%d]", folder->source, i));
}

static bool has_value(const struct survey_folder *folder, int value)
{
    bool there = folder->value_count == 0; // more values than are known
    for (int i = 0; i < folder->value_count; i++)
        there |= folder->values[i] == value;
    return there;
}

static bool has_class(const struct proposal *proposal, const struct survey_folder *folder,
                      const char *name, int class)
{
    struct text values = {0};
    const bool there = has_value(folder, class);
    for (int i = 0; i < folder->value_count; i++)
        text_add(&values, "%s%d", i == 0 ? "" : ", ", folder->values[i]);
    if (!there)
        error_set("--classes: %s=%d: %s/%s has the values %s", name, class, proposal->request->data,
                  folder->source, values.bytes);
    free(values.bytes);
    return there;
}

// "grey=1,white=2"
static bool add_named_classes(struct proposal *proposal, const struct survey_folder *folder)
{
    const char *classes = proposal->request->classes;
    bool good = true;
    for (char *part; good && (part = proposal_next_part(&classes)); free(part)) {
        char *mark = strchr(part, '='), *end = mark;
        const long number = mark ? strtol(mark + 1, &end, 10) : -1;
        good = mark && mark > part && end > mark + 1 && !*end && number >= 0 && number <= 65535;
        if (!good) {
            error_set("--classes: %s: NAME=NUMBER is wanted, as in grey=1,white=2", part);
            continue;
        }
        *mark = 0;
        good = has_class(proposal, folder, part, (int)number) &&
               (!json_member(proposal->targets, part) ||
                error_set("--classes: %s: stands twice", part));
        if (good)
            add_source(proposal->targets, text_copy(part),
                       text_format("%s=%ld", folder->source, number));
    }
    return good;
}

static bool check_greys(struct proposal *proposal, const struct survey_folder *folder)
{
    char *warning;
    if (!survey_greys(proposal->request->data, folder, &warning))
        return strstr(error_text(), "classes")
                   ? error_prefix("classes of a map are named by --classes NAME=NUMBER,...")
                   : false;
    if (warning)
        text_add(&proposal->told, "%s\n", warning);
    free(warning);
    return true;
}

static bool add_label(struct proposal *proposal, const struct survey_folder *folder)
{
    if (folder->kind == SURVEY_FEATURE && !check_greys(proposal, folder))
        return false;
    if (folder->kind != SURVEY_CLASSES) {
        add_source(proposal->targets, text_copy(folder->name), text_copy(folder->source));
        return true;
    }
    for (int i = 0; i < folder->value_count; i++)
        if (folder->values[i] != 0)
            add_source(proposal->targets, text_format("%s_%d", folder->name, folder->values[i]),
                       text_format("%s=%d", folder->source, folder->values[i]));
    return true;
}

// What dataset.json may say of classes, and a network of vkgrid cannot honour.
static bool check_recorded(const struct proposal *proposal, const struct survey_folder *folder)
{
    const struct layout *layout = &proposal->survey->layout;
    const char *data = proposal->request->data;
    if (layout->region)
        return error_set(
            "%s/dataset.json: labels: \"%s\" is a region of several classes: a label of vkgrid is "
            "one class: --classes NAME=NUMBER,... names those that are meant",
            data, layout->region);
    if (layout->ignored >= 0 && has_value(folder, layout->ignored))
        return error_set(
            "%s/%s: has pixels of the ignore label (%d), which vkgrid would learn as none of the "
            "labels: --classes NAME=NUMBER,... takes the classes all the same",
            data, folder->source, layout->ignored);
    return true;
}

// Those that dataset.json names.
static bool add_recorded_classes(struct proposal *proposal, const struct survey_folder *folder)
{
    const struct layout *layout = &proposal->survey->layout;
    for (int i = 0; i < layout->class_count; i++) {
        const struct layout_class *class = &layout->classes[i];
        if (json_member(proposal->targets, class->name))
            return error_set("%s/dataset.json: labels: \"%s\" stands there twice",
                             proposal->request->data, class->name);
        if (has_value(folder, class->value))
            add_source(proposal->targets, text_copy(class->name),
                       text_format("%s=%d", folder->source, class->value));
        else
            text_add(&proposal->told, "%s: label %d is in no file: left out\n", class->name,
                     class->value);
    }
    for (int i = 0; i < folder->value_count; i++) {
        bool named = folder->values[i] == 0;
        for (int k = 0; k < layout->class_count; k++)
            named |= layout->classes[k].value == folder->values[i];
        if (!named)
            text_add(&proposal->told,
                     "%s: the value %d has no name in dataset.json: none of the "
                     "labels\n",
                     folder->source, folder->values[i]);
    }
    return true;
}

// --classes are of the only folder that has classes, else of the only one of labels.
static bool find_map(const struct proposal *proposal, int *map)
{
    int maps = 0, labels = 0, last = 0;
    for (int i = 0; i < proposal->survey->count; i++) {
        if (!proposal->label[i])
            continue;
        labels++;
        last = i;
        if (proposal->survey->folders[i].kind == SURVEY_CLASSES) {
            maps++;
            *map = i;
        }
    }
    if (maps == 0)
        *map = last;
    return maps == 1 || labels == 1 ||
           error_set("--classes: %d folders hold labels: --labels NAME names the one that is meant",
                     labels);
}

// Masks of two kinds, or one label beside a value to be ignored: nobody but the user knows.
static bool check_two_kinds(const struct proposal *proposal, const struct survey_folder *folder)
{
    const int *values = folder->values, last = folder->value_count == 3 ? values[2] : 0;
    return folder->kind != SURVEY_CLASSES || folder->palette || values[0] != 0 || values[1] != 1 ||
           (last != UINT8_MAX && last != UINT16_MAX) ||
           error_set(
               "%s/%s: has the values 0, 1 and %d: are some files masks of 0 and 1, others of "
               "0 and %d? One kind for all is wanted; if they are classes, --classes NAME=1 "
               "names those that are meant",
               proposal->request->data, folder->source, last, last);
}

static bool add_target(struct proposal *proposal, const struct survey_folder *folder)
{
    if (!check_recorded(proposal, folder))
        return false;
    return proposal->survey->layout.classes
               ? add_recorded_classes(proposal, folder)
               : check_two_kinds(proposal, folder) && add_label(proposal, folder);
}

bool proposal_name_sources(struct proposal *proposal)
{
    int map = -1;
    if (proposal->request->classes && !find_map(proposal, &map))
        return false;
    for (int i = 0; i < proposal->survey->count; i++) {
        const struct survey_folder *folder = &proposal->survey->folders[i];
        proposal->used[i] = proposal->label[i] || folder->kind != SURVEY_CONSTANT;
        if (!proposal->used[i])
            text_add(&proposal->told, "%s: has one value everywhere: left out\n", folder->name);
        else if (!proposal->label[i])
            add_feature(proposal, folder);
        else if (!(i == map ? add_named_classes(proposal, folder) : add_target(proposal, folder)))
            return false;
    }
    if (cJSON_GetArraySize(proposal->targets) == 0)
        return error_set(
            "%s: none of its folders holds labels (masks of 0 and 1, of 0 and 255, or "
            "few whole numbers): --labels NAME,... says which do",
            proposal->request->data);
    return cJSON_GetArraySize(proposal->features) > 0 ||
           error_set("%s: all of its folders hold labels: --labels NAME,... says which do",
                     proposal->request->data);
}
