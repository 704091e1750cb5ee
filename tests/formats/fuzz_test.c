// SPDX-License-Identifier: MIT
// Thousands of small changes to good files, the same ones on every run: every reader must end with
// a result or one line that begins with the file's name. Meant to run under the sanitizers too.
#include "tests/formats/build_surface.h"
#include "tests/formats/scratch.h"
#include "vkgrid/formats/image.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/base/random.h"
#include "vkgrid/formats/surface.h"
#include "vkgrid/formats/tensors.h"
#include "vkgrid/formats/volume.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 3000 };

static bool read_image(const char *path)
{
    struct image image;
    const bool read = image_read(path, &image);
    if (read)
        image_free(&image);
    return read;
}

static bool read_torch(const char *path)
{
    struct tensors tensors;
    char *note;
    const bool read = torch_read_state(path, &tensors, &note);
    if (read)
        tensors_free(&tensors);
    free(note);
    return read;
}

static bool read_safetensors(const char *path)
{
    struct tensors tensors;
    const bool read = safetensors_read(path, &tensors);
    if (read)
        tensors_free(&tensors);
    return read;
}

static bool read_surface(const char *path)
{
    struct surface surface;
    const bool read = surface_read(path, &surface);
    if (read)
        surface_free(&surface);
    return read;
}

static bool read_values(const char *path)
{
    struct vertex_values values;
    const bool read = vertex_values_read(path, &values);
    if (read)
        vertex_values_free(&values);
    return read;
}

static bool read_labels(const char *path)
{
    struct vertex_labels labels;
    const bool read = vertex_labels_read(path, &labels);
    if (read)
        vertex_labels_free(&labels);
    return read;
}

static bool read_volume(const char *path)
{
    struct volume volume;
    const bool read = volume_read(path, &volume);
    if (read)
        volume_free(&volume);
    return read;
}

// One to four changes: a bit, a byte that often matters, a piece copied over another, a cut.
static void mutate(struct bytes *file, struct random *random)
{
    static const uint8_t telling[] = {0,   1,   0x7f, 0x80, 0xff, '0', '9', '(',
                                      ')', '[', '{',  '"',  '-',  ',', '.', 'R'};
    for (uint32_t left = 1 + random_below(random, 4); left > 0 && file->size > 0; left--) {
        const uint32_t size = (uint32_t)file->size, at = random_below(random, size),
                       from = random_below(random, size);
        const uint32_t most = size - (at > from ? at : from),
                       length = 1 + random_below(random, most < 16 ? most : 16);
        switch (random_below(random, 8)) {
        case 0:
            file->size = random_below(random, 4) ? file->size : at;
            break;
        case 1:
            memmove(file->at + at, file->at + from, length);
            break;
        case 2:
        case 3:
            file->at[at] ^= (uint8_t)(1 << random_below(random, 8));
            break;
        default:
            file->at[at] = telling[random_below(random, sizeof(telling))];
        }
    }
}

// repair: makes checksums right again in three of four files, so that what they guard is reached.
static void fuzz(const struct bytes *good, const char *name, bool (*read)(const char *),
                 void (*repair)(struct bytes *))
{
    struct random random = random_stream(1, good->size, 0, 0);
    const char *path = scratch_path("%s", name);
    int reads = 0;
    scratch_write(path, good->at, good->size);
    must(read(path));
    for (int round = 0; round < ROUNDS; round++) {
        struct bytes file = {0};
        bytes_add(&file, good->at, good->size);
        mutate(&file, &random);
        if (repair && random_below(&random, 4) > 0)
            repair(&file);
        scratch_write(path, file.at, file.size);
        if (read(path))
            reads++;
        else
            assert_error(name);
        bytes_free(&file);
    }
    assert_in_range(reads, 1, ROUNDS - 1);
}

static void npy(void **state)
{
    struct bytes file = {0};
    (void)state;
    build_npy(&file, 1, "{'descr': '<f2', 'fortran_order': True, 'shape': (2, 3), }\n",
              "abcdefghijkl", 12);
    fuzz(&file, "a.npy", read_image, NULL);
    bytes_free(&file);
}

static void png(void **state)
{
    (void)state;
    for (int depth = 8; depth <= 16; depth += 8) { // 3 x 4 of 8-bit grey, of 16-bit grey and alpha
        const size_t row = depth == 8 ? 5 : 17;
        struct bytes file = {0};
        uint8_t pixels[3 * 17];
        for (size_t i = 0; i < 3 * row; i++)
            pixels[i] = (uint8_t)(i % row == 0 ? i / row + 1 : i * 37); // filters 1, 2, 3
        build_png(&file, 3, 4, depth, depth == 8 ? 0 : 4, pixels, 3 * row);
        fuzz(&file, "a.png", read_image, repair_png);
        bytes_free(&file);
    }
}

static void safetensors(void **state)
{
    struct bytes file = {0};
    (void)state;
    build_safetensors(&file,
                      "{\"__metadata__\":{\"a\":\"b\"},\"x\":{\"dtype\":\"F16\",\"shape\":[2,2],"
                      "\"data_offsets\":[0,8]},"
                      "\"y\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[8,12]}}",
                      "abcdefghijkl", 12);
    fuzz(&file, "a.safetensors", read_safetensors, NULL);
    bytes_free(&file);
}

// A checkpoint of protocol 4 in the format before PyTorch 1.6.
static void torch_legacy(void **state)
{
    const struct pickled_tensor tensor = {"FloatStorage", "0", 6, 0, 2, {3, 2}, {1, 3}};
    struct bytes file = {0};
    (void)state;
    bytes_text(&file,
               "\x80\x02\x8a\x0al\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."
               "\x80\x02M\xe9\x03.");
    bytes_add(&file, "\x80\x02}X\x0d\0\0\0little_endian\x88s.", 24);
    bytes_add(&file, "\x80\x04\x95\0\0\0\0\0\0\0\0}\x94(\x8c\5epoch\x94K\3\x8c\5model}", 32);
    pickle_text(&file, "x");
    pickle_tensor(&file, &tensor);
    bytes_text(&file,
               "su.\x80\x02]U\1"
               "0a.");
    bytes_add(&file, "\6\0\0\0\0\0\0\0abcdefghijklmnopqrstuvwx", 32);
    fuzz(&file, "a.pt", read_torch, NULL);
    bytes_free(&file);
}

static void torch(void **state)
{
    const struct pickled_tensor tensor = {"FloatStorage", "0", 6, 0, 2, {3, 2}, {1, 3}};
    (void)state;
    for (int zip64 = 0; zip64 < 2; zip64++) {
        struct bytes pickle = {0}, file = {0};
        bytes_text(&pickle, "\x80\x02}(");
        pickle_text(&pickle, "x");
        pickle_tensor(&pickle, &tensor);
        pickle_text(&pickle, "y");
        pickle_tensor(&pickle, &tensor);
        bytes_text(&pickle, "u.");
        const struct member members[] = {{"a/data.pkl", pickle.at, pickle.size},
                                         {"a/data/0", "abcdefghijklmnopqrstuvwx", 24}};
        build_zip(&file, members, 2, zip64);
        fuzz(&file, "a.pt", read_torch, zip64 ? NULL : repair_zip);
        bytes_free(&pickle);
        bytes_free(&file);
    }
}

static void triangles(void **state)
{
    struct bytes file = {0};
    (void)state;
    build_tetrahedron(&file);
    fuzz(&file, "lh.white", read_surface, NULL);
    bytes_free(&file);
}

static void curv(void **state)
{
    struct bytes file = {0};
    (void)state;
    build_curv(&file, 5, (const float[]){1, 2, 3, 4, 5});
    fuzz(&file, "lh.curv", read_values, NULL);
    fuzz(&file, "lh.curv", read_labels, NULL);
    bytes_free(&file);
}

static void mgh(void **state)
{
    (void)state;
    for (int packed = 0; packed < 2; packed++) {
        struct bytes file = {0};
        build_mgh(&file, 6, 4, "\0\1\0\2\0\3\0\4\0\5\0\6", 12);
        if (packed)
            build_gzip(&file);
        fuzz(&file, "lh.mgz", read_values, NULL);
        fuzz(&file, "lh.mgz", read_labels, NULL);
        fuzz(&file, "lh.mgz", read_volume, NULL);
        bytes_free(&file);
    }
}

static void annot(void **state)
{
    (void)state;
    for (int version = 1; version < 3; version++) {
        struct bytes file = {0};
        build_annot(&file, version);
        fuzz(&file, "lh.annot", read_labels, NULL);
        bytes_free(&file);
    }
}

static void label(void **state)
{
    struct bytes file = {0};
    (void)state;
    bytes_text(&file, "#!ascii label\n3\n7  0 1.5 2 0\n0 0 0 0 1\n12 1 1 1 0\n");
    fuzz(&file, "lh.label", read_labels, NULL);
    bytes_free(&file);
}

static void gifti(void **state)
{
    static const char *const encodings[] = {"ASCII", "Base64Binary", "GZipBase64Binary"};
    static const uint8_t keys[12] = {1, 0, 0, 0, 2, 0, 0, 0, 1};
    static const float points[9] = {0, 0, 0, 1, 0, 0, 0, 2, 0};
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct bytes surface = {0}, labels = {0};
        char *at = i ? build_base64(points, 36, i == 2) : text_copy("0 0 0 1e0 0 0 0 2 0"),
             *held = i ? build_base64(keys, 12, i == 2) : text_copy("1 2 1");
        const struct gifti_text arrays[] = {
            {"POINTSET", "FLOAT32", encodings[i], "LittleEndian", "RowMajorOrder",
             "Dimensionality='2' Dim0='3' Dim1='3'", at},
            {"TRIANGLE", "INT32", "ASCII", "LittleEndian", "ColumnMajorOrder",
             "Dimensionality='2' Dim0='1' Dim1='3'", "2 1 0"},
            {"LABEL", "INT32", encodings[i], "LittleEndian", "RowMajorOrder",
             "Dimensionality='1' Dim0='3'", held}};
        build_gifti(&surface, "", arrays, 2);
        fuzz(&surface, "a.surf.gii", read_surface, NULL);
        build_gifti(&labels, "<Label Key='1' Red='0.5'>a</Label><Label Key='2'>b</Label>",
                    arrays + 2, 1);
        fuzz(&labels, "a.label.gii", read_labels, NULL);
        fuzz(&labels, "a.label.gii", read_values, NULL);
        bytes_free(&surface);
        bytes_free(&labels);
        free(at);
        free(held);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(npy),   cmocka_unit_test(png),          cmocka_unit_test(safetensors),
        cmocka_unit_test(torch), cmocka_unit_test(triangles),    cmocka_unit_test(curv),
        cmocka_unit_test(mgh),   cmocka_unit_test(annot),        cmocka_unit_test(label),
        cmocka_unit_test(gifti), cmocka_unit_test(torch_legacy),
    };
    const int failed = cmocka_run_group_tests_name("fuzz", tests, NULL, NULL);
    scratch_remove();
    return failed;
}
