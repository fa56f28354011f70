/* SPDX-License-Identifier: Apache-2.0 */
#include "report/figures.h"

#include "common/terminal.h"
#include "report/read.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- A test -------------------------------------------------------------------------------- */

/* The work of one sample of a test, in what the unit of the test's value counts. */
static double work_of(const ReportTest *test) {
    switch (test->unit) {
    case REPORT_GB:
        return test->bytes * 1e-9;
    case REPORT_GFLOP:
        return test->flops * 1e-9;
    default:
        return test->items;
    }
}

static double copy_rate(const ReportTest *test, const ReportRoofline *roofline) {
    const char *direction = alisa_cli_report_text(test, "direction");
    if (!direction) return 0.0;
    if (strcmp(direction, "to-device") == 0) return roofline->copy_to_device;
    return strcmp(direction, "to-host") == 0 ? roofline->copy_to_host : 0.0;
}

/* The least time that `work` takes at a measured rate; INFINITY while that was not measured. */
static double least_seconds(double work, double rate) {
    if (work <= 0.0) return 0.0;
    return rate > 0.0 ? work / rate : INFINITY;
}

static void find_limit(ReportTest *test, const ReportRoofline *roofline) {
    double seconds;
    if (test->group == REPORT_TRANSFER) {
        seconds = least_seconds(test->bytes, copy_rate(test, roofline));
        test->limit = REPORT_LIMIT_LINK;
    } else {
        double reading = least_seconds(test->bytes, roofline->read_bandwidth);
        double computing = least_seconds(test->flops, roofline->matrix_peak);
        seconds = fmax(reading, computing);
        test->limit = reading > computing ? REPORT_LIMIT_BANDWIDTH : REPORT_LIMIT_PEAK;
    }
    if (!(seconds > 0.0) || isinf(seconds)) {
        test->limit = REPORT_LIMIT_UNKNOWN;
        return;
    }
    test->share = seconds / test->median;
    test->limit_value = work_of(test) / seconds;
}

void alisa_cli_report_figures(ReportRun *run) {
    for (size_t i = 0; i < run->test_count; i++) {
        ReportTest *test = &run->tests[i];
        const double *seconds = test->seconds;
        size_t count = test->sample_count;
        test->median = (seconds[(count - 1) / 2] + seconds[count / 2]) / 2.0;
        test->spread = (seconds[count - 1] - seconds[0]) / test->median;
        test->value = work_of(test) / test->median;
        test->low = work_of(test) / seconds[count - 1];
        test->high = work_of(test) / seconds[0];
        if (test->bytes > 0.0 && test->flops > 0.0) test->intensity = test->flops / test->bytes;
        find_limit(test, &run->roofline);
    }
}

/* ---- Parameters ---------------------------------------------------------------------------- */

const char *alisa_cli_report_text(const ReportTest *test, const char *parameter) {
    return json_string_value(json_object_get(test->parameters, parameter));
}

double alisa_cli_report_number(const ReportTest *test, const char *parameter) {
    return json_number_value(json_object_get(test->parameters, parameter));
}

static void add_part(char *text, size_t size, const char *name, const char *value) {
    size_t used = strlen(text);
    snprintf(text + used, size - used, "%s%s%s%s", used ? ", " : "", name, *name ? " " : "", value);
}

void alisa_cli_report_texts(const ReportTest *test, const char *without, char *text, size_t size) {
    const char *name;
    json_t *value;
    text[0] = 0;
    json_object_foreach((json_t *)test->parameters, name, value) {
        bool left_out = without && strcmp(name, without) == 0;
        if (json_is_string(value) && !left_out) add_part(text, size, "", json_string_value(value));
    }
}

void alisa_cli_report_numbers(const ReportTest *test, char *text, size_t size) {
    const char *name;
    json_t *value;
    text[0] = 0;
    json_object_foreach((json_t *)test->parameters, name, value) {
        char number[32];
        if (!json_is_number(value)) continue;
        snprintf(number, sizeof number, "%.10g", json_number_value(value));
        add_part(text, size, name, number);
    }
}

bool alisa_cli_report_same_work(const ReportTest *a, const ReportTest *b) {
    /* Bytes are counted, not measured: the same work gives the same number, up to its writing. */
    bool bytes = fabs(a->bytes - b->bytes) <= 1e-6 * a->bytes;
    bool flops = fabs(a->flops - b->flops) <= 1e-6 * a->flops;
    return a->unit == b->unit && bytes && flops && a->items == b->items &&
           json_equal(a->parameters, b->parameters);
}

/* ---- Runs ---------------------------------------------------------------------------------- */

static const char *base_name(const char *file) {
    const char *slash = strrchr(file, '/');
    return slash ? slash + 1 : file;
}

static void label_run(Report *report, size_t index) {
    ReportRun *run = &report->runs[index];
    const char *name = run->manifest.device.name;
    bool twice = false;
    for (size_t i = 0; i < report->run_count; i++) {
        twice |= i != index && strcmp(report->runs[i].manifest.device.name, name) == 0;
    }
    run->letter = (char)('A' + index);
    const char *what = run->manifest.changed[0] ? run->manifest.changed : base_name(run->file);
    snprintf(run->label, sizeof run->label, "%.120s%s%.100s%s", name[0] ? name : "unnamed device",
             twice ? " (" : "", twice ? what : "", twice ? ")" : "");
}

static ReportRow *find_row(Report *report, const ReportTest *test) {
    for (size_t i = report->row_count; i-- > 0;) {
        ReportRow *row = &report->rows[i];
        if (row->first->group != test->group) break; /* rows come group after group */
        if (strcmp(row->first->name, test->name) == 0) return row;
    }
    ReportRow *row = &report->rows[report->row_count++];
    *row = (ReportRow){.first = test};
    return row;
}

static void add_group(Report *report, ReportGroup group) {
    for (size_t run = 0; run < report->run_count; run++) {
        for (size_t i = 0; i < report->runs[run].test_count; i++) {
            const ReportTest *test = &report->runs[run].tests[i];
            if (test->group == group) find_row(report, test)->tests[run] = test;
        }
    }
}

static bool has_point(const ReportRow *row) {
    for (size_t run = 0; run < REPORT_RUNS; run++) {
        if (row->tests[run] && row->tests[run]->intensity > 0.0) return true;
    }
    return false;
}

bool alisa_cli_report_arrange(Report *report, AlisaError *error) {
    size_t tests = 0, points = 0;
    for (size_t i = 0; i < report->run_count; i++) {
        label_run(report, i);
        tests += report->runs[i].test_count;
    }
    report->row_count = 0;
    report->rows = calloc(tests, sizeof *report->rows);
    if (!report->rows) return alisa_cli_memory_error(error) == ALISA_OK;
    for (int group = 0; group < REPORT_GROUP_COUNT; group++)
        add_group(report, (ReportGroup)group);
    for (size_t i = 0; i < report->row_count; i++) {
        if (has_point(&report->rows[i])) report->rows[i].number = ++points;
    }
    return true;
}

void alisa_cli_report_finish(Report *report) {
    for (size_t i = 0; i < report->run_count; i++)
        alisa_cli_report_run_finish(&report->runs[i]);
    free(report->rows);
    *report = (Report){0};
}

/* ---- Groups -------------------------------------------------------------------------------- */

static bool runs_model(ReportGroup group) {
    return group == REPORT_PREFILL || group == REPORT_DECODE || group == REPORT_POLICY;
}

static bool uses_link(ReportGroup group) {
    return group == REPORT_TRANSFER || group == REPORT_POLICY;
}

static bool same_model(const ReportModel *a, const ReportModel *b) {
    return a->hash && b->hash && !strcmp(a->hash, b->hash) && !strcmp(a->type, b->type);
}

/* Whether a group of two runs can be compared: those that run a model need the same one, those that
 * copy the same link. */
static bool are_comparable(const ReportRun *a, const ReportRun *b, ReportGroup group) {
    double first = a->manifest.emulated_link, second = b->manifest.emulated_link;
    return (!runs_model(group) || same_model(&a->manifest.model, &b->manifest.model)) &&
           (!uses_link(group) || fabs(first - second) <= 1e-6 * first);
}

double alisa_cli_report_ratio(const Report *report, ReportGroup group, size_t run, size_t base,
                              size_t *count) {
    double sum = 0.0;
    *count = 0;
    if (!are_comparable(&report->runs[run], &report->runs[base], group)) return 0.0;
    for (size_t i = 0; i < report->row_count; i++) {
        const ReportTest *test = report->rows[i].tests[run], *other = report->rows[i].tests[base];
        if (!test || !other || test->group != group || !alisa_cli_report_same_work(test, other)) {
            continue;
        }
        sum += log(other->median / test->median);
        ++*count;
    }
    return *count ? exp(sum / (double)*count) : 0.0;
}

double alisa_cli_report_share(const Report *report, ReportGroup group, size_t run, size_t *count) {
    double sum = 0.0;
    *count = 0;
    for (size_t i = 0; i < report->row_count; i++) {
        const ReportTest *test = report->rows[i].tests[run];
        if (!test || test->group != group || test->limit == REPORT_LIMIT_UNKNOWN) continue;
        sum += log(test->share);
        ++*count;
    }
    return *count ? exp(sum / (double)*count) : 0.0;
}
