/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What keeps runs from being compared. Pure.
 */
#ifndef ALISA_CLI_REPORT_CHECK_H
#define ALISA_CLI_REPORT_CHECK_H

#include "report/report.h"

typedef struct ReportWarning {
    const char *kind; /* a word: "build" */
    char *text;       /* sentences */
    unsigned groups;  /* bit 1 << ReportGroup of each group whose pictures are not to be trusted */
} ReportWarning;

/* Zeroed is empty. */
typedef struct ReportWarnings {
    ReportWarning *list;
    size_t count;
} ReportWarnings;

/* Looks through an arranged report. False without memory. */
bool alisa_cli_report_check(const Report *report, ReportWarnings *warnings, AlisaError *error);
void alisa_cli_report_warnings_free(ReportWarnings *warnings);

#endif
