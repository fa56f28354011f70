/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chat templates: a conversation to the text that a model was trained on. Templates are programs in
 * a subset of Jinja, read and run as Hugging Face's transformers do it; whoever made the model's
 * file wrote them, so they are trusted with nothing: see arena.h.
 *
 * The text comes in pieces, since not all of it is the template's: what was typed by a user must
 * not become a control token, whatever it looks like.
 */
#ifndef ALISA_TEMPLATE_TEMPLATE_H
#define ALISA_TEMPLATE_TEMPLATE_H

#include "base/status.h"

#include "alisa/chat.h"

#include <jansson.h>

typedef struct AlisaTemplate AlisaTemplate;

/* Reads a template of `length` bytes; nothing of `source` is kept. A syntax error is
 * ALISA_ERROR_FORMAT with its line and column. */
AlisaStatus alisa_template_parse(const char *source, size_t length, AlisaTemplate **out,
                                 AlisaError *error);
void alisa_template_destroy(AlisaTemplate *parsed);

/* Runs a template over `variables`, an object: messages, tools, add_generation_prompt, bos_token
 * and whatever else it may ask for. Texts inside messages, tools and documents are a stranger's,
 * but for the role of a message where that is a plain word. `now`, in seconds since 1970, is what
 * strftime_now tells. A template that refuses the conversation gives ALISA_ERROR_ARGUMENT with its
 * own words, one that fails or does not end ALISA_ERROR_FORMAT. *text is given back with
 * alisa_template_text_finish. */
AlisaStatus alisa_template_render(const AlisaTemplate *parsed, const json_t *variables, int64_t now,
                                  AlisaChatText *text, AlisaError *error);
void alisa_template_text_finish(AlisaChatText *text);

#endif
