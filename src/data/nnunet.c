// SPDX-License-Identifier: MIT
#include "data/nnunet.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/data/dataset.h"
#include "vkgrid/data/source.h"
#include "vkgrid/formats/image.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHANNELS_MOST 255
#define CLASSES_MOST 255

struct reading {
    const char *data, *file; // dataset.json
    struct layout *layout;
    const char *folder; // of the images: "imagesTr", or "images{}" where the test set has labels
};

static bool has_folder(const char *data, const char *name)
{
    char *path = text_format("%s/%s", data, name);
    const bool there = folder_exists(path);
    free(path);
    return there;
}

// How many samples have a file of the source; -1: the folder cannot be read.
static int count_samples(const char *data, const char *files)
{
    char **names;
    int count;
    if (!dataset_list(data, files, &names, &count))
        return -1;
    for (int i = 0; i < count; i++)
        free(names[i]);
    free(names);
    return count;
}

// As a label or feature may be called.
static char *clean(const char *name)
{
    char *copy = text_format("%.100s", *name ? name : "unnamed");
    for (char *at = copy; *at; at++)
        if (*at == '/' || (unsigned char)*at < ' ' || *at == 127 || (at == copy && *at == '.'))
            *at = '_';
    return copy;
}

// {"0": "T1", "1": "T2"}: the name of a channel; NULL: there is none.
static const char *channel_name(const cJSON *channels, int number)
{
    char key[16];
    snprintf(key, sizeof(key), "%d", number);
    const cJSON *name = json_member(channels, key);
    return cJSON_IsString(name) ? name->valuestring : NULL;
}

static bool check_channels(const struct reading *reading, const cJSON *channels)
{
    const int count = cJSON_GetArraySize(channels);
    if (!cJSON_IsObject(channels) || count < 1 || count > CHANNELS_MOST)
        return error_set("%s: channel_names: an object from \"0\", \"1\", ... to names is wanted",
                         reading->file);
    for (int i = 0; i < count; i++)
        if (!channel_name(channels, i))
            return error_set("%s: channel_names: has no \"%d\", which is wanted of %d channels",
                             reading->file, i, count);
    return true;
}

static char *channel_files(const struct reading *reading, int channel)
{
    return text_format("%s/{}_%04d", reading->folder, channel);
}

static bool add_channel(const struct reading *reading, const char *name, int number, bool *there)
{
    char *files = channel_files(reading, number);
    const int samples = count_samples(reading->data, files);
    *there = samples > 0;
    if (*there)
        layout_add(reading->layout, clean(name), files);
    else
        free(files);
    return samples >= 0;
}

// All channels lie in files of their own, or in one picture.
static bool add_channels(const struct reading *reading, const cJSON *channels)
{
    struct layout *layout = reading->layout;
    const int count = channels ? cJSON_GetArraySize(channels) : CHANNELS_MOST;
    int found = 0;
    for (bool there = true; there && found < count; found += there) {
        char *name = channels ? text_copy(channel_name(channels, found))
                              : text_format("channel_%04d", found);
        const bool listed = add_channel(reading, name, found, &there);
        free(name);
        if (!listed)
            return false;
    }
    if (found == 0) { // as the Medical Segmentation Decathlon has them
        layout_add(layout, text_copy("image"),
                   strchr(reading->folder, '{') ? text_format("%s/{}", reading->folder)
                                                : text_copy(reading->folder));
        return true;
    }
    if (!channels || found == count)
        return true;
    if (found > 1)
        return error_set("%s: channel_names: has %d channels, but %s/%s has no files ..._%04d",
                         reading->file, count, reading->data, reading->folder, found);
    layout->channels = mem_zalloc((size_t)count, sizeof(layout->channels[0]));
    for (; layout->channel_count < count; layout->channel_count++)
        layout->channels[layout->channel_count] =
            clean(channel_name(channels, layout->channel_count));
    return true;
}

static bool add_class(struct layout *layout, const char *name, double value)
{
    if (value != (int)value || value < 0 || value > SOURCE_CLASSES ||
        layout->class_count == CLASSES_MOST)
        return false;
    if (strcmp(name, "ignore") == 0) {
        layout->ignored = (int)value;
        return true;
    }
    if (value == 0) // the background
        return true;
    layout->classes =
        mem_grow(layout->classes, (size_t)layout->class_count + 1, sizeof(layout->classes[0]));
    layout->classes[layout->class_count++] = (struct layout_class){clean(name), (int)value};
    return true;
}

// Of version 2 {"background": 0, "cell": 1, "both": [1, 2]}, of version 1 {"0": "background"}.
static bool add_classes(const struct reading *reading, const cJSON *labels)
{
    struct layout *layout = reading->layout;
    const cJSON *label;
    if (labels && !cJSON_IsObject(labels))
        return error_set("%s: labels: an object is wanted", reading->file);
    cJSON_ArrayForEach(label, labels)
    {
        char *end = label->string;
        const double key = strtod(label->string, &end);
        bool good = true;
        if (cJSON_IsString(label) && *label->string && !*end)
            good = add_class(layout, label->valuestring, key);
        else if (cJSON_IsNumber(label))
            good = add_class(layout, label->string, label->valuedouble);
        else if (cJSON_IsArray(label) && cJSON_GetArraySize(label) == 1)
            good = cJSON_IsNumber(label->child) &&
                   add_class(layout, label->string, label->child->valuedouble);
        else if (cJSON_IsArray(label) && !layout->region)
            layout->region = clean(label->string);
        else
            good = cJSON_IsArray(label);
        if (!good)
            return error_set("%s: labels: \"%.100s\": a name and a whole number are wanted",
                             reading->file, label->string);
    }
    return true;
}

static bool check_ending(const struct reading *reading, const cJSON *json)
{
    const cJSON *ending = json_member(json, "file_ending");
    if (!cJSON_IsString(ending))
        return true;
    char *name = text_format("case%s", ending->valuestring);
    const bool known = image_stem(name) == 4;
    free(name);
    return known || error_set("%s: file_ending: is \"%.50s\": allowed are " IMAGE_EXTENSIONS,
                              reading->file, ending->valuestring);
}

static bool read_json(const struct reading *reading)
{
    cJSON *json = NULL;
    const cJSON *channels = NULL;
    if (file_exists(reading->file) && !json_read(reading->file, &json))
        return false;
    if (json) {
        channels = json_member(json, "channel_names");
        channels = channels ? channels : json_member(json, "modality");
    }
    const bool read = (!json || json_expect_object(json, reading->file)) &&
                      (!json || check_ending(reading, json)) &&
                      (!channels || check_channels(reading, channels)) &&
                      add_channels(reading, channels) &&
                      (!json || add_classes(reading, json_member(json, "labels")));
    cJSON_Delete(json);
    return read;
}

bool nnunet_find(const char *data, struct layout *layout, bool *found)
{
    *layout = (struct layout){.ignored = -1};
    *found = has_folder(data, "imagesTr") && has_folder(data, "labelsTr");
    if (!*found)
        return true;
    const bool test = has_folder(data, "imagesTs") && has_folder(data, "labelsTs") &&
                      count_samples(data, "labelsTs") > 0;
    char *file = text_format("%s/dataset.json", data);
    const struct reading reading = {data, file, layout, test ? "images{}" : "imagesTr"};
    const bool read = read_json(&reading);
    free(file);
    if (!read) {
        layout_free(layout);
        return false;
    }
    layout_add(layout, text_copy("label"), text_copy(test ? "labels{}/{}" : "labelsTr"));
    if (test) {
        layout->training = text_copy("Tr_");
        layout->test = text_copy("Ts_");
    }
    return true;
}
