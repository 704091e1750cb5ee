// SPDX-License-Identifier: MIT
// What of a text from elsewhere a terminal may be shown, how wide it is, and how long durations
// are.
#include "tests/test.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/base/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void assert_cleans(const char *text, const char *wanted)
{
    char *copy = text_copy(text);
    assert_string_equal(text_clean(copy), wanted);
    free(copy);
}

// How a code point would be written in so many bytes, allowed or not.
static void encode(unsigned code, int bytes, char text[static 5])
{
    static const unsigned char leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    memset(text, 0, 5);
    for (int i = bytes - 1; i > 0; i--, code >>= 6)
        text[i] = (char)(0x80 | (code & 0x3f));
    text[0] = (char)(leads[bytes] | code);
}

static bool is_kept(const char *text)
{
    char *copy = text_copy(text);
    const bool kept = strcmp(text_clean(copy), text) == 0;
    free(copy);
    return kept;
}

// The shortest form of every code point but controls and surrogates, and no other form.
static void test_every_character(void **state)
{
    (void)state;
    for (unsigned code = 1; code < 0x140000; code++) {
        const int shortest = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
        const bool control = code < 0x20 || (code >= 0x7f && code < 0xa0),
                   surrogate = code >= 0xd800 && code < 0xe000;
        for (int bytes = shortest; bytes <= 4; bytes++) {
            const bool allowed = bytes == shortest && !control && !surrogate && code <= 0x10ffff;
            char text[5];
            encode(code, bytes, text);
            if (is_kept(text) != allowed)
                fail_msg("U+%04X in %d bytes is %s", code, bytes, allowed ? "not kept" : "kept");
        }
    }
}

static void test_clean(void **state)
{
    (void)state;
    assert_cleans("", "");
    assert_cleans("plain \xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
                  "plain \xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
    assert_cleans("\033[2J\a\r\n\t\177", "?[2J?????");
    assert_cleans(ACCENT_BOLD "x" ACCENT_END, "?x?");
    assert_cleans("a\x80z", "a?z");      // a continuation alone
    assert_cleans("a\xe2\x82", "a??");   // ends within a character
    assert_cleans("a\xe2\x82z", "a??z"); // goes on with something else
    assert_cleans("\xff\xfe\xc0\xaf", "????");
}

static void test_columns(void **state)
{
    (void)state;
    assert_int_equal(text_columns(""), 0);
    assert_int_equal(text_columns(ACCENT_BAD "12\xe2\x82\xac" ACCENT_END "4"), 4);
}

static void test_durations(void **state)
{
    static const struct {
        double seconds;
        const char *text;
    } cases[] = {
        {-1, "0 s"},
        {0.4, "0 s"},
        {40, "40 s"},
        {89.4, "89 s"},
        {90, "2 min"},
        {149, "2 min"},
        {3599, "60 min"},
        {3600, "1 h 00 min"},
        {3900, "1 h 05 min"},
        {259199, "71 h 59 min"},
        {259200, "3 days 0 h"},
        {1051200, "12 days 4 h"},
        {1e10, "years"},
        {1e300, "years"},
    };
    char text[DURATION_TEXT];
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(duration_text(cases[i].seconds, text), cases[i].text);
}

// To what is no terminal: accents become nothing.
static void test_write(void **state)
{
    char got[64] = "";
    int ends[2];
    (void)state;
    assert_int_equal(pipe(ends), 0);
    terminal_write(ends[1], ACCENT_BOLD "one" ACCENT_END "\n\ntwo " ACCENT_GOOD "x" ACCENT_END);
    close(ends[1]);
    assert_int_equal(read(ends[0], got, sizeof got - 1), 10);
    close(ends[0]);
    assert_string_equal(got, "one\n\ntwo x");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_character), cmocka_unit_test(test_clean),
        cmocka_unit_test(test_columns),         cmocka_unit_test(test_durations),
        cmocka_unit_test(test_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
