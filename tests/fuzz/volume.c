// SPDX-License-Identifier: MIT
// Volumes: as labels in space, and as images.
#include "tests/fuzz/fuzz.h"
#include "vkgrid/formats/image.h"
#include "vkgrid/formats/volume.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const char *path = fuzz_file(FUZZ_FILE, bytes, size);
    struct volume volume;
    struct image image;
    if (fuzz_judge(volume_read(path, &volume), path)) {
        double matrix[3][4];
        fuzz_use(volume.values, (size_t)volume.dims[0] * (size_t)volume.dims[1] *
                                    (size_t)volume.dims[2] * sizeof(*volume.values));
        volume_surface_matrix(&volume, matrix);
        volume_scanner_matrix(&volume, matrix);
        volume_free(&volume);
    }
    if (fuzz_judge(image_read(path, &image), path)) {
        fuzz_use(image.values, (size_t)image.rows * (size_t)image.cols * (size_t)image.channels *
                                   sizeof(*image.values));
        image_free(&image);
    }
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t most, unsigned seed)
{
    return fuzz_mutate_packed(bytes, size, most, seed);
}
