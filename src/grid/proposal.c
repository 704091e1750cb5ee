// SPDX-License-Identifier: MIT
#include "vkgrid/grid/proposal.h"

#include "grid/feature_sets.h"
#include "grid/split.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/grid/grid.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SIZE_STEP 32  // a U-Net halves images five times
#define SIZE_MOST 256 // longest side that is proposed
#define SIZE_LEAST 64 // 32x32 leaves batch norm one value for each channel of a single sample

struct proposal {
    const struct proposal_request *request;
    const struct survey *survey;
    bool *used, *label;        // [folder]
    cJSON *features, *targets; // name -> source
    struct split split;
    int rows, cols;
    struct text told;
};

static const char *const image_names[] = {"images", "image", "imgs", "img"},
                         *const label_names[] = {"masks",         "mask",        "labels", "label",
                                                 "segmentations", "annotations", "gt"};
#define COUNT(names) (sizeof(names) / sizeof((names)[0]))

static bool is_among(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

// The next part of a text with commas; the caller frees it. NULL at the end.
static char *next_part(const char **text)
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
            proposal->request->data, name);
    if (folder->kind == SURVEY_FEATURE && folder->channels > 0)
        return error_set(
            "%s/%s: colour images of %d channels: as labels vkgrid reads grey images "
            "and palettes",
            proposal->request->data, name, folder->channels);
    proposal->label[folder - proposal->survey->folders] = true;
    return true;
}

static bool take_named_labels(struct proposal *proposal)
{
    const char *names = proposal->request->labels;
    bool taken = true;
    for (char *name; taken && (name = next_part(&names)); free(name))
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
        const bool called = is_among(folder->name, label_names, COUNT(label_names)),
                   valued = (folder->kind == SURVEY_MASKS || folder->kind == SURVEY_CLASSES) &&
                            !folder->lossy &&
                            !is_among(folder->name, image_names, COUNT(image_names));
        if ((called || valued) && folder->kind != SURVEY_CONSTANT &&
            !take_label(proposal, folder->name))
            return false;
    }
    return true;
}

// There the files of a sample have several names.
static bool check_layout(const struct proposal *proposal)
{
    return !survey_find(proposal->survey, "imagesTr") ||
           !survey_find(proposal->survey, "labelsTr") ||
           error_set(
               "%s: is a folder of nnU-Net, whose images are called case_0000 and labels case: "
               "links of one name are wanted (docs/data.md)",
               proposal->request->data);
}

static bool find_labels(struct proposal *proposal)
{
    bool recorded = false;
    if (proposal->request->labels)
        return take_named_labels(proposal);
    return take_recorded_labels(proposal, &recorded) && (recorded || take_likely_labels(proposal));
}

static void add_source(cJSON *set, char *name, char *source)
{
    cJSON_AddStringToObject(set, name, source);
    free(name);
    free(source);
}

static void add_feature(struct proposal *proposal, const struct survey_folder *folder)
{
    if (folder->channels == 0)
        add_source(proposal->features, text_copy(folder->name), text_copy(folder->name));
    for (int i = 0; i < folder->channels; i++)
        add_source(proposal->features, text_format("%s_%d", folder->name, i),
                   text_format("%s[%d]", folder->name, i));
}

static bool has_class(const struct proposal *proposal, const struct survey_folder *folder,
                      const char *name, int class)
{
    struct text values = {0};
    bool there = folder->value_count == 0; // more values than are known
    for (int i = 0; i < folder->value_count; i++) {
        there |= folder->values[i] == class;
        text_add(&values, "%s%d", i == 0 ? "" : ", ", folder->values[i]);
    }
    if (!there)
        error_set("--classes: %s=%d: %s/%s has the values %s", name, class, proposal->request->data,
                  folder->name, values.bytes);
    free(values.bytes);
    return there;
}

// "grey=1,white=2"
static bool add_named_classes(struct proposal *proposal, const struct survey_folder *folder)
{
    const char *classes = proposal->request->classes;
    bool good = true;
    for (char *part; good && (part = next_part(&classes)); free(part)) {
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
                       text_format("%s=%ld", folder->name, number));
    }
    return good;
}

static void add_label(struct proposal *proposal, const struct survey_folder *folder)
{
    if (folder->kind != SURVEY_CLASSES) {
        add_source(proposal->targets, text_copy(folder->name), text_copy(folder->name));
        return;
    }
    for (int i = 0; i < folder->value_count; i++)
        if (folder->values[i] != 0)
            add_source(proposal->targets, text_format("%s_%d", folder->name, folder->values[i]),
                       text_format("%s=%d", folder->name, folder->values[i]));
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
               proposal->request->data, folder->name, last, last);
}

static bool name_sources(struct proposal *proposal)
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
        else if (i != map && !check_two_kinds(proposal, folder))
            return false;
        else if (i != map)
            add_label(proposal, folder);
        else if (!add_named_classes(proposal, folder))
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

static int round_side(double side)
{
    const int steps = (int)lrint(side / SIZE_STEP);
    return (steps < 1 ? 1 : steps) * SIZE_STEP;
}

// By the size of most of the folders.
static void choose_size(struct proposal *proposal)
{
    struct sample_size size = {0};
    int most = 0;
    bool several = false;
    for (int i = 0; i < proposal->survey->count; i++) {
        const struct survey_folder *folder = &proposal->survey->folders[i];
        several |= proposal->used[i] && folder->several;
        if (proposal->used[i] && folder->count > most) {
            most = folder->count;
            size = folder->size;
        }
    }
    const int longest = size.rows > size.cols ? size.rows : size.cols;
    double scale = longest > SIZE_MOST ? (double)SIZE_MOST / longest : 1;
    scale = longest < SIZE_LEAST ? (double)SIZE_LEAST / longest : scale;
    proposal->rows = round_side(size.rows * scale);
    proposal->cols = round_side(size.cols * scale);
    text_add(&proposal->told, "size: images of %dx%d%s", size.rows, size.cols,
             several ? " and other sizes" : "");
    if (proposal->rows != size.rows || proposal->cols != size.cols || several) {
        const double aspect =
            (double)size.rows * proposal->cols / ((double)size.cols * (double)proposal->rows);
        const int percent = (int)lrint(100 * fabs(aspect - 1));
        text_add(&proposal->told, " become %dx%d", proposal->rows, proposal->cols);
        if (percent > 0)
            text_add(&proposal->told, ", stretched by %d%%", percent);
    }
    text_add(&proposal->told, "\n");
}

// The built-in set that has just these members, as folders of those names.
static const char *built_in(const struct named_set *sets, const cJSON *members)
{
    for (; sets->name; sets++) {
        int count = 0;
        bool all = true;
        for (; sets->members[count]; count++) {
            const cJSON *member = json_member(members, sets->members[count]);
            all &= member && strcmp(member->valuestring, sets->members[count]) == 0;
        }
        if (all && count == cJSON_GetArraySize(members))
            return sets->name;
    }
    return NULL;
}

// A set is a list where its names are those of the folders.
static cJSON *set_of(const cJSON *members)
{
    const cJSON *member;
    cJSON *list = cJSON_CreateArray();
    cJSON_ArrayForEach(member, members)
    {
        if (strcmp(member->string, member->valuestring) != 0) {
            cJSON_Delete(list);
            return cJSON_Duplicate(members, true);
        }
        cJSON_AddItemToArray(list, cJSON_CreateString(member->valuestring));
    }
    return list;
}

static void put_set(cJSON *fixed, const char *key, const char *own, const struct named_set *sets,
                    const cJSON *members, struct text *told)
{
    const char *name = built_in(sets, members);
    const cJSON *member;
    cJSON_AddStringToObject(fixed, key, name ? name : own);
    text_add(told, "%s:", key);
    cJSON_ArrayForEach(member, members)
    {
        text_add(told, " %s", member->string);
        if (strcmp(member->string, member->valuestring) != 0)
            text_add(told, " (%s)", member->valuestring);
    }
    text_add(told, "%s%s%s\n", name ? ": the set \"" : "", name ? name : "", name ? "\"" : "");
    if (name)
        return;
    cJSON *features = json_member(fixed, "features");
    if (!features)
        features = cJSON_AddObjectToObject(fixed, "features");
    cJSON_AddItemToObject(cJSON_AddObjectToObject(features, key), own, set_of(members));
}

static void put_subjects(const struct split *split, cJSON *fixed, struct text *told)
{
    cJSON *partition = cJSON_AddArrayToObject(fixed, "partition"), *raters;
    const int training = split->count - split->validation;
    cJSON_AddItemToArray(partition,
                         cJSON_CreateStringArray((const char *const *)split->subjects, training));
    cJSON_AddItemToArray(partition,
                         cJSON_CreateStringArray((const char *const *)split->subjects + training,
                                                 split->validation));
    raters = cJSON_AddArrayToObject(fixed, "raters");
    text_add(told, "subjects: %d for training, %d for validation", training, split->validation);
    for (int i = 0; i < SPLIT_RATERS; i++) {
        char name[] = {'A', (char)('1' + i), 0};
        if (!split->raters[i])
            continue;
        cJSON_AddItemToArray(raters, cJSON_CreateString(name));
        text_add(told, ", %s", name);
    }
    text_add(told, "\n");
    if (split->left_out > 0)
        text_add(told, "left out: %d sample%s without a file in some folder (%s%s)\n",
                 split->left_out, split->left_out == 1 ? "" : "s", split->example,
                 split->left_out > 1 ? ", ..." : "");
}

static void put_numbers(cJSON *object, const char *key, const double *values, int count)
{
    cJSON_AddItemToObject(object, key, cJSON_CreateDoubleArray(values, count));
}

static cJSON *write_grid(struct proposal *proposal)
{
    const double size[] = {proposal->rows, proposal->cols},
                 rates[] = {0.0005, 0.00125, 0.0025, 0.005}, batches[] = {2, 4};
    cJSON *grid = cJSON_CreateObject(), *fixed = cJSON_AddObjectToObject(grid, "static"), *hyper;
    put_subjects(&proposal->split, fixed, &proposal->told);
    put_numbers(fixed, "image_size", size, 2);
    put_set(fixed, "inputs", "features", feature_sets, proposal->features, &proposal->told);
    put_set(fixed, "prediction", "labels", label_sets, proposal->targets, &proposal->told);
    cJSON_AddStringToObject(fixed, "base_model", "resnet18");
    cJSON_AddNumberToObject(fixed, "num_epochs", 10);
    cJSON_AddNumberToObject(fixed, "gamma", 0.9);
    cJSON_AddNumberToObject(fixed, "bce_weight", 0.67);
    cJSON_AddNumberToObject(fixed, "until", 1);
    cJSON_AddNumberToObject(fixed, "seed", (double)proposal->request->seed);
    hyper = cJSON_AddObjectToObject(grid, "hyper");
    put_numbers(hyper, "lr", rates, 4);
    put_numbers(hyper, "batch_size", batches, 2);
    return grid;
}

// Whether a search takes it.
static bool check_grid(const struct proposal *proposal, const cJSON *json)
{
    const struct grid_settings settings = {.data = proposal->request->data};
    char *text = json_print(json);
    struct grid *grid = NULL;
    const bool taken = grid_parse(text, strlen(text), "the proposed grid", &settings, &grid);
    grid_free(&grid);
    free(text);
    return taken;
}

bool grid_propose(const struct proposal_request *request, const struct survey *survey,
                  struct cJSON **grid, char **told)
{
    const size_t count = (size_t)survey->count;
    struct proposal proposal = {.request = request,
                                .survey = survey,
                                .used = mem_zalloc(count, sizeof(bool)),
                                .label = mem_zalloc(count, sizeof(bool)),
                                .features = cJSON_CreateObject(),
                                .targets = cJSON_CreateObject()};
    cJSON *made = NULL;
    bool done = check_layout(&proposal) && find_labels(&proposal) && name_sources(&proposal);
    if (done && !split_make(survey, proposal.used, proposal.label, request->validation,
                            request->seed, &proposal.split))
        done = error_prefix("%s", request->data);
    if (done) {
        choose_size(&proposal);
        made = write_grid(&proposal);
        done = check_grid(&proposal, made);
    }
    split_free(&proposal.split);
    cJSON_Delete(proposal.features);
    cJSON_Delete(proposal.targets);
    free(proposal.used);
    free(proposal.label);
    if (!done) {
        cJSON_Delete(made);
        free(proposal.told.bytes);
        return false;
    }
    *grid = made;
    *told = proposal.told.bytes;
    return true;
}
