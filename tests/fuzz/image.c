// SPDX-License-Identifier: MIT
// One image format, by the name of the file.
#include "tests/fuzz/fuzz.h"
#include "tests/formats/build.h"
#include "vkgrid/formats/image.h"

#include <string.h>

#define CHANNELS_OF 262144 // most values of an image whose channels are taken too
#define RESIZED 65536      // most pixels of a channel that is resized too

static void use(const struct image *image)
{
    const size_t pixels = (size_t)image->rows * (size_t)image->cols;
    fuzz_use(image->values, pixels * (size_t)image->channels * sizeof(*image->values));
    fuzz_use(image->palette, image->palette ? (size_t)image->colours * 4 : 0);
}

static void take_channel(const struct image *image, int channel, bool classes)
{
    struct image plane;
    if (!fuzz_judge(image_channel(image, "a", channel, classes, &plane), NULL))
        return;
    use(&plane);
    if ((size_t)plane.rows * (size_t)plane.cols <= RESIZED && image_resize(&plane, 5, 7))
        use(&plane);
    image_free(&plane);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const char *path = fuzz_file(FUZZ_FILE, bytes, size);
    struct image image;
    if (!fuzz_judge(image_read(path, &image), path))
        return 0;
    use(&image);
    if ((size_t)image.rows * (size_t)image.cols * (size_t)image.channels <= CHANNELS_OF) {
        take_channel(&image, -1, false);
        take_channel(&image, -1, true);
        take_channel(&image, image.channels - 1, false);
    }
    image_free(&image);
    return 0;
}

static void repair(struct bytes *file)
{
    if (strcmp(FUZZ_FILE, "a.png") == 0)
        repair_png(file);
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t most, unsigned seed)
{
    return fuzz_mutate(bytes, size, most, seed, repair);
}
