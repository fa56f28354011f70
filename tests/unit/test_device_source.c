/* SPDX-License-Identifier: Apache-2.0 */
/* Kernel sources: includes, line numbers, $ALISA_KERNEL_DIR over the embedded files. */
#include "fault/test_device.h"

#include <sys/stat.h>

#include "device/embedded.h"
#include "device/source.h"

static char folder[256], below[300];

static int setup(void **state) {
    (void)state;
    make_folder(folder, sizeof folder);
    snprintf(below, sizeof below, "%s/below", folder);
    assert_int_equal(mkdir(below, 0700), 0);
    setenv("ALISA_KERNEL_DIR", folder, 1);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    remove_folder(below);
    remove_folder(folder);
    unsetenv("ALISA_KERNEL_DIR");
    return 0;
}

static void assert_resolves(const char *file, const char *expected) {
    char *text;
    size_t size;
    AlisaError error = {0};
    if (alisa_source_resolve(file, &text, &size, &error) != ALISA_OK) fail_msg("%s", error.message);
    assert_string_equal(text, expected);
    assert_int_equal(size, strlen(expected));
    alisa_free(text);
}

static void assert_refused(const char *file, const char *part) {
    char *text;
    size_t size;
    AlisaError error = {0};
    assert_int_not_equal(alisa_source_resolve(file, &text, &size, &error), ALISA_OK);
    assert_null(text);
    if (!strstr(error.message, part)) fail_msg("\"%s\" lacks \"%s\"", error.message, part);
}

static void test_includes_are_replaced(void **state) {
    (void)state;
    write_text(folder, "main.cl", "int a;\n  # include \"top.clh\" // why\nint b;");
    write_text(folder, "top.clh", "int top;\n");
    assert_resolves("main.cl", "#line 1 \"main.cl\"\nint a;\n#line 1 \"top.clh\"\nint top;\n"
                               "#line 3 \"main.cl\"\nint b;\n");
}

static void test_root_comes_before_the_neighbour(void **state) {
    (void)state;
    write_text(folder, "below/x.cl", "#include \"one.clh\"\n#include \"two.clh\"\n");
    write_text(folder, "one.clh", "root\n");
    write_text(folder, "below/one.clh", "neighbour\n");
    write_text(folder, "below/two.clh", "two\n");
    assert_resolves("below/x.cl",
                    "#line 1 \"below/x.cl\"\n#line 1 \"one.clh\"\nroot\n#line 2 \"below/x.cl\"\n"
                    "#line 1 \"below/two.clh\"\ntwo\n#line 3 \"below/x.cl\"\n");
}

/* A template is a file that is included more than once. */
static void test_a_file_may_be_included_twice(void **state) {
    (void)state;
    write_text(folder, "twice.cl", "#include \"t.clh\"\n#include \"t.clh\"\n");
    write_text(folder, "t.clh", "T\n");
    assert_resolves("twice.cl", "#line 1 \"twice.cl\"\n#line 1 \"t.clh\"\nT\n#line 2 \"twice.cl\"\n"
                                "#line 1 \"t.clh\"\nT\n#line 3 \"twice.cl\"\n");
}

static void test_other_lines_stay(void **state) {
    (void)state;
    static const char *text = "#include <a.h>\n#includes\n#include MACRO\n#include \"open\n"
                              "// #include \"b\"\n#define include \"c\"\n";
    char expected[256];
    snprintf(expected, sizeof expected, "#line 1 \"other.cl\"\n%s", text);
    write_text(folder, "other.cl", text);
    assert_resolves("other.cl", expected);
}

static void test_failures_name_the_file(void **state) {
    (void)state;
    write_text(folder, "lost.cl", "#include \"nowhere.clh\"\n");
    write_text(folder, "circle.cl", "#include \"circle.cl\"\n");
    assert_refused("missing.cl", "no kernel file \"missing.cl\"");
    assert_refused("lost.cl", "lost.cl: there is no kernel file \"nowhere.clh\"");
    assert_refused("circle.cl", "nested deeper");
    assert_refused("below", "ALISA_KERNEL_DIR");
}

/* Doubling at each of 16 levels would give 64 KiB times 64 KiB. */
static void test_growth_is_bounded(void **state) {
    (void)state;
    for (int i = 0; i < 15; i++) {
        char name[32], text[128];
        snprintf(name, sizeof name, "grow%d.cl", i);
        snprintf(text, sizeof text, "#include \"grow%d.cl\"\n#include \"grow%d.cl\"\n", i + 1,
                 i + 1);
        write_text(folder, name, text);
    }
    static char block[4096];
    memset(block, 'x', sizeof block - 1);
    write_text(folder, "grow15.cl", block);
    assert_refused("grow0.cl", "grows past");
}

static void test_embedded_files_and_their_override(void **state) {
    (void)state;
    assert_true(alisa_embedded_file_count > 0);
    char *text;
    size_t size;
    unsetenv("ALISA_KERNEL_DIR");
    /* Every embedded kernel finds what it includes. */
    for (size_t i = 0; i < alisa_embedded_file_count; i++) {
        AlisaError error = {0};
        assert_int_equal(strlen(alisa_embedded_files[i].text), alisa_embedded_files[i].size);
        if (alisa_source_resolve(alisa_embedded_files[i].name, &text, &size, &error) != ALISA_OK) {
            fail_msg("%s", error.message);
        }
        alisa_free(text);
    }
    assert_int_equal(alisa_source_resolve("selftest.cl", &text, &size, NULL), ALISA_OK);
    assert_non_null(strstr(text, "__kernel void selftest_loop"));
    alisa_free(text);
    setenv("ALISA_KERNEL_DIR", folder, 1);
    write_text(folder, "selftest.cl", "mine\n");
    assert_resolves("selftest.cl", "#line 1 \"selftest.cl\"\nmine\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_includes_are_replaced, setup, teardown),
        cmocka_unit_test_setup_teardown(test_root_comes_before_the_neighbour, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_file_may_be_included_twice, setup, teardown),
        cmocka_unit_test_setup_teardown(test_other_lines_stay, setup, teardown),
        cmocka_unit_test_setup_teardown(test_failures_name_the_file, setup, teardown),
        cmocka_unit_test_setup_teardown(test_growth_is_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(test_embedded_files_and_their_override, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
