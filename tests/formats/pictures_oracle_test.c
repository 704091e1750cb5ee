// SPDX-License-Identifier: MIT
// Pictures that Pillow wrote, or a script from the format's definition, are read as NumPy has them;
// and no change of theirs makes a reader do anything but end with a result or one line.
#include "tests/formats/oracle.h"
#include "tests/formats/scratch.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/base/random.h"
#include "vkgrid/formats/image.h"

#include <dirent.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 300 }; // changes of each file

static char folder[600];

// Whether the file is of a kind that this vkgrid was built for.
static bool is_built(const char *path)
{
    struct image image;
    if (image_read(path, &image)) {
        image_free(&image);
        return true;
    }
    return !strstr(error_text(), "was built without");
}

static void compare(const char *path)
{
    struct image image, wanted;
    char *expected = text_format("%s.npy", path);
    must(image_read(path, &image));
    must(image_read(expected, &wanted));
    if (image.rows != wanted.rows || image.cols != wanted.cols || image.channels != wanted.channels)
        fail_msg("%s: %d x %d x %d, not %d x %d x %d", path, image.rows, image.cols, image.channels,
                 wanted.rows, wanted.cols, wanted.channels);
    for (int i = 0; i < image.rows * image.cols * image.channels; i++)
        if (image.values[i] != wanted.values[i])
            fail_msg("%s: value %d is %g, not %g", path, i, (double)image.values[i],
                     (double)wanted.values[i]);
    image_free(&image);
    image_free(&wanted);
    free(expected);
}

static int each_picture(void (*look)(const char *path))
{
    DIR *stream = opendir(folder);
    int count = 0;
    assert_non_null(stream);
    for (const struct dirent *entry; (entry = readdir(stream));) {
        const char *name = entry->d_name;
        if (name[0] == '.' || strstr(name, ".npy") || strcmp(name, "stack.tif") == 0)
            continue;
        char *path = text_format("%s/%s", folder, name);
        if (is_built(path)) {
            look(path);
            count++;
        }
        free(path);
    }
    closedir(stream);
    return count;
}

static void reads_what_others_write(void **state)
{
    (void)state;
    const int count = each_picture(compare);
    printf("%d pictures\n", count);
}

static void knows_kinds(void **state)
{
    static const float green[] = {9, 0, 255, 0, 2};
    struct image image, plane;
    (void)state;
    if (!is_built(scratch_path("pictures/palette.TIF")))
        skip();
    must(image_read(scratch_path("pictures/palette.TIF"), &image));
    assert_int_equal(image.kind, IMAGE_PALETTE);
    must(image_channel(&image, "d", 1, false, &plane));
    for (int i = 0; i < image.rows * image.cols; i++)
        assert_true(plane.values[i] == green[(int)image.values[i]]);
    image_free(&plane);
    image_free(&image);
    must(image_read(scratch_path("pictures/RGBA-raw.tif"), &image));
    assert_true(image.alpha && image.kind == IMAGE_PICTURE && image.range == 255);
    image_free(&image);
    must(image_read(scratch_path("pictures/u2-raw.tiff"), &image));
    assert_true(!image.alpha && image.kind == IMAGE_PICTURE && image.range == 65535);
    image_free(&image);
    must(image_read(scratch_path("pictures/f4-raw.tif"), &image));
    assert_true(image.kind == IMAGE_ARRAY && image.range == 1);
    image_free(&image);
    if (is_built(scratch_path("pictures/grey.jpg"))) {
        must(image_read(scratch_path("pictures/grey.jpg"), &image));
        assert_true(image.lossy && image.channels == 1 && image.range == 255);
        image_free(&image);
    }
    assert_false(image_read(scratch_path("pictures/stack.tif"), &image));
    assert_error("stack.tif: holds more than one image: one is wanted");
    assert_null(image.values);
}

static void change(const char *path)
{
    struct random random = random_stream(1, 2, 3, RANDOM_SAMPLER);
    const char *changed = strrchr(path, '.'), *name = scratch_path("changed%s", changed);
    char *to = text_copy(name);
    void *bytes;
    size_t size;
    must(file_read(path, 1 << 20, &bytes, &size));
    uint8_t *copy = mem_alloc(size);
    for (int round = 0; round < ROUNDS; round++) {
        struct image image;
        memcpy(copy, bytes, size);
        const size_t end = round % 5 == 0 ? random_below(&random, (uint32_t)size) : size;
        for (int i = 0; i < 1 + round % 4; i++) // half of them in the tables of the file's end
            copy[(round % 2 ? size - 1 - random_below(&random, (uint32_t)size / 8)
                            : random_below(&random, (uint32_t)size))] =
                (uint8_t)random_below(&random, 256);
        scratch_write(to, copy, end);
        if (image_read(to, &image))
            image_free(&image);
        else
            assert_error("changed");
    }
    free(copy);
    free(bytes);
    free(to);
}

static void survives_changes(void **state)
{
    (void)state;
    each_picture(change);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_others_write),
        cmocka_unit_test(knows_kinds),
        cmocka_unit_test(survives_changes),
    };
    strcpy(folder, scratch_path("pictures"));
    if (!folder_make(folder) || !oracle_run_script("pictures_oracle.py", "files", folder, "")) {
        printf("skipped: no judge without Pillow and NumPy\n");
        scratch_remove();
        return 77;
    }
    const int failed = cmocka_run_group_tests_name("pictures", tests, NULL, NULL);
    scratch_remove();
    return failed;
}
