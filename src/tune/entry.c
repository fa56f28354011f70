/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An entry as JSON text.
 */
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tune/store.h"

#define FORMAT  "alisa-tuning"
#define VERSION 1

/* ---- The fields, one row each -------------------------------------------------------------- */

typedef enum FieldKind {
    FIELD_TEXT,
    FIELD_COUNT,
    FIELD_TYPE,
    FIELD_MATCH,
    FIELD_FIGURE,
    FIELD_RATES
} FieldKind;

typedef struct Field {
    const char *section;
    const char *name;
    FieldKind kind;
    bool required;
    size_t offset;
    size_t size;
    double unit; /* of figures, in SI */
} Field;

#define FIELD(section, name, kind, required, member, unit)                                         \
    {                                                                                              \
        section, name, kind, required, offsetof(AlisaTuneEntry, member),                           \
            sizeof(((AlisaTuneEntry *)0)->member), unit                                            \
    }
#define KEY(name, kind, required)  FIELD("key", #name, kind, required, key.name, 0)
#define MADE(name, required)       FIELD("made", #name, FIELD_TEXT, required, name, 0)
#define FIGURE(name, member, unit) FIELD("profile", name, FIELD_FIGURE, false, profile.member, unit)
#define RATES(name, member)        FIELD("profile", name, FIELD_RATES, false, profile.member, 1e9)

static const Field fields[] = {
    KEY(vendor_id, FIELD_COUNT, true),
    KEY(vendor, FIELD_TEXT, false),
    KEY(platform, FIELD_TEXT, false),
    KEY(device, FIELD_TEXT, true),
    KEY(board, FIELD_TEXT, false),
    KEY(architecture, FIELD_TEXT, false),
    KEY(compute_units, FIELD_COUNT, true),
    KEY(driver, FIELD_TEXT, true),
    KEY(type, FIELD_TYPE, true),
    KEY(kernels, FIELD_TEXT, true),
    FIELD("key", "serves", FIELD_MATCH, false, serves, 0),
    MADE(date, true),
    MADE(version, false),
    MADE(effort, false),
    FIGURE("read_bandwidth_gb_per_s", read_bandwidth, 1e9),
    FIGURE("launch_latency_us", launch_latency, 1e-6),
    FIGURE("launch_wait_us", launch_wait, 1e-6),
    FIGURE("copy_latency_us", copy_latency, 1e-6),
    RATES("pinned_to_device_gb_per_s", pinned.to_device),
    RATES("pinned_to_host_gb_per_s", pinned.to_host),
    RATES("plain_to_device_gb_per_s", plain.to_device),
    RATES("plain_to_host_gb_per_s", plain.to_host),
    FIGURE("copy_overlap", copy_overlap, 1),
    FIGURE("host_gather_gb_per_s", host_gather, 1e9),
};

enum { FIELD_ROWS = sizeof fields / sizeof *fields };

static const char *const sections[] = {"key", "made", "profile"};
static const char *const roots[] = {"format", "version", "key", "made", "profile", "parameters"};

static const char *const type_words[] = {
    [ALISA_DEVICE_GPU] = "gpu",
    [ALISA_DEVICE_ACCELERATOR] = "accelerator",
    [ALISA_DEVICE_CPU] = "cpu",
    [ALISA_DEVICE_OTHER] = "other",
};

static const char *const match_words[] = {
    [ALISA_TUNING_TYPE] = "type",
    [ALISA_TUNING_VENDOR] = "vendor",
    [ALISA_TUNING_ARCHITECTURE] = "architecture",
    [ALISA_TUNING_STALE] = "device",
};

static const char *const wanted[] = {
    [FIELD_TEXT] = "a text that is not too long",
    [FIELD_COUNT] = "a whole number of 32 bits",
    [FIELD_TYPE] = "\"gpu\", \"accelerator\", \"cpu\" or \"other\"",
    [FIELD_MATCH] = "\"type\", \"vendor\", \"architecture\" or \"device\"",
    [FIELD_FIGURE] = "a number, not negative",
    [FIELD_RATES] = "a list of 6 numbers, not negative",
};

#define LENGTH(array) (sizeof(array) / sizeof *(array))

/* ---- Reading ------------------------------------------------------------------------------- */

static bool read_text(const json_t *value, char *text, size_t capacity) {
    const char *words = json_string_value(value);
    if (!words || strlen(words) >= capacity) return false;
    memcpy(text, words, strlen(words) + 1);
    return true;
}

static bool read_count(const json_t *value, uint32_t *count) {
    json_int_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < 0 || number > UINT32_MAX) return false;
    *count = (uint32_t)number;
    return true;
}

/* Index of a word; `count` where it is none of them, some of which are NULL. */
static size_t find_word(const json_t *value, const char *const *words, size_t count) {
    const char *word = json_string_value(value);
    size_t i = 0;
    while (i < count && !(word && words[i] && strcmp(word, words[i]) == 0))
        i++;
    return i;
}

static bool read_type(const json_t *value, AlisaDeviceType *type) {
    *type = (AlisaDeviceType)find_word(value, type_words, LENGTH(type_words));
    return (size_t)*type < LENGTH(type_words);
}

static bool read_match(const json_t *value, AlisaTuningMatch *match) {
    *match = (AlisaTuningMatch)find_word(value, match_words, LENGTH(match_words));
    return (size_t)*match < LENGTH(match_words);
}

static bool read_figure(const json_t *value, double unit, double *figure) {
    *figure = json_number_value(value) * unit;
    return json_is_number(value) && isfinite(*figure) && *figure >= 0;
}

static bool read_rates(const json_t *value, double unit, double *rates) {
    if (json_array_size(value) != ALISA_PROBE_SIZES) return false;
    for (size_t i = 0; i < ALISA_PROBE_SIZES; i++) {
        if (!read_figure(json_array_get(value, i), unit, &rates[i])) return false;
    }
    return true;
}

static bool read_value(const Field *field, const json_t *value, AlisaTuneEntry *entry) {
    void *member = (char *)entry + field->offset;
    switch (field->kind) {
    case FIELD_TEXT:
        return read_text(value, member, field->size);
    case FIELD_COUNT:
        return read_count(value, member);
    case FIELD_TYPE:
        return read_type(value, member);
    case FIELD_MATCH:
        return read_match(value, member);
    case FIELD_FIGURE:
        return read_figure(value, field->unit, member);
    default:
        return read_rates(value, field->unit, member);
    }
}

static AlisaStatus read_fields(const json_t *root, const char *origin, AlisaTuneEntry *entry,
                               AlisaError *error) {
    for (size_t i = 0; i < FIELD_ROWS; i++) {
        const Field *field = &fields[i];
        const json_t *section = json_object_get(root, field->section);
        if (section && !json_is_object(section)) {
            return alisa_error_set(error, ALISA_ERROR_FORMAT, "%s: \"%s\" must be an object",
                                   origin, field->section);
        }
        const json_t *value = json_object_get(section, field->name);
        if (!value && !field->required) continue;
        if (!value || !read_value(field, value, entry)) {
            return alisa_error_set(
                error, ALISA_ERROR_FORMAT, "%s: \"%s.%s\" %s %s", origin, field->section,
                field->name, value ? "must be" : "is missing: it must be", wanted[field->kind]);
        }
    }
    return ALISA_OK;
}

/* Dates are compared as texts, so that they must begin alike: "2026-01-31". */
static bool date_is_good(const char *date) {
    static const char form[] = "0000-00-00";
    for (size_t i = 0; form[i]; i++) {
        bool digit = date[i] >= '0' && date[i] <= '9';
        if (form[i] == '0' ? !digit : date[i] != form[i]) return false;
    }
    return true;
}

/* NULL, or the name of what is no family of integers and words. */
static const char *find_bad_parameter(json_t *parameters) {
    const char *family, *name;
    json_t *values, *value;
    json_object_foreach(parameters, family, values) {
        if (!json_is_object(values)) return family;
        json_object_foreach(values, name, value) {
            if (!json_is_integer(value) && !json_is_string(value)) return family;
        }
    }
    return NULL;
}

static AlisaStatus read_parameters(const json_t *root, const char *origin, AlisaTuneEntry *entry,
                                   AlisaError *error) {
    json_t *parameters = json_object_get(root, "parameters");
    if (!json_is_object(parameters)) {
        return alisa_error_set(error, ALISA_ERROR_FORMAT,
                               "%s: \"parameters\" must be an object of families", origin);
    }
    const char *bad = find_bad_parameter(parameters);
    if (bad) {
        return alisa_error_set(error, ALISA_ERROR_FORMAT,
                               "%s: the parameters of \"%s\" must be an object of whole numbers "
                               "and words",
                               origin, bad);
    }
    entry->parameters = json_incref(parameters);
    return ALISA_OK;
}

static AlisaStatus check_format(const json_t *root, const char *origin, AlisaError *error) {
    const char *format = json_string_value(json_object_get(root, "format"));
    const json_t *version = json_object_get(root, "version");
    if (!format || strcmp(format, FORMAT) != 0) {
        return alisa_error_set(error, ALISA_ERROR_FORMAT,
                               "%s: not tuned parameters: the \"format\" is not \"%s\"", origin,
                               FORMAT);
    }
    if (!json_is_integer(version) || json_integer_value(version) < 1) {
        return alisa_error_set(error, ALISA_ERROR_FORMAT, "%s: \"version\" must be %d", origin,
                               VERSION);
    }
    if (json_integer_value(version) > VERSION) {
        return alisa_error_set(error, ALISA_ERROR_FORMAT,
                               "%s: version %" JSON_INTEGER_FORMAT " of the format is of a newer "
                               "ALISA-CL; this one reads version %d",
                               origin, json_integer_value(version), VERSION);
    }
    return ALISA_OK;
}

static bool is_known(const char *section, const char *name) {
    for (size_t i = 0; i < FIELD_ROWS; i++) {
        if (strcmp(fields[i].section, section) == 0 && strcmp(fields[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static void warn_unknown(json_t *root, const char *origin, const AlisaLog *log) {
    const char *name;
    json_t *value;
    json_object_foreach(root, name, value) {
        bool known = false;
        for (size_t i = 0; i < LENGTH(roots); i++)
            known |= strcmp(name, roots[i]) == 0;
        if (known) continue;
        alisa_log_write(log, ALISA_LOG_WARNING, "%s: \"%s\" is unknown and ignored", origin, name);
    }
    for (size_t i = 0; i < LENGTH(sections); i++) {
        json_object_foreach(json_object_get(root, sections[i]), name, value) {
            if (is_known(sections[i], name)) continue;
            alisa_log_write(log, ALISA_LOG_WARNING, "%s: \"%s.%s\" is unknown and ignored", origin,
                            sections[i], name);
        }
    }
}

AlisaStatus alisa_tuner_entry_parse(const char *text, size_t size, const char *origin,
                                    const AlisaLog *log, AlisaTuneEntry *entry, AlisaError *error) {
    *entry = (AlisaTuneEntry){0};
    json_error_t reason;
    json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &reason);
    if (!root) {
        return alisa_error_set(error, ALISA_ERROR_FORMAT, "%s: not JSON: line %d: %s", origin,
                               reason.line, reason.text);
    }
    AlisaStatus status = check_format(root, origin, error);
    if (status == ALISA_OK) status = read_fields(root, origin, entry, error);
    if (status == ALISA_OK && !date_is_good(entry->date)) {
        status = alisa_error_set(error, ALISA_ERROR_FORMAT,
                                 "%s: \"made.date\" must begin like 2026-01-31", origin);
    }
    if (status == ALISA_OK) status = read_parameters(root, origin, entry, error);
    if (status == ALISA_OK) {
        warn_unknown(root, origin, log);
    } else {
        *entry = (AlisaTuneEntry){0};
    }
    json_decref(root);
    return status;
}

/* ---- Making -------------------------------------------------------------------------------- */

AlisaStatus alisa_tuner_entry_init(AlisaTuneEntry *entry, const AlisaTuneKey *key,
                                   const char *effort, AlisaError *error) {
    /* What suits the registers of one vendor's devices spills in those of another's. */
    *entry =
        (AlisaTuneEntry){.key = *key, .serves = ALISA_TUNING_VENDOR, .parameters = json_object()};
    if (!entry->parameters) {
        return alisa_error_set(error, ALISA_ERROR_MEMORY, "tuned parameters: no host memory");
    }
    struct tm parts;
    time_t now = time(NULL);
    if (gmtime_r(&now, &parts)) {
        strftime(entry->date, sizeof entry->date, "%Y-%m-%dT%H:%M:%SZ", &parts);
    }
    snprintf(entry->version, sizeof entry->version, "%s", ALISA_VERSION);
    snprintf(entry->effort, sizeof entry->effort, "%s", effort);
    return ALISA_OK;
}

void alisa_tuner_entry_finish(AlisaTuneEntry *entry) {
    json_decref(entry->parameters);
    *entry = (AlisaTuneEntry){0};
}

static json_t *make_rates(const double *rates, double unit) {
    json_t *list = json_array();
    for (size_t i = 0; i < ALISA_PROBE_SIZES; i++)
        json_array_append_new(list, json_real(rates[i] / unit));
    return list;
}

/* NULL for an optional text that is empty, and an entry that serves any device. */
static json_t *make_value(const Field *field, const AlisaTuneEntry *entry) {
    const void *member = (const char *)entry + field->offset;
    const char *word;
    switch (field->kind) {
    case FIELD_TEXT:
        return field->required || *(const char *)member ? json_string(member) : NULL;
    case FIELD_COUNT:
        return json_integer(*(const uint32_t *)member);
    case FIELD_TYPE:
        return json_string(type_words[*(const AlisaDeviceType *)member]);
    case FIELD_MATCH:
        word = match_words[*(const AlisaTuningMatch *)member];
        return word ? json_string(word) : NULL;
    case FIELD_FIGURE:
        return json_real(*(const double *)member / field->unit);
    default:
        return make_rates(member, field->unit);
    }
}

static json_t *make_section(const char *section, const AlisaTuneEntry *entry) {
    json_t *made = json_object();
    for (size_t i = 0; i < FIELD_ROWS; i++) {
        if (strcmp(fields[i].section, section) != 0) continue;
        json_t *value = make_value(&fields[i], entry);
        if (value) json_object_set_new(made, fields[i].name, value);
    }
    return made;
}

char *alisa_tuner_entry_format(const AlisaTuneEntry *entry, AlisaError *error) {
    const char *bad = find_bad_parameter(entry->parameters);
    if (bad) {
        alisa_error_set(error, ALISA_ERROR_ARGUMENT,
                        "the parameters of \"%s\" are not whole numbers and words", bad);
        return NULL;
    }
    bool measured = entry->profile.read_bandwidth > 0;
    json_t *root = json_pack("{s:s, s:i, s:o, s:o}", "format", FORMAT, "version", VERSION, "key",
                             make_section("key", entry), "made", make_section("made", entry));
    if (measured) json_object_set_new(root, "profile", make_section("profile", entry));
    json_object_set(root, "parameters", entry->parameters);
    char *text = json_dumps(root, JSON_INDENT(2) | JSON_REAL_PRECISION(6));
    json_decref(root);
    size_t length = text ? strlen(text) : 0;
    char *line = text ? realloc(text, length + 2) : NULL;
    if (!line) {
        free(text);
        alisa_error_set(error, ALISA_ERROR_MEMORY, "tuned parameters: no host memory");
        return NULL;
    }
    memcpy(line + length, "\n", 2);
    return line;
}
