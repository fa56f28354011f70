/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Policies of placing keys and values, compared on each device: what is the same for all of them is
 * a heading, then come the runs, then the policies.
 */
#include "common/html.h"
#include "report/figures.h"
#include "report/page.h"

#include <math.h>
#include <string.h>

enum { CASE_SIZE = 256 };

static bool is_policy(const ReportRow *row) {
    return row->first->group == REPORT_POLICY;
}

static const char *policy_of(const ReportTest *test) {
    const char *policy = alisa_cli_report_text(test, "policy");
    return policy ? policy : test->name;
}

/* The test of a run and case with which the others are compared: that of policy alisa, else the
 * first. */
static const ReportTest *reference(const Report *report, size_t run, const char *what,
                                   double *scale) {
    const ReportTest *found = NULL;
    *scale = 0.0;
    for (size_t i = 0; i < report->row_count; i++) {
        const ReportTest *test = report->rows[i].tests[run];
        char numbers[CASE_SIZE];
        if (!test || !is_policy(&report->rows[i])) continue;
        alisa_cli_report_numbers(test, numbers, sizeof numbers);
        if (strcmp(numbers, what) != 0) continue;
        *scale = fmax(*scale, test->high);
        if (!found || strcmp(policy_of(test), "alisa") == 0) found = test;
    }
    return found;
}

static void draw_policy(FILE *file, size_t run, const ReportTest *test, const ReportTest *against,
                        double scale) {
    char ratio[HTML_CELL];
    fprintf(file, "<div class=\"bar wide r%zu\"><span>", run);
    alisa_cli_html_text(file, policy_of(test));
    fputs("</span>", file);
    alisa_cli_report_bar(file, test, scale);
    fputs("<span class=\"figure\">", file);
    if (test != against) {
        snprintf(ratio, sizeof ratio, "%.2f", against->value / test->value);
        alisa_cli_html_text(file, policy_of(against));
        fprintf(file, " is %s\xC3\x97", ratio);
    }
    fputs("</span></div>\n", file);
}

static void draw_case(FILE *file, const Report *report, const char *what) {
    fputs("<h3>", file);
    alisa_cli_html_text(file, what[0] ? what : "all tests");
    fputs("</h3>\n", file);
    for (size_t run = 0; run < report->run_count; run++) {
        double scale;
        const ReportTest *against = reference(report, run, what, &scale);
        if (!against) continue;
        fputs("<p class=\"hint\">", file);
        alisa_cli_report_name(file, report, run);
        fputs("</p>\n", file);
        for (size_t i = 0; i < report->row_count; i++) {
            const ReportTest *test = report->rows[i].tests[run];
            char numbers[CASE_SIZE];
            if (!test || !is_policy(&report->rows[i])) continue;
            alisa_cli_report_numbers(test, numbers, sizeof numbers);
            if (strcmp(numbers, what) == 0) draw_policy(file, run, test, against, scale);
        }
    }
}

/* Whether a row's case has not been drawn for a row before it. */
static bool is_new_case(const Report *report, size_t index, char what[CASE_SIZE]) {
    alisa_cli_report_numbers(report->rows[index].first, what, CASE_SIZE);
    for (size_t i = 0; i < index; i++) {
        char other[CASE_SIZE];
        if (!is_policy(&report->rows[i])) continue;
        alisa_cli_report_numbers(report->rows[i].first, other, sizeof other);
        if (strcmp(other, what) == 0) return false;
    }
    return true;
}

void alisa_cli_report_policies(FILE *file, const Report *report) {
    for (size_t i = 0; i < report->row_count; i++) {
        char what[CASE_SIZE];
        if (is_policy(&report->rows[i]) && is_new_case(report, i, what)) {
            draw_case(file, report, what);
        }
    }
}
