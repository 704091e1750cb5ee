// SPDX-License-Identifier: MIT
// Files of torch.save, of both formats: as an image, as tensors, as a checkpoint's state dict.
#include "tests/fuzz/fuzz.h"
#include "tests/formats/build.h"
#include "tests/fuzz/use.h"
#include "vkgrid/formats/image.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const char *path = fuzz_file(FUZZ_FILE, bytes, size);
    struct tensors tensors;
    struct image image;
    char *note;
    if (fuzz_judge(torch_read_state(path, &tensors, &note), path)) {
        use_tensors(&tensors);
        tensors_free(&tensors);
        free(note);
    }
    if (fuzz_judge(torch_read(path, &tensors), path))
        tensors_free(&tensors);
    if (fuzz_judge(image_read(path, &image), path)) {
        fuzz_use(image.values, (size_t)image.rows * (size_t)image.cols * (size_t)image.channels *
                                   sizeof(*image.values));
        image_free(&image);
    }
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t most, unsigned seed)
{
    return fuzz_mutate(bytes, size, most, seed, repair_zip);
}
