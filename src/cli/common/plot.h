/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pictures in SVG: what all of them have in common, axes and text. Colours are the caller's: a file
 * of its own names them, a page has them in its style.
 */
#ifndef ALISA_CLI_COMMON_PLOT_H
#define ALISA_CLI_COMMON_PLOT_H

#include <stdbool.h>
#include <stdio.h>

enum { PLOT_TICKS = 64, PLOT_LABEL = 48 };

typedef struct PlotAxis {
    double low, high; /* values; low < high, both positive on a logarithmic axis */
    double from, to;  /* their places in pixels */
    double base;      /* of a logarithmic axis, 10 or 2; 0: straight */
    bool whole;       /* ticks are whole numbers */
} PlotAxis;

typedef void PlotLabel(double value, char label[PLOT_LABEL]);

/* A picture's frame: lines across at the ticks of y, ticks below at those of x. */
typedef struct PlotFrame {
    PlotAxis x, y;
    int most_x, most_y; /* ticks of each */
    PlotLabel *label_x, *label_y;
    const char *grid, *axis; /* attributes: "stroke=\"#ddd\"" */
} PlotFrame;

/* Pixels of a value. One too small for a logarithmic axis is put on the axis's low end. */
double alisa_cli_plot_at(const PlotAxis *axis, double value);

void alisa_cli_plot_line(FILE *file, double x1, double y1, double x2, double y2,
                         const char *attributes);
/* `attributes` has at least the text-anchor; the text is escaped. */
void alisa_cli_plot_text(FILE *file, double x, double y, const char *attributes, const char *text);
void alisa_cli_plot_frame(FILE *file, const PlotFrame *frame);

#endif
