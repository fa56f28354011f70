/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What may stand behind `is`.
 */
#include "template/text_methods.h"

static AlisaValue test_defined(AlisaCall *call) {
    return alisa_value_boolean(call->self.kind != ALISA_VALUE_UNDEFINED);
}

static AlisaValue test_undefined(AlisaCall *call) {
    return alisa_value_boolean(call->self.kind == ALISA_VALUE_UNDEFINED);
}

static AlisaValue test_none(AlisaCall *call) {
    return alisa_value_boolean(call->self.kind == ALISA_VALUE_NONE);
}

static AlisaValue test_boolean(AlisaCall *call) {
    return alisa_value_boolean(call->self.kind == ALISA_VALUE_BOOLEAN);
}

static AlisaValue test_true(AlisaCall *call) {
    return alisa_value_boolean(call->self.kind == ALISA_VALUE_BOOLEAN && call->self.boolean);
}

static AlisaValue test_false(AlisaCall *call) {
    return alisa_value_boolean(call->self.kind == ALISA_VALUE_BOOLEAN && !call->self.boolean);
}

static AlisaValue test_integer(AlisaCall *call) {
    return alisa_value_boolean(call->self.kind == ALISA_VALUE_INTEGER);
}

static AlisaValue test_float(AlisaCall *call) {
    return alisa_value_boolean(call->self.kind == ALISA_VALUE_REAL);
}

static AlisaValue test_number(AlisaCall *call) {
    double unused;
    return alisa_value_boolean(alisa_value_is_number(call->self, &unused));
}

static AlisaValue test_string(AlisaCall *call) {
    return alisa_value_boolean(call->self.kind == ALISA_VALUE_TEXT);
}

static AlisaValue test_mapping(AlisaCall *call) {
    return alisa_value_boolean(call->self.kind == ALISA_VALUE_DICT);
}

/* What has a length and can be asked for an item, which is also said of the undefined. */
static AlisaValue test_sequence(AlisaCall *call) {
    AlisaValueKind kind = call->self.kind;
    bool list = kind == ALISA_VALUE_LIST && call->self.list->form <= ALISA_LIST_RANGE;
    return alisa_value_boolean(list || kind == ALISA_VALUE_TEXT || kind == ALISA_VALUE_DICT ||
                               kind == ALISA_VALUE_UNDEFINED);
}

static AlisaValue test_iterable(AlisaCall *call) {
    AlisaValueKind kind = call->self.kind;
    return alisa_value_boolean(kind == ALISA_VALUE_LIST || kind == ALISA_VALUE_TEXT ||
                               kind == ALISA_VALUE_DICT || kind == ALISA_VALUE_UNDEFINED ||
                               kind == ALISA_VALUE_LOOP);
}

static AlisaValue test_callable(AlisaCall *call) {
    return alisa_value_boolean(call->self.kind == ALISA_VALUE_FUNCTION ||
                               call->self.kind == ALISA_VALUE_UNDEFINED);
}

static AlisaValue test_lower(AlisaCall *call) {
    AlisaText text = alisa_print_text(call->arena, call->self);
    return alisa_value_boolean(alisa_text_is_lower(text));
}

static AlisaValue test_upper(AlisaCall *call) {
    AlisaText text = alisa_print_text(call->arena, call->self);
    return alisa_value_boolean(alisa_text_is_upper(text));
}

/* value % divisor == rest */
static AlisaValue test_remainder(AlisaCall *call, AlisaValue divisor, int64_t rest) {
    AlisaValue found =
        alisa_evaluate_arithmetic(call->run, alisa_text_of("%"), call->self, divisor);
    return alisa_value_boolean(alisa_value_equal(call->arena, found, alisa_value_integer(rest)));
}

static AlisaValue test_odd(AlisaCall *call) {
    return test_remainder(call, alisa_value_integer(2), 1);
}

static AlisaValue test_even(AlisaCall *call) {
    return test_remainder(call, alisa_value_integer(2), 0);
}

static AlisaValue test_divisibleby(AlisaCall *call) {
    return test_remainder(call, *call->given[0], 0);
}

static AlisaValue test_in(AlisaCall *call) {
    return alisa_value_boolean(alisa_evaluate_contains(call->run, *call->given[0], call->self));
}

static AlisaValue test_equal(AlisaCall *call) {
    return alisa_value_boolean(alisa_value_equal(call->arena, call->self, *call->given[0]));
}

static AlisaValue test_unequal(AlisaCall *call) {
    return alisa_value_boolean(!alisa_value_equal(call->arena, call->self, *call->given[0]));
}

/* The same object: constants are, and containers that are one and the same. */
static AlisaValue test_sameas(AlisaCall *call) {
    AlisaValue left = call->self, right = *call->given[0];
    bool same = left.kind == right.kind;
    if (same && left.kind == ALISA_VALUE_LIST) same = left.list == right.list;
    if (same && left.kind == ALISA_VALUE_DICT) same = left.dict == right.dict;
    return alisa_value_boolean(same && alisa_value_equal(call->arena, left, right));
}

static int order(AlisaCall *call) {
    int found;
    alisa_value_require(call->arena, call->self);
    alisa_value_require(call->arena, *call->given[0]);
    if (!alisa_value_compare(call->arena, call->self, *call->given[0], &found)) {
        alisa_arena_fail(call->arena, "a %s and a %s have no order", alisa_value_type(call->self),
                         alisa_value_type(*call->given[0]));
    }
    return found;
}

static AlisaValue test_greater(AlisaCall *call) {
    return alisa_value_boolean(order(call) > 0);
}

static AlisaValue test_greater_or_equal(AlisaCall *call) {
    return alisa_value_boolean(order(call) >= 0);
}

static AlisaValue test_less(AlisaCall *call) {
    return alisa_value_boolean(order(call) < 0);
}

static AlisaValue test_less_or_equal(AlisaCall *call) {
    return alisa_value_boolean(order(call) <= 0);
}

static AlisaValue test_filter(AlisaCall *call) {
    AlisaText name = alisa_print_text(call->arena, call->self);
    return alisa_value_boolean(alisa_entry_find(alisa_filters, name) != NULL);
}

static AlisaValue test_test(AlisaCall *call) {
    AlisaText name = alisa_print_text(call->arena, call->self);
    return alisa_value_boolean(alisa_entry_find(alisa_tests, name) != NULL);
}

/* Nothing is ever escaped. */
static AlisaValue test_escaped(AlisaCall *call) {
    (void)call;
    return alisa_value_boolean(false);
}

const AlisaEntry alisa_tests[] = {
    {"defined", test_defined, "", 0},
    {"undefined", test_undefined, "", 0},
    {"none", test_none, "", 0},
    {"boolean", test_boolean, "", 0},
    {"true", test_true, "", 0},
    {"false", test_false, "", 0},
    {"integer", test_integer, "", 0},
    {"float", test_float, "", 0},
    {"number", test_number, "", 0},
    {"string", test_string, "", 0},
    {"mapping", test_mapping, "", 0},
    {"sequence", test_sequence, "", 0},
    {"iterable", test_iterable, "", 0},
    {"callable", test_callable, "", 0},
    {"lower", test_lower, "", 0},
    {"upper", test_upper, "", 0},
    {"odd", test_odd, "", 0},
    {"even", test_even, "", 0},
    {"divisibleby", test_divisibleby, "num", 1},
    {"in", test_in, "seq", 1},
    {"sameas", test_sameas, "other", 1},
    {"filter", test_filter, "", 0},
    {"test", test_test, "", 0},
    {"escaped", test_escaped, "", 0},
    {"eq", test_equal, "other", 1},
    {"equalto", test_equal, "other", 1},
    {"==", test_equal, "other", 1},
    {"ne", test_unequal, "other", 1},
    {"!=", test_unequal, "other", 1},
    {"gt", test_greater, "other", 1},
    {"greaterthan", test_greater, "other", 1},
    {">", test_greater, "other", 1},
    {"ge", test_greater_or_equal, "other", 1},
    {">=", test_greater_or_equal, "other", 1},
    {"lt", test_less, "other", 1},
    {"lessthan", test_less, "other", 1},
    {"<", test_less, "other", 1},
    {"le", test_less_or_equal, "other", 1},
    {"<=", test_less_or_equal, "other", 1},
    {0},
};
