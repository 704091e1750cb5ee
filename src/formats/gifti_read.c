// SPDX-License-Identifier: MIT
// Format: GIFTI 1.0 (NITRC), by expat. Its document type is never fetched; one with declarations of
// its own (entities, which may grow without end) is refused.
#include "formats/gifti.h"

#include "formats/bytes.h"
#include "formats/gifti_data.h"
#include "formats/label_entries.h"
#include "formats/unpack.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/memory.h"

#include <expat.h>
#include <math.h>
#include <stdlib.h>

enum { MOST_ARRAYS = 1000, MOST_ENTRIES = 100000 };
enum collected { NOTHING, DATA, LABEL };

struct parser {
    XML_Parser xml;
    struct gifti *gifti;
    bool failed; // with a message that a handler has set
    bool is_gifti;
    int64_t arrays_said;       // -1: not said
    struct gifti_array *array; // inside of a DataArray, else NULL
    enum gifti_encoding encoding;
    bool big_endian;
    size_t bytes; // of the numbers of all arrays
    struct label_entry entry;
    enum collected collected; // what the characters belong to
    char *text;               // NUL-terminated
    size_t size, room;
};

struct named_number {
    const char *name;
    int number;
};

static const struct named_number types[] = {
    {"NIFTI_TYPE_UINT8", ELEMENT_U8},    {"NIFTI_TYPE_INT32", ELEMENT_I32},
    {"NIFTI_TYPE_FLOAT32", ELEMENT_F32}, {"NIFTI_TYPE_FLOAT64", ELEMENT_F64},
    {"NIFTI_TYPE_INT64", ELEMENT_I64},   {"NIFTI_TYPE_INT16", ELEMENT_I16},
    {"NIFTI_TYPE_INT8", ELEMENT_I8},     {"NIFTI_TYPE_UINT32", ELEMENT_U32},
    {"NIFTI_TYPE_UINT16", ELEMENT_U16},  {NULL, 0},
};
static const struct named_number encodings[] = {
    {"ASCII", GIFTI_ASCII},
    {"Base64Binary", GIFTI_BASE64},
    {"GZipBase64Binary", GIFTI_GZIP_BASE64},
    {"GIFTI_ENCODING_ASCII", GIFTI_ASCII},
    {"GIFTI_ENCODING_B64BIN", GIFTI_BASE64},
    {"GIFTI_ENCODING_B64GZ", GIFTI_GZIP_BASE64},
    {NULL, 0},
};
static const struct named_number endians[] = {
    {"LittleEndian", 0},     {"BigEndian", 1}, {"GIFTI_ENDIAN_LITTLE", 0},
    {"GIFTI_ENDIAN_BIG", 1}, {NULL, 0},
};
static const struct named_number orders[] = {
    {"RowMajorOrder", 0},
    {"ColumnMajorOrder", 1},
    {NULL, 0},
};

// The attribute of that name, or NULL.
static const char *attribute(const char **attributes, const char *name)
{
    for (; *attributes; attributes += 2)
        if (strcmp(*attributes, name) == 0)
            return attributes[1];
    return NULL;
}

static bool named(const char **attributes, const char *name, const struct named_number *table,
                  int *number)
{
    const char *value = attribute(attributes, name);
    for (; value && table->name; table++)
        if (strcmp(table->name, value) == 0) {
            *number = table->number;
            return true;
        }
    if (!value)
        return error_set("it has no %s", name);
    if (!is_printable((const uint8_t *)value, strlen(value)))
        value = "(no text)";
    return error_set("%s %.60s is not read", name, value);
}

static bool whole_number(const char *text, int64_t *number)
{
    char *end;
    *number = strtoll(text, &end, 10);
    return end != text && end[strspn(end, " \t\r\n")] == '\0';
}

static bool read_dims(struct parser *parser, const char **attributes, struct gifti_array *array)
{
    const char *said = attribute(attributes, "Dimensionality");
    int64_t rank = 0;
    if (!said || !whole_number(said, &rank) || rank < 1 || rank > 6)
        return error_set("its Dimensionality is not 1 to 6");
    array->rank = (int)rank;
    for (int i = 0; i < array->rank; i++) {
        const char name[] = {'D', 'i', 'm', (char)('0' + i), 0}, *dim = attribute(attributes, name);
        if (!dim || !whole_number(dim, &array->dims[i]) || array->dims[i] < 1)
            return error_set("its %s is no whole number above 0", name);
    }
    const size_t step = parser->encoding == GIFTI_ASCII ? 8 : element_size(array->element);
    if (!element_count(array->rank, array->dims, &array->count) ||
        (parser->bytes += array->count * step) > UNPACKED_LIMIT)
        return error_set("more than %zu MiB of numbers", UNPACKED_LIMIT >> 20);
    return true;
}

static bool begin_array(struct parser *parser, const char **attributes)
{
    struct gifti *gifti = parser->gifti;
    struct gifti_array array = {.intent = GIFTI_OTHER};
    int element, encoding, big_endian = 0, column_major = 0;
    const char *intent = attribute(attributes, "Intent"), *said = attribute(attributes, "Encoding");
    if (parser->array)
        return error_set("an array in an array");
    if (gifti->count == MOST_ARRAYS)
        return error_set("more than %d arrays", MOST_ARRAYS);
    if (said &&
        (strcmp(said, "ExternalFileBinary") == 0 || strcmp(said, "GIFTI_ENCODING_EXTBIN") == 0))
        return error_set(
            "array %d: its numbers are in another file (ExternalFileBinary), which is "
            "not read: wb_command -gifti-convert puts them in",
            gifti->count + 1);
    if (intent && strcmp(intent, "NIFTI_INTENT_POINTSET") == 0)
        array.intent = GIFTI_POINTSET;
    if (intent && strcmp(intent, "NIFTI_INTENT_TRIANGLE") == 0)
        array.intent = GIFTI_TRIANGLE;
    if (!named(attributes, "DataType", types, &element) ||
        !named(attributes, "Encoding", encodings, &encoding) ||
        (encoding != GIFTI_ASCII && !named(attributes, "Endian", endians, &big_endian)) ||
        (attribute(attributes, "ArrayIndexingOrder") &&
         !named(attributes, "ArrayIndexingOrder", orders, &column_major)))
        return error_prefix("array %d", gifti->count + 1);
    array.element = (enum element)element;
    array.column_major = column_major;
    parser->encoding = (enum gifti_encoding)encoding;
    parser->big_endian = big_endian;
    if (!read_dims(parser, attributes, &array))
        return error_prefix("array %d", gifti->count + 1);
    gifti->arrays =
        mem_reserve(gifti->arrays, &gifti->room, (size_t)gifti->count + 1, sizeof(array));
    gifti->arrays[gifti->count] = array;
    parser->array = &gifti->arrays[gifti->count++];
    return true;
}

static uint8_t color(const char **attributes, const char *name, double otherwise)
{
    const char *said = attribute(attributes, name);
    const double value = said ? strtod(said, NULL) : otherwise;
    return value > 0 ? (uint8_t)lrint(255 * fmin(value, 1)) : 0;
}

static bool begin_label(struct parser *parser, const char **attributes)
{
    static const char *const colors[] = {"Red", "Green", "Blue", "Alpha"};
    const char *said = attribute(attributes, "Key");
    int64_t key;
    if (!said)
        said = attribute(attributes, "Index"); // of older files
    if (!said || !whole_number(said, &key) || key < INT32_MIN || key > INT32_MAX)
        return error_set("a label has no Key that is a whole number");
    if (parser->gifti->entry_count == MOST_ENTRIES)
        return error_set("more than %d labels", MOST_ENTRIES);
    parser->entry = (struct label_entry){.key = (int)key};
    for (int i = 0; i < 4; i++)
        parser->entry.color[i] = color(attributes, colors[i], i == 3);
    return true;
}

static bool begin_element(struct parser *parser, const char *name, const char **attributes)
{
    if (!parser->is_gifti) {
        if (strcmp(name, "GIFTI") != 0)
            return error_set("an XML file that is not GIFTI");
        parser->is_gifti = true;
        const char *said = attribute(attributes, "NumberOfDataArrays");
        if (said && !whole_number(said, &parser->arrays_said))
            return error_set("its NumberOfDataArrays is no whole number");
    } else if (parser->collected != NOTHING) {
        return error_set("an element inside of %s", parser->collected == DATA ? "Data" : "Label");
    } else if (strcmp(name, "DataArray") == 0) {
        return begin_array(parser, attributes);
    } else if (strcmp(name, "Data") == 0) {
        if (!parser->array || parser->array->data)
            return error_set("Data that belongs to no array");
        parser->collected = DATA;
    } else if (strcmp(name, "Label") == 0) {
        parser->collected = LABEL;
        return begin_label(parser, attributes);
    }
    return true;
}

static bool end_label(struct parser *parser)
{
    struct gifti *gifti = parser->gifti;
    char *text = parser->text;
    size_t size = parser->size;
    for (; size > 0 && strchr(" \t\r\n", text[size - 1]); size--)
        ;
    for (; size > 0 && strchr(" \t\r\n", *text); size--)
        text++;
    if (!label_entry_name(&parser->entry, size > 0 ? text : "", size))
        return false;
    gifti->entries = mem_reserve(gifti->entries, &gifti->entry_room, (size_t)gifti->entry_count + 1,
                                 sizeof(parser->entry));
    gifti->entries[gifti->entry_count++] = parser->entry;
    return true;
}

static bool end_element(struct parser *parser, const char *name)
{
    const enum collected collected = parser->collected;
    parser->collected = NOTHING;
    bool good = true;
    if (collected == DATA)
        good = gifti_decode(parser->size ? parser->text : (char[]){""}, parser->size,
                            parser->encoding, parser->big_endian, parser->array) ||
               error_prefix("array %d", parser->gifti->count);
    else if (collected == LABEL)
        good = end_label(parser);
    else if (strcmp(name, "DataArray") == 0) {
        good = parser->array->data || error_set("array %d: it has no Data", parser->gifti->count);
        parser->array = NULL;
    }
    parser->size = 0;
    return good;
}

static void stop_unless(struct parser *parser, bool good)
{
    if (good || parser->failed)
        return;
    parser->failed = true;
    XML_StopParser(parser->xml, XML_FALSE);
}

static void XMLCALL on_start(void *context, const XML_Char *name, const XML_Char **attributes)
{
    struct parser *parser = context;
    if (!parser->failed)
        stop_unless(parser, begin_element(parser, name, attributes));
}

static void XMLCALL on_end(void *context, const XML_Char *name)
{
    struct parser *parser = context;
    if (!parser->failed)
        stop_unless(parser, end_element(parser, name));
}

static void XMLCALL on_text(void *context, const XML_Char *text, int size)
{
    struct parser *parser = context;
    if (parser->collected == NOTHING || parser->failed)
        return;
    parser->text = mem_reserve(parser->text, &parser->room, parser->size + (size_t)size + 1, 1);
    memcpy(parser->text + parser->size, text, (size_t)size);
    parser->size += (size_t)size;
    parser->text[parser->size] = 0;
}

static void XMLCALL on_doctype(void *context, const XML_Char *name, const XML_Char *system,
                               const XML_Char *public, int has_declarations)
{
    (void)name, (void)system, (void)public;
    stop_unless(context, !has_declarations ||
                             error_set("its document type has declarations of its own, which no "
                                       "GIFTI file needs"));
}

static bool parse(struct parser *parser, const uint8_t *bytes, size_t size)
{
    const XML_Parser xml = parser->xml;
    XML_SetUserData(xml, parser);
    XML_SetElementHandler(xml, on_start, on_end);
    XML_SetCharacterDataHandler(xml, on_text);
    XML_SetStartDoctypeDeclHandler(xml, on_doctype);
    const enum XML_Status status = XML_Parse(xml, (const char *)bytes, (int)size, 1);
    if (parser->failed)
        return false;
    if (status != XML_STATUS_OK)
        return error_set("line %lu: %s: truncated or damaged XML",
                         (unsigned long)XML_GetCurrentLineNumber(xml),
                         XML_ErrorString(XML_GetErrorCode(xml)));
    const struct gifti *gifti = parser->gifti;
    if (parser->arrays_said >= 0 && parser->arrays_said != gifti->count)
        return error_set("%d arrays, but it says that they are %lld", gifti->count,
                         (long long)parser->arrays_said);
    return label_entries_check(gifti->entries, gifti->entry_count);
}

bool gifti_open(const uint8_t *bytes, size_t size, struct gifti *gifti)
{
    struct parser parser = {.gifti = gifti, .arrays_said = -1, .xml = XML_ParserCreate(NULL)};
    *gifti = (struct gifti){0};
    if (!parser.xml)
        return error_set("no memory for a parser of XML");
    const bool read = parse(&parser, bytes, size);
    XML_ParserFree(parser.xml);
    free(parser.text);
    return read;
}

void gifti_close(struct gifti *gifti)
{
    for (int i = 0; i < gifti->count; i++)
        free(gifti->arrays[i].data);
    free(gifti->arrays);
    free(gifti->entries);
    *gifti = (struct gifti){0};
}

bool gifti_vertex_array(const struct gifti *gifti, struct vertex_array *array)
{
    const struct gifti_array *found = NULL;
    int others = 0;
    for (int i = 0; i < gifti->count; i++)
        if (gifti->arrays[i].intent == GIFTI_OTHER) {
            found = &gifti->arrays[i];
            others++;
        }
    if (others != 1)
        return error_set("%d arrays of a number per vertex: one is wanted%s", others,
                         others > 1 ? " (wb_command -metric-merge or -label-merge takes one out)"
                                    : "");
    for (int i = 0; i < found->rank; i++)
        if (found->dims[i] != 1 && found->dims[i] != (int64_t)found->count)
            return error_set("an array of several numbers per vertex: one is wanted");
    if (found->count > SURFACE_VERTICES)
        return error_set("%zu vertices: 1 to %d are allowed", found->count, SURFACE_VERTICES);
    *array = (struct vertex_array){found->element, found->count, found->data};
    return true;
}
