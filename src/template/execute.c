/* SPDX-License-Identifier: Apache-2.0 */
#include "template/run.h"

/* What a statement does to those after it. */
typedef enum Flow { FLOW_ON, FLOW_BREAK, FLOW_CONTINUE } Flow;

/* `loop` inside a for loop. */
struct AlisaLoop {
    const AlisaList *items;
    size_t index;       /* of the pass, from 0 */
    AlisaList *changed; /* what loop.changed was last asked about; NULL: nothing yet */
    AlisaValue answer;  /* the attribute that was asked for last */
};

static Flow execute_body(AlisaRun *run, const AlisaNode *statements);

/* ---- Variables ---------------------------------------------------------------------------- */

static AlisaValue *find_in(AlisaRun *run, const AlisaScope *scope, AlisaText name) {
    for (AlisaBinding *binding = scope->bindings; binding; binding = binding->next) {
        alisa_arena_pay_bytes(run->arena, 16);
        if (alisa_text_equal(binding->name, name)) return &binding->value;
    }
    return NULL;
}

AlisaValue *alisa_scope_find(AlisaRun *run, AlisaText name) {
    for (const AlisaScope *scope = run->scope; scope; scope = scope->around) {
        AlisaValue *found = find_in(run, scope, name);
        if (found) return found;
    }
    return NULL;
}

void alisa_scope_set(AlisaRun *run, AlisaText name, AlisaValue value) {
    AlisaValue *found = find_in(run, run->scope, name);
    if (found) {
        *found = value;
        return;
    }
    AlisaBinding *binding = alisa_arena_take(run->arena, 1, sizeof *binding);
    *binding = (AlisaBinding){name, value, run->scope->bindings};
    run->scope->bindings = binding;
}

/* The scope that was innermost before, for leave_scope. */
static AlisaScope *enter_scope(AlisaRun *run, AlisaScope *around) {
    AlisaScope *before = run->scope, *scope = alisa_arena_take(run->arena, 1, sizeof *scope);
    scope->around = around;
    run->scope = scope;
    return before;
}

/* What the statements print, in a scope of their own. */
static AlisaText capture(AlisaRun *run, const AlisaNode *body) {
    AlisaBuilder builder = {.arena = run->arena}, *out = run->out;
    AlisaScope *before = enter_scope(run, run->scope);
    run->out = &builder;
    execute_body(run, body);
    run->out = out;
    run->scope = before;
    return alisa_builder_text(&builder);
}

static void assign(AlisaRun *run, const AlisaNode *target, AlisaValue value) {
    run->arena->at = target->at;
    if (target->kind == ALISA_NODE_NAME) {
        alisa_scope_set(run, target->text, value);
    } else if (target->kind == ALISA_NODE_ATTRIBUTE) {
        AlisaValue object = alisa_evaluate(run, target->one);
        if (object.kind != ALISA_VALUE_NAMESPACE) {
            alisa_arena_fail(run->arena, "only a namespace has attributes that can be set");
        }
        alisa_dict_set(run->arena, object.dict, alisa_value_text(target->text), value);
    } else {
        alisa_value_require(run->arena, value);
        const AlisaList *items = alisa_value_items(run->arena, value);
        size_t count = 0;
        for (const AlisaNode *item = target->items; item; item = item->next)
            count++;
        if (count != items->count) {
            alisa_arena_fail(run->arena, "%zu values for %zu names", items->count, count);
        }
        count = 0;
        for (const AlisaNode *item = target->items; item; item = item->next)
            assign(run, item, items->items[count++]);
    }
}

/* ---- Loops -------------------------------------------------------------------------------- */

static AlisaValue neighbour(const AlisaLoop *loop, bool next) {
    size_t index = next ? loop->index + 1 : loop->index - 1;
    if (index < loop->items->count) return loop->items->items[index];
    return alisa_value_undefined(alisa_text_of(next ? "nextitem" : "previtem"), ALISA_VALUE_LOOP);
}

const AlisaValue *alisa_loop_attribute(AlisaRun *run, AlisaLoop *loop, AlisaText name) {
    int64_t index = (int64_t)loop->index, count = (int64_t)loop->items->count;
    const struct {
        const char *name;
        AlisaValue value;
    } attributes[] = {
        {"index", alisa_value_integer(index + 1)},
        {"index0", alisa_value_integer(index)},
        {"revindex", alisa_value_integer(count - index)},
        {"revindex0", alisa_value_integer(count - index - 1)},
        {"first", alisa_value_boolean(index == 0)},
        {"last", alisa_value_boolean(index + 1 == count)},
        {"length", alisa_value_integer(count)},
        {"depth", alisa_value_integer(1)},
        {"depth0", alisa_value_integer(0)},
        {"previtem", neighbour(loop, false)},
        {"nextitem", neighbour(loop, true)},
    };
    alisa_arena_pay(run->arena, 1);
    for (size_t i = 0; i < sizeof attributes / sizeof attributes[0]; i++) {
        if (!alisa_text_is(name, attributes[i].name)) continue;
        loop->answer = attributes[i].value;
        return &loop->answer;
    }
    return NULL;
}

static AlisaValue loop_cycle(AlisaCall *call) {
    if (!call->arguments.count) alisa_arena_fail(call->arena, "cycle needs values");
    return call->arguments.values[call->self.loop->index % call->arguments.count];
}

static AlisaValue loop_changed(AlisaCall *call) {
    AlisaLoop *loop = call->self.loop;
    AlisaValue now = alisa_value_list(call->arena, ALISA_LIST_TUPLE, call->arguments.count);
    for (size_t i = 0; i < call->arguments.count; i++)
        alisa_list_push(call->arena, now.list, call->arguments.values[i]);
    AlisaValue before = {.kind = ALISA_VALUE_LIST, .list = loop->changed};
    bool changed = !loop->changed || !alisa_value_equal(call->arena, before, now);
    loop->changed = now.list;
    return alisa_value_boolean(changed);
}

const AlisaEntry alisa_loop_methods[] = {
    {"cycle", loop_cycle, NULL, 0},
    {"changed", loop_changed, NULL, 0},
    {0},
};

/* The items of which the loop's condition holds. */
static const AlisaList *filter_items(AlisaRun *run, const AlisaNode *node, const AlisaList *items) {
    AlisaList *kept = alisa_value_list(run->arena, ALISA_LIST_LIST, 0).list;
    for (size_t i = 0; i < items->count; i++) {
        AlisaScope *before = enter_scope(run, run->scope);
        assign(run, node->one, items->items[i]);
        if (alisa_value_is_true(alisa_evaluate(run, node->three))) {
            alisa_list_push(run->arena, kept, items->items[i]);
        }
        run->scope = before;
    }
    return kept;
}

static Flow execute_for(AlisaRun *run, const AlisaNode *node) {
    AlisaValue list = alisa_evaluate(run, node->two);
    run->arena->at = node->at;
    const AlisaList *items = alisa_value_items(run->arena, list);
    if (node->three) items = filter_items(run, node, items);
    AlisaLoop *loop = alisa_arena_take(run->arena, 1, sizeof *loop);
    loop->items = items;
    Flow flow = FLOW_ON;
    for (; loop->index < items->count && flow != FLOW_BREAK; loop->index++) {
        AlisaScope *before = enter_scope(run, run->scope);
        assign(run, node->one, items->items[loop->index]);
        alisa_scope_set(run, alisa_text_of("loop"),
                        (AlisaValue){.kind = ALISA_VALUE_LOOP, .loop = loop});
        flow = execute_body(run, node->body);
        run->scope = before;
    }
    if (items->count == 0 && node->other) {
        AlisaScope *before = enter_scope(run, run->scope);
        flow = execute_body(run, node->other);
        run->scope = before;
        return flow; /* a break there leaves the loop around */
    }
    return FLOW_ON;
}

/* ---- Macros ------------------------------------------------------------------------------- */

static const AlisaValue *take_named(const AlisaArguments *arguments, bool *used, AlisaText name) {
    for (size_t i = 0; i < arguments->named_count; i++) {
        const AlisaPair *pair = &arguments->named[i];
        if (!alisa_text_equal(pair->key.text, name)) continue;
        used[i] = true;
        return &pair->value;
    }
    return NULL;
}

/* Sets the macro's parameters from the arguments, and what is left of these. */
static void bind_parameters(AlisaRun *run, const AlisaNode *macro,
                            const AlisaArguments *arguments) {
    AlisaArena *arena = run->arena;
    bool *used = alisa_arena_take(arena, arguments->named_count, sizeof *used);
    size_t index = 0;
    for (const AlisaNode *item = macro->items; item; item = item->next, index++) {
        const AlisaValue *given = take_named(arguments, used, item->text);
        if (index < arguments->count) {
            if (given) alisa_arena_fail(arena, "a macro is given an argument twice");
            given = &arguments->values[index];
        }
        AlisaValue value = alisa_value_undefined(item->text, ALISA_VALUE_UNDEFINED);
        if (given) {
            value = *given;
        } else if (item->one) {
            value = alisa_evaluate(run, item->one);
        }
        alisa_scope_set(run, item->text, value);
    }
    AlisaValue rest = alisa_value_list(arena, ALISA_LIST_TUPLE, 0);
    for (; arguments->values && index < arguments->count; index++)
        alisa_list_push(arena, rest.list, arguments->values[index]);
    if (macro->macro & ALISA_MACRO_CALLER) {
        AlisaText name = alisa_text_of("caller");
        const AlisaValue *given = take_named(arguments, used, name);
        alisa_scope_set(run, name,
                        given ? *given : alisa_value_undefined(name, ALISA_VALUE_UNDEFINED));
    }
    AlisaValue named = alisa_value_dict(arena, ALISA_VALUE_DICT);
    for (size_t i = 0; i < arguments->named_count; i++) {
        if (used[i]) continue;
        alisa_dict_set(arena, named.dict, arguments->named[i].key, arguments->named[i].value);
    }
    if (macro->macro & ALISA_MACRO_VARARGS) {
        alisa_scope_set(run, alisa_text_of("varargs"), rest);
    } else if (rest.list->count) {
        alisa_arena_fail(arena, "the macro '%.*s' is given too many arguments",
                         (int)macro->text.length, macro->text.bytes);
    }
    if (macro->macro & ALISA_MACRO_KWARGS) {
        alisa_scope_set(run, alisa_text_of("kwargs"), named);
    } else if (named.dict->count) {
        alisa_arena_fail(arena, "the macro '%.*s' has no parameter of a name that it is given",
                         (int)macro->text.length, macro->text.bytes);
    }
}

AlisaValue alisa_execute_macro(AlisaRun *run, const AlisaFunction *macro,
                               const AlisaArguments *arguments) {
    AlisaScope *before = enter_scope(run, macro->scope);
    bind_parameters(run, macro->macro, arguments);
    AlisaText text = capture(run, macro->macro->body);
    run->scope = before;
    return alisa_value_text(text);
}

static AlisaValue make_macro(AlisaRun *run, const AlisaNode *node) {
    AlisaFunction *function = alisa_arena_take(run->arena, 1, sizeof *function);
    function->macro = node;
    function->scope = run->scope;
    return (AlisaValue){.kind = ALISA_VALUE_FUNCTION, .function = function};
}

static void execute_call_block(AlisaRun *run, const AlisaNode *node) {
    const AlisaNode *call = node->one;
    AlisaValue function = alisa_evaluate(run, call->one);
    AlisaArguments arguments = alisa_call_arguments(run, call->items);
    AlisaPair *named = alisa_arena_take(run->arena, arguments.named_count + 1, sizeof *named);
    for (size_t i = 0; i < arguments.named_count; i++)
        named[i] = arguments.named[i];
    named[arguments.named_count++] =
        (AlisaPair){alisa_value_words("caller"), make_macro(run, node->two)};
    arguments.named = named;
    run->arena->at = node->at;
    alisa_print_value(run->out, alisa_call_value(run, function, &arguments));
}

/* ---- Statements --------------------------------------------------------------------------- */

static void execute_with(AlisaRun *run, const AlisaNode *node, Flow *flow) {
    AlisaScope *around = run->scope, *before = enter_scope(run, around), *inside = run->scope;
    for (const AlisaNode *target = node->items; target; target = target->next->next) {
        run->scope = around; /* the values see nothing of each other */
        AlisaValue value = alisa_evaluate(run, target->next);
        run->scope = inside;
        assign(run, target, value);
    }
    *flow = execute_body(run, node->body);
    run->scope = before;
}

static Flow execute_statement(AlisaRun *run, const AlisaNode *node) {
    Flow flow = FLOW_ON;
    AlisaText text;
    switch (node->kind) {
    case ALISA_NODE_DATA:
        alisa_builder_add(run->out, node->value.text);
        break;
    case ALISA_NODE_PRINT:
        alisa_print_value(run->out, alisa_evaluate(run, node->one));
        break;
    case ALISA_NODE_IF:
        return execute_body(run, alisa_value_is_true(alisa_evaluate(run, node->one)) ? node->body
                                                                                     : node->other);
    case ALISA_NODE_FOR:
        return execute_for(run, node);
    case ALISA_NODE_SET:
        assign(run, node->one, alisa_evaluate(run, node->two));
        break;
    case ALISA_NODE_SET_BLOCK:
    case ALISA_NODE_FILTER_BLOCK:
        text = capture(run, node->body);
        AlisaValue value = alisa_evaluate_filters(run, node->two, alisa_value_text(text));
        if (node->kind == ALISA_NODE_FILTER_BLOCK) {
            alisa_print_value(run->out, value);
        } else {
            assign(run, node->one, value);
        }
        break;
    case ALISA_NODE_SCOPE:
        alisa_builder_add(run->out, capture(run, node->body));
        break;
    case ALISA_NODE_WITH:
        execute_with(run, node, &flow);
        break;
    case ALISA_NODE_MACRO:
        alisa_scope_set(run, node->text, make_macro(run, node));
        break;
    case ALISA_NODE_CALL_BLOCK:
        execute_call_block(run, node);
        break;
    case ALISA_NODE_BREAK:
        return FLOW_BREAK;
    default: /* continue */
        return FLOW_CONTINUE;
    }
    return flow;
}

static Flow execute_body(AlisaRun *run, const AlisaNode *statements) {
    Flow flow = FLOW_ON;
    alisa_arena_enter(run->arena);
    for (const AlisaNode *node = statements; node && flow == FLOW_ON; node = node->next) {
        alisa_arena_pay(run->arena, 1);
        run->arena->at = node->at;
        flow = execute_statement(run, node);
    }
    alisa_arena_leave(run->arena);
    return flow;
}

void alisa_execute(AlisaRun *run, const AlisaNode *statements) {
    execute_body(run, statements);
}
