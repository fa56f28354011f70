/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens to a tree: statements in parser.c, expressions in expression.c.
 */
#ifndef ALISA_TEMPLATE_PARSER_H
#define ALISA_TEMPLATE_PARSER_H

#include "template/lexer.h"
#include "template/node.h"

typedef struct AlisaParser {
    AlisaArena *arena;
    const AlisaLexeme *lexeme; /* the one to read next */
    uint32_t loops;            /* loops around this place, inside the innermost macro */
    uint32_t branches;         /* conditions around this place */
    uint32_t macro;            /* bits ALISA_MACRO_* of the innermost macro so far */
    AlisaNode *unknown;        /* the first filter or test that there is not, and that no condition
                                  may leave out; NULL: none so far */
} AlisaParser;

/* All statements of a template. */
AlisaNode *alisa_parser_run(AlisaArena *arena, AlisaLexemes lexemes);

/* What statements and expressions share. A lexeme is taken only if it is the operator or name asked
 * for; `expect` fails otherwise. */
bool alisa_parser_sees(const AlisaParser *parser, AlisaLexemeKind kind, const char *words);
bool alisa_parser_take(AlisaParser *parser, AlisaLexemeKind kind, const char *words);
void alisa_parser_expect(AlisaParser *parser, AlisaLexemeKind kind, const char *words);
AlisaText alisa_parser_expect_name(AlisaParser *parser);
AlisaNode *alisa_parser_node(AlisaParser *parser, AlisaNodeKind kind);
_Noreturn void alisa_parser_fail(AlisaParser *parser, const AlisaLexeme *lexeme,
                                 const char *wanted);

/* What may follow an expression list without brackets, so that "for x in" ends. */
typedef enum AlisaTupleEnd {
    ALISA_TUPLE_ANY,       /* }}, %} or ) */
    ALISA_TUPLE_IN,        /* or the name `in` */
    ALISA_TUPLE_RECURSIVE, /* or the name `recursive` */
} AlisaTupleEnd;

AlisaNode *alisa_expression_parse(AlisaParser *parser);
/* One expression, or a tuple where commas follow. `choices`: "a if b else c" is read, too. */
AlisaNode *alisa_expression_tuple(AlisaParser *parser, bool choices, AlisaTupleEnd end);
/* A name, a tuple of names and, with `attributes`, the attribute of a namespace. */
AlisaNode *alisa_expression_target(AlisaParser *parser, bool attributes, AlisaTupleEnd end);
/* Filters behind "|", the first one without it if `inline`; NULL when there are none. */
AlisaNode *alisa_expression_filters(AlisaParser *parser, AlisaNode *input, bool first_inline);

#endif
