/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rooflines: what a device can at best at each arithmetic intensity, and where the tests are.
 */
#include "common/html.h"
#include "common/plot.h"
#include "report/labels.h"
#include "report/page.h"

#include <math.h>

/* Sizes in units of the pictures, which a page scales. */
enum {
    WIDTH = 480,
    HEIGHT = 340,
    LEFT = 60,
    RIGHT = 470,
    TOP = 28,
    BOTTOM = 288,
    ROOF_BOXES = 100,
};

#define GRID   "class=\"grid\""
#define AXIS   "class=\"axis\""
#define LEADER "class=\"leader\""

static double flop_rate(const ReportTest *test) {
    return test->flops / test->median * 1e-9;
}

/* ---- Axes ------------------------------------------------------------------------------------ */

static void label_intensity(double value, char label[PLOT_LABEL]) {
    snprintf(label, PLOT_LABEL, "%g", value);
}

static void label_flops(double value, char label[PLOT_LABEL]) {
    snprintf(label, PLOT_LABEL, value >= 1000.0 ? "%gk" : "%g",
             value >= 1000.0 ? value / 1000.0 : value);
}

static void include(PlotAxis *axis, double value) {
    if (!(value > 0.0)) return;
    axis->low = fmin(axis->low, value);
    axis->high = fmax(axis->high, value);
}

/* The same axes for all runs, so that their pictures can be compared. */
static PlotFrame frame_of(const Report *report) {
    PlotFrame frame = {
        .x = {.low = INFINITY, .from = LEFT, .to = RIGHT, .base = 10.0},
        .y = {.low = INFINITY, .from = BOTTOM, .to = TOP, .base = 10.0},
        .most_x = 6,
        .most_y = 6,
        .label_x = label_intensity,
        .label_y = label_flops,
        .grid = GRID,
        .axis = AXIS,
    };
    for (size_t run = 0; run < report->run_count; run++) {
        const ReportRoofline *limits = &report->runs[run].roofline;
        include(&frame.y, limits->matrix_peak * 1e-9);
        if (limits->read_bandwidth > 0.0) {
            include(&frame.x, limits->matrix_peak / limits->read_bandwidth);
        }
        for (size_t i = 0; i < report->runs[run].test_count; i++) {
            const ReportTest *test = &report->runs[run].tests[i];
            if (test->intensity <= 0.0) continue;
            include(&frame.x, test->intensity);
            include(&frame.y, flop_rate(test));
        }
    }
    frame.x.low /= 2.5;
    frame.x.high *= 2.5;
    frame.y.low /= 2.5;
    frame.y.high *= 2.5;
    return frame;
}

/* ---- The roof ---------------------------------------------------------------------------------
 */

/* GFLOP/s at an intensity; 0 where nothing is known. */
static double roof_at(const ReportRoofline *limits, double intensity) {
    double slope = limits->read_bandwidth > 0.0 ? limits->read_bandwidth * intensity : INFINITY;
    double peak = limits->matrix_peak > 0.0 ? limits->matrix_peak : INFINITY;
    double least = fmin(slope, peak);
    return isinf(least) ? 0.0 : least * 1e-9;
}

static void draw_roof(FILE *file, const PlotFrame *frame, const ReportRoofline *limits) {
    double bandwidth = limits->read_bandwidth, peak = limits->matrix_peak;
    double first = frame->x.low, last = frame->x.high;
    if (bandwidth > 0.0) first = fmax(first, frame->y.low * 1e9 / bandwidth);
    if (peak <= 0.0 && bandwidth > 0.0) last = fmin(last, frame->y.high * 1e9 / bandwidth);
    double knee = peak > 0.0 && bandwidth > 0.0 ? peak / bandwidth : first;
    const double corners[] = {first, fmin(fmax(knee, first), last), last};
    if (roof_at(limits, first) <= 0.0 || first >= last) return;
    fputs("<polyline class=\"roof\" points=\"", file);
    for (size_t i = 0; i < 3; i++) {
        fprintf(file, "%.1f,%.1f ", alisa_cli_plot_at(&frame->x, corners[i]),
                alisa_cli_plot_at(&frame->y, roof_at(limits, corners[i])));
    }
    fputs("\"/>\n", file);
}

/* Makes the roof an obstacle, so that no label is put over it. */
static void take_roof(Labels *labels, const PlotFrame *frame, const ReportRoofline *limits) {
    for (int i = 0; i < ROOF_BOXES; i++) {
        double part = (double)i / (ROOF_BOXES - 1), x = LEFT + part * (RIGHT - LEFT);
        double intensity = frame->x.low * pow(frame->x.high / frame->x.low, part);
        double y = alisa_cli_plot_at(&frame->y, roof_at(limits, intensity));
        alisa_cli_report_labels_obstacle(labels, (LabelBox){x - 2, y - 2, x + 2, y + 2});
    }
}

static void describe_roof(FILE *file, const ReportRoofline *limits) {
    char bandwidth[HTML_CELL] = "", peak[HTML_CELL] = "";
    if (limits->read_bandwidth > 0.0) {
        alisa_cli_html_scaled(limits->read_bandwidth, "B/s", bandwidth);
    }
    if (limits->matrix_peak > 0.0) alisa_cli_html_scaled(limits->matrix_peak, "FLOP/s", peak);
    fprintf(file, "<p class=\"hint\">%s%s%s%s%s</p>\n", bandwidth[0] ? "reads " : "", bandwidth,
            bandwidth[0] && peak[0] ? ", " : "", peak[0] ? "computes " : "", peak);
}

/* ---- Points -----------------------------------------------------------------------------------
 */

static void find_points(Labels *labels, const Report *report, size_t run, const PlotFrame *frame) {
    for (size_t i = 0; i < report->row_count; i++) {
        const ReportTest *test = report->rows[i].tests[run];
        if (!test || test->intensity <= 0.0) continue;
        alisa_cli_report_labels_point(labels, &report->rows[i],
                                      alisa_cli_plot_at(&frame->x, test->intensity),
                                      alisa_cli_plot_at(&frame->y, flop_rate(test)));
    }
}

static void draw_label(FILE *file, const Labels *labels, const Label *label) {
    const LabelBox *box = &label->box;
    double x = (box->left + box->right) / 2, y = (box->top + box->bottom) / 2;
    for (size_t i = label->first; i + 1 < label->first + label->count; i++) {
        const LabelPoint *point = &labels->points[i];
        alisa_cli_plot_line(file, point[0].x, point[0].y, point[1].x, point[1].y, LEADER);
    }
    alisa_cli_plot_line(file, label->x, label->y, x, y, LEADER);
    alisa_cli_plot_text(file, x, y + 5, "text-anchor=\"middle\" class=\"number\"", label->text);
    if (!labels->named) return;
    bool right = label->name.left >= box->right;
    alisa_cli_plot_text(file, right ? box->right + 2 : box->left - 2, y + 4,
                        right ? "text-anchor=\"start\" class=\"name\""
                              : "text-anchor=\"end\" class=\"name\"",
                        labels->points[label->first].row->first->name);
}

static void draw_point(FILE *file, const LabelPoint *point, size_t run) {
    fputs("<g>", file);
    alisa_cli_report_mark(file, run, point->x, point->y);
    fprintf(file, "<title>%zu: ", point->row->number);
    alisa_cli_html_text(file, point->row->first->name);
    fputs("</title></g>\n", file);
}

static bool draw(FILE *file, const Report *report, size_t run, const PlotFrame *frame) {
    const ReportRoofline *limits = &report->runs[run].roofline;
    const LabelBox room = {LEFT + 2, TOP - 14, WIDTH, BOTTOM};
    Labels labels;
    bool good = alisa_cli_report_labels_init(&labels, room, report->row_count, ROOF_BOXES);
    if (good) {
        take_roof(&labels, frame, limits);
        find_points(&labels, report, run, frame);
        alisa_cli_report_labels_place(&labels);
    }
    fputs("<figure><h3>", file);
    alisa_cli_report_name(file, report, run);
    fputs("</h3>\n", file);
    describe_roof(file, limits);
    fprintf(file,
            "<svg class=\"plot r%zu\" viewBox=\"0 0 %d %d\" role=\"img\" "
            "aria-label=\"Roofline of run %c; the table below has its points\">\n",
            run, WIDTH, HEIGHT, report->runs[run].letter);
    alisa_cli_plot_frame(file, frame);
    alisa_cli_plot_text(file, 4, 14, "text-anchor=\"start\" class=\"title\"", "GFLOP/s");
    alisa_cli_plot_text(file, (LEFT + RIGHT) / 2.0, HEIGHT - 12,
                        "text-anchor=\"middle\" class=\"title\"", "flop per byte");
    draw_roof(file, frame, limits);
    for (size_t i = 0; i < labels.count; i++)
        draw_label(file, &labels, &labels.list[i]);
    for (size_t i = 0; i < labels.point_count; i++)
        draw_point(file, &labels.points[i], run);
    fputs("</svg></figure>\n", file);
    alisa_cli_report_labels_finish(&labels);
    return good;
}

/* ---- The table of the points ------------------------------------------------------------------
 */

static void point_cells(FILE *file, const ReportTest *test) {
    char text[HTML_CELL];
    if (!test || test->intensity <= 0.0) {
        fputs("<td class=\"n\">\xE2\x80\x93</td><td class=\"n\">\xE2\x80\x93</td>", file);
        return;
    }
    alisa_cli_html_number(flop_rate(test), text);
    alisa_cli_report_cell(file, flop_rate(test), text);
    if (test->limit == REPORT_LIMIT_UNKNOWN) {
        fputs("<td class=\"n\">\xE2\x80\x93</td>", file);
        return;
    }
    alisa_cli_html_percent(test->share, text);
    alisa_cli_report_cell(file, test->share, text);
}

static double intensity_of(const ReportRow *row) {
    for (size_t run = 0; run < REPORT_RUNS; run++) {
        const ReportTest *test = row->tests[run];
        if (test && test->intensity > 0.0) return test->intensity;
    }
    return 0.0;
}

static void write_points(FILE *file, const Report *report) {
    fputs("<details open><summary>Table</summary>\n<div class=\"scroll\"><table class=\"tests "
          "sortable\"><thead><tr><th class=\"n\">no.</th><th>test</th><th class=\"n\">flop per "
          "byte</th>",
          file);
    for (size_t run = 0; run < report->run_count; run++) {
        char letter = report->runs[run].letter;
        fprintf(file, "<th class=\"n\">%c, GFLOP/s</th><th class=\"n\">%c, of limit</th>", letter,
                letter);
    }
    fputs("</tr></thead><tbody>\n", file);
    for (size_t i = 0; i < report->row_count; i++) {
        const ReportRow *row = &report->rows[i];
        char text[HTML_CELL];
        if (row->number == 0) continue;
        fputs("<tr>", file);
        snprintf(text, sizeof text, "%zu", row->number);
        alisa_cli_report_cell(file, (double)row->number, text);
        fprintf(file, "<td class=\"what\">%s ", alisa_cli_report_group_name(row->first->group));
        alisa_cli_html_text(file, row->first->name);
        fputs("</td>", file);
        alisa_cli_html_number(intensity_of(row), text);
        alisa_cli_report_cell(file, intensity_of(row), text);
        for (size_t run = 0; run < report->run_count; run++)
            point_cells(file, row->tests[run]);
        fputs("</tr>\n", file);
    }
    fputs("</tbody></table></div></details>\n", file);
}

bool alisa_cli_report_rooflines(FILE *file, const Report *report) {
    PlotFrame frame = frame_of(report);
    bool good = true;
    fputs("<div class=\"figures\">\n", file);
    for (size_t run = 0; run < report->run_count && good; run++)
        good = draw(file, report, run, &frame);
    fputs("</div>\n", file);
    write_points(file, report);
    return good;
}
