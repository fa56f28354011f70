/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tests of a group: bars of what was measured, beside the share of the device's own limit.
 */
#include "common/html.h"
#include "report/figures.h"
#include "report/page.h"

#include <math.h>

static void share_of_limit(FILE *file, const ReportTest *test) {
    char text[HTML_CELL];
    if (test->limit == REPORT_LIMIT_UNKNOWN) {
        fputs("<span></span><span class=\"figure missing\">no limit known</span>", file);
        return;
    }
    alisa_cli_html_percent(test->share, text);
    fprintf(file,
            "<span class=\"track whole\" aria-hidden=\"true\"><span class=\"fill\" "
            "style=\"width:%.2f%%\"></span></span><span class=\"figure\">%s of its %s</span>",
            100.0 * fmin(test->share, 1.0), text, alisa_cli_report_limit_name(test->limit));
}

static void draw_row(FILE *file, const Report *report, const ReportRow *row) {
    double scale = 0.0;
    bool same = true;
    for (size_t run = 0; run < report->run_count; run++) {
        if (!row->tests[run]) continue;
        scale = fmax(scale, row->tests[run]->high);
        same &= alisa_cli_report_same_work(row->first, row->tests[run]);
    }
    fputs("<h3>", file);
    alisa_cli_html_text(file, row->first->name);
    if (!same) alisa_cli_report_badge(file, "not the same work");
    fputs("</h3>\n", file);
    for (size_t run = 0; run < report->run_count; run++) {
        fprintf(file, "<div class=\"bar r%zu\">", run);
        alisa_cli_report_key(file, report, run);
        if (row->tests[run]) {
            alisa_cli_report_bar(file, row->tests[run], scale);
            share_of_limit(file, row->tests[run]);
        } else {
            fputs("<span class=\"missing\">not measured</span>", file);
        }
        fputs("</div>\n", file);
    }
}

static void draw_bars(FILE *file, const Report *report, ReportGroup group) {
    bool any = false;
    for (size_t i = 0; i < report->row_count; i++) {
        const ReportRow *row = &report->rows[i];
        if (row->first->group != group || alisa_cli_report_across(row->first) > 0.0) continue;
        if (!any) {
            fputs("<div class=\"bar head\"><span>measured; the line goes from the slowest to the "
                  "fastest sample</span><span>share of the device's own limit</span></div>\n",
                  file);
        }
        any = true;
        draw_row(file, report, row);
    }
}

bool alisa_cli_report_group(FILE *file, const Report *report, ReportGroup group) {
    if (group == REPORT_POLICY) {
        alisa_cli_report_policies(file, report);
    } else {
        if (!alisa_cli_report_curves(file, report, group)) return false;
        draw_bars(file, report, group);
    }
    alisa_cli_report_table(file, report, group);
    return true;
}
