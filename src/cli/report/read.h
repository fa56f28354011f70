/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of `alisa bench --suite`, read strictly.
 */
#ifndef ALISA_CLI_REPORT_READ_H
#define ALISA_CLI_REPORT_READ_H

#include "report/report.h"

/* Fills a zeroed run with what the file says; what follows from it is left 0. False with a sentence
 * that names file and place; the run can be given to alisa_cli_report_run_finish either way. */
bool alisa_cli_report_read(const char *file, ReportRun *run, AlisaError *error);
/* The same of a text, `file` being its name in messages. */
bool alisa_cli_report_parse(const char *file, const char *text, size_t size, ReportRun *run,
                            AlisaError *error);
void alisa_cli_report_run_finish(ReportRun *run);

#endif
