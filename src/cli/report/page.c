/* SPDX-License-Identifier: Apache-2.0 */
#include "report/page.h"

#include "common/html.h"
#include "report/files.h"

#include <string.h>

typedef struct Section {
    const char *title, *hint;
} Section;

static const Section sections[REPORT_GROUP_COUNT] = {
    [REPORT_MATRIX_VECTOR] = {"Matrix times vector",
                              "Generating one text is made of these: they read every weight once "
                              "for each token, so memory bounds them."},
    [REPORT_MATRIX_MATRIX] =
        {"Matrix times matrix",
         "Reading prompts and generating many texts at once are made of these; "
         "the more rows, the more arithmetic bounds them."},
    [REPORT_ATTENTION] = {"Attention",
                          "Dense attention reads all keys and values of the past, sparse attention "
                          "those that were chosen."},
    [REPORT_TRANSFER] = {"Copies between host and device",
                         "What offloaded keys and values travel by."},
    [REPORT_PREFILL] = {"Prefill", "Tokens a second while prompts are read."},
    [REPORT_DECODE] = {"Decode", "Tokens a second while texts are generated, of all of them."},
    [REPORT_POLICY] = {"Policies of placing keys and values",
                       "Tokens a second of all texts with their prompts. Bars go to the best of "
                       "their device: policies are compared, not devices."},
};

static const char *asset(const char *name) {
    for (size_t i = 0; i < alisa_cli_report_file_count; i++) {
        if (strcmp(alisa_cli_report_files[i].name, name) == 0) {
            return alisa_cli_report_files[i].text;
        }
    }
    return "";
}

static size_t device_count(const Report *report) {
    size_t count = 0;
    for (size_t i = 0; i < report->run_count; i++) {
        bool seen = false;
        for (size_t j = 0; j < i; j++) {
            seen |=
                !strcmp(report->runs[i].manifest.device.name, report->runs[j].manifest.device.name);
        }
        count += !seen;
    }
    return count;
}

static void write_title(FILE *file, const Report *report) {
    size_t devices = device_count(report);
    if (report->run_count == 1) {
        alisa_cli_html_text(file, report->runs[0].label);
    } else if (devices == report->run_count) {
        fprintf(file, "%zu devices compared", devices);
    } else {
        fprintf(file, "%zu runs on %zu device%s compared", report->run_count, devices,
                devices == 1 ? "" : "s");
    }
}

static bool has_group(const Report *report, int group) {
    for (size_t i = 0; i < report->row_count; i++) {
        if (report->rows[i].first->group == (ReportGroup)group) return true;
    }
    return false;
}

static bool has_points(const Report *report) {
    for (size_t i = 0; i < report->row_count; i++) {
        if (report->rows[i].number > 0) return true;
    }
    return false;
}

static void write_head(FILE *file, const Report *report) {
    /* The policy keeps the promise that nothing is loaded, whatever the files say. */
    fputs("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
          "'unsafe-inline'; script-src 'unsafe-inline'\">\n"
          "<meta name=\"generator\" content=\"alisa bench --report\">\n<title>ALISA-CL: ",
          file);
    write_title(file, report);
    fprintf(file, "</title>\n<style>\n%s</style></head><body>\n<header><h1>", asset("page.css"));
    write_title(file, report);
    fputs("</h1>\n<p class=\"lead\">Measured by <code>alisa bench --suite</code> of ALISA-CL, "
          "language models on any OpenCL device.</p>\n",
          file);
    alisa_cli_report_legend(file, report);
    fputs("<nav><a href=\"#summary\">Summary</a> <a href=\"#devices\">Devices</a>", file);
    if (has_points(report)) fputs(" <a href=\"#rooflines\">Rooflines</a>", file);
    for (int group = 0; group < REPORT_GROUP_COUNT; group++) {
        if (!has_group(report, group)) continue;
        fprintf(file, " <a href=\"#%s\">%s</a>", alisa_cli_report_group_name((ReportGroup)group),
                sections[group].title);
    }
    fputs("</nav></header>\n<main>\n", file);
}

static void write_list(FILE *file, const ReportWarnings *warnings, unsigned groups) {
    fputs("<ul>\n", file);
    for (size_t i = 0; i < warnings->count; i++) {
        const ReportWarning *warning = &warnings->list[i];
        if (groups && !(warning->groups & groups)) continue;
        fprintf(file, "<li data-kind=\"%s\">", warning->kind);
        alisa_cli_html_text(file, warning->text);
        fputs("</li>\n", file);
    }
    fputs("</ul></div>\n", file);
}

static void write_warnings(FILE *file, const Report *report, const ReportWarnings *warnings) {
    if (warnings->count > 0) {
        fputs("<div class=\"box warnings\" role=\"note\"><h2>Compare with care</h2>\n", file);
        write_list(file, warnings, 0);
    } else {
        fprintf(file,
                "<div class=\"box fine\" role=\"note\">%sEvery test has at least %d samples, "
                "at most 20 %% apart.</div>\n",
                report->run_count > 1 ? "These runs can be compared: same build, effort, model and "
                                        "link, and one change at most on a device. "
                                      : "",
                REPORT_SAMPLES);
    }
}

static void write_group_warnings(FILE *file, const ReportWarnings *warnings, int group) {
    unsigned groups = 1u << group, found = 0;
    for (size_t i = 0; i < warnings->count; i++)
        found |= warnings->list[i].groups & groups;
    if (!found) return;
    fputs("<div class=\"box warnings\" role=\"note\">", file);
    write_list(file, warnings, groups);
}

static void write_section(FILE *file, const char *name, const char *title, const char *hint) {
    fprintf(file, "</section>\n<section id=\"%s\"><h2>%s</h2>\n<p class=\"hint\">%s</p>\n", name,
            title, hint);
}

static bool write_groups(FILE *file, const Report *report, const ReportWarnings *warnings) {
    bool good = true;
    for (int group = 0; group < REPORT_GROUP_COUNT && good; group++) {
        if (!has_group(report, group)) continue;
        write_section(file, alisa_cli_report_group_name((ReportGroup)group), sections[group].title,
                      sections[group].hint);
        write_group_warnings(file, warnings, group);
        alisa_cli_report_legend(file, report);
        good = alisa_cli_report_group(file, report, (ReportGroup)group);
    }
    return good;
}

bool alisa_cli_report_page(FILE *file, const Report *report, const ReportWarnings *warnings) {
    write_head(file, report);
    fputs("<section>\n", file);
    write_warnings(file, report, warnings);
    write_section(file, "summary", "Summary",
                  report->run_count > 1
                      ? "Geometric means over the tests of a group: how many times as fast as the "
                        "first run, over tests that are the same in both, and how near each device "
                        "comes to its own limit."
                      : "How near the device comes to its own limit: geometric means over the "
                        "tests of a group.");
    alisa_cli_report_summary(file, report);
    write_section(file, "devices", "Devices and how they were measured",
                  report->run_count > 1
                      ? "Rows marked \xE2\x89\xA0 may explain a difference as well as the device."
                      : "");
    alisa_cli_report_devices(file, report);
    bool good = true;
    if (has_points(report)) {
        write_section(file, "rooflines", "Rooflines",
                      "The line is the best a device can do at each number of operations per byte: "
                      "its own measured read bandwidth, then its own measured matrix peak. "
                      "All pictures have the same axes; numbers are those of the table.");
        good = alisa_cli_report_rooflines(file, report);
    }
    good = good && write_groups(file, report, warnings);
    fprintf(
        file,
        "</section></main>\n<footer>A value is that of the median sample. The limit of a test "
        "is min(matrix peak, read bandwidth \xC3\x97 flop per byte) of the same device and run, "
        "of a copy the rate of large copies. Made by alisa %s with <code>alisa bench "
        "--report</code>; this page loads nothing.</footer>\n<script>\n%s</script></body>"
        "</html>\n",
        alisa_version(), asset("page.js"));
    return good;
}
