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
    size_t first, count; /* of the points */
    char text[48];       /* their numbers: "4", "4-9" */
    LabelBox box, name;
    double x, y; /* of the point it is at */
} Label;

typedef struct Labels {
    LabelBox room;
    LabelPoint *points; /* in the order of their numbers */
    size_t point_count;
    Label *list;
    size_t count;
    LabelBox *boxes; /* what is taken: obstacles, marks, labels, names */
    size_t box_count;
    bool named; /* labels have the names of their tests */
} Labels;

/* Room for some points and obstacles. False without memory; give it to _finish either way. */
bool alisa_cli_report_labels_init(Labels *labels, LabelBox room, size_t points, size_t obstacles);
void alisa_cli_report_labels_finish(Labels *labels);

void alisa_cli_report_labels_obstacle(Labels *labels, LabelBox box);
void alisa_cli_report_labels_point(Labels *labels, const ReportRow *row, double x, double y);

/* Few points get names beside them; of many only numbers, and one label for what is in a column. */
void alisa_cli_report_labels_place(Labels *labels);

#endif
