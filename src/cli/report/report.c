/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alisa bench --report: files of `alisa bench --suite` as a page that compares them.
 */
#include "common/terminal.h"
#include "common/text.h"
#include "report/figures.h"
#include "report/page.h"
#include "report/read.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static ExitCode check_usage(const Settings *settings) {
    const char *const *files = settings->operands;
    if (!files[0]) {
        return alisa_cli_refuse(EXIT_USAGE, "no files were given: 'alisa bench --report A.json "
                                            "B.json -o report.html' compares what 'alisa bench "
                                            "--suite -o A.json' wrote");
    }
    for (size_t i = 0; files[i]; i++) {
        if (i == REPORT_RUNS) {
            return alisa_cli_refuse(EXIT_USAGE, "more than %d files were given to compare",
                                    REPORT_RUNS);
        }
        for (size_t j = 0; j < i; j++) {
            if (strcmp(files[i], files[j]) != 0) continue;
            return alisa_cli_refuse(EXIT_USAGE, "%s was given twice", files[i]);
        }
    }
    if (settings->target.file) return EXIT_DONE;
    if (settings->target.format != OUTPUT_MARKDOWN) {
        return alisa_cli_refuse(EXIT_USAGE, "--report writes a page: use -o FILE.html");
    }
    if (isatty(STDOUT_FILENO)) {
        return alisa_cli_refuse(EXIT_USAGE, "a page is nothing for a terminal: use -o FILE.html");
    }
    return EXIT_DONE;
}

static bool read_runs(const Settings *settings, Report *report, AlisaError *error) {
    for (; settings->operands[report->run_count]; report->run_count++) {
        ReportRun *run = &report->runs[report->run_count];
        if (!alisa_cli_report_read(settings->operands[report->run_count], run, error)) {
            alisa_cli_report_run_finish(run);
            return false;
        }
        alisa_cli_report_figures(run);
    }
    return true;
}

/* The page in memory, so that a file is written whole or not at all. */
static bool make_page(const Report *report, Text *page, AlisaError *error) {
    ReportWarnings warnings = {0};
    bool good = alisa_cli_report_check(report, &warnings, error);
    FILE *stream = good ? open_memstream(&page->data, &page->size) : NULL;
    if (stream) {
        good = alisa_cli_report_page(stream, report, &warnings);
        good = !ferror(stream) && good;
        good = fclose(stream) == 0 && good;
    }
    if (!stream || !good) alisa_cli_memory_error(error);
    alisa_cli_report_warnings_free(&warnings);
    return stream && good;
}

ExitCode alisa_cli_report(const Settings *settings) {
    Report *report = calloc(1, sizeof *report);
    if (!report) return alisa_cli_out_of_memory();
    Text page = {0};
    AlisaError error;
    ExitCode code = check_usage(settings);
    if (code == EXIT_DONE) {
        const char *file = settings->target.file;
        bool good = read_runs(settings, report, &error) &&
                    alisa_cli_report_arrange(report, &error) && make_page(report, &page, &error);
        if (good && file) good = alisa_cli_text_write(&page, file, &error);
        if (!good) code = alisa_cli_fail(&error);
        if (good && !file) alisa_cli_output(page.data, page.size);
    }
    alisa_cli_text_free(&page);
    alisa_cli_report_finish(report);
    free(report);
    return code;
}
