// SPDX-License-Identifier: MIT
// Texts as UTF-8, bytes as base64.
#include "tests/test.h"
#include "vkgrid/base/base64.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/base/terminal.h"
#include "vkgrid/base/utf8.h"

#include <stdlib.h>
#include <string.h>

// RFC 4648, section 10, and a byte of each kind.
static void test_base64(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
        const char *text;
    } cases[] = {{"", 0, ""},
                 {"f", 1, "Zg=="},
                 {"fo", 2, "Zm8="},
                 {"foo", 3, "Zm9v"},
                 {"foob", 4, "Zm9vYg=="},
                 {"fooba", 5, "Zm9vYmE="},
                 {"foobar", 6, "Zm9vYmFy"},
                 {"\0\xff\xfe\xfb", 4, "AP/++w=="}};
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char *text = base64(cases[i].bytes, cases[i].size);
        assert_string_equal(text, cases[i].text);
        free(text);
    }
}

// The first and the last character of each length, and what lies beside them.
static void test_utf8_length(void **state)
{
    static const struct {
        const char *text;
        int length;
    } cases[] = {
        {"\x01", 1},
        {"\x7f", 1},
        {"\x80", 0},             // a continuation
        {"\xc1\xbf", 0},         // overlong
        {"\xc2\x80", 2},         // U+0080
        {"\xdf\xbf", 2},         // U+07FF
        {"\xdf", 0},             // cut off
        {"\xe0\x9f\xbf", 0},     // overlong
        {"\xe0\xa0\x80", 3},     // U+0800
        {"\xed\x9f\xbf", 3},     // U+D7FF
        {"\xed\xa0\x80", 0},     // a surrogate
        {"\xee\x80\x80", 3},     // U+E000
        {"\xef\xbf\xbf", 3},     // U+FFFF
        {"\xe2\x82", 0},         // cut off
        {"\xf0\x8f\xbf\xbf", 0}, // overlong
        {"\xf0\x90\x80\x80", 4}, // U+10000
        {"\xf4\x8f\xbf\xbf", 4}, // U+10FFFF
        {"\xf4\x90\x80\x80", 0}, // above it
        {"\xf5\x80\x80\x80", 0},
        {"\xf0\x90\x80", 0}, // cut off
        {"\xff", 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        if (utf8_length(cases[i].text) != cases[i].length)
            fail_msg("case %zu: %d instead of %d", i, utf8_length(cases[i].text), cases[i].length);
    }
}

static void test_utf8_copy(void **state)
{
    static const char bad[] =
        "a\xff"
        "b\xe2\x82z\xc3\xa4\xed\xa0\x80";
    (void)state;
    char *copy = utf8_copy(bad);
    assert_string_equal(copy,
                        "a\xef\xbf\xbd"
                        "b\xef\xbf\xbd\xef\xbf\xbdz\xc3\xa4\xef\xbf\xbd\xef\xbf\xbd\xef\xbf"
                        "\xbd");
    free(copy);
    copy = utf8_copy("");
    assert_string_equal(copy, "");
    free(copy);
}

static void test_clean(void **state)
{
    char text[] = "a\033[2J\x7f \xc2\x9b \xc3\xa4 \xff\n";
    (void)state;
    assert_string_equal(text_clean(text), "a?[2J? ?? \xc3\xa4 ??");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_base64),
        cmocka_unit_test(test_utf8_length),
        cmocka_unit_test(test_utf8_copy),
        cmocka_unit_test(test_clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
