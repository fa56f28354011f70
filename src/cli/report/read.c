#include "report/read.h"

#include "common/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PLACE_SIZE = 128 };

/* Beyond these a figure is a slip, and what follows from it may no longer be a number. */
#define LEAST_FIGURE 1e-12
#define MOST_FIGURE  1e24
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

/* What a field holds, and the C type it is stored as. */
typedef enum FieldKind {
    FIELD_TEXT,   /* const char * into the JSON */
    FIELD_COUNT,  /* json_int_t, not negative */
    FIELD_FIGURE, /* double, 0 or LEAST_FIGURE to MOST_FIGURE */
    FIELD_TEXTS,  /* const json_t *: a list */
    FIELD_VALUES, /* const json_t *: an object of texts, numbers and booleans */
} FieldKind;

typedef struct Field {
    const char *name; /* NULL ends the table */
    FieldKind kind;
    size_t offset;
} Field;

static const char *const expected_of[] = {
    [FIELD_TEXT] = "a text",
    [FIELD_COUNT] = "a whole number that is not negative",
    [FIELD_FIGURE] = "0 or a number from 1e-12 to 1e24",
    [FIELD_TEXTS] = "a list of texts",
    [FIELD_VALUES] = "an object of texts, numbers and booleans",
};

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

/* ---- Refusals ----------------------------------------------------------------------------- */

typedef struct Reader {
    const char *file;
    AlisaError *error;
} Reader;

static void describe(const json_t *value, char text[64]) {
    static const char *const names[] = {
        [JSON_OBJECT] = "an object", [JSON_ARRAY] = "a list", [JSON_STRING] = "a text",
        [JSON_TRUE] = "true",        [JSON_FALSE] = "false",  [JSON_NULL] = "null"};
    if (!value) {
        snprintf(text, 64, "nothing");
    } else if (json_is_number(value)) {
        snprintf(text, 64, "%.10g", json_number_value(value));
    } else {
        snprintf(text, 64, "%s", names[json_typeof(value)]);
    }
}

/* "manifest.device" and "name" are where in the file; one of them may be empty. */
static bool refuse(const Reader *reader, const char *place, const char *field, const char *expected,
                   const json_t *found) {
    char text[64];
    describe(found, text);
    reader->error->status = ALISA_ERROR_FORMAT;
    snprintf(reader->error->message, sizeof reader->error->message,
             "%s: %s%s%s: expected %s, found %s", reader->file, place, *place && *field ? "." : "",
             field, expected, text);
    return false;
}

static bool refuse_file(const Reader *reader, AlisaStatus status, const char *reason) {
    reader->error->status = status;
    snprintf(reader->error->message, sizeof reader->error->message, "%s: %s", reader->file, reason);
    return false;
}

/* ---- Fields ------------------------------------------------------------------------------- */

static bool is_list_of_texts(const json_t *value) {
    bool good = json_is_array(value);
    for (size_t i = 0; good && i < json_array_size(value); i++)
        good = json_is_string(json_array_get(value, i));
    return good;
}

static bool is_object_of_values(const json_t *value) {
    bool good = json_is_object(value);
    const char *name;
    json_t *member;
    json_object_foreach((json_t *)value, name, member) {
        good =
            good && (json_is_string(member) || json_is_number(member) || json_is_boolean(member));
    }
    return good;
}

static bool is_figure(double value) {
    return value >= LEAST_FIGURE && value <= MOST_FIGURE;
}

/* False where the value is not of the kind. */
static bool store(FieldKind kind, const json_t *value, void *field) {
    switch (kind) {
    case FIELD_TEXT:
        *(const char **)field = json_string_value(value);
        return json_is_string(value);
    case FIELD_COUNT:
        *(json_int_t *)field = json_integer_value(value);
        return json_is_integer(value) && json_integer_value(value) >= 0;
    case FIELD_FIGURE:
        *(double *)field = json_number_value(value);
        return json_is_number(value) && (is_figure(*(double *)field) || *(double *)field == 0.0);
    case FIELD_TEXTS:
        *(const json_t **)field = value;
        return is_list_of_texts(value);
    case FIELD_VALUES:
        *(const json_t **)field = value;
        return is_object_of_values(value);
    }
    return false;
}

static bool read_fields(const Reader *reader, const json_t *object, const char *place,
                        const Field *fields, void *record) {
    if (!json_is_object(object)) {
        refuse(reader, place, "", "an object", object);
        return false;
    }
    for (const Field *field = fields; field->name; field++) {
        const json_t *value = json_object_get(object, field->name);
        if (store(field->kind, value, (char *)record + field->offset)) continue;
        refuse(reader, place, field->name, expected_of[field->kind], value);
        return false;
    }
    return true;
}

/* Index of a text among names; `count` where it is not one of them, with a refusal. */
static size_t read_name(const Reader *reader, const json_t *object, const char *place,
                        const char *field, const char *const *names, size_t count) {
    const json_t *value = json_object_get(object, field);
    const char *text = json_string_value(value);
    char expected[256] = "one of ";
    for (size_t i = 0; i < count; i++) {
        if (text && strcmp(text, names[i]) == 0) return i;
        size_t used = strlen(expected);
        snprintf(expected + used, sizeof expected - used, "%s%s", i ? ", " : "", names[i]);
    }
    refuse(reader, place, field, expected, value);
    return count;
}

/* ---- The parts of a file ------------------------------------------------------------------- */

static bool read_manifest(const Reader *reader, const json_t *root, ReportManifest *manifest) {
    const json_t *object = json_object_get(root, "manifest");
    if (!read_fields(reader, object, "manifest", manifest_fields, manifest) ||
        !read_fields(reader, json_object_get(object, "device"), "manifest.device", device_fields,
                     &manifest->device) ||
        !read_fields(reader, json_object_get(object, "tuning"), "manifest.tuning", tuning_fields,
                     &manifest->tuning)) {
        return false;
    }
    const json_t *model = json_object_get(object, "model");
    const json_t *link = json_object_get(object, "emulated_link");
    if (!json_is_null(model) && !json_is_object(model)) {
        return refuse(reader, "manifest", "model", "an object or null", model);
    }
    if (json_is_object(model) &&
        !read_fields(reader, model, "manifest.model", model_fields, &manifest->model)) {
        return false;
    }
    manifest->emulated_link = json_number_value(link);
    if (json_is_null(link)) return true;
    if (is_figure(manifest->emulated_link)) return true;
    return refuse(reader, "manifest", "emulated_link", "null or a number from 1e-12 to 1e24", link);
}

static int compare(const void *a, const void *b) {
    double first = *(const double *)a, second = *(const double *)b;
    return (first > second) - (first < second);
}

static bool read_samples(const Reader *reader, const json_t *object, const char *place,
                         ReportTest *test) {
    const json_t *list = json_object_get(object, "seconds");
    size_t count = json_array_size(list);
    if (count == 0) return refuse(reader, place, "seconds", "a list of at least one number", list);
    test->seconds = malloc(count * sizeof *test->seconds);
    if (!test->seconds) return refuse_file(reader, ALISA_ERROR_MEMORY, "out of host memory");
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_array_get(list, i);
        test->seconds[i] = json_number_value(value);
        if (test->seconds[i] >= LEAST_FIGURE && test->seconds[i] <= MOST_SECONDS) continue;
        char sample[PLACE_SIZE];
        snprintf(sample, sizeof sample, "seconds[%zu]", i);
        return refuse(reader, place, sample, "a number from 1e-12 to 1e9", value);
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
    return refuse(reader, place, needs[test->unit].field, needs[test->unit].expected, value);
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
        return refuse_file(reader, ALISA_ERROR_FORMAT, reason);
    }
    return true;
}

static bool read_test(const Reader *reader, const json_t *object, const char *place,
                      ReportTest *test) {
    if (!read_fields(reader, object, place, test_fields, test)) return false;
    size_t group = read_name(reader, object, place, "group", group_names, REPORT_GROUP_COUNT);
    if (group == REPORT_GROUP_COUNT) return false;
    size_t unit = read_name(reader, object, place, "unit", unit_names, REPORT_UNIT_COUNT);
    if (unit == REPORT_UNIT_COUNT) return false;
    test->group = (ReportGroup)group;
    test->unit = (ReportUnit)unit;
    return check_unit(reader, object, place, test) && read_samples(reader, object, place, test);
}

static bool read_tests(const Reader *reader, const json_t *root, ReportRun *run) {
    const json_t *list = json_object_get(root, "tests");
    size_t count = json_array_size(list);
    if (count == 0) return refuse(reader, "", "tests", "a list of at least one test", list);
    run->tests = calloc(count, sizeof *run->tests);
    if (!run->tests) return refuse_file(reader, ALISA_ERROR_MEMORY, "out of host memory");
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
        return refuse(reader, "", "format",
                      "\"" REPORT_FORMAT "\", what 'alisa bench --suite' writes", format);
    }
    if (json_integer_value(version) < 1) {
        return refuse(reader, "", "version", "a whole number from 1 on", version);
    }
    if (json_integer_value(version) <= REPORT_VERSION) return true;
    char reason[PLACE_SIZE];
    snprintf(reason, sizeof reason,
             "version %lld of " REPORT_FORMAT " is newer than %d, the newest this alisa reads",
             (long long)json_integer_value(version), REPORT_VERSION);
    return refuse_file(reader, ALISA_ERROR_UNSUPPORTED, reason);
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
        return refuse_file(&reader, ALISA_ERROR_FORMAT, reason);
    }
    return check_format(&reader, run->root) && read_manifest(&reader, run->root, &run->manifest) &&
           read_fields(&reader, json_object_get(run->root, "roofline"), "roofline", roofline_fields,
                       &run->roofline) &&
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
