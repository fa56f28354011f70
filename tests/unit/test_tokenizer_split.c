/* SPDX-License-Identifier: Apache-2.0 */
/* How each split rule cuts text, against the words that split_vectors.py found with another engine
 * of regular expressions; and what the table of rules promises. */
#include "unit/tokenizer_images.h"

#include <stdlib.h>
#include <string.h>

enum { LINE_MOST = 1 << 16, WORDS_MOST = 4096, RULES_MOST = 128 };

typedef struct Words {
    size_t sizes[WORDS_MOST];
    size_t count;
} Words;

static AlisaStatus take_word(void *user, const char *text, size_t length, AlisaError *error) {
    (void)text;
    (void)error;
    Words *words = user;
    assert_true(words->count < WORDS_MOST);
    words->sizes[words->count++] = length;
    return ALISA_OK;
}

static size_t read_hex(const char *digits, char *out) {
    size_t used = 0;
    for (unsigned byte; sscanf(digits + 2 * used, "%2x", &byte) == 1; used++)
        out[used] = (char)byte;
    return used;
}

static void read_sizes(char *list, Words *words) {
    words->count = 0;
    for (char *part = strtok(list, ","); part; part = strtok(NULL, ","))
        words->sizes[words->count++] = (size_t)atoi(part);
}

static void print_words(const char *what, const char *text, const Words *words) {
    print_error("%s:", what);
    for (size_t i = 0, at = 0; i < words->count; at += words->sizes[i++])
        print_error(" \"%.*s\"", (int)words->sizes[i], text + at);
    print_error("\n");
}

/* The compiled rule, made when first asked for. */
static const AlisaSplitter *splitter_of(AlisaSplitter **splitters, const char *name) {
    const AlisaSplitRule *rule = alisa_split_rule_find(name, strlen(name));
    if (!rule) fail_msg("no rule is called %s", name);
    size_t index = (size_t)(rule - alisa_split_rule_at(0));
    assert_true(index < RULES_MOST);
    AlisaError error;
    if (!splitters[index] && alisa_splitter_create(rule, &splitters[index], &error) != ALISA_OK) {
        fail_msg("%s: %s", name, error.message);
    }
    return splitters[index];
}

/* Returns how many pairs of a rule and a text were compared. */
static size_t check_file(const char *path) {
    FILE *file = fopen(path, "r");
    if (!file) fail_msg("%s cannot be read", path);
    static char line[LINE_MOST], text[LINE_MOST / 2];
    AlisaSplitter *splitters[RULES_MOST] = {NULL};
    size_t length = 0, compared = 0, wrong = 0;
    while (fgets(line, sizeof line, file)) {
        assert_non_null(strchr(line, '\n'));
        char *rest = strchr(line, ' ');
        assert_non_null(rest);
        *rest++ = 0;
        if (strcmp(line, "text") == 0) {
            length = read_hex(rest, text);
            continue;
        }
        Words expected, words = {.count = 0};
        read_sizes(rest, &expected);
        AlisaError error;
        assert_int_equal(alisa_splitter_run(splitter_of(splitters, line), text, length, take_word,
                                            &words, &error),
                         ALISA_OK);
        compared++;
        if (words.count == expected.count &&
            memcmp(words.sizes, expected.sizes, words.count * sizeof words.sizes[0]) == 0) {
            continue;
        }
        if (++wrong > 10) continue;
        print_error("%s on \"%.*s\"\n", line, (int)length, text);
        print_words("  expected", text, &expected);
        print_words("  cut", text, &words);
    }
    fclose(file);
    for (size_t i = 0; i < RULES_MOST; i++)
        alisa_splitter_destroy(splitters[i]);
    if (wrong) fail_msg("%zu of %zu texts are cut otherwise", wrong, compared);
    return compared;
}

static void test_vectors(void **state) {
    (void)state;
    assert_true(check_file(TESTS_DIR "/unit/split_vectors.txt") > 2000);
}

/* More vectors, which the script makes up. */
static void test_random_vectors(void **state) {
    (void)state;
    const char *path = getenv("ALISA_SPLIT_VECTORS");
    if (!path) {
        print_message(
            "skipped: ALISA_SPLIT_VECTORS names no output of split_vectors.py --random\n");
        skip();
    }
    print_message("%zu texts are cut as expected\n", check_file(path));
}

/* Every rule has patterns that PCRE2 takes, words that match no empty text, and vectors: the rules
 * of the vectors have all the patterns there are. */
static void test_every_rule(void **state) {
    (void)state;
    FILE *file = fopen(TESTS_DIR "/unit/split_vectors.txt", "r");
    assert_non_null(file);
    static char line[LINE_MOST];
    const char *const *covered[RULES_MOST];
    size_t count = 0;
    for (int texts = 0; fgets(line, sizeof line, file);) {
        line[strcspn(line, " ")] = 0;
        if (strcmp(line, "text") == 0 && ++texts == 2) break;
        const AlisaSplitRule *rule = alisa_split_rule_find(line, strlen(line));
        if (rule) covered[count++] = rule->patterns;
    }
    fclose(file);
    for (size_t i = 0; alisa_split_rule_at(i); i++) {
        const AlisaSplitRule *rule = alisa_split_rule_at(i);
        assert_ptr_equal(alisa_split_rule_find(rule->name, strlen(rule->name)), rule);
        bool found = false;
        for (size_t j = 0; j < count; j++)
            found |= covered[j] == rule->patterns;
        if (!found) fail_msg("no vectors have the patterns of %s", rule->name);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_random_vectors),
        cmocka_unit_test(test_every_rule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
