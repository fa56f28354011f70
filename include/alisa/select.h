/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sparse attention: which of a sequence's tokens a step attends to. AlisaSessionOptions.attention
 * points to the options here.
 */
#ifndef ALISA_SELECT_H
#define ALISA_SELECT_H

#include "alisa/alisa.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A step is a row that comes alone for its sequence in a call of alisa_session_eval; several rows
 * of one sequence in a call are a prompt, and attend to every token before them. A step at a length
 * of n tokens attends to a list of 2k of them, where
 *     k = max(1, lround(n (1 - sparsity) / 2)), and at least AlisaSelectOptions.keep / 2;
 * where 2k >= n, to all of them. The weight of a token in a step is the softmax probability that
 * attention gave it, summed over the heads that share the list. */
typedef enum AlisaSelectKind {
    ALISA_SELECT_DENSE,   /* every token, whatever the sparsity; the default */
    ALISA_SELECT_SWA,     /* Sparse Window Attention: the newest k tokens, and the k older ones that
                             rank highest by AlisaSelectScores, within a window of recent steps */
    ALISA_SELECT_LOCAL,   /* the newest 2k tokens */
    ALISA_SELECT_STRIDED, /* 2k tokens evenly spaced back from the newest */
    ALISA_SELECT_H2O,     /* the newest k tokens, and the k older ones with most weight in all steps
                             so far */
    ALISA_SELECT_RANDOM,  /* the newest k tokens, and k older ones drawn anew in each step */
    ALISA_SELECT_KIND_COUNT
} AlisaSelectKind;

/* How ALISA_SELECT_SWA and ALISA_SELECT_H2O rank older tokens. */
typedef enum AlisaSelectScores {
    ALISA_SELECT_SCORES_SPARSE, /* by weight in past steps, which is 0 in a step whose list left the
                                   token out; the default */
    ALISA_SELECT_SCORES_DENSE,  /* by weight in past steps, each computed over all tokens */
    ALISA_SELECT_SCORES_QUERY,  /* for swa only: by weight in this step, estimated for all tokens
                                   from an index of their keys; a token with less than 4 times the
                                   mean gives way to a newer one */
    ALISA_SELECT_SCORES_COUNT
} AlisaSelectScores;

typedef enum AlisaSelectLists {
    ALISA_SELECT_LISTS_LAYER,   /* all heads of a layer share one list; the default */
    ALISA_SELECT_LISTS_KV_HEAD, /* each KV head has a list, shared by its query heads */
    ALISA_SELECT_LISTS_COUNT
} AlisaSelectLists;

typedef struct AlisaSelectOptions {
    AlisaSelectKind kind; /* default ALISA_SELECT_DENSE */
    double sparsity;      /* share of the tokens that a list leaves out, 0 to 0.99; default 0.8 */
    uint32_t keep;        /* fewest tokens of a list; default 0: no lower limit */
    uint32_t sinks;  /* first tokens of the sequence that every list keeps, at most k, in place of
                        as many others; default 0 */
    uint32_t window; /* recent steps, at most k, over which swa adds up weights; 0: k, for which
                        memory grows with the square of the context; default 64 */
    AlisaSelectScores scores; /* default ALISA_SELECT_SCORES_SPARSE */
    AlisaSelectLists lists;   /* default ALISA_SELECT_LISTS_LAYER */
    uint64_t seed;            /* decides the draws of ALISA_SELECT_RANDOM; default 0 */
} AlisaSelectOptions;

/* Name of a value ("swa", "query", "kv-head") as the command line takes it; static storage. */
ALISA_API const char *alisa_select_kind_name(AlisaSelectKind kind);
ALISA_API const char *alisa_select_scores_name(AlisaSelectScores scores);
ALISA_API const char *alisa_select_lists_name(AlisaSelectLists lists);

ALISA_API void alisa_select_options_defaults(AlisaSelectOptions *options);

#ifdef __cplusplus
}
#endif
#endif
