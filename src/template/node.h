/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A template as a tree. One struct serves all kinds of nodes; the comment of a kind says what is in
 * its members. "List of" is the first node of a list linked by `next`; NULL: empty, or absent.
 */
#ifndef ALISA_TEMPLATE_NODE_H
#define ALISA_TEMPLATE_NODE_H

#include "template/text.h"

typedef enum AlisaNodeKind {
    /* Expressions. */
    ALISA_NODE_CONSTANT,    /* value */
    ALISA_NODE_NAME,        /* text */
    ALISA_NODE_LIST,        /* items */
    ALISA_NODE_TUPLE,       /* items; as a target of assignment, too */
    ALISA_NODE_DICT,        /* items: key, value, key, value .. */
    ALISA_NODE_ATTRIBUTE,   /* one . text; as a target of assignment, `one` is a name */
    ALISA_NODE_ITEM,        /* one [two] */
    ALISA_NODE_SLICE,       /* one [two : three : items]; each may be NULL */
    ALISA_NODE_CALL,        /* one (items) */
    ALISA_NODE_FILTER,      /* one | text(items); `one` is NULL in {% filter %} and block sets */
    ALISA_NODE_TEST,        /* one is text(items) */
    ALISA_NODE_NEGATE,      /* - one */
    ALISA_NODE_PLUS,        /* + one */
    ALISA_NODE_NOT,         /* not one */
    ALISA_NODE_AND,         /* one and two */
    ALISA_NODE_OR,          /* one or two */
    ALISA_NODE_CHOICE,      /* one if two else three; `three` may be NULL */
    ALISA_NODE_ARITHMETIC,  /* one text two */
    ALISA_NODE_COMPARE,     /* one, then items: COMPARISON nodes */
    ALISA_NODE_COMPARISON,  /* text (an operator, "in" or "not in") one */
    ALISA_NODE_CONCATENATE, /* items, joined as texts */
    ALISA_NODE_KEYWORD,     /* in calls: text = one */
    ALISA_NODE_SPREAD,      /* in calls: *one */
    ALISA_NODE_SPREAD_DICT, /* in calls: **one */

    /* Statements. */
    ALISA_NODE_DATA,         /* value: a text */
    ALISA_NODE_PRINT,        /* one */
    ALISA_NODE_IF,           /* if one: body, else: other (an elif is an IF in `other`) */
    ALISA_NODE_FOR,          /* for one in two if three: body, else: other */
    ALISA_NODE_SET,          /* one = two */
    ALISA_NODE_SET_BLOCK,    /* one = what body prints, through the filters `two` */
    ALISA_NODE_WITH,         /* items: target, value, target, value ..; body */
    ALISA_NODE_FILTER_BLOCK, /* what body prints, through the filters `two` */
    ALISA_NODE_SCOPE,        /* body in a scope of its own ({% generation %}) */
    ALISA_NODE_MACRO,        /* text, items: its PARAMETER nodes, body */
    ALISA_NODE_PARAMETER,    /* text = one; NULL: without default */
    ALISA_NODE_CALL_BLOCK,   /* one: a CALL; two: a MACRO, its caller */
    ALISA_NODE_BREAK,
    ALISA_NODE_CONTINUE,
} AlisaNodeKind;

/* Names that a macro has when its body asks for them. */
enum {
    ALISA_MACRO_CALLER = 1u << 0,
    ALISA_MACRO_VARARGS = 1u << 1,
    ALISA_MACRO_KWARGS = 1u << 2,
};

typedef struct AlisaNode AlisaNode;
typedef struct AlisaEntry AlisaEntry;

struct AlisaNode {
    AlisaNodeKind kind;
    uint32_t macro; /* of a macro: bits ALISA_MACRO_* */
    size_t at;      /* byte of the source */
    AlisaText text;
    AlisaValue value;
    AlisaNode *one, *two, *three;
    AlisaNode *items, *body, *other, *next;
    const AlisaEntry *entry; /* of a filter or test; NULL: there is none of that name */
};

#endif
