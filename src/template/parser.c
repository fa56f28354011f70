/* SPDX-License-Identifier: Apache-2.0 */
#include "template/parser.h"

#include <stdio.h>
#include <string.h>

/* ---- What is shared with expressions ------------------------------------------------------ */

void alisa_parser_fail(AlisaParser *parser, const AlisaLexeme *lexeme, const char *wanted) {
    parser->arena->at = lexeme->at;
    alisa_arena_fail(parser->arena, "%s was expected, and %s was found", wanted,
                     alisa_lexer_describe(parser->arena, lexeme));
}

AlisaNode *alisa_parser_node(AlisaParser *parser, AlisaNodeKind kind) {
    AlisaNode *node = alisa_arena_take(parser->arena, 1, sizeof *node);
    node->kind = kind;
    node->at = parser->lexeme->at;
    return node;
}

bool alisa_parser_sees(const AlisaParser *parser, AlisaLexemeKind kind, const char *words) {
    return parser->lexeme->kind == kind && (!words || alisa_text_is(parser->lexeme->text, words));
}

bool alisa_parser_take(AlisaParser *parser, AlisaLexemeKind kind, const char *words) {
    if (!alisa_parser_sees(parser, kind, words)) return false;
    parser->lexeme++;
    return true;
}

void alisa_parser_expect(AlisaParser *parser, AlisaLexemeKind kind, const char *words) {
    if (alisa_parser_take(parser, kind, words)) return;
    char wanted[64];
    AlisaLexeme lexeme = {.kind = kind};
    if (words) lexeme.text = alisa_text_of(words);
    snprintf(wanted, sizeof wanted, "%s", alisa_lexer_describe(parser->arena, &lexeme));
    alisa_parser_fail(parser, parser->lexeme, wanted);
}

AlisaText alisa_parser_expect_name(AlisaParser *parser) {
    const AlisaLexeme *lexeme = parser->lexeme;
    if (lexeme->kind != ALISA_LEXEME_NAME) alisa_parser_fail(parser, lexeme, "a name");
    parser->lexeme++;
    return lexeme->text;
}

/* ---- Statements --------------------------------------------------------------------------- */

/* Names that end a body; NULL ends the array. */
typedef const char *const *Ends;

static AlisaNode *parse_body(AlisaParser *parser, const AlisaLexeme *opened, Ends ends);

/* The rest of a tag, and the statements up to one of the names that end them, which is the lexeme
 * to read next. */
static AlisaNode *parse_block(AlisaParser *parser, const AlisaLexeme *opened, Ends ends) {
    alisa_parser_take(parser, ALISA_LEXEME_OPERATOR, ":");
    alisa_parser_expect(parser, ALISA_LEXEME_STATEMENT_END, NULL);
    return parse_body(parser, opened, ends);
}

static AlisaNode *parse_closed_block(AlisaParser *parser, const AlisaLexeme *opened,
                                     const char *end) {
    const char *const ends[] = {end, NULL};
    AlisaNode *body = parse_block(parser, opened, ends);
    parser->lexeme++;
    return body;
}

/* What the body prints is taken up as a text, so no break leaves it. */
static AlisaNode *parse_captured(AlisaParser *parser, const AlisaLexeme *opened, const char *end) {
    uint32_t loops = parser->loops;
    parser->loops = 0;
    AlisaNode *body = parse_closed_block(parser, opened, end);
    parser->loops = loops;
    return body;
}

static AlisaNode *parse_if(AlisaParser *parser, const AlisaLexeme *opened) {
    static const char *const ends[] = {"elif", "else", "endif", NULL};
    AlisaNode *node = alisa_parser_node(parser, ALISA_NODE_IF);
    alisa_arena_enter(parser->arena);
    parser->branches++;
    node->one = alisa_expression_tuple(parser, false, ALISA_TUPLE_ANY);
    node->body = parse_block(parser, opened, ends);
    if (alisa_parser_take(parser, ALISA_LEXEME_NAME, "elif")) {
        node->other = parse_if(parser, opened);
    } else if (alisa_parser_take(parser, ALISA_LEXEME_NAME, "else")) {
        node->other = parse_closed_block(parser, opened, "endif");
    } else {
        parser->lexeme++;
    }
    parser->branches--;
    alisa_arena_leave(parser->arena);
    return node;
}

static AlisaNode *parse_for(AlisaParser *parser, const AlisaLexeme *opened) {
    static const char *const ends[] = {"endfor", "else", NULL};
    AlisaNode *node = alisa_parser_node(parser, ALISA_NODE_FOR);
    node->one = alisa_expression_target(parser, false, ALISA_TUPLE_IN);
    alisa_parser_expect(parser, ALISA_LEXEME_NAME, "in");
    node->two = alisa_expression_tuple(parser, false, ALISA_TUPLE_RECURSIVE);
    if (alisa_parser_take(parser, ALISA_LEXEME_NAME, "if")) {
        node->three = alisa_expression_parse(parser);
    }
    if (alisa_parser_sees(parser, ALISA_LEXEME_NAME, "recursive")) {
        parser->arena->at = parser->lexeme->at;
        alisa_arena_fail(parser->arena, "loops that call themselves are not supported");
    }
    parser->loops++;
    node->body = parse_block(parser, opened, ends);
    parser->loops--;
    if (alisa_parser_take(parser, ALISA_LEXEME_NAME, "else")) {
        node->other = parse_closed_block(parser, opened, "endfor");
    } else {
        parser->lexeme++;
    }
    return node;
}

static AlisaNode *parse_set(AlisaParser *parser, const AlisaLexeme *opened) {
    AlisaNode *node = alisa_parser_node(parser, ALISA_NODE_SET);
    node->one = alisa_expression_target(parser, true, ALISA_TUPLE_ANY);
    if (alisa_parser_take(parser, ALISA_LEXEME_OPERATOR, "=")) {
        node->two = alisa_expression_tuple(parser, true, ALISA_TUPLE_ANY);
        return node;
    }
    node->kind = ALISA_NODE_SET_BLOCK;
    node->two = alisa_expression_filters(parser, NULL, false);
    node->body = parse_captured(parser, opened, "endset");
    return node;
}

static AlisaNode *parse_with(AlisaParser *parser, const AlisaLexeme *opened) {
    AlisaNode *node = alisa_parser_node(parser, ALISA_NODE_WITH), **last = &node->items;
    while (parser->lexeme->kind != ALISA_LEXEME_STATEMENT_END) {
        if (node->items) alisa_parser_expect(parser, ALISA_LEXEME_OPERATOR, ",");
        AlisaNode *target = alisa_parser_node(parser, ALISA_NODE_NAME);
        target->text = alisa_parser_expect_name(parser);
        alisa_parser_expect(parser, ALISA_LEXEME_OPERATOR, "=");
        target->next = alisa_expression_parse(parser);
        *last = target;
        last = &target->next->next;
    }
    node->body = parse_closed_block(parser, opened, "endwith");
    return node;
}

static AlisaNode *parse_parameters(AlisaParser *parser) {
    AlisaNode *first = NULL, **last = &first;
    bool defaults = false;
    alisa_parser_expect(parser, ALISA_LEXEME_OPERATOR, "(");
    while (!alisa_parser_sees(parser, ALISA_LEXEME_OPERATOR, ")")) {
        if (first) alisa_parser_expect(parser, ALISA_LEXEME_OPERATOR, ",");
        AlisaNode *parameter = alisa_parser_node(parser, ALISA_NODE_PARAMETER);
        parameter->text = alisa_parser_expect_name(parser);
        if (alisa_parser_take(parser, ALISA_LEXEME_OPERATOR, "=")) {
            parameter->one = alisa_expression_parse(parser);
            defaults = true;
        } else if (defaults) {
            alisa_parser_fail(parser, parser->lexeme, "'=' and a default, as before,");
        }
        *last = parameter;
        last = &parameter->next;
    }
    parser->lexeme++;
    return first;
}

/* The body of a macro, or what a call block hands to one. */
static void parse_macro_body(AlisaParser *parser, AlisaNode *macro, const AlisaLexeme *opened,
                             const char *end) {
    AlisaParser around = *parser;
    parser->loops = parser->macro = 0;
    macro->body = parse_closed_block(parser, opened, end);
    macro->macro = parser->macro;
    parser->loops = around.loops;
    parser->macro |= around.macro;
}

static AlisaNode *parse_macro(AlisaParser *parser, const AlisaLexeme *opened) {
    AlisaNode *node = alisa_parser_node(parser, ALISA_NODE_MACRO);
    node->text = alisa_parser_expect_name(parser);
    node->items = parse_parameters(parser);
    parse_macro_body(parser, node, opened, "endmacro");
    return node;
}

static AlisaNode *parse_call_block(AlisaParser *parser, const AlisaLexeme *opened) {
    AlisaNode *node = alisa_parser_node(parser, ALISA_NODE_CALL_BLOCK);
    node->two = alisa_parser_node(parser, ALISA_NODE_MACRO);
    node->two->text = alisa_text_of("caller");
    if (alisa_parser_sees(parser, ALISA_LEXEME_OPERATOR, "(")) {
        node->two->items = parse_parameters(parser);
    }
    const AlisaLexeme *call = parser->lexeme;
    node->one = alisa_expression_parse(parser);
    if (node->one->kind != ALISA_NODE_CALL) alisa_parser_fail(parser, call, "a call of a macro");
    parse_macro_body(parser, node->two, opened, "endcall");
    return node;
}

static AlisaNode *parse_filter_block(AlisaParser *parser, const AlisaLexeme *opened) {
    AlisaNode *node = alisa_parser_node(parser, ALISA_NODE_FILTER_BLOCK);
    node->two = alisa_expression_filters(parser, NULL, true);
    node->body = parse_captured(parser, opened, "endfilter");
    return node;
}

static AlisaNode *parse_generation(AlisaParser *parser, const AlisaLexeme *opened) {
    AlisaNode *node = alisa_parser_node(parser, ALISA_NODE_SCOPE);
    node->body = parse_captured(parser, opened, "endgeneration");
    return node;
}

static AlisaNode *parse_jump(AlisaParser *parser, const AlisaLexeme *opened) {
    bool leaves = alisa_text_is(opened->text, "break");
    parser->arena->at = opened->at;
    if (parser->loops == 0) {
        alisa_arena_fail(parser->arena, "'%s' outside of a loop", leaves ? "break" : "continue");
    }
    return alisa_parser_node(parser, leaves ? ALISA_NODE_BREAK : ALISA_NODE_CONTINUE);
}

static AlisaNode *parse_print(AlisaParser *parser, const AlisaLexeme *opened) {
    (void)opened;
    AlisaNode *node = alisa_parser_node(parser, ALISA_NODE_PRINT);
    node->one = alisa_expression_parse(parser);
    return node;
}

/* `do` is no statement of Hugging Face's settings, and templates that inherit have nothing here to
 * inherit from. */
static const struct {
    const char *name;
    AlisaNode *(*parse)(AlisaParser *parser, const AlisaLexeme *opened);
} statements[] = {
    {"if", parse_if},         {"for", parse_for},
    {"set", parse_set},       {"with", parse_with},
    {"macro", parse_macro},   {"call", parse_call_block},
    {"print", parse_print},   {"filter", parse_filter_block},
    {"break", parse_jump},    {"generation", parse_generation},
    {"continue", parse_jump},
};

static AlisaNode *parse_statement(AlisaParser *parser, const AlisaLexeme *around) {
    const AlisaLexeme *lexeme = parser->lexeme;
    alisa_parser_expect_name(parser);
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++) {
        if (!alisa_text_is(lexeme->text, statements[i].name)) continue;
        alisa_arena_enter(parser->arena);
        AlisaNode *node = statements[i].parse(parser, lexeme);
        alisa_arena_leave(parser->arena);
        alisa_parser_expect(parser, ALISA_LEXEME_STATEMENT_END, NULL);
        return node;
    }
    parser->arena->at = lexeme->at;
    if (around) {
        alisa_arena_fail(parser->arena, "the statement %s is not known here, inside of %s",
                         alisa_lexer_describe(parser->arena, lexeme),
                         alisa_lexer_describe(parser->arena, around));
    }
    alisa_arena_fail(parser->arena, "the statement %s is not known",
                     alisa_lexer_describe(parser->arena, lexeme));
}

static bool ends_body(const AlisaParser *parser, Ends ends) {
    for (; ends && *ends; ends++) {
        if (alisa_parser_sees(parser, ALISA_LEXEME_NAME, *ends)) return true;
    }
    return false;
}

/* `opened` is the statement whose body this is; NULL for the template itself. */
static AlisaNode *parse_body(AlisaParser *parser, const AlisaLexeme *opened, Ends ends) {
    AlisaNode *first = NULL, **last = &first;
    for (;;) {
        AlisaNode *node = alisa_parser_node(parser, ALISA_NODE_DATA);
        if (parser->lexeme->kind == ALISA_LEXEME_DATA) {
            node->value = alisa_value_text(parser->lexeme->text);
            parser->lexeme++;
        } else if (alisa_parser_take(parser, ALISA_LEXEME_PRINT_BEGIN, NULL)) {
            node->kind = ALISA_NODE_PRINT;
            node->one = alisa_expression_tuple(parser, true, ALISA_TUPLE_ANY);
            alisa_parser_expect(parser, ALISA_LEXEME_PRINT_END, NULL);
        } else if (alisa_parser_take(parser, ALISA_LEXEME_STATEMENT_BEGIN, NULL)) {
            if (ends_body(parser, ends)) return first;
            node = parse_statement(parser, opened);
        } else {
            if (!opened) return first;
            parser->arena->at = opened->at;
            alisa_arena_fail(parser->arena, "the statement %s has no end",
                             alisa_lexer_describe(parser->arena, opened));
        }
        *last = node;
        last = &node->next;
    }
}

AlisaNode *alisa_parser_run(AlisaArena *arena, AlisaLexemes lexemes) {
    AlisaParser parser = {.arena = arena, .lexeme = lexemes.items};
    AlisaNode *body = parse_body(&parser, NULL, NULL);
    if (parser.unknown) {
        const AlisaNode *node = parser.unknown;
        arena->at = node->at;
        alisa_arena_fail(arena, "there is no %s '%.*s'",
                         node->kind == ALISA_NODE_TEST ? "test" : "filter",
                         node->text.length < 64 ? (int)node->text.length : 64, node->text.bytes);
    }
    return body;
}
