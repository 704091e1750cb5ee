// SPDX-License-Identifier: MIT
// Arrays and texts that grow.
#include "tests/test.h"
#include "vkgrid/base/memory.h"

#include <stdlib.h>
#include <string.h>

static void test_reserve(void **state)
{
    size_t room = 0, grown = 0;
    int *list = NULL;
    (void)state;
    assert_null(mem_reserve(NULL, &room, 0, sizeof *list));
    assert_int_equal(room, 0);
    for (int i = 0; i < 100000; i++) {
        const size_t before = room;
        list = mem_reserve(list, &room, (size_t)i + 1, sizeof *list);
        grown += room != before;
        assert_true(room > (size_t)i);
        list[i] = i;
    }
    assert_int_equal(grown, 18); // 1, 2, 4, ... 131072: copies are as many as elements
    for (int i = 0; i < 100000; i++)
        assert_int_equal(list[i], i);
    list = mem_reserve(list, &room, 10, sizeof *list); // never less
    assert_int_equal(room, 131072);
    list = mem_reserve(list, &room, 500000, sizeof *list); // many at once
    assert_int_equal(room, 500000);
    list[499999] = 1;
    free(list);
}

static void test_text(void **state)
{
    struct text text = {0};
    (void)state;
    text_add(&text, "%s", "");
    assert_string_equal(text.bytes, "");
    for (int i = 0; i < 1000; i++)
        text_add(&text, "%d,", i % 10);
    assert_int_equal(text.size, 2000);
    assert_int_equal(strlen(text.bytes), 2000);
    text.size = 4; // cut short, and on from there
    for (int i = 0; i < 1000; i++)
        text_add(&text, "%s", "ab");
    assert_int_equal(text.size, 2004);
    assert_memory_equal(text.bytes, "0,1,abab", 8);
    assert_string_equal(text.bytes + 2000, "abab");
    free(text.bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reserve),
        cmocka_unit_test(test_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
