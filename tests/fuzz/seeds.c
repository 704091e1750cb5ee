// SPDX-License-Identifier: MIT
// seeds FOLDER: writes FOLDER/READER/NAME.
#include "tests/fuzz/seeds.h"

#include "tests/formats/build.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *root;

void seed_need(int done, const char *what)
{
    if (done)
        return;
    fprintf(stderr, "seeds: %s: %s\n", what, error_text());
    exit(1);
}

const char *seed_path(const char *reader, const char *name)
{
    static char paths[8][500];
    static int turn;
    char *path = paths[turn++ % 8];
    snprintf(path, sizeof(paths[0]), "%s/%s", root, reader);
    seed_need(folder_make(path), path);
    snprintf(path, sizeof(paths[0]), "%s/%s/%s", root, reader, name);
    return path;
}

void seed_bytes(const char *reader, const char *name, const void *bytes, size_t size)
{
    seed_need(file_write(seed_path(reader, name), bytes, size), name);
}

void seed_text(const char *reader, const char *name, const char *text)
{
    seed_bytes(reader, name, text, strlen(text));
}

void seed_take(const char *reader, const char *name, struct bytes *file)
{
    seed_bytes(reader, name, file->at, file->size);
    bytes_free(file);
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: seeds FOLDER\n");
        return 2;
    }
    root = argv[1];
    seed_need(folder_make(root), root);
    seed_images();
    seed_tensors();
    seed_surfaces();
    seed_volumes();
    seed_texts();
    seed_studies();
    return 0;
}
