/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Methods of texts, some of which are filters, too.
 */
#ifndef ALISA_TEMPLATE_TEXT_METHODS_H
#define ALISA_TEMPLATE_TEXT_METHODS_H

#include "template/run.h"

extern const AlisaEntry alisa_text_methods[];

AlisaText alisa_text_replace(AlisaArena *arena, AlisaText text, AlisaText old, AlisaText new,
                             int64_t most);
/* The first letter as a capital, the others small. */
AlisaText alisa_text_capitalize(AlisaArena *arena, AlisaText text);
/* Blanks at both sides up to a width in characters. */
AlisaText alisa_text_center(AlisaArena *arena, AlisaText text, int64_t width, AlisaText fill);
bool alisa_text_is_upper(AlisaText text);
bool alisa_text_is_lower(AlisaText text);

#endif
