/* SPDX-License-Identifier: Apache-2.0 */
/* The argument parser on a small table, then the program's own table checked for slips. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The program is not a library: its pure files are compiled into the test. */
#include "../../src/cli/options/arguments.c"
#include "../../src/cli/options/choices.c"
#include "../../src/cli/options/commands.c"
#include "../../src/cli/options/help.c"
#include "../../src/cli/options/options.c"
#include "../../src/cli/options/values.c"

enum { FIRST = 1u << 0, SECOND = 1u << 1 };

typedef struct Values {
    bool quiet, list;
    int64_t count;
    double share;
    uint64_t memory;
    const char *name;
    int color;
    IntegerList sizes;
    TensorPlaces places;
    OutputTarget output;
} Values;

static const Choice colors[] = {{"red", 7}, {"green", 8}, {0}};

static const Option small_table[] = {
    {0, "--quiet", "-q", OPTION_FLAG, offsetof(Values, quiet), NULL, NULL, 0, 0, NULL, FIRST,
     "hush"},
    {0, "--list", NULL, OPTION_REQUEST, offsetof(Values, list), NULL, NULL, 0, 0, NULL, FIRST,
     "list"},
    {0, "--count", "-n", OPTION_INTEGER, offsetof(Values, count), "N", "5", -1, 100, NULL,
     FIRST | SECOND, "how many"},
    {0, "--share", NULL, OPTION_REAL, offsetof(Values, share), "X", "0.5", 0, 1, NULL, FIRST,
     "share"},
    {0, "--device-mem", NULL, OPTION_SIZE, offsetof(Values, memory), "SIZE", NULL, 0, 0, NULL,
     FIRST, "memory"},
    {0, "--name", NULL, OPTION_STRING, offsetof(Values, name), "TEXT", NULL, 0, 0, NULL, FIRST,
     "name"},
    {0, "--color", "-ck", OPTION_CHOICE, offsetof(Values, color), "NAME", "red", 0, 0, colors,
     FIRST, "color"},
    {0, "--sizes", "-z", OPTION_INTEGERS, offsetof(Values, sizes), "N", "1", 0, 1000, NULL, FIRST,
     "sizes"},
    {0, "--tensors", "-ot", OPTION_PLACES, offsetof(Values, places), "PLACES", NULL, 0, 0, NULL,
     FIRST, "places"},
    {0, "--output", "-o", OPTION_OUTPUT, offsetof(Values, output), "FORMAT", "green", 0, 0, colors,
     FIRST, "output"},
    {0, "--only-second", NULL, OPTION_FLAG, offsetof(Values, quiet), NULL, NULL, 0, 0, NULL, SECOND,
     "x"},
    {0},
};

static const EnvironmentVariable small_variables[] = {
    {"ALISA_CACHE", "cache"}, {"ALISA_TEST_*", NULL}, {0}};
static const ArgumentTable small = {small_table, small_variables};

static Values values;
static const char *operands[OPERAND_CAPACITY + 1];
static const char *operand_name = "FILE";
static char message[ARGUMENT_MESSAGE_SIZE];

/* Parses words separated by blanks, with one environment entry or NULL. */
static bool parse(const char *line, const char *variable) {
    static char copy[512];
    const char *words[32];
    const char *environment[] = {"PATH=/bin", variable, NULL};
    size_t count = 0;
    snprintf(copy, sizeof copy, "%s", line);
    for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
        words[count++] = word;
    memset(&values, 0, sizeof values);
    message[0] = 0;
    ArgumentRequest request = {.command = FIRST,
                               .command_name = "first",
                               .operand_name = operand_name,
                               .words = words,
                               .word_count = count,
                               .environment = environment};
    return alisa_cli_arguments_parse(&small, &request, &values, operands, message);
}

static void expect_refused(const char *line, const char *variable, const char *part) {
    if (parse(line, variable)) fail_msg("'%s' was accepted", line);
    if (!strstr(message, part)) fail_msg("'%s' gave '%s', not '%s'", line, message, part);
}

static void expect_parsed(const char *line, const char *variable) {
    if (!parse(line, variable)) fail_msg("'%s': %s", line, message);
}

static void test_defaults(void **state) {
    (void)state;
    expect_parsed("", NULL);
    assert_false(values.quiet);
    assert_int_equal(values.count, 5);
    assert_true(values.share == 0.5);
    assert_int_equal(values.memory, 0);
    assert_null(values.name);
    assert_int_equal(values.color, 7);
    assert_int_equal(values.sizes.count, 1);
    assert_null(operands[0]);
    assert_int_equal(values.output.format, 8);
    assert_null(values.output.file);
}

static void test_values(void **state) {
    (void)state;
    expect_parsed("-q -n -1 --share 1e-3 --name -n --color green -z 1,20,300 model.gguf", NULL);
    assert_true(values.quiet);
    assert_int_equal(values.count, -1);
    assert_true(values.share == 1e-3);
    assert_string_equal(values.name, "-n"); /* the word after a flag is its value, dash or not */
    assert_int_equal(values.color, 8);
    assert_int_equal(values.sizes.count, 3);
    assert_int_equal(values.sizes.values[2], 300);
    assert_string_equal(operands[0], "model.gguf");
    assert_null(operands[1]);

    expect_parsed("--count=7 --name=a=b -ck green -", NULL);
    assert_int_equal(values.count, 7);
    assert_string_equal(values.name, "a=b");
    assert_int_equal(values.color, 8);
    assert_string_equal(operands[0], "-");

    expect_parsed("-n 1 -n 2", NULL); /* the last one wins */
    assert_int_equal(values.count, 2);
}

static void test_sizes(void **state) {
    (void)state;
    static const struct {
        const char *text;
        uint64_t bytes;
    } cases[] = {
        {"0", 0},           {"123", 123},         {"1k", 1024},         {"512M", 512u << 20},
        {"6G", 6ull << 30}, {"1.5G", 3ull << 29}, {"2GiB", 2ull << 30}, {"3mb", 3u << 20},
        {"1T", 1ull << 40}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char line[64];
        snprintf(line, sizeof line, "--device-mem %s", cases[i].text);
        expect_parsed(line, NULL);
        assert_int_equal(values.memory, cases[i].bytes);
    }
    static const char *const bad[] = {"",    "x",   "-1",  "1X",   "1GG",
                                      "1e3", "nan", "inf", "0x10", ".G"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char line[64];
        snprintf(line, sizeof line, "--device-mem=%s", bad[i]);
        expect_refused(line, NULL, "is not a size");
    }
    expect_refused("--device-mem 99999999T", NULL, "out of range");
}

static void expect_place(size_t index, const char *pattern, bool on_host) {
    const TensorPlace *place = &values.places.items[index];
    assert_true(index < values.places.count);
    assert_int_equal(place->length, strlen(pattern));
    assert_memory_equal(place->pattern, pattern, place->length);
    assert_int_equal(place->on_host, on_host);
}

static void test_places(void **state) {
    (void)state;
    expect_parsed("", NULL);
    assert_int_equal(values.places.count, 0);
    expect_parsed("-ot x{1,2}=host,y|z=device -ot (?=b)b=CPU", NULL);
    assert_int_equal(values.places.count, 3);
    expect_place(0, "x{1,2}", true);
    expect_place(1, "y|z", false);
    expect_place(2, "(?=b)b", true);
    expect_parsed("", "ALISA_TENSORS=a=host,b=device");
    assert_int_equal(values.places.count, 2);
    expect_parsed("-ot c=host", "ALISA_TENSORS=a=host,b=device"); /* the flag wins */
    assert_int_equal(values.places.count, 1);
    expect_place(0, "c", true);
    expect_refused("-ot a=gpu", NULL, "-ot: 'gpu' is not a place of tensors");
    expect_refused("-ot a=host,b", NULL, "'b' is not a pattern and a place");
    expect_refused("-ot =host", NULL, "'=host' is not a pattern and a place");
    expect_refused("-ot a=host,", NULL, "'' is not a pattern and a place");
    char many[512] = "-ot ";
    for (int i = 0; i <= TENSOR_PLACE_CAPACITY; i++)
        strcat(many, i ? ",a=CPU" : "a=CPU");
    expect_refused(many, NULL, "more than 64 patterns");
}

static void test_bad_values(void **state) {
    (void)state;
    expect_refused("-n", NULL, "-n needs a value (N)");
    expect_refused("-n x", NULL, "-n: 'x' is not a whole number");
    expect_refused("-n 1.5", NULL, "not a whole number");
    expect_refused("--count=", NULL, "not a whole number");
    expect_refused("-n 101", NULL, "-n: 101 is out of range (-1 to 100)");
    expect_refused("-n -2", NULL, "out of range");
    expect_refused("-n 99999999999999999999", NULL, "out of range");
    expect_refused("--share 1.01", NULL, "out of range (0 to 1)");
    expect_refused("--share nan", NULL, "not a number");
    expect_refused("--share 0.5x", NULL, "not a number");
    expect_refused("--color blue", NULL, "'blue' is not one of red, green");
    expect_refused("-z 1,,2", NULL, "not a whole number");
    expect_refused("-z 1,1001", NULL, "out of range");
    expect_refused("--quiet=1", NULL, "--quiet takes no value");
    expect_refused("one two", NULL, "takes one FILE, but both 'one' and 'two'");
}

static void test_unknown_flags(void **state) {
    (void)state;
    expect_refused("--cuont 3", NULL, "did you mean --count?");
    expect_refused("-share 3", NULL, "did you mean --share?");
    expect_refused("--QUIET", NULL, "did you mean --quiet?");
    expect_refused("--nothing-like-it", NULL, "'alisa first --help' lists the flags");
    expect_refused("--only-second", NULL, "'alisa first' has no flag --only-second");
    /* Not an abbreviation, not a bundle: what is not spelled in the table is unknown. */
    expect_refused("--cou 3", NULL, "unknown");
    expect_refused("-n3", NULL, "unknown");
    expect_refused("-qn 3", NULL, "unknown");
}

static void test_requests_end_the_line(void **state) {
    (void)state;
    expect_parsed("--list --bogus", NULL);
    assert_true(values.list);
    expect_refused("--bogus --list", NULL, "unknown");
    expect_refused("", "ALISA_LIST=1", "ALISA_LIST is unknown");
}

static void test_environment(void **state) {
    (void)state;
    expect_parsed("", "ALISA_COUNT=9");
    assert_int_equal(values.count, 9);
    expect_parsed("-n 3", "ALISA_COUNT=9"); /* the flag wins */
    assert_int_equal(values.count, 3);
    expect_parsed("", "ALISA_DEVICE_MEM=1K");
    assert_int_equal(values.memory, 1024);
    expect_parsed("", "ALISA_COUNT="); /* set to nothing is not set */
    assert_int_equal(values.count, 5);
    expect_parsed("", "ALISA_QUIET=yes");
    assert_true(values.quiet);
    expect_parsed("", "ALISA_QUIET=0");
    assert_false(values.quiet);
    expect_parsed("", "ALISA_NAME=a=b");
    assert_string_equal(values.name, "a=b");
    expect_parsed("", "ALISA_CACHE=/tmp");
    expect_parsed("", "ALISA_TEST_SMALL=1");
    expect_parsed("", "ALISA_ONLY_SECOND=nonsense"); /* another command's: not looked at */

    expect_refused("", "ALISA_QUIET=maybe", "ALISA_QUIET: 'maybe' is neither 1 nor 0");
    expect_refused("", "ALISA_COUNT=x", "ALISA_COUNT: 'x' is not a whole number");
    expect_refused("", "ALISA_COUNTT=1", "ALISA_COUNTT is unknown; did you mean ALISA_COUNT?");
    expect_refused("", "ALISA_CACHES=1", "did you mean ALISA_CACHE?");
    expect_refused("", "ALISA_BANANA_SPLIT=1", "ALISA_BANANA_SPLIT is unknown");
}

static void test_no_operand(void **state) {
    (void)state;
    const char *words[] = {"stray"}, *environment[] = {NULL};
    ArgumentRequest request = {.command = SECOND,
                               .command_name = "second",
                               .words = words,
                               .word_count = 1,
                               .environment = environment};
    assert_false(alisa_cli_arguments_parse(&small, &request, &values, operands, message));
    assert_non_null(strstr(message, "'alisa second' does not take the word 'stray'"));
}

static void test_any_number_of_operands(void **state) {
    (void)state;
    operand_name = "FILE...";
    expect_parsed("", NULL);
    assert_null(operands[0]);
    expect_parsed("a -n 3 b c", NULL);
    assert_int_equal(values.count, 3);
    assert_string_equal(operands[0], "a");
    assert_string_equal(operands[2], "c");
    assert_null(operands[3]);

    const char *words[OPERAND_CAPACITY + 1], *environment[] = {NULL};
    for (size_t i = 0; i <= OPERAND_CAPACITY; i++)
        words[i] = "a";
    ArgumentRequest request = {.command = FIRST,
                               .command_name = "first",
                               .operand_name = operand_name,
                               .words = words,
                               .word_count = OPERAND_CAPACITY,
                               .environment = environment};
    assert_true(alisa_cli_arguments_parse(&small, &request, &values, operands, message));
    assert_null(operands[OPERAND_CAPACITY]);
    request.word_count++;
    assert_false(alisa_cli_arguments_parse(&small, &request, &values, operands, message));
    assert_non_null(strstr(message, "at most 64 words"));
    operand_name = "FILE";
}

static void test_output(void **state) {
    (void)state;
    expect_parsed("-o red", NULL);
    assert_int_equal(values.output.format, 7);
    assert_null(values.output.file);
    expect_parsed("-o red -o page.html", NULL);
    assert_int_equal(values.output.format, 0);
    assert_string_equal(values.output.file, "page.html");
    expect_parsed("-o /dev/null", NULL);
    assert_string_equal(values.output.file, "/dev/null");
    expect_parsed("-o page.html -o red", NULL);
    assert_null(values.output.file);
    expect_refused("-o blue", NULL, "'blue' is not one of red, green");
}

static void test_list_that_is_too_long(void **state) {
    (void)state;
    enum { COUNT = INTEGER_LIST_CAPACITY + 1 };
    char *text = malloc(2 * COUNT);
    assert_non_null(text);
    for (size_t i = 0; i < COUNT; i++)
        memcpy(text + 2 * i, "1,", 2);
    text[2 * COUNT - 1] = 0;
    const char *words[] = {"-z", text}, *environment[] = {NULL};
    ArgumentRequest request = {.command = FIRST,
                               .command_name = "first",
                               .words = words,
                               .word_count = 2,
                               .environment = environment};
    assert_false(alisa_cli_arguments_parse(&small, &request, &values, operands, message));
    assert_non_null(strstr(message, "more than"));
    text[2 * COUNT - 3] = 0;
    assert_true(alisa_cli_arguments_parse(&small, &request, &values, operands, message));
    assert_int_equal(values.sizes.count, INTEGER_LIST_CAPACITY);
    free(text);
}

static void test_edit_distance(void **state) {
    (void)state;
    assert_int_equal(edit_distance("", ""), 0);
    assert_int_equal(edit_distance("", "abc"), 3);
    assert_int_equal(edit_distance("abc", ""), 3);
    assert_int_equal(edit_distance("kitten", "sitting"), 3);
    assert_int_equal(edit_distance("--tmep", "--temp"), 1);
    assert_int_equal(edit_distance("ABC", "abc"), 0);
    assert_int_equal(edit_distance("ca", "abc"), 3);
    char longest[NAME_SIZE + 2];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = 0;
    assert_true(edit_distance(longest, "x") == SIZE_MAX);
}

/* ---- The program's table ------------------------------------------------------------------ */

static bool same_spelling(const char *a, const char *b) {
    return a && b && strcmp(a, b) == 0;
}

static void test_own_table(void **state) {
    (void)state;
    for (const Option *a = alisa_cli_options()->options; a->name; a++) {
        assert_true(strncmp(a->name, "--", 2) == 0 && strlen(a->name) > 4);
        assert_true(!a->alias || (a->alias[0] == '-' && a->alias[1] != '-'));
        assert_true(a->commands != 0 && a->help && a->help[0]);
        bool flag = a->kind == OPTION_FLAG || a->kind == OPTION_REQUEST;
        assert_true(flag == !a->value);
        bool chosen =
            a->kind == OPTION_CHOICE || a->kind == OPTION_RATE || a->kind == OPTION_OUTPUT;
        assert_true(chosen == (a->choices != NULL));
        for (const Option *b = a + 1; b->name; b++) {
            if (!(a->commands & b->commands)) continue;
            bool clash = same_spelling(a->name, b->name) || same_spelling(a->alias, b->alias);
            if (clash) fail_msg("%s and %s clash", a->name, b->name);
        }
    }
    /* Every command's defaults are in range and parse. */
    for (const Command *command = alisa_cli_commands; command->name; command++) {
        static Settings settings;
        const char *environment[] = {NULL};
        ArgumentRequest request = {
            .command = command->bit, .command_name = command->name, .environment = environment};
        memset(&settings, 0, sizeof settings);
        if (!alisa_cli_arguments_parse(alisa_cli_options(), &request, &settings, operands,
                                       message)) {
            fail_msg("%s", message);
        }
    }
}

/* Help lists options under headings: a group that the table leaves and comes back to would have two
 * of them. */
static void test_groups_are_together(void **state) {
    (void)state;
    int group = 0;
    for (const Option *option = alisa_cli_options()->options; option->name; option++) {
        if (option->group < group) fail_msg("%s is not among its group", option->name);
        group = option->group;
    }
}

static void test_commands_are_described(void **state) {
    (void)state;
    uint32_t seen = 0;
    for (const Command *command = alisa_cli_commands; command->name; command++) {
        assert_true(command->bit && !(seen & command->bit));
        seen |= command->bit;
        size_t used;
        const char *line = command->examples[0].line;
        if (!strstr(line, command->name)) fail_msg("'%s' is no example of %s", line, command->name);
        size_t end = strlen(command->description);
        if (command->description[end - 1] != '.') fail_msg("%s: no sentence", command->name);
        const char *words[] = {"eval", strchr(command->name, ' ')};
        bool two = words[1] != NULL;
        words[two ? 1 : 0] = two ? words[1] + 1 : command->name;
        assert_ptr_equal(alisa_cli_command_find(words, two ? 2 : 1, &used), command);
        assert_int_equal(used, two ? 2 : 1);
    }
}

static char *help_of(const char *name) {
    char *text = NULL;
    size_t size = 0, used;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    alisa_cli_help_command(alisa_cli_command_find(&name, 1, &used), out);
    fclose(out);
    return text;
}

static void test_help(void **state) {
    (void)state;
    char *text = help_of("generate");
    assert_non_null(strstr(text, "--top-k N"));
    assert_non_null(strstr(text, "(default: 40)"));
    assert_non_null(strstr(text, "[text, json, jsonl]"));
    assert_non_null(strstr(text, "\nSampling:\n"));
    assert_null(strstr(text, "--repetitions"));
    assert_null(strstr(text, "\nSearch:\n"));
    for (const char *line = text; *line; line += strcspn(line, "\n") + 1) {
        size_t length = strcspn(line, "\n");
        if (length > 80) fail_msg("a line of help has %zu columns: %.90s", length, line);
    }
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_bad_values),
        cmocka_unit_test(test_unknown_flags),
        cmocka_unit_test(test_requests_end_the_line),
        cmocka_unit_test(test_environment),
        cmocka_unit_test(test_no_operand),
        cmocka_unit_test(test_any_number_of_operands),
        cmocka_unit_test(test_output),
        cmocka_unit_test(test_list_that_is_too_long),
        cmocka_unit_test(test_edit_distance),
        cmocka_unit_test(test_own_table),
        cmocka_unit_test(test_groups_are_together),
        cmocka_unit_test(test_commands_are_described),
        cmocka_unit_test(test_help),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
