/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was measured on and how: a column for each run, and what the groups come to.
 */
#include "common/html.h"
#include "report/figures.h"
#include "report/page.h"

#include <string.h>

/* How a field is shown, and the C type it has. */
typedef enum Shown {
    SHOWN_TEXT,
    SHOWN_CODE,  /* a text to be typed again */
    SHOWN_COUNT, /* json_int_t */
    SHOWN_BYTES, /* json_int_t */
    SHOWN_TEXTS, /* const json_t * */
    SHOWN_RATE,  /* double, bytes/s */
    SHOWN_FLOPS, /* double, flop/s */
    SHOWN_TIME,  /* double, s */
} Shown;

/* Between which runs a difference in a field is worth a mark. */
typedef enum Alike {
    ALIKE_NEVER,
    ALIKE_ON_DEVICE, /* between runs of one device */
    ALIKE_ALWAYS,
} Alike;

#define MANIFEST(field) offsetof(ReportRun, manifest.field)
#define ROOFLINE(field) offsetof(ReportRun, roofline.field)

static const struct {
    const char *title;
    Shown shown;
    size_t offset;
    Alike alike;
} fields[] = {
    {"platform", SHOWN_TEXT, MANIFEST(device.platform), ALIKE_ON_DEVICE},
    {"vendor", SHOWN_TEXT, MANIFEST(device.vendor), ALIKE_ON_DEVICE},
    {"driver", SHOWN_TEXT, MANIFEST(device.driver), ALIKE_ON_DEVICE},
    {"type", SHOWN_TEXT, MANIFEST(device.type), ALIKE_ON_DEVICE},
    {"board", SHOWN_TEXT, MANIFEST(device.board), ALIKE_ON_DEVICE},
    {"architecture", SHOWN_TEXT, MANIFEST(device.architecture), ALIKE_ON_DEVICE},
    {"OpenCL", SHOWN_TEXT, MANIFEST(device.opencl_version), ALIKE_ON_DEVICE},
    {"OpenCL C", SHOWN_TEXT, MANIFEST(device.opencl_c_version), ALIKE_ON_DEVICE},
    {"compute units", SHOWN_COUNT, MANIFEST(device.compute_units), ALIKE_ON_DEVICE},
    {"clock, MHz", SHOWN_COUNT, MANIFEST(device.clock_mhz), ALIKE_ON_DEVICE},
    {"memory", SHOWN_BYTES, MANIFEST(device.global_memory), ALIKE_ON_DEVICE},
    {"largest buffer", SHOWN_BYTES, MANIFEST(device.max_allocation), ALIKE_ON_DEVICE},
    {"local memory", SHOWN_BYTES, MANIFEST(device.local_memory), ALIKE_ON_DEVICE},
    {"work-group", SHOWN_COUNT, MANIFEST(device.max_work_group), ALIKE_ON_DEVICE},
    {"capabilities", SHOWN_TEXTS, MANIFEST(device.capabilities), ALIKE_ON_DEVICE},
    {"read bandwidth, measured", SHOWN_RATE, ROOFLINE(read_bandwidth), ALIKE_NEVER},
    {"matrix peak, measured", SHOWN_FLOPS, ROOFLINE(matrix_peak), ALIKE_NEVER},
    {"copies to it, measured", SHOWN_RATE, ROOFLINE(copy_to_device), ALIKE_NEVER},
    {"copies from it, measured", SHOWN_RATE, ROOFLINE(copy_to_host), ALIKE_NEVER},
    {"a launch, measured", SHOWN_TIME, ROOFLINE(launch_latency), ALIKE_NEVER},
    {"emulated link", SHOWN_RATE, MANIFEST(emulated_link), ALIKE_ALWAYS},
    {"tuning", SHOWN_TEXT, MANIFEST(tuning.name), ALIKE_ON_DEVICE},
    {"tuning matched by", SHOWN_TEXT, MANIFEST(tuning.match), ALIKE_ON_DEVICE},
    {"tuning id", SHOWN_TEXT, MANIFEST(tuning.id), ALIKE_ON_DEVICE},
    {"model", SHOWN_TEXT, MANIFEST(model.name), ALIKE_NEVER},
    {"model type", SHOWN_TEXT, MANIFEST(model.type), ALIKE_ALWAYS},
    {"model size", SHOWN_BYTES, MANIFEST(model.bytes), ALIKE_NEVER},
    {"model hash", SHOWN_TEXT, MANIFEST(model.hash), ALIKE_ALWAYS},
    {"what was changed", SHOWN_TEXT, MANIFEST(changed), ALIKE_NEVER},
    {"alisa", SHOWN_TEXT, MANIFEST(version), ALIKE_ALWAYS},
    {"commit", SHOWN_TEXT, MANIFEST(commit), ALIKE_ALWAYS},
    {"date", SHOWN_TEXT, MANIFEST(date), ALIKE_NEVER},
    {"effort", SHOWN_TEXT, MANIFEST(effort), ALIKE_ALWAYS},
    {"samples of a test", SHOWN_COUNT, MANIFEST(samples), ALIKE_ALWAYS},
    {"command", SHOWN_CODE, MANIFEST(command), ALIKE_NEVER},
    {"file", SHOWN_CODE, offsetof(ReportRun, file), ALIKE_NEVER},
};

enum { FIELD_COUNT = sizeof fields / sizeof fields[0] };

static bool is_text(Shown shown) {
    return shown == SHOWN_TEXT || shown == SHOWN_CODE;
}

static bool is_count(Shown shown) {
    return shown == SHOWN_COUNT || shown == SHOWN_BYTES;
}

static const void *field_of(const ReportRun *run, size_t index) {
    return (const char *)run + fields[index].offset;
}

/* A run without a model has NULL here, which is shown as an empty text. */
static const char *text_of(const void *field) {
    const char *text = *(const char *const *)field;
    return text ? text : "";
}

static bool is_empty(const void *field, Shown shown) {
    if (is_text(shown)) return text_of(field)[0] == 0;
    if (is_count(shown)) return *(const json_int_t *)field == 0;
    if (shown == SHOWN_TEXTS) return json_array_size(*(const json_t *const *)field) == 0;
    return *(const double *)field <= 0.0;
}

static bool is_same(const void *a, const void *b, Shown shown) {
    if (is_text(shown)) return strcmp(text_of(a), text_of(b)) == 0;
    if (is_count(shown)) return *(const json_int_t *)a == *(const json_int_t *)b;
    if (shown == SHOWN_TEXTS) return json_equal(*(json_t *const *)a, *(json_t *const *)b);
    return !(*(const double *)a < *(const double *)b || *(const double *)a > *(const double *)b);
}

static void write_texts(FILE *file, const json_t *list) {
    for (size_t i = 0; i < json_array_size(list); i++) {
        fputs(i ? ", " : "", file);
        alisa_cli_html_text(file, json_string_value(json_array_get(list, i)));
    }
}

static void write_field(FILE *file, const void *field, Shown shown) {
    static const char *const units[] = {
        [SHOWN_RATE] = "B/s", [SHOWN_FLOPS] = "FLOP/s", [SHOWN_TIME] = "s"};
    char text[HTML_CELL];
    if (is_empty(field, shown)) {
        fputs("\xE2\x80\x93", file);
    } else if (is_text(shown)) {
        fputs(shown == SHOWN_CODE ? "<code>" : "", file);
        alisa_cli_html_text(file, text_of(field));
        fputs(shown == SHOWN_CODE ? "</code>" : "", file);
    } else if (shown == SHOWN_TEXTS) {
        write_texts(file, *(const json_t *const *)field);
    } else if (shown == SHOWN_BYTES) {
        alisa_cli_html_bytes((double)*(const json_int_t *)field, text);
        alisa_cli_html_text(file, text);
    } else if (shown == SHOWN_COUNT) {
        fprintf(file, "%lld", (long long)*(const json_int_t *)field);
    } else {
        alisa_cli_html_scaled(*(const double *)field, units[shown], text);
        alisa_cli_html_text(file, text);
    }
}

/* Whether a run differs from one before it in a field in which it should not. */
static bool differs(const Report *report, size_t index) {
    for (size_t i = 1; i < report->run_count; i++) {
        const ReportRun *run = &report->runs[i];
        for (size_t j = 0; j < i; j++) {
            const ReportRun *other = &report->runs[j];
            bool one = !strcmp(run->manifest.device.name, other->manifest.device.name);
            if (fields[index].alike == ALIKE_NEVER) continue;
            if (fields[index].alike == ALIKE_ON_DEVICE && !one) continue;
            if (!is_same(field_of(run, index), field_of(other, index), fields[index].shown)) {
                return true;
            }
        }
    }
    return false;
}

/* A field that no run has is left out; one that differs is marked. */
static void write_row(FILE *file, const Report *report, size_t index) {
    Shown shown = fields[index].shown;
    bool empty = true;
    for (size_t run = 0; run < report->run_count; run++)
        empty &= is_empty(field_of(&report->runs[run], index), shown);
    if (empty) return;
    fprintf(file, "<tr%s><th scope=\"row\">%s</th>",
            differs(report, index) ? " class=\"differs\"" : "", fields[index].title);
    for (size_t run = 0; run < report->run_count; run++) {
        fputs("<td>", file);
        write_field(file, field_of(&report->runs[run], index), shown);
        fputs("</td>", file);
    }
    fputs("</tr>\n", file);
}

void alisa_cli_report_devices(FILE *file, const Report *report) {
    fputs("<div class=\"scroll\"><table class=\"devices\"><thead><tr><th>run</th>", file);
    for (size_t i = 0; i < report->run_count; i++) {
        fputs("<th scope=\"col\">", file);
        alisa_cli_report_name(file, report, i);
        fputs("</th>", file);
    }
    fputs("</tr></thead><tbody>\n", file);
    for (size_t i = 0; i < FIELD_COUNT; i++)
        write_row(file, report, i);
    fputs("</tbody></table></div>\n", file);
}

/* ---- Summary -------------------------------------------------------------------------------- */

static bool has_group(const Report *report, ReportGroup group) {
    for (size_t i = 0; i < report->row_count; i++) {
        if (report->rows[i].first->group == group) return true;
    }
    return false;
}

static void summary_cell(FILE *file, const Report *report, ReportGroup group, size_t run) {
    char text[HTML_CELL];
    size_t tests, shares;
    bool compared = report->run_count > 1;
    double ratio = alisa_cli_report_ratio(report, group, run, 0, &tests);
    double share = alisa_cli_report_share(report, group, run, &shares);
    fputs("<td>", file);
    if (compared && run == 0) {
        fputs("<b>1\xC3\x97</b>", file);
    } else if (compared && tests > 0) {
        alisa_cli_html_number(ratio, text);
        fprintf(file, "<b>%s\xC3\x97</b> %c, %zu test%s", text, report->runs[0].letter, tests,
                tests == 1 ? "" : "s");
    } else if (compared) {
        fputs("not comparable", file);
    }
    if (shares > 0) {
        alisa_cli_html_percent(share, text);
        fprintf(file, "%s%s of its limit", compared ? "<br>" : "", text);
    } else if (!compared) {
        fputs("no limit known", file);
    }
    fputs("</td>", file);
}

void alisa_cli_report_summary(FILE *file, const Report *report) {
    fputs("<div class=\"scroll\"><table class=\"devices summary\"><thead><tr><th>tests</th>", file);
    for (size_t i = 0; i < report->run_count; i++) {
        fputs("<th scope=\"col\">", file);
        alisa_cli_report_name(file, report, i);
        fputs("</th>", file);
    }
    fputs("</tr></thead><tbody>\n", file);
    for (int group = 0; group < REPORT_GROUP_COUNT; group++) {
        if (!has_group(report, (ReportGroup)group)) continue;
        fprintf(file, "<tr><th scope=\"row\">%s</th>",
                alisa_cli_report_group_name((ReportGroup)group));
        for (size_t run = 0; run < report->run_count; run++)
            summary_cell(file, report, (ReportGroup)group, run);
        fputs("</tr>\n", file);
    }
    fputs("</tbody></table></div>\n", file);
}
