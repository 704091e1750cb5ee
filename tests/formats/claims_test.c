// SPDX-License-Identifier: MIT
// What a .tif or .jpg says of its size is not believed before its pixels are there. The formats
// themselves are compared with Pillow's writer by pictures_oracle.
#include "tests/formats/build.h"
#include "tests/formats/scratch.h"
#include "vkgrid/formats/image.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <zlib.h>

#ifdef __has_feature
#define SANITIZED __has_feature(address_sanitizer)
#elif defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif
#define PACKED 160000            // bytes of a strip
#define ROOM ((rlim_t)192 << 20) // bytes that the reader may take

static void add_tag(struct bytes *file, uint16_t tag, uint32_t value)
{
    const uint16_t head[2] = {tag, 4}; // a number of 32 bits
    const uint32_t tail[2] = {1, value};
    bytes_add(file, head, sizeof(head));
    bytes_add(file, tail, sizeof(tail));
}

// One strip of deflated rows of 16 bits, of which `rows` are there.
static void build_tiff(struct bytes *file, uint32_t width, uint32_t height, uint32_t rows)
{
    const size_t size = (size_t)width * rows * 2;
    uint8_t *pixels = calloc(size, 1), *packed = calloc(PACKED, 1);
    uLongf packed_size = PACKED;
    assert_int_equal(compress(packed, &packed_size, pixels, size), Z_OK);
    free(pixels);
    const uint16_t count = 9;
    const uint32_t strip = 8 + 2 + 12 * count + 4, zero = 0;
    bytes_add(file, "II*\0\10\0\0\0", 8);
    bytes_add(file, &count, 2);
    add_tag(file, 256, width);
    add_tag(file, 257, height);
    add_tag(file, 258, 16);
    add_tag(file, 259, 8); // deflate
    add_tag(file, 262, 1); // 0 is black
    add_tag(file, 273, strip);
    add_tag(file, 277, 1);
    add_tag(file, 278, height);
    add_tag(file, 279, (uint32_t)packed_size);
    bytes_add(file, &zero, 4);
    bytes_add(file, packed, PACKED); // long enough for what it says
    free(packed);
}

static bool read_tiff(uint32_t width, uint32_t height, uint32_t rows, struct image *image)
{
    struct bytes file = {0};
    build_tiff(&file, width, height, rows);
    const char *path = scratch_write(scratch_path("a.tif"), file.at, file.size);
    bytes_free(&file);
    return image_read(path, image);
}

static bool has_tiff(void)
{
    struct image image;
    if (read_tiff(4, 3, 3, &image)) {
        assert_int_equal(image.rows, 3);
        image_free(&image);
        return true;
    }
    assert_error("without libtiff");
    return false;
}

static void tiff(void **state)
{
    struct rlimit before, limit;
    struct image image;
    (void)state;
    if (!has_tiff())
        SKIP_TEST("built without libtiff");
    if (SANITIZED)
        SKIP_TEST("the address sanitizer takes all addresses");
    assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
    limit = (struct rlimit){ROOM, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_AS, &limit), 0);
    // 256 MiB of values by what it says, and 64 rows.
    assert_false(read_tiff(8192, 8192, 64, &image));
    assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
    assert_error("a.tif: not a readable .tif");
}

// libtiff has a fax go on with empty rows behind its end.
static void tiff_fax(void **state)
{
    struct bytes file = {0};
    struct image image;
    (void)state;
    if (!has_tiff())
        SKIP_TEST("built without libtiff");
    build_tiff(&file, 16384, 16384, 1);
    file.at[10 + 2 * 12 + 8] = 1; // bits
    file.at[10 + 3 * 12 + 8] = 4; // CCITT's group 4
    scratch_write(scratch_path("a.tif"), file.at, 4000);
    bytes_free(&file);
    assert_false(image_read(scratch_path("a.tif"), &image));
    assert_error("a.tif: 4000 bytes are too few for 16384 x 16384 pixels");
}

// 4096 x 4096 pixels of one channel in 400 bytes: blocks of 8 x 8 take a bit or more.
static void jpeg(void **state)
{
    static const char header[] =
        "\xff\xd8\xff\xc0\0\x0b\x08\x10\0\x10\0\1\1\x11\0"
        "\xff\xda\0\x08\1\1\0\0\x3f\0";
    uint8_t bytes[400] = {0};
    struct image image;
    (void)state;
    memcpy(bytes, header, sizeof(header));
    scratch_write(scratch_path("a.jpg"), bytes, sizeof(bytes));
    assert_false(image_read(scratch_path("a.jpg"), &image));
    if (strstr(error_text(), "without libjpeg"))
        SKIP_TEST("built without libjpeg");
    assert_error("a.jpg: 400 bytes are too few for 4096 x 4096 pixels");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(tiff), cmocka_unit_test(tiff_fax),
                                       cmocka_unit_test(jpeg)};
    const int failed = RUN_TESTS(tests, NULL, NULL);
    scratch_remove();
    return failed;
}
