/* SPDX-License-Identifier: Apache-2.0 */
#include "template/lexer.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_BRACKETS = 256 };

typedef struct Lexer {
    AlisaArena *arena;
    AlisaText source;
    size_t at;
    bool line_begins; /* what was read last ended with a line's end */
    AlisaLexemes lexemes;
    char brackets[MOST_BRACKETS]; /* those that are open, as what closes them */
    size_t bracket_count;
} Lexer;

static _Noreturn void fail(Lexer *lexer, size_t at, const char *sentence) {
    lexer->arena->at = at;
    alisa_arena_fail(lexer->arena, "%s", sentence);
}

static AlisaLexeme *push(Lexer *lexer, AlisaLexemeKind kind, size_t at, AlisaText text) {
    AlisaLexemes *lexemes = &lexer->lexemes;
    if (lexemes->count == lexemes->capacity) {
        lexemes->capacity = 2 * lexemes->capacity + 256;
        AlisaLexeme *items = alisa_arena_take(lexer->arena, lexemes->capacity, sizeof *items);
        if (lexemes->count) memcpy(items, lexemes->items, lexemes->count * sizeof *items);
        lexemes->items = items;
    }
    AlisaLexeme *lexeme = &lexemes->items[lexemes->count++];
    *lexeme = (AlisaLexeme){.kind = kind, .at = at, .text = text};
    return lexeme;
}

/* ---- The text around tags ----------------------------------------------------------------- */

static bool sees(const Lexer *lexer, size_t at, const char *words) {
    size_t length = strlen(words);
    return at + length <= lexer->source.length &&
           memcmp(lexer->source.bytes + at, words, length) == 0;
}

static bool is_sign(char byte) {
    return byte == '+' || byte == '-';
}

static size_t skip_space(const Lexer *lexer, size_t at) {
    size_t size;
    while (at < lexer->source.length &&
           alisa_text_is_space(alisa_text_character(lexer->source, at, &size)))
        at += size;
    return at;
}

/* Where the next tag begins; the length when there is none. */
static size_t find_tag(const Lexer *lexer) {
    size_t at = lexer->at;
    while (at < lexer->source.length &&
           !(sees(lexer, at, "{{") || sees(lexer, at, "{%") || sees(lexer, at, "{#")))
        at++;
    return at;
}

/* The text up to a tag, less the white space that the tag takes. */
static void push_data(Lexer *lexer, size_t end, char sign, bool print) {
    AlisaText text = alisa_text_cut(lexer->source, lexer->at, end);
    if (sign == '-') {
        text = alisa_text_strip(lexer->arena, text, NULL, false, true);
    } else if (sign != '+' && !print) {
        size_t line = text.length; /* where the tag's line begins in `text` */
        while (line > 0 && text.bytes[line - 1] != '\n')
            line--;
        if ((line > 0 || lexer->line_begins) && line < text.length &&
            skip_space(lexer, lexer->at + line) >= end) {
            text.length = line;
        }
    }
    if (text.length) push(lexer, ALISA_LEXEME_DATA, lexer->at, text);
}

/* Goes past the end of a tag that begins at `at` with a sign or without. */
static void pass_end(Lexer *lexer, size_t at, bool trims) {
    bool strips = lexer->source.bytes[at] == '-', keeps = lexer->source.bytes[at] == '+';
    size_t end = at + 2 + (strips || keeps);
    if (strips) {
        end = skip_space(lexer, end);
    } else if (trims && !keeps && end < lexer->source.length && lexer->source.bytes[end] == '\n') {
        end++;
    }
    lexer->line_begins = lexer->source.bytes[end - 1] == '\n';
    lexer->at = end;
}

static bool ends_here(const Lexer *lexer, size_t at, const char *tag, bool plus) {
    if (sees(lexer, at, tag)) return true;
    if (at >= lexer->source.length) return false;
    char sign = lexer->source.bytes[at];
    return (sign == '-' || (plus && sign == '+')) && sees(lexer, at + 1, tag);
}

static void pass_comment(Lexer *lexer) {
    size_t begin = lexer->at - 2, at = lexer->at;
    if (at < lexer->source.length && is_sign(lexer->source.bytes[at])) at++;
    while (at < lexer->source.length && !ends_here(lexer, at, "#}", true))
        at++;
    if (at >= lexer->source.length) fail(lexer, begin, "the comment '{#' has no end '#}'");
    pass_end(lexer, at, true);
}

/* The end of "{% raw %}" that begins at `at`, or of "{% endraw %}"; 0 where there is no such tag.
 */
static size_t match_raw(const Lexer *lexer, size_t at, const char *word) {
    if (!sees(lexer, at, "{%")) return 0;
    at += 2;
    if (at < lexer->source.length && is_sign(lexer->source.bytes[at])) at++;
    at = skip_space(lexer, at);
    if (!sees(lexer, at, word)) return 0;
    at = skip_space(lexer, at + strlen(word));
    return ends_here(lexer, at, "%}", strcmp(word, "endraw") == 0) ? at : 0;
}

static char sign_after(const Lexer *lexer, size_t at) {
    return at < lexer->source.length ? lexer->source.bytes[at] : 0;
}

/* All up to "{% endraw %}" is text. The lexer stands at the end of "{% raw %}". */
static void pass_raw(Lexer *lexer, size_t begin, size_t end) {
    pass_end(lexer, end, false);
    size_t at = lexer->at;
    while (at < lexer->source.length && !match_raw(lexer, at, "endraw"))
        at++;
    if (at >= lexer->source.length) fail(lexer, begin, "'{% raw %}' has no '{% endraw %}'");
    push_data(lexer, at, sign_after(lexer, at + 2), false);
    pass_end(lexer, match_raw(lexer, at, "endraw"), true);
}

/* ---- Inside tags -------------------------------------------------------------------------- */

static bool is_digit(char byte) {
    return byte >= '0' && byte <= '9';
}

static bool is_letter(char byte) {
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '_' ||
           (byte & 0x80);
}

static char byte_at(const Lexer *lexer, size_t at) {
    return at < lexer->source.length ? lexer->source.bytes[at] : 0;
}

/* Past digits with single underscores between them. */
static size_t skip_digits(const Lexer *lexer, size_t at) {
    while (is_digit(byte_at(lexer, at)) ||
           (byte_at(lexer, at) == '_' && is_digit(byte_at(lexer, at + 1))))
        at++;
    return at;
}

/* 0x1f, 0o17 or 0b101. */
static bool read_with_base(Lexer *lexer) {
    size_t begin = lexer->at, end = begin + 2;
    char letter = byte_at(lexer, begin + 1) | 0x20, digits[68];
    int base = letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 0;
    if (lexer->source.bytes[begin] != '0' || !base) return false;
    size_t count = 0;
    while (count + 1 < sizeof digits && isxdigit((unsigned char)byte_at(lexer, end)))
        digits[count++] = lexer->source.bytes[end++];
    digits[count] = 0;
    char *rest;
    errno = 0;
    int64_t integer = strtoll(digits, &rest, base);
    if (count == 0 || *rest || errno) fail(lexer, begin, "the number is none of its base");
    push(lexer, ALISA_LEXEME_INTEGER, begin, alisa_text_cut(lexer->source, begin, end))->integer =
        integer;
    lexer->at = end;
    return true;
}

static void read_number(Lexer *lexer) {
    if (read_with_base(lexer)) return;
    size_t begin = lexer->at, end = skip_digits(lexer, begin);
    bool real = false;
    bool after_dot = begin > 0 && lexer->source.bytes[begin - 1] == '.';
    if (!after_dot && byte_at(lexer, end) == '.' && is_digit(byte_at(lexer, end + 1))) {
        real = true;
        end = skip_digits(lexer, end + 1);
    }
    size_t power = end + 1 + (byte_at(lexer, end + 1) == '+' || byte_at(lexer, end + 1) == '-');
    if (!after_dot && (byte_at(lexer, end) | 0x20) == 'e' && is_digit(byte_at(lexer, power))) {
        real = true;
        end = skip_digits(lexer, power);
    }
    char digits[64];
    size_t count = 0;
    for (size_t i = begin; i < end; i++) {
        char byte = lexer->source.bytes[i];
        if (byte == '_') continue;
        if (count + 1 == sizeof digits) fail(lexer, begin, "the number has too many digits");
        digits[count++] = byte;
    }
    digits[count] = 0;
    AlisaLexemeKind kind = real ? ALISA_LEXEME_REAL : ALISA_LEXEME_INTEGER;
    AlisaLexeme *lexeme = push(lexer, kind, begin, alisa_text_cut(lexer->source, begin, end));
    errno = 0;
    if (real) {
        lexeme->real = strtod(digits, NULL);
    } else {
        lexeme->integer = strtoll(digits, NULL, 10);
        if (errno) fail(lexer, begin, "the number is larger than 64 bits hold");
    }
    lexer->at = end;
}

static unsigned hex_value(Lexer *lexer, size_t at, unsigned count) {
    unsigned value = 0;
    for (unsigned i = 0; i < count; i++) {
        char byte = byte_at(lexer, at + i), letter = byte | 0x20;
        bool digit = is_digit(byte), hex = letter >= 'a' && letter <= 'f';
        if (!digit && !hex) fail(lexer, at, "an escape in a text lacks hexadecimal digits");
        value = 16 * value + (unsigned)(digit ? byte - '0' : letter - 'a' + 10);
    }
    return value;
}

/* An escape after a backslash, as Python reads it; returns the byte after it. */
static size_t read_escape(Lexer *lexer, size_t at, AlisaBuilder *builder) {
    static const char letters[] = "a\ab\bf\fn\nr\rt\tv\v\\\\''\"\"";
    char byte = byte_at(lexer, at);
    for (size_t i = 0; letters[i]; i += 2) {
        if (byte != letters[i]) continue;
        alisa_builder_put(builder, &letters[i + 1], 1);
        return at + 1;
    }
    if (byte == '\n') return at + 1;
    unsigned digits = byte == 'x' ? 2 : byte == 'u' ? 4 : byte == 'U' ? 8 : 0, value = 0;
    if (digits) {
        value = hex_value(lexer, at + 1, digits);
        at += 1 + digits;
        if (value >= 0xd800 && value < 0xdc00 && sees(lexer, at, "\\u")) { /* two halves */
            unsigned low = hex_value(lexer, at + 2, 4);
            if (low < 0xdc00 || low > 0xdfff) low = 0xdc00;
            value = 0x10000 + ((value - 0xd800) << 10) + (low - 0xdc00);
            at += 6;
        }
    } else if (byte >= '0' && byte <= '7') {
        for (unsigned i = 0; i < 3 && byte_at(lexer, at) >= '0' && byte_at(lexer, at) <= '7'; i++)
            value = 8 * value + (unsigned)(lexer->source.bytes[at++] - '0');
    } else {
        alisa_builder_puts(builder, "\\"); /* no escape: the backslash stays */
        return at;
    }
    if (value > 0x10ffff || (value >= 0xd800 && value < 0xe000)) {
        fail(lexer, at, "an escape in a text is no character");
    }
    alisa_builder_character(builder, (int32_t)value, 0);
    return at;
}

static void read_text(Lexer *lexer) {
    size_t begin = lexer->at, at = begin + 1;
    char quote = lexer->source.bytes[begin];
    AlisaBuilder builder = {.arena = lexer->arena};
    while (at < lexer->source.length && lexer->source.bytes[at] != quote) {
        if (lexer->source.bytes[at] == '\\') {
            at = read_escape(lexer, at + 1, &builder);
        } else {
            alisa_builder_put(&builder, lexer->source.bytes + at, 1);
            at++;
        }
    }
    if (at >= lexer->source.length) fail(lexer, begin, "the text has no closing quote");
    push(lexer, ALISA_LEXEME_TEXT, begin, alisa_builder_text(&builder));
    lexer->at = at + 1;
}

static void read_name(Lexer *lexer) {
    size_t end = lexer->at;
    while (is_letter(byte_at(lexer, end)) || is_digit(byte_at(lexer, end)))
        end++;
    push(lexer, ALISA_LEXEME_NAME, lexer->at, alisa_text_cut(lexer->source, lexer->at, end));
    lexer->at = end;
}

static void count_bracket(Lexer *lexer, char byte) {
    const char *open = strchr("({[", byte);
    if (open) {
        if (lexer->bracket_count == MOST_BRACKETS) {
            fail(lexer, lexer->at, "brackets are nested too deep");
        }
        lexer->brackets[lexer->bracket_count++] = ")}]"[strchr("({[", byte) - "({["];
    } else if (strchr(")}]", byte)) {
        if (lexer->bracket_count == 0 || lexer->brackets[lexer->bracket_count - 1] != byte) {
            fail(lexer, lexer->at, "a bracket is closed that is not open");
        }
        lexer->bracket_count--;
    }
}

static void read_operator(Lexer *lexer) {
    static const char *const operators[] = {"//", "**", "==", "!=", ">=", "<=", "+", "-", "/",
                                            "*",  "%",  "~",  "[",  "]",  "(",  ")", "{", "}",
                                            ">",  "<",  "=",  ".",  ":",  "|",  ",", ";", NULL};
    const char *const *found = operators;
    while (*found && !sees(lexer, lexer->at, *found))
        found++;
    if (!*found) fail(lexer, lexer->at, "a character that has no meaning here");
    count_bracket(lexer, **found);
    push(lexer, ALISA_LEXEME_OPERATOR, lexer->at, alisa_text_of(*found));
    lexer->at += strlen(*found);
}

static void read_tag(Lexer *lexer, size_t begin, bool print) {
    const char *tag = print ? "}}" : "%}";
    push(lexer, print ? ALISA_LEXEME_PRINT_BEGIN : ALISA_LEXEME_STATEMENT_BEGIN, begin,
         (AlisaText){0});
    lexer->bracket_count = 0;
    for (;;) {
        lexer->at = skip_space(lexer, lexer->at);
        if (lexer->at >= lexer->source.length) {
            fail(lexer, begin, print ? "'{{' has no end '}}'" : "'{%' has no end '%}'");
        }
        alisa_arena_pay(lexer->arena, 1);
        char byte = lexer->source.bytes[lexer->at];
        if (lexer->bracket_count == 0 && ends_here(lexer, lexer->at, tag, !print)) break;
        if (is_digit(byte)) {
            read_number(lexer);
        } else if (is_letter(byte)) {
            read_name(lexer);
        } else if (byte == '\'' || byte == '"') {
            read_text(lexer);
        } else {
            read_operator(lexer);
        }
    }
    push(lexer, print ? ALISA_LEXEME_PRINT_END : ALISA_LEXEME_STATEMENT_END, lexer->at,
         (AlisaText){0});
    pass_end(lexer, lexer->at, !print);
}

/* ---- All of it ---------------------------------------------------------------------------- */

AlisaLexemes alisa_lexer_run(AlisaArena *arena, AlisaText source) {
    Lexer lexer = {.arena = arena, .source = source, .line_begins = true};
    while (lexer.at < source.length) {
        size_t begin = find_tag(&lexer);
        char kind = sign_after(&lexer, begin + 1), sign = sign_after(&lexer, begin + 2);
        if (begin >= source.length) {
            push(&lexer, ALISA_LEXEME_DATA, lexer.at,
                 alisa_text_cut(source, lexer.at, source.length));
            break;
        }
        push_data(&lexer, begin, sign, kind == '{');
        lexer.at = begin + 2;
        size_t raw = match_raw(&lexer, begin, "raw");
        if (raw) {
            pass_raw(&lexer, begin, raw);
        } else if (kind == '#') {
            pass_comment(&lexer);
        } else {
            if (is_sign(sign)) lexer.at++;
            read_tag(&lexer, begin, kind == '{');
        }
    }
    push(&lexer, ALISA_LEXEME_END, source.length, (AlisaText){0});
    return lexer.lexemes;
}

const char *alisa_lexer_describe(AlisaArena *arena, const AlisaLexeme *lexeme) {
    static const char *const names[] = {
        [ALISA_LEXEME_DATA] = "text",
        [ALISA_LEXEME_PRINT_BEGIN] = "'{{'",
        [ALISA_LEXEME_PRINT_END] = "'}}'",
        [ALISA_LEXEME_STATEMENT_BEGIN] = "'{%'",
        [ALISA_LEXEME_STATEMENT_END] = "'%}'",
        [ALISA_LEXEME_END] = "the end of the template",
        [ALISA_LEXEME_TEXT] = "a text in quotes",
        [ALISA_LEXEME_INTEGER] = "a number",
        [ALISA_LEXEME_REAL] = "a number",
    };
    if (lexeme->kind != ALISA_LEXEME_NAME && lexeme->kind != ALISA_LEXEME_OPERATOR) {
        return names[lexeme->kind];
    }
    size_t length = lexeme->text.length < 64 ? lexeme->text.length : 64;
    char *described = alisa_arena_take(arena, length + 3, 1);
    described[0] = described[length + 1] = '\'';
    memcpy(described + 1, lexeme->text.bytes, length);
    return described;
}
