// SPDX-License-Identifier: MIT
// A file of weights of either kind, taken into a network of two tensors.
#include "tests/fuzz/use.h"
#include "model/weights_file.h"
#include "model/weights_kind.h"
#include "tests/formats/build.h"
#include "vkgrid/base/error.h"
#include "vkgrid/model/weights.h"

#include <stdlib.h>

// Made once, and kept to the end.
static struct graph *network(void)
{
    static struct graph *graph;
    static const int dims[] = {2, 1, 1, 1};
    if (!graph) {
        graph = graph_create();
        graph_parameter(graph, "layer0.0.weight", 4, dims);
        graph_buffer(graph, "layer0.1.running_mean", 1, dims);
    }
    return graph;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const char *path = fuzz_file(FUZZ_FILE, bytes, size);
    struct tensors tensors, weights;
    char *note;
    if (!fuzz_judge(weights_file_check(path), path) ||
        !fuzz_judge(weights_read_any(path, &tensors, &note), path))
        return 0;
    const struct weights_kind kind = weights_kind_of(&tensors);
    fuzz_judge(weights_kind_is_unet(&kind, RESNET18, 1, 1), NULL);
    fuzz_judge(weights_kind_is_encoder(&kind, RESNET18), NULL);
    if (fuzz_judge(weights_take(network(), &tensors, &weights), NULL)) {
        use_tensors(&weights);
        tensors_free(&weights);
    }
    weights_file_encoder(&tensors, &note);
    use_tensors(&tensors);
    tensors_free(&tensors);
    free(note);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t most, unsigned seed)
{
    return fuzz_mutate(bytes, size, most, seed, repair_zip);
}
