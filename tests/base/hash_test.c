// SPDX-License-Identifier: MIT
#include "tests/test.h"
#include "vkgrid/base/hash.h"

#include <string.h>

static void test_hashes(void **state)
{
    char text[HASH_TEXT];
    (void)state;
    assert_string_equal(hash_print(hash_bytes("", 0, 0), text), "2d06800538d394c2"); // XXH3's own
    assert_string_equal(hash_print(10, text), "000000000000000a");
    assert_true(hash_text("ab", 0) == hash_bytes("ab", 3, 0));
    assert_true(hash_text("c", hash_text("ab", 0)) != hash_text("bc", hash_text("a", 0)));
    assert_true(hash_text("ab", 0) != hash_text("ab", 1));
}

// Every bit of a text of any length counts: XXH3 has a branch for each range of lengths.
static void test_every_bit(void **state)
{
    unsigned char bytes[1500];
    (void)state;
    memset(bytes, 'x', sizeof bytes);
    for (size_t size = 1; size <= sizeof bytes; size += size < 300 ? 1 : 97) {
        const uint64_t whole = hash_bytes(bytes, size, 5);
        for (size_t i = 0; i < 8 * size; i++) {
            bytes[i / 8] ^= (unsigned char)(1 << i % 8);
            assert_true(hash_bytes(bytes, size, 5) != whole);
            bytes[i / 8] ^= (unsigned char)(1 << i % 8);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hashes),
        cmocka_unit_test(test_every_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
