/* SPDX-License-Identifier: Apache-2.0 */
#include "report/check.h"

#include "common/html.h"
#include "common/terminal.h"
#include "report/figures.h"

#include <stdlib.h>
#include <string.h>

enum { NAMED = 3, VARIABLE_SIZE = 512 };

/* The least share of a limit that rounding does not explain. */
#define OVER_LIMIT 1.05

/* ---- Variables: what may differ between runs ------------------------------------------------ */

static void describe_build(const ReportManifest *manifest, char *text) {
    snprintf(text, VARIABLE_SIZE, "%s at commit %s", manifest->version, manifest->commit);
}

static void describe_model(const ReportManifest *manifest, char *text) {
    const ReportModel *model = &manifest->model;
    if (model->hash) {
        snprintf(text, VARIABLE_SIZE, "%s with hash %s", model->type, model->hash);
    } else {
        snprintf(text, VARIABLE_SIZE, "none");
    }
}

static void describe_link(const ReportManifest *manifest, char *text) {
    char rate[HTML_CELL] = "the device's own";
    if (manifest->emulated_link > 0.0) {
        alisa_cli_html_scaled(manifest->emulated_link, "B/s", rate);
    }
    snprintf(text, VARIABLE_SIZE, "%s%s", manifest->emulated_link > 0.0 ? "emulated, " : "", rate);
}

static void describe_effort(const ReportManifest *manifest, char *text) {
    snprintf(text, VARIABLE_SIZE, "%s", manifest->effort);
}

static void describe_driver(const ReportManifest *manifest, char *text) {
    const ReportDevice *device = &manifest->device;
    snprintf(text, VARIABLE_SIZE, "%s %s, %s", device->platform, device->driver,
             device->opencl_version);
}

static void describe_tuning(const ReportManifest *manifest, char *text) {
    snprintf(text, VARIABLE_SIZE, "%s (%s)", manifest->tuning.name, manifest->tuning.id);
}

static void describe_samples(const ReportManifest *manifest, char *text) {
    snprintf(text, VARIABLE_SIZE, "%lld", (long long)manifest->samples);
}

#define BIT(group) (1u << REPORT_##group)

typedef struct Variable {
    const char *kind, *name;
    void (*describe)(const ReportManifest *manifest, char *text);
    const char *consequence; /* what a difference between any two runs means; NULL: each device may
                                have a value of its own */
    unsigned groups;         /* bits of the groups beside whose pictures the warning is repeated */
} Variable;

static const Variable variables[] = {
    {"build", "build", describe_build,
     "What looks like a difference of devices may be one of programs.", 0},
    {"model", "model", describe_model, "Prefill, decode and policies cannot be compared.",
     BIT(PREFILL) | BIT(DECODE) | BIT(POLICY)},
    {"link", "link between host and device", describe_link,
     "Transfers and policies cannot be compared.", BIT(TRANSFER) | BIT(POLICY)},
    {"effort", "effort", describe_effort, "The tests were not run in the same way.", 0},
    {"driver", "driver", describe_driver, NULL, 0},
    {"tuning", "tuning", describe_tuning, NULL, 0},
    {"samples", "number of samples", describe_samples, NULL, 0},
};

enum { VARIABLE_COUNT = sizeof variables / sizeof variables[0] };

static bool differ(const Variable *variable, const ReportRun *a, const ReportRun *b) {
    char first[VARIABLE_SIZE], second[VARIABLE_SIZE];
    variable->describe(&a->manifest, first);
    variable->describe(&b->manifest, second);
    return strcmp(first, second) != 0;
}

/* ---- Warnings ------------------------------------------------------------------------------- */

typedef struct Checker {
    const Report *report;
    ReportWarnings *warnings;
    size_t text_size;
    bool failed;
} Checker;

/* A stream for the text of a new warning, to be closed; NULL without memory. */
static FILE *begin(Checker *checker, const char *kind, unsigned groups) {
    ReportWarnings *warnings = checker->warnings;
    ReportWarning *larger = realloc(warnings->list, (warnings->count + 1) * sizeof *warnings->list);
    if (larger) {
        warnings->list = larger;
        larger[warnings->count] = (ReportWarning){.kind = kind, .groups = groups};
        FILE *stream = open_memstream(&larger[warnings->count].text, &checker->text_size);
        if (stream) {
            warnings->count++;
            return stream;
        }
    }
    checker->failed = true;
    return NULL;
}

static void end(Checker *checker, FILE *stream) {
    if (fclose(stream) != 0) checker->failed = true;
}

/* "A and C: x; B: y": the values of a variable, each with the runs that have it. */
static void list_values(FILE *stream, const Report *report, const Variable *variable) {
    for (size_t i = 0; i < report->run_count; i++) {
        bool seen = false;
        for (size_t j = 0; j < i && !seen; j++)
            seen = !differ(variable, &report->runs[i], &report->runs[j]);
        if (seen) continue;
        char text[VARIABLE_SIZE];
        variable->describe(&report->runs[i].manifest, text);
        fprintf(stream, "%s%c", i ? "; " : "", report->runs[i].letter);
        for (size_t j = i + 1; j < report->run_count; j++) {
            if (!differ(variable, &report->runs[i], &report->runs[j])) {
                fprintf(stream, ", %c", report->runs[j].letter);
            }
        }
        fprintf(stream, ": %s", text);
    }
}

static void check_variables(Checker *checker) {
    const Report *report = checker->report;
    for (size_t i = 0; i < VARIABLE_COUNT; i++) {
        const Variable *variable = &variables[i];
        bool same = true;
        for (size_t run = 1; run < report->run_count; run++)
            same &= !differ(variable, &report->runs[0], &report->runs[run]);
        if (same || !variable->consequence) continue;
        FILE *stream = begin(checker, variable->kind, variable->groups);
        if (!stream) return;
        fprintf(stream, "The runs differ in their %s. ", variable->name);
        list_values(stream, report, variable);
        fprintf(stream, ". %s", variable->consequence);
        end(checker, stream);
    }
}

/* Compares the runs of one device with the first run of that device. */
static void check_siblings(Checker *checker) {
    const Report *report = checker->report;
    for (size_t i = 1; i < report->run_count; i++) {
        const ReportRun *run = &report->runs[i], *first = NULL;
        for (size_t j = 0; j < i && !first; j++) {
            const ReportRun *other = &report->runs[j];
            if (!strcmp(other->manifest.device.name, run->manifest.device.name)) first = other;
        }
        const char *names[VARIABLE_COUNT];
        size_t count = 0;
        for (size_t j = 0; first && j < VARIABLE_COUNT; j++) {
            if (differ(&variables[j], first, run)) names[count++] = variables[j].name;
        }
        if (count < 2) continue;
        FILE *stream = begin(checker, "several", 0);
        if (!stream) return;
        fprintf(stream, "%c and %c are the same device, but differ in %zu things: ", first->letter,
                run->letter, count);
        for (size_t j = 0; j < count; j++)
            fprintf(stream, "%s%s", j == 0 ? "" : j + 1 < count ? ", " : " and ", names[j]);
        fputs(". Which of them made a difference cannot be told.", stream);
        end(checker, stream);
    }
}

/* ---- Tests ----------------------------------------------------------------------------------- */

static void name_test(FILE *stream, const ReportTest *test, size_t before) {
    fprintf(stream, "%s%s %s", before ? "; " : "", alisa_cli_report_group_name(test->group),
            test->name);
}

/* Writes what is wrong with a test, in a few words after the test's name. False where nothing is.
 */
typedef bool Fault(const ReportTest *test, char words[HTML_CELL]);

static bool few_samples(const ReportTest *test, char words[HTML_CELL]) {
    snprintf(words, HTML_CELL, "%zu", test->sample_count);
    return test->sample_count < REPORT_SAMPLES;
}

static bool wide_spread(const ReportTest *test, char words[HTML_CELL]) {
    alisa_cli_html_percent(test->spread, words);
    return test->spread > REPORT_SPREAD;
}

static bool over_limit(const ReportTest *test, char words[HTML_CELL]) {
    alisa_cli_html_percent(test->share, words);
    return test->share > OVER_LIMIT;
}

/* Lists the tests of each run that have a fault, the first few by name. */
static void check_tests(Checker *checker, const char *kind, Fault *fault, const char *what,
                        const char *consequence) {
    for (size_t i = 0; i < checker->report->run_count; i++) {
        const ReportRun *run = &checker->report->runs[i];
        char words[HTML_CELL];
        size_t count = 0, named = 0;
        for (size_t j = 0; j < run->test_count; j++)
            count += fault(&run->tests[j], words);
        FILE *stream = count ? begin(checker, kind, 0) : NULL;
        if (!stream) continue;
        fprintf(stream, "%c: %s in %zu of %zu tests: ", run->letter, what, count, run->test_count);
        for (size_t j = 0; j < run->test_count && named < NAMED; j++) {
            if (!fault(&run->tests[j], words)) continue;
            name_test(stream, &run->tests[j], named++);
            fprintf(stream, " (%s)", words);
        }
        if (count > named) fprintf(stream, "; and %zu more", count - named);
        fprintf(stream, ". %s", consequence);
        end(checker, stream);
    }
}

static bool is_other_work(const ReportRow *row) {
    for (size_t run = 0; run < REPORT_RUNS; run++) {
        const ReportTest *test = row->tests[run];
        if (test && !alisa_cli_report_same_work(row->first, test)) return true;
    }
    return false;
}

static void check_work(Checker *checker) {
    const Report *report = checker->report;
    size_t count = 0, named = 0;
    for (size_t i = 0; i < report->row_count; i++)
        count += is_other_work(&report->rows[i]);
    FILE *stream = count ? begin(checker, "work", 0) : NULL;
    if (!stream) return;
    fprintf(stream, "Not the same work under the same name in %zu of %zu tests: ", count,
            report->row_count);
    for (size_t i = 0; i < report->row_count && named < NAMED; i++) {
        if (is_other_work(&report->rows[i])) name_test(stream, report->rows[i].first, named++);
    }
    if (count > named) fprintf(stream, "; and %zu more", count - named);
    fputs(". They are not counted where runs are compared.", stream);
    end(checker, stream);
}

bool alisa_cli_report_check(const Report *report, ReportWarnings *warnings, AlisaError *error) {
    Checker checker = {.report = report, .warnings = warnings};
    check_variables(&checker);
    check_siblings(&checker);
    check_work(&checker);
    check_tests(&checker, "few-samples", few_samples, "fewer than 5 samples",
                "Their medians may be chance.");
    check_tests(&checker, "spread", wide_spread, "samples more than 20 % apart",
                "Something else may have run on the machine.");
    check_tests(&checker, "over-limit", over_limit, "faster than the limit measured on the device",
                "It was measured too low, or does not bind them (data in a cache).");
    if (checker.failed) return alisa_cli_memory_error(error) == ALISA_OK;
    return true;
}

void alisa_cli_report_warnings_free(ReportWarnings *warnings) {
    for (size_t i = 0; i < warnings->count; i++)
        free(warnings->list[i].text);
    free(warnings->list);
    *warnings = (ReportWarnings){0};
}
