// SPDX-License-Identifier: MIT
// Files that NumPy and PyTorch write are read; files that vkgrid writes are judged by them.
#include "tests/formats/oracle.h"
#include "tests/formats/scratch.h"
#include "vkgrid/formats/image.h"
#include "vkgrid/formats/tensors.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The values that the oracle's pattern() gives.
static int pattern(int index, bool is_signed)
{
    return index * 7 % 32 - (is_signed ? 16 : 0);
}

static int wanted(const char *name, int index)
{
    if (strncmp(name, "b1", 2) == 0 || strncmp(name, "bool", 4) == 0)
        return pattern(index, false) % 2;
    return pattern(index, name[0] != 'u');
}

static void assert_read(const char *name)
{
    struct image image;
    must(image_read(scratch_path("%s", name), &image));
    assert_int_equal(image.rows, 5);
    assert_int_equal(image.cols, 7);
    for (int i = 0; i < 35; i++)
        if (image.values[i] != (float)wanted(name, i))
            fail_msg("%s: element %d is %g, not %d", name, i, (double)image.values[i],
                     wanted(name, i));
    image_free(&image);
}

static void reads_numpy(void **state)
{
    static const char *const types[] = {"f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4"};
    static const char *const layouts[] = {"little-C", "little-F", "big-C", "big-F"};
    (void)state;
    for (int i = 0; i < 40; i++) {
        char name[40];
        snprintf(name, sizeof(name), "%s-%s.npy", types[i / 4], layouts[i % 4]);
        assert_read(name);
    }
    assert_read("b1-little-C.npy");
    assert_read("version-2.npy");
}

static const char *const types[] = {"float64", "float32", "float16", "bfloat16", "int64",
                                    "int32",   "int16",   "int8",    "uint8",    "bool"};

static void reads_torch(void **state)
{
    struct tensors tensors;
    char name[40];
    (void)state;
    for (int i = 0; i < 10; i++) {
        snprintf(name, sizeof(name), "%s.pt", types[i]);
        assert_read(name);
        snprintf(name, sizeof(name), "%s-transposed.pt", types[i]);
        assert_read(name);
    }
    assert_read("view.pt");
    assert_read("parameter.pt");
    assert_true(torch_read(scratch_path("dict.pt"), &tensors));
    assert_int_equal(tensors.count, 10);
    for (int i = 0; i < 10; i++) {
        const struct named_tensor *tensor = &tensors.items[i];
        assert_string_equal(tensor->name, types[i]);
        assert_int_equal(tensor->type, i < 4 ? TENSOR_FLOAT : TENSOR_INT);
        for (int k = 0; k < 35; k++)
            assert_true((i < 4 ? (double)((float *)tensor->values)[k]
                               : (double)((int64_t *)tensor->values)[k]) == wanted(types[i], k));
    }
    tensors_free(&tensors);
}

static void reads_state_dict(void **state)
{
    struct tensors tensors;
    (void)state;
    assert_true(torch_read(scratch_path("state.pt"), &tensors));
    assert_int_equal(tensors.count, 7);
    const struct named_tensor *weight = tensors_find(&tensors, "0.weight");
    assert_memory_equal(weight->dims, ((int64_t[]){3, 2, 3, 3}), 32);
    for (int i = 0; i < 54; i++)
        assert_true(((float *)weight->values)[i] == (float)pattern(i, true));
    assert_int_equal(tensors_find(&tensors, "1.num_batches_tracked")->rank, 0);
    assert_true(((float *)tensors_find(&tensors, "1.running_var")->values)[2] == 1);
    tensors_free(&tensors);
}

// Checkpoints of a training, the file format before PyTorch 1.6, other protocols.
static void reads_checkpoints(void **state)
{
    static const struct {
        const char *name, *note;
    } cases[] = {
        {"state.pt", NULL},
        {"legacy-state.pt", NULL},
        {"protocol4.pt", NULL},
        {"protocol5.pt", NULL},
        {"checkpoint.pt", "taken from [\"state_dict\"]; left out: epoch"},
        {"training.pt",
         "taken from [\"model\"]; left out: epoch, optimizer, scheduler, args, best, "
         "history and 2 more"},
        {"legacy-training.pt",
         "taken from [\"model\"]; left out: epoch, optimizer, scheduler, "
         "args, best, history and 2 more"},
        {"nested.pt", "taken from [\"model\"][\"state_dict\"]"},
        {"mixed.pt", "left out: epochs"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tensors tensors;
        char *note;
        must(torch_read_state(scratch_path("%s", cases[i].name), &tensors, &note));
        assert_int_equal(tensors.count, 7);
        const struct named_tensor *weight = tensors_find(&tensors, "0.weight");
        for (int k = 0; k < 54; k++)
            assert_true(((float *)weight->values)[k] == (float)pattern(k, true));
        if (cases[i].note)
            assert_string_equal(note, cases[i].note);
        else
            assert_null(note);
        free(note);
        tensors_free(&tensors);
    }
    assert_read("legacy.pt");
}

static void refuses_other_torch_files(void **state)
{
    static const struct {
        const char *name, *error;
    } cases[] = {
        {"module.pt", "module.pt: wants torch.nn.modules.container.Sequential"},
        {"checkpoint.pt", "checkpoint.pt: \"state_dict\": it is a dict in a dict"},
        {"complex.pt", "complex.pt: wants torch.ComplexFloatStorage"},
    };
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct tensors tensors;
        assert_false(torch_read(scratch_path("%s", cases[i].name), &tensors));
        assert_error(cases[i].error);
    }
}

static void writes_for_them(void **state)
{
    float values[24];
    uint8_t pixels[105];
    struct tensors tensors = {0};
    (void)state;
    for (int i = 0; i < 24; i++)
        values[i] = (float)pattern(i, true);
    for (int i = 0; i < 105; i++)
        pixels[i] = (uint8_t)pattern(i, false);
    assert_true(npy_write(scratch_path("written.npy"), 3, (const int[]){2, 3, 4}, values));
    memcpy(tensors_add(&tensors, "weight", TENSOR_FLOAT, 3, (const int64_t[]){2, 3, 4})->values,
           values, sizeof(values));
    *(int64_t *)tensors_add(&tensors, "batches", TENSOR_INT, 0, NULL)->values = (int64_t)1 << 40;
    assert_true(safetensors_write(scratch_path("written.safetensors"), &tensors,
                                  (const char *const[]){"format", "pt", NULL}));
    tensors_add(&tensors, "empty", TENSOR_FLOAT, 2, (const int64_t[]){0, 3});
    must(torch_write(scratch_path("written.pt"), &tensors));
    tensors_free(&tensors);
    assert_true(png_write(scratch_path("grey.png"), 5, 7, 1, pixels));
    assert_true(png_write(scratch_path("colour.png"), 5, 7, 3, pixels));
    assert_true(oracle_run("written", scratch_path(".")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_numpy),
        cmocka_unit_test(reads_torch),
        cmocka_unit_test(reads_state_dict),
        cmocka_unit_test(reads_checkpoints),
        cmocka_unit_test(refuses_other_torch_files),
        cmocka_unit_test(writes_for_them),
    };
    if (!oracle_probe())
        return SKIPPED;
    int failed = 1;
    if (oracle_run("files", scratch_path(".")))
        failed =
            cmocka_run_group_tests_name("formats against NumPy and PyTorch", tests, NULL, NULL);
    scratch_remove();
    return failed;
}
