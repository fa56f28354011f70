/* SPDX-License-Identifier: Apache-2.0 */
#include "common/html.h"
#include "report/page.h"

/* Percent of a bar's room below which its range could not be seen. */
#define LEAST_RANGE 0.7

void alisa_cli_report_mark(FILE *file, size_t run, double x, double y) {
    /* Paths around the point (0, 0), of about the same size. */
    static const char *const shapes[REPORT_RUNS] = {
        "M-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0-9 0z",                /* circle */
        "M-4-4h8v8h-8z",                                               /* square */
        "M0-5.5L5.5 4.5H-5.5z",                                        /* triangle */
        "M0-6L5.5 0L0 6L-5.5 0z",                                      /* diamond */
        "M0 5.5L5.5-4.5H-5.5z",                                        /* triangle on its tip */
        "M-1.8-5.5h3.6v3.7h3.7v3.6h-3.7v3.7h-3.6v-3.7h-3.7v-3.6h3.7z", /* plus */
        "M-6-2.5h12v5h-12z",                                           /* lying bar */
        "M-2.5-6h5v12h-5z",                                            /* standing bar */
    };
    fprintf(file, "<path class=\"mark\" transform=\"translate(%.1f %.1f)\" d=\"%s\"/>", x, y,
            shapes[run]);
}

void alisa_cli_report_key(FILE *file, const Report *report, size_t run) {
    fprintf(file, "<span class=\"key r%zu\"><svg viewBox=\"0 0 14 14\" aria-hidden=\"true\">", run);
    alisa_cli_report_mark(file, run, 7.0, 7.0);
    fprintf(file, "</svg>%c</span>", report->runs[run].letter);
}

void alisa_cli_report_badge(FILE *file, const char *text) {
    fputs(" <span class=\"badge\">", file);
    alisa_cli_html_text(file, text);
    fputs("</span>", file);
}

void alisa_cli_report_name(FILE *file, const Report *report, size_t run) {
    alisa_cli_report_key(file, report, run);
    fputc(' ', file);
    alisa_cli_html_text(file, report->runs[run].label);
    if (report->runs[run].manifest.emulated_link > 0.0) {
        alisa_cli_report_badge(file, "emulated link");
    }
}

void alisa_cli_report_legend(FILE *file, const Report *report) {
    fputs("<ul class=\"runs\">\n", file);
    for (size_t i = 0; i < report->run_count; i++) {
        fputs("<li>", file);
        alisa_cli_report_name(file, report, i);
        fputs("</li>\n", file);
    }
    fputs("</ul>\n", file);
}

void alisa_cli_report_cell(FILE *file, double value, const char *text) {
    fprintf(file, "<td class=\"n\" data-v=\"%.9g\">", value);
    alisa_cli_html_text(file, text);
    fputs("</td>", file);
}

const char *alisa_cli_report_limit_name(ReportLimit limit) {
    static const char *const names[REPORT_LIMIT_COUNT] = {
        [REPORT_LIMIT_UNKNOWN] = "",
        [REPORT_LIMIT_BANDWIDTH] = "bandwidth",
        [REPORT_LIMIT_PEAK] = "peak",
        [REPORT_LIMIT_LINK] = "link",
    };
    return names[limit];
}

/* The reason for which a figure is doubtful, in words beside it. */
static void mark_doubts(FILE *file, const ReportTest *test) {
    char text[HTML_CELL], spread[HTML_CELL];
    if (test->sample_count < REPORT_SAMPLES) {
        snprintf(text, sizeof text, "%zu sample%s", test->sample_count,
                 test->sample_count == 1 ? "" : "s");
        alisa_cli_report_badge(file, text);
    }
    if (test->spread > REPORT_SPREAD) {
        alisa_cli_html_percent(test->spread, spread);
        snprintf(text, sizeof text, "spread %.20s", spread);
        alisa_cli_report_badge(file, text);
    }
}

void alisa_cli_report_bar(FILE *file, const ReportTest *test, double scale) {
    double percent = 100.0 / scale;
    char value[HTML_CELL];
    alisa_cli_html_number(test->value, value);
    fprintf(
        file,
        "<span class=\"track\" aria-hidden=\"true\"><span class=\"fill\" style=\"width:%.2f%%\">"
        "</span>",
        test->value * percent);
    double range = (test->high - test->low) * percent;
    if (range >= LEAST_RANGE) {
        fprintf(file, "<span class=\"range\" style=\"left:%.2f%%;width:%.2f%%\"></span>",
                test->low * percent, range);
    }
    fprintf(file, "</span><span class=\"figure\">%s %s", value,
            alisa_cli_report_unit_name(test->unit));
    mark_doubts(file, test);
    fputs("</span>", file);
}

/* ---- Tables --------------------------------------------------------------------------------- */

static void limit_cells(FILE *file, const ReportTest *test) {
    char text[HTML_CELL], number[HTML_CELL];
    if (test->limit == REPORT_LIMIT_UNKNOWN) {
        fputs("<td class=\"n\">\xE2\x80\x93</td><td class=\"n\">\xE2\x80\x93</td>", file);
        return;
    }
    alisa_cli_html_number(test->limit_value, number);
    snprintf(text, sizeof text, "%.20s (%s)", number, alisa_cli_report_limit_name(test->limit));
    alisa_cli_report_cell(file, test->limit_value, text);
    alisa_cli_html_percent(test->share, text);
    alisa_cli_report_cell(file, test->share, text);
}

static void table_row(FILE *file, const Report *report, size_t run, const ReportTest *test) {
    char text[HTML_CELL], number[HTML_CELL];
    const double values[] = {test->value, test->low, test->high};
    fputs("<tr><td class=\"what\">", file);
    alisa_cli_html_text(file, test->name);
    fputs("</td><td class=\"what\">", file);
    alisa_cli_report_name(file, report, run);
    fputs("</td>", file);
    for (size_t i = 0; i < 3; i++) {
        alisa_cli_html_number(values[i], number);
        snprintf(text, sizeof text, "%.20s%s%s", number, i ? "" : " ",
                 i ? "" : alisa_cli_report_unit_name(test->unit));
        alisa_cli_report_cell(file, values[i], text);
    }
    alisa_cli_html_percent(test->spread, text);
    alisa_cli_report_cell(file, test->spread, text);
    alisa_cli_html_scaled(test->median, "s", text);
    alisa_cli_report_cell(file, test->median, text);
    snprintf(text, sizeof text, "%zu", test->sample_count);
    alisa_cli_report_cell(file, (double)test->sample_count, text);
    limit_cells(file, test);
    fputs("<td>", file);
    alisa_cli_html_text(file, test->note);
    fputs("</td></tr>\n", file);
}

void alisa_cli_report_table(FILE *file, const Report *report, ReportGroup group) {
    fputs(
        "<details><summary>Table</summary>\n<div class=\"scroll\"><table class=\"tests sortable\">"
        "<thead><tr><th>test</th><th>run</th><th class=\"n\">median</th>"
        "<th class=\"n\">slowest</th><th class=\"n\">fastest</th><th class=\"n\">spread</th>"
        "<th class=\"n\">time</th><th class=\"n\">samples</th><th class=\"n\">limit</th>"
        "<th class=\"n\">share</th><th>note</th></tr></thead><tbody>\n",
        file);
    for (size_t i = 0; i < report->row_count; i++) {
        const ReportRow *row = &report->rows[i];
        for (size_t run = 0; run < report->run_count && row->first->group == group; run++) {
            if (row->tests[run]) table_row(file, report, run, row->tests[run]);
        }
    }
    fputs("</tbody></table></div></details>\n", file);
}
