// SPDX-License-Identifier: MIT
#include "tests/test.h"
#include "vkgrid/base/error.h"
#include "vkgrid/base/json.h"
#include "vkgrid/base/memory.h"
#include "vkgrid/base/nearest.h"
#include "vkgrid/base/random.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static void test_refused_texts(void **state)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "line 1, column 1: the file ends here"},
        {"{", "column 2: the file ends here: a text in double quotes"},
        {"{\"a\": 1,\n \"b\" 2}", "line 2, column 6: a colon is expected"},
        {"[1, 2", "a comma or ] is expected"},
        {"[1 2]", "line 1, column 4: a comma or ] is expected"},
        {"[1,]", "column 4: a value is expected"},
        {"{\"a\": 1,}", "column 9: a text in double quotes is expected"},
        {"{'a': 1}", "a text in double quotes is expected"},
        {"[1] x", "column 5: nothing may follow the value"},
        {"{} {}", "nothing may follow the value"},
        {"[01]", "a number must not begin with 0"},
        {"[1.]", "a digit is expected"},
        {"[.5]", "a value is expected"},
        {"[+1]", "a value is expected"},
        {"[1e]", "a digit is expected"},
        {"[1e999]", "larger than a double"},
        {"[nan]", "a value is expected"},
        {"[tru]", "a value is expected"},
        {"[\"a\nb\"]", "must end with a double quote on its line"},
        {"[\"\\x\"]", "an escape is one of"},
        {"[\"\\u12g4\"]", "four hexadecimal digits"},
        {"[\"\\u0000\"]", "must not contain \\u0000"},
        {"{\"a\": 1, \"b\": {\"c\": 1, \"d\": 2, \"c\": 3}}", "the key \"c\" stands twice"},
        {"\xef\xbb\xbf{}", "a value is expected"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        cJSON *json = NULL;
        assert_false(json_parse(cases[i].text, strlen(cases[i].text), "t.json", &json));
        assert_memory_equal(error_text(), "t.json: ", 8);
        if (!strstr(error_text(), cases[i].message))
            fail_msg("%s: \"%s\" lacks \"%s\"", cases[i].text, error_text(), cases[i].message);
    }
}

static void test_nesting_limit(void **state)
{
    enum { DEEP = 100000 };
    char *text = mem_alloc(DEEP);
    cJSON *json = NULL;
    (void)state;
    memset(text, '[', DEEP);
    assert_false(json_parse(text, DEEP, "t", &json));
    assert_non_null(strstr(error_text(), "too many brackets"));
    memset(text + JSON_DEPTH, ']', JSON_DEPTH);
    assert_true(json_parse(text, 2 * JSON_DEPTH, "t", &json));
    cJSON_Delete(json);
    free(text);
}

static void test_numbers_are_shortest_and_exact(void **state)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {0.00167, "0.00167"},
        {1, "1"},
        {0, "0"},
        {-0.0, "0"},
        {0.1, "0.1"},
        {-3, "-3"},
        {973770, "973770"},
        {1.0 / 3, "0.3333333333333333"},
        {1e300, "1e+300"},
        {9007199254740991, "9007199254740991"},
        {NAN, "nan"},
        {INFINITY, "inf"},
    };
    char text[NUMBER_TEXT];
    struct random random = random_stream(1, 2, 3, 4);
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        assert_string_equal(number_text(cases[i].value, text), cases[i].text);
    for (int i = 0; i < 100000; i++) {
        const uint64_t bits = random_bits(&random);
        double value;
        memcpy(&value, &bits, sizeof(value));
        if (isfinite(value))
            assert_true(strtod(number_text(value, text), NULL) == value);
    }
}

static void test_print_reads_back(void **state)
{
    static const char text[] =
        "{\"a\": [0.00167, 1, true, null, \"q\\\"\\\\\\n\\u00e9\"], \"b\": {}, \"c\": [[], "
        "[{\"x\": 1}]]}";
    cJSON *json, *again;
    (void)state;
    assert_true(json_parse(text, strlen(text), "t", &json));
    char *printed = json_print(json), *line = json_print_line(json);
    assert_true(json_parse(printed, strlen(printed), "t", &again));
    assert_true(cJSON_Compare(json, again, true));
    assert_null(strchr(line, '\n'));
    assert_non_null(strstr(line, "0.00167, 1, true, null, \"q\\\"\\\\\\u000a\xc3\xa9\""));
    cJSON_Delete(json);
    free(printed);
    free(line);
    // A member that was moved into a list has its name still, which a list does not show.
    cJSON *list = cJSON_CreateArray();
    cJSON_AddItemToArray(list, cJSON_DetachItemFromObjectCaseSensitive(again, "a"));
    cJSON_Delete(again);
    line = json_print_line(list);
    assert_int_equal(line[1], '[');
    free(line);
    cJSON_Delete(list);
}

static void test_getters_name_what_is_allowed(void **state)
{
    cJSON *json;
    double number;
    int whole;
    bool flag;
    const char *text, *object = "{\"n\": 1.5, \"t\": \"x\", \"e\": \"\", \"l\": []}";
    (void)state;
    assert_true(json_parse(object, strlen(object), "t", &json));
    const cJSON *n = json_member(json, "n"), *t = json_member(json, "t");
    assert_true(json_get_number(n, "f: n", 0, 2, &number));
    assert_false(json_get_number(n, "f: n", 0, 1, &number));
    assert_string_equal(error_text(), "f: n: is 1.5: a number from 0 to 1 is allowed");
    assert_false(json_get_int(n, "f: n", 0, 2, &whole));
    assert_string_equal(error_text(), "f: n: is 1.5: a whole number from 0 to 2 is allowed");
    assert_false(json_get_positive(t, "f: t", 1, &number));
    assert_string_equal(error_text(), "f: t: is \"x\": a number above 0 to 1 is allowed");
    assert_false(json_get_bool(NULL, "f: b", &flag));
    assert_string_equal(error_text(), "f: b: is missing: true or false is allowed");
    assert_false(json_get_text(json_member(json, "e"), "f: e", &text));
    assert_false(json_expect_list(json_member(json, "l"), "f: l", 1));
    assert_string_equal(error_text(), "f: l: is []: a list that is not empty is allowed");
    assert_null(json_member(json, "N"));
    static const char *const keys[] = {"n", "t", "e", "list", NULL};
    assert_false(json_expect_keys(json, "f", keys));
    assert_string_equal(error_text(), "f: unknown key \"l\": allowed are n t e list");
    cJSON_Delete(json);
}

static void test_nearest_name(void **state)
{
    static const char *const names[] = {"lr", "gamma", "base_model", "batch_size", NULL};
    (void)state;
    assert_string_equal(nearest_name("gama", names), "gamma");
    assert_string_equal(nearest_name("basemodel", names), "base_model");
    assert_string_equal(nearest_name("bacth_size", names), "batch_size");
    assert_string_equal(nearest_name("lrr", names), "lr");
    assert_null(nearest_name("zzz", names));
    assert_null(nearest_name("", names));
}

// Changed bytes of a good text are refused or read, never worse (run under ASan).
static void test_mutated_texts(void **state)
{
    static const char good[] =
        "{\"static\": {\"lr\": [0.1, 2e-3], \"s\": \"\\u00e9x\"}, \"hyper\": {\"a\": [true, "
        "null]}}";
    struct random random = random_stream(7, 0, 0, 0);
    int read = 0;
    (void)state;
    for (int i = 0; i < 20000; i++) {
        char *text = text_copy(good);
        const size_t size = 1 + random_below(&random, sizeof(good) - 1);
        cJSON *json;
        for (uint32_t j = random_below(&random, 4); j > 0; j--)
            text[random_below(&random, (uint32_t)size)] = (char)random_bits(&random);
        if (json_parse(text, size, "t", &json)) {
            char *printed = json_print(json);
            free(printed);
            cJSON_Delete(json);
            read++;
        }
        free(text);
    }
    assert_true(read > 0 && read < 20000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused_texts),
        cmocka_unit_test(test_nesting_limit),
        cmocka_unit_test(test_numbers_are_shortest_and_exact),
        cmocka_unit_test(test_print_reads_back),
        cmocka_unit_test(test_getters_name_what_is_allowed),
        cmocka_unit_test(test_nearest_name),
        cmocka_unit_test(test_mutated_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
