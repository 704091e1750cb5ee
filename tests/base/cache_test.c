// SPDX-License-Identifier: MIT
// The user's cache folder, as the XDG Base Directory Specification has it.
#include "tests/test.h"
#include "vkgrid/base/cache.h"

#include <stdlib.h>

static void assert_path(const char *cache, const char *home, const char *wanted)
{
    unsetenv("XDG_CACHE_HOME");
    unsetenv("HOME");
    if (cache)
        setenv("XDG_CACHE_HOME", cache, 1);
    if (home)
        setenv("HOME", home, 1);
    char *path = cache_path("x");
    if (wanted)
        assert_string_equal(path, wanted);
    else
        assert_null(path);
    free(path);
}

static void test_cache_path(void **state)
{
    (void)state;
    assert_path("/c", "/h", "/c/vkgrid/x");
    assert_path("/c", NULL, "/c/vkgrid/x");
    assert_path(NULL, "/h", "/h/.cache/vkgrid/x");
    assert_path("", "/h", "/h/.cache/vkgrid/x");
    assert_path("c", "/h", "/h/.cache/vkgrid/x"); // not absolute: as if not set
    assert_path("c", "h", NULL);
    assert_path(NULL, "", NULL);
    assert_path(NULL, NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_cache_path)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
