// SPDX-License-Identifier: MIT
#include "tests/formats/build.h"
#include "tests/formats/scratch.h"
#include "vkgrid/base/file.h"
#include "vkgrid/formats/tensors.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool read_bytes(const struct bytes *file, struct tensors *tensors)
{
    return safetensors_read(scratch_write(scratch_path("a.safetensors"), file->at, file->size),
                            tensors);
}

static bool read_built(const char *header, const void *data, size_t size, struct tensors *tensors)
{
    struct bytes file = {0};
    build_safetensors(&file, header, data, size);
    const bool read = read_bytes(&file, tensors);
    bytes_free(&file);
    return read;
}

static void reads_every_type(void **state)
{
    static const struct {
        const char *type;
        uint8_t bytes[16];
        size_t size;
        double values[2];
        bool whole;
    } cases[] = {
        {"F64", {[6] = 0xf0, [7] = 0x3f, [14] = 0xf8, [15] = 0xbf}, 16, {1, -1.5}, false},
        {"F32", {0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0}, 8, {1, -2}, false},
        {"F16", {0, 0x3c, 0, 0xc0}, 4, {1, -2}, false},
        {"BF16", {0x80, 0x3f, 0x20, 0xc1}, 4, {1, -10}, false},
        {"I64", {5, [8] = 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 16, {5, -2}, true},
        {"I32", {5, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff}, 8, {5, -2}, true},
        {"I16", {5, 0, 0xfe, 0xff}, 4, {5, -2}, true},
        {"I8", {5, 0xfe}, 2, {5, -2}, true},
        {"U8", {5, 0xfe}, 2, {5, 254}, true},
        {"BOOL", {1, 0}, 2, {1, 0}, true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char header[200];
        struct tensors tensors;
        snprintf(header, sizeof(header),
                 "{\"x\":{\"dtype\":\"%s\",\"shape\":[1,2],\"data_offsets\":[0,%zu]}}",
                 cases[i].type, cases[i].size);
        assert_true(read_built(header, cases[i].bytes, cases[i].size, &tensors));
        const struct named_tensor *x = tensors_find(&tensors, "x");
        assert_non_null(x);
        assert_int_equal(x->type, cases[i].whole ? TENSOR_INT : TENSOR_FLOAT);
        assert_int_equal(x->rank, 2);
        assert_int_equal(x->dims[1], 2);
        for (int k = 0; k < 2; k++)
            assert_true((cases[i].whole ? (double)((int64_t *)x->values)[k]
                                        : (double)((float *)x->values)[k]) == cases[i].values[k]);
        tensors_free(&tensors);
    }
}

static void reads_order_scalars_and_empty(void **state)
{
    static const char *const header =
        " {\"b\":{\"data_offsets\":[4,8],\"shape\":[],\"dtype\":\"F32\"},\"__metadata__\":{"
        "\"format\":\"pt\"},"
        "\"e\":{\"dtype\":\"F32\",\"shape\":[0,5],\"data_offsets\":[4,4]},"
        "\"a\":{\"dtype\":\"I32\",\"shape\":[1],\"data_offsets\":[0,4]}}   ";
    struct tensors tensors;
    (void)state;
    assert_true(read_built(header + 1, "\7\0\0\0\0\0\x80\x3f", 8, &tensors));
    assert_int_equal(tensors.count, 3);
    assert_string_equal(tensors.items[0].name, "b"); // in the header's order
    assert_int_equal(tensors.items[0].rank, 0);
    assert_int_equal(tensors.items[0].count, 1);
    assert_true(*(float *)tensors.items[0].values == 1);
    assert_int_equal(tensors.items[1].count, 0);
    assert_int_equal(*(int64_t *)tensors.items[2].values, 7);
    assert_null(tensors_find(&tensors, "c"));
    tensors_free(&tensors);
    assert_true(read_built("{}", "", 0, &tensors));
    assert_int_equal(tensors.count, 0);
    assert_false(read_built(header, "\7\0\0\0\0\0\x80\x3f", 8, &tensors)); // must begin with {
    assert_error("a.safetensors: its header is not a JSON object");
}

#define X "\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}"

static void refuses_what_is_wrong(void **state)
{
    static const struct {
        const char *header, *error;
    } cases[] = {
        {"", "not a JSON object"},
        {"[]", "not a JSON object"},
        {"{" X, "not a JSON object"},
        {"{" X "} x", "not a JSON object"},
        {"{" X "}\n", "not a JSON object"},
        {"{\"x\":1}", "tensor \"x\": has not exactly"},
        {"{\"x\":{\"dtype\":\"F32\",\"shape\":[2]}}", "has not exactly"},
        {"{\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8],\"more\":1}}",
         "has not exactly"},
        {"{\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"shape\":[2],\"data_offsets\":[0,8]}}",
         "has not exactly"},
        {"{\"x\":{\"dtype\":\"F8_E4M3\",\"shape\":[2],\"data_offsets\":[0,8]}}",
         "unknown dtype F8_E4M3: allowed"},
        {"{\"x\":{\"dtype\":\"f32\",\"shape\":[2],\"data_offsets\":[0,8]}}", "unknown dtype f32"},
        {"{\"x\":{\"dtype\":3,\"shape\":[2],\"data_offsets\":[0,8]}}", "dtype is not a text"},
        {"{\"x\":{\"dtype\":\"F32\",\"shape\":2,\"data_offsets\":[0,8]}}", "has not exactly"},
        {"{\"x\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}}", "whole numbers"},
        {"{\"x\":{\"dtype\":\"F32\",\"shape\":[2.5],\"data_offsets\":[0,8]}}", "whole numbers"},
        {"{\"x\":{\"dtype\":\"F32\",\"shape\":[\"2\"],\"data_offsets\":[0,8]}}", "whole numbers"},
        {"{\"x\":{\"dtype\":\"F32\",\"shape\":[1e300],\"data_offsets\":[0,8]}}", "whole numbers"},
        {"{\"x\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,2],\"data_offsets\":[0,8]}}",
         "8 dimensions"},
        {"{\"x\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,8]}}",
         "too large"},
        {"{\"x\":{\"dtype\":\"F32\",\"shape\":[1000000000000],\"data_offsets\":[0,8]}}",
         "too large"},
        {"{\"x\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,8]}}",
         "span 8 bytes, its shape and dtype 12"},
        {"{\"x\":{\"dtype\":\"F64\",\"shape\":[2],\"data_offsets\":[0,8]}}", "span 8 bytes"},
        {"{\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}", "not [begin, end]"},
        {"{\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0]}}", "not [begin, end]"},
        {"{\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8,9]}}", "not [begin, end]"},
        {"{\"x\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[-1,7]}}", "not [begin, end]"},
        {"{\"x\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
         "8 bytes of data, but the header describes 4"},
        {"{\"x\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,12]}}",
         "header describes 12"},
        {"{\"x\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}",
         "begins at byte 4, where 0 is wanted (hole)"},
        {"{" X ",\"y\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}", "(overlap)"},
        {"{" X ",\"y\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", "(overlap)"},
        {"{" X "," X "}", "tensor \"x\": is there twice"},
        {"{\"\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", "name is not"},
        {"{\"a\\nb\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", "name is not"},
        {"{\"__metadata__\":[]," X "}", "__metadata__ is not an object"},
        {"{\"__metadata__\":{\"a\":1}," X "}", "something else than texts"},
        {"{\"__metadata__\":{},\"__metadata__\":{}," X "}", "__metadata__ is there twice"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tensors tensors;
        assert_false(read_built(cases[i].header, "abcdefgh", 8, &tensors));
        assert_error("a.safetensors: ");
        assert_error(cases[i].error);
        assert_int_equal(tensors.count, 0);
    }
}

static void refuses_long_names_and_deep_headers(void **state)
{
    char name[129], header[400], deep[3001];
    struct tensors tensors;
    (void)state;
    memset(name, 'n', 128);
    name[128] = 0;
    for (int cut = 0; cut < 2; cut++) {
        snprintf(header, sizeof(header),
                 "{\"%s\":{\"dtype\":\"U8\",\"shape\":[8],\"data_offsets\":[0,8]}}", name + cut);
        assert_int_equal(read_built(header, "abcdefgh", 8, &tensors), cut == 1);
        tensors_free(&tensors);
    }
    memset(deep, '[', 3000);
    memcpy(deep, "{\"x\":", 5);
    deep[3000] = 0;
    assert_false(read_built(deep, "", 0, &tensors));
    assert_error("not a JSON object");
}

static void refuses_every_truncation(void **state)
{
    struct bytes file = {0};
    struct tensors tensors;
    (void)state;
    build_safetensors(&file, "{" X "}  ", "abcdefgh", 8);
    assert_true(read_bytes(&file, &tensors));
    tensors_free(&tensors);
    bytes_text(&file, "x");
    assert_false(read_bytes(&file, &tensors));
    assert_error("9 bytes of data");
    for (file.size--; file.size-- > 0;)
        assert_false(read_bytes(&file, &tensors));
    bytes_free(&file);
    bytes_add(&file, "\xff\xff\xff\xff\xff\xff\xff\xff{}", 10);
    assert_false(read_bytes(&file, &tensors));
    assert_error("18446744073709551615 bytes");
    bytes_free(&file);
}

static void writes_what_it_reads(void **state)
{
    const char *path = scratch_path("b.safetensors");
    struct tensors written = {0}, tensors;
    void *bytes;
    size_t size;
    (void)state;
    struct named_tensor *w =
        tensors_add(&written, "layer0.0.weight", TENSOR_FLOAT, 4, (const int64_t[]){2, 1, 1, 2});
    for (int i = 0; i < 4; i++)
        ((float *)w->values)[i] = (float)i / 3;
    *(int64_t *)tensors_add(&written, "n", TENSOR_INT, 0, NULL)->values = (int64_t)1 << 60;
    tensors_add(&written, "empty", TENSOR_FLOAT, 2, (const int64_t[]){0, 3});
    for (int i = 0; i < 70; i++) { // more than one growth of the list
        char name[20];
        snprintf(name, sizeof(name), "t%d", i);
        *(float *)tensors_add(&written, name, TENSOR_FLOAT, 1, (const int64_t[]){1})->values =
            (float)i;
    }
    const char *const metadata[] = {"format", "pt", "note", "a \"quoted\"\nline", NULL};
    assert_true(safetensors_write(path, &written, metadata));
    assert_true(safetensors_read(path, &tensors));
    assert_int_equal(tensors.count, written.count);
    for (int i = 0; i < tensors.count; i++) {
        const struct named_tensor *a = &written.items[i], *b = &tensors.items[i];
        assert_string_equal(a->name, b->name);
        assert_int_equal(a->type, b->type);
        assert_int_equal(a->rank, b->rank);
        assert_memory_equal(a->dims, b->dims, sizeof(a->dims));
        if (a->count > 0)
            assert_memory_equal(a->values, b->values, a->count * (a->type == TENSOR_INT ? 8 : 4));
    }
    tensors_free(&tensors);
    assert_true(file_read(path, 100000, &bytes, &size));
    assert_int_equal(*(uint8_t *)bytes % 8, 0); // data is aligned
    assert_memory_equal((char *)bytes + 8, "{\"__metadata__\":{\"format\":\"pt\",", 31);
    free(bytes);
    assert_false(safetensors_write(scratch_path("no/folder.safetensors"), &written, NULL));
    assert_error("folder.safetensors");
    tensors_free(&written);
    assert_true(safetensors_write(path, &written, NULL));
    assert_true(file_read(path, 100000, &bytes, &size));
    assert_int_equal(size, 16);
    assert_memory_equal(bytes, "\10\0\0\0\0\0\0\0{}      ", 16);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_every_type),
        cmocka_unit_test(reads_order_scalars_and_empty),
        cmocka_unit_test(refuses_what_is_wrong),
        cmocka_unit_test(refuses_long_names_and_deep_headers),
        cmocka_unit_test(refuses_every_truncation),
        cmocka_unit_test(writes_what_it_reads),
    };
    const int failed = cmocka_run_group_tests_name("safetensors", tests, NULL, NULL);
    scratch_remove();
    return failed;
}
