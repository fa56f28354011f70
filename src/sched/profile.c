/* SPDX-License-Identifier: Apache-2.0 */
#include "sched/profile.h"

#include <jansson.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/disk.h"
#include "sched/embedded.h"

double alisa_sched_curve_rate(const AlisaSchedCurve *curve, double size) {
    if (curve->count == 0) return 0.0;
    if (size <= curve->sizes[0]) return curve->rates[0];
    for (uint32_t i = 1; i < curve->count; i++) {
        if (size > curve->sizes[i]) continue;
        double part = log(size / curve->sizes[i - 1]) / log(curve->sizes[i] / curve->sizes[i - 1]);
        return curve->rates[i - 1] + part * (curve->rates[i] - curve->rates[i - 1]);
    }
    return curve->rates[curve->count - 1];
}

/* ---- The figures, one row each ------------------------------------------------------------- */

typedef enum FigureKind { FIGURE_SIZE, FIGURE_NUMBER, FIGURE_CURVE, FIGURE_FLAG } FigureKind;

typedef struct Figure {
    const char *name;
    FigureKind kind;
    size_t field;
    bool positive; /* 0 makes no sense */
} Figure;

#define FIELD(name) offsetof(AlisaSchedProfile, name)

static const Figure figures[] = {
    {"device_bytes", FIGURE_SIZE, FIELD(device_bytes), true},
    {"host_bytes", FIGURE_SIZE, FIELD(host_bytes), false},
    {"device_bandwidth", FIGURE_NUMBER, FIELD(device_bandwidth), true},
    {"matrix_rate", FIGURE_CURVE, FIELD(matrix_rate), true},
    {"recompute_rate", FIGURE_NUMBER, FIELD(recompute_rate), true},
    {"attention_rate", FIGURE_NUMBER, FIELD(attention_rate), true},
    {"attention_dense", FIGURE_NUMBER, FIELD(attention_dense), true},
    {"attention_gathered", FIGURE_NUMBER, FIELD(attention_gathered), true},
    {"launch_latency", FIGURE_NUMBER, FIELD(launch_latency), false},
    {"step_overhead", FIGURE_NUMBER, FIELD(step_overhead), false},
    {"row_overhead", FIGURE_NUMBER, FIELD(row_overhead), false},
    {"link_to_device", FIGURE_CURVE, FIELD(link_to_device), true},
    {"link_to_host", FIGURE_CURVE, FIELD(link_to_host), true},
    {"link_latency", FIGURE_NUMBER, FIELD(link_latency), false},
    {"link_duplex", FIGURE_FLAG, FIELD(link_duplex), false},
    {"host_gather", FIGURE_NUMBER, FIELD(host_gather), false},
};

enum { FIGURE_COUNT = sizeof figures / sizeof *figures };

static bool number_is_good(double value, bool positive) {
    return isfinite(value) && (positive ? value > 0.0 : value >= 0.0);
}

static bool curve_is_good(const AlisaSchedCurve *curve) {
    if (curve->count == 0 || curve->count > ALISA_SCHED_CURVE_CAPACITY) return false;
    for (uint32_t i = 0; i < curve->count; i++) {
        if (!number_is_good(curve->sizes[i], true) || !number_is_good(curve->rates[i], true)) {
            return false;
        }
        if (i > 0 && curve->sizes[i] <= curve->sizes[i - 1]) return false;
    }
    return true;
}

static bool figure_is_good(const Figure *figure, const AlisaSchedProfile *profile) {
    const void *field = (const char *)profile + figure->field;
    switch (figure->kind) {
    case FIGURE_SIZE:
        return !figure->positive || *(const uint64_t *)field > 0;
    case FIGURE_NUMBER:
        return number_is_good(*(const double *)field, figure->positive);
    case FIGURE_CURVE:
        return curve_is_good(field);
    default:
        return true;
    }
}

const char *alisa_sched_profile_check(const AlisaSchedProfile *profile) {
    for (size_t i = 0; i < FIGURE_COUNT; i++) {
        if (!figure_is_good(&figures[i], profile)) return figures[i].name;
    }
    return NULL;
}

/* ---- JSON ---------------------------------------------------------------------------------- */

static bool read_curve(const json_t *value, AlisaSchedCurve *curve) {
    if (json_is_number(value)) {
        *curve = (AlisaSchedCurve){1, {1.0}, {json_number_value(value)}};
        return true;
    }
    size_t count = json_array_size(value);
    if (count == 0 || count > ALISA_SCHED_CURVE_CAPACITY) return false;
    for (size_t i = 0; i < count; i++) {
        const json_t *point = json_array_get(value, i);
        const json_t *size = json_array_get(point, 0), *rate = json_array_get(point, 1);
        if (json_array_size(point) != 2 || !json_is_number(size) || !json_is_number(rate)) {
            return false;
        }
        curve->sizes[i] = json_number_value(size);
        curve->rates[i] = json_number_value(rate);
    }
    curve->count = (uint32_t)count;
    return true;
}

static bool read_value(const Figure *figure, const json_t *value, AlisaSchedProfile *profile) {
    void *field = (char *)profile + figure->field;
    switch (figure->kind) {
    case FIGURE_SIZE:
        if (!json_is_integer(value) || json_integer_value(value) < 0) return false;
        *(uint64_t *)field = (uint64_t)json_integer_value(value);
        return true;
    case FIGURE_NUMBER:
        if (!json_is_number(value)) return false;
        *(double *)field = json_number_value(value);
        return true;
    case FIGURE_CURVE:
        return read_curve(value, field);
    default:
        if (!json_is_boolean(value)) return false;
        *(bool *)field = json_is_true(value);
        return true;
    }
}

static AlisaStatus read_figure(const json_t *root, const Figure *figure, const char *origin,
                               AlisaSchedProfile *profile, AlisaError *error) {
    static const char *const wanted[] = {
        [FIGURE_SIZE] = "a whole number of bytes",
        [FIGURE_NUMBER] = "a number",
        [FIGURE_CURVE] = "a number or up to 12 [size, rate] pairs with ascending sizes",
        [FIGURE_FLAG] = "true or false",
    };
    const json_t *entry = json_object_get(root, figure->name);
    if (!entry) {
        return alisa_error_set(error, ALISA_ERROR_FORMAT, "%s: the figure \"%s\" is missing",
                               origin, figure->name);
    }
    const char *source = json_string_value(json_object_get(entry, "source"));
    if (!source || !*source) {
        return alisa_error_set(error, ALISA_ERROR_FORMAT,
                               "%s: the figure \"%s\" does not name its \"source\"", origin,
                               figure->name);
    }
    if (!read_value(figure, json_object_get(entry, "value"), profile) ||
        !figure_is_good(figure, profile)) {
        return alisa_error_set(error, ALISA_ERROR_FORMAT,
                               "%s: the \"value\" of \"%s\" must be %s%s", origin, figure->name,
                               wanted[figure->kind],
                               figure->positive ? ", greater than 0" : ", not negative");
    }
    return ALISA_OK;
}

static AlisaStatus read_text(const json_t *root, const char *name, const char *origin, char *text,
                             size_t capacity, AlisaError *error) {
    const char *value = json_string_value(json_object_get(root, name));
    if (!value || !*value || strlen(value) >= capacity) {
        return alisa_error_set(error, ALISA_ERROR_FORMAT,
                               "%s: \"%s\" must be a text of 1 to %zu bytes", origin, name,
                               capacity - 1);
    }
    memcpy(text, value, strlen(value) + 1);
    return ALISA_OK;
}

static AlisaStatus refuse_unknown(json_t *root, const char *origin, AlisaError *error) {
    const char *name;
    json_t *value;
    json_object_foreach(root, name, value) {
        bool known = strcmp(name, "name") == 0 || strcmp(name, "device") == 0;
        for (size_t i = 0; i < FIGURE_COUNT && !known; i++) {
            known = strcmp(name, figures[i].name) == 0;
        }
        if (!known) {
            return alisa_error_set(error, ALISA_ERROR_FORMAT, "%s: the figure \"%s\" is unknown",
                                   origin, name);
        }
    }
    return ALISA_OK;
}

AlisaStatus alisa_sched_profile_parse(const char *text, size_t size, const char *origin,
                                      AlisaSchedProfile *profile, AlisaError *error) {
    *profile = (AlisaSchedProfile){0};
    json_error_t reason;
    json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &reason);
    if (!root) {
        return alisa_error_set(error, ALISA_ERROR_FORMAT, "%s: not JSON: line %d: %s", origin,
                               reason.line, reason.text);
    }
    AlisaStatus status = ALISA_OK;
    if (!json_is_object(root)) {
        status = alisa_error_set(error, ALISA_ERROR_FORMAT, "%s: not a JSON object", origin);
    }
    if (status == ALISA_OK) status = refuse_unknown(root, origin, error);
    if (status == ALISA_OK) {
        status = read_text(root, "name", origin, profile->name, sizeof profile->name, error);
    }
    if (status == ALISA_OK) {
        status = read_text(root, "device", origin, profile->device, sizeof profile->device, error);
    }
    for (size_t i = 0; i < FIGURE_COUNT && status == ALISA_OK; i++) {
        status = read_figure(root, &figures[i], origin, profile, error);
    }
    json_decref(root);
    return status;
}

static json_t *curve_json(const AlisaSchedCurve *curve) {
    json_t *points = json_array();
    for (uint32_t i = 0; points && i < curve->count; i++)
        json_array_append_new(points, json_pack("[f, f]", curve->sizes[i], curve->rates[i]));
    return points;
}

static json_t *value_json(const Figure *figure, const AlisaSchedProfile *profile) {
    const void *field = (const char *)profile + figure->field;
    switch (figure->kind) {
    case FIGURE_SIZE:
        return json_integer((json_int_t) * (const uint64_t *)field);
    case FIGURE_NUMBER:
        return json_real(*(const double *)field);
    case FIGURE_CURVE:
        return curve_json(field);
    default:
        return json_boolean(*(const bool *)field);
    }
}

AlisaStatus alisa_sched_profile_write(const AlisaSchedProfile *profile, const char *source,
                                      const char *path, AlisaError *error) {
    json_t *root = json_pack("{s:s, s:s}", "name", profile->name, "device", profile->device);
    for (size_t i = 0; root && i < FIGURE_COUNT; i++)
        json_object_set_new(
            root, figures[i].name,
            json_pack("{s:o, s:s}", "value", value_json(&figures[i], profile), "source", source));
    char *text = root ? json_dumps(root, JSON_INDENT(2)) : NULL;
    json_decref(root);
    if (!text)
        return alisa_error_set(error, ALISA_ERROR_MEMORY, "cannot write the profile of %s as JSON",
                               profile->name);
    AlisaStatus status = alisa_disk_write_atomic(path, text, strlen(text), error);
    free(text);
    return status;
}

/* ---- Published ----------------------------------------------------------------------------- */

static size_t base_length(const char *file) {
    return strlen(file) - strlen(".json");
}

bool alisa_sched_profile_name(size_t index, char name[64]) {
    if (index >= alisa_sched_file_count) return false;
    const char *file = alisa_sched_files[index].name;
    snprintf(name, 64, "%.*s", (int)base_length(file), file);
    return true;
}

static AlisaStatus refuse_name(const char *name, AlisaError *error) {
    char list[512] = "", published[64];
    size_t used = 0;
    for (size_t i = 0; alisa_sched_profile_name(i, published) && used < sizeof list; i++) {
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", published);
    }
    return alisa_error_set(error, ALISA_ERROR_ARGUMENT,
                           "there is no device profile '%s': give a JSON file or one of %s", name,
                           list);
}

AlisaStatus alisa_sched_profile_find(const char *name, AlisaSchedProfile *profile,
                                     AlisaError *error) {
    char published[64];
    for (size_t i = 0; alisa_sched_profile_name(i, published); i++) {
        if (strcasecmp(name, published) != 0) continue;
        const AlisaEmbeddedFile *file = &alisa_sched_files[i];
        return alisa_sched_profile_parse(file->text, file->size, file->name, profile, error);
    }
    if (!strchr(name, '/') && !strchr(name, '.')) return refuse_name(name, error);
    uint8_t *data = NULL;
    size_t size = 0;
    AlisaStatus status = alisa_disk_read(name, &data, &size, error);
    if (status == ALISA_OK) {
        status = alisa_sched_profile_parse((const char *)data, size, name, profile, error);
    }
    free(data);
    return status;
}
