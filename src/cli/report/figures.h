/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What follows from the samples: values, their spread, how near a device came to its own limits,
 * and which tests belong together. Pure.
 */
#ifndef ALISA_CLI_REPORT_FIGURES_H
#define ALISA_CLI_REPORT_FIGURES_H

#include "report/report.h"

/* Fills the derived fields of all tests. The limit of a test that says bytes and flops is
 * min(matrix peak, read bandwidth * intensity). A test that says only bytes has the read bandwidth
 * for a limit, one that says only flops the matrix peak, a transfer the rate of copies in its
 * direction. */
void alisa_cli_report_figures(ReportRun *run);

/* Gives the runs their letters and labels and makes the rows. False without memory. */
bool alisa_cli_report_arrange(Report *report, AlisaError *error);

/* A parameter's text, NULL where it has none; a parameter's number, 0 where it has none. */
const char *alisa_cli_report_text(const ReportTest *test, const char *parameter);
double alisa_cli_report_number(const ReportTest *test, const char *parameter);

/* The parameters that are texts, or those that are numbers: "dense, f16", "batch 16, prompt 128".
 * The parameter `without` is left out (NULL: none). */
void alisa_cli_report_texts(const ReportTest *test, const char *without, char *text, size_t size);
void alisa_cli_report_numbers(const ReportTest *test, char *text, size_t size);

/* Whether two tests of one name have the same bytes, operations and items. */
bool alisa_cli_report_same_work(const ReportTest *a, const ReportTest *b);

/* How many times as fast as in run `base` a group's tests are in `run`: the geometric mean over the
 * `count` tests that are the same in both. 0 where there are none, or the runs are not comparable.
 */
double alisa_cli_report_ratio(const Report *report, ReportGroup group, size_t run, size_t base,
                              size_t *count);
/* The geometric mean of the shares of a run's tests in a group that have one, `count` of them. */
double alisa_cli_report_share(const Report *report, ReportGroup group, size_t run, size_t *count);

#endif
