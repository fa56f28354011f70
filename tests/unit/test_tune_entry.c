/* SPDX-License-Identifier: Apache-2.0 */
/* The text of an entry: what is written is read, and what is no entry is told with a sentence. */
#include "unit/tune_support.h"

#include <math.h>

static void assert_close(double left, double right) {
    if (fabs(left - right) > 1e-5 * fabs(right)) fail_msg("%g is not %g", left, right);
}

static void test_round_trip(void **state) {
    (void)state;
    AlisaTuneEntry entry = make_entry(64), read;
    entry.serves = ALISA_TUNING_ARCHITECTURE;
    char *text = format(&entry);
    ChildReport report = {0};
    const AlisaLog log = {report_log, &report};
    OK(alisa_tuner_entry_parse(text, strlen(text), "entry", &log, &read, &error));
    assert_int_equal(report.warnings, 0);
    assert_memory_equal(&read.key, &entry.key, sizeof read.key);
    assert_string_equal(read.key.driver, "3513.0 (HSA1.1,LC) \"\\??");
    assert_string_equal(read.key.architecture, "gfx1100");
    assert_string_equal(read.date, entry.date);
    assert_string_equal(read.version, alisa_version());
    assert_string_equal(read.effort, "normal");
    assert_int_equal(read.serves, ALISA_TUNING_ARCHITECTURE);
    assert_true(json_equal(read.parameters, entry.parameters));
    const double *was = (const double *)&entry.profile, *is = (const double *)&read.profile;
    for (size_t i = 0; i < sizeof read.profile / sizeof *is; i++)
        assert_close(is[i], was[i]);
    /* People read it: a line a value, the example of the documentation. */
    assert_says(text, "\n    \"compute_units\": 48,\n");
    assert_says(text, "\n    \"type\": \"gpu\",\n");
    assert_says(text, "\n    \"read_bandwidth_gb_per_s\": 812.3,\n");
    assert_says(text, "\n      \"layout\": \"item\",\n");
    free(text);
    alisa_tuner_entry_finish(&read);

    entry.profile = (AlisaDeviceProfile){0};
    entry.serves = ALISA_TUNING_NONE;
    text = format(&entry);
    assert_null(strstr(text, "profile"));
    assert_null(strstr(text, "serves"));
    OK(alisa_tuner_entry_parse(text, strlen(text), "entry", &log, &read, &error));
    assert_true(read.profile.read_bandwidth == 0);
    free(text);
    alisa_tuner_entry_finish(&read);
    alisa_tuner_entry_finish(&entry);
    alisa_tuner_entry_finish(&entry);
}

/* What suits the registers of one vendor's GPU spills in another's: none serves those. */
static void test_built_in_files_are_sound(void **state) {
    (void)state;
    ChildReport report = {0};
    const AlisaLog log = {report_log, &report};
    for (size_t i = 0; i < alisa_tuner_file_count; i++) {
        const AlisaEmbeddedFile *file = &alisa_tuner_files[i];
        AlisaTuneEntry entry;
        OK(alisa_tuner_entry_parse(file->text, file->size, file->name, &log, &entry, &error));
        assert_non_null(strchr(file->name, '/'));
        if (entry.serves < ALISA_TUNING_VENDOR) fail_msg("%s serves any vendor", file->name);
        alisa_tuner_entry_finish(&entry);
    }
    if (report.warnings) fail_msg("%s", report.last_warning);
    assert_string_equal(alisa_tuner_files[alisa_tuner_file_count].name ? "more" : "end", "end");
}

/* ---- Texts that are no entries ------------------------------------------------------------- */

static AlisaStatus parse_json(const json_t *root, ChildReport *report) {
    char *text = json_dumps(root, 0);
    const AlisaLog log = {report_log, report};
    AlisaTuneEntry entry;
    AlisaStatus status =
        alisa_tuner_entry_parse(text, strlen(text), "file.json", &log, &entry, &error);
    if (status != ALISA_OK) {
        assert_null(entry.parameters);
        assert_int_equal(strncmp(error.message, "file.json: ", 11), 0);
    }
    alisa_tuner_entry_finish(&entry);
    free(text);
    return status;
}

static json_t *sound_json(void) {
    AlisaTuneEntry entry = make_entry(64);
    char *text = format(&entry);
    json_t *root = json_loads(text, 0, NULL);
    free(text);
    alisa_tuner_entry_finish(&entry);
    return root;
}

static void test_fields(void **state) {
    (void)state;
    /* A section's field set to a value; NULL: taken away. `part` of the sentence, NULL: it is
     * fine. */
    static const struct {
        const char *section, *name, *value, *part;
    } rows[] = {
        {NULL, "format", NULL, "not tuned parameters"},
        {NULL, "format", "\"alisa\"", "not tuned parameters"},
        {NULL, "format", "7", "not tuned parameters"},
        {NULL, "version", NULL, "version"},
        {NULL, "version", "0", "version"},
        {NULL, "version", "1.0", "version"},
        {NULL, "version", "2", "newer"},
        {NULL, "key", NULL, "key.vendor_id"},
        {NULL, "key", "[]", "\"key\""},
        {NULL, "made", NULL, "made.date"},
        {NULL, "profile", NULL, NULL},
        {NULL, "profile", "{}", NULL},
        {NULL, "profile", "3", "\"profile\""},
        {NULL, "parameters", NULL, "parameters"},
        {NULL, "parameters", "[]", "parameters"},
        {NULL, "parameters", "{}", NULL},
        {NULL, "parameters", "{\"matvec\": 4}", "matvec"},
        {NULL, "parameters", "{\"matvec\": {\"a\": 1.5}}", "matvec"},
        {NULL, "parameters", "{\"matvec\": {\"a\": null}}", "matvec"},
        {NULL, "parameters", "{\"\": {\"\": \"\"}}", NULL},
        {"key", "vendor_id", NULL, "key.vendor_id"},
        {"key", "vendor_id", "4294967296", "key.vendor_id"},
        {"key", "vendor_id", "4294967295", NULL},
        {"key", "vendor_id", "-1", "key.vendor_id"},
        {"key", "vendor", NULL, NULL},
        {"key", "platform", NULL, NULL},
        {"key", "board", NULL, NULL},
        {"key", "board", "1", "key.board"},
        {"key", "architecture", NULL, NULL},
        {"key", "device", NULL, "key.device"},
        {"key", "device", "\"\\u0000\"", "JSON"},
        {"key", "compute_units", "48.5", "key.compute_units"},
        {"key", "driver", NULL, "key.driver"},
        {"key", "type", NULL, "key.type"},
        {"key", "type", "\"GPU\"", "key.type"},
        {"key", "type", "\"accelerator\"", NULL},
        {"key", "kernels", NULL, "key.kernels"},
        {"key", "kernels", "\"" KERNELS "0\"", "key.kernels"},
        {"key", "serves", "\"vendor\"", NULL},
        {"key", "serves", "\"device\"", NULL},
        {"key", "serves", "\"exact\"", "key.serves"},
        {"key", "serves", "1", "key.serves"},
        {"made", "date", NULL, "made.date"},
        {"made", "date", "\"\"", "made.date"},
        {"made", "date", "\"yesterday\"", "made.date"},
        {"made", "date", "\"2026-1-31\"", "made.date"},
        {"made", "date", "\"2026-01-31\"", NULL},
        {"made", "version", NULL, NULL},
        {"made", "effort", NULL, NULL},
        {"profile", "launch_wait_us", NULL, NULL},
        {"profile", "launch_wait_us", "-1", "profile.launch_wait_us"},
        {"profile", "read_bandwidth_gb_per_s", "1e300", "profile.read_bandwidth_gb_per_s"},
        {"profile", "plain_to_host_gb_per_s", "[1,2,3]", "profile.plain_to_host_gb_per_s"},
        {"profile", "plain_to_host_gb_per_s", "[1,2,3,4,5,\"6\"]", "plain_to_host_gb_per_s"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ChildReport report = {0};
        json_t *root = sound_json();
        json_t *section = rows[i].section ? json_object_get(root, rows[i].section) : root;
        json_object_del(section, rows[i].name);
        if (rows[i].value) {
            json_object_set_new(section, rows[i].name,
                                json_loads(rows[i].value, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL));
        }
        AlisaStatus status = parse_json(root, &report);
        if (status != (rows[i].part ? ALISA_ERROR_FORMAT : ALISA_OK)) {
            fail_msg("%s = %s: %s", rows[i].name, rows[i].value, alisa_status_name(status));
        }
        if (rows[i].part) assert_says(error.message, rows[i].part);
        assert_int_equal(report.warnings, 0);
        json_decref(root);
    }
}

static void test_unknown_fields_are_named(void **state) {
    (void)state;
    static const char *const names[] = {"key", "made", "profile", NULL};
    for (int i = 0; i < 4; i++) {
        ChildReport report = {0};
        json_t *root = sound_json();
        json_t *section = names[i] ? json_object_get(root, names[i]) : root;
        json_object_set_new(section, "colour", json_string("red"));
        assert_int_equal(parse_json(root, &report), ALISA_OK);
        assert_int_equal(report.warnings, 1);
        assert_says(report.last_warning, "file.json");
        assert_says(report.last_warning, "colour");
        json_decref(root);
    }
}

static void test_no_bytes_do_harm(void **state) {
    (void)state;
    AlisaTuneEntry entry = make_entry(64), read;
    char *text = format(&entry), bytes[8192];
    size_t length = strlen(text), sound = 0;
    assert_true(length < sizeof bytes - 100);
    AlisaRandom random;
    alisa_random_seed(&random, 20260131);
    for (int round = 0; round < 4000; round++) {
        ChildReport report = {0};
        const AlisaLog log = {report_log, &report};
        size_t size = mutate(text, length, bytes, sizeof bytes, &random);
        AlisaStatus status =
            alisa_tuner_entry_parse(bytes, size, "mutated.json", &log, &read, &error);
        if (status == ALISA_OK) {
            sound++;
            char *again = format(&read);
            AlisaTuneEntry twice;
            OK(alisa_tuner_entry_parse(again, strlen(again), "again", &log, &twice, &error));
            assert_true(json_equal(read.parameters, twice.parameters));
            free(again);
            alisa_tuner_entry_finish(&twice);
        } else {
            assert_int_equal(status, ALISA_ERROR_FORMAT);
            assert_says(error.message, "mutated.json");
        }
        alisa_tuner_entry_finish(&read);
    }
    assert_true(sound > 100 && sound < 3900);
    free(text);
    alisa_tuner_entry_finish(&entry);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),       cmocka_unit_test(test_built_in_files_are_sound),
        cmocka_unit_test(test_fields),           cmocka_unit_test(test_unknown_fields_are_named),
        cmocka_unit_test(test_no_bytes_do_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
