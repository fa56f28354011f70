/* SPDX-License-Identifier: Apache-2.0 */
#include "template/run.h"

#include <math.h>

/* ---- Arithmetic --------------------------------------------------------------------------- */

static _Noreturn void fail_overflow(AlisaArena *arena) {
    alisa_arena_fail(arena, "a number is larger than 64 bits hold");
}

static AlisaValue power_of_integers(AlisaArena *arena, int64_t base, int64_t exponent) {
    if (exponent < 0) {
        if (base == 0) alisa_arena_fail(arena, "division by zero");
        return alisa_value_real(pow((double)base, (double)exponent));
    }
    int64_t result = 1;
    while (exponent > 0) {
        if ((exponent & 1) && __builtin_mul_overflow(result, base, &result)) fail_overflow(arena);
        exponent >>= 1;
        if (exponent && __builtin_mul_overflow(base, base, &base)) fail_overflow(arena);
    }
    return alisa_value_integer(result);
}

/* Quotients and remainders go down, as Python's do. */
static AlisaValue divide_integers(AlisaArena *arena, bool remainder, int64_t left, int64_t right) {
    if (right == 0) alisa_arena_fail(arena, "division by zero");
    if (right == -1) {
        if (left == INT64_MIN) fail_overflow(arena);
        return alisa_value_integer(remainder ? 0 : -left);
    }
    int64_t quotient = left / right, rest = left % right;
    if (rest != 0 && (rest < 0) != (right < 0)) {
        quotient--;
        rest += right;
    }
    return alisa_value_integer(remainder ? rest : quotient);
}

static AlisaValue compute_integers(AlisaArena *arena, AlisaText operator, int64_t left,
                                   int64_t right) {
    int64_t result = 0;
    bool overflow = false;
    if (alisa_text_is(operator, "+")) {
        overflow = __builtin_add_overflow(left, right, &result);
    } else if (alisa_text_is(operator, "-")) {
        overflow = __builtin_sub_overflow(left, right, &result);
    } else if (alisa_text_is(operator, "*")) {
        overflow = __builtin_mul_overflow(left, right, &result);
    } else if (alisa_text_is(operator, "**")) {
        return power_of_integers(arena, left, right);
    } else if (alisa_text_is(operator, "/")) {
        if (right == 0) alisa_arena_fail(arena, "division by zero");
        return alisa_value_real((double)left / (double)right);
    } else {
        return divide_integers(arena, alisa_text_is(operator, "%"), left, right);
    }
    if (overflow) fail_overflow(arena);
    return alisa_value_integer(result);
}

static AlisaValue compute_reals(AlisaArena *arena, AlisaText operator, double left, double right) {
    if (alisa_text_is(operator, "+")) return alisa_value_real(left + right);
    if (alisa_text_is(operator, "-")) return alisa_value_real(left - right);
    if (alisa_text_is(operator, "*")) return alisa_value_real(left * right);
    if (alisa_text_is(operator, "**")) return alisa_value_real(pow(left, right));
    if (right == 0) alisa_arena_fail(arena, "division by zero");
    if (alisa_text_is(operator, "/")) return alisa_value_real(left / right);
    if (alisa_text_is(operator, "//")) return alisa_value_real(floor(left / right));
    double rest = fmod(left, right);
    if (rest != 0 && (rest < 0) != (right < 0)) rest += right;
    return alisa_value_real(rest);
}

/* A text or a list, several times over. */
static AlisaValue repeat(AlisaArena *arena, AlisaValue value, int64_t times) {
    if (value.kind == ALISA_VALUE_TEXT) {
        AlisaBuilder builder = {.arena = arena};
        for (int64_t i = 0; i < times && value.text.length; i++) {
            alisa_arena_pay(arena, 1);
            alisa_builder_add(&builder, value.text);
        }
        return alisa_value_text(alisa_builder_text(&builder));
    }
    AlisaValue repeated = alisa_value_list(arena, value.list->form, 0);
    for (int64_t i = 0; i < times && value.list->count; i++) {
        for (size_t j = 0; j < value.list->count; j++)
            alisa_list_push(arena, repeated.list, value.list->items[j]);
    }
    return repeated;
}

static bool is_sequence(AlisaValue value) {
    return value.kind == ALISA_VALUE_TEXT ||
           (value.kind == ALISA_VALUE_LIST && value.list->form <= ALISA_LIST_TUPLE);
}

static AlisaValue join_lists(AlisaArena *arena, const AlisaList *left, const AlisaList *right) {
    AlisaValue joined = alisa_value_list(arena, left->form, left->count + right->count);
    for (size_t i = 0; i < left->count; i++)
        alisa_list_push(arena, joined.list, left->items[i]);
    for (size_t i = 0; i < right->count; i++)
        alisa_list_push(arena, joined.list, right->items[i]);
    return joined;
}

static AlisaValue join_texts(AlisaArena *arena, AlisaValue left, AlisaValue right) {
    bool markup = left.markup || right.markup;
    if (markup && !left.markup) left.text = alisa_text_escape(arena, left.text);
    if (markup && !right.markup) right.text = alisa_text_escape(arena, right.text);
    left.text = alisa_text_join(arena, left.text, right.text);
    left.markup = markup;
    return left;
}

AlisaValue alisa_evaluate_arithmetic(AlisaRun *run, AlisaText operator, AlisaValue left,
                                     AlisaValue right) {
    AlisaArena *arena = run->arena;
    int64_t whole[2];
    double number[2];
    bool integers = alisa_value_is_integer(left, &whole[0]);
    bool times = alisa_text_is(operator, "*");
    if (times && integers && is_sequence(right)) return repeat(arena, right, whole[0]);
    bool second = alisa_value_is_integer(right, &whole[1]);
    if (times && second && is_sequence(left)) return repeat(arena, left, whole[1]);
    if (integers && second) return compute_integers(arena, operator, whole[0], whole[1]);
    if (alisa_value_is_number(left, &number[0]) && alisa_value_is_number(right, &number[1])) {
        return compute_reals(arena, operator, number[0], number[1]);
    }
    if (left.kind == ALISA_VALUE_TEXT && alisa_text_is(operator, "%")) {
        return alisa_value_text(alisa_format_percent(run, left.text, right));
    }
    if (alisa_text_is(operator, "+") && left.kind == right.kind && is_sequence(left)) {
        if (left.kind == ALISA_VALUE_TEXT) return join_texts(arena, left, right);
        if (left.list->form == right.list->form) return join_lists(arena, left.list, right.list);
    }
    alisa_value_require(arena, left);
    alisa_value_require(arena, right);
    alisa_arena_fail(arena, "%.*s cannot be done with a %s and a %s",
                     (int)operator.length, operator.bytes, alisa_value_type(left),
                     alisa_value_type(right));
}

/* ---- Comparisons -------------------------------------------------------------------------- */

bool alisa_evaluate_contains(AlisaRun *run, AlisaValue container, AlisaValue item) {
    AlisaArena *arena = run->arena;
    if (container.kind == ALISA_VALUE_DICT) {
        return alisa_dict_find(arena, container.dict, item) != NULL;
    }
    if (container.kind == ALISA_VALUE_TEXT) {
        if (item.kind != ALISA_VALUE_TEXT) {
            alisa_value_require(arena, item);
            alisa_arena_fail(arena, "a %s cannot be in a text", alisa_value_type(item));
        }
        return alisa_text_find(arena, container.text, item.text, 0) != ALISA_TEXT_NOWHERE;
    }
    const AlisaList *items = alisa_value_items(arena, container);
    for (size_t i = 0; i < items->count; i++) {
        if (alisa_value_equal(arena, items->items[i], item)) return true;
    }
    return false;
}

static bool compare(AlisaRun *run, AlisaText operator, AlisaValue left, AlisaValue right) {
    if (alisa_text_is(operator, "==")) return alisa_value_equal(run->arena, left, right);
    if (alisa_text_is(operator, "!=")) return !alisa_value_equal(run->arena, left, right);
    if (alisa_text_is(operator, "in")) return alisa_evaluate_contains(run, right, left);
    if (alisa_text_is(operator, "not in")) return !alisa_evaluate_contains(run, right, left);
    int order;
    if (!alisa_value_compare(run->arena, left, right, &order)) {
        alisa_value_require(run->arena, left);
        alisa_value_require(run->arena, right);
        alisa_arena_fail(run->arena, "a %s and a %s have no order", alisa_value_type(left),
                         alisa_value_type(right));
    }
    bool less = operator.bytes[0] == '<';
    return (order == 0 && operator.length == 2) || (less ? order < 0 : order > 0);
}

static AlisaValue evaluate_compare(AlisaRun *run, const AlisaNode *node) {
    AlisaValue left = alisa_evaluate(run, node->one);
    for (const AlisaNode *item = node->items; item; item = item->next) {
        AlisaValue right = alisa_evaluate(run, item->one);
        run->arena->at = item->at;
        if (!compare(run, item->text, left, right)) return alisa_value_boolean(false);
        left = right;
    }
    return alisa_value_boolean(true);
}

/* ---- Slices ------------------------------------------------------------------------------- */

static bool slice_bound(AlisaRun *run, const AlisaNode *node, int64_t *bound) {
    if (!node) return false;
    AlisaValue value = alisa_evaluate(run, node);
    if (value.kind == ALISA_VALUE_NONE) return false;
    if (alisa_value_is_integer(value, bound)) return true;
    alisa_value_require(run->arena, value);
    alisa_arena_fail(run->arena, "the bound of a slice is a %s", alisa_value_type(value));
}

/* A bound as a place among `count` items: from the end if negative, and within -1 (of a slice that
 * goes down) or 0 and the count. */
static int64_t clamp_bound(int64_t bound, int64_t count, bool down) {
    int64_t least = down ? -1 : 0, most = down ? count - 1 : count;
    if (bound < 0) bound = bound < -count ? least : bound + count;
    return bound < least ? least : bound > most ? most : bound;
}

static AlisaValue slice_text(AlisaArena *arena, AlisaText text, int64_t first, int64_t end,
                             int64_t step) {
    if (step == 1) {
        if (first >= end) return alisa_value_words("");
        size_t begin = alisa_text_offset(arena, text, (size_t)first);
        AlisaText rest = alisa_text_cut(text, begin, text.length);
        return alisa_value_text(
            alisa_text_cut(rest, 0, alisa_text_offset(arena, rest, (size_t)(end - first))));
    }
    const AlisaList *characters = alisa_value_items(arena, alisa_value_text(text));
    AlisaBuilder builder = {.arena = arena};
    for (int64_t i = first; step > 0 ? i < end : i > end; i += step)
        alisa_builder_add(&builder, characters->items[i].text);
    return alisa_value_text(alisa_builder_text(&builder));
}

static AlisaValue evaluate_slice(AlisaRun *run, const AlisaNode *node) {
    AlisaArena *arena = run->arena;
    AlisaValue object = alisa_evaluate(run, node->one);
    int64_t first, end, step;
    bool has_first = slice_bound(run, node->two, &first);
    bool has_end = slice_bound(run, node->three, &end);
    if (!slice_bound(run, node->items, &step)) step = 1;
    arena->at = node->at;
    alisa_value_require(arena, object);
    bool list = object.kind == ALISA_VALUE_LIST && object.list->form <= ALISA_LIST_RANGE;
    if (!list && object.kind != ALISA_VALUE_TEXT) {
        alisa_arena_fail(arena, "a %s has no slices", alisa_value_type(object));
    }
    if (step == 0) alisa_arena_fail(arena, "the step of a slice is 0");
    int64_t count =
        list ? (int64_t)object.list->count : (int64_t)alisa_text_characters(arena, object.text);
    if (step > count + 1) step = count + 1; /* so that no sum overflows */
    if (step < -count - 1) step = -count - 1;
    bool down = step < 0;
    first = has_first ? clamp_bound(first, count, down) : down ? count - 1 : 0;
    end = has_end ? clamp_bound(end, count, down) : down ? -1 : count;
    if (!list) return slice_text(arena, object.text, first, end, step);
    AlisaListForm form =
        object.list->form == ALISA_LIST_RANGE ? ALISA_LIST_LIST : object.list->form;
    AlisaValue slice = alisa_value_list(arena, form, 0);
    for (int64_t i = first; down ? i > end : i < end; i += step)
        alisa_list_push(arena, slice.list, object.list->items[i]);
    return slice;
}

/* ---- The rest ----------------------------------------------------------------------------- */

static AlisaValue evaluate_name(AlisaRun *run, const AlisaNode *node) {
    const AlisaValue *found = alisa_scope_find(run, node->text);
    if (found) return *found;
    const AlisaEntry *entry = alisa_entry_find(alisa_globals, node->text);
    if (entry) return alisa_function_make(run->arena, entry, alisa_value_none());
    return alisa_value_undefined(node->text, ALISA_VALUE_UNDEFINED);
}

static AlisaValue evaluate_items(AlisaRun *run, const AlisaNode *node, AlisaListForm form) {
    AlisaValue list = alisa_value_list(run->arena, form, 0);
    for (const AlisaNode *item = node->items; item; item = item->next)
        alisa_list_push(run->arena, list.list, alisa_evaluate(run, item));
    return list;
}

static AlisaValue evaluate_dict(AlisaRun *run, const AlisaNode *node) {
    AlisaValue dict = alisa_value_dict(run->arena, ALISA_VALUE_DICT);
    for (const AlisaNode *key = node->items; key; key = key->next->next) {
        AlisaValue name = alisa_evaluate(run, key), value = alisa_evaluate(run, key->next);
        alisa_dict_set(run->arena, dict.dict, name, value);
    }
    return dict;
}

/* A filter or test; a NULL input of the innermost filter is `input`. */
static AlisaValue apply(AlisaRun *run, const AlisaNode *node, AlisaValue input) {
    if (node->one)
        input = node->kind == ALISA_NODE_FILTER ? alisa_evaluate_filters(run, node->one, input)
                                                : alisa_evaluate(run, node->one);
    AlisaArguments arguments = alisa_call_arguments(run, node->items);
    run->arena->at = node->at;
    if (!node->entry) {
        alisa_arena_fail(run->arena, "there is no %s '%.*s'",
                         node->kind == ALISA_NODE_TEST ? "test" : "filter",
                         node->text.length < 64 ? (int)node->text.length : 64, node->text.bytes);
    }
    return alisa_call_entry(run, node->entry, input, &arguments);
}

AlisaValue alisa_evaluate_filters(AlisaRun *run, const AlisaNode *filters, AlisaValue input) {
    if (!filters) return input;
    if (filters->kind != ALISA_NODE_FILTER) return alisa_evaluate(run, filters);
    alisa_arena_enter(run->arena);
    AlisaValue value = apply(run, filters, input);
    alisa_arena_leave(run->arena);
    return value;
}

static AlisaValue evaluate_sign(AlisaRun *run, const AlisaNode *node) {
    AlisaValue value = alisa_evaluate(run, node->one);
    int64_t integer;
    bool negate = node->kind == ALISA_NODE_NEGATE;
    run->arena->at = node->at;
    if (value.kind == ALISA_VALUE_REAL) return alisa_value_real(negate ? -value.real : value.real);
    alisa_value_require(run->arena, value);
    if (!alisa_value_is_integer(value, &integer)) {
        alisa_arena_fail(run->arena, "a %s has no sign", alisa_value_type(value));
    }
    if (negate && integer == INT64_MIN) fail_overflow(run->arena);
    return alisa_value_integer(negate ? -integer : integer);
}

static AlisaValue evaluate_concatenation(AlisaRun *run, const AlisaNode *node) {
    AlisaBuilder builder = {.arena = run->arena};
    for (const AlisaNode *item = node->items; item; item = item->next)
        alisa_print_value(&builder, alisa_evaluate(run, item));
    return alisa_value_text(alisa_builder_text(&builder));
}

static AlisaValue evaluate_call(AlisaRun *run, const AlisaNode *node) {
    AlisaValue function = alisa_evaluate(run, node->one);
    AlisaArguments arguments = alisa_call_arguments(run, node->items);
    run->arena->at = node->at;
    return alisa_call_value(run, function, &arguments);
}

static AlisaValue evaluate_choice(AlisaRun *run, const AlisaNode *node) {
    if (alisa_value_is_true(alisa_evaluate(run, node->two))) return alisa_evaluate(run, node->one);
    if (node->three) return alisa_evaluate(run, node->three);
    return alisa_value_undefined(alisa_text_of("else"), ALISA_VALUE_UNDEFINED);
}

static AlisaValue evaluate_binary(AlisaRun *run, const AlisaNode *node) {
    AlisaValue left = alisa_evaluate(run, node->one);
    if (node->kind == ALISA_NODE_AND && !alisa_value_is_true(left)) return left;
    if (node->kind == ALISA_NODE_OR && alisa_value_is_true(left)) return left;
    AlisaValue right = alisa_evaluate(run, node->two);
    run->arena->at = node->at;
    if (node->kind == ALISA_NODE_ITEM) return alisa_attribute_item(run, left, right);
    if (node->kind != ALISA_NODE_ARITHMETIC) return right;
    return alisa_evaluate_arithmetic(run, node->text, left, right);
}

static AlisaValue evaluate_node(AlisaRun *run, const AlisaNode *node) {
    switch (node->kind) {
    case ALISA_NODE_CONSTANT:
        return node->value;
    case ALISA_NODE_NAME:
        return evaluate_name(run, node);
    case ALISA_NODE_LIST:
        return evaluate_items(run, node, ALISA_LIST_LIST);
    case ALISA_NODE_TUPLE:
        return evaluate_items(run, node, ALISA_LIST_TUPLE);
    case ALISA_NODE_DICT:
        return evaluate_dict(run, node);
    case ALISA_NODE_ATTRIBUTE: {
        AlisaValue object = alisa_evaluate(run, node->one);
        run->arena->at = node->at;
        return alisa_attribute_get(run, object, node->text);
    }
    case ALISA_NODE_SLICE:
        return evaluate_slice(run, node);
    case ALISA_NODE_CALL:
        return evaluate_call(run, node);
    case ALISA_NODE_FILTER:
    case ALISA_NODE_TEST:
        return apply(run, node, alisa_value_none());
    case ALISA_NODE_NEGATE:
    case ALISA_NODE_PLUS:
        return evaluate_sign(run, node);
    case ALISA_NODE_NOT:
        return alisa_value_boolean(!alisa_value_is_true(alisa_evaluate(run, node->one)));
    case ALISA_NODE_CHOICE:
        return evaluate_choice(run, node);
    case ALISA_NODE_COMPARE:
        return evaluate_compare(run, node);
    case ALISA_NODE_CONCATENATE:
        return evaluate_concatenation(run, node);
    default: /* and, or, arithmetic, an item */
        return evaluate_binary(run, node);
    }
}

AlisaValue alisa_evaluate(AlisaRun *run, const AlisaNode *node) {
    alisa_arena_pay(run->arena, 1);
    alisa_arena_enter(run->arena);
    run->arena->at = node->at;
    AlisaValue value = evaluate_node(run, node);
    alisa_arena_leave(run->arena);
    return value;
}
