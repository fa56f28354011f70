/* SPDX-License-Identifier: Apache-2.0 */
#include "template/template.h"

#include "template/input.h"
#include "template/parser.h"

#include <stdlib.h>
#include <string.h>

struct AlisaTemplate {
    AlisaArena arena; /* of the tree and the source */
    AlisaText source; /* with "\n" as line ends, and without the last one */
    AlisaNode *body;
};

/* ---- Reading ------------------------------------------------------------------------------ */

typedef struct Parsing {
    AlisaTemplate *parsed;
    const char *source;
    size_t length;
} Parsing;

static AlisaText copy_source(AlisaArena *arena, const char *source, size_t length) {
    char *bytes = alisa_arena_take(arena, length + 1, 1);
    size_t used = 0;
    for (size_t i = 0; i < length; i++) {
        bool pair = source[i] == '\r' && i + 1 < length && source[i + 1] == '\n';
        if (!pair) bytes[used++] = source[i] == '\r' ? '\n' : source[i];
    }
    if (used && bytes[used - 1] == '\n') used--;
    return (AlisaText){.bytes = bytes, .length = used};
}

static void parse(void *context) {
    Parsing *parsing = context;
    AlisaArena *arena = &parsing->parsed->arena;
    AlisaText source = copy_source(arena, parsing->source, parsing->length);
    parsing->parsed->source = source;
    arena->source = source.bytes;
    arena->failure = "the chat template is not valid";
    size_t invalid = alisa_text_invalid(source);
    if (invalid < source.length) {
        arena->at = invalid;
        alisa_arena_fail(arena, "the byte 0x%02x is not UTF-8",
                         (unsigned char)source.bytes[invalid]);
    }
    parsing->parsed->body = alisa_parser_run(arena, alisa_lexer_run(arena, source));
}

AlisaStatus alisa_template_parse(const char *source, size_t length, AlisaTemplate **out,
                                 AlisaError *error) {
    *out = NULL;
    AlisaTemplate *parsed = alisa_allocate_zeroed(1, sizeof *parsed, "chat template", error);
    if (!parsed) return ALISA_ERROR_MEMORY;
    Parsing parsing = {parsed, source, length};
    alisa_arena_init(&parsed->arena);
    AlisaStatus status = alisa_arena_guard(&parsed->arena, parse, &parsing, error);
    if (status != ALISA_OK) {
        alisa_template_destroy(parsed);
        return status;
    }
    *out = parsed;
    return ALISA_OK;
}

void alisa_template_destroy(AlisaTemplate *parsed) {
    if (!parsed) return;
    alisa_arena_finish(&parsed->arena);
    free(parsed);
}

/* ---- Running ------------------------------------------------------------------------------ */

typedef struct Rendering {
    const AlisaTemplate *parsed;
    const json_t *variables;
    AlisaRun run;
    AlisaText text; /* what was printed; the arena's */
} Rendering;

static void render(void *context) {
    Rendering *rendering = context;
    AlisaRun *run = &rendering->run;
    AlisaBuilder out = {.arena = run->arena};
    AlisaScope given = {0}, own = {.around = &given};
    run->out = &out;
    run->scope = &given;
    alisa_input_variables(run, rendering->variables);
    run->scope = &own;
    alisa_execute(run, rendering->parsed->body);
    rendering->text = alisa_builder_text(&out);
}

static size_t count_pieces(AlisaText text) {
    size_t count = text.length > 0;
    for (size_t i = 1; i < text.length && text.marks; i++)
        count += text.marks[i] != text.marks[i - 1];
    return count;
}

static AlisaStatus copy_text(AlisaText from, AlisaChatText *to, AlisaError *error) {
    to->length = from.length;
    to->piece_count = count_pieces(from);
    to->bytes = alisa_allocate(from.length + 1, 1, "chat text", error);
    to->pieces =
        to->bytes ? alisa_allocate(to->piece_count, sizeof *to->pieces, "chat text", error) : NULL;
    if (!to->pieces) {
        alisa_template_text_finish(to);
        return ALISA_ERROR_MEMORY;
    }
    if (from.length) memcpy(to->bytes, from.bytes, from.length);
    to->bytes[from.length] = 0;
    for (size_t i = 1, piece = 0; i <= from.length; i++) {
        uint8_t mark = alisa_text_mark(from, i - 1);
        if (i < from.length && alisa_text_mark(from, i) == mark) continue;
        to->pieces[piece++] = (AlisaChatPiece){i, mark};
    }
    return ALISA_OK;
}

AlisaStatus alisa_template_render(const AlisaTemplate *parsed, const json_t *variables, int64_t now,
                                  AlisaChatText *text, AlisaError *error) {
    *text = (AlisaChatText){0};
    AlisaArena arena;
    alisa_arena_init(&arena);
    arena.source = parsed->source.bytes;
    arena.failure = "the chat template fails";
    Rendering rendering = {
        .parsed = parsed, .variables = variables, .run = {.arena = &arena, .now = now}};
    AlisaStatus status = alisa_arena_guard(&arena, render, &rendering, error);
    if (status == ALISA_OK) status = copy_text(rendering.text, text, error);
    alisa_arena_finish(&arena);
    return status;
}

void alisa_template_text_finish(AlisaChatText *text) {
    free(text->bytes);
    free(text->pieces);
    *text = (AlisaChatText){0};
}
