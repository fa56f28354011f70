/* SPDX-License-Identifier: Apache-2.0 */
#include "common/plot.h"

#include "common/html.h"

#include <math.h>
#include <stddef.h>

double alisa_cli_plot_at(const PlotAxis *axis, double value) {
    double part = axis->base > 0.0
                      ? log(fmax(value, axis->low) / axis->low) / log(axis->high / axis->low)
                      : (value - axis->low) / (axis->high - axis->low);
    return axis->from + part * (axis->to - axis->from);
}

/* 1, 2 or 5 times a power of ten, so that `span` has at most `most` of them. */
static double step_of(double span, int most) {
    double step = pow(10.0, floor(log10(span / most)));
    static const double factors[] = {1.0, 2.0, 5.0, 10.0};
    for (size_t i = 0; i < 4; i++) {
        if (span / (step * factors[i]) <= most) return step * factors[i];
    }
    return step * 10.0;
}

static size_t straight_ticks(const PlotAxis *axis, int most, double ticks[PLOT_TICKS]) {
    double step = step_of(axis->high - axis->low + (axis->whole ? 1.0 : 0.0), most);
    if (axis->whole) step = fmax(1.0, step);
    size_t count = 0;
    double first = ceil(axis->low / step - 1e-9), last = floor(axis->high / step + 1e-9);
    for (; count < PLOT_TICKS && first + (double)count <= last; count++)
        ticks[count] = (first + (double)count) * step;
    return count;
}

/* Powers of the base, or where less than two of those are on the axis, 1, 2 and 5 times a power. */
static size_t logarithmic_ticks(const PlotAxis *axis, int most, double ticks[PLOT_TICKS]) {
    double scale = log(axis->base);
    int first = (int)ceil(log(axis->low) / scale - 1e-9);
    int last = (int)floor(log(axis->high) / scale + 1e-9);
    size_t count = 0;
    if (last > first) {
        int stride = (last - first) / most + 1;
        for (int power = first; power <= last && count < PLOT_TICKS; power += stride)
            ticks[count++] = pow(axis->base, power);
        return count;
    }
    static const double factors[] = {1.0, 2.0, 5.0};
    first = (int)floor(log10(axis->low));
    last = (int)floor(log10(axis->high));
    for (int power = first; power <= last && count + 3 <= PLOT_TICKS; power++) {
        for (size_t i = 0; i < 3; i++) {
            double value = pow(10.0, power) * factors[i];
            if (value >= axis->low * 0.999 && value <= axis->high * 1.001) ticks[count++] = value;
        }
    }
    return count;
}

/* Round values on the axis, at most `most` of them where that leaves two. Returns how many. */
static size_t round_values(const PlotAxis *axis, int most, double ticks[PLOT_TICKS]) {
    return axis->base > 0.0 ? logarithmic_ticks(axis, most, ticks)
                            : straight_ticks(axis, most, ticks);
}

void alisa_cli_plot_line(FILE *file, double x1, double y1, double x2, double y2,
                         const char *attributes) {
    fprintf(file, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" %s/>\n", x1, y1, x2, y2,
            attributes);
}

void alisa_cli_plot_text(FILE *file, double x, double y, const char *attributes, const char *text) {
    fprintf(file, "<text x=\"%.1f\" y=\"%.1f\" %s>", x, y, attributes);
    alisa_cli_html_text(file, text);
    fputs("</text>\n", file);
}

void alisa_cli_plot_frame(FILE *file, const PlotFrame *frame) {
    double left = frame->x.from, right = frame->x.to, bottom = frame->y.from;
    double ticks[PLOT_TICKS];
    char label[PLOT_LABEL];
    size_t count = round_values(&frame->y, frame->most_y, ticks);
    for (size_t i = 0; i < count; i++) {
        double y = alisa_cli_plot_at(&frame->y, ticks[i]);
        alisa_cli_plot_line(file, left, y, right, y, frame->grid);
        frame->label_y(ticks[i], label);
        alisa_cli_plot_text(file, left - 6, y + 4, "text-anchor=\"end\"", label);
    }
    count = round_values(&frame->x, frame->most_x, ticks);
    for (size_t i = 0; i < count; i++) {
        double x = alisa_cli_plot_at(&frame->x, ticks[i]);
        alisa_cli_plot_line(file, x, bottom, x, bottom + 5, frame->axis);
        frame->label_x(ticks[i], label);
        alisa_cli_plot_text(file, x, bottom + 18, "text-anchor=\"middle\"", label);
    }
    alisa_cli_plot_line(file, left, bottom, right, bottom, frame->axis);
}
