// SPDX-License-Identifier: MIT
// Whether the folder of the predictions may be written to.
#include "cli/apply/apply.h"

#include "cli/commands.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/data/source.h"

#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

// Whether two names are of one folder, by whatever way.
static bool is_folder(const char *name, const struct stat *folder)
{
    struct stat found;
    return stat(name, &found) == 0 && found.st_dev == folder->st_dev &&
           found.st_ino == folder->st_ino;
}

// A folder of the data set, and that of the predictions.
struct meeting {
    const char *folder;
    const struct stat *out;
    bool met;
};

static bool lies_elsewhere(void *context, const char *name)
{
    struct meeting *meeting = context;
    char *path = text_format("%s/%s", meeting->folder, name), *real = realpath(path, NULL);
    meeting->met =
        (real && is_folder(dirname(real), meeting->out)) || is_folder(dirname(path), meeting->out);
    free(real);
    free(path);
    return !meeting->met;
}

// Whether files of the source lie in the folder of the predictions, also by way of links. Fails
// where folders cannot be read.
static bool find_files(const char *data, const struct source *source, const char *root,
                       const struct stat *out, bool *there)
{
    struct meeting meeting = {root, out, is_folder(root, out)};
    const bool walked =
        meeting.met || source_each_file(data, source, lies_elsewhere, &meeting) || meeting.met;
    *there = meeting.met;
    return walked;
}

// Without links; of what is not there yet, the folder that it will be in is looked at.
static char *real_path(const char *path)
{
    char *real = realpath(path, NULL), *copy, *slash;
    if (real || strcmp(path, ".") == 0 || strcmp(path, "/") == 0)
        return real ? real : text_copy(path);
    copy = without_slashes(path);
    slash = strrchr(copy, '/');
    const char *name = slash ? slash + 1 : copy;
    char *above = file_folder(copy);
    char *folder = real_path(above);
    real = text_format("%s/%s", strcmp(folder, "/") == 0 ? "" : folder, name);
    free(folder);
    free(above);
    free(copy);
    return real;
}

// Whether what is written to the folder, which may not be there yet, becomes a part of the source.
static bool becomes_part(const char *out, const struct source *source, const char *root)
{
    char *real = real_path(out), *real_root = real_path(root);
    const size_t size = strcmp(real_root, "/") == 0 ? 0 : strlen(real_root);
    const bool part = strncmp(real, real_root, size) == 0 && real[size] == '/' &&
                      source_reaches(source, real + size + 1);
    free(real_root);
    free(real);
    return part;
}

// Of a feature or label. out: NULL where the folder of the predictions is not there yet.
static bool check_source(const struct output *output, const char *data, const char *text,
                         const struct stat *out)
{
    struct source source;
    bool there = false, apart = true;
    if (!source_parse(text, &source))
        return false;
    char *root = source_root(data, &source);
    if (folder_exists(root) && !source_is_null(&source))
        apart = !out || find_files(data, &source, root, out, &there);
    if (there)
        apart = error_set(
            "%s: holds files of the data set (%s): predictions need a folder of their own",
            output->folder, root);
    else if (apart && becomes_part(output->folder, &source, root))
        apart = error_set(
            "%s: files there would be a part of the data set (%s): predictions need a folder of "
            "their own",
            output->folder, source.folder);
    free(root);
    source_free(&source);
    return apart;
}

static bool check_inputs(const struct output *output, const char *data)
{
    const struct name_list *const lists[] = {&output->cell->features, &output->cell->labels};
    struct stat out;
    const bool there = stat(output->folder, &out) == 0;
    for (int list = 0; list < 2; list++)
        for (int i = 0; i < lists[list]->count; i++)
            if (!check_source(output, data, lists[list]->sources[i], there ? &out : NULL))
                return false;
    return true;
}

// What lies in the folder of the predictions.
struct found {
    char **ours; // names of the files that are to be written, sorted
    bool *there; // which of them are
    int count;
    bool other_legend;
    int others; // files of other predictions
    char *other;
};

static int by_text(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static void list_ours(const struct output *output, const struct sample_list *samples,
                      struct found *found)
{
    const size_t count =
        (size_t)samples->count * (size_t)(1 + output->group_count * (1 + output->overlay));
    found->ours = mem_alloc((count + 1) * sizeof(*found->ours));
    found->there = mem_zalloc(count + 1, sizeof(*found->there));
    for (int i = 0; i < samples->count; i++) {
        found->ours[found->count++] = text_format("%s.npy", samples->names[i]);
        for (int group = 0; group < output->group_count; group++) {
            found->ours[found->count++] = output_map_name(output, samples->names[i], group);
            if (output->overlay)
                found->ours[found->count++] = output_overlay_name(output, samples->names[i], group);
        }
    }
    qsort(found->ours, count, sizeof(*found->ours), by_text);
}

static void found_free(struct found *found)
{
    for (int i = 0; i < found->count; i++)
        free(found->ours[i]);
    free(found->ours);
    free(found->there);
    free(found->other);
}

// A sample may be called as another one's map or picture is.
static bool check_twice(const struct found *found)
{
    for (int i = 1; i < found->count; i++)
        if (strcmp(found->ours[i - 1], found->ours[i]) == 0)
            return error_set(
                "%s: would be written for two samples: each once is allowed, and no name that ends "
                "as another's map or picture",
                found->ours[i]);
    return true;
}

static bool is_prediction(const char *name)
{
    const size_t size = strlen(name);
    return size > 4 &&
           (strcmp(name + size - 4, ".npy") == 0 || strcmp(name + size - 4, ".png") == 0);
}

static bool take_file(void *context, const char *name)
{
    struct found *found = context;
    char **ours = bsearch(&name, found->ours, (size_t)found->count, sizeof(*found->ours), by_text);
    if (ours) {
        found->there[ours - found->ours] = true;
    } else if (is_prediction(name)) {
        found->others++;
        if (!found->other || strcmp(name, found->other) < 0) {
            free(found->other);
            found->other = text_copy(name);
        }
    }
    return true;
}

// The legend of other labels is in the way; the same one is not, so that samples can be added.
static bool compare_legend(const struct output *output, struct found *found)
{
    char *path = text_format("%s/" LEGEND, output->folder), *wanted = output_legend(output);
    void *bytes = NULL;
    size_t size;
    const bool good = !file_exists(path) || file_read(path, LEGEND_LIMIT, &bytes, &size);
    found->other_legend = bytes && strcmp(bytes, wanted) != 0;
    free(bytes);
    free(wanted);
    free(path);
    return good;
}

// "a, b, c and 5 more" of what would be replaced; NULL: nothing.
static char *existing(const struct found *found)
{
    struct text names = {0};
    int count = 0;
    for (int i = -1; i < found->count; i++) {
        const char *name = i < 0 ? LEGEND : found->ours[i];
        if ((i < 0 ? found->other_legend : found->there[i]) && count++ < 3)
            text_add(&names, "%s%s", names.bytes ? ", " : "", name);
    }
    if (count > 3)
        text_add(&names, " and %d more", count - 3);
    return names.bytes;
}

bool output_check(const struct output *output, const char *data, const struct sample_list *samples,
                  bool overwrite)
{
    struct found found = {0};
    char *names = NULL;
    list_ours(output, samples, &found);
    CHECK(check_twice(&found));
    CHECK(check_inputs(output, data));
    if (!folder_exists(output->folder)) {
        found_free(&found);
        return true;
    }
    CHECK(folder_each_file(output->folder, take_file, &found));
    CHECK(compare_legend(output, &found));
    names = existing(&found);
    if (names && !overwrite)
        FAIL("%s: has %s already: --overwrite replaces them, another --out keeps them",
             output->folder, names);
    if (found.others > 0)
        fprintf(stderr, "%s: %d file%s of other samples (%s%s) stay%s there\n", output->folder,
                found.others, found.others > 1 ? "s" : "", found.other,
                found.others > 1 ? ", ..." : "", found.others > 1 ? "" : "s");
    free(names);
    found_free(&found);
    return true;
error:
    free(names);
    found_free(&found);
    return false;
}
