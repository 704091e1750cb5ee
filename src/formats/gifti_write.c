// SPDX-License-Identifier: MIT
// Format: GIFTI 1.0 (NITRC), with what connectome-workbench looks for: which cortex it is.
#include "vkgrid/formats/surface.h"

#include "formats/label_entries.h"
#include "formats/unpack.h"
#include "vkgrid/base/base64.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/file.h"
#include "vkgrid/base/memory.h"

#include <stdlib.h>
#include <string.h>

static void add_escaped(struct text *xml, const char *text)
{
    for (; *text; text++)
        switch (*text) {
        case '<':
            text_add(xml, "&lt;");
            break;
        case '>':
            text_add(xml, "&gt;");
            break;
        case '&':
            text_add(xml, "&amp;");
            break;
        default:
            text_add(xml, "%c", *text);
        }
}

static void add_head(struct text *xml, bool left)
{
    text_add(xml,
             "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
             "<!DOCTYPE GIFTI SYSTEM \"http://gifti.projects.nitrc.org/gifti.dtd\">\n"
             "<GIFTI Version=\"1.0\" NumberOfDataArrays=\"1\">\n"
             "  <MetaData>\n"
             "    <MD>\n"
             "      <Name>AnatomicalStructurePrimary</Name>\n");
    text_add(xml, "      <Value>Cortex%s</Value>\n    </MD>\n  </MetaData>\n",
             left ? "Left" : "Right");
}

// A colour as the number of 0 to 1 that gives the byte again.
static void add_color(struct text *xml, const char *name, int part)
{
    text_add(xml, " %s=\"%d.%06d\"", name, part / 255,
             part % 255 * 1000000 / 255 + (part % 255 > 0));
}

static void add_entry(struct text *xml, const struct label_entry *entry)
{
    static const char *const colors[] = {"Red", "Green", "Blue", "Alpha"};
    text_add(xml, "    <Label Key=\"%d\"", entry->key);
    for (int i = 0; i < 4; i++)
        add_color(xml, colors[i], entry->color[i]);
    text_add(xml, ">");
    add_escaped(xml, entry->name);
    text_add(xml, "</Label>\n");
}

static void add_table(struct text *xml, const struct vertex_labels *labels)
{
    static const struct label_entry none = {.name = "???"};
    bool has_none = false;
    text_add(xml, "  <LabelTable>\n");
    for (int i = 0; i < labels->entry_count; i++)
        has_none = has_none || labels->entries[i].key == 0;
    if (!has_none)
        add_entry(xml, &none);
    for (int i = 0; i < labels->entry_count; i++)
        add_entry(xml, &labels->entries[i]);
    text_add(xml, "  </LabelTable>\n");
}

// What connectome-workbench calls the map, of both hemispheres alike: the file's name without lh.
// or rh. and its ends, where that is a text.
static void add_name(struct text *xml, const char *path)
{
    static const char *const ends[] = {".gz", ".gii", ".label", ".shape", ".func"};
    struct label_entry entry = {0};
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    if (strncmp(name, "lh.", 3) == 0 || strncmp(name, "rh.", 3) == 0)
        name += 3;
    size_t size = strlen(name);
    for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
        const size_t length = strlen(ends[i]);
        if (size > length && strncmp(name + size - length, ends[i], length) == 0)
            size -= length;
    }
    if (size == 0 || !label_entry_name(&entry, name, size))
        return;
    text_add(xml, "    <MetaData>\n      <MD>\n        <Name>Name</Name>\n        <Value>");
    add_escaped(xml, entry.name);
    text_add(xml, "</Value>\n      </MD>\n    </MetaData>\n");
}

static bool add_array(struct text *xml, const char *path, int count, const int32_t *keys)
{
    size_t size;
    uint8_t *packed = pack_stream(keys, (size_t)count * sizeof(*keys), &size);
    if (!packed)
        return false;
    char *data = base64(packed, size);
    text_add(xml,
             "  <DataArray Intent=\"NIFTI_INTENT_LABEL\" DataType=\"NIFTI_TYPE_INT32\" "
             "ArrayIndexingOrder=\"RowMajorOrder\" Dimensionality=\"1\" Dim0=\"%d\" "
             "Encoding=\"GZipBase64Binary\" Endian=\"LittleEndian\" ExternalFileName=\"\" "
             "ExternalFileOffset=\"\">\n",
             count);
    add_name(xml, path);
    text_add(xml, "    <Data>%s</Data>\n  </DataArray>\n</GIFTI>\n", data);
    free(data);
    free(packed);
    return true;
}

static bool write_text(const char *path, const struct text *xml)
{
    return is_packed_name(path) ? pack_file(path, xml->bytes, xml->size)
                                : file_write(path, xml->bytes, xml->size);
}

bool gifti_write_labels(const char *path, const struct vertex_labels *labels, bool left)
{
    struct text xml = {0};
    if (!label_entries_check(labels->entries, labels->entry_count))
        return error_prefix("%s", path);
    int32_t *keys = mem_alloc((size_t)labels->count * sizeof(int32_t));
    for (int i = 0; i < labels->count; i++)
        keys[i] = labels->keys[i] < 0 ? 0 : labels->keys[i];
    add_head(&xml, left);
    add_table(&xml, labels);
    const bool written = add_array(&xml, path, labels->count, keys) && write_text(path, &xml);
    free(keys);
    free(xml.bytes);
    return written;
}
