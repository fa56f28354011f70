/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where there is room for the labels of the points of a picture.
 */
#ifndef ALISA_CLI_REPORT_LABELS_H
#define ALISA_CLI_REPORT_LABELS_H

#include "report/report.h"

/* Half the size of a point's mark, in units of the picture. */
enum { REPORT_MARK = 5 };

typedef struct LabelBox {
    double left, top, right, bottom;
} LabelBox;

typedef struct LabelPoint {
    const ReportRow *row;
    double x, y;
} LabelPoint;

typedef struct Label {
    size_t first, count; /* the points that it labels */
    char text[48];       /* the numbers of those points: "4", "4-9" */
    LabelBox box, name;  /* the places of the text and of the test's name */
    double x, y;         /* the place of the point that the label stands at */
} Label;

typedef struct Labels {
    LabelBox room;
    LabelPoint *points; /* in the order of their numbers */
    size_t point_count;
    Label *list;
    size_t count;
    LabelBox *boxes; /* places that are taken: obstacles, marks, labels, names */
    size_t box_count;
    bool named; /* whether names of tests stand beside labels */
} Labels;

/* Makes room for so many points and obstacles. False without memory; alisa_cli_report_labels_finish
 * is to be called then, too. */
bool alisa_cli_report_labels_init(Labels *labels, LabelBox room, size_t points, size_t obstacles);
void alisa_cli_report_labels_finish(Labels *labels);

void alisa_cli_report_labels_obstacle(Labels *labels, LabelBox box);
void alisa_cli_report_labels_point(Labels *labels, const ReportRow *row, double x, double y);

/* Few points get names beside them; of many only numbers, and one label for what is in a column. */
void alisa_cli_report_labels_place(Labels *labels);

#endif
