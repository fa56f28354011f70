/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one pass over a template works with: memory, a budget of work, and one way out.
 *
 * A template is a stranger's program. So a pass takes all its memory from an arena that has a
 * limit, pays for every step from a budget that has a limit, and counts how deep it is. Whatever
 * goes wrong leaves the pass at once, from any depth, by a jump to alisa_arena_guard; since all
 * memory is the arena's, nothing is left behind.
 */
#ifndef ALISA_TEMPLATE_ARENA_H
#define ALISA_TEMPLATE_ARENA_H

#include "base/status.h"

#include <setjmp.h>

typedef struct AlisaArenaBlock AlisaArenaBlock;

typedef struct AlisaArena {
    AlisaArenaBlock *blocks; /* the newest first */
    size_t taken;            /* bytes of all blocks */
    size_t limit;            /* most bytes of all blocks */
    uint64_t budget;         /* units of work that are left */
    uint32_t depth;          /* calls of alisa_arena_enter that were not left yet */
    const char *source;      /* the template's text, for line and column */
    size_t at;               /* byte of `source` that the pass is at */
    const char *failure;     /* how a sentence begins: "the chat template is not valid" */
    AlisaError *error;       /* what a failure fills; never NULL inside alisa_arena_guard */
    AlisaStatus status;      /* of the failure */
    jmp_buf *exit;           /* NULL outside alisa_arena_guard */
} AlisaArena;

/* A unit of work is about the evaluation of one node, or the reading of 16 bytes. */
enum {
    ALISA_ARENA_BUDGET = 50 * 1000 * 1000,
    ALISA_ARENA_LIMIT = 256 << 20, /* bytes */
    ALISA_ARENA_DEPTH = 600,       /* of nested expressions, statements and values */
};

void alisa_arena_init(AlisaArena *arena);
void alisa_arena_finish(AlisaArena *arena);

/* Runs `pass` with `context`; a failure inside comes back as its status, with *error filled. */
AlisaStatus alisa_arena_guard(AlisaArena *arena, void (*pass)(void *context), void *context,
                              AlisaError *error);

/* Zeroed memory that lives until alisa_arena_finish. Inside the guard only, as all that follows. */
void *alisa_arena_take(AlisaArena *arena, size_t count, size_t size);
/* Pays for work; fails when the budget is used up. */
void alisa_arena_pay(AlisaArena *arena, uint64_t units);
/* Pays for reading bytes. */
void alisa_arena_pay_bytes(AlisaArena *arena, size_t bytes);
void alisa_arena_enter(AlisaArena *arena);
void alisa_arena_leave(AlisaArena *arena);

/* Leaves the pass with ALISA_ERROR_FORMAT, or with another status: `failure`, line and column, and
 * the sentence. */
_Noreturn void alisa_arena_fail(AlisaArena *arena, const char *format, ...) ALISA_PRINTF(2, 3);
/* Leaves the pass with a sentence that has no place in the template. */
_Noreturn void alisa_arena_stop(AlisaArena *arena, AlisaStatus status, const char *format, ...)
    ALISA_PRINTF(3, 4);

#endif
