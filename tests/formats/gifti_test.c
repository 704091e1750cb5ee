// SPDX-License-Identifier: MIT
// GIFTI: encodings, tables of labels, and what is refused of XML.
#include "tests/formats/build_surface.h"
#include "tests/formats/scratch.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/formats/surface.h"

#include <stdlib.h>

static const struct gifti_text shape = {
    "SHAPE",     "FLOAT32", "ASCII", "LittleEndian", "RowMajorOrder", "Dimensionality='1' Dim0='3'",
    "1.5 -2 1e2"};

static const char *write(const char *text)
{
    return scratch_write(scratch_path("a.gii"), text, strlen(text));
}

static const char *build(const char *labels, const struct gifti_text *arrays, int count)
{
    struct bytes file = {0};
    build_gifti(&file, labels, arrays, count);
    scratch_write(scratch_path("a.gii"), file.at, file.size);
    bytes_free(&file);
    return scratch_path("a.gii");
}

static void assert_refused(const char *path, const char *error)
{
    struct vertex_values values;
    assert_false(vertex_values_read(path, &values));
    assert_error("a.gii: ");
    assert_error(error);
    assert_null(values.values);
}

static void assert_read(const struct gifti_text *array)
{
    struct vertex_values values;
    must(vertex_values_read(build("", array, 1), &values));
    assert_int_equal(values.count, 3);
    assert_true(values.values[0] == 1.5f && values.values[1] == -2 && values.values[2] == 100);
    vertex_values_free(&values);
}

static void encodings(void **state)
{
    static const float values[] = {1.5f, -2, 100};
    (void)state;
    assert_read(&shape);
    for (int i = 0; i < 4; i++) {
        struct gifti_text array = shape;
        struct bytes data = {0};
        if (i < 2)
            bytes_add(&data, values, 12);
        else
            bytes_floats(&data, 3, values);
        char *text = build_base64(data.at, 12, i % 2);
        char *spaced = text_format(" %.5s\n\t%s\r\n", text, text + 5);
        array.endian = i < 2 ? "LittleEndian" : "BigEndian";
        array.encoding = i % 2 ? "GZipBase64Binary" : "Base64Binary";
        array.data = spaced;
        array.dims = "Dimensionality='2' Dim0='3' Dim1='1'";
        assert_read(&array);
        array.dims = "Dimensionality='1' Dim0='4'";
        assert_refused(build("", &array, 1),
                       "array 1: 12 bytes of data, but its dimensions and type need 16");
        array.dims = "Dimensionality='1' Dim0='2'";
        assert_refused(build("", &array, 1),
                       i % 2 ? "array 1: more than 8 bytes of data come out of its compressed bytes"
                             : "array 1: 12 bytes of data, but its dimensions and type need 8");
        array.dims = "Dimensionality='1' Dim0='99999'";
        assert_refused(build("", &array, 1), "array 1: ");
        free(spaced);
        free(text);
        bytes_free(&data);
    }
}

static void attributes(void **state)
{
    static const struct {
        struct gifti_text array;
        const char *error;
    } cases[] = {
        {{.encoding = "ExternalFileBinary"}, "array 1: its numbers are in another file"},
        {{.encoding = "Base85"}, "array 1: Encoding Base85 is not read"},
        {{.type = "RGB24"}, "array 1: DataType NIFTI_TYPE_RGB24 is not read"},
        {{.order = "Diagonal"}, "array 1: ArrayIndexingOrder Diagonal is not read"},
        {{.encoding = "Base64Binary", .endian = "Middle"}, "array 1: Endian Middle is not read"},
        {{.dims = "Dim0='3'"}, "array 1: its Dimensionality is not 1 to 6"},
        {{.dims = "Dimensionality='7'"}, "array 1: its Dimensionality is not 1 to 6"},
        {{.dims = "Dimensionality='2' Dim0='3'"}, "array 1: its Dim1 is no whole number above 0"},
        {{.dims = "Dimensionality='1' Dim0='-3'"}, "array 1: its Dim0 is no whole number above 0"},
        {{.dims = "Dimensionality='1' Dim0='3x'"}, "array 1: its Dim0 is no whole number above 0"},
        {{.dims = "Dimensionality='2' Dim0='99999' Dim1='99999'"},
         "array 1: more than 512 MiB of numbers"},
        {{.dims = "Dimensionality='2' Dim0='1' Dim1='3'", .data = "1.0 2.0"},
         "array 1: number 3 of 3: missing or no number"},
        {{.data = "1 2 3 4"}, "array 1: more than the 3 numbers of its dimensions"},
        {{.data = "1 2 3x"}, "array 1: number 3 of 3: missing or no number"},
        {{.data = ""}, "array 1: 0 bytes of text, but its dimensions need 3 numbers"},
        {{.encoding = "Base64Binary", .data = "AAAA!AAA"}, "array 1: its data is not base64"},
        {{.encoding = "Base64Binary", .data = "AA=A"}, "array 1: its data is not base64"},
        {{.encoding = "Base64Binary", .data = "AAAAA"}, "array 1: its base64 data is truncated"},
        {{.encoding = "GZipBase64Binary", .data = "AAAAAAAA"},
         "array 1: its compressed bytes are damaged"},
        {{.dims = "Dimensionality='2' Dim0='3' Dim1='2'", .data = "1 2 3 4 5 6"},
         "an array of several numbers per vertex: one is wanted"},
        {{.intent = "POINTSET"}, "0 arrays of a number per vertex: one is wanted"},
        {{.data = "<b/>"}, "an element inside of Data"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gifti_text array = shape;
        const char *const *from = &cases[i].array.intent, **to = &array.intent;
        for (size_t k = 0; k < sizeof(array) / sizeof(*to); k++)
            to[k] = from[k] ? from[k] : to[k];
        assert_refused(build("", &array, 1), cases[i].error);
    }
    assert_refused(build("", (const struct gifti_text[]){shape, shape}, 2),
                   "2 arrays of a number per vertex: one is wanted (wb_command");
}

static void labels(void **state)
{
    static const struct {
        const char *table, *error;
    } cases[] = {
        {"<Label>a</Label>", "a label has no Key that is a whole number"},
        {"<Label Key='x'>a</Label>", "a label has no Key that is a whole number"},
        {"<Label Key='5000000000'>a</Label>", "a label has no Key that is a whole number"},
        {"<Label Key='1'>a</Label><Label Key='1'>b</Label>", "its table has label 1 twice"},
        {"<Label Key='1'>a\nb</Label>", "label 1 has a name with bytes that are no text"},
    };
    struct gifti_text array = shape;
    struct vertex_labels read;
    (void)state;
    array.type = "INT32";
    array.intent = "LABEL";
    array.data = "7 -1 0";
    must(vertex_labels_read(build("<Label Key='7' Red='1' Green='0.5' Blue='7' Alpha='nan'>"
                                  "<![CDATA[ <V1> ]]>&amp;\n</Label><Label Index='-1'></Label>",
                                  &array, 1),
                            &read));
    assert_int_equal(read.count, 3);
    assert_memory_equal(read.keys, ((int32_t[]){7, -1, 0}), 12);
    assert_int_equal(read.entry_count, 2);
    assert_string_equal(read.entries[0].name, "<V1> &");
    assert_memory_equal(read.entries[0].color, ((uint8_t[]){255, 128, 255, 0}), 4);
    assert_int_equal(read.entries[1].key, -1);
    assert_string_equal(read.entries[1].name, "");
    assert_memory_equal(read.entries[1].color, ((uint8_t[]){0, 0, 0, 255}), 4);
    vertex_labels_free(&read);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_false(vertex_labels_read(build(cases[i].table, &array, 1), &read));
        assert_error("a.gii: ");
        assert_error(cases[i].error);
    }
    char name[200];
    memset(name, 'a', sizeof(name));
    char *table = text_format("<Label Key='1'>%.128s</Label>", name);
    assert_false(vertex_labels_read(build(table, &array, 1), &read));
    assert_error("label 1 has a name of 128 bytes: at most 127 are allowed");
    free(table);
}

static void documents(void **state)
{
    static const struct {
        const char *text, *error;
    } cases[] = {
        {"<svg/>", "an XML file that is not GIFTI"},
        {"<GIFTI/>", "0 arrays of a number per vertex"},
        {"<GIFTI NumberOfDataArrays='2'/>", "0 arrays, but it says that they are 2"},
        {"<GIFTI NumberOfDataArrays='x'/>", "its NumberOfDataArrays is no whole number"},
        {"<GIFTI>\n\n<MetaData>", "line 3: no element found: truncated or damaged XML"},
        {"<GIFTI><a></b></GIFTI>", "line 1: mismatched tag: truncated or damaged XML"},
        {"<GIFTI><Data>1</Data></GIFTI>", "Data that belongs to no array"},
        {"<GIFTI><DataArray Intent='x' DataType='NIFTI_TYPE_UINT8' Encoding='ASCII' "
         "Dimensionality='1' Dim0='1'></DataArray></GIFTI>",
         "array 1: it has no Data"},
        {"<GIFTI><DataArray Encoding='ASCII'/></GIFTI>", "array 1: it has no DataType"},
        // A bomb of entities, and a file of somebody else.
        {"<!DOCTYPE GIFTI [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;'>]><GIFTI>&b;</GIFTI>",
         "its document type has declarations of its own"},
        {"<!DOCTYPE GIFTI [<!ENTITY a SYSTEM '/etc/passwd'>]><GIFTI><Data>&a;</Data></GIFTI>",
         "its document type has declarations of its own"},
        {"<!DOCTYPE GIFTI SYSTEM 'file:///etc/passwd'><GIFTI>&a;</GIFTI>",
         "0 arrays of a number per vertex"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_refused(write(cases[i].text), cases[i].error);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encodings),
        cmocka_unit_test(attributes),
        cmocka_unit_test(labels),
        cmocka_unit_test(documents),
    };
    const int failed = cmocka_run_group_tests_name("gifti", tests, NULL, NULL);
    scratch_remove();
    return failed;
}
