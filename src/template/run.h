/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The interpreter: what its files share. evaluate.c computes expressions, execute.c carries out
 * statements, call.c hands arguments over; what there is to call stands in the tables of filters.c,
 * tests.c, methods.c and globals.c.
 */
#ifndef ALISA_TEMPLATE_RUN_H
#define ALISA_TEMPLATE_RUN_H

#include "template/node.h"
#include "template/print.h"

/* ---- Variables ---------------------------------------------------------------------------- */

typedef struct AlisaBinding AlisaBinding;

struct AlisaBinding {
    AlisaText name;
    AlisaValue value;
    AlisaBinding *next;
};

/* The variables of a loop's pass, a macro's call or another block; the outermost are the template's
 * own. */
typedef struct AlisaScope AlisaScope;

struct AlisaScope {
    AlisaScope *around; /* NULL: the outermost */
    AlisaBinding *bindings;
};

typedef struct AlisaRun {
    AlisaArena *arena;
    AlisaScope *scope;
    AlisaBuilder *out; /* what is printed goes here */
    int64_t now;       /* seconds since 1970, for strftime_now */
} AlisaRun;

/* ---- Calls -------------------------------------------------------------------------------- */

enum { ALISA_MOST_PARAMETERS = 5 };

/* The arguments of a call, as they were written. */
typedef struct AlisaArguments {
    AlisaValue *values;
    size_t count;
    AlisaPair *named; /* keys are texts */
    size_t named_count;
} AlisaArguments;

typedef struct AlisaCall {
    AlisaRun *run;
    AlisaArena *arena;
    AlisaValue self; /* the object of a method, the input of a filter or test */
    /* By the entry's parameters; NULL where absent, and where there are no parameters. */
    const AlisaValue *given[ALISA_MOST_PARAMETERS];
    AlisaArguments arguments;
} AlisaCall;

/* A method, filter, test or global function. An array of them ends with a NULL name. */
struct AlisaEntry {
    const char *name;
    AlisaValue (*call)(AlisaCall *call);
    const char *parameters; /* names with blanks between; NULL: `arguments` is read instead */
    unsigned required;      /* number of parameters that must be given */
};

/* What can be called: an entry bound to an object, or a macro. */
struct AlisaFunction {
    const AlisaEntry *entry; /* NULL: a macro */
    AlisaValue self;
    const AlisaNode *macro;
    AlisaScope *scope; /* where the macro was defined */
};

extern const AlisaEntry alisa_filters[], alisa_tests[], alisa_globals[];

/* NULL when there is no entry of that name. */
const AlisaEntry *alisa_entry_find(const AlisaEntry *entries, AlisaText name);
AlisaText alisa_function_name(const AlisaFunction *function);
AlisaValue alisa_function_make(AlisaArena *arena, const AlisaEntry *entry, AlisaValue self);

AlisaValue alisa_call_entry(AlisaRun *run, const AlisaEntry *entry, AlisaValue self,
                            const AlisaArguments *arguments);
AlisaValue alisa_call_value(AlisaRun *run, AlisaValue function, const AlisaArguments *arguments);
/* Evaluates the arguments of a call, filter or test. */
AlisaArguments alisa_call_arguments(AlisaRun *run, const AlisaNode *items);

/* Arguments by their types; `fallback` where absent. They fail for a value of another type. */
int64_t alisa_call_integer(AlisaCall *call, unsigned index, int64_t fallback);
bool alisa_call_flag(AlisaCall *call, unsigned index, bool fallback);
AlisaText alisa_call_text(AlisaCall *call, unsigned index, const char *fallback);
/* NULL where absent or None. */
const AlisaValue *alisa_call_given(AlisaCall *call, unsigned index);

/* ---- Evaluation --------------------------------------------------------------------------- */

AlisaValue alisa_evaluate(AlisaRun *run, const AlisaNode *node);
AlisaValue alisa_evaluate_arithmetic(AlisaRun *run, AlisaText operator, AlisaValue left,
                                     AlisaValue right);
bool alisa_evaluate_contains(AlisaRun *run, AlisaValue container, AlisaValue item);
/* What "list" filters print. A NULL filter input is `input`. */
AlisaValue alisa_evaluate_filters(AlisaRun *run, const AlisaNode *filters, AlisaValue input);

/* object.name and object[key]: undefined where there is none. */
AlisaValue alisa_attribute_get(AlisaRun *run, AlisaValue object, AlisaText name);
AlisaValue alisa_attribute_item(AlisaRun *run, AlisaValue object, AlisaValue key);
/* By a path: "function.name", or a number. */
AlisaValue alisa_attribute_path(AlisaRun *run, AlisaValue object, AlisaValue path);
/* The methods of a value's type; NULL: it has none. */
const AlisaEntry *alisa_methods_of(AlisaValue object);
/* An attribute that is no method: of loops and namespaces. NULL when there is none. */
const AlisaValue *alisa_loop_attribute(AlisaRun *run, AlisaLoop *loop, AlisaText name);
extern const AlisaEntry alisa_loop_methods[];

/* text % values */
AlisaText alisa_format_percent(AlisaRun *run, AlisaText format, AlisaValue values);
/* text.format(..) */
AlisaText alisa_format_braces(AlisaCall *call, AlisaText format);

/* Sorts items by the keys beside them, in place; items of equal keys keep their order. */
void alisa_sort_by_keys(AlisaArena *arena, AlisaValue *items, AlisaValue *keys, size_t count,
                        bool descending);
/* The pairs of a dict in the order of their keys. */
const AlisaPair *alisa_sort_pairs(AlisaArena *arena, const AlisaDict *dict);

/* ---- Statements --------------------------------------------------------------------------- */

void alisa_execute(AlisaRun *run, const AlisaNode *statements);
/* What the body of a macro prints, called with these arguments. */
AlisaValue alisa_execute_macro(AlisaRun *run, const AlisaFunction *macro,
                               const AlisaArguments *arguments);

/* NULL when no scope has the variable. */
AlisaValue *alisa_scope_find(AlisaRun *run, AlisaText name);
/* Sets it in the innermost scope. */
void alisa_scope_set(AlisaRun *run, AlisaText name, AlisaValue value);

#endif
