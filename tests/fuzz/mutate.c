// SPDX-License-Identifier: MIT
// Mutations of formats whose checksums and compression stop those of single bytes.
#include "tests/fuzz/fuzz.h"

#include "tests/formats/build_surface.h"

#include <string.h>

size_t fuzz_mutate(uint8_t *bytes, size_t size, size_t most, unsigned seed,
                   void (*repair)(struct bytes *file))
{
    size = LLVMFuzzerMutate(bytes, size, most);
    if (seed % 4 == 0)
        return size;
    // A copy: what repairs may look a byte behind the end.
    struct bytes file = {0};
    bytes_add(&file, bytes, size);
    repair(&file);
    memcpy(bytes, file.at, size);
    bytes_free(&file);
    return size;
}

size_t fuzz_mutate_packed(uint8_t *bytes, size_t size, size_t most, unsigned seed)
{
    size = LLVMFuzzerMutate(bytes, size, most);
    if (seed % 16 > 0)
        return size;
    struct bytes file = {0};
    bytes_add(&file, bytes, size);
    build_gzip(&file);
    if (file.size <= most) {
        size = file.size;
        memcpy(bytes, file.at, size);
    }
    bytes_free(&file);
    return size;
}
