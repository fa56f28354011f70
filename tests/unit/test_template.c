/* SPDX-License-Identifier: Apache-2.0 */
/* Chat templates: what jinja2 makes of them, who wrote which part of the text, and what a template
 * is not allowed to do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/disk.h"
#include "template/embedded.h"
#include "template/named.h"
#include "template/template.h"

/* ---- Rendering ---------------------------------------------------------------------------- */

/* The text of a template; NULL with the error where it fails. */
static char *render(const char *source, const json_t *variables, int64_t now, AlisaError *error) {
    AlisaTemplate *parsed;
    AlisaChatText text;
    *error = (AlisaError){0};
    if (alisa_template_parse(source, strlen(source), &parsed, error) != ALISA_OK) return NULL;
    AlisaStatus status = alisa_template_render(parsed, variables, now, &text, error);
    alisa_template_destroy(parsed);
    assert_int_equal(status, error->status);
    if (status != ALISA_OK) return NULL;
    char *bytes = strdup(text.bytes);
    alisa_template_text_finish(&text);
    return bytes;
}

static json_t *parse_json(const char *text) {
    json_t *json = json_loads(text, 0, NULL);
    assert_non_null(json);
    return json;
}

static char *read_file(const char *folder, const char *name) {
    char path[1024];
    uint8_t *bytes;
    size_t size;
    AlisaError error;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(alisa_disk_read(path, &bytes, &size, &error), ALISA_OK);
    return (char *)bytes;
}

/* ---- As jinja2 has it --------------------------------------------------------------------- */

static void check_case(const char *source, const json_t *variables, int64_t now,
                       const json_t *wanted) {
    AlisaError error;
    char *text = render(source, variables, now, &error);
    const char *expected = json_string_value(json_object_get(wanted, "text"));
    if (expected && !text) {
        fail_msg("%s\nin: %.500s", error.message, source);
    } else if (!expected && text) {
        fail_msg("renders, and should not: %.500s\nin: %.500s", text, source);
    } else if (!expected) {
        assert_true(strlen(error.message) > 20);
    } else if (strcmp(text, expected) != 0) {
        fail_msg("expected: %s\nfound: %s\nin: %.500s", expected, text, source);
    }
    free(text);
}

static void test_cases(void **state) {
    (void)state;
    char *bytes = read_file(TESTS_DIR "/template", "cases.json");
    char *agent = read_file(TESTS_DIR "/template", "agent.jinja");
    json_t *all = parse_json(bytes), *item;
    int64_t now = json_integer_value(json_object_get(all, "now"));
    const json_t *conversations = json_object_get(all, "conversations");
    size_t index;
    json_array_foreach(json_object_get(all, "cases"), index, item) {
        const char *source = json_string_value(json_object_get(item, "template"));
        const char *file = json_string_value(json_object_get(item, "file"));
        const char *name = json_string_value(json_object_get(item, "conversation"));
        const json_t *variables = json_object_get(all, "plain");
        if (file) source = strcmp(file, "agent") == 0 ? agent : alisa_named_source(file);
        if (name) variables = json_object_get(conversations, name);
        assert_non_null(source);
        assert_non_null(variables);
        check_case(source, variables, now, item);
    }
    assert_true(index > 400);
    json_decref(all);
    free(bytes);
    free(agent);
}

static void test_named(void **state) {
    (void)state;
    const char *const *names = alisa_named_list();
    size_t count = 0;
    for (; names[count]; count++)
        assert_non_null(alisa_named_source(names[count]));
    assert_int_equal(count, alisa_template_file_count);
    assert_null(alisa_named_source("chatml.jinja"));
    assert_null(alisa_named_source(""));
}

/* ---- Who wrote it ------------------------------------------------------------------------- */

/* What a stranger wrote is in brackets in `expected`. */
static const struct {
    const char *source;
    const char *expected;
} origins[] = {
    {"<u>{{ messages[0].content }}</u>", "<u>[ <s>Ab c ]</u>"},
    {"{{ '<u>' + messages[0].content|trim + '</u>' }}", "<u>[<s>Ab c]</u>"},
    {"{{ messages[0].content.strip()[3:5] ~ '!' }}", "[Ab]!"},
    {"{{ messages[0].content.split()|join('<s>') }}", "[<s>Ab]<s>[c]"},
    {"{{ messages[0].content.replace('A', '<s>') }}", "[ <s>]<s>[b c ]"},
    {"{{ 'xAx'.replace('A', messages[1].content) }}", "x[yes]x"},
    {"{{ messages[0].content|upper }}{{ bos_token }}", "[ <S>AB C ]<s>"},
    {"{{ messages[1]|tojson }}", "{\"[role]\": \"assistant\", \"[content]\": \"[yes]\"}"},
    {"{{ messages[2].content|tojson }}", "\"[a\\\"b\\n]\""},
    {"{{ [messages[2].content] }}", "['[a\"b\\n]']"},
    {"{{ '%s:%5s' | format('<s>', messages[1].content) }}", "<s>:  [yes]"},
    {"{{ '<{}>'.format(messages[1].content) }}", "<[yes]>"},
    {"{% for c in messages[1].content %}{{ c }}.{% endfor %}", "[y].[e].[s]."},
    {"{% macro m(x) %}({{ x }}){% endmacro %}{{ m(messages[1].content) }}", "([yes])"},
    {"{% set x %}<s>{{ messages[1].content }}{% endset %}{{ x * 2 }}", "<s>[yes]<s>[yes]"},
    {"{% set ns = namespace(t='') %}{% for m in messages[:2] %}"
     "{% set ns.t = ns.t + m.role + '=' + m.content %}{% endfor %}{{ ns.t }}",
     "user=[ <s>Ab c ]assistant=[yes]"},
    {"{{ messages[1].content|indent(2, true) }}", "  [yes]"},
    {"{{ messages[1].content[::-1] }}{{ messages[1].content|reverse }}", "[seysey]"},
    {"{{ messages[3].role }}", "[<|im_end|>]"}, /* no plain word */
    {"{{ tools[0].name ~ documents[0] }}", "[f<s>d]"},
    {"{{ messages|length }}{{ messages[0].content|length }}", "49"},
    {"{{ messages[1].content|list }}", "['[y]', '[e]', '[s]']"},
    {"{{ messages[1].content|e }}{{ '<'|e }}{{ messages[0].content.strip()[:1]|e }}",
     "[yes]&lt;[&lt;]"},
};

static void test_origins(void **state) {
    (void)state;
    json_t *variables = parse_json(
        "{\"bos_token\": \"<s>\", \"tools\": [{\"name\": \"f\"}], \"documents\": [\"<s>d\"],"
        "\"messages\": [{\"role\": \"user\", \"content\": \" <s>Ab c \"},"
        "{\"role\": \"assistant\", \"content\": \"yes\"}, {\"role\": \"user\", \"content\": "
        "\"a\\\"b\\n\"},"
        "{\"role\": \"<|im_end|>\"}]}");
    for (size_t i = 0; i < sizeof origins / sizeof origins[0]; i++) {
        AlisaTemplate *parsed;
        AlisaChatText text;
        AlisaError error;
        const char *source = origins[i].source;
        assert_int_equal(alisa_template_parse(source, strlen(source), &parsed, &error), ALISA_OK);
        if (alisa_template_render(parsed, variables, 0, &text, &error) != ALISA_OK) {
            fail_msg("%s", error.message);
        }
        char shown[512] = "";
        size_t begin = 0;
        for (size_t j = 0; j < text.piece_count; j++) {
            const AlisaChatPiece *piece = &text.pieces[j];
            size_t used = strlen(shown);
            snprintf(shown + used, sizeof shown - used, piece->stranger ? "[%.*s]" : "%.*s",
                     (int)(piece->end - begin), text.bytes + begin);
            begin = piece->end;
            if (j > 0) assert_int_not_equal(piece->stranger, text.pieces[j - 1].stranger);
        }
        assert_int_equal(begin, text.length);
        if (strcmp(shown, origins[i].expected) != 0) {
            fail_msg("%s gives %s", source, shown);
        }
        alisa_template_text_finish(&text);
        alisa_template_destroy(parsed);
    }
    json_decref(variables);
}

/* ---- What is refused ---------------------------------------------------------------------- */

static const struct {
    const char *source;
    const char *words;
} refused[] = {
    {"a\nb {{ 1 + }}", "not valid at line 2, column 10: an expression was expected, and '}}'"},
    {"é{{ (1 }}", "not valid at line 1, column 8: a bracket is closed that is not open"},
    {"{% if x %}\n{% for y in z %}\n{% endif %}",
     "line 3, column 4: the statement 'endif' is not known here, inside of 'for'"},
    {"\n\n  {% if x %}abc", "line 3, column 6: the statement 'if' has no end"},
    {"{{ 'abc", "line 1, column 4: the text has no closing quote"},
    {"{{ x ", "line 1, column 1: '{{' has no end"},
    {"{# x", "line 1, column 1: the comment '{#' has no end"},
    {"{% raw %}{{", "line 1, column 1: '{% raw %}' has no"},
    {"{{ x|nothing }}", "column 6: there is no filter 'nothing'"},
    {"{{ x is nothing }}", "column 9: there is no test 'nothing'"},
    {"{% include 'x' %}", "column 4: the statement 'include' is not known"},
    {"{% break %}", "'break' outside of a loop"},
    {"{% for x in y recursive %}{% endfor %}", "loops that call themselves"},
    {"{{ \xff }}", "column 4: the byte 0xff is not UTF-8"},
    {"{{ 99999999999999999999 }}", "larger than 64 bits"},
    {"{{ a.b.c }}", "fails at line 1, column 5: 'a' is undefined"},
    {"{{ messages.b.c }}", "column 14: a list has no 'b'"},
    {"{{ 'a' + 1 }}", "+ cannot be done with a str and a int"},
    {"{{ 9223372036854775807 + 1 }}", "larger than 64 bits"},
    {"{% set x = [] %}{% set x.y = 1 %}", "only a namespace"},
    {"{{ [].append(1) }}", "a list has no 'append'"},
    {"{{ range(1000000) }}", "more than 100000"},
    /* Programs that would not end, or would take all memory. */
    {"{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
     "fails at line 1"},
    {"{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "nested more than 600 deep"},
    {"{% set ns = namespace(x='0123456789') %}{% for i in range(60) %}"
     "{% set ns.x = ns.x + ns.x %}{% endfor %}",
     "more than 256 MiB of memory"},
    {"{{ 'x' * 1000000000000 }}", "fails at line 1"},
    {"{{ ['x'] * 1000000000000 }}", "fails at line 1"},
    {"{{ 'x'.center(1000000000000) }}", "fails at line 1"},
    {"{{ '%1000000000d' | format(1) }}", "a width in a format is above 4096"},
    {"{% for i in range(100000) %}{% for j in range(100) %}{{ 'aaaaaaaaaaaaaaaaaaaaaaaaaaaa' }}"
     "{% endfor %}{% endfor %}",
     "fails at line 1"},
    {"{% set x = 'a' * 1000000 %}{% for i in range(100000) %}{{ 'b' in x }}{% endfor %}",
     "stopped after 50000000 steps, since it may run for ever"},
    {"{{ raise_exception('no ' ~ messages[0].role) }}",
     "the chat template refuses this conversation: no user"},
};

static void test_refused(void **state) {
    (void)state;
    json_t *variables = parse_json("{\"messages\": [{\"role\": \"user\", \"content\": \"x\"}]}");
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        AlisaError error;
        char *text = render(refused[i].source, variables, 0, &error);
        if (text) fail_msg("%s gives %.200s", refused[i].source, text);
        if (!strstr(error.message, refused[i].words)) {
            fail_msg("%s: %s", refused[i].source, error.message);
        }
        bool own_words = strstr(refused[i].source, "raise_exception") != NULL;
        assert_int_equal(error.status, own_words ? ALISA_ERROR_ARGUMENT : ALISA_ERROR_FORMAT);
    }
    json_decref(variables);
}

/* Nesting that is refused before the stack ends, whatever is nested. */
static void test_depth(void **state) {
    (void)state;
    static const char *const nested[][2] = {{"(", ")"},   {"[", "]"},   {"-", ""},
                                            {"not ", ""}, {"{1:", "}"}, {"x(", ")"}};
    enum { TIMES = 20000 };
    char *source = malloc(2 * TIMES * 8 + 32);
    json_t *variables = json_object();
    for (size_t i = 0; i < sizeof nested / sizeof nested[0]; i++) {
        strcpy(source, "{{ ");
        char *end = source + 3;
        for (size_t j = 0; j < TIMES; j++)
            end = stpcpy(end, nested[i][0]);
        end = stpcpy(end, "1");
        for (size_t j = 0; j < TIMES; j++)
            end = stpcpy(end, nested[i][1]);
        strcpy(end, " }}");
        AlisaError error;
        assert_null(render(source, variables, 0, &error));
        assert_non_null(strstr(error.message, "line 1"));
    }
    char *end = source;
    for (size_t j = 0; j < TIMES / 2; j++)
        end = stpcpy(end, "{% if 1 %}");
    AlisaError error;
    assert_null(render(source, variables, 0, &error));
    assert_non_null(strstr(error.message, "nested"));
    json_decref(variables);
    free(source);
}

int main(void) {
    setenv("TZ", "UTC", 1);
    tzset();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),   cmocka_unit_test(test_named),
        cmocka_unit_test(test_origins), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_depth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
