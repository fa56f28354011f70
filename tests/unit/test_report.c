/* SPDX-License-Identifier: Apache-2.0 */
/* Files of a suite: every field that is wrong gets a sentence that names its place; what follows
 * from the samples; which runs are not comparable; text that a page can show. */
/* The program is not a library: its pure files are compiled into the test. */
#include "../../src/cli/common/html.c"
#include "../../src/cli/common/terminal.c"
#include "../../src/cli/common/text.c"
#include "../../src/cli/report/check.c"
#include "../../src/cli/report/fields.c"
#include "../../src/cli/report/figures.c"
#include "../../src/cli/report/read.c"

#include <setjmp.h>

#include <cmocka.h>

#define FIXTURE TESTS_DIR "/cli/data/suite.json"

static json_t *fixture(void) {
    json_error_t problem;
    json_t *root = json_load_file(FIXTURE, 0, &problem);
    if (!root) fail_msg("%s: %s", FIXTURE, problem.text);
    return root;
}

/* The value at "tests.0.seconds" of a file; the last step is left in `name`. */
static json_t *parent_of(json_t *root, const char *path, char name[64]) {
    for (const char *step = path;;) {
        size_t length = strcspn(step, ".");
        snprintf(name, 64, "%.*s", (int)length, step);
        if (step[length] == 0) return root;
        root = json_is_array(root) ? json_array_get(root, strtoul(name, NULL, 10))
                                   : json_object_get(root, name);
        assert_non_null(root);
        step += length + 1;
    }
}

/* Puts JSON text at a place of a file; NULL takes away what is there. */
static void change(json_t *root, const char *path, const char *value) {
    char name[64];
    json_error_t problem;
    json_t *parent = parent_of(root, path, name);
    json_t *parsed = value ? json_loads(value, JSON_DECODE_ANY, &problem) : NULL;
    if (value && !parsed) fail_msg("the test's own JSON '%s': %s", value, problem.text);
    if (json_is_array(parent)) {
        size_t index = strtoul(name, NULL, 10);
        assert_int_equal(parsed ? json_array_set_new(parent, index, parsed)
                                : json_array_remove(parent, index),
                         0);
    } else {
        assert_int_equal(
            parsed ? json_object_set_new(parent, name, parsed) : json_object_del(parent, name), 0);
    }
}

static bool parse(json_t *root, ReportRun *run, AlisaError *error) {
    char *text = json_dumps(root, 0);
    assert_non_null(text);
    *run = (ReportRun){0};
    bool good = alisa_cli_report_parse("f.json", text, strlen(text), run, error);
    free(text);
    json_decref(root);
    return good;
}

static void expect_refused(const char *path, const char *value, const char *message) {
    json_t *root = fixture();
    ReportRun run;
    AlisaError error;
    change(root, path, value);
    if (parse(root, &run, &error))
        fail_msg("%s = %s was accepted", path, value ? value : "nothing");
    assert_string_equal(error.message, message);
    alisa_cli_report_run_finish(&run);
}

/* ---- The reader ---------------------------------------------------------------------------- */

static void test_reads(void **state) {
    (void)state;
    ReportRun run = {0};
    AlisaError error;
    if (!alisa_cli_report_read(FIXTURE, &run, &error)) fail_msg("%s", error.message);
    assert_string_equal(run.manifest.device.name, "Device One");
    assert_string_equal(run.manifest.device.architecture, "Architecture");
    assert_int_equal(run.manifest.device.global_memory, 17179869184);
    assert_int_equal(json_array_size(run.manifest.device.capabilities), 2);
    assert_string_equal(run.manifest.tuning.id, "11aa");
    assert_string_equal(run.manifest.model.hash, "feed");
    assert_true(run.manifest.emulated_link == 0.0);
    assert_true(run.roofline.copy_to_host == 1e10);
    assert_int_equal(run.test_count, 12);
    assert_int_equal(run.tests[1].group, REPORT_MATRIX_MATRIX);
    assert_int_equal(run.tests[1].unit, REPORT_GFLOP);
    assert_string_equal(run.tests[1].note, "a note");
    assert_int_equal(run.tests[0].sample_count, 5);
    assert_true(run.tests[0].seconds[0] == 0.99e-4 && run.tests[0].seconds[4] == 1.03e-4);
    alisa_cli_report_run_finish(&run);
    assert_false(alisa_cli_report_read("/no/such/file", &run, &error));
    assert_non_null(strstr(error.message, "/no/such/file"));
}

static void test_model_and_link(void **state) {
    (void)state;
    json_t *root = fixture();
    ReportRun run;
    AlisaError error;
    change(root, "manifest.model", "null");
    change(root, "manifest.emulated_link", "2e10");
    assert_true(parse(root, &run, &error));
    assert_null(run.manifest.model.hash);
    assert_true(run.manifest.emulated_link == 2e10);
    alisa_cli_report_run_finish(&run);
}

static void expect_all_required(const char *place, const char *shown, const Field *fields) {
    for (; fields->name; fields++) {
        char path[128], message[256];
        snprintf(path, sizeof path, "%s.%s", place, fields->name);
        snprintf(message, sizeof message, "f.json: %s.%s: expected %s, found nothing", shown,
                 fields->name, expected_of[fields->kind]);
        expect_refused(path, NULL, message);
        bool list = fields->kind == FIELD_TEXTS;
        snprintf(message, sizeof message, "f.json: %s.%s: expected %s, found %s", shown,
                 fields->name, expected_of[fields->kind], list ? "null" : "a list");
        expect_refused(path, list ? "null" : "[]", message);
    }
}

static void test_every_field_is_required(void **state) {
    (void)state;
    expect_all_required("manifest", "manifest", manifest_fields);
    expect_all_required("manifest.device", "manifest.device", device_fields);
    expect_all_required("manifest.tuning", "manifest.tuning", tuning_fields);
    expect_all_required("manifest.model", "manifest.model", model_fields);
    expect_all_required("roofline", "roofline", roofline_fields);
    expect_all_required("tests.3", "tests[3]", test_fields);
}

static void test_wrong_fields(void **state) {
    (void)state;
    static const struct {
        const char *path, *value, *message;
    } cases[] = {
        {"format", "\"alisa\"",
         "f.json: format: expected \"alisa-suite\", what 'alisa bench --suite' writes, found a "
         "text"},
        {"version", "0", "f.json: version: expected a whole number from 1 on, found 0"},
        {"version", "\"1\"", "f.json: version: expected a whole number from 1 on, found a text"},
        {"version", "7",
         "f.json: version 7 of alisa-suite is newer than 1, the newest this alisa reads"},
        {"manifest", NULL, "f.json: manifest: expected an object, found nothing"},
        {"manifest.device", "3", "f.json: manifest.device: expected an object, found 3"},
        {"manifest.samples", "-1",
         "f.json: manifest.samples: expected a whole number that is not negative, found -1"},
        {"manifest.samples", "2.5",
         "f.json: manifest.samples: expected a whole number that is not negative, found 2.5"},
        {"manifest.device.capabilities", "[\"fp16\", 3]",
         "f.json: manifest.device.capabilities: expected a list of texts, found a list"},
        {"manifest.model", NULL,
         "f.json: manifest.model: expected an object or null, found nothing"},
        {"manifest.emulated_link", "false",
         "f.json: manifest.emulated_link: expected null or a number from 1e-12 to 1e24, found "
         "false"},
        {"manifest.emulated_link", "0",
         "f.json: manifest.emulated_link: expected null or a number from 1e-12 to 1e24, found 0"},
        {"manifest.emulated_link", NULL,
         "f.json: manifest.emulated_link: expected null or a number from 1e-12 to 1e24, found "
         "nothing"},
        {"roofline", "[]", "f.json: roofline: expected an object, found a list"},
        {"roofline.matrix_peak", "1e25",
         "f.json: roofline.matrix_peak: expected 0 or a number from 1e-12 to 1e24, found 1e+25"},
        {"tests.5.bytes", "1e-300",
         "f.json: tests[5].bytes: expected 0 or a number from 1e-12 to 1e24, found 1e-300"},
        {"tests", "[]", "f.json: tests: expected a list of at least one test, found a list"},
        {"tests.2", "null", "f.json: tests[2]: expected an object, found null"},
        {"tests.2.group", "\"attack\"",
         "f.json: tests[2].group: expected one of matrix-vector, matrix-matrix, attention, "
         "transfer, prefill, decode, policy, found a text"},
        {"tests.2.unit", "\"GiB/s\"",
         "f.json: tests[2].unit: expected one of GB/s, GFLOP/s, t/s, found a text"},
        {"tests.2.bytes", "0",
         "f.json: tests[2].bytes: expected a positive number, because the unit is GB/s, found 0"},
        {"tests.1.flops", "0",
         "f.json: tests[1].flops: expected a positive number, because the unit is GFLOP/s, found "
         "0"},
        {"tests.9.items", "0",
         "f.json: tests[9].items: expected a positive number, because the unit is t/s, found 0"},
        {"tests.0.seconds", "[]",
         "f.json: tests[0].seconds: expected a list of at least one number, found a list"},
        {"tests.0.seconds.3", "0",
         "f.json: tests[0].seconds[3]: expected a number from 1e-12 to 1e9, found 0"},
        {"tests.0.seconds.3", "\"1\"",
         "f.json: tests[0].seconds[3]: expected a number from 1e-12 to 1e9, found a text"},
        {"tests.0.parameters", "{\"a\": [1]}",
         "f.json: tests[0].parameters: expected an object of texts, numbers and booleans, found an "
         "object"},
        {"tests.3.name", "\"dense, 1024 tokens\"",
         "f.json: tests[3].name: expected another name than that of tests[2] in its group"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_refused(cases[i].path, cases[i].value, cases[i].message);
}

static void test_not_json(void **state) {
    (void)state;
    static const char *const texts[] = {"", "{", "<html>", "{\"version\": 1, \"version\": 2}",
                                        "{\"a\": \"\xff\"}"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        ReportRun run = {0};
        AlisaError error;
        assert_false(alisa_cli_report_parse("f.json", texts[i], strlen(texts[i]), &run, &error));
        assert_non_null(strstr(error.message, "f.json: line "));
        alisa_cli_report_run_finish(&run);
    }
}

/* ---- Figures --------------------------------------------------------------------------------- */

static void expect_near(double value, double expected) {
    if (fabs(value - expected) > 1e-9 * fabs(expected)) fail_msg("%g, not %g", value, expected);
}

static void test_figures(void **state) {
    (void)state;
    ReportRun run;
    AlisaError error;
    assert_true(parse(fixture(), &run, &error));
    alisa_cli_report_figures(&run);
    const ReportTest *vector = &run.tests[0], *matrix = &run.tests[1], *up = &run.tests[6];
    expect_near(vector->median, 1.01e-4);
    expect_near(vector->value, 2e7 / 1.01e-4 * 1e-9);
    expect_near(vector->low, 2e7 / 1.03e-4 * 1e-9);
    expect_near(vector->high, 2e7 / 0.99e-4 * 1e-9);
    expect_near(vector->spread, 0.04 / 1.01);
    expect_near(vector->intensity, 2.0);
    /* 2 flop a byte at 4e11 bytes/s are fewer than 1e13: the memory bounds it. */
    assert_int_equal(vector->limit, REPORT_LIMIT_BANDWIDTH);
    expect_near(vector->share, vector->value / 400.0);
    expect_near(vector->limit_value, 400.0);
    assert_int_equal(matrix->limit, REPORT_LIMIT_PEAK);
    expect_near(matrix->limit_value, 1e4);
    expect_near(matrix->share, 2e10 / 4e-3 / 1e13);
    assert_int_equal(up->limit, REPORT_LIMIT_LINK);
    expect_near(up->share, 16777216 / 1.5e-3 / 1.2e10);
    expect_near(run.tests[7].share, 16777216 / 2e-3 / 1e10);
    expect_near(run.tests[8].value, 2048.0);
    assert_int_equal(run.tests[8].limit, REPORT_LIMIT_PEAK);
    expect_near(run.tests[8].limit_value, 512 / (1.024e12 / 1e13));
    assert_int_equal(run.tests[9].limit, REPORT_LIMIT_UNKNOWN);
    alisa_cli_report_run_finish(&run);
}

static void test_even_samples_and_unknown_limits(void **state) {
    (void)state;
    json_t *root = fixture();
    ReportRun run;
    AlisaError error;
    change(root, "tests.0.seconds", "[4e-4, 1e-4, 3e-4, 2e-4]");
    change(root, "roofline.matrix_peak", "0");
    change(root, "roofline.copy_to_device", "0");
    assert_true(parse(root, &run, &error));
    alisa_cli_report_figures(&run);
    expect_near(run.tests[0].median, 2.5e-4);
    /* A peak that was not measured may be what bounds a test that computes. */
    assert_int_equal(run.tests[0].limit, REPORT_LIMIT_UNKNOWN);
    assert_int_equal(run.tests[6].limit, REPORT_LIMIT_UNKNOWN);
    assert_int_equal(run.tests[7].limit, REPORT_LIMIT_LINK);
    alisa_cli_report_run_finish(&run);
}

/* ---- Reports ----------------------------------------------------------------------------------
 */

static void add_run(Report *report, json_t *root) {
    AlisaError error;
    ReportRun *run = &report->runs[report->run_count++];
    if (!parse(root, run, &error)) fail_msg("%s", error.message);
    alisa_cli_report_figures(run);
}

static void test_rows_and_labels(void **state) {
    (void)state;
    Report report = {0};
    AlisaError error;
    json_t *second = fixture(), *third = fixture();
    change(second, "manifest.device.name", "\"Device Two\"");
    change(second, "tests.2.name", "\"dense, 2048 tokens\"");
    change(third, "manifest.changed", "\"tuned\"");
    add_run(&report, fixture());
    add_run(&report, second);
    add_run(&report, third);
    assert_true(alisa_cli_report_arrange(&report, &error));
    assert_string_equal(report.runs[0].label, "Device One (f.json)");
    assert_string_equal(report.runs[1].label, "Device Two");
    assert_string_equal(report.runs[2].label, "Device One (tuned)");
    assert_int_equal(report.row_count, 13);
    assert_string_equal(report.rows[2].first->name, "dense, 1024 tokens");
    assert_null(report.rows[2].tests[1]);
    assert_non_null(report.rows[2].tests[2]);
    assert_string_equal(report.rows[5].first->name, "dense, 2048 tokens");
    assert_int_equal(report.rows[5].first->group, REPORT_ATTENTION);
    assert_int_equal(report.rows[5].number, 6);
    assert_int_equal(report.rows[6].number, 0); /* a copy has no operations */
    assert_int_equal(report.rows[9].number, 7); /* the prefill has */
    alisa_cli_report_finish(&report);
}

static void test_ratios(void **state) {
    (void)state;
    Report report = {0};
    AlisaError error;
    size_t count;
    json_t *second = fixture();
    change(second, "manifest.model.hash", "\"other\"");
    change(second, "tests.2.seconds", "[2e-5]");   /* twice as fast */
    change(second, "tests.3.seconds", "[1.5e-5]"); /* eight times */
    change(second, "tests.4.bytes", "1");          /* another test */
    add_run(&report, fixture());
    add_run(&report, second);
    assert_true(alisa_cli_report_arrange(&report, &error));
    expect_near(alisa_cli_report_ratio(&report, REPORT_ATTENTION, 1, 0, &count), 4.0);
    assert_int_equal(count, 2);
    alisa_cli_report_ratio(&report, REPORT_TRANSFER, 1, 0, &count);
    assert_int_equal(count, 3);
    alisa_cli_report_ratio(&report, REPORT_PREFILL, 1, 0, &count);
    assert_int_equal(count, 0); /* another model */
    expect_near(alisa_cli_report_share(&report, REPORT_MATRIX_MATRIX, 0, &count), 0.5);
    alisa_cli_report_share(&report, REPORT_DECODE, 0, &count);
    assert_int_equal(count, 0);
    alisa_cli_report_finish(&report);
}

/* The kinds of the warnings of two files, the second with a change or two, and the text of the
 * first warning. */
static char warned_text[1024];
static const char *warned(const char *path, const char *value, const char *path2,
                          const char *value2) {
    static char kinds[128];
    Report report = {0};
    ReportWarnings warnings = {0};
    AlisaError error;
    json_t *second = fixture();
    if (path) change(second, path, value);
    if (path2) change(second, path2, value2);
    add_run(&report, fixture());
    add_run(&report, second);
    assert_true(alisa_cli_report_arrange(&report, &error));
    assert_true(alisa_cli_report_check(&report, &warnings, &error));
    kinds[0] = warned_text[0] = 0;
    for (size_t i = 0; i < warnings.count; i++) {
        size_t used = strlen(kinds);
        snprintf(kinds + used, sizeof kinds - used, "%s%s", i ? " " : "", warnings.list[i].kind);
        if (i == 0) snprintf(warned_text, sizeof warned_text, "%s", warnings.list[i].text);
    }
    alisa_cli_report_warnings_free(&warnings);
    alisa_cli_report_finish(&report);
    return kinds;
}

static void test_warnings(void **state) {
    (void)state;
    static const char other_device[] = "manifest.device.name", other[] = "\"Device Two\"";
    assert_string_equal(warned(NULL, NULL, NULL, NULL), "");
    assert_string_equal(warned(other_device, other, NULL, NULL), "");

    assert_string_equal(warned("manifest.commit", "\"4567def\"", NULL, NULL), "build");
    assert_string_equal(warned_text, "The runs differ in their build. A: 0.1.0 at commit 0123abc; "
                                     "B: 0.1.0 at commit 4567def. What looks like a difference of "
                                     "devices may be one of programs.");
    assert_string_equal(warned("manifest.version", "\"0.2.0\"", other_device, other), "build");
    assert_string_equal(warned("manifest.model.hash", "\"beef\"", other_device, other), "model");
    assert_string_equal(warned("manifest.model.type", "\"Q4_0\"", other_device, other), "model");
    assert_string_equal(warned("manifest.model.name", "\"x\"", other_device, other), "");
    assert_string_equal(warned("manifest.model", "null", other_device, other), "model");
    assert_string_equal(warned("manifest.emulated_link", "2e10", other_device, other), "link");
    assert_non_null(strstr(warned_text, "A: the device's own; B: emulated, 20.0 GB/s."));
    assert_string_equal(warned("manifest.effort", "\"quick\"", other_device, other), "effort");
    assert_string_equal(warned("manifest.date", "\"\"", "manifest.command", "\"\""), "");

    /* One thing may differ between runs of a device, two may not; between devices they may. */
    static const char driver[] = "manifest.device.driver", tuning[] = "manifest.tuning.id";
    assert_string_equal(warned(driver, "\"2.0\"", NULL, NULL), "");
    assert_string_equal(warned(tuning, "\"22bb\"", "manifest.changed", "\"tuned\""), "");
    assert_string_equal(warned(driver, "\"2.0\"", "manifest.device.platform", "\"Rusticl\""), "");
    assert_string_equal(warned(driver, "\"2.0\"", tuning, "\"22bb\""), "several");
    assert_string_equal(warned_text, "A and B are the same device, but differ in 2 things: driver "
                                     "and tuning. Which of them made a difference cannot be told.");
    assert_string_equal(warned("manifest.samples", "9", tuning, "\"22bb\""), "several");
    assert_string_equal(warned("manifest.commit", "\"x\"", tuning, "\"22bb\""), "build several");
    assert_string_equal(warned(driver, "\"2.0\"", other_device, other), "");

    assert_string_equal(warned("tests.5.seconds", "[2e-5, 2e-5, 2e-5, 2e-5]", NULL, NULL),
                        "few-samples");
    assert_string_equal(warned_text, "B: fewer than 5 samples in 1 of 12 tests: transfer to the "
                                     "device, 64 KiB (4). Their medians may be chance.");
    assert_string_equal(warned("tests.5.seconds", "[2e-5, 2e-5, 2e-5, 2e-5, 2.39e-5]", NULL, NULL),
                        "");
    assert_string_equal(warned("tests.5.seconds", "[2e-5, 2e-5, 2e-5, 2e-5, 2.41e-5]", NULL, NULL),
                        "spread");
    assert_non_null(strstr(warned_text, "transfer to the device, 64 KiB (20 %)"));
    assert_string_equal(warned("tests.5.bytes", "65000", NULL, NULL), "work");
    assert_string_equal(warned("tests.0.parameters.type", "\"f16\"", NULL, NULL), "work");
    assert_string_equal(warned("roofline.copy_to_host", "5e9", NULL, NULL), "over-limit");
    assert_string_equal(warned("tests.5.name", "\"only here\"", NULL, NULL), "");
}

/* ---- Text --------------------------------------------------------------------------------------
 */

static void expect_html(const char *text, const char *expected) {
    char *written = NULL;
    size_t size;
    FILE *stream = open_memstream(&written, &size);
    assert_non_null(stream);
    alisa_cli_html_text(stream, text);
    fclose(stream);
    assert_string_equal(written, expected);
    free(written);
}

static void test_escapes(void **state) {
    (void)state;
    expect_html("", "");
    expect_html("H100 (80 GB)", "H100 (80 GB)");
    expect_html("<script>alert(\"1\")</script>",
                "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;");
    expect_html("a' onload='x", "a&#39; onload=&#39;x");
    expect_html("&lt; & &amp;", "&amp;lt; &amp; &amp;amp;");
    expect_html("]]> --> <!--", "]]&gt; --&gt; &lt;!--");
    expect_html("Caf\xC3\xA9 \xF0\x9F\xA6\x99", "Caf\xC3\xA9 \xF0\x9F\xA6\x99");
    expect_html("a\tb\nc", "a\tb\nc");
    expect_html("\x1b[31m\x7f\x01", "\xEF\xBF\xBD[31m\xEF\xBF\xBD\xEF\xBF\xBD");
    expect_html("\xff\xC3(", "\xEF\xBF\xBD\xEF\xBF\xBD(");
    expect_html("cut \xF0\x9F\xA6", "cut \xEF\xBF\xBD"); /* a text that was shortened */
    expect_html("\xC0\xBCscript>", "\xEF\xBF\xBD\xEF\xBF\xBDscript&gt;"); /* overlong < */
}

static void test_numbers(void **state) {
    (void)state;
    static const struct {
        double value;
        const char *number, *scaled;
    } cases[] = {{0, "0.00", "0.00 s"},
                 {1.234, "1.23", "1.23 s"},
                 {9.999, "10.0", "10.0 s"},
                 {12.34, "12.3", "12.3 s"},
                 {99.99, "100", "100 s"},
                 {1234.4, "1234", "1.23 ks"},
                 {0.01234, "0.0123", "12.3 ms"},
                 {4.2e-7, "0.000000420", "420 ns"},
                 {0.9996, "1.00", "1.00 s"},
                 {999.9, "1000", "1.00 ks"},
                 {3.35e12, "3350000000000", "3.35 Ts"}};
    char cell[HTML_CELL];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        alisa_cli_html_number(cases[i].value, cell);
        assert_string_equal(cell, cases[i].number);
        alisa_cli_html_scaled(cases[i].value, "s", cell);
        assert_string_equal(cell, cases[i].scaled);
    }
    alisa_cli_html_round(1e-4, "s", cell);
    assert_string_equal(cell, "100 \xC2\xB5s");
    alisa_cli_html_bytes(512, cell);
    assert_string_equal(cell, "512 B");
    alisa_cli_html_bytes(1536, cell);
    assert_string_equal(cell, "1.50 KiB");
    alisa_cli_html_bytes(17179869184.0, cell);
    assert_string_equal(cell, "16 GiB");
    alisa_cli_html_percent(0.034, cell);
    assert_string_equal(cell, "3.4 %");
    alisa_cli_html_percent(0.785, cell);
    assert_string_equal(cell, "78 %");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads),
        cmocka_unit_test(test_model_and_link),
        cmocka_unit_test(test_every_field_is_required),
        cmocka_unit_test(test_wrong_fields),
        cmocka_unit_test(test_not_json),
        cmocka_unit_test(test_figures),
        cmocka_unit_test(test_even_samples_and_unknown_limits),
        cmocka_unit_test(test_rows_and_labels),
        cmocka_unit_test(test_ratios),
        cmocka_unit_test(test_warnings),
        cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
