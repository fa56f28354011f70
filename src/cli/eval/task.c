#include "eval/task.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A question as a row states it. The strings belong to the row or to `owned`. */
typedef struct Question {
    const char *text;
    const char *choices[TASK_CHOICES];
    size_t choice_count;
    int64_t gold;
    char *owned;
} Question;

/* How context and continuations are made of it: lm-evaluation-harness' templates. */
typedef enum Style {
    STYLE_PLAIN,    /* "question" + " choice" */
    STYLE_QUESTION, /* "Question: question\nAnswer:" + " choice" */
    STYLE_CAUSE,    /* "premise because" or "therefore" + " choice" in lower case */
    STYLE_BLANK,    /* "sentence up to its _" with each choice + the rest of it */
} Style;

typedef struct Form {
    const char *name;
    Style style;
    const char *question;   /* field; a dot enters an object */
    const char *choices[3]; /* fields that are one choice each, or one that is a list of them */
    const char *gold;
    const char *labels; /* list in which the gold value is looked up; NULL: it is a number */
    int64_t first;      /* the number of the first choice */
} Form;

static const Form forms[] = {
    {"plain", STYLE_PLAIN, "query", {"choices"}, "gold", NULL, 0},
    {"piqa", STYLE_QUESTION, "goal", {"sol1", "sol2"}, "label", NULL, 0},
    {"winogrande", STYLE_BLANK, "sentence", {"option1", "option2"}, "answer", NULL, 1},
    {"copa", STYLE_CAUSE, "premise", {"choice1", "choice2"}, "label", NULL, 0},
    {"openbookqa", STYLE_PLAIN, "question_stem", {"choices.text"}, "answerKey", "choices.label", 0},
    {"arc", STYLE_QUESTION, "question", {"choices.text"}, "answerKey", "choices.label", 0},
};

enum { FORM_COUNT = sizeof forms / sizeof forms[0] };

/* Data sets reworded as an instruction that spells its choices out ("Solution1: ... Solution2:
 * ...") and an answer ("solution2"): what the word says of the form. */
static const struct {
    const char *word, *form;
} reworded[] = {{"solution", "piqa"}, {"option", "winogrande"}, {"answer", "openbookqa"}, {0}};

static bool refuse(char *message, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool refuse(char *message, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, TASK_MESSAGE_SIZE, format, arguments);
    va_end(arguments);
    return false;
}

/* ---- Fields ------------------------------------------------------------------------------- */

/* "choices.text" of a row. */
static const json_t *field(const json_t *row, const char *path) {
    for (const char *name = path;;) {
        size_t length = strcspn(name, ".");
        char key[32];
        snprintf(key, sizeof key, "%.*s", (int)length, name);
        row = json_object_get(row, key);
        if (!row || name[length] == 0) return row;
        name += length + 1;
    }
}

static const char *string_field(const json_t *row, const char *path) {
    const char *text = json_string_value(field(row, path));
    return text && text[0] ? text : NULL;
}

static bool is_in_form(const json_t *row, const Form *form) {
    return field(row, form->question) && field(row, form->choices[0]) && field(row, form->gold);
}

/* Index of the right choice: a number or its digits, or the place of a label; -1 when it is
 * neither.
 */
static int64_t read_gold(const json_t *row, const Form *form) {
    const json_t *value = field(row, form->gold);
    const char *text = json_string_value(value);
    if (form->labels) {
        const json_t *labels = field(row, form->labels);
        for (size_t i = 0; text && i < json_array_size(labels); i++) {
            const char *label = json_string_value(json_array_get(labels, i));
            if (label && strcmp(label, text) == 0) return (int64_t)i;
        }
        return -1;
    }
    if (json_is_integer(value)) return json_integer_value(value) - form->first;
    char *end;
    long long number = text ? strtoll(text, &end, 10) : 0;
    return text && end != text && *end == 0 ? number - form->first : -1;
}

static bool read_fields(const json_t *row, const Form *form, Question *question, char *message) {
    question->text = string_field(row, form->question);
    if (!question->text) return refuse(message, "it has no text \"%s\"", form->question);
    const json_t *list = field(row, form->choices[0]);
    bool listed = json_is_array(list);
    size_t count = json_array_size(list);
    for (count = listed ? count : 0; !listed && form->choices[count]; count++)
        continue;
    if (count < 2 || count > TASK_CHOICES) {
        return refuse(message, "it has %zu choices; 2 to %d can be scored", count, TASK_CHOICES);
    }
    for (size_t i = 0; i < count; i++) {
        question->choices[i] = listed ? json_string_value(json_array_get(list, i))
                                      : json_string_value(field(row, form->choices[i]));
    }
    question->choice_count = count;
    question->gold = read_gold(row, form);
    return true;
}

/* ---- Reworded rows ------------------------------------------------------------------------ */

/* Cuts blanks off both ends of a text that may be changed. */
static char *trim(char *text) {
    while (isspace((unsigned char)*text))
        text++;
    size_t size = strlen(text);
    while (size > 0 && isspace((unsigned char)text[size - 1]))
        size--;
    text[size] = 0;
    return text;
}

static const char *reworded_form(const json_t *row) {
    const char *answer = json_string_value(json_object_get(row, "answer"));
    if (!answer || !json_is_string(json_object_get(row, "instruction"))) return NULL;
    for (size_t i = 0; reworded[i].word; i++) {
        size_t length = strlen(reworded[i].word);
        if (strncmp(answer, reworded[i].word, length) == 0) return reworded[i].form;
    }
    return NULL;
}

/* "Please ...: QUESTION Solution1: CHOICE Solution2: CHOICE Answer format: ..." */
static bool read_reworded(const json_t *row, Question *question, char *message) {
    const char *instruction = json_string_value(json_object_get(row, "instruction"));
    const char *answer = json_string_value(json_object_get(row, "answer"));
    if (!instruction || !answer) return refuse(message, "it has no instruction and answer");
    size_t length = strcspn(answer, "0123456789");
    char *end, *text = strdup(instruction);
    if (!text) return refuse(message, "out of host memory");
    question->owned = text;
    question->gold = strtoll(answer + length, &end, 10) - 1;

    char *preamble = strstr(text, ": "), *format = strstr(text, "Answer format:");
    if (format) *format = 0;
    if (!preamble) return refuse(message, "its instruction has no question");
    char *rest = preamble + 2;
    question->text = rest;
    for (;;) {
        char marker[32];
        snprintf(marker, sizeof marker, "%c%.*s%zu:", toupper((unsigned char)answer[0]),
                 (int)length - 1, answer + 1, question->choice_count + 1);
        char *found = strstr(rest, marker);
        if (!found) break;
        *found = 0;
        rest = found + strlen(marker);
        if (question->choice_count == TASK_CHOICES) break;
        question->choices[question->choice_count++] = rest;
    }
    if (question->choice_count < 2) return refuse(message, "its instruction has no choices");
    question->text = trim(preamble + 2);
    for (size_t i = 0; i < question->choice_count; i++) {
        question->choices[i] = trim((char *)question->choices[i]);
    }
    return true;
}

/* ---- Items -------------------------------------------------------------------------------- */

static bool append(Text *text, const char *bytes) {
    return alisa_cli_text_append(text, bytes, strlen(bytes));
}

static size_t count_characters(const char *text) {
    size_t count = 0;
    for (; *text; text++) {
        count += ((unsigned char)*text & 0xc0) != 0x80; /* not a continuation byte of UTF-8 */
    }
    return count;
}

static bool fill_blank(TaskItem *item, size_t i, const Question *question, const char *blank) {
    return alisa_cli_text_append(&item->contexts[i], question->text,
                                 (size_t)(blank - question->text)) &&
           append(&item->contexts[i], question->choices[i]) &&
           append(&item->continuations[i], blank + 1);
}

/* The premise without its full stop, and the word that leads to the choice. */
static bool lead(Text *context, const Question *question, const char *word) {
    size_t size = strlen(question->text);
    if (question->text[size - 1] == '.') size--;
    return alisa_cli_text_append(context, question->text, size) && append(context, word);
}

static bool answer(TaskItem *item, size_t i, const Question *question, Style style,
                   const char *word) {
    Text *context = &item->contexts[i], *continuation = &item->continuations[i];
    const char *choice = question->choices[i];
    if (style == STYLE_CAUSE) {
        char first[2] = {(char)tolower((unsigned char)choice[0]), 0};
        return lead(context, question, word) && append(continuation, " ") &&
               append(continuation, first) && append(continuation, choice + 1);
    }
    bool question_style = style == STYLE_QUESTION;
    const char *separator = isspace((unsigned char)choice[0]) ? "" : " ";
    return append(context, question_style ? "Question: " : "") && append(context, question->text) &&
           append(context, question_style ? "\nAnswer:" : "") && append(continuation, separator) &&
           append(continuation, choice);
}

static bool make_item(TaskItem *item, const json_t *row, const Question *question, Style style,
                      char *message) {
    if (question->gold < 0 || question->gold >= (int64_t)question->choice_count) {
        return refuse(message, "it does not say which of its %zu choices is right",
                      question->choice_count);
    }
    item->choice_count = question->choice_count;
    item->gold = (size_t)question->gold;
    const char *blank = strchr(question->text, '_'), *word = NULL;
    if (style == STYLE_BLANK && (!blank || !blank[1])) {
        return refuse(message, "it has no _ with words after it");
    }
    if (style == STYLE_CAUSE) {
        const char *asked = json_string_value(json_object_get(row, "question"));
        if (asked && strcmp(asked, "cause") == 0) word = " because";
        if (asked && strcmp(asked, "effect") == 0) word = " therefore";
        if (!word) return refuse(message, "its \"question\" is neither cause nor effect");
    }
    for (size_t i = 0; i < item->choice_count; i++) {
        const char *choice = question->choices[i];
        if (!choice || !choice[0]) return refuse(message, "its choice %zu is no text", i + 1);
        item->characters[i] = count_characters(choice);
        bool good = style == STYLE_BLANK ? fill_blank(item, i, question, blank)
                                         : answer(item, i, question, style, word);
        if (!good) return refuse(message, "out of host memory");
    }
    return true;
}

static const Form *find_form(const json_t *row, bool *is_reworded) {
    const char *name = reworded_form(row);
    *is_reworded = name != NULL;
    for (size_t i = 0; i < FORM_COUNT; i++) {
        if (name ? strcmp(name, forms[i].name) == 0 : is_in_form(row, &forms[i])) return &forms[i];
    }
    return NULL;
}

bool alisa_cli_task_read(const json_t *rows, Task *task, char message[TASK_MESSAGE_SIZE]) {
    *task = (Task){0};
    bool is_reworded;
    const Form *form = find_form(json_array_get(rows, 0), &is_reworded);
    if (!form) {
        return refuse(message, "the fields of the first item are those of no known form; a plain "
                               "one is {\"query\": TEXT, \"choices\": [TEXT, ...], \"gold\": N}");
    }
    task->form = form->name;
    task->items = calloc(json_array_size(rows), sizeof *task->items);
    if (!task->items) return refuse(message, "out of host memory");
    for (; task->count < json_array_size(rows); task->count++) {
        const json_t *row = json_array_get(rows, task->count);
        Question question = {0};
        char reason[TASK_MESSAGE_SIZE / 2];
        bool good = is_reworded ? read_reworded(row, &question, reason)
                                : read_fields(row, form, &question, reason);
        if (good) {
            good = make_item(&task->items[task->count], row, &question, form->style, reason);
        }
        free(question.owned);
        if (good) continue;
        refuse(message, "item %zu cannot be used: %s", task->count + 1, reason);
        task->count++; /* so that it is freed as well */
        return false;
    }
    return true;
}

void alisa_cli_task_free(Task *task) {
    for (size_t i = 0; i < task->count; i++) {
        for (size_t j = 0; j < TASK_CHOICES; j++) {
            alisa_cli_text_free(&task->items[i].contexts[j]);
            alisa_cli_text_free(&task->items[i].continuations[j]);
        }
    }
    free(task->items);
    *task = (Task){0};
}

/* ---- Examples ----------------------------------------------------------------------------- */

/* SplitMix64 (Steele, Lea and Flood, 2014). */
static uint64_t next_random(uint64_t *state) {
    uint64_t value = *state += 0x9e3779b97f4a7c15u;
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9u;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebu;
    return value ^ (value >> 31);
}

bool alisa_cli_task_shots(const Task *task, size_t item, size_t shots, uint64_t seed, Text *text) {
    size_t *taken = calloc(shots + 1, sizeof *taken), count = 0;
    if (!taken) return false;
    uint64_t state = seed * 0x100000001b3u + item; /* an item's examples do not depend on --limit */
    bool good = true;
    while (count < shots && good) {
        size_t drawn = (size_t)(next_random(&state) % task->count), known = 0;
        while (known < count && taken[known] != drawn)
            known++;
        if (drawn == item || known < count) continue;
        taken[count++] = drawn;
        const TaskItem *example = &task->items[drawn];
        good = append(text, example->contexts[example->gold].data) &&
               append(text, example->continuations[example->gold].data) && append(text, "\n\n");
    }
    free(taken);
    return good;
}
