// SPDX-License-Identifier: MIT
// Files of torch.save before PyTorch 1.6, made byte by byte. Files that PyTorch wrote are read in
// formats_oracle_test.c.
#include "tests/formats/build.h"
#include "tests/formats/scratch.h"
#include "vkgrid/formats/tensors.h"

#include <stdlib.h>
#include <string.h>

static const float floats[] = {0, 1, 2, 3, 4, 5};

struct parts {
    const char *machine; // the third pickle
    size_t machine_size;
    const char *keys; // the opcodes of the list of keys
    int64_t count;    // of the storage
};

#define MACHINE "\x80\x02}X\x0d\0\0\0little_endian\x88s." // a dict
static const struct parts good = {MACHINE, sizeof(MACHINE) - 1,
                                  "]U\1"
                                  "0a",
                                  6};

static void build(struct bytes *file, const struct parts *parts)
{
    const struct pickled_tensor tensor = {"FloatStorage", "0", 6, 0, 2, {3, 2}, {1, 3}};
    bytes_text(file,
               "\x80\x02\x8a\x0al\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."
               "\x80\x02M\xe9\x03.");
    bytes_add(file, parts->machine, parts->machine_size);
    bytes_text(file, "\x80\x02}");
    pickle_text(file, "x");
    pickle_tensor(file, &tensor);
    bytes_text(file, "s.\x80\x02");
    bytes_text(file, parts->keys);
    bytes_text(file, ".");
    bytes_add(file, &parts->count, 8);
    bytes_add(file, floats, sizeof(floats));
}

static bool read_file(const struct bytes *file, struct tensors *tensors)
{
    return torch_read(scratch_write(scratch_path("a.pt"), file->at, file->size), tensors);
}

static void reads(void **state)
{
    struct bytes file = {0};
    struct tensors tensors;
    (void)state;
    build(&file, &good);
    must(read_file(&file, &tensors));
    assert_int_equal(tensors.count, 1);
    assert_memory_equal(tensors_find(&tensors, "x")->values, ((float[]){0, 3, 1, 4, 2, 5}), 24);
    tensors_free(&tensors);
    bytes_free(&file);
}

static void assert_refused(struct parts parts, const char *error)
{
    struct bytes file = {0};
    struct tensors tensors;
    build(&file, &parts);
    assert_false(read_file(&file, &tensors));
    assert_error("a.pt: ");
    assert_error(error);
    bytes_free(&file);
}

static struct parts with_keys(const char *keys)
{
    struct parts parts = good;
    parts.keys = keys;
    return parts;
}

static void refuses(void **state)
{
    static const char big[] = "\x80\x02}X\x0d\0\0\0little_endian\x89s.", none[] = "\x80\x02}.";
    struct parts other = good;
    (void)state;
    assert_refused((struct parts){big, sizeof(big) - 1, good.keys, 6}, "not little-endian");
    assert_refused((struct parts){none, sizeof(none) - 1, good.keys, 6},
                   "says nothing of the machine");
    assert_refused(with_keys("}"), "not listed as torch.save does");
    assert_refused(with_keys("]"), "bytes after the last storage");
    assert_refused(with_keys("]U\1"
                             "1a"),
                   "listed that no tensor has");
    assert_refused(with_keys("](U\1"
                             "0U\1"
                             "0e"),
                   "or twice");
    other.count = 5;
    assert_refused(other, "4 bytes after the last storage");
    other.count = 7;
    assert_refused(other, "storage 0 is not whole");
    other.count = -1;
    assert_refused(other, "storage 0 is not whole");
}

static void refuses_every_truncation(void **state)
{
    struct bytes file = {0};
    struct tensors tensors;
    (void)state;
    build(&file, &good);
    for (size_t size = file.size; size-- > 0;) {
        file.size = size;
        assert_false(read_file(&file, &tensors));
        assert_error("a.pt: ");
    }
    bytes_free(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads),
        cmocka_unit_test(refuses),
        cmocka_unit_test(refuses_every_truncation),
    };
    const int failed = RUN_TESTS(tests, NULL, NULL);
    scratch_remove();
    return failed;
}
