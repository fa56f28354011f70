/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Expressions, from what binds least to what binds most: choices, or, and, not, comparisons, + and
 * -,
 * ~, * and /, powers, signs, then names and literals with what follows them. A sign binds more than
 * a power, and ~ more than +: so it is in Jinja.
 */
#include "template/parser.h"

#include "template/run.h"

#include <string.h>

static bool sees(const AlisaParser *parser, const char *operator) {
    return alisa_parser_sees(parser, ALISA_LEXEME_OPERATOR, operator);
}

static bool take(AlisaParser *parser, const char *operator) {
    return alisa_parser_take(parser, ALISA_LEXEME_OPERATOR, operator);
}

static bool take_name(AlisaParser *parser, const char *name) {
    return alisa_parser_take(parser, ALISA_LEXEME_NAME, name);
}

static void expect(AlisaParser *parser, const char *operator) {
    alisa_parser_expect(parser, ALISA_LEXEME_OPERATOR, operator);
}

/* A node that stands where its first operand does. */
static AlisaNode *join(AlisaParser *parser, AlisaNodeKind kind, AlisaNode *one, AlisaNode *two) {
    AlisaNode *node = alisa_parser_node(parser, kind);
    node->at = one->at;
    node->one = one;
    node->two = two;
    return node;
}

/* ---- Names and literals ------------------------------------------------------------------- */

/* Links an item behind the last one. Returns where the next one's link is. */
static AlisaNode **append(AlisaNode **last, AlisaNode *item) {
    *last = item;
    return item ? &item->next : last;
}

static AlisaNode *parse_items(AlisaParser *parser, AlisaNodeKind kind, const char *close) {
    AlisaNode *node = alisa_parser_node(parser, kind), **last = &node->items;
    parser->lexeme++; /* the opening bracket */
    while (!sees(parser, close)) {
        if (node->items) expect(parser, ",");
        if (sees(parser, close)) break;
        last = append(last, alisa_expression_parse(parser));
        if (kind != ALISA_NODE_DICT) continue;
        expect(parser, ":");
        last = append(last, alisa_expression_parse(parser));
    }
    parser->lexeme++;
    return node;
}

static AlisaNode *parse_name(AlisaParser *parser) {
    static const struct {
        const char *name;
        AlisaValueKind kind;
        bool boolean;
    } constants[] = {
        {"true", ALISA_VALUE_BOOLEAN, true},   {"True", ALISA_VALUE_BOOLEAN, true},
        {"false", ALISA_VALUE_BOOLEAN, false}, {"False", ALISA_VALUE_BOOLEAN, false},
        {"none", ALISA_VALUE_NONE, false},     {"None", ALISA_VALUE_NONE, false},
    };
    AlisaNode *node = alisa_parser_node(parser, ALISA_NODE_NAME);
    node->text = alisa_parser_expect_name(parser);
    for (size_t i = 0; i < sizeof constants / sizeof constants[0]; i++) {
        if (!alisa_text_is(node->text, constants[i].name)) continue;
        node->kind = ALISA_NODE_CONSTANT;
        node->value = (AlisaValue){.kind = constants[i].kind, .boolean = constants[i].boolean};
    }
    if (alisa_text_is(node->text, "caller")) parser->macro |= ALISA_MACRO_CALLER;
    if (alisa_text_is(node->text, "varargs")) parser->macro |= ALISA_MACRO_VARARGS;
    if (alisa_text_is(node->text, "kwargs")) parser->macro |= ALISA_MACRO_KWARGS;
    return node;
}

static AlisaNode *parse_constant(AlisaParser *parser) {
    AlisaNode *node = alisa_parser_node(parser, ALISA_NODE_CONSTANT);
    const AlisaLexeme *lexeme = parser->lexeme++;
    if (lexeme->kind == ALISA_LEXEME_INTEGER) {
        node->value = alisa_value_integer(lexeme->integer);
    } else if (lexeme->kind == ALISA_LEXEME_REAL) {
        node->value = alisa_value_real(lexeme->real);
    } else {
        AlisaText text = lexeme->text;
        for (; parser->lexeme->kind == ALISA_LEXEME_TEXT; parser->lexeme++) {
            text = alisa_text_join(parser->arena, text, parser->lexeme->text);
        }
        node->value = alisa_value_text(text);
    }
    return node;
}

/* An expression or a tuple in brackets; nothing in them is an empty tuple. */
static AlisaNode *parse_brackets(AlisaParser *parser) {
    AlisaNode *node = alisa_parser_node(parser, ALISA_NODE_TUPLE);
    parser->lexeme++;
    if (!sees(parser, ")")) node = alisa_expression_tuple(parser, true, ALISA_TUPLE_ANY);
    expect(parser, ")");
    return node;
}

static AlisaNode *parse_primary(AlisaParser *parser) {
    switch (parser->lexeme->kind) {
    case ALISA_LEXEME_NAME:
        return parse_name(parser);
    case ALISA_LEXEME_TEXT:
    case ALISA_LEXEME_INTEGER:
    case ALISA_LEXEME_REAL:
        return parse_constant(parser);
    default:
        if (sees(parser, "(")) return parse_brackets(parser);
        if (sees(parser, "[")) return parse_items(parser, ALISA_NODE_LIST, "]");
        if (sees(parser, "{")) return parse_items(parser, ALISA_NODE_DICT, "}");
        alisa_parser_fail(parser, parser->lexeme, "an expression");
    }
}

/* ---- What follows them -------------------------------------------------------------------- */

static AlisaNode *parse_argument(AlisaParser *parser) {
    AlisaNode *node = alisa_parser_node(parser, ALISA_NODE_SPREAD);
    const AlisaLexeme *next = parser->lexeme + 1;
    bool keyword = parser->lexeme->kind == ALISA_LEXEME_NAME &&
                   next->kind == ALISA_LEXEME_OPERATOR && alisa_text_is(next->text, "=");
    if (keyword) {
        node->kind = ALISA_NODE_KEYWORD;
        node->text = parser->lexeme->text;
        parser->lexeme += 2;
    } else if (take(parser, "**")) {
        node->kind = ALISA_NODE_SPREAD_DICT;
    } else if (!take(parser, "*")) {
        return alisa_expression_parse(parser);
    }
    node->one = alisa_expression_parse(parser);
    return node;
}

static AlisaNode *parse_arguments(AlisaParser *parser) {
    AlisaNode *first = NULL, **last = &first;
    bool named = false;
    expect(parser, "(");
    while (!sees(parser, ")")) {
        if (first) expect(parser, ",");
        if (sees(parser, ")")) break;
        const AlisaLexeme *lexeme = parser->lexeme;
        *last = parse_argument(parser);
        bool names = (*last)->kind == ALISA_NODE_KEYWORD || (*last)->kind == ALISA_NODE_SPREAD_DICT;
        if (named && !names && (*last)->kind != ALISA_NODE_SPREAD) {
            alisa_parser_fail(parser, lexeme, "an argument with a name");
        }
        named |= names;
        last = &(*last)->next;
    }
    parser->lexeme++;
    return first;
}

/* What is in [ ]: an index, or a slice. */
static AlisaNode *parse_subscript(AlisaParser *parser, AlisaNode *object) {
    AlisaNode *node = join(parser, ALISA_NODE_ITEM, object, NULL);
    node->at = parser->lexeme->at;
    expect(parser, "[");
    if (!sees(parser, ":")) node->two = alisa_expression_parse(parser);
    if (take(parser, ":")) {
        node->kind = ALISA_NODE_SLICE;
        if (!sees(parser, ":") && !sees(parser, "]")) node->three = alisa_expression_parse(parser);
        if (take(parser, ":") && !sees(parser, "]")) node->items = alisa_expression_parse(parser);
    }
    expect(parser, "]");
    return node;
}

static AlisaNode *parse_attribute(AlisaParser *parser, AlisaNode *object) {
    AlisaNode *node = join(parser, ALISA_NODE_ATTRIBUTE, object, NULL);
    node->at = parser->lexeme->at;
    parser->lexeme++;
    if (parser->lexeme->kind == ALISA_LEXEME_INTEGER) {
        node->kind = ALISA_NODE_ITEM;
        node->two = parse_constant(parser);
    } else {
        node->text = alisa_parser_expect_name(parser);
    }
    return node;
}

static AlisaNode *parse_call(AlisaParser *parser, AlisaNode *function) {
    AlisaNode *node = join(parser, ALISA_NODE_CALL, function, NULL);
    node->at = parser->lexeme->at;
    node->items = parse_arguments(parser);
    return node;
}

static AlisaNode *parse_postfix(AlisaParser *parser, AlisaNode *node) {
    for (;;) {
        if (sees(parser, ".")) {
            node = parse_attribute(parser, node);
        } else if (sees(parser, "[")) {
            node = parse_subscript(parser, node);
        } else if (sees(parser, "(")) {
            node = parse_call(parser, node);
        } else {
            return node;
        }
    }
}

static void find_entry(AlisaParser *parser, AlisaNode *node, const AlisaEntry *entries) {
    node->entry = alisa_entry_find(entries, node->text);
    if (!node->entry && parser->branches == 0 && !parser->unknown) parser->unknown = node;
}

AlisaNode *alisa_expression_filters(AlisaParser *parser, AlisaNode *input, bool first_inline) {
    while (first_inline || take(parser, "|")) {
        AlisaNode *node = alisa_parser_node(parser, ALISA_NODE_FILTER);
        first_inline = false;
        node->one = input;
        node->text = alisa_parser_expect_name(parser);
        if (sees(parser, "(")) node->items = parse_arguments(parser);
        find_entry(parser, node, alisa_filters);
        input = node;
    }
    return input;
}

static AlisaNode *parse_test(AlisaParser *parser, AlisaNode *value) {
    bool negated = take_name(parser, "not");
    AlisaNode *node = alisa_parser_node(parser, ALISA_NODE_TEST);
    node->one = value;
    node->text = alisa_parser_expect_name(parser);
    AlisaLexemeKind kind = parser->lexeme->kind;
    bool word = kind == ALISA_LEXEME_NAME && !alisa_parser_sees(parser, kind, "else") &&
                !alisa_parser_sees(parser, kind, "or") && !alisa_parser_sees(parser, kind, "and");
    if (word && alisa_parser_sees(parser, kind, "is")) {
        alisa_parser_fail(parser, parser->lexeme, "'and' between two tests");
    }
    if (sees(parser, "(")) {
        node->items = parse_arguments(parser);
    } else if (word || kind == ALISA_LEXEME_TEXT || kind == ALISA_LEXEME_INTEGER ||
               kind == ALISA_LEXEME_REAL || sees(parser, "[") || sees(parser, "{")) {
        node->items = parse_postfix(parser, parse_primary(parser));
    }
    find_entry(parser, node, alisa_tests);
    return negated ? join(parser, ALISA_NODE_NOT, node, NULL) : node;
}

static AlisaNode *parse_unary(AlisaParser *parser, bool filters) {
    AlisaNode *node;
    if (sees(parser, "-") || sees(parser, "+")) {
        node = alisa_parser_node(parser, sees(parser, "-") ? ALISA_NODE_NEGATE : ALISA_NODE_PLUS);
        parser->lexeme++;
        alisa_arena_enter(parser->arena);
        node->one = parse_unary(parser, false);
        alisa_arena_leave(parser->arena);
    } else {
        node = parse_primary(parser);
    }
    node = parse_postfix(parser, node);
    while (filters) {
        if (sees(parser, "|")) {
            node = alisa_expression_filters(parser, node, false);
        } else if (take_name(parser, "is")) {
            node = parse_test(parser, node);
        } else if (sees(parser, "(")) {
            node = parse_call(parser, node);
        } else {
            break;
        }
    }
    return node;
}

/* ---- Operators ---------------------------------------------------------------------------- */

/* Operands with operators of one rank between them, from the left. */
static AlisaNode *parse_rank(AlisaParser *parser, const char *const *operators,
                             AlisaNode *(*operand)(AlisaParser *parser)) {
    AlisaNode *node = operand(parser);
    for (const char *const *operator= operators; *operator;) {
        if (!take(parser, *operator)) {
            operator++;
            continue;
        }
        node = join(parser, ALISA_NODE_ARITHMETIC, node, operand(parser));
        node->text = alisa_text_of(*operator);
        operator= operators;
    }
    return node;
}

static AlisaNode *parse_factor(AlisaParser *parser) {
    return parse_unary(parser, true);
}

static AlisaNode *parse_power(AlisaParser *parser) {
    static const char *const operators[] = {"**", NULL};
    return parse_rank(parser, operators, parse_factor);
}

static AlisaNode *parse_product(AlisaParser *parser) {
    static const char *const operators[] = {"*", "/", "//", "%", NULL};
    return parse_rank(parser, operators, parse_power);
}

static AlisaNode *parse_concatenation(AlisaParser *parser) {
    AlisaNode *first = parse_product(parser), *last = first;
    if (!sees(parser, "~")) return first;
    AlisaNode *node = alisa_parser_node(parser, ALISA_NODE_CONCATENATE);
    node->items = first;
    while (take(parser, "~")) {
        last->next = parse_product(parser);
        last = last->next;
    }
    return node;
}

static AlisaNode *parse_sum(AlisaParser *parser) {
    static const char *const operators[] = {"+", "-", NULL};
    return parse_rank(parser, operators, parse_concatenation);
}

static const char *take_comparison(AlisaParser *parser) {
    static const char *const operators[] = {"==", "!=", "<=", ">=", "<", ">"};
    for (size_t i = 0; i < sizeof operators / sizeof operators[0]; i++) {
        if (take(parser, operators[i])) return operators[i];
    }
    if (take_name(parser, "in")) return "in";
    const AlisaLexeme *next = parser->lexeme + 1;
    if (!alisa_parser_sees(parser, ALISA_LEXEME_NAME, "not") || next->kind != ALISA_LEXEME_NAME ||
        !alisa_text_is(next->text, "in"))
        return NULL;
    parser->lexeme += 2;
    return "not in";
}

static AlisaNode *parse_comparison(AlisaParser *parser) {
    AlisaNode *node = parse_sum(parser), **last = NULL;
    for (const char *operator; (operator= take_comparison(parser)) != NULL;) {
        if (!last) {
            node = join(parser, ALISA_NODE_COMPARE, node, NULL);
            last = &node->items;
        }
        *last = alisa_parser_node(parser, ALISA_NODE_COMPARISON);
        (*last)->text = alisa_text_of(operator);
        (*last)->one = parse_sum(parser);
        last = &(*last)->next;
    }
    return node;
}

static AlisaNode *parse_not(AlisaParser *parser) {
    AlisaNode *node = alisa_parser_node(parser, ALISA_NODE_NOT);
    if (!take_name(parser, "not")) return parse_comparison(parser);
    alisa_arena_enter(parser->arena);
    node->one = parse_not(parser);
    alisa_arena_leave(parser->arena);
    return node;
}

static AlisaNode *parse_and(AlisaParser *parser) {
    AlisaNode *node = parse_not(parser);
    while (take_name(parser, "and"))
        node = join(parser, ALISA_NODE_AND, node, parse_not(parser));
    return node;
}

static AlisaNode *parse_or(AlisaParser *parser) {
    AlisaNode *node = parse_and(parser);
    while (take_name(parser, "or"))
        node = join(parser, ALISA_NODE_OR, node, parse_and(parser));
    return node;
}

static AlisaNode *parse_choice(AlisaParser *parser) {
    AlisaNode *unknown = parser->unknown;
    AlisaNode *node = parse_or(parser);
    while (take_name(parser, "if")) {
        node = join(parser, ALISA_NODE_CHOICE, node, parse_or(parser));
        if (take_name(parser, "else")) node->three = alisa_expression_parse(parser);
        parser->unknown = unknown; /* what a condition guards may never be needed */
    }
    return node;
}

AlisaNode *alisa_expression_parse(AlisaParser *parser) {
    alisa_arena_pay(parser->arena, 1);
    alisa_arena_enter(parser->arena);
    AlisaNode *node = parse_choice(parser);
    alisa_arena_leave(parser->arena);
    return node;
}

/* ---- Tuples and targets ------------------------------------------------------------------- */

static bool ends_tuple(const AlisaParser *parser, AlisaTupleEnd end) {
    AlisaLexemeKind kind = parser->lexeme->kind;
    if (end == ALISA_TUPLE_IN && alisa_parser_sees(parser, ALISA_LEXEME_NAME, "in")) return true;
    if (end == ALISA_TUPLE_RECURSIVE && alisa_parser_sees(parser, ALISA_LEXEME_NAME, "recursive")) {
        return true;
    }
    return kind == ALISA_LEXEME_PRINT_END || kind == ALISA_LEXEME_STATEMENT_END ||
           sees(parser, ")");
}

/* One item, or a tuple of them where a comma follows. */
static AlisaNode *parse_tuple(AlisaParser *parser, AlisaNode *(*item)(AlisaParser *parser),
                              AlisaTupleEnd end) {
    AlisaNode *first = item(parser), *last = first;
    if (!sees(parser, ",")) return first;
    AlisaNode *tuple = alisa_parser_node(parser, ALISA_NODE_TUPLE);
    tuple->at = first->at;
    tuple->items = first;
    while (take(parser, ",") && !ends_tuple(parser, end)) {
        last->next = item(parser);
        last = last->next;
    }
    return tuple;
}

AlisaNode *alisa_expression_tuple(AlisaParser *parser, bool choices, AlisaTupleEnd end) {
    return parse_tuple(parser, choices ? alisa_expression_parse : parse_or, end);
}

static AlisaNode *parse_target_item(AlisaParser *parser) {
    const AlisaLexeme *lexeme = parser->lexeme;
    if (take(parser, "(")) {
        AlisaNode *node = alisa_expression_target(parser, false, ALISA_TUPLE_ANY);
        expect(parser, ")");
        return node;
    }
    AlisaNode *node = parse_name(parser);
    if (node->kind != ALISA_NODE_NAME) alisa_parser_fail(parser, lexeme, "a name to assign to");
    return node;
}

static AlisaNode *parse_target_attribute(AlisaParser *parser) {
    AlisaNode *node = parse_target_item(parser);
    if (node->kind == ALISA_NODE_NAME && sees(parser, ".")) node = parse_attribute(parser, node);
    return node;
}

AlisaNode *alisa_expression_target(AlisaParser *parser, bool attributes, AlisaTupleEnd end) {
    alisa_arena_enter(parser->arena);
    AlisaNode *node =
        parse_tuple(parser, attributes ? parse_target_attribute : parse_target_item, end);
    alisa_arena_leave(parser->arena);
    return node;
}
