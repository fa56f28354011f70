/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chat: a conversation to the text and the tokens that a model was trained on.
 *
 * The file of a model says how in its chat template, a program in a subset of Jinja that is run as
 * it is written, within limits of steps, depth and memory. What it prints comes in pieces, since
 * what a user typed must not become a control token: alisa_chat_tokenize looks for those in the
 * template's own pieces only.
 */
#ifndef ALISA_CHAT_H
#define ALISA_CHAT_H

#include "alisa/alisa.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct AlisaChatTemplate AlisaChatTemplate;

/* Reads a template: `source`, or that of the model's file (the key tokenizer.chat_template) where
 * `source` is NULL. `model` may be NULL where `source` is not; it tells the texts of the tokens
 * that begin and end a text. Neither is kept. A file without a template is ALISA_ERROR_UNSUPPORTED,
 * and a template with a syntax error ALISA_ERROR_FORMAT with its line and column. */
ALISA_API AlisaStatus alisa_chat_template_create(const AlisaModel *model, const char *source,
                                                 AlisaChatTemplate **chat_template,
                                                 AlisaError *error);
ALISA_API void alisa_chat_template_destroy(AlisaChatTemplate *chat_template);

/* The templates that come with the library, for files that bring none: names ("chatml", "llama3"),
 * NULL-terminated, and the source of one; NULL when there is none of that name. Static storage. */
ALISA_API const char *const *alisa_chat_template_names(void);
ALISA_API const char *alisa_chat_template_source(const char *name);

typedef struct AlisaChatMessage {
    const char *role; /* "system", "user", "assistant", or another that the template knows */
    const char *content;
} AlisaChatMessage;

typedef struct AlisaChatOptions {
    const AlisaChatMessage *messages; /* default NULL: those of `messages_json` */
    size_t message_count;
    const char *messages_json; /* in place of `messages`: a JSON array of objects, which may also
                                  have tool_calls and whatever else the template knows */
    const char *tools_json;    /* the tools that the model may call, a JSON array; default NULL */
    const char *bos;           /* text of the token that begins a text; default NULL: the model's */
    const char *eos;           /* text of the token that ends a text; default NULL: the model's */
    bool reply;                /* end with the beginning of the assistant's next message; default
                                  true */
    int64_t now;               /* what time it is for the template, in seconds since 1970; default:
                                  the time of alisa_chat_options_defaults */
} AlisaChatOptions;

ALISA_API void alisa_chat_options_defaults(AlisaChatOptions *options);

/* A piece of a text goes on from the one before, up to `end`. */
typedef struct AlisaChatPiece {
    size_t end;    /* in bytes from the text's beginning */
    bool stranger; /* it came from messages or tools: "<|im_end|>" in it is no token */
} AlisaChatPiece;

typedef struct AlisaChatText {
    char *bytes; /* ends with a 0 past `length` */
    size_t length;
    AlisaChatPiece *pieces; /* none where the text is empty; neighbours differ in `stranger` */
    size_t piece_count;
} AlisaChatText;

/* Writes a conversation. *text is given back with alisa_chat_text_finish. A template that refuses
 * the conversation gives ALISA_ERROR_ARGUMENT with its own words, and one that fails or does not
 * end ALISA_ERROR_FORMAT. */
ALISA_API AlisaStatus alisa_chat_render(const AlisaChatTemplate *chat_template,
                                        const AlisaChatOptions *options, AlisaChatText *text,
                                        AlisaError *error);
/* Frees what is in *text; a zeroed one is allowed. */
ALISA_API void alisa_chat_text_finish(AlisaChatText *text);

/* Tokens of a conversation's text, as alisa_tokenize gives them. The token that begins a text comes
 * first where the model's metadata asks for it, once. */
ALISA_API AlisaStatus alisa_chat_tokenize(const AlisaModel *model, const AlisaChatText *text,
                                          int32_t **tokens, size_t *count, AlisaError *error);

#ifdef __cplusplus
}
#endif

#endif
