/* SPDX-License-Identifier: Apache-2.0 */
#include "options/arguments.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VARIABLE_PREFIX "ALISA_"

enum { NAME_SIZE = 64, CANDIDATES = 128 };

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

/* Whether one of two words is the beginning of the other, by three letters at least: --temp and
 * --temperature. */
static bool begins_alike(const char *a, const char *b) {
    enum { LEAST = sizeof "--ctx" - 1 };
    size_t length_a = strlen(a), length_b = strlen(b);
    size_t shorter = length_a < length_b ? length_a : length_b;
    return shorter >= LEAST && strncmp(a, b, shorter) == 0;
}

const char *alisa_cli_arguments_nearest(const char *word, const char *const *candidates) {
    const char *nearest = NULL;
    size_t limit = strlen(word) / 3 + 1, best = limit + 1;
    for (; *candidates; candidates++) {
        size_t distance = begins_alike(word, *candidates) ? 0 : edit_distance(word, *candidates);
        if (distance >= best) continue;
        best = distance;
        nearest = *candidates;
    }
    return nearest;
}

/* ---- Environment -------------------------------------------------------------------------- */

void alisa_cli_arguments_variable(const Option *option, char *name, size_t capacity) {
    snprintf(name, capacity, "%s%s", VARIABLE_PREFIX, option->name + strlen("--"));
    for (; *name; name++)
        *name = *name == '-' ? '_' : (char)toupper((unsigned char)*name);
}

static bool is_other_variable(const ArgumentTable *table, const char *name) {
    for (const EnvironmentVariable *known = table->variables; known->name; known++) {
        size_t length = strlen(known->name);
        bool prefix = known->name[length - 1] == '*';
        if (prefix ? strncmp(name, known->name, length - 1) == 0 : strcmp(name, known->name) == 0) {
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
    for (const EnvironmentVariable *known = table->variables; known->name && count + 1 < CANDIDATES;
         known++) {
        candidates[count++] = known->name;
    }
    candidates[count] = NULL;
    const char *nearest = alisa_cli_arguments_nearest(name, candidates);
    if (!nearest)
        return alisa_cli_argument_refuse(message, "the environment variable %s is unknown", name);
    return alisa_cli_argument_refuse(
        message, "the environment variable %s is unknown; did you mean %s?", name, nearest);
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
            if (!alisa_cli_value_store(option, name, *entry + length + 1, settings, message))
                return false;
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
        return alisa_cli_argument_refuse(
            message, "'alisa %s' has no flag %.*s; 'alisa %s --help' lists its flags",
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
        return alisa_cli_argument_refuse(message, "the flag %s is unknown; did you mean %s?", flag,
                                         nearest);
    }
    return alisa_cli_argument_refuse(message,
                                     "the flag %s is unknown; 'alisa %s --help' lists the flags",
                                     flag, request->command_name);
}

bool alisa_cli_arguments_any_number(const char *operand_name) {
    size_t length = strlen(operand_name), dots = strlen("...");
    return length > dots && strcmp(operand_name + length - dots, "...") == 0;
}

static bool add_operand(const ArgumentRequest *request, const char *word, const char **operands,
                        char *message) {
    if (!request->operand_name) {
        return alisa_cli_argument_refuse(
            message, "'alisa %s' does not take the word '%s'; 'alisa %s --help' lists its flags",
            request->command_name, word, request->command_name);
    }
    size_t count = 0;
    while (operands[count])
        count++;
    if (count > 0 && !alisa_cli_arguments_any_number(request->operand_name)) {
        return alisa_cli_argument_refuse(
            message, "'alisa %s' takes one %s, but both '%s' and '%s' were given",
            request->command_name, request->operand_name, operands[0], word);
    }
    if (count == OPERAND_CAPACITY) {
        return alisa_cli_argument_refuse(message, "'alisa %s' takes at most %d words",
                                         request->command_name, OPERAND_CAPACITY);
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
            if (value) return alisa_cli_argument_refuse(message, "%s takes no value", source);
            value = "1";
        } else if (!value) {
            if (i + 1 == request->word_count) {
                return alisa_cli_argument_refuse(message, "%s needs a value (%s)", source,
                                                 option->value);
            }
            value = request->words[++i];
        }
        if (!alisa_cli_value_store(option, source, value, settings, message)) return false;
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
        if (!alisa_cli_value_store(option, option->name, option->initial, settings, message))
            return false;
    }
    return apply_environment(table, request, settings, message) &&
           apply_words(table, request, settings, operands, message);
}
