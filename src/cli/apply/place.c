// SPDX-License-Identifier: MIT
// What --data names: a data set with a folder for each feature, a folder of images, or one image.
// The reader knows data sets only: a folder of images is, to it, a feature's folder in the folder
// above.
#include "cli/apply/apply.h"

#include "cli/commands.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/data/source.h"
#include "vkgrid/formats/image.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMED 4 // folders in a message

// The folders of the features, each once, but for null; "": the data set's own.
struct folders {
    char **names;
    int count;
};

static void folders_free(struct folders *folders)
{
    for (int i = 0; i < folders->count; i++)
        free(folders->names[i]);
    free(folders->names);
}

static bool folders_of(const struct name_list *features, struct folders *folders)
{
    *folders = (struct folders){.names = mem_zalloc((size_t)features->count + 1, sizeof(char *))};
    for (int i = 0; i < features->count; i++) {
        struct source source;
        if (!source_parse(features->sources[i], &source))
            return false;
        char *root = text_format("%.*s", source_root_size(&source), source.folder);
        bool known = source_is_null(&source);
        for (int j = 0; j < folders->count; j++)
            known = known || strcmp(folders->names[j], root) == 0;
        if (!known)
            folders->names[folders->count++] = text_copy(root);
        free(root);
        source_free(&source);
    }
    return true;
}

static char *names_text(char *const *names, int count)
{
    struct text text = {0};
    for (int i = 0; i < count && i < NAMED; i++)
        text_add(&text, "%s%s", i > 0 ? ", " : "", names[i]);
    if (count > NAMED)
        text_add(&text, ", ...");
    return text.bytes;
}

static bool any_there(const char *data, const struct folders *folders)
{
    bool there = folders->count == 0; // null needs no files
    for (int i = 0; !there && i < folders->count; i++) {
        char *path = text_format("%s/%s", data, folders->names[i]);
        there = folder_exists(path);
        free(path);
    }
    return there;
}

static bool count_image(void *context, const char *name)
{
    int *count = context;
    *count += name[0] != '.' && image_stem(name) > 0;
    return true;
}

static bool count_images(const char *folder, int *count)
{
    *count = 0;
    return folder_each_file(folder, count_image, count);
}

static int by_text(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

// The folders in it that hold images, sorted; without a message where it cannot be read.
static struct folders image_folders(const char *data)
{
    struct folders folders = {0};
    DIR *stream = opendir(data);
    size_t room = 0;
    for (const struct dirent *entry; stream && (entry = readdir(stream));) {
        char *path = text_format("%s/%s", data, entry->d_name);
        int images = 0;
        if (entry->d_name[0] != '.' && folder_exists(path) && count_images(path, &images) &&
            images > 0) {
            folders.names =
                mem_reserve(folders.names, &room, (size_t)folders.count + 1, sizeof(char *));
            folders.names[folders.count++] = text_copy(entry->d_name);
        }
        free(path);
    }
    if (stream)
        closedir(stream);
    if (folders.count > 0)
        qsort(folders.names, (size_t)folders.count, sizeof(char *), by_text);
    return folders;
}

// Of a folder in which there is nothing to be found.
static bool nothing_there(const char *data, const struct folders *features, int images)
{
    struct folders there = image_folders(data);
    char *wanted = names_text(features->names, features->count),
         *found = names_text(there.names, there.count);
    if (images > 0)
        error_set("%s: has images itself, but the features come from %d folders: %s", data,
                  features->count, wanted);
    else if (there.count == 0)
        error_set("%s: has no folder %s, from which the features come, and no images", data,
                  wanted);
    else if (features->count == 1)
        error_set(
            "%s: has no folder %s, from which the features come: -d %s/%s takes the images "
            "of %s for it (there are: %s)",
            data, wanted, data, there.names[0], there.names[0], found);
    else
        error_set(
            "%s: has no folders %s, from which the features come: --inputs names others, "
            "with commas, in the same order (there are: %s)",
            data, wanted, found);
    free(wanted);
    free(found);
    folders_free(&there);
    return false;
}

// "<folder>/<name>" of a path that is there.
static bool split_path(const char *path, char **folder, char **name)
{
    char *text = without_slashes(path), *slash = strrchr(text, '/');
    const char *last = slash ? slash + 1 : text;
    if (!*last || strcmp(last, ".") == 0 || strcmp(last, "..") == 0) {
        char *real;
        const bool found = absolute_path(path, &real);
        free(text);
        if (!found)
            return false;
        text = real;
        slash = strrchr(text, '/');
        last = slash + 1;
    }
    *folder = file_folder(text);
    *name = text_copy(last);
    free(text);
    return true;
}

static bool take_image(const char *path, const struct options *options, struct place *place)
{
    char *name = NULL;
    if (option_set(options, OPTION_SAMPLES))
        return error_set("%s: is one image: --samples is for folders", path);
    if (!split_path(path, &place->folder, &name))
        return false;
    const int stem = image_stem(name);
    if (stem > 0)
        place->only = text_format("%.*s", stem, name);
    free(name);
    return stem > 0 ||
           error_set("%s: is no image: a folder, or one of " IMAGE_EXTENSIONS " is wanted", path);
}

// A folder of images, or the one that an image lies in.
static bool take_images(const struct options *options, struct cell *cell, const char *feature,
                        struct place *place)
{
    const char *data = options->values[OPTION_DATA];
    char *folder = place->folder, *name = NULL;
    int images = 0;
    place->folder = NULL;
    const bool good = split_path(folder ? folder : data, &place->folder, &name) &&
                      place_move(cell, name, place) && (place->only || count_images(data, &images));
    if (good && !option_set(options, OPTION_QUIET)) {
        if (place->only)
            fprintf(stderr, "%s: taken as the one sample of the folder %s\n", data, feature);
        else
            fprintf(stderr, "%s: has no folder %s: its own %d image%s taken as that\n", data,
                    feature, images, images == 1 ? " is" : "s are");
    }
    free(name);
    free(folder);
    return good;
}

bool place_find(const struct options *options, struct cell *cell, struct place *place)
{
    const char *data = options->values[OPTION_DATA];
    struct folders folders = {0};
    const bool file = file_exists(data);
    int images = 0;
    bool good = false;
    *place = (struct place){0};
    if (!file && !folder_exists(data))
        return error_set("%s: no such data folder", data);
    if (!folders_of(&cell->features, &folders) || (file && !take_image(data, options, place)))
        goto done;
    if (file && folders.count == 1 && strstr(cell->features.sources[0], "{}"))
        error_set(
            "%s: is one image: the features come from %s, which names more than a sample: -d "
            "FOLDER --samples picks it",
            data, cell->features.sources[0]);
    else if (file && folders.count != 1)
        error_set("%s: is one image: the features come from %d folders", data, folders.count);
    else if (!file && any_there(data, &folders))
        good = (place->folder = text_copy(data)) != NULL;
    else if (!file && !count_images(data, &images))
        good = false;
    else if (file || (images > 0 && folders.count == 1))
        good = take_images(options, cell, folders.names[0], place);
    else
        good = nothing_there(data, &folders, images);
done:
    folders_free(&folders);
    return good;
}

void place_free(struct place *place)
{
    for (int i = 0; i < place->source_count; i++)
        free(place->sources[i]);
    free(place->sources);
    free(place->folder);
    free(place->only);
    *place = (struct place){0};
}
