/* SPDX-License-Identifier: Apache-2.0 */
#include "report/labels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Sizes in units of the picture. */
enum {
    DIGIT = 10, /* width of a digit, at the largest size in which a page shows it */
    LETTER = 6, /* width of a letter of a name */
    TEXT_HEIGHT = 15,
    SAME_COLUMN = 9,
    RING = 8,
    RINGS = 16, /* circles around a point on which the label is tried */
    NAMED_RINGS = 3,
};

bool alisa_cli_report_labels_init(Labels *labels, LabelBox room, size_t points, size_t obstacles) {
    *labels = (Labels){.room = room};
    labels->points = malloc(points * sizeof *labels->points);
    labels->list = malloc(points * sizeof *labels->list);
    /* A point has a mark, a number and a name. */
    labels->boxes = malloc((3 * points + obstacles) * sizeof *labels->boxes);
    return labels->points && labels->list && labels->boxes;
}

void alisa_cli_report_labels_finish(Labels *labels) {
    free(labels->points);
    free(labels->list);
    free(labels->boxes);
    *labels = (Labels){0};
}

void alisa_cli_report_labels_obstacle(Labels *labels, LabelBox box) {
    labels->boxes[labels->box_count++] = box;
}

void alisa_cli_report_labels_point(Labels *labels, const ReportRow *row, double x, double y) {
    labels->points[labels->point_count++] = (LabelPoint){row, x, y};
    alisa_cli_report_labels_obstacle(
        labels, (LabelBox){x - REPORT_MARK, y - REPORT_MARK, x + REPORT_MARK, y + REPORT_MARK});
}

/* ---- Placing -----------------------------------------------------------------------------------
 */

static bool is_free(const Labels *labels, LabelBox box) {
    const LabelBox *room = &labels->room;
    if (box.left < room->left || box.right > room->right || box.top < room->top ||
        box.bottom > room->bottom) {
        return false;
    }
    for (size_t i = 0; i < labels->box_count; i++) {
        const LabelBox *other = &labels->boxes[i];
        bool apart = box.right <= other->left || other->right <= box.left ||
                     box.bottom <= other->top || other->bottom <= box.top;
        if (!apart) return false;
    }
    return true;
}

static double width_of_name(const ReportTest *test) {
    size_t letters = 0;
    for (const char *name = test->name; *name; name++)
        letters += ((unsigned char)*name & 0xc0) != 0x80; /* not a continuation byte of UTF-8 */
    return 4 + LETTER * (double)letters;
}

/* A name is to the right of its number, or to the left. */
static bool place_name(const Labels *labels, Label *label) {
    double width = width_of_name(labels->points[label->first].row->first);
    label->name = label->box;
    label->name.left = label->box.right;
    label->name.right = label->box.right + width;
    if (is_free(labels, label->name)) return true;
    label->name.right = label->box.left;
    label->name.left = label->box.left - width;
    return is_free(labels, label->name);
}

/* Tries places around one of a label's points, `far` pixels from it. */
static bool place_at(const Labels *labels, Label *label, const LabelPoint *point, double far) {
    static const double directions[][2] = {{1, 0},      {-1, 0},      {0.7, 0.8}, {-0.7, 0.8},
                                           {0.7, -0.8}, {-0.7, -0.8}, {0, 1},     {0, -1}};
    double width = DIGIT * (double)strlen(label->text);
    for (size_t i = 0; i < sizeof directions / sizeof directions[0]; i++) {
        double x = point->x + directions[i][0] * (REPORT_MARK + 2 + width / 2 + far);
        double y = point->y + directions[i][1] * (REPORT_MARK + 1 + TEXT_HEIGHT / 2.0 + far);
        label->box =
            (LabelBox){x - width / 2, y - TEXT_HEIGHT / 2.0, x + width / 2, y + TEXT_HEIGHT / 2.0};
        label->x = point->x;
        label->y = point->y;
        if (is_free(labels, label->box) && (!labels->named || place_name(labels, label))) {
            return true;
        }
    }
    return false;
}

/* Places a label as near to one of its points as there is room. False where there is none. */
static bool place_label(Labels *labels, Label *label) {
    bool placed = false;
    int rings = labels->named ? NAMED_RINGS : RINGS;
    for (int ring = 0; ring < rings && !placed; ring++) {
        for (size_t i = 0; i < label->count && !placed; i++)
            placed = place_at(labels, label, &labels->points[label->first + i], RING * ring);
    }
    alisa_cli_report_labels_obstacle(labels, label->box);
    if (labels->named) alisa_cli_report_labels_obstacle(labels, label->name);
    return placed;
}

static bool place_all(Labels *labels) {
    bool placed = true;
    for (size_t i = 0; i < labels->count; i++)
        placed &= place_label(labels, &labels->list[i]);
    return placed;
}

/* Whether a point goes on with a label: "4-9" is that of points with numbers that follow each
 * other, one above the other. */
static bool continues(const Labels *labels, const Label *label, const LabelPoint *point) {
    const LabelPoint *first = &labels->points[label->first];
    return first->row->first->group == point->row->first->group &&
           first->row->number + label->count == point->row->number &&
           fabs(first->x - point->x) < SAME_COLUMN;
}

static void make_labels(Labels *labels, bool merged) {
    Label *label = labels->list;
    labels->count = 0;
    for (size_t i = 0; i < labels->point_count; i++) {
        const LabelPoint *point = &labels->points[i];
        if (i > 0 && merged && continues(labels, label, point)) {
            label->count++;
            snprintf(label->text, sizeof label->text, "%zu-%zu",
                     point->row->number + 1 - label->count, point->row->number);
            continue;
        }
        label = &labels->list[labels->count++];
        *label = (Label){.first = i, .count = 1};
        snprintf(label->text, sizeof label->text, "%zu", point->row->number);
    }
}

void alisa_cli_report_labels_place(Labels *labels) {
    size_t taken = labels->box_count;
    make_labels(labels, false);
    labels->named = true;
    if (place_all(labels)) return;
    labels->named = false;
    labels->box_count = taken;
    make_labels(labels, true);
    place_all(labels);
}
