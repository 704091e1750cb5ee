// SPDX-License-Identifier: MIT
// Messages: one line that a terminal can be shown, whatever a file has put into it.
#include "tests/test.h"
#include "vkgrid/base/error.h"

#include <errno.h>

static void one_line(void **state)
{
    (void)state;
    assert_false(error_set("%s: %s", "a.json", "line\nand \x1b[31mred\x7f \xc2\x9b \xff"));
    assert_string_equal(error_text(), "a.json: line?and ?[31mred? ?? ?");
    assert_false(error_set_kind(ERROR_DAMAGED, "tab\t"));
    assert_string_equal(error_text(), "tab?");
    assert_int_equal(error_kind(), ERROR_DAMAGED);
    assert_false(error_prefix("%s", "b\r"));
    assert_string_equal(error_text(), "b?: tab?");
    assert_int_equal(error_kind(), ERROR_DAMAGED);
    assert_false(error_set_errno(ENOSPC, "%s", "c\n"));
    assert_true(strncmp(error_text(), "c?: ", 4) == 0);
    assert_int_equal(error_kind(), ERROR_NO_SPACE);
}

static void other_characters_stay(void **state)
{
    (void)state;
    assert_false(error_set("%s", "größer als 5 µm: \"Ω\""));
    assert_string_equal(error_text(), "größer als 5 µm: \"Ω\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(one_line),
                                       cmocka_unit_test(other_characters_stay)};
    return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
