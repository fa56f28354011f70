/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Passages: token sequences of which a model scores a part. Perplexity, recall and multiple choice
 * are all made of them; this is how they go through the sequences of a session.
 */
#ifndef ALISA_CLI_EVAL_PASSAGES_H
#define ALISA_CLI_EVAL_PASSAGES_H

#include "runtime/runtime.h"

typedef struct Passage {
    const int32_t *ids; /* [count]; the last one is predicted, never appended */
    size_t count;       /* at least 2 */
    size_t first;       /* index of the first id that is scored, 1 <= first < count */
    /* Sequence that holds it when passages are fed whole. One that begins like the passage before
     * it in that sequence takes over what the two share. */
    uint32_t sequence;
} Passage;

typedef struct PassageSet {
    Runtime *runtime;
    Passage *passages;
    size_t count;
    uint32_t sequences; /* of the session */
    /* One token of every sequence a call, so that a sparse attention chooses at every position;
     * else passages are fed whole, as prompts are. */
    bool step_by_step;
    /* Compare with a second session: dense attention, half-precision keys and values. */
    bool compare;
    /* Called for every scored id, those of one passage in order: `logits` predict id `index` of the
     * passage, `reference` is the second session's (NULL without one); both may be changed. False:
     * nobody reads the results any more. */
    bool (*scored)(void *user, size_t passage, size_t index, float *logits, float *reference);
    void *user;
} PassageSet;

/* Whether the settings want passages step by step. */
bool alisa_cli_passages_by_step(const Settings *settings);

/* Makes the sessions and feeds all passages through them. Prints its own sentence when it fails;
 * EXIT_INTERRUPTED after Ctrl-C. The runtime's engine must be open. */
ExitCode alisa_cli_passages_run(PassageSet *set);

/* Ids of `context` followed by `continuation` in *tokens, tokenized as one text that begins as the
 * model's texts do; *first is where the continuation begins. Without a token that begins a text an
 * empty context is an error. */
ExitCode alisa_cli_passage_tokenize(const Runtime *runtime, const char *context,
                                    const char *continuation, Tokens *tokens, size_t *first);

#endif
