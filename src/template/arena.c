/* SPDX-License-Identifier: Apache-2.0 */
#include "template/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_SIZE = 64 << 10 };

struct AlisaArenaBlock {
    AlisaArenaBlock *next;
    size_t used, size; /* of `bytes` */
    max_align_t bytes[];
};

void alisa_arena_init(AlisaArena *arena) {
    *arena = (AlisaArena){.limit = ALISA_ARENA_LIMIT, .budget = ALISA_ARENA_BUDGET};
}

void alisa_arena_finish(AlisaArena *arena) {
    while (arena->blocks) {
        AlisaArenaBlock *block = arena->blocks;
        arena->blocks = block->next;
        free(block);
    }
}

AlisaStatus alisa_arena_guard(AlisaArena *arena, void (*pass)(void *context), void *context,
                              AlisaError *error) {
    jmp_buf exit;
    AlisaError unwanted;
    arena->error = error ? error : &unwanted;
    arena->status = ALISA_OK;
    arena->exit = &exit;
    if (setjmp(exit) == 0) pass(context);
    arena->error = NULL;
    arena->exit = NULL;
    return arena->status;
}

static _Noreturn void leave(AlisaArena *arena) {
    arena->status = arena->error->status;
    longjmp(*arena->exit, 1);
}

void *alisa_arena_take(AlisaArena *arena, size_t count, size_t size) {
    if (size && count > arena->limit / size) count = arena->limit / size + 1;
    size_t wanted = (count * size + sizeof(max_align_t) - 1) & ~(sizeof(max_align_t) - 1);
    AlisaArenaBlock *block = arena->blocks;
    if (!block || wanted > block->size - block->used) {
        size_t room = wanted > BLOCK_SIZE ? wanted : BLOCK_SIZE;
        if (room > arena->limit - arena->taken) {
            alisa_arena_fail(arena, "it needs more than %zu MiB of memory", arena->limit >> 20);
        }
        AlisaArenaBlock *made =
            alisa_allocate_zeroed(1, sizeof *made + room, "chat template", arena->error);
        if (!made) leave(arena);
        made->size = room;
        arena->taken += room;
        /* The fuller of the two is not looked at again. */
        if (block && block->size - block->used > room - wanted) {
            made->next = block->next;
            block->next = made;
        } else {
            made->next = block;
            arena->blocks = made;
        }
        block = made;
    }
    void *bytes = (char *)block->bytes + block->used;
    block->used += wanted;
    return bytes;
}

void alisa_arena_pay(AlisaArena *arena, uint64_t units) {
    if (units > arena->budget) {
        alisa_arena_fail(arena, "it was stopped after %d steps, since it may run for ever",
                         ALISA_ARENA_BUDGET);
    }
    arena->budget -= units;
}

void alisa_arena_pay_bytes(AlisaArena *arena, size_t bytes) {
    alisa_arena_pay(arena, bytes / 16);
}

void alisa_arena_enter(AlisaArena *arena) {
    if (++arena->depth > ALISA_ARENA_DEPTH) {
        alisa_arena_fail(arena, "it is nested more than %d deep", ALISA_ARENA_DEPTH);
    }
}

void alisa_arena_leave(AlisaArena *arena) {
    arena->depth--;
}

/* Line and column of arena->at, which count from 1; columns are characters. */
static void find_place(const AlisaArena *arena, size_t *line, size_t *column) {
    *line = *column = 1;
    for (size_t i = 0; i < arena->at; i++) {
        if (arena->source[i] == '\n') {
            ++*line;
            *column = 1;
        } else if ((arena->source[i] & 0xc0) != 0x80) {
            ++*column;
        }
    }
}

void alisa_arena_fail(AlisaArena *arena, const char *format, ...) {
    char sentence[768];
    size_t line, column;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    find_place(arena, &line, &column);
    alisa_error_set(arena->error, ALISA_ERROR_FORMAT, "%s at line %zu, column %zu: %s",
                    arena->failure, line, column, sentence);
    leave(arena);
}

void alisa_arena_stop(AlisaArena *arena, AlisaStatus status, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(arena->error->message, sizeof arena->error->message, format, arguments);
    va_end(arguments);
    arena->error->status = status;
    leave(arena);
}
