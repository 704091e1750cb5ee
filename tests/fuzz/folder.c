// SPDX-License-Identifier: MIT
// The folder of a data set: a line of the input is a file, "FOLDER/NAME", and what it holds is one
// of three images, by the length of its name. From the first line on that begins with { it is
// dataset.json, of nnU-Net. Its layout is found out, a grid is proposed.
#include "tests/fuzz/fuzz.h"
#include "tests/formats/build.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/data/survey.h"
#include "vkgrid/grid/proposal.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES 16
#define IMAGES 3

struct files {
    char *paths[2 * FILES + 1]; // a folder stands before its first file
    int count;
};

// 0: a mask of 0 and 1, 1: one of 0 and 255, 2: grey.
static const char *image_of(int kind)
{
    static char *paths[IMAGES];
    static const uint8_t values[IMAGES][4] = {{0, 1, 1, 0}, {0, 255, 0, 255}, {9, 80, 200, 3}};
    if (!paths[kind]) {
        const uint8_t pixels[] = {0, values[kind][0], values[kind][1],
                                  0, values[kind][2], values[kind][3]};
        struct bytes file = {0};
        build_png(&file, 2, 2, 8, 0, pixels, sizeof(pixels));
        char *name = text_format("image%d", kind);
        paths[kind] = text_copy(fuzz_file(name, file.at, file.size));
        free(name);
        bytes_free(&file);
    }
    return paths[kind];
}

static void keep(struct files *files, bool made, char *path)
{
    if (made)
        files->paths[files->count++] = path;
    else
        free(path);
}

static bool is_name(const char *name)
{
    return *name && strlen(name) < 100 && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static void make_file(struct files *files, const char *data, char *line)
{
    char *slash = strchr(line, '/');
    if (!slash || strchr(slash + 1, '/'))
        return;
    *slash = 0;
    if (!is_name(line) || !is_name(slash + 1))
        return;
    char *folder = text_format("%s/%s", data, line),
         *path = text_format("%s/%s", folder, slash + 1);
    keep(files, mkdir(folder, 0777) == 0, folder);
    keep(files, link(image_of((int)strlen(slash + 1) % IMAGES), path) == 0, path);
}

static void make_description(struct files *files, const char *data, const char *text)
{
    char *path = text_format("%s/dataset.json", data);
    FILE *file = fopen(path, "we");
    if (!file || fputs(text, file) < 0 || fclose(file) != 0)
        abort();
    keep(files, true, path);
}

static void make_files(struct files *files, const char *data, const uint8_t *bytes, size_t size)
{
    char *text = text_format("%.*s", (int)size, (const char *)bytes), *rest = text;
    for (int i = 0; i < FILES && rest && *rest != '{'; i++)
        make_file(files, data, strsep(&rest, "\n"));
    if (rest && *rest == '{')
        make_description(files, data, rest);
    free(text);
}

static void remove_files(struct files *files)
{
    while (files->count > 0) {
        char *path = files->paths[--files->count];
        remove(path);
        free(path);
    }
}

static void read_folder(const char *data)
{
    const struct proposal_request request = {.data = data, .validation = 0.2};
    struct survey survey;
    cJSON *grid;
    char *told;
    if (!fuzz_judge(survey_open(data, &survey), NULL))
        return;
    if (fuzz_judge(grid_propose(&request, &survey, &grid, &told), NULL)) {
        cJSON_Delete(grid);
        free(told);
    }
    survey_close(&survey);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static char *data;
    struct files files = {0};
    if (!data) {
        data = text_format("%s/data", fuzz_folder());
        if (mkdir(data, 0777) != 0)
            abort();
    }
    make_files(&files, data, bytes, size);
    read_folder(data);
    remove_files(&files);
    return 0;
}
