/* SPDX-License-Identifier: Apache-2.0 */
#include "options/values.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool alisa_cli_argument_refuse(char message[ARGUMENT_MESSAGE_SIZE], const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, ARGUMENT_MESSAGE_SIZE, format, arguments);
    va_end(arguments);
    return false;
}

static bool check_range(const Option *option, const char *source, const char *text, double value,
                        char *message) {
    if (option->least == 0 && option->most == 0) return true;
    if (value >= option->least && value <= option->most) return true;
    return alisa_cli_argument_refuse(message, "%s: %s is out of range (%.10g to %.10g)", source,
                                     text, option->least, option->most);
}

static bool parse_integer(const Option *option, const char *source, const char *text,
                          int64_t *value, char *message) {
    char *end;
    errno = 0;
    long long parsed = strtoll(text, &end, 10);
    if (end == text || *end || isspace((unsigned char)*text)) {
        return alisa_cli_argument_refuse(message, "%s: '%s' is not a whole number", source, text);
    }
    if (errno == ERANGE)
        return alisa_cli_argument_refuse(message, "%s: %s is out of range", source, text);
    *value = parsed;
    return check_range(option, source, text, (double)parsed, message);
}

static bool parse_real(const Option *option, const char *source, const char *text, double *value,
                       char *message) {
    char *end;
    double parsed = strtod(text, &end);
    if (end == text || *end || isspace((unsigned char)*text) || !isfinite(parsed)) {
        return alisa_cli_argument_refuse(message, "%s: '%s' is not a number", source, text);
    }
    *value = parsed;
    return check_range(option, source, text, parsed, message);
}

static bool parse_size(const char *source, const char *text, uint64_t *value, char *message) {
    static const char units[] = "KMGT";
    char *end;
    double number = strtod(text, &end);
    /* No sign, exponent or hexadecimal: only what looks like a size. */
    bool valid = isdigit((unsigned char)*text) && end == text + strspn(text, "0123456789.");
    if (valid && *end) {
        const char *unit = strchr(units, toupper((unsigned char)*end));
        if (unit) {
            number *= pow(1024.0, (double)(unit - units + 1));
            end++;
        }
        valid = unit && (*end == 0 || strcasecmp(end, "B") == 0 || strcasecmp(end, "iB") == 0);
    }
    if (!valid)
        return alisa_cli_argument_refuse(message, "%s: '%s' is not a size such as 512M or 6G",
                                         source, text);
    if (number > 0x1p62)
        return alisa_cli_argument_refuse(message, "%s: %s is out of range", source, text);
    *value = (uint64_t)number;
    return true;
}

static bool parse_choice(const Option *option, const char *source, const char *text, int *value,
                         char *message) {
    char names[256] = "";
    for (const Choice *choice = option->choices; choice->name; choice++) {
        if (strcmp(choice->name, text) == 0) {
            *value = choice->value;
            return true;
        }
        size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "", choice->name);
    }
    return alisa_cli_argument_refuse(message, "%s: '%s' is not one of %s", source, text, names);
}

static bool parse_budget(const char *source, const char *text, MemoryBudget *budget,
                         char *message) {
    *budget = (MemoryBudget){0};
    if (strncmp(text, "kv:", 3) != 0) return parse_size(source, text, &budget->bytes, message);
    char *end;
    double share = strtod(text + 3, &end);
    if (end == text + 3 || *end || !(share > 0.0 && share <= 1.0)) {
        return alisa_cli_argument_refuse(
            message, "%s: '%s' is not a share of the KV such as kv:0.33", source, text);
    }
    budget->kv_share = share;
    return true;
}

static bool parse_rate(const Option *option, const char *source, const char *text, NamedRate *rate,
                       char *message) {
    *rate = (NamedRate){0};
    char *end;
    double number = strtod(text, &end);
    if (end == text) return parse_choice(option, source, text, &rate->choice, message);
    if (*end || !isfinite(number) || number <= 0.0) {
        return alisa_cli_argument_refuse(message, "%s: '%s' is not a positive number", source,
                                         text);
    }
    rate->rate = number;
    return true;
}

static bool parse_output(const Option *option, const char *source, const char *text,
                         OutputTarget *target, char *message) {
    *target = (OutputTarget){0};
    if (!strpbrk(text, "./")) return parse_choice(option, source, text, &target->format, message);
    target->file = text;
    return true;
}

static bool parse_integers(const Option *option, const char *source, const char *text,
                           IntegerList *list, char *message) {
    list->count = 0;
    for (const char *rest = text;;) {
        char item[32];
        size_t length = strcspn(rest, ",");
        if (length >= sizeof item) {
            return alisa_cli_argument_refuse(message, "%s: '%s' is not a list of whole numbers",
                                             source, text);
        }
        memcpy(item, rest, length);
        item[length] = 0;
        if (list->count == INTEGER_LIST_CAPACITY) {
            return alisa_cli_argument_refuse(message, "%s: more than %d numbers", source,
                                             INTEGER_LIST_CAPACITY);
        }
        int64_t *slot = &list->values[list->count++];
        if (!parse_integer(option, source, item, slot, message)) return false;
        if (rest[length] == 0) return true;
        rest += length + 1;
    }
}

static bool parse_place(const char *source, const char *item, size_t length, TensorPlace *place,
                        char *message) {
    static const struct {
        const char *name;
        bool on_host;
    } names[] = {{"host", true}, {"CPU", true}, {"device", false}};
    size_t at = length;
    while (at > 0 && item[at - 1] != '=')
        at--;
    if (at < 2)
        return alisa_cli_argument_refuse(
            message, "%s: '%.*s' is not a pattern and a place, such as ffn_.*_exps=host", source,
            (int)length, item);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strlen(names[i].name) != length - at ||
            strncmp(names[i].name, item + at, length - at) != 0)
            continue;
        *place = (TensorPlace){item, at - 1, names[i].on_host};
        return true;
    }
    return alisa_cli_argument_refuse(
        message,
        "%s: '%.*s' is not a place of tensors: they are on the host (host) or on the "
        "device (device)",
        source, (int)(length - at), item + at);
}

/* A comma ends an item where it stands behind a place: patterns may have commas of their own. */
static bool parse_places(const char *source, const char *text, TensorPlaces *places,
                         char *message) {
    bool by_flag = source[0] == '-';
    if (by_flag != places->by_flag) *places = (TensorPlaces){.by_flag = by_flag};
    for (const char *rest = text;;) {
        size_t length = strcspn(rest, "=");
        length += strcspn(rest + length, ",");
        if (places->count == TENSOR_PLACE_CAPACITY)
            return alisa_cli_argument_refuse(message, "%s: more than %d patterns", source,
                                             TENSOR_PLACE_CAPACITY);
        if (!parse_place(source, rest, length, &places->items[places->count++], message))
            return false;
        if (rest[length] == 0) return true;
        rest += length + 1;
    }
}

/* A flag is switched by its presence; in the environment it needs a word. */
static bool parse_flag(const char *source, const char *text, bool *value, char *message) {
    static const struct {
        const char *word;
        bool value;
    } words[] = {{"1", true},  {"true", true},   {"yes", true}, {"on", true},
                 {"0", false}, {"false", false}, {"no", false}, {"off", false}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcasecmp(words[i].word, text) != 0) continue;
        *value = words[i].value;
        return true;
    }
    return alisa_cli_argument_refuse(message, "%s: '%s' is neither 1 nor 0", source, text);
}

bool alisa_cli_value_store(const Option *option, const char *source, const char *text,
                           void *settings, char message[ARGUMENT_MESSAGE_SIZE]) {
    void *field = (char *)settings + option->field;
    switch (option->kind) {
    case OPTION_FLAG:
    case OPTION_REQUEST:
        return parse_flag(source, text, field, message);
    case OPTION_INTEGER:
        return parse_integer(option, source, text, field, message);
    case OPTION_REAL:
        return parse_real(option, source, text, field, message);
    case OPTION_SIZE:
        return parse_size(source, text, field, message);
    case OPTION_CHOICE:
        return parse_choice(option, source, text, field, message);
    case OPTION_INTEGERS:
        return parse_integers(option, source, text, field, message);
    case OPTION_BUDGET:
        return parse_budget(source, text, field, message);
    case OPTION_RATE:
        return parse_rate(option, source, text, field, message);
    case OPTION_PLACES:
        return parse_places(source, text, field, message);
    case OPTION_OUTPUT:
        return parse_output(option, source, text, field, message);
    case OPTION_STRING:
        *(const char **)field = text;
        return true;
    }
    return false;
}
