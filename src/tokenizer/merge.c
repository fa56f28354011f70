/* SPDX-License-Identifier: Apache-2.0 */
#include "tokenizer/internal.h"

#include <stdlib.h>

static AlisaStatus fail_memory(AlisaError *error, size_t count) {
    return alisa_error_set(error, ALISA_ERROR_MEMORY,
                           "no host memory to tokenize a text of %zu symbols", count);
}

AlisaStatus alisa_merger_add(AlisaMerger *merger, uint32_t start, uint32_t size, int32_t token,
                             AlisaError *error) {
    if (merger->count == merger->capacity) {
        uint32_t capacity = merger->capacity ? merger->capacity * 2 : 256;
        AlisaSymbol *larger = realloc(merger->symbols, (size_t)capacity * sizeof *larger);
        if (!larger) return fail_memory(error, capacity);
        merger->symbols = larger;
        merger->capacity = capacity;
    }
    merger->symbols[merger->count] = (AlisaSymbol){
        .start = start,
        .size = size,
        .token = token,
        .previous = merger->count ? merger->count - 1 : ALISA_SYMBOL_NONE,
        .next = ALISA_SYMBOL_NONE,
    };
    if (merger->count) merger->symbols[merger->count - 1].next = merger->count;
    merger->count++;
    return ALISA_OK;
}

/* ---- A binary heap, the best candidate on top --------------------------------------------- */

static bool goes_before(const AlisaCandidate *a, const AlisaCandidate *b) {
    if (a->cost != b->cost) return a->cost < b->cost;
    return a->left < b->left;
}

static AlisaStatus push(AlisaMerger *merger, AlisaCandidate candidate, AlisaError *error) {
    if (merger->heap_count == merger->heap_capacity) {
        size_t capacity = merger->heap_capacity ? merger->heap_capacity * 2 : 256;
        AlisaCandidate *larger = realloc(merger->heap, capacity * sizeof *larger);
        if (!larger) return fail_memory(error, capacity);
        merger->heap = larger;
        merger->heap_capacity = capacity;
    }
    size_t i = merger->heap_count++;
    while (i > 0 && goes_before(&candidate, &merger->heap[(i - 1) / 2])) {
        merger->heap[i] = merger->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    merger->heap[i] = candidate;
    return ALISA_OK;
}

static AlisaCandidate pop(AlisaMerger *merger) {
    AlisaCandidate *heap = merger->heap;
    AlisaCandidate best = heap[0], last = heap[--merger->heap_count];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= merger->heap_count) break;
        if (child + 1 < merger->heap_count && goes_before(&heap[child + 1], &heap[child])) child++;
        if (!goes_before(&heap[child], &last)) break;
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = last;
    return best;
}

/* ---- Merging ------------------------------------------------------------------------------ */

typedef struct Run {
    AlisaMerger *merger;
    const AlisaTokenizer *tokenizer;
    const char *text;
    AlisaPairFinder find;
    AlisaError *error;
} Run;

static AlisaStatus consider(const Run *run, uint32_t left, uint32_t right) {
    if (left == ALISA_SYMBOL_NONE || right == ALISA_SYMBOL_NONE) return ALISA_OK;
    const AlisaSymbol *symbols = run->merger->symbols;
    AlisaCandidate candidate = {
        .left = left, .right = right, .size = symbols[left].size + symbols[right].size};
    if (!run->find(run->tokenizer, run->text, &symbols[left], &symbols[right], &candidate.cost,
                   &candidate.token)) {
        return ALISA_OK;
    }
    return push(run->merger, candidate, run->error);
}

AlisaStatus alisa_merger_run(AlisaMerger *merger, const AlisaTokenizer *tokenizer, const char *text,
                             AlisaPairFinder find, AlisaError *error) {
    Run run = {merger, tokenizer, text, find, error};
    AlisaSymbol *symbols = merger->symbols;
    AlisaStatus status = ALISA_OK;
    merger->heap_count = 0;
    for (uint32_t i = 1; status == ALISA_OK && i < merger->count; i++) {
        status = consider(&run, i - 1, i);
    }
    while (status == ALISA_OK && merger->heap_count) {
        AlisaCandidate best = pop(merger);
        AlisaSymbol *left = &symbols[best.left], *right = &symbols[best.right];
        /* A symbol never moves and only grows: equal sizes mean the pair is still the same. */
        if (!left->size || !right->size || left->size + right->size != best.size) continue;
        left->size = best.size;
        left->token = best.token;
        left->next = right->next;
        right->size = 0;
        if (left->next != ALISA_SYMBOL_NONE) symbols[left->next].previous = best.left;
        status = consider(&run, left->previous, best.left);
        if (status == ALISA_OK) status = consider(&run, best.left, left->next);
    }
    return status;
}

void alisa_merger_finish(AlisaMerger *merger) {
    free(merger->symbols);
    free(merger->heap);
    *merger = (AlisaMerger){0};
}
