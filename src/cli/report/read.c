/* SPDX-License-Identifier: Apache-2.0 */
#include "report/read.h"

#include "common/text.h"
#include "report/fields.h"

#include <stdlib.h>
#include <string.h>

enum { PLACE_SIZE = 128 };

#define MOST_SECONDS 1e9

static const char *const group_names[REPORT_GROUP_COUNT] = {
    [REPORT_MATRIX_VECTOR] = "matrix-vector",
    [REPORT_MATRIX_MATRIX] = "matrix-matrix",
    [REPORT_ATTENTION] = "attention",
    [REPORT_TRANSFER] = "transfer",
    [REPORT_PREFILL] = "prefill",
    [REPORT_DECODE] = "decode",
    [REPORT_POLICY] = "policy"};

static const char *const unit_names[REPORT_UNIT_COUNT] = {
    [REPORT_GB] = "GB/s", [REPORT_GFLOP] = "GFLOP/s", [REPORT_TOKENS] = "t/s"};

const char *alisa_cli_report_group_name(ReportGroup group) {
    return group_names[group];
}

const char *alisa_cli_report_unit_name(ReportUnit unit) {
    return unit_names[unit];
}

#define DEVICE(kind, name)                                                                         \
    { #name, kind, offsetof(ReportDevice, name) }
#define TUNING(name)                                                                               \
    { #name, FIELD_TEXT, offsetof(ReportTuning, name) }
#define MODEL(kind, name)                                                                          \
    { #name, kind, offsetof(ReportModel, name) }
#define MANIFEST(kind, name)                                                                       \
    { #name, kind, offsetof(ReportManifest, name) }
#define ROOFLINE(name)                                                                             \
    { #name, FIELD_FIGURE, offsetof(ReportRoofline, name) }
#define TEST(kind, name)                                                                           \
    { #name, kind, offsetof(ReportTest, name) }

static const Field device_fields[] = {DEVICE(FIELD_TEXT, name),
                                      DEVICE(FIELD_TEXT, platform),
                                      DEVICE(FIELD_TEXT, vendor),
                                      DEVICE(FIELD_TEXT, driver),
                                      DEVICE(FIELD_TEXT, type),
                                      DEVICE(FIELD_TEXT, opencl_version),
                                      DEVICE(FIELD_TEXT, opencl_c_version),
                                      DEVICE(FIELD_COUNT, compute_units),
                                      DEVICE(FIELD_COUNT, clock_mhz),
                                      DEVICE(FIELD_COUNT, global_memory),
                                      DEVICE(FIELD_COUNT, max_allocation),
                                      DEVICE(FIELD_COUNT, local_memory),
                                      DEVICE(FIELD_COUNT, max_work_group),
                                      DEVICE(FIELD_TEXTS, capabilities),
                                      DEVICE(FIELD_TEXT, board),
                                      DEVICE(FIELD_TEXT, architecture),
                                      {0}};
static const Field tuning_fields[] = {TUNING(name), TUNING(match), TUNING(id), {0}};
static const Field model_fields[] = {MODEL(FIELD_TEXT, name),
                                     MODEL(FIELD_TEXT, type),
                                     MODEL(FIELD_COUNT, bytes),
                                     MODEL(FIELD_TEXT, hash),
                                     {0}};
static const Field manifest_fields[] = {
    MANIFEST(FIELD_TEXT, commit),  MANIFEST(FIELD_TEXT, version),
    MANIFEST(FIELD_TEXT, date),    MANIFEST(FIELD_COUNT, samples),
    MANIFEST(FIELD_TEXT, effort),  MANIFEST(FIELD_TEXT, command),
    MANIFEST(FIELD_TEXT, changed), {0}};
static const Field roofline_fields[] = {ROOFLINE(read_bandwidth), ROOFLINE(matrix_peak),
                                        ROOFLINE(copy_to_device), ROOFLINE(copy_to_host),
                                        ROOFLINE(launch_latency), {0}};
static const Field test_fields[] = {TEST(FIELD_TEXT, name),
                                    TEST(FIELD_FIGURE, bytes),
                                    TEST(FIELD_FIGURE, flops),
                                    TEST(FIELD_FIGURE, items),
                                    TEST(FIELD_TEXT, note),
                                    TEST(FIELD_VALUES, parameters),
                                    {0}};

/* ---- The parts of a file ------------------------------------------------------------------- */

static bool read_manifest(const Reader *reader, const json_t *root, ReportManifest *manifest) {
    const json_t *object = json_object_get(root, "manifest");
    if (!alisa_cli_fields_read(reader, object, "manifest", manifest_fields, manifest) ||
        !alisa_cli_fields_read(reader, json_object_get(object, "device"), "manifest.device",
                               device_fields, &manifest->device) ||
        !alisa_cli_fields_read(reader, json_object_get(object, "tuning"), "manifest.tuning",
                               tuning_fields, &manifest->tuning)) {
        return false;
    }
    const json_t *model = json_object_get(object, "model");
    const json_t *link = json_object_get(object, "emulated_link");
    if (!json_is_null(model) && !json_is_object(model)) {
        return alisa_cli_fields_refuse(reader, "manifest", "model", "an object or null", model);
    }
    if (json_is_object(model) &&
        !alisa_cli_fields_read(reader, model, "manifest.model", model_fields, &manifest->model)) {
        return false;
    }
    manifest->emulated_link = json_number_value(link);
    if (json_is_null(link)) return true;
    if (alisa_cli_fields_is_figure(manifest->emulated_link)) return true;
    return alisa_cli_fields_refuse(reader, "manifest", "emulated_link",
                                   "null or a number from 1e-12 to 1e24", link);
}

static int compare(const void *a, const void *b) {
    double first = *(const double *)a, second = *(const double *)b;
    return (first > second) - (first < second);
}

static bool read_samples(const Reader *reader, const json_t *object, const char *place,
                         ReportTest *test) {
    const json_t *list = json_object_get(object, "seconds");
    size_t count = json_array_size(list);
    if (count == 0)
        return alisa_cli_fields_refuse(reader, place, "seconds", "a list of at least one number",
                                       list);
    test->seconds = malloc(count * sizeof *test->seconds);
    if (!test->seconds)
        return alisa_cli_fields_refuse_file(reader, ALISA_ERROR_MEMORY, "out of host memory");
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_array_get(list, i);
        test->seconds[i] = json_number_value(value);
        if (test->seconds[i] >= LEAST_FIGURE && test->seconds[i] <= MOST_SECONDS) continue;
        char sample[PLACE_SIZE];
        snprintf(sample, sizeof sample, "seconds[%zu]", i);
        return alisa_cli_fields_refuse(reader, place, sample, "a number from 1e-12 to 1e9", value);
    }
    test->sample_count = count;
    qsort(test->seconds, count, sizeof *test->seconds, compare);
    return true;
}

/* The unit says what has to be known of a run. */
static bool check_unit(const Reader *reader, const json_t *object, const char *place,
                       const ReportTest *test) {
    static const struct {
        const char *field, *expected;
    } needs[REPORT_UNIT_COUNT] = {
        [REPORT_GB] = {"bytes", "a positive number, because the unit is GB/s"},
        [REPORT_GFLOP] = {"flops", "a positive number, because the unit is GFLOP/s"},
        [REPORT_TOKENS] = {"items", "a positive number, because the unit is t/s"}};
    const json_t *value = json_object_get(object, needs[test->unit].field);
    if (json_number_value(value) > 0.0) return true;
    return alisa_cli_fields_refuse(reader, place, needs[test->unit].field,
                                   needs[test->unit].expected, value);
}

static bool check_name(const Reader *reader, const ReportRun *run, size_t index) {
    const ReportTest *test = &run->tests[index];
    for (size_t i = 0; i < index; i++) {
        const ReportTest *other = &run->tests[i];
        if (other->group != test->group || strcmp(other->name, test->name) != 0) continue;
        char reason[PLACE_SIZE];
        snprintf(reason, sizeof reason,
                 "tests[%zu].name: expected another name than that of tests[%zu] in its group",
                 index, i);
        return alisa_cli_fields_refuse_file(reader, ALISA_ERROR_FORMAT, reason);
    }
    return true;
}

static bool read_test(const Reader *reader, const json_t *object, const char *place,
                      ReportTest *test) {
    if (!alisa_cli_fields_read(reader, object, place, test_fields, test)) return false;
    size_t group =
        alisa_cli_fields_name(reader, object, place, "group", group_names, REPORT_GROUP_COUNT);
    if (group == REPORT_GROUP_COUNT) return false;
    size_t unit =
        alisa_cli_fields_name(reader, object, place, "unit", unit_names, REPORT_UNIT_COUNT);
    if (unit == REPORT_UNIT_COUNT) return false;
    test->group = (ReportGroup)group;
    test->unit = (ReportUnit)unit;
    return check_unit(reader, object, place, test) && read_samples(reader, object, place, test);
}

static bool read_tests(const Reader *reader, const json_t *root, ReportRun *run) {
    const json_t *list = json_object_get(root, "tests");
    size_t count = json_array_size(list);
    if (count == 0)
        return alisa_cli_fields_refuse(reader, "", "tests", "a list of at least one test", list);
    run->tests = calloc(count, sizeof *run->tests);
    if (!run->tests)
        return alisa_cli_fields_refuse_file(reader, ALISA_ERROR_MEMORY, "out of host memory");
    for (size_t i = 0; i < count; i++) {
        char place[PLACE_SIZE];
        snprintf(place, sizeof place, "tests[%zu]", i);
        run->test_count = i + 1; /* counted before it is read: what is half read is freed, too */
        if (!read_test(reader, json_array_get(list, i), place, &run->tests[i]) ||
            !check_name(reader, run, i)) {
            return false;
        }
    }
    return true;
}

static bool check_format(const Reader *reader, const json_t *root) {
    const json_t *format = json_object_get(root, "format");
    const json_t *version = json_object_get(root, "version");
    const char *name = json_string_value(format);
    if (!name || strcmp(name, REPORT_FORMAT) != 0) {
        return alisa_cli_fields_refuse(reader, "", "format",
                                       "\"" REPORT_FORMAT "\", what 'alisa bench --suite' writes",
                                       format);
    }
    if (json_integer_value(version) < 1) {
        return alisa_cli_fields_refuse(reader, "", "version", "a whole number from 1 on", version);
    }
    if (json_integer_value(version) <= REPORT_VERSION) return true;
    char reason[PLACE_SIZE];
    snprintf(reason, sizeof reason,
             "version %lld of " REPORT_FORMAT " is newer than %d, the newest this alisa reads",
             (long long)json_integer_value(version), REPORT_VERSION);
    return alisa_cli_fields_refuse_file(reader, ALISA_ERROR_UNSUPPORTED, reason);
}

bool alisa_cli_report_parse(const char *file, const char *text, size_t size, ReportRun *run,
                            AlisaError *error) {
    Reader reader = {file, error};
    json_error_t problem;
    run->file = file;
    run->root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &problem);
    if (!run->root) {
        char reason[JSON_ERROR_TEXT_LENGTH + 64];
        snprintf(reason, sizeof reason, "line %d is not JSON: %s", problem.line, problem.text);
        return alisa_cli_fields_refuse_file(&reader, ALISA_ERROR_FORMAT, reason);
    }
    return check_format(&reader, run->root) && read_manifest(&reader, run->root, &run->manifest) &&
           alisa_cli_fields_read(&reader, json_object_get(run->root, "roofline"), "roofline",
                                 roofline_fields, &run->roofline) &&
           read_tests(&reader, run->root, run);
}

bool alisa_cli_report_read(const char *file, ReportRun *run, AlisaError *error) {
    Text text = {0};
    bool good = alisa_cli_text_read(&text, file, error) &&
                alisa_cli_report_parse(file, text.data, text.size, run, error);
    alisa_cli_text_free(&text);
    return good;
}

void alisa_cli_report_run_finish(ReportRun *run) {
    for (size_t i = 0; i < run->test_count; i++)
        free(run->tests[i].seconds);
    free(run->tests);
    json_decref(run->root);
    *run = (ReportRun){0};
}
