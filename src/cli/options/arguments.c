#include "options/arguments.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define VARIABLE_PREFIX "ALISA_"

enum { NAME_SIZE = 64, CANDIDATES = 128 };

static bool refuse(char *message, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool refuse(char *message, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, ARGUMENT_MESSAGE_SIZE, format, arguments);
    va_end(arguments);
    return false;
}

/* ---- Suggestions -------------------------------------------------------------------------- */

/* Edit distance with transpositions (optimal string alignment), letters compared without case. */
static size_t edit_distance(const char *a, const char *b) {
    enum { LIMIT = NAME_SIZE };
    size_t rows[3][LIMIT + 1];
    size_t *before = rows[0], *above = rows[1], *row = rows[2];
    size_t length_a = strlen(a), length_b = strlen(b);
    if (length_a > LIMIT || length_b > LIMIT) return SIZE_MAX;

    for (size_t j = 0; j <= length_b; j++)
        row[j] = j;
    for (size_t i = 1; i <= length_a; i++) {
        size_t *recycled = before;
        before = above;
        above = row;
        row = recycled;
        row[0] = i;
        for (size_t j = 1; j <= length_b; j++) {
            int x = tolower((unsigned char)a[i - 1]), y = tolower((unsigned char)b[j - 1]);
            size_t best = above[j - 1] + (x != y);
            if (above[j] + 1 < best) best = above[j] + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            bool swapped = i > 1 && j > 1 && x == tolower((unsigned char)b[j - 2]) &&
                           y == tolower((unsigned char)a[i - 2]);
            if (swapped && before[j - 2] + 1 < best) best = before[j - 2] + 1;
            row[j] = best;
        }
    }
    return row[length_b];
}

const char *alisa_cli_arguments_nearest(const char *word, const char *const *candidates) {
    const char *nearest = NULL;
    size_t limit = strlen(word) / 3 + 1, best = limit + 1;
    for (; *candidates; candidates++) {
        size_t distance = edit_distance(word, *candidates);
        if (distance >= best) continue;
        best = distance;
        nearest = *candidates;
    }
    return nearest;
}

/* ---- Values ------------------------------------------------------------------------------- */

static bool check_range(const Option *option, const char *source, const char *text, double value,
                        char *message) {
    if (option->least == 0 && option->most == 0) return true;
    if (value >= option->least && value <= option->most) return true;
    return refuse(message, "%s: %s is out of range (%.10g to %.10g)", source, text, option->least,
                  option->most);
}

static bool parse_integer(const Option *option, const char *source, const char *text,
                          int64_t *value, char *message) {
    char *end;
    errno = 0;
    long long parsed = strtoll(text, &end, 10);
    if (end == text || *end || isspace((unsigned char)*text)) {
        return refuse(message, "%s: '%s' is not a whole number", source, text);
    }
    if (errno == ERANGE) return refuse(message, "%s: %s is out of range", source, text);
    *value = parsed;
    return check_range(option, source, text, (double)parsed, message);
}

static bool parse_real(const Option *option, const char *source, const char *text, double *value,
                       char *message) {
    char *end;
    double parsed = strtod(text, &end);
    if (end == text || *end || isspace((unsigned char)*text) || !isfinite(parsed)) {
        return refuse(message, "%s: '%s' is not a number", source, text);
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
    if (!valid) return refuse(message, "%s: '%s' is not a size such as 512M or 6G", source, text);
    if (number > 0x1p62) return refuse(message, "%s: %s is out of range", source, text);
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
    return refuse(message, "%s: '%s' is not one of %s", source, text, names);
}

static bool parse_budget(const char *source, const char *text, MemoryBudget *budget,
                         char *message) {
    *budget = (MemoryBudget){0};
    if (strncmp(text, "kv:", 3) != 0) return parse_size(source, text, &budget->bytes, message);
    char *end;
    double share = strtod(text + 3, &end);
    if (end == text + 3 || *end || !(share > 0.0 && share <= 1.0)) {
        return refuse(message, "%s: '%s' is not a share of the KV such as kv:0.33", source, text);
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
        return refuse(message, "%s: '%s' is not a positive number", source, text);
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
            return refuse(message, "%s: '%s' is not a list of whole numbers", source, text);
        }
        memcpy(item, rest, length);
        item[length] = 0;
        if (list->count == INTEGER_LIST_CAPACITY) {
            return refuse(message, "%s: more than %d numbers", source, INTEGER_LIST_CAPACITY);
        }
        int64_t *slot = &list->values[list->count++];
        if (!parse_integer(option, source, item, slot, message)) return false;
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
    return refuse(message, "%s: '%s' is neither 1 nor 0", source, text);
}

static bool store(const Option *option, const char *source, const char *text, void *settings,
                  char *message) {
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
    case OPTION_OUTPUT:
        return parse_output(option, source, text, field, message);
    case OPTION_STRING:
        *(const char **)field = text;
        return true;
    }
    return false;
}

/* ---- Environment -------------------------------------------------------------------------- */

void alisa_cli_arguments_variable(const Option *option, char *name, size_t capacity) {
    snprintf(name, capacity, "%s%s", VARIABLE_PREFIX, option->name + strlen("--"));
    for (; *name; name++)
        *name = *name == '-' ? '_' : (char)toupper((unsigned char)*name);
}

static bool is_other_variable(const ArgumentTable *table, const char *name) {
    for (const char *const *known = table->variables; *known; known++) {
        size_t length = strlen(*known);
        bool prefix = (*known)[length - 1] == '*';
        if (prefix ? strncmp(name, *known, length - 1) == 0 : strcmp(name, *known) == 0) {
            return true;
        }
    }
    return false;
}

static bool refuse_variable(const ArgumentTable *table, const char *name, char *message) {
    const char *candidates[CANDIDATES];
    char names[CANDIDATES][NAME_SIZE];
    size_t count = 0;
    for (const Option *option = table->options; option->name && count + 1 < CANDIDATES; option++) {
        if (option->kind == OPTION_REQUEST) continue;
        alisa_cli_arguments_variable(option, names[count], NAME_SIZE);
        candidates[count] = names[count];
        count++;
    }
    for (const char *const *known = table->variables; *known && count + 1 < CANDIDATES; known++) {
        candidates[count++] = *known;
    }
    candidates[count] = NULL;
    const char *nearest = alisa_cli_arguments_nearest(name, candidates);
    if (!nearest) return refuse(message, "the environment variable %s is unknown", name);
    return refuse(message, "the environment variable %s is unknown; did you mean %s?", name,
                  nearest);
}

static bool apply_environment(const ArgumentTable *table, const ArgumentRequest *request,
                              void *settings, char *message) {
    for (const char *const *entry = request->environment; *entry; entry++) {
        if (strncmp(*entry, VARIABLE_PREFIX, strlen(VARIABLE_PREFIX)) != 0) continue;
        char name[NAME_SIZE];
        size_t length = strcspn(*entry, "=");
        snprintf(name, sizeof name, "%.*s", (int)length, *entry);
        bool known = is_other_variable(table, name);
        for (const Option *option = table->options; option->name; option++) {
            char variable[NAME_SIZE];
            if (option->kind == OPTION_REQUEST) continue;
            alisa_cli_arguments_variable(option, variable, sizeof variable);
            if (strcmp(variable, name) != 0) continue;
            known = true;
            bool empty = (*entry)[length] == 0 || (*entry)[length + 1] == 0;
            if (empty || !(option->commands & request->command)) continue;
            if (!store(option, name, *entry + length + 1, settings, message)) return false;
        }
        if (!known) return refuse_variable(table, name, message);
    }
    return true;
}

/* ---- Words -------------------------------------------------------------------------------- */

static bool is_spelled(const Option *option, const char *word, size_t length) {
    const char *spellings[] = {option->name, option->alias};
    for (size_t i = 0; i < 2; i++) {
        const char *spelling = spellings[i];
        if (spelling && strlen(spelling) == length && strncmp(spelling, word, length) == 0) {
            return true;
        }
    }
    return false;
}

static const Option *find_option(const ArgumentTable *table, uint32_t commands, const char *word,
                                 size_t length) {
    for (const Option *option = table->options; option->name; option++) {
        if ((option->commands & commands) && is_spelled(option, word, length)) return option;
    }
    return NULL;
}

static bool refuse_word(const ArgumentTable *table, const ArgumentRequest *request,
                        const char *word, size_t length, char *message) {
    if (find_option(table, UINT32_MAX, word, length)) {
        return refuse(message, "'alisa %s' has no flag %.*s; 'alisa %s --help' lists its flags",
                      request->command_name, (int)length, word, request->command_name);
    }
    const char *candidates[CANDIDATES];
    size_t count = 0;
    for (const Option *option = table->options; option->name && count + 2 < CANDIDATES; option++) {
        if (!(option->commands & request->command)) continue;
        candidates[count++] = option->name;
        if (option->alias) candidates[count++] = option->alias;
    }
    candidates[count] = NULL;
    char flag[NAME_SIZE];
    snprintf(flag, sizeof flag, "%.*s", (int)length, word);
    const char *nearest = alisa_cli_arguments_nearest(flag, candidates);
    if (nearest) {
        return refuse(message, "the flag %s is unknown; did you mean %s?", flag, nearest);
    }
    return refuse(message, "the flag %s is unknown; 'alisa %s --help' lists the flags", flag,
                  request->command_name);
}

bool alisa_cli_arguments_any_number(const char *operand_name) {
    size_t length = strlen(operand_name), dots = strlen("...");
    return length > dots && strcmp(operand_name + length - dots, "...") == 0;
}

static bool add_operand(const ArgumentRequest *request, const char *word, const char **operands,
                        char *message) {
    if (!request->operand_name) {
        return refuse(message, "'alisa %s' does not take the word '%s'", request->command_name,
                      word);
    }
    size_t count = 0;
    while (operands[count])
        count++;
    if (count > 0 && !alisa_cli_arguments_any_number(request->operand_name)) {
        return refuse(message, "'alisa %s' takes one %s, but both '%s' and '%s' were given",
                      request->command_name, request->operand_name, operands[0], word);
    }
    if (count == OPERAND_CAPACITY) {
        return refuse(message, "'alisa %s' takes at most %d words", request->command_name,
                      OPERAND_CAPACITY);
    }
    operands[count] = word;
    operands[count + 1] = NULL;
    return true;
}

static bool apply_words(const ArgumentTable *table, const ArgumentRequest *request, void *settings,
                        const char **operands, char *message) {
    for (size_t i = 0; i < request->word_count; i++) {
        const char *word = request->words[i];
        if (word[0] != '-' || word[1] == 0) {
            if (!add_operand(request, word, operands, message)) return false;
            continue;
        }
        size_t length = strlen(word);
        const char *value = NULL;
        if (word[1] == '-') {
            length = strcspn(word, "=");
            if (word[length] == '=') value = word + length + 1;
        }
        const Option *option = find_option(table, request->command, word, length);
        if (!option) return refuse_word(table, request, word, length, message);

        char source[NAME_SIZE];
        snprintf(source, sizeof source, "%.*s", (int)length, word);
        if (!option->value) {
            if (value) return refuse(message, "%s takes no value", source);
            value = "1";
        } else if (!value) {
            if (i + 1 == request->word_count) {
                return refuse(message, "%s needs a value (%s)", source, option->value);
            }
            value = request->words[++i];
        }
        if (!store(option, source, value, settings, message)) return false;
        if (option->kind == OPTION_REQUEST) break;
    }
    return true;
}

bool alisa_cli_arguments_parse(const ArgumentTable *table, const ArgumentRequest *request,
                               void *settings, const char *operands[OPERAND_CAPACITY + 1],
                               char message[ARGUMENT_MESSAGE_SIZE]) {
    operands[0] = NULL;
    for (const Option *option = table->options; option->name; option++) {
        if (!(option->commands & request->command) || !option->initial) continue;
        if (!store(option, option->name, option->initial, settings, message)) return false;
    }
    return apply_environment(table, request, settings, message) &&
           apply_words(table, request, settings, operands, message);
}

/* ---- Help --------------------------------------------------------------------------------- */

void alisa_cli_arguments_help(const ArgumentTable *table, uint32_t command, FILE *out) {
    for (const Option *option = table->options; option->name; option++) {
        if (!(option->commands & command)) continue;
        char left[NAME_SIZE], variable[NAME_SIZE];
        snprintf(left, sizeof left, "%5s%s %s %s", option->alias ? option->alias : "",
                 option->alias ? "," : " ", option->name, option->value ? option->value : "");
        alisa_cli_arguments_variable(option, variable, sizeof variable);
        fprintf(out, "%-34s %s", left, option->help);
        if (option->choices) {
            fprintf(out, ":");
            for (const Choice *choice = option->choices; choice->name; choice++) {
                fprintf(out, " %s", choice->name);
            }
        }
        if (option->initial) fprintf(out, " (default: %s)", option->initial);
        if (option->kind != OPTION_REQUEST) fprintf(out, " [%s]", variable);
        fprintf(out, "\n");
    }
}
