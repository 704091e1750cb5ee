// SPDX-License-Identifier: MIT
// Values and labels per vertex in FreeSurfer's formats; what is written is read again.
#include "tests/formats/build_surface.h"
#include "tests/formats/scratch.h"
#include "vkgrid/formats/surface.h"

#include <math.h>
#include <stdlib.h>

static const char *write(const struct bytes *file)
{
    return scratch_write(scratch_path("lh.file"), file->at, file->size);
}

static void assert_values(const struct bytes *file, int count, const float *wanted)
{
    struct vertex_values values;
    must(vertex_values_read(write(file), &values));
    assert_int_equal(values.count, count);
    for (int i = 0; i < count; i++)
        assert_true(values.values[i] == wanted[i] || (isnan(values.values[i]) && isnan(wanted[i])));
    vertex_values_free(&values);
}

static void assert_values_refused(const struct bytes *file, const char *error)
{
    struct vertex_values values;
    assert_false(vertex_values_read(write(file), &values));
    assert_error("lh.file: ");
    assert_error(error);
    assert_null(values.values);
}

static void assert_labels_refused(const struct bytes *file, const char *error)
{
    struct vertex_labels labels;
    assert_false(vertex_labels_read(write(file), &labels));
    assert_error("lh.file: ");
    assert_error(error);
    assert_null(labels.keys);
    assert_null(labels.entries);
}

static void curv(void **state)
{
    const float numbers[] = {1.5f, -2, NAN, INFINITY};
    struct bytes file = {0};
    (void)state;
    build_curv(&file, 4, numbers);
    assert_values(&file, 4, numbers);
    file.size--;
    assert_values_refused(&file, "15 bytes of data, but its 4 vertices need 16");
    file.at[14] = 2;
    assert_values_refused(&file, "2 values per vertex: 1 is wanted");
    memcpy(file.at + 3, "\4\0\0\0", 4); // the other byte order
    assert_values_refused(&file, "67108864 vertices: 1 to 10000000 are allowed");
    file.size = 14;
    assert_values_refused(&file, "truncated in its header of 15 bytes");
    bytes_free(&file);
}

static void mgh_types(void **state)
{
    static const struct {
        int type;
        uint8_t bytes[8];
        size_t size;
        float values[2];
    } cases[] = {
        {0, {1, 255}, 2, {1, 255}},
        {1, {0, 0, 1, 0, 0xff, 0xff, 0xff, 0xff}, 8, {256, -1}},
        {3, {0x40, 0x20, 0, 0, 0xc0, 0, 0, 0}, 8, {2.5f, -2}},
        {4, {0, 1, 0xff, 0xfe}, 4, {1, -2}},
    };
    (void)state;
    for (int i = 0; i < 4; i++)
        for (int packed = 0; packed < 2; packed++) {
            struct bytes file = {0};
            build_mgh(&file, 2, cases[i].type, cases[i].bytes, cases[i].size);
            if (packed)
                build_gzip(&file);
            assert_values(&file, 2, cases[i].values);
            bytes_free(&file);
        }
}

static void mgh_damaged(void **state)
{
    static const struct {
        size_t at;
        const char *bytes;
        size_t size;
        const char *error;
    } cases[] = {
        {4, "\0\0\0\3", 4, "truncated: 8 bytes of data, but its dimensions and type need 12"},
        {4, "\0\0\0\0", 4, "0 x 1 x 1 values in 1 frames"},
        {4, "\xff\xff\xff\xff", 4, "-1 x 1 x 1 values"},
        {4, "\x7f\xff\xff\xff\x7f\xff\xff\xff\x7f\xff\xff\xff", 12, "1 to 268435456 values"},
        {4, "\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\2", 16, "2 frames: one is wanted"},
        {4, "\0\0\0\2\0\0\0\2\0\0\0\1\0\0\0\1\0\0\0\4", 20, "a volume of 2 x 2 x 1: a number per"},
        {20, "\0\0\0\2", 4, "data type 2: uint8 (0), int32 (1), float32 (3) and int16 (4)"},
        {0, "\0\0\0\2", 4, "an .annot file or none that is known: values are read of"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bytes file = {0};
        build_mgh(&file, 2, 3, "\0\0\0\0\0\0\0\0", 8);
        memcpy(file.at + cases[i].at, cases[i].bytes, cases[i].size);
        assert_values_refused(&file, cases[i].error);
        file.size = 283;
        memcpy(file.at, "\0\0\0\1", 4);
        assert_values_refused(&file, "truncated in its header of 284 bytes");
        bytes_free(&file);
    }
}

static void labels_of_numbers(void **state)
{
    struct vertex_labels labels;
    struct bytes file = {0};
    (void)state;
    build_curv(&file, 3, (const float[]){3, -1, 0});
    must(vertex_labels_read(write(&file), &labels));
    assert_int_equal(labels.count, 3);
    assert_int_equal(labels.entry_count, 0);
    assert_memory_equal(labels.keys, ((int32_t[]){3, -1, 0}), 12);
    vertex_labels_free(&labels);
    for (int i = 0; i < 3; i++) {
        static const float wrong[] = {0.5f, NAN, 3e9f};
        static const char *const said[] = {"value 0.5", "value nan", "value 3e+09"};
        bytes_free(&file);
        build_curv(&file, 2, (const float[]){3, wrong[i]});
        assert_labels_refused(&file, "vertex 1 has the ");
        assert_error(said[i]);
        assert_error(": labels are whole numbers of 32 bits");
    }
    bytes_free(&file);
}

static void annot(void **state)
{
    (void)state;
    for (int version = 1; version < 3; version++) {
        struct vertex_labels labels;
        struct bytes file = {0};
        build_annot(&file, version);
        must(vertex_labels_read(write(&file), &labels));
        assert_int_equal(labels.count, 4);
        assert_int_equal(labels.entry_count, 3);
        assert_memory_equal(labels.keys, ((int32_t[]){1, 2, -1, 1}), 16);
        assert_int_equal(labels.entries[2].key, 2);
        assert_string_equal(labels.entries[2].name, "V2");
        assert_memory_equal(labels.entries[2].color, ((uint8_t[]){0, 1, 2, 200}), 4);
        vertex_labels_free(&labels);
        memcpy(file.at + 8, "\0\0\1\0", 4); // no entry has this value, 256, but one a larger one
        must(vertex_labels_read(write(&file), &labels));
        assert_memory_equal(labels.keys, ((int32_t[]){-1, 2, -1, 1}), 16);
        vertex_labels_free(&labels);
        for (size_t size = 4; size < file.size; size++) {
            struct bytes cut = {file.at, size};
            assert_labels_refused(&cut, size == 36 ? "no table of labels" : "truncated");
        }
        bytes_free(&file);
    }
}

// Of version 2: count, 4 pairs, 1, -2, 3, 4, "abc", 3; entries of 4 numbers after a key and a name.
enum { VERSION = 40, ENTRIES = 56, KEY = 60, NAME_SIZE = 64, NAME = 68, COLOR = 76 };

static void annot_damaged(void **state)
{
    static const struct {
        size_t at;
        const char *bytes;
        size_t size;
        const char *error;
    } cases[] = {
        {0, "\4\0\0\0", 4, "none that is known: labels are read of .annot, .label"},
        {0, "\0\0\0\0", 4, "0 vertices: 1 to 10000000"},
        {4, "\0\0\0\4", 4, "vertex 4, but it has 4 vertices: damaged, or no .annot file"},
        {4, "\xff\xff\xff\xff", 4, "vertex -1"},
        {36, "\0\0\0\0", 4, "it has no table of labels"},
        {VERSION, "\xff\xff\xff\xfd", 4, "a table of labels of version 3: 1 and 2 are read"},
        {VERSION, "\x80\0\0\0", 4, "a table of labels of version 2147483648: 1 and 2 are read"},
        {VERSION + 8, "\x7f\xff\xff\xff", 4, "a text of 2147483647 bytes in its table"},
        {ENTRIES, "\x7f\xff\xff\xff", 4, "2147483647 labels: truncated, or more than 100000"},
        {KEY, "\0\0\0\3", 4, "label 3 in a table of labels 0 to 2"},
        {KEY, "\0\0\0\1", 4, "its table has label 1 twice"},
        {NAME, "\x1b[1m", 4, "label 0 has a name with bytes that are no text"},
        {NAME, "\xc3(", 2, "label 0 has a name with bytes that are no text"},
        {COLOR, "\0\0\1\0", 4, "label 0 has a colour of 256: 0 to 255 are allowed"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct bytes file = {0};
        build_annot(&file, 2);
        memcpy(file.at + cases[i].at, cases[i].bytes, cases[i].size);
        assert_labels_refused(&file, cases[i].error);
        bytes_free(&file);
    }
}

static void label_text(void **state)
{
    static const struct {
        const char *text, *error;
    } cases[] = {
        {"#!ascii label", "its second line is not a number of vertices"},
        {"#!ascii label\nx\n", "its second line is not a number of vertices"},
        {"#\n0\n", "0 vertices: truncated, or not 1 to 10000000"},
        {"#\n1000\n1 0 0 0 0\n", "1000 vertices: truncated"},
        {"#\n2\n1 0 0 0 0\n", "1 of its 2 vertices are there: truncated or damaged"},
        {"#\n1\n-1 0 0 0 0\n", "vertex -1: 0 to 9999999 are allowed"},
        {"#\n1\n1.5 0 0 0 0\n", "0 of its 1 vertices are there"},
    };
    struct vertex_labels labels;
    struct bytes file = {0};
    (void)state;
    bytes_text(&file, "#!ascii label  , from subject a\r\n2\r\n5  -1.0  2.0 3.0 0.0\r\n2 0 0 0 0");
    must(vertex_labels_read(write(&file), &labels));
    assert_int_equal(labels.count, 6);
    assert_int_equal(labels.entry_count, 0);
    assert_memory_equal(labels.keys, ((int32_t[]){0, 0, 1, 0, 0, 1}), 24);
    vertex_labels_free(&labels);
    file.at[file.size - 3] = 0;
    assert_labels_refused(&file, "bytes that are no text");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        bytes_free(&file);
        bytes_text(&file, cases[i].text);
        assert_labels_refused(&file, cases[i].error);
    }
    bytes_free(&file);
}

static void written_labels_are_read(void **state)
{
    struct label_entry entries[] = {{1, "V1", {255, 0, 0, 255}}, {3, "V<3>&", {0, 7, 0, 9}}};
    int32_t keys[] = {1, 0, 3, -1, 2};
    const struct vertex_labels labels = {5, keys, entries, 2};
    struct vertex_labels read;
    (void)state;
    must(annot_write(scratch_path("lh.annot"), &labels));
    must(vertex_labels_read(scratch_path("lh.annot"), &read));
    assert_memory_equal(read.keys, ((int32_t[]){1, 0, 3, 0, 0}), 20);
    assert_int_equal(read.entry_count, 3);
    assert_string_equal(read.entries[0].name, "unknown");
    assert_memory_equal(read.entries[0].color, ((uint8_t[]){25, 5, 25, 255}), 4);
    assert_memory_equal(&read.entries[1], &entries[0], sizeof(entries[0]));
    assert_memory_equal(&read.entries[2], &entries[1], sizeof(entries[0]));
    vertex_labels_free(&read);
    entries[0].key = 0; // a label like any other: what has none is not its
    must(annot_write(scratch_path("lh.annot"), &labels));
    must(vertex_labels_read(scratch_path("lh.annot"), &read));
    assert_memory_equal(read.keys, ((int32_t[]){-1, 0, 3, -1, -1}), 20);
    assert_int_equal(read.entry_count, 2);
    vertex_labels_free(&read);
    entries[0].key = 1;
    must(gifti_write_labels(scratch_path("lh.label.gii"), &labels, true));
    must(vertex_labels_read(scratch_path("lh.label.gii"), &read));
    assert_memory_equal(read.keys, ((int32_t[]){1, 0, 3, 0, 2}), 20);
    assert_int_equal(read.entry_count, 3);
    assert_string_equal(read.entries[0].name, "???");
    assert_memory_equal(&read.entries[1], &entries[0], sizeof(entries[0]));
    assert_memory_equal(&read.entries[2], &entries[1], sizeof(entries[0]));
    vertex_labels_free(&read);
    must(mgz_write_labels(scratch_path("lh.mgz"), 5, keys));
    must(vertex_labels_read(scratch_path("lh.mgz"), &read));
    assert_memory_equal(read.keys, keys, 20);
    vertex_labels_free(&read);
}

// Each byte of a colour is a number of GIFTI that gives the byte again.
static void colors_survive_gifti(void **state)
{
    struct label_entry *entries = calloc(256, sizeof(*entries));
    int32_t key = 1;
    struct vertex_labels labels = {1, &key, entries, 256}, read;
    (void)state;
    for (int i = 0; i < 256; i++)
        entries[i] = (struct label_entry){i, "a", {(uint8_t)i, 0, (uint8_t)(255 - i), 255}};
    must(gifti_write_labels(scratch_path("a.gii"), &labels, false));
    must(vertex_labels_read(scratch_path("a.gii"), &read));
    assert_int_equal(read.entry_count, 256);
    assert_memory_equal(read.entries, entries, 256 * sizeof(*entries));
    vertex_labels_free(&read);
    free(entries);
}

static void annot_refuses_to_write(void **state)
{
    static const struct {
        struct label_entry entries[2];
        const char *error;
    } cases[] = {
        {{{1, "a", {1, 2, 3, 0}}, {2, "b", {1, 2, 3, 255}}}, "labels 1 and 2 have the same colour"},
        {{{1, "a", {1, 2, 3, 0}}, {1, "b", {1, 2, 4, 255}}}, "its table has label 1 twice"},
        {{{1, "a", {1, 2, 3, 0}}, {2, "b", {0, 0, 0, 255}}}, "label 2 (b) is black"},
        {{{-1, "a", {1, 2, 3, 0}}, {2, "b", {2, 0, 0, 255}}}, "label -1: .annot files have 0 to"},
        {{{1, "a", {1, 2, 3, 0}}, {2, "b", {25, 5, 25, 255}}}, "have the same colour"}, // unknown's
    };
    int32_t key = 1;
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct label_entry entries[2];
        memcpy(entries, cases[i].entries, sizeof(entries));
        const struct vertex_labels labels = {1, &key, entries, 2};
        struct vertex_labels read;
        assert_false(annot_write(scratch_path("refused.annot"), &labels));
        assert_error("refused.annot: ");
        assert_error(cases[i].error);
        assert_false(vertex_labels_read(scratch_path("refused.annot"), &read));
    }
}

static void written_values_are_read(void **state)
{
    static const float numbers[] = {1.25f, -3e30f, 0, INFINITY};
    static const char *const names[] = {"a.mgz", "a.mgh"};
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct vertex_values values;
        const char *path = scratch_path("%s", names[i]);
        must(mgz_write_values(path, 4, 1, numbers));
        must(vertex_values_read(path, &values));
        assert_int_equal(values.count, 4);
        assert_memory_equal(values.values, numbers, sizeof(numbers));
        vertex_values_free(&values);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(curv),
        cmocka_unit_test(mgh_types),
        cmocka_unit_test(mgh_damaged),
        cmocka_unit_test(labels_of_numbers),
        cmocka_unit_test(annot),
        cmocka_unit_test(annot_damaged),
        cmocka_unit_test(label_text),
        cmocka_unit_test(written_labels_are_read),
        cmocka_unit_test(colors_survive_gifti),
        cmocka_unit_test(annot_refuses_to_write),
        cmocka_unit_test(written_values_are_read),
    };
    const int failed = cmocka_run_group_tests_name("vertex", tests, NULL, NULL);
    scratch_remove();
    return failed;
}
