#include "chart.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Pixels. The two panels share the horizontal axis. */
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

/* One of the two panels: lengths across, values up, straight or logarithmic. */
typedef struct Panel {
    double first, last; /* lengths */
    double low, high;   /* values */
    bool logarithmic;
    int top, bottom;
} Panel;

static double across(const Panel *panel, double length) {
    double span = panel->last > panel->first ? panel->last - panel->first : 1.0;
    return LEFT + (length - panel->first) / span * (RIGHT - LEFT);
}

static double up(const Panel *panel, double value) {
    double part = panel->logarithmic
                      ? log(fmax(value, panel->low) / panel->low) / log(panel->high / panel->low)
                      : (value - panel->low) / (panel->high - panel->low);
    return panel->bottom - part * (panel->bottom - panel->top);
}

static void text(FILE *file, double x, double y, const char *anchor, const char *what) {
    fprintf(file, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">", x, y, anchor);
    for (; *what; what++) {
        switch (*what) {
        case '<':
            fputs("&lt;", file);
            break;
        case '&':
            fputs("&amp;", file);
            break;
        default:
            if ((unsigned char)*what >= ' ') fputc(*what, file);
        }
    }
    fputs("</text>\n", file);
}

static void line(FILE *file, double x1, double y1, double x2, double y2, const char *color) {
    fprintf(file, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"%s\"/>\n", x1, y1,
            x2, y2, color);
}

/* 1, 2 or 5 times a power of ten, so that `span` has at most `most` of them. */
static double tick_step(double span, int most) {
    double step = pow(10.0, floor(log10(span / most)));
    static const double factors[] = {1.0, 2.0, 5.0, 10.0};
    for (size_t i = 0; i < 4; i++) {
        if (span / (step * factors[i]) <= most) return step * factors[i];
    }
    return step * 10.0;
}

static void value_tick(FILE *file, const Panel *panel, double value, const char *unit) {
    char label[32];
    double y = up(panel, value);
    line(file, LEFT, y, RIGHT, y, "#dddddd");
    snprintf(label, sizeof label, "%g %s", value, unit);
    text(file, LEFT - 6, y + 4, "end", label);
}

static void draw_axes(FILE *file, const Panel *panel, const char *unit) {
    if (panel->logarithmic) {
        int decades = (int)lround(log10(panel->high / panel->low));
        for (int i = 0; i <= decades; i++)
            value_tick(file, panel, panel->low * pow(10.0, i), unit);
    } else {
        double step = tick_step(panel->high, 6);
        for (int i = 0; i * step <= panel->high * 1.001; i++)
            value_tick(file, panel, i * step, unit);
    }
    double step = fmax(1.0, tick_step(panel->last - panel->first + 1.0, 8));
    int first = (int)ceil(panel->first / step);
    for (int i = first; i * step <= panel->last; i++) {
        char label[32];
        double at = across(panel, i * step);
        snprintf(label, sizeof label, "%.0f", i * step);
        line(file, at, panel->bottom, at, panel->bottom + 5, "#555");
        text(file, at, panel->bottom + 18, "middle", label);
    }
    line(file, LEFT, panel->bottom, RIGHT, panel->bottom, "#555");
}

/* A shaded band for each phase, its number on top. */
static void draw_phases(FILE *file, const Panel *panel, const AlisaPlan *plan, size_t count) {
    static const char *const shades[] = {"#ffffff", "#eef3fa", "#dfe8f4"};
    static const char *const names[] = {"phase I", "phase II", "phase III"};
    for (size_t i = 0; i < count;) {
        uint32_t phase = plan->steps[i].phase;
        size_t end = i;
        while (end < count && plan->steps[end].phase == phase)
            end++;
        double begin = across(panel, plan->steps[i].length);
        double stop = end < count ? across(panel, plan->steps[end].length) : RIGHT;
        fprintf(file, "<rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"%s\"/>\n",
                begin, panel->top, stop - begin, panel->bottom - panel->top, shades[phase - 1]);
        if (stop - begin > 50) {
            text(file, (begin + stop) / 2, panel->top - 6, "middle", names[phase - 1]);
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
    Panel panel = {.first = first, .last = last, .top = BYTES_TOP, .bottom = BYTES_BOTTOM};
    size_t count = rising(plan);
    for (size_t i = 0; i < count; i++) {
        panel.high = fmax(panel.high, below(&plan->steps[i], TIER_COUNT));
    }
    panel.high = panel.high > 0.0 ? panel.high * 1.05 : 1.0;
    draw_phases(file, &panel, plan, count);
    draw_axes(file, &panel, "GiB");
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
        text(file, RIGHT + 32, BYTES_TOP + 14 + 20 * tier, "start", tiers[tier].name);
    }
}

/* ---- Time ---------------------------------------------------------------------------------- */

static void draw_time(FILE *file, const AlisaPlan *plans, size_t count, double first, double last) {
    static const char *const colors[ALISA_POLICY_COUNT] = {
        [ALISA_POLICY_DEVICE] = "#555555",  [ALISA_POLICY_ACCELERATE] = "#c04040",
        [ALISA_POLICY_FLEXGEN] = "#e0a030", [ALISA_POLICY_VLLM] = "#409040",
        [ALISA_POLICY_H2O] = "#9f5f9f",     [ALISA_POLICY_ALISA] = "#2f6f9f"};
    Panel panel = {
        .first = first, .last = last, .logarithmic = true, .top = TIME_TOP, .bottom = TIME_BOTTOM};
    double low = INFINITY, high = 0.0;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 1; j < rising(&plans[i]); j++) { /* the first has the prefill */
            low = fmin(low, plans[i].steps[j].seconds * 1e3);
            high = fmax(high, plans[i].steps[j].seconds * 1e3);
        }
    }
    if (!(high > 0.0)) return;
    panel.low = pow(10.0, floor(log10(low)));
    panel.high = fmax(pow(10.0, ceil(log10(high))), panel.low * 10.0);
    draw_axes(file, &panel, "ms");
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
        line(file, RIGHT + 14, y, RIGHT + 28, y, colors[plan->policy]);
        text(file, RIGHT + 32, y + 4, "start", alisa_policy_name(plan->policy));
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
        text(file, LEFT, 24, "start", title);
        double first = shown->steps[0].length, last = shown->steps[rising(shown) - 1].length;
        draw_bytes(file, shown, first, last);
        text(file, LEFT, TIME_TOP - 14, "start", "time of a step, predicted");
        draw_time(file, plans, count, first, last);
        text(file, (LEFT + RIGHT) / 2.0, TIME_BOTTOM + 40, "middle", "tokens of a sequence");
        fputs("</svg>\n", file);
        bool written = !ferror(file);
        if (fclose(file) == 0 && written) return true;
    }
    error->status = ALISA_ERROR_IO;
    snprintf(error->message, sizeof error->message, "%s: cannot write the chart: %s", path,
             strerror(errno));
    return false;
}
