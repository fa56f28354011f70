/* SPDX-License-Identifier: Apache-2.0 */
/* Multiple-choice items: every form of row becomes the text that a model reads, bad rows become a
 * sentence, and the examples of --shots are what they promise. */
/* The program is not a library: its pure files are compiled into the test. */
#include "../../src/cli/common/text.c"
#include "../../src/cli/eval/question.c"
#include "../../src/cli/eval/task.c"

#include <setjmp.h>

#include <cmocka.h>

static Task task;
static char message[TASK_MESSAGE_SIZE];

static bool read_rows(const char *text) {
    json_error_t problem;
    json_t *rows = json_loads(text, 0, &problem);
    if (!rows) fail_msg("the test's own JSON: %s", problem.text);
    bool good = alisa_cli_task_read(rows, &task, message);
    json_decref(rows);
    return good;
}

static void expect_refused(const char *rows, const char *part) {
    if (read_rows(rows)) fail_msg("accepted: %s", rows);
    if (!strstr(message, part)) fail_msg("%s gave '%s', not '%s'", rows, message, part);
    alisa_cli_task_free(&task);
}

/* One row, with the text of each of its first two choices. */
static void expect_item(const char *row, const char *form, size_t gold, const char *first[2],
                        const char *second[2]) {
    char rows[2048];
    snprintf(rows, sizeof rows, "[%s]", row);
    if (!read_rows(rows)) fail_msg("%s: %s", row, message);
    const TaskItem *item = &task.items[0];
    assert_int_equal(task.count, 1);
    assert_string_equal(task.form, form);
    assert_int_equal(item->gold, gold);
    assert_string_equal(item->contexts[0].data, first[0]);
    assert_string_equal(item->continuations[0].data, first[1]);
    assert_string_equal(item->contexts[1].data, second[0]);
    assert_string_equal(item->continuations[1].data, second[1]);
    alisa_cli_task_free(&task);
}

typedef const char *Pair[2];

static void test_plain(void **state) {
    (void)state;
    expect_item("{\"query\": \"2 + 2 =\", \"choices\": [\"4\", \" 5\", \"6\"], \"gold\": 2}",
                "plain", 2, (Pair){"2 + 2 =", " 4"}, (Pair){"2 + 2 =", " 5"});
}

static void test_piqa(void **state) {
    (void)state;
    expect_item("{\"goal\": \"Dry socks\", \"sol1\": \"Hang them.\", \"sol2\": \"Eat them.\", "
                "\"label\": 0}",
                "piqa", 0, (Pair){"Question: Dry socks\nAnswer:", " Hang them."},
                (Pair){"Question: Dry socks\nAnswer:", " Eat them."});
}

static void test_winogrande(void **state) {
    (void)state;
    expect_item("{\"sentence\": \"The cup beat the jug as the _ was lighter.\", \"option1\": "
                "\"cup\", \"option2\": \"jug\", \"answer\": \"2\"}",
                "winogrande", 1, (Pair){"The cup beat the jug as the cup", " was lighter."},
                (Pair){"The cup beat the jug as the jug", " was lighter."});
}

static void test_copa(void **state) {
    (void)state;
    expect_item("{\"premise\": \"The man fell.\", \"choice1\": \"He slipped.\", \"choice2\": \"It "
                "rained.\", \"question\": \"cause\", \"label\": 0}",
                "copa", 0, (Pair){"The man fell because", " he slipped."},
                (Pair){"The man fell because", " it rained."});
    expect_item("{\"premise\": \"The man fell.\", \"choice1\": \"He cried.\", \"choice2\": \"He "
                "sang.\", \"question\": \"effect\", \"label\": 1}",
                "copa", 1, (Pair){"The man fell therefore", " he cried."},
                (Pair){"The man fell therefore", " he sang."});
}

static void test_labelled_choices(void **state) {
    (void)state;
    expect_item(
        "{\"question_stem\": \"Fog is by\", \"choices\": {\"text\": [\"a sea\", \"a dune\"], "
        "\"label\": [\"A\", \"B\"]}, \"answerKey\": \"B\"}",
        "openbookqa", 1, (Pair){"Fog is by", " a sea"}, (Pair){"Fog is by", " a dune"});
    expect_item("{\"question\": \"Why?\", \"choices\": {\"text\": [\"So\", \"No\"], \"label\": "
                "[\"1\", \"2\"]}, \"answerKey\": \"1\"}",
                "arc", 0, (Pair){"Question: Why?\nAnswer:", " So"},
                (Pair){"Question: Why?\nAnswer:", " No"});
}

static void test_reworded(void **state) {
    (void)state;
    expect_item("{\"instruction\": \"Please choose the correct solution to the question: Wash: a "
                "pan\\n\\nSolution1: soap \\n\\nSolution2: sand\\n\\nAnswer format: "
                "solution1/solution2\", \"answer\": \"solution2\"}",
                "piqa", 1, (Pair){"Question: Wash: a pan\nAnswer:", " soap"},
                (Pair){"Question: Wash: a pan\nAnswer:", " sand"});
    expect_item("{\"instruction\": \"Please fill in: Ann met Bob and _ ran.\\n\\nOption1: Ann "
                "Option2: Bob Answer format: option1/option2\", \"answer\": \"option1\"}",
                "winogrande", 0, (Pair){"Ann met Bob and Ann", " ran."},
                (Pair){"Ann met Bob and Bob", " ran."});
    expect_item("{\"instruction\": \"Please choose: Predators eat\\n\\nAnswer1: lions Answer2: "
                "bunnies\\n\\nAnswer format: answer1/answer2\", \"answer\": \"answer2\"}",
                "openbookqa", 1, (Pair){"Predators eat", " lions"},
                (Pair){"Predators eat", " bunnies"});
}

static void test_length_is_in_characters(void **state) {
    (void)state;
    assert_true(read_rows("[{\"query\": \"q\", \"choices\": [\"\\u00e9t\\u00e9\", \"ab\", "
                          "\"\\ud83e\\udd99\"], \"gold\": 0}]"));
    assert_int_equal(task.items[0].choice_count, 3);
    assert_int_equal(task.items[0].characters[0], 3);
    assert_int_equal(task.items[0].characters[1], 2);
    assert_int_equal(task.items[0].characters[2], 1);
    alisa_cli_task_free(&task);
}

static void test_bad_rows(void **state) {
    (void)state;
    expect_refused("[{\"text\": \"q\"}]", "no known form");
    expect_refused("[{\"query\": \"q\", \"choices\": [\"a\"], \"gold\": 0}]", "1 choices");
    expect_refused("[{\"query\": \"\", \"choices\": [\"a\", \"b\"], \"gold\": 0}]",
                   "item 1 cannot be used: it has no text \"query\"");
    expect_refused("[{\"query\": \"q\", \"choices\": [\"a\", 7], \"gold\": 0}]", "choice 2 is no");
    expect_refused("[{\"query\": \"q\", \"choices\": [\"a\", \"b\"], \"gold\": 2}]",
                   "which of its 2 choices is right");
    expect_refused("[{\"goal\": \"g\", \"sol1\": \"a\", \"sol2\": \"b\", \"label\": -1}]",
                   "which of its 2 choices is right"); /* how unlabelled test sets come */
    expect_refused("[{\"goal\": \"g\", \"sol1\": \"a\", \"sol2\": \"b\", \"label\": \"0x\"}]",
                   "which of its 2 choices is right");
    expect_refused("[{\"sentence\": \"no blank\", \"option1\": \"a\", \"option2\": \"b\", "
                   "\"answer\": \"1\"}]",
                   "no _ with words after it");
    expect_refused("[{\"premise\": \"p\", \"choice1\": \"a\", \"choice2\": \"b\", \"label\": 0}]",
                   "neither cause nor effect");
    expect_refused("[{\"question_stem\": \"q\", \"choices\": {\"text\": [\"a\", \"b\"], \"label\": "
                   "[\"A\", \"B\"]}, \"answerKey\": \"C\"}]",
                   "which of its 2 choices is right");
    expect_refused("[{\"instruction\": \"Please: what\", \"answer\": \"answer1\"}]", "no choices");
    expect_refused("[{\"query\": \"q\", \"choices\": [\"a\", \"b\"], \"gold\": 0}, {\"goal\": 1}]",
                   "item 2 cannot be used");
}

/* ---- Examples ----------------------------------------------------------------------------- */

enum { ITEMS = 12, SHOTS = 5 };

static void read_numbered(void) {
    char rows[ITEMS * 80] = "[";
    for (int i = 0; i < ITEMS; i++) {
        size_t used = strlen(rows);
        snprintf(rows + used, sizeof rows - used,
                 "%s{\"query\": \"q%02d\", \"choices\": [\"no\", \"yes%02d\"], \"gold\": 1}",
                 i ? "," : "", i, i);
    }
    assert_true(read_rows(strcat(rows, "]")));
    assert_int_equal(task.count, ITEMS);
}

static char *shots_of(size_t item, size_t shots, uint64_t seed) {
    Text text = {0};
    assert_true(alisa_cli_task_shots(&task, item, shots, seed, &text));
    return text.data;
}

static void test_examples_are_others_and_solved(void **state) {
    (void)state;
    read_numbered();
    for (uint64_t seed = 0; seed < 20; seed++) {
        for (size_t item = 0; item < ITEMS; item++) {
            char *text = shots_of(item, SHOTS, seed);
            bool seen[ITEMS] = {false};
            seen[item] = true; /* never itself, none twice */
            assert_int_equal(strlen(text), SHOTS * strlen("q00 yes00\n\n"));
            for (size_t i = 0; i < SHOTS; i++) {
                unsigned question, answered;
                const char *line = text + i * strlen("q00 yes00\n\n");
                assert_int_equal(sscanf(line, "q%u yes%u\n\n", &question, &answered), 2);
                assert_int_equal(question, answered);
                assert_true(question < ITEMS && !seen[question]);
                seen[question] = true;
            }
            free(text);
        }
    }
    alisa_cli_task_free(&task);
}

static void test_examples_follow_the_seed(void **state) {
    (void)state;
    read_numbered();
    char *first = shots_of(3, SHOTS, 1), *again = shots_of(3, SHOTS, 1);
    char *other = shots_of(3, SHOTS, 2), *next = shots_of(4, SHOTS, 1);
    assert_string_equal(first, again);
    assert_string_not_equal(first, other);
    assert_string_not_equal(first, next);
    free(first);
    free(again);
    free(other);
    free(next);
    char *all = shots_of(0, ITEMS - 1, 1);
    assert_int_equal(strlen(all), (ITEMS - 1) * strlen("q00 yes00\n\n"));
    free(all);
    alisa_cli_task_free(&task);
}

/* ---- Public data --------------------------------------------------------------------------- */

static void expect_file(const char *name, const char *form, size_t items, size_t choices) {
    char path[512];
    snprintf(path, sizeof path, "%s/tasks/%s", SHARED_DATA_DIR, name);
    FILE *file = fopen(path, "r");
    if (!file) {
        print_message("skipped: %s is not there\n", path);
        skip();
    }
    fclose(file);
    AlisaError error;
    json_t *rows = alisa_cli_json_rows(path, &error);
    assert_non_null(rows);
    if (!alisa_cli_task_read(rows, &task, message)) fail_msg("%s: %s", name, message);
    json_decref(rows);
    assert_string_equal(task.form, form);
    assert_int_equal(task.count, items);
    for (size_t i = 0; i < task.count; i++) {
        assert_int_equal(task.items[i].choice_count, choices);
        for (size_t j = 0; j < choices; j++) {
            assert_null(strstr(task.items[i].continuations[j].data, "Answer format"));
        }
    }
    alisa_cli_task_free(&task);
}

static void test_public_files(void **state) {
    (void)state;
    expect_file("piqa_test.json", "piqa", 1838, 2);
    expect_file("winogrande_test.json", "winogrande", 1267, 2);
    expect_file("openbookqa_test.json", "openbookqa", 500, 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_piqa),
        cmocka_unit_test(test_winogrande),
        cmocka_unit_test(test_copa),
        cmocka_unit_test(test_labelled_choices),
        cmocka_unit_test(test_reworded),
        cmocka_unit_test(test_length_is_in_characters),
        cmocka_unit_test(test_bad_rows),
        cmocka_unit_test(test_examples_are_others_and_solved),
        cmocka_unit_test(test_examples_follow_the_seed),
        cmocka_unit_test(test_public_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
