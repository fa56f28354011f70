/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/chart.h"

#include "common/plot.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Places in pixels. The two panels share the horizontal axis. */
enum {
    CHART_WIDTH = 860,
    CHART_HEIGHT = 640,
    LEFT = 80,
    RIGHT = 690, /* the legend is to the right */
    BYTES_TOP = 60,
    BYTES_BOTTOM = 320,
    TIME_TOP = 380,
    TIME_BOTTOM = 580,
};

#define GRID      "stroke=\"#dddddd\""
#define AXIS      "stroke=\"#555\""
#define TO_RIGHT  "text-anchor=\"start\""
#define IN_MIDDLE "text-anchor=\"middle\""

static void label_length(double value, char label[PLOT_LABEL]) {
    snprintf(label, PLOT_LABEL, "%.0f", value);
}

static void label_bytes(double value, char label[PLOT_LABEL]) {
    snprintf(label, PLOT_LABEL, "%g GiB", value);
}

static void label_time(double value, char label[PLOT_LABEL]) {
    snprintf(label, PLOT_LABEL, "%g ms", value);
}

/* One of the two panels: lengths across, values up from `bottom`. */
static PlotFrame panel_of(double first, double last, double bottom, double top, PlotLabel *label) {
    return (PlotFrame){
        .x = {.low = first,
              .high = last > first ? last : first + 1.0,
              .from = LEFT,
              .to = RIGHT,
              .whole = true},
        .y = {.from = bottom, .to = top},
        .most_x = 8,
        .most_y = 6,
        .label_x = label_length,
        .label_y = label,
        .grid = GRID,
        .axis = AXIS,
    };
}

static double across(const PlotFrame *panel, double length) {
    return alisa_cli_plot_at(&panel->x, length);
}

static double up(const PlotFrame *panel, double value) {
    return alisa_cli_plot_at(&panel->y, value);
}

/* A shaded band for each phase, its number on top. */
static void draw_phases(FILE *file, const PlotFrame *panel, const AlisaPlan *plan, size_t count) {
    static const char *const shades[] = {"#ffffff", "#eef3fa", "#dfe8f4"};
    static const char *const names[] = {"phase I", "phase II", "phase III"};
    for (size_t i = 0; i < count;) {
        uint32_t phase = plan->steps[i].phase;
        size_t end = i;
        while (end < count && plan->steps[end].phase == phase)
            end++;
        double begin = across(panel, plan->steps[i].length);
        double stop = end < count ? across(panel, plan->steps[end].length) : RIGHT;
        fprintf(file, "<rect x=\"%.1f\" y=\"%.0f\" width=\"%.1f\" height=\"%.0f\" fill=\"%s\"/>\n",
                begin, panel->y.to, stop - begin, panel->y.from - panel->y.to, shades[phase - 1]);
        if (stop - begin > 50) {
            alisa_cli_plot_text(file, (begin + stop) / 2, panel->y.to - 6, IN_MIDDLE,
                                names[phase - 1]);
        }
        i = end;
    }
}

/* Steps until the longest sequence ends: with waiting sequences the lengths begin anew. */
static size_t rising(const AlisaPlan *plan) {
    size_t count = plan->step_count < 1 ? 0 : 1;
    while (count < plan->step_count && plan->steps[count].length >= plan->steps[count - 1].length)
        count++;
    return count;
}

/* ---- Bytes --------------------------------------------------------------------------------- */

enum { TIER_COUNT = 3 };

static double tier_bytes(const AlisaPlanStep *step, int tier) {
    const double bytes[TIER_COUNT] = {step->device_bytes, step->host_bytes,
                                      step->recomputable_bytes};
    return bytes[tier] / 1073741824.0;
}

static double below(const AlisaPlanStep *step, int tier) {
    double sum = 0.0;
    for (int i = 0; i < tier; i++)
        sum += tier_bytes(step, i);
    return sum;
}

static void draw_bytes(FILE *file, const AlisaPlan *plan, double first, double last) {
    static const struct {
        const char *color, *name;
    } tiers[TIER_COUNT] = {{"#2f6f9f", "device: K, V, state"},
                           {"#e0a030", "host"},
                           {"#9f5f9f", "layer inputs, no K, V"}};
    PlotFrame panel = panel_of(first, last, BYTES_BOTTOM, BYTES_TOP, label_bytes);
    size_t count = rising(plan);
    for (size_t i = 0; i < count; i++) {
        panel.y.high = fmax(panel.y.high, below(&plan->steps[i], TIER_COUNT));
    }
    panel.y.high = panel.y.high > 0.0 ? panel.y.high * 1.05 : 1.0;
    draw_phases(file, &panel, plan, count);
    alisa_cli_plot_frame(file, &panel);
    for (int tier = 0; tier < TIER_COUNT; tier++) {
        bool any = false;
        for (size_t i = 0; i < count && !any; i++)
            any = tier_bytes(&plan->steps[i], tier) > 0.0;
        if (!any) continue;
        fprintf(file, "<path fill=\"%s\" fill-opacity=\"0.8\" d=\"", tiers[tier].color);
        for (size_t i = 0; i < count; i++) {
            const AlisaPlanStep *step = &plan->steps[i];
            fprintf(file, "%c%.1f %.1f", i ? 'L' : 'M', across(&panel, step->length),
                    up(&panel, below(step, tier + 1)));
        }
        for (size_t i = count; i-- > 0;) {
            const AlisaPlanStep *step = &plan->steps[i];
            fprintf(file, "L%.1f %.1f", across(&panel, step->length),
                    up(&panel, below(step, tier)));
        }
        fputs("Z\"/>\n", file);
        fprintf(file, "<rect x=\"%d\" y=\"%d\" width=\"12\" height=\"12\" fill=\"%s\"/>\n",
                RIGHT + 14, BYTES_TOP + 4 + 20 * tier, tiers[tier].color);
        alisa_cli_plot_text(file, RIGHT + 32, BYTES_TOP + 14 + 20 * tier, TO_RIGHT,
                            tiers[tier].name);
    }
}

/* ---- Time ---------------------------------------------------------------------------------- */

static void draw_time(FILE *file, const AlisaPlan *plans, size_t count, double first, double last) {
    static const char *const colors[ALISA_POLICY_COUNT] = {
        [ALISA_POLICY_DEVICE] = "#555555",  [ALISA_POLICY_ACCELERATE] = "#c04040",
        [ALISA_POLICY_FLEXGEN] = "#e0a030", [ALISA_POLICY_VLLM] = "#409040",
        [ALISA_POLICY_H2O] = "#9f5f9f",     [ALISA_POLICY_ALISA] = "#2f6f9f"};
    PlotFrame panel = panel_of(first, last, TIME_BOTTOM, TIME_TOP, label_time);
    double low = INFINITY, high = 0.0;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 1; j < rising(&plans[i]); j++) { /* the first step has the prompt's time */
            low = fmin(low, plans[i].steps[j].seconds * 1e3);
            high = fmax(high, plans[i].steps[j].seconds * 1e3);
        }
    }
    if (!(high > 0.0)) return;
    panel.y.base = 10.0;
    panel.y.low = pow(10.0, floor(log10(low)));
    panel.y.high = fmax(pow(10.0, ceil(log10(high))), panel.y.low * 10.0);
    alisa_cli_plot_frame(file, &panel);
    for (size_t i = 0; i < count; i++) {
        const AlisaPlan *plan = &plans[i];
        if (plan->step_count < 2) continue;
        fprintf(file, "<polyline fill=\"none\" stroke-width=\"1.6\" stroke=\"%s\" points=\"",
                colors[plan->policy]);
        for (size_t j = 1; j < rising(plan); j++) {
            const AlisaPlanStep *step = &plan->steps[j];
            fprintf(file, "%.1f,%.1f ", across(&panel, step->length),
                    up(&panel, step->seconds * 1e3));
        }
        fputs("\"/>\n", file);
        double y = TIME_TOP + 8 + 20.0 * (double)i;
        char stroke[32];
        snprintf(stroke, sizeof stroke, "stroke=\"%s\"", colors[plan->policy]);
        alisa_cli_plot_line(file, RIGHT + 14, y, RIGHT + 28, y, stroke);
        alisa_cli_plot_text(file, RIGHT + 32, y + 4, TO_RIGHT, alisa_policy_name(plan->policy));
    }
}

bool alisa_cli_chart_write(const char *path, const AlisaPlan *shown, const AlisaPlan *plans,
                           size_t count, const char *title, AlisaError *error) {
    FILE *file = fopen(path, "w");
    if (file) {
        fprintf(file,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
                "font-family=\"sans-serif\" font-size=\"12\" stroke=\"none\">\n"
                "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n",
                CHART_WIDTH, CHART_HEIGHT);
        alisa_cli_plot_text(file, LEFT, 24, TO_RIGHT, title);
        double first = shown->steps[0].length, last = shown->steps[rising(shown) - 1].length;
        draw_bytes(file, shown, first, last);
        alisa_cli_plot_text(file, LEFT, TIME_TOP - 14, TO_RIGHT, "time of a step, predicted");
        draw_time(file, plans, count, first, last);
        alisa_cli_plot_text(file, (LEFT + RIGHT) / 2.0, TIME_BOTTOM + 40, IN_MIDDLE,
                            "tokens of a sequence");
        fputs("</svg>\n", file);
        bool written = !ferror(file);
        if (fclose(file) == 0 && written) return true;
    }
    error->status = ALISA_ERROR_IO;
    snprintf(error->message, sizeof error->message, "%s: cannot write the chart: %s", path,
             strerror(errno));
    return false;
}
