// SPDX-License-Identifier: MIT
// Files of torch_write(): read back, byte for byte the same again, and refused where they must be.
// PyTorch judges them in formats_oracle_test.c.
#include "tests/formats/scratch.h"
#include "vkgrid/base/file.h"
#include "vkgrid/formats/tensors.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct tensors some_tensors(void)
{
    struct tensors tensors = {0};
    float *values =
        tensors_add(&tensors, "layer.weight", TENSOR_FLOAT, 3, (const int64_t[]){2, 3, 4})->values;
    for (int i = 0; i < 24; i++)
        values[i] = (float)i / 7;
    *(int64_t *)tensors_add(&tensors, "layer.batches", TENSOR_INT, 0, NULL)->values = -5;
    tensors_add(&tensors, "empty", TENSOR_FLOAT, 2, (const int64_t[]){0, 3});
    return tensors;
}

static void reads_back(void **state)
{
    struct tensors tensors = some_tensors(), again;
    (void)state;
    must(torch_write(scratch_path("a.pt"), &tensors));
    must(torch_read(scratch_path("a.pt"), &again));
    assert_int_equal(again.count, 3);
    assert_int_equal(again.items[1].type, TENSOR_INT);
    assert_int_equal(again.items[2].dims[1], 3);
    assert_true(tensors_hash(&again) == tensors_hash(&tensors));
    tensors_free(&again);
    tensors_free(&tensors);
}

static void writes_the_same_bytes(void **state)
{
    struct tensors tensors = some_tensors();
    void *first, *second;
    size_t size, other;
    (void)state;
    must(torch_write(scratch_path("first.pt"), &tensors));
    must(torch_write(scratch_path("second name.pt"), &tensors));
    must(file_read(scratch_path("first.pt"), 1 << 20, &first, &size));
    must(file_read(scratch_path("second name.pt"), 1 << 20, &second, &other));
    assert_int_equal(size, other);
    assert_memory_equal(first, second, size);
    // The storage of the first tensor lies where a vector load may begin.
    const uint8_t *storage = memmem(first, size, tensors.items[0].values, 96);
    assert_non_null(storage);
    assert_int_equal((storage - (const uint8_t *)first) % 64, 0);
    free(first);
    free(second);
    tensors_free(&tensors);
}

static void writes_an_empty_dict(void **state)
{
    struct tensors tensors = {0}, again;
    char *note;
    (void)state;
    must(torch_write(scratch_path("none.pt"), &tensors));
    must(torch_read(scratch_path("none.pt"), &again));
    assert_int_equal(again.count, 0);
    assert_false(torch_read_state(scratch_path("none.pt"), &again, &note));
    assert_error("none.pt: no state dict in it, only an empty dict");
}

static void refuses(void **state)
{
    struct tensors tensors = some_tensors();
    const size_t count = tensors.items[0].count;
    (void)state;
    assert_false(torch_write(scratch_path("no/such/folder/a.pt"), &tensors));
    tensors.items[0].count = (size_t)1 << 30; // 4 GiB, which nobody reads before it is refused
    assert_false(torch_write(scratch_path("large.pt"), &tensors));
    assert_error("large.pt: too large for a zip file without zip64");
    assert_int_equal(access(scratch_path("large.pt"), F_OK), -1);
    tensors.items[0].count = count;
    tensors_free(&tensors);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_back),
        cmocka_unit_test(writes_the_same_bytes),
        cmocka_unit_test(writes_an_empty_dict),
        cmocka_unit_test(refuses),
    };
    const int failed = RUN_TESTS(tests, NULL, NULL);
    scratch_remove();
    return failed;
}
