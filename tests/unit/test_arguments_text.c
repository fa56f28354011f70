/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 that arrives in pieces, as the tokens of a model deliver it, and files of JSON rows. */
/* The program is not a library: its pure file is compiled into the test. */
#include "../../src/cli/common/text.c"

#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#define BROKEN "\xEF\xBF\xBD"

static void expect_text(const char *bytes, size_t size, size_t piece, const char *expected) {
    Text text = {0};
    Utf8Hold hold = {0};
    for (size_t at = 0; at < size; at += piece) {
        size_t count = size - at < piece ? size - at : piece;
        assert_true(alisa_cli_utf8_push(&hold, bytes + at, count, &text));
    }
    assert_true(alisa_cli_utf8_finish(&hold, &text));
    assert_string_equal(text.data ? text.data : "", expected);
    alisa_cli_text_free(&text);
}

static void test_whole_characters_pass(void **state) {
    (void)state;
    static const char text[] = "a\xC3\xA9\xE2\x82\xAC\xED\x9F\xBF\xF0\x9F\xA6\x99\xF4\x8F\xBF\xBFz";
    for (size_t piece = 1; piece <= sizeof text; piece++) {
        expect_text(text, sizeof text - 1, piece, text);
    }
}

static void test_nothing_is_shown_before_a_character_is_complete(void **state) {
    (void)state;
    static const char llama[] = "\xF0\x9F\xA6\x99";
    Text text = {0};
    Utf8Hold hold = {0};
    for (size_t i = 0; i < 3; i++) {
        assert_true(alisa_cli_utf8_push(&hold, llama + i, 1, &text));
        assert_int_equal(text.size, 0);
    }
    assert_true(alisa_cli_utf8_push(&hold, llama + 3, 1, &text));
    assert_string_equal(text.data, llama);
    alisa_cli_text_free(&text);
}

static void test_broken_bytes_are_replaced(void **state) {
    (void)state;
    static const struct {
        const char *bytes, *expected;
    } cases[] = {
        {"a\x80z", "a" BROKEN "z"},                        /* a continuation with no lead */
        {"a\xC3z", "a" BROKEN "z"},                        /* a lead with no continuation */
        {"\xE2\x82", BROKEN},                              /* the text ends in the middle */
        {"\xC0\xAF", BROKEN BROKEN},                       /* overlong */
        {"\xE0\x80\x80", BROKEN BROKEN BROKEN},            /* overlong */
        {"\xED\xA0\x80", BROKEN BROKEN BROKEN},            /* a surrogate */
        {"\xF4\x90\x80\x80", BROKEN BROKEN BROKEN BROKEN}, /* above U+10FFFF */
        {"\xFF", BROKEN},
        {"\xE2\x82\xE2\x82\xAC", BROKEN "\xE2\x82\xAC"}, /* a new character interrupts */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        for (size_t piece = 1; piece < 6; piece++) {
            expect_text(cases[i].bytes, strlen(cases[i].bytes), piece, cases[i].expected);
        }
    }
}

static void test_text_grows(void **state) {
    (void)state;
    Text text = {0};
    char block[100];
    memset(block, 'x', sizeof block);
    for (size_t i = 0; i < 1000; i++) {
        block[0] = (char)('a' + i % 26);
        assert_true(alisa_cli_text_append(&text, block, i % sizeof block));
    }
    assert_int_equal(text.size, strlen(text.data));
    assert_int_equal(text.size, 10 * (99 * 100 / 2));
    assert_int_equal(text.data[0], 'b'); /* the second append is the first with a byte */
    alisa_cli_text_free(&text);
    assert_null(text.data);
}

static void test_json_text_takes_any_bytes(void **state) {
    (void)state;
    json_t *value = alisa_cli_json_text("a\xFF\0b", 4);
    assert_non_null(value);
    assert_int_equal(json_string_length(value), 6);
    assert_memory_equal(json_string_value(value), "a" BROKEN "\0b", 6);
    json_decref(value);
    value = alisa_cli_json_text(NULL, 0);
    assert_string_equal(json_string_value(value), "");
    json_decref(value);
}

/* ---- Rows of JSON ------------------------------------------------------------------------- */

static json_t *rows_of(const char *content, AlisaError *error) {
    char path[] = "/tmp/alisa-rows-XXXXXX";
    int handle = mkstemp(path);
    assert_true(handle >= 0);
    assert_int_equal(write(handle, content, strlen(content)), (ssize_t)strlen(content));
    close(handle);
    json_t *rows = alisa_cli_json_rows(path, error);
    unlink(path);
    return rows;
}

static void test_rows_of_lines_and_of_an_array(void **state) {
    (void)state;
    static const char *const contents[] = {
        "{\"n\": 0}\n{\"n\": 1}\n",
        "\n  \r\n{\"n\": 0}\r\n\n{\"n\": 1}", /* blank lines, no newline at the end */
        " [ {\"n\": 0},\n {\"n\": 1} ]\n",
    };
    for (size_t i = 0; i < sizeof contents / sizeof contents[0]; i++) {
        AlisaError error = {0};
        json_t *rows = rows_of(contents[i], &error);
        if (!rows) fail_msg("%s", error.message);
        assert_int_equal(json_array_size(rows), 2);
        for (size_t n = 0; n < 2; n++) {
            const json_t *number = json_object_get(json_array_get(rows, n), "n");
            assert_int_equal(json_integer_value(number), n);
        }
        json_decref(rows);
    }
}

static void test_rows_that_are_none(void **state) {
    (void)state;
    static const struct {
        const char *content, *message;
    } cases[] = {
        {"", "no JSON objects in it"},
        {"\n \n", "no JSON objects in it"},
        {"[]", "no JSON objects in it"},
        {"{\"n\": 0}\n\n{\"n\": ]}\n", "line 3 is not a JSON object"},
        {"7\n", "line 1 is not a JSON object"},
        {"{\"n\": 0}\n[7]\n", "line 2 is not a JSON object: it is another value"},
        {"[{\"n\": 0}, 7]", "element 2 is not a JSON object"},
        {"[{\"n\": 0},\n", "is not JSON"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        AlisaError error = {0};
        assert_null(rows_of(cases[i].content, &error));
        if (!strstr(error.message, cases[i].message)) {
            fail_msg("'%s' gave '%s'", cases[i].content, error.message);
        }
        assert_int_equal(error.status, ALISA_ERROR_FORMAT);
    }
    AlisaError error = {0};
    assert_null(alisa_cli_json_rows("/nonexistent/rows", &error));
    assert_int_equal(error.status, ALISA_ERROR_IO);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_characters_pass),
        cmocka_unit_test(test_nothing_is_shown_before_a_character_is_complete),
        cmocka_unit_test(test_broken_bytes_are_replaced),
        cmocka_unit_test(test_text_grows),
        cmocka_unit_test(test_json_text_takes_any_bytes),
        cmocka_unit_test(test_rows_of_lines_and_of_an_array),
        cmocka_unit_test(test_rows_that_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
