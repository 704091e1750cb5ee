// SPDX-License-Identifier: MIT
// Which subjects there are, and what of their labels is there already.
#include "cli/label/label.h"

#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/base/version.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void job_fail(struct job *job)
{
    free(job->problem);
    job->problem = text_copy(error_text());
    job->state = JOB_FAILED;
}

// <folder>/label/<tag>_<map>.json
static char *record_path(const struct labelling *labelling, const char *folder)
{
    const struct label_request *request = &labelling->request;
    struct text path = {0};
    text_add(&path, "%s/label/%s", folder, request->tag);
    for (int i = 0; i < request->group_count; i++)
        text_add(&path, "_%s", label_map_name(&request->groups[i]));
    text_add(&path, ".json");
    return path.bytes;
}

static void job_open(const struct labelling *labelling, const char *path, struct job *job)
{
    struct subject subject;
    *job = (struct job){.path = path};
    if (!subject_open(path, &labelling->patterns, &subject)) {
        job->name = text_copy(path);
        job_fail(job);
        return;
    }
    job->name = text_copy(subject.name);
    // A folder that is named as the place for the files and is the subject's own is meant to be.
    if (!labelling->out || folder_same(labelling->out, subject.folder))
        job->folder = text_copy(subject.folder);
    else
        job->folder = text_format("%s/%s", labelling->out, subject.name);
    job->record = record_path(labelling, job->folder);
    label_files_list(&labelling->request, job->folder, &job->files);
    subject_close(&subject);
}

static int by_folder(const void *left, const void *right)
{
    const struct job *const *a = left, *const *b = right;
    return strcmp((*a)->folder ? (*a)->folder : "", (*b)->folder ? (*b)->folder : "");
}

static bool check_folders(struct job *jobs, int count)
{
    struct job **sorted = mem_zalloc((size_t)count, sizeof(struct job *));
    bool good = true;
    for (int i = 0; i < count; i++)
        sorted[i] = &jobs[i];
    qsort(sorted, (size_t)count, sizeof(struct job *), by_folder);
    for (int i = 1; good && i < count; i++) {
        if (sorted[i]->folder && by_folder(&sorted[i - 1], &sorted[i]) == 0)
            good = error_set(
                "%s and %s: both would be written to %s: label them one after the "
                "other, with another --out",
                sorted[i - 1]->path, sorted[i]->path, sorted[i]->folder);
    }
    free(sorted);
    return good;
}

bool jobs_list(const struct labelling *labelling, const char *const *paths, int count,
               struct job **jobs)
{
    struct job *list = mem_zalloc((size_t)count, sizeof(*list));
    for (int i = 0; i < count; i++)
        job_open(labelling, paths[i], &list[i]);
    *jobs = list;
    if (check_folders(list, count))
        return true;
    jobs_free(jobs, count);
    return false;
}

void jobs_free(struct job **jobs, int count)
{
    for (int i = 0; *jobs && i < count; i++) {
        struct job *job = &(*jobs)[i];
        label_files_free(&job->files);
        for (int side = 0; side < HEMISPHERES; side++)
            free(job->extents[side]);
        free(job->statistics);
        free(job->problem);
        free(job->record);
        free(job->folder);
        free(job->name);
    }
    free(*jobs);
    *jobs = NULL;
}

// Whether the record that is there says that this labelling has written, or begun to write, the
// files.
static bool is_ours(const struct labelling *labelling, const struct job *job)
{
    cJSON *json = NULL;
    const bool ours = file_exists(job->record) && json_read(job->record, &json) &&
                      cJSON_Compare(json_member(json, "made_with"), labelling->made_with, true);
    cJSON_Delete(json);
    return ours;
}

// Whether a file that the labels are made of is newer than they are; fails when one is missing.
static bool look_at_age(const struct labelling *labelling, struct job *job)
{
    struct subject subject;
    struct timespec newest = {0};
    struct stat record;
    if (!subject_open(job->path, &labelling->patterns, &subject))
        return false;
    bool good = subject_newest(&subject, &newest);
    for (int i = 0; good && i < labelling->cell.features.count; i++)
        if (strcmp(labelling->sources[i].name, "null") != 0)
            good = flat_source_newest(&subject, &labelling->sources[i], &newest);
    if (good && labelling->request.volume)
        ribbon_newest(&subject, &newest);
    job->anew = good && stat(job->record, &record) == 0 && time_is_newer(newest, record.st_mtim);
    subject_close(&subject);
    return good;
}

void job_look(const struct labelling *labelling, struct job *job)
{
    const char *there = file_exists(job->record) ? job->record : NULL;
    int missing = 0;
    job->anew = labelling->overwrite;
    for (int i = 0; i < job->files.count; i++) {
        if (!file_exists(job->files.items[i].path))
            missing++;
        else if (!there)
            there = job->files.items[i].path;
    }
    if (!there || labelling->overwrite)
        return;
    if (!is_ours(labelling, job)) {
        error_set(
            "%s: is there, and not of these weights and settings: --overwrite replaces what "
            "there is, --tag NAME names other files",
            there);
        job_fail(job);
    } else if (!look_at_age(labelling, job)) {
        job_fail(job);
    } else if (missing == 0 && !job->anew) {
        job->state = JOB_THERE;
    }
}

void job_check_target(struct job *job)
{
    static const char *const names[] = {"surf", "label"};
    bool good = true;
    for (int i = 0; good && i < 2; i++) {
        char *folder = text_format("%s/%s", job->folder, names[i]);
        good = folder_check_target(folder);
        free(folder);
    }
    if (!good)
        job_fail(job);
}

bool job_write_record(const struct labelling *labelling, const struct job *job,
                      struct cJSON *labels)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddStringToObject(json, "subject", job->name);
    cJSON_AddStringToObject(json, "vkgrid", vkgrid_version());
    cJSON_AddItemToObject(json, "made_with", cJSON_Duplicate(labelling->made_with, true));
    if (labels)
        cJSON_AddItemToObject(json, "labels", labels);
    const bool written = json_write(job->record, json);
    cJSON_Delete(json);
    return written;
}

struct cJSON *job_read_labels(const struct job *job)
{
    cJSON *json = NULL;
    if (!json_read(job->record, &json))
        return NULL;
    cJSON *labels = cJSON_DetachItemFromObjectCaseSensitive(json, "labels");
    cJSON_Delete(json);
    return labels;
}

struct cJSON *job_labels(const struct labelling *labelling, const struct job *job)
{
    cJSON *labels = cJSON_CreateObject();
    for (int side = 0; side < HEMISPHERES; side++) {
        cJSON *hemisphere = cJSON_AddObjectToObject(labels, hemisphere_names[side]);
        for (int k = 0; k < labelling->request.label_count; k++) {
            const struct label_extent *extent = &job->extents[side][k];
            cJSON *label = cJSON_AddObjectToObject(hemisphere, labelling->request.labels[k]);
            cJSON_AddNumberToObject(label, "vertices", extent->vertices);
            cJSON_AddNumberToObject(label, "area", extent->area);
        }
    }
    return labels;
}
