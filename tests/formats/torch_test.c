// SPDX-License-Identifier: MIT
#include "tests/formats/build.h"
#include "tests/formats/scratch.h"
#include "vkgrid/formats/image.h"
#include "vkgrid/formats/tensors.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const float floats[] = {0, 1, 2, 3, 4, 5};

// torch.save(torch.arange(6.).reshape(2, 3).t(), "a.pt") of PyTorch 1.13: its data.pkl as it is.
static const char transposed[] =
    "\x80\x02"
    "ctorch._utils\n_rebuild_tensor_v2\nq\0((X\7\0\0\0storageq\1"
    "ctorch\nFloatStorage\nq\2X\1\0\0\0"
    "0q\3X\3\0\0\0cpuq\4K\6tq\5QK\0K\3K\2\x86q\6K\1K\3\x86q\7\x89"
    "ccollections\nOrderedDict\nq\10)Rq\11tq\nRq\13.";

static bool read_bytes(const struct bytes *file, struct tensors *tensors)
{
    return torch_read(scratch_write(scratch_path("a.pt"), file->at, file->size), tensors);
}

// A pickle with the storages "0", `floats`, and "1", 1 to 8 as bytes.
static void build(struct bytes *file, const void *pickle, size_t size, int zip64)
{
    const struct member members[] = {
        {"a/data.pkl", pickle, size},
        {"a/byteorder", "little", 6},
        {"a/data/0", floats, sizeof(floats)},
        {"a/data/1", "\1\2\3\4\5\6\7\x88", 8},
        {"a/version", "3\n", 2},
    };
    build_zip(file, members, 5, zip64);
}

static bool read_pickle(const void *pickle, size_t size, struct tensors *tensors)
{
    struct bytes file = {0};
    build(&file, pickle, size, 0);
    const bool read = read_bytes(&file, tensors);
    bytes_free(&file);
    return read;
}

static bool read_tensor(const struct pickled_tensor *tensor, struct tensors *tensors)
{
    struct bytes pickle = {0};
    bytes_text(&pickle, "\x80\x02");
    pickle_tensor(&pickle, tensor);
    bytes_text(&pickle, ".");
    const bool read = read_pickle(pickle.at, pickle.size, tensors);
    bytes_free(&pickle);
    return read;
}

static void reads_what_torch_wrote(void **state)
{
    (void)state;
    for (int zip64 = 0; zip64 < 2; zip64++) {
        struct bytes file = {0};
        struct tensors tensors;
        struct image image;
        build(&file, transposed, sizeof(transposed) - 1, zip64);
        assert_true(read_bytes(&file, &tensors));
        assert_int_equal(tensors.count, 1);
        assert_string_equal(tensors.items[0].name, "");
        tensors_free(&tensors);
        assert_true(image_read_pt(scratch_path("a.pt"), &image));
        assert_int_equal(image.rows, 3);
        assert_int_equal(image.cols, 2);
        assert_memory_equal(image.values, ((float[]){0, 3, 1, 4, 2, 5}), 24);
        image_free(&image);
        bytes_free(&file);
    }
}

static void reads_views(void **state)
{
    static const struct {
        struct pickled_tensor tensor;
        size_t count;
        float values[6];
    } cases[] = {
        {{"FloatStorage", "0", 6, 0, 2, {2, 3}, {3, 1}}, 6, {0, 1, 2, 3, 4, 5}},
        {{"FloatStorage", "0", 6, 3, 1, {3}, {1}}, 3, {3, 4, 5}},
        {{"FloatStorage", "0", 6, 5, 0, {0}, {0}}, 1, {5}},
        {{"FloatStorage", "0", 6, 1, 2, {2, 2}, {0, 2}}, 4, {1, 3, 1, 3}},
        {{"FloatStorage", "0", 6, 6, 2, {0, 7}, {1, 1}}, 0, {0}},
        {{"FloatStorage", "0", 6, 0, 3, {1, 3, 2}, {99, 1, 3}}, 6, {0, 3, 1, 4, 2, 5}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tensors tensors;
        assert_true(read_tensor(&cases[i].tensor, &tensors));
        const struct named_tensor *tensor = tensors_find(&tensors, "");
        assert_int_equal(tensor->type, TENSOR_FLOAT);
        assert_int_equal(tensor->rank, cases[i].tensor.rank);
        assert_int_equal(tensor->count, cases[i].count);
        for (size_t k = 0; k < cases[i].count; k++)
            assert_true(((float *)tensor->values)[k] == cases[i].values[k]);
        tensors_free(&tensors);
    }
}

static void reads_every_type(void **state)
{
    static const struct {
        const char *storage;
        int64_t elements;
        double first;
        bool whole;
    } cases[] = {
        // bytes 1 to 7, 0x88
        {"LongStorage", 1, -0x77f8f9fafbfcfdffp0, true},
        {"IntStorage", 2, 0x04030201, true},
        {"ShortStorage", 4, 0x0201, true},
        {"CharStorage", 8, 1, true},
        {"ByteStorage", 8, 1, true},
        {"BoolStorage", 8, 1, true},
        {"HalfStorage", 4, 0x1p-24 * 0x201, false},
        {"BFloat16Storage", 4, 0x1.02p-123, false},
        {"FloatStorage", 2, 0x1.060402p-119, false},
        {"DoubleStorage", 1, 0, false}, // underflows in float
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct pickled_tensor tensor = {
            cases[i].storage, "1", cases[i].elements, 0, 0, {0}, {0}};
        struct tensors tensors;
        assert_true(read_tensor(&tensor, &tensors));
        const void *values = tensors.items[0].values;
        assert_int_equal(tensors.items[0].type, cases[i].whole ? TENSOR_INT : TENSOR_FLOAT);
        assert_true((cases[i].whole ? (double)*(const int64_t *)values
                                    : (double)*(const float *)values) == cases[i].first);
        tensors_free(&tensors);
    }
}

static const struct pickled_tensor row = {"FloatStorage", "0", 6, 0, 1, {6}, {1}};

// An OrderedDict with its _metadata, as state_dict() gives, of a tensor and a parameter.
static void reads_state_dicts(void **state)
{
    struct bytes pickle = {0};
    struct tensors tensors;
    struct image image;
    (void)state;
    bytes_text(&pickle,
               "\x80\x02"
               "ccollections\nOrderedDict\n)R(");
    pickle_text(&pickle, "0.weight");
    bytes_text(&pickle, "ctorch._utils\n_rebuild_parameter\n");
    pickle_tensor(&pickle, &row);
    bytes_text(&pickle,
               "\x88"
               "ccollections\nOrderedDict\n)R\x87R");
    pickle_text(&pickle, "0.bias");
    pickle_tensor(&pickle, &row);
    bytes_text(&pickle, "u}");
    pickle_text(&pickle, "_metadata");
    bytes_text(&pickle, "}sb.");
    assert_true(read_pickle(pickle.at, pickle.size, &tensors));
    assert_int_equal(tensors.count, 2);
    assert_string_equal(tensors.items[0].name, "0.weight");
    assert_memory_equal(tensors_find(&tensors, "0.bias")->values, floats, sizeof(floats));
    tensors_free(&tensors);
    assert_false(image_read_pt(scratch_path("a.pt"), &image));
    assert_error("a.pt: holds a dict of 2 tensors, not one tensor");
    bytes_free(&pickle);
    assert_true(read_pickle("\x80\x02}.", 4, &tensors));
    assert_int_equal(tensors.count, 0);
    assert_true(read_tensor(&row, &tensors));
    tensors_free(&tensors);
    assert_false(image_read_pt(scratch_path("a.pt"), &image));
    assert_error("a.pt: an array of 1 axes: 2 are wanted, or 3");
}

// Each is what lies between the pickle's head and its end.
static void refuses_other_pickles(void **state)
{
    static const struct {
        const char *opcodes;
        size_t size;
        const char *error;
    } cases[] = {
#define CASE(opcodes, error) {opcodes, sizeof(opcodes) - 1, error}
        CASE("cos\nsystem\nX\4\0\0\0true\x85R", "a.pt: wants os.system, but only tensors"),
        CASE("cposix\nsystem\n", "wants posix.system"),
        CASE("c__builtin__\neval\n", "wants __builtin__.eval"),
        CASE("ctorch\nComplexFloatStorage\n", "wants torch.ComplexFloatStorage"),
        CASE("ctorch.nn.modules.conv\nConv2d\n", "wants torch.nn.modules.conv.Conv2d"),
        CASE("ctorch._utils\n_rebuild_tensor_v3\n", "wants torch._utils._rebuild_tensor_v3,"),
        CASE("ctorch._utils\n_rebuild_tensor\n)R", "not described as torch.save does"),
        CASE("cos\nsys\1tem\n", "names something unreadable"),
        CASE("cos", "names something unreadable"),
        CASE("\x93", "takes more from its stack"),
        CASE("NN\x93", "names something unreadable"),
        CASE("\x8c\2os\x8c\6system\x93", "wants os.system"),
        CASE("i", "opcode 0x69"),
        CASE("\x81", "takes more from its stack"),
        CASE("NN\x81", "calls what is no function"),
        CASE("\x82\1", "opcode 0x82"),
        CASE("N", "what is saved: it is not a tensor"),
        CASE("K\1", "what is saved: it is not a tensor"),
        CASE(")", "what is saved: it is not a tensor"),
        CASE("]", "what is saved: it is not a tensor"),
        CASE("ccollections\nOrderedDict\n", "it is not a tensor"),
        CASE("ccollections\nOrderedDict\nK\1\x85R", "it is not a tensor"),
        CASE("ctorch._utils\n_rebuild_parameter\n)R", "not described as torch.save does"),
        CASE("ctorch._utils\n_rebuild_tensor_v2\n)R", "not described as torch.save does"),
        CASE("}X\1\0\0\0aK\1s", "\"a\": it is not a tensor"),
        CASE("}X\1\0\0\0aG\0\0\0\0\0\0\0\0s", "\"a\": it is not a tensor"),
        CASE("}X\12\0\0\0state_dict}s",
             "\"state_dict\": it is a dict in a dict: save that inner dict"),
        CASE("}K\1Ns", "a key of the dict is not a name"),
        CASE("}X\0\0\0\0Ns", "a key of the dict is not a name"),
        CASE("}q\0X\1\0\0\0ah\0s", "a dict in a dict"),
        CASE("}X\3\0\0\0a\nbNs", "a key of the dict is not a name"),
        CASE("\x94", "remembers what is not there"),
        CASE("\x95\0", "middle of an opcode"),
        CASE("B\xff\xff\xff\xff", "middle of an opcode"),
        CASE("}(K\1u", "cannot hold"),
        CASE("](K\1K\2u", "cannot hold"),
        CASE("N(K\1K\2u", "cannot hold"),
        CASE("}K\1a", "cannot hold"),
        CASE("K\1K\2", "goes on after its end"),
        CASE("", "takes more from its stack"),
        CASE("b", "takes more from its stack"),
        CASE("R", "takes more from its stack"),
        CASE("Q", "takes more from its stack"),
        CASE("\x87", "takes more from its stack"),
        CASE("s", "takes more from its stack"),
        CASE("(s", "takes more from its stack"),
        CASE("(K\1s", "takes more from its stack"),
        CASE("N(K\1K\2s", "takes more from its stack"),
        CASE("(K\1\x86", "mark among its values"),
        CASE("(R", "takes more from its stack"),
        CASE("(", "takes more from its stack"),
        CASE("t", "wants a mark"),
        CASE("u", "wants a mark"),
        CASE("(u", "takes more from its stack"),
        CASE("NNR", "calls what is no function"),
        CASE("ccollections\nOrderedDict\nNR", "calls what is no function"),
        CASE("q\0", "remembers what is not there"),
        CASE("(q\0", "remembers what is not there"),
        CASE("Nr\xff\xff\xff\xff", "remembers what is not there"),
        CASE("h\0", "recalls what it has not"),
        CASE("j\xff\xff\xff\xff", "recalls what it has not"),
        CASE("X\xff\xff\xff\xff", "middle of an opcode"),
        CASE("J\0", "middle of an opcode"),
        CASE("\x8a\x09\0\0\0\0\0\0\0\0\0", "more than 64 bits"),
#undef CASE
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bytes pickle = {0};
        struct tensors tensors;
        bytes_text(&pickle, "\x80\x02");
        bytes_add(&pickle, cases[i].opcodes, cases[i].size);
        bytes_text(&pickle, ".");
        assert_false(read_pickle(pickle.at, pickle.size, &tensors));
        assert_error("a.pt: ");
        assert_error(cases[i].error);
        bytes_free(&pickle);
    }
}

static void refuses_other_protocols(void **state)
{
    struct tensors tensors;
    (void)state;
    assert_false(read_pickle("\x80\x01N.", 4, &tensors));
    assert_error("pickle of protocol 1: 2 (the default of torch.save) to 5");
    assert_false(read_pickle("\x80\x06N.", 4, &tensors));
    assert_error("pickle of protocol 6");
    assert_false(read_pickle("N.", 2, &tensors));
    assert_error("not a pickle of protocol 2");
    assert_false(read_pickle("\x80", 1, &tensors));
    assert_error("not a pickle of protocol 2");
    assert_false(read_pickle("", 0, &tensors));
    assert_error("not a pickle of protocol 2");
    assert_false(read_pickle("\x80\x02N.N", 5, &tensors));
    assert_error("goes on after its end");
}

static void refuses_wrong_tensors(void **state)
{
    static const struct {
        struct pickled_tensor tensor;
        const char *error;
    } cases[] = {
        {{"FloatStorage", "0", 5, 0, 1, {5}, {1}}, "24 bytes, not 5 elements of 4"},
        {{"DoubleStorage", "0", 6, 0, 1, {3}, {1}}, "24 bytes, not 6 elements of 8"},
        {{"FloatStorage", "0", 6, 0, 1, {7}, {1}}, "leave its storage of 6 elements"},
        {{"FloatStorage", "0", 6, 1, 1, {6}, {1}}, "leave its storage"},
        {{"FloatStorage", "0", 6, 6, 0, {0}, {0}}, "leave its storage"},
        {{"FloatStorage", "0", 6, 0, 2, {2, 3}, {4, 1}}, "leave its storage"},
        {{"FloatStorage", "0", 6, INT64_MAX, 1, {2}, {1}}, "leave its storage"},
        {{"FloatStorage", "0", 6, 0, 1, {3}, {INT64_MAX}}, "leave its storage"},
        {{"FloatStorage", "0", 6, 0, 1, {6}, {-1}}, "its shape is not described"},
        {{"FloatStorage", "0", 6, 0, 1, {-6}, {1}}, "its shape is not described"},
        {{"FloatStorage", "0", 6, -1, 1, {6}, {1}}, "not described"},
        {{"FloatStorage", "0", -6, 0, 1, {6}, {1}}, "storage is not described"},
        {{"FloatStorage", "0", 6, 0, 2, {INT64_MAX, INT64_MAX}, {0, 0}}, "too large"},
        {{"FloatStorage", "0", 6, 0, 2, {100000, 100000}, {0, 0}}, "too large"},
        {{"FloatStorage", "0", 6, 0, 9, {1, 1, 1, 1, 1, 1, 1, 1, 1}, {0}},
         "9 dimensions: at most 8"},
        {{"FloatStorage", "7", 6, 0, 1, {6}, {1}}, "storage data/7 is missing"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tensors tensors;
        assert_false(read_tensor(&cases[i].tensor, &tensors));
        assert_error("a.pt: what is saved: ");
        assert_error(cases[i].error);
    }
}

// A view with a stride of 0 costs nothing in the file: many of them must not fill the memory.
static void refuses_many_expanded_tensors(void **state)
{
    const struct pickled_tensor large = {"FloatStorage", "0", 6, 0, 1, {1 << 21}, {0}};
    struct bytes pickle = {0};
    struct tensors tensors;
    (void)state;
    bytes_text(&pickle, "\x80\x02}");
    pickle_text(&pickle, "small");
    pickle_tensor(&pickle, &row);
    bytes_text(&pickle, "s");
    pickle_text(&pickle, "large");
    pickle_tensor(&pickle, &large);
    bytes_text(&pickle, "s.");
    assert_false(read_pickle(pickle.at, pickle.size, &tensors));
    assert_error("a.pt: \"large\": too large");
    bytes_free(&pickle);
}

static void refuses_other_zips(void **state)
{
    const struct member twice[] = {{"a/x", "1", 1}, {"a/x", "2", 1}},
                        big[] = {{"a/data.pkl", "", 0}, {"a/byteorder", "big", 3}},
                        other[] = {{"readme", "1", 1},
                                   {"data.pkl", "", 0},
                                   {"a/b/data.pkl", "", 0}},
                        bad[] = {{"a\nb", "", 0}};
    struct bytes file = {0};
    struct tensors tensors;
    (void)state;
    bytes_text(&file, "GIF89a");
    assert_false(read_bytes(&file, &tensors));
    assert_error("not a zip file: only what torch.save writes is read");
    bytes_free(&file);
    build_zip(&file, twice, 2, 0);
    assert_false(read_bytes(&file, &tensors));
    assert_error("zip member a/x: is there twice");
    bytes_free(&file);
    build_zip(&file, big, 2, 0);
    assert_false(read_bytes(&file, &tensors));
    assert_error("not little-endian");
    bytes_free(&file);
    build_zip(&file, other, 3, 0);
    assert_false(read_bytes(&file, &tensors));
    assert_error("without data.pkl");
    bytes_free(&file);
    build_zip(&file, bad, 1, 0);
    assert_false(read_bytes(&file, &tensors));
    assert_error("control characters");
    bytes_free(&file);
    build(&file, transposed, sizeof(transposed) - 1, 0);
    bytes_text(&file, "x");
    assert_false(read_bytes(&file, &tensors));
    assert_error("zip file without its end");
    bytes_free(&file);
}

// Changes one field of the file's first directory entry.
static void assert_entry_refused(size_t field, uint8_t value, const char *error)
{
    struct bytes file = {0};
    struct tensors tensors;
    build(&file, transposed, sizeof(transposed) - 1, 0);
    uint8_t *entry = memmem(file.at, file.size, "PK\1\2", 4);
    entry[field] = value;
    assert_false(read_bytes(&file, &tensors));
    assert_error("a.pt: ");
    assert_error(error);
    bytes_free(&file);
}

static void refuses_wrong_directories(void **state)
{
    (void)state;
    assert_entry_refused(8, 1, "zip member a/data.pkl: compressed or encrypted");
    assert_entry_refused(10, 8, "zip member a/data.pkl: compressed or encrypted");
    assert_entry_refused(16, 0, "wrong checksum");
    assert_entry_refused(20, 0, "compressed or encrypted");
    assert_entry_refused(27, 1, "compressed or encrypted");
    assert_entry_refused(29, 0x7f, "broken directory");
    assert_entry_refused(42, 1, "its header is not where the directory says");
    assert_entry_refused(45, 0x7f, "its header is not where the directory says");
    assert_entry_refused(47, 'b', "has another name in its own header");
}

static void refuses_every_truncation_and_change(void **state)
{
    struct tensors tensors;
    (void)state;
    for (int zip64 = 0; zip64 < 2; zip64++) {
        struct bytes file = {0};
        build(&file, transposed, sizeof(transposed) - 1, zip64);
        for (size_t i = 0; i < file.size;
             i++) { // fields that nobody needs may change, what was saved may not
            file.at[i] ^= 0x41;
            if (read_bytes(&file, &tensors)) {
                assert_int_equal(tensors.count, 1);
                assert_memory_equal(tensors.items[0].values, ((float[]){0, 3, 1, 4, 2, 5}), 24);
                tensors_free(&tensors);
            }
            file.at[i] ^= 0x41;
        }
        while (file.size-- > 0) {
            assert_false(read_bytes(&file, &tensors));
            assert_error("a.pt: ");
        }
        bytes_free(&file);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_torch_wrote),
        cmocka_unit_test(reads_views),
        cmocka_unit_test(reads_every_type),
        cmocka_unit_test(reads_state_dicts),
        cmocka_unit_test(refuses_other_pickles),
        cmocka_unit_test(refuses_other_protocols),
        cmocka_unit_test(refuses_wrong_tensors),
        cmocka_unit_test(refuses_many_expanded_tensors),
        cmocka_unit_test(refuses_other_zips),
        cmocka_unit_test(refuses_wrong_directories),
        cmocka_unit_test(refuses_every_truncation_and_change),
    };
    const int failed = cmocka_run_group_tests_name("torch", tests, NULL, NULL);
    scratch_remove();
    return failed;
}
