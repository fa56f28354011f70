/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A template's text as tokens. White space is taken off here, as Hugging Face's settings have it:
 * a line's end after a block goes (trim_blocks), blanks before a block that begins its line go
 * (lstrip_blocks), "-" takes all white space on its side and "+" keeps it.
 */
#ifndef ALISA_TEMPLATE_LEXER_H
#define ALISA_TEMPLATE_LEXER_H

#include "template/text.h"

typedef enum AlisaLexemeKind {
    ALISA_LEXEME_DATA,            /* text that is printed as it is */
    ALISA_LEXEME_PRINT_BEGIN,     /* {{ */
    ALISA_LEXEME_PRINT_END,       /* }} */
    ALISA_LEXEME_STATEMENT_BEGIN, /* {% */
    ALISA_LEXEME_STATEMENT_END,   /* %} */
    ALISA_LEXEME_NAME,
    ALISA_LEXEME_TEXT,
    ALISA_LEXEME_INTEGER,
    ALISA_LEXEME_REAL,
    ALISA_LEXEME_OPERATOR,
    ALISA_LEXEME_END,
} AlisaLexemeKind;

typedef struct AlisaLexeme {
    AlisaLexemeKind kind;
    size_t at;      /* its first byte in the source */
    AlisaText text; /* data, a name, an operator, or what a text in quotes stands for */
    int64_t integer;
    double real;
} AlisaLexeme;

typedef struct AlisaLexemes {
    AlisaLexeme *items; /* the last one is ALISA_LEXEME_END */
    size_t count, capacity;
} AlisaLexemes;

/* Cuts arena->source, whose lines end with "\n". */
AlisaLexemes alisa_lexer_run(AlisaArena *arena, AlisaText source);
/* How a sentence names a lexeme. */
const char *alisa_lexer_describe(AlisaArena *arena, const AlisaLexeme *lexeme);

#endif
