/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Curves of a group over its parameter: attention over length, copies over size.
 */
#include "common/html.h"
#include "common/plot.h"
#include "report/figures.h"
#include "report/page.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Sizes in units of the pictures, which a page scales. */
enum { WIDTH = 480, HEIGHT = 330, LEFT = 74, RIGHT = 468, TOP = 28, BOTTOM = 280 };

enum { CURVES = 16, NAME_SIZE = 128 };

/* The height of a test in its picture: a value with the range of its samples. False where the test
 * has none. */
typedef bool Measure(const ReportTest *test, double *low, double *middle, double *high);

static bool measure_time(const ReportTest *test, double *low, double *middle, double *high) {
    *low = test->seconds[0];
    *middle = test->median;
    *high = test->seconds[test->sample_count - 1];
    return true;
}

static bool measure_value(const ReportTest *test, double *low, double *middle, double *high) {
    *low = test->low;
    *middle = test->value;
    *high = test->high;
    return true;
}

static bool measure_share(const ReportTest *test, double *low, double *middle, double *high) {
    if (test->limit == REPORT_LIMIT_UNKNOWN) return false;
    *low = 100.0 * test->low / test->limit_value;
    *middle = 100.0 * test->share;
    *high = 100.0 * test->high / test->limit_value;
    return true;
}

static void label_tokens(double value, char label[PLOT_LABEL]) {
    snprintf(label, PLOT_LABEL, "%.10g", value);
}

static void label_size(double value, char label[PLOT_LABEL]) {
    alisa_cli_html_bytes(value, label);
}

static void label_time(double value, char label[PLOT_LABEL]) {
    alisa_cli_html_round(value, "s", label);
}

static void label_value(double value, char label[PLOT_LABEL]) {
    snprintf(label, PLOT_LABEL, "%g", value);
}

static void label_percent(double value, char label[PLOT_LABEL]) {
    snprintf(label, PLOT_LABEL, "%g %%", value);
}

typedef struct Picture {
    const char *title, *unit;
    Measure *measure;
    PlotLabel *label;
    bool straight; /* whether the vertical axis is linear; else it is logarithmic */
} Picture;

static const struct {
    const char *parameter,
        *title; /* the parameter on the horizontal axis, and the title of that axis */
    PlotLabel *label;
    Picture pictures[2];
} axes[REPORT_GROUP_COUNT] = {
    [REPORT_ATTENTION] = {"length",
                          "tokens of the context",
                          label_tokens,
                          {{"Time: lower is better", "", measure_time, label_time, false},
                           {"Share of the device's own limit", "", measure_share, label_percent,
                            true}}},
    [REPORT_TRANSFER] = {"size",
                         "bytes of a copy",
                         label_size,
                         {{"Rate: higher is better", "GB/s", measure_value, label_value, false},
                          {"Share of the link's own limit", "", measure_share, label_percent,
                           true}}},
};

double alisa_cli_report_across(const ReportTest *test) {
    const char *parameter = axes[test->group].parameter;
    return parameter ? alisa_cli_report_number(test, parameter) : 0.0;
}

/* ---- Curves -----------------------------------------------------------------------------------
 */

typedef struct CurvePoint {
    const ReportTest *test;
    double across;
} CurvePoint;

typedef struct Curves {
    const Report *report;
    ReportGroup group;
    char names[CURVES][NAME_SIZE]; /* a curve is named by the parameters that its tests share */
    size_t count;
    CurvePoint *points; /* [report->row_count] of the curve at hand */
} Curves;

static void name_of(const ReportTest *test, char name[NAME_SIZE]) {
    alisa_cli_report_texts(test, axes[test->group].parameter, name, NAME_SIZE);
    if (!name[0]) snprintf(name, NAME_SIZE, "all");
}

/* Collects the names of the curves; dense comes first, because the first curve is drawn solid. */
static void find_names(Curves *curves) {
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < curves->report->row_count; i++) {
            const ReportTest *test = curves->report->rows[i].first;
            char name[NAME_SIZE];
            if (test->group != curves->group || alisa_cli_report_across(test) <= 0.0) continue;
            name_of(test, name);
            bool known = (strncmp(name, "dense", strlen("dense")) == 0) != (pass == 0);
            for (size_t j = 0; j < curves->count && !known; j++)
                known = strcmp(curves->names[j], name) == 0;
            if (known || curves->count == CURVES) continue;
            memcpy(curves->names[curves->count++], name, NAME_SIZE);
        }
    }
}

static int compare_across(const void *a, const void *b) {
    double first = ((const CurvePoint *)a)->across, second = ((const CurvePoint *)b)->across;
    return (first > second) - (first < second);
}

/* The points of a curve from left to right; tests without a height are left out. */
static size_t find_points(Curves *curves, size_t run, size_t curve, Measure *measure) {
    size_t count = 0;
    for (size_t i = 0; i < curves->report->row_count; i++) {
        const ReportTest *test = curves->report->rows[i].tests[run];
        char name[NAME_SIZE];
        double low, middle, high;
        if (!test || test->group != curves->group) continue;
        double across = alisa_cli_report_across(test);
        if (across <= 0.0 || !measure(test, &low, &middle, &high)) continue;
        name_of(test, name);
        if (strcmp(name, curves->names[curve]) != 0) continue;
        curves->points[count++] = (CurvePoint){test, across};
    }
    qsort(curves->points, count, sizeof *curves->points, compare_across);
    return count;
}

/* False when no test has a height. */
static bool find_frame(Curves *curves, const Picture *picture, PlotFrame *frame) {
    *frame = (PlotFrame){
        .x = {.low = INFINITY, .from = LEFT, .to = RIGHT, .base = 2.0},
        .y = {.low = INFINITY, .from = BOTTOM, .to = TOP, .base = picture->straight ? 0.0 : 10.0},
        .most_x = 6,
        .most_y = 6,
        .label_x = axes[curves->group].label,
        .label_y = picture->label,
        .grid = "class=\"grid\"",
        .axis = "class=\"axis\"",
    };
    for (size_t run = 0; run < curves->report->run_count; run++) {
        for (size_t curve = 0; curve < curves->count; curve++) {
            size_t count = find_points(curves, run, curve, picture->measure);
            for (size_t i = 0; i < count; i++) {
                double low, middle, high, across = curves->points[i].across;
                picture->measure(curves->points[i].test, &low, &middle, &high);
                frame->x.low = fmin(frame->x.low, across / 1.2);
                frame->x.high = fmax(frame->x.high, across * 1.2);
                frame->y.low = fmin(frame->y.low, low / 1.5);
                frame->y.high = fmax(frame->y.high, picture->straight ? high * 1.05 : high * 1.5);
            }
        }
    }
    if (picture->straight) frame->y.low = 0.0;
    return frame->y.high > 0.0;
}

/* ---- Drawing ----------------------------------------------------------------------------------
 */

static void draw_curve(FILE *file, Curves *curves, const Picture *picture, const PlotFrame *frame,
                       size_t run, size_t curve) {
    size_t count = find_points(curves, run, curve, picture->measure);
    double low, middle, high;
    if (count == 0) return;
    fprintf(file, "<g class=\"r%zu\"><polyline class=\"curve d%zu\" points=\"", run, curve % 4);
    for (size_t i = 0; i < count; i++) {
        picture->measure(curves->points[i].test, &low, &middle, &high);
        fprintf(file, "%.1f,%.1f ", alisa_cli_plot_at(&frame->x, curves->points[i].across),
                alisa_cli_plot_at(&frame->y, middle));
    }
    fputs("\"/>\n", file);
    for (size_t i = 0; i < count; i++) {
        const ReportTest *test = curves->points[i].test;
        picture->measure(test, &low, &middle, &high);
        double x = alisa_cli_plot_at(&frame->x, curves->points[i].across);
        alisa_cli_plot_line(file, x, alisa_cli_plot_at(&frame->y, low), x,
                            alisa_cli_plot_at(&frame->y, high), "class=\"whisker\"");
        fputs("<g>", file);
        alisa_cli_report_mark(file, run, x, alisa_cli_plot_at(&frame->y, middle));
        fputs("<title>", file);
        alisa_cli_html_text(file, curves->report->runs[run].label);
        fputs(": ", file);
        alisa_cli_html_text(file, test->name);
        fputs("</title></g>\n", file);
    }
    fputs("</g>\n", file);
}

static void draw_picture(FILE *file, Curves *curves, const Picture *picture) {
    PlotFrame frame;
    if (!find_frame(curves, picture, &frame)) return;
    fprintf(file,
            "<figure><h3>%s</h3>\n<svg class=\"plot\" viewBox=\"0 0 %d %d\" role=\"img\" "
            "aria-label=\"%s; the table below has the figures\">\n",
            picture->title, WIDTH, HEIGHT, picture->title);
    alisa_cli_plot_frame(file, &frame);
    alisa_cli_plot_text(file, 4, 14, "text-anchor=\"start\" class=\"title\"", picture->unit);
    alisa_cli_plot_text(file, (LEFT + RIGHT) / 2.0, HEIGHT - 10,
                        "text-anchor=\"middle\" class=\"title\"", axes[curves->group].title);
    for (size_t run = 0; run < curves->report->run_count; run++) {
        for (size_t curve = 0; curve < curves->count; curve++)
            draw_curve(file, curves, picture, &frame, run, curve);
    }
    fputs("</svg></figure>\n", file);
}

bool alisa_cli_report_curves(FILE *file, const Report *report, ReportGroup group) {
    Curves curves = {.report = report, .group = group};
    find_names(&curves);
    if (curves.count == 0) return true;
    curves.points = malloc(report->row_count * sizeof *curves.points);
    if (!curves.points) return false;
    fputs("<ul class=\"lines\">", file);
    for (size_t i = 0; i < curves.count; i++) {
        fprintf(file,
                "<li><svg viewBox=\"0 0 40 10\" aria-hidden=\"true\"><line class=\"d%zu\" x1=\"0\" "
                "y1=\"5\" x2=\"40\" y2=\"5\"/></svg>",
                i % 4);
        alisa_cli_html_text(file, curves.names[i]);
        fputs("</li>\n", file);
    }
    fputs("</ul>\n<div class=\"figures\">\n", file);
    for (size_t i = 0; i < 2; i++)
        draw_picture(file, &curves, &axes[group].pictures[i]);
    fputs("</div>\n", file);
    free(curves.points);
    return true;
}
