/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page of `alisa bench --report`: HTML with its style, script and pictures inside, that loads
 * nothing. Whatever comes from a file goes through alisa_cli_html_text.
 */
#ifndef ALISA_CLI_REPORT_PAGE_H
#define ALISA_CLI_REPORT_PAGE_H

#include "report/check.h"

#include <stdio.h>

/* The whole page of an arranged report. Functions of this file that return a bool return false
 * without memory. */
bool alisa_cli_report_page(FILE *file, const Report *report, const ReportWarnings *warnings);

/* ---- Sections: devices.c, roofline.c, group.c ---------------------------------------------- */

/* Manifests and limits, a column for each run. */
void alisa_cli_report_devices(FILE *file, const Report *report);
/* A line for each group: how many times as fast as the first run, and the share of the device's own
 * limit. */
void alisa_cli_report_summary(FILE *file, const Report *report);
/* A plot for each run, all on the same axes, and the table of their points. */
bool alisa_cli_report_rooflines(FILE *file, const Report *report);
/* Bars or curves of a group that has tests, and its table. */
bool alisa_cli_report_group(FILE *file, const Report *report, ReportGroup group);
/* Bars of the policies (policy.c). */
void alisa_cli_report_policies(FILE *file, const Report *report);
/* Curves of the tests that have a length or a size, over it (curves.c). */
bool alisa_cli_report_curves(FILE *file, const Report *report, ReportGroup group);
/* The place of a test on its group's axis; 0: it is on none. */
double alisa_cli_report_across(const ReportTest *test);

/* ---- Parts: parts.c ------------------------------------------------------------------------ */

/* The shape of a run around a point of a picture; inside an element of class r0 to r7. */
void alisa_cli_report_mark(FILE *file, size_t run, double x, double y);
/* Shape and letter of a run. */
void alisa_cli_report_key(FILE *file, const Report *report, size_t run);
/* Shape, letter, label and badge of a run. */
void alisa_cli_report_name(FILE *file, const Report *report, size_t run);
/* The names of all runs. */
void alisa_cli_report_legend(FILE *file, const Report *report);
void alisa_cli_report_badge(FILE *file, const char *text);
/* A cell with a number to sort by; `text` is escaped. */
void alisa_cli_report_cell(FILE *file, double value, const char *text);

/* A bar: its value on a scale that ends at `scale`, the range of its samples, its figure. */
void alisa_cli_report_bar(FILE *file, const ReportTest *test, double scale);
/* "of bandwidth"; "" where it is unknown. */
const char *alisa_cli_report_limit_name(ReportLimit limit);
/* All there is to say about the tests of a group. */
void alisa_cli_report_table(FILE *file, const Report *report, ReportGroup group);

#endif
