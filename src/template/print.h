/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values as text: as Python's str and repr write them, and as JSON.
 */
#ifndef ALISA_TEMPLATE_PRINT_H
#define ALISA_TEMPLATE_PRINT_H

#include "template/text.h"

/* As str(value): a text is itself, an undefined value nothing. */
void alisa_print_value(AlisaBuilder *builder, AlisaValue value);
AlisaText alisa_print_text(AlisaArena *arena, AlisaValue value);
/* As repr(value): a text is in quotes. */
void alisa_print_quoted(AlisaBuilder *builder, AlisaValue value);

typedef struct AlisaJsonStyle {
    AlisaText indent;    /* of one level; read where `lines` */
    bool lines;          /* every item on a line of its own */
    AlisaText separator; /* between items */
    AlisaText colon;     /* between a key and its value */
    bool ascii;          /* other characters are escaped */
    bool sort;           /* keys in order */
} AlisaJsonStyle;

/* As Python's json.dumps. Fails for what is not JSON. */
void alisa_print_json(AlisaBuilder *builder, AlisaValue value, const AlisaJsonStyle *style);

#endif
