/* SPDX-License-Identifier: Apache-2.0 */
#include "eval/passages.h"

#include "runtime/policy.h"

#include <stdlib.h>
#include <string.h>

#define NO_PASSAGE SIZE_MAX

/* A scored id: what the logits of a row predict. */
typedef struct Target {
    size_t passage, index;
} Target;

/* The state of one run: rows that wait to be evaluated together, and what the sequences hold. */
typedef struct Feed {
    PassageSet *set;
    AlisaSession *sessions[2]; /* the runtime's; the reference or NULL */
    AlisaRow *rows;            /* [row_limit] */
    Target *targets;           /* [target_limit] what rows with logits predict, in their order */
    size_t row_count, row_limit, target_count, target_limit;
    size_t *held;   /* [sequences] passage of a sequence, NO_PASSAGE when there is none */
    size_t *fed;    /* [sequences] how many ids of that passage were fed */
    bool *waiting;  /* [sequences] whether rows of it wait */
    bool abandoned; /* nobody reads the results */
    size_t done;    /* passages that were fed */
    AlisaProgress progress;
} Feed;

/* ---- Rows --------------------------------------------------------------------------------- */

static AlisaStatus flush(Feed *feed, AlisaError *error) {
    PassageSet *set = feed->set;
    AlisaStatus status = ALISA_OK;
    for (size_t i = 0; i < 2 && feed->row_count > 0 && status == ALISA_OK; i++) {
        if (!feed->sessions[i]) continue;
        status = alisa_session_eval(feed->sessions[i], feed->rows, feed->row_count, error);
    }
    if (status != ALISA_OK) return status;
    for (size_t i = 0; i < feed->target_count && !feed->abandoned; i++) {
        float *logits = alisa_session_logits(feed->sessions[0], i);
        float *reference = feed->sessions[1] ? alisa_session_logits(feed->sessions[1], i) : NULL;
        feed->abandoned = !set->scored(set->user, feed->targets[i].passage, feed->targets[i].index,
                                       logits, reference);
    }
    Timings *timings = &set->runtime->timings;
    *(set->step_by_step ? &timings->eval_tokens : &timings->prompt_tokens) += feed->row_count;
    feed->row_count = feed->target_count = 0;
    memset(feed->waiting, 0, set->sequences * sizeof *feed->waiting);
    if (feed->progress.update) {
        feed->progress.update(feed->progress.user, "evaluating", feed->done, set->count);
    }
    return ALISA_OK;
}

/* Adds the next id of the passage that `sequence` holds. */
static AlisaStatus push(Feed *feed, uint32_t sequence, AlisaError *error) {
    const Passage *passage = &feed->set->passages[feed->held[sequence]];
    size_t next = ++feed->fed[sequence];
    bool wanted = next >= passage->first;
    if (feed->row_count == feed->row_limit ||
        (wanted && feed->target_count == feed->target_limit)) {
        AlisaStatus status = flush(feed, error);
        if (status != ALISA_OK) return status;
    }
    if (wanted) feed->targets[feed->target_count++] = (Target){feed->held[sequence], next};
    feed->rows[feed->row_count++] = (AlisaRow){passage->ids[next - 1], sequence, wanted};
    feed->waiting[sequence] = true;
    return ALISA_OK;
}

static bool is_fed(const Feed *feed, uint32_t sequence) {
    return feed->fed[sequence] + 1 == feed->set->passages[feed->held[sequence]].count;
}

/* Lets `sequence` hold `passage`, up to `most` tokens of which it may hold already. */
static void hold(Feed *feed, uint32_t sequence, size_t passage, size_t most) {
    const int32_t *ids = feed->set->passages[passage].ids;
    size_t kept = most;
    for (size_t i = 0; i < 2; i++)
        if (feed->sessions[i]) kept = alisa_session_keep(feed->sessions[i], sequence, ids, kept);
    if (feed->sessions[1]) alisa_session_truncate(feed->sessions[0], sequence, (uint32_t)kept);
    feed->held[sequence] = passage;
    feed->fed[sequence] = kept;
}

/* ---- The two ways ------------------------------------------------------------------------- */

static AlisaStatus feed_whole(Feed *feed, AlisaError *error) {
    const PassageSet *set = feed->set;
    AlisaStatus status = ALISA_OK;
    for (size_t i = 0; i < set->count && status == ALISA_OK && !feed->abandoned; i++) {
        uint32_t sequence = set->passages[i].sequence;
        if (feed->waiting[sequence]) status = flush(feed, error);
        if (status != ALISA_OK || feed->abandoned) break;
        /* But for those whose logits are wanted. */
        hold(feed, sequence, i, set->passages[i].first - 1);
        while (status == ALISA_OK && !is_fed(feed, sequence)) {
            status = push(feed, sequence, error);
        }
        feed->done = i + 1;
    }
    return status;
}

/* A passage that ends leaves its sequence to the next one. */
static AlisaStatus feed_steps(Feed *feed, AlisaError *error) {
    const PassageSet *set = feed->set;
    AlisaStatus status = ALISA_OK;
    size_t next = 0;
    bool running = true;
    while (running && status == ALISA_OK && !feed->abandoned) {
        running = false;
        for (uint32_t sequence = 0; sequence < set->sequences && status == ALISA_OK; sequence++) {
            if (feed->held[sequence] == NO_PASSAGE && next < set->count) {
                hold(feed, sequence, next++, 0);
            }
            if (feed->held[sequence] == NO_PASSAGE) continue;
            running = true;
            status = push(feed, sequence, error);
            if (!is_fed(feed, sequence)) continue;
            feed->held[sequence] = NO_PASSAGE;
            feed->done++;
        }
        if (status == ALISA_OK) status = flush(feed, error);
    }
    return status;
}

/* ---- Sessions ----------------------------------------------------------------------------- */

/* Rows with logits in one call: enough to keep the device busy, and never more than 64 MiB. */
static size_t most_targets(const PassageSet *set) {
    const Runtime *runtime = set->runtime;
    size_t limit = (64u << 20) / (runtime->info.vocabulary_size * sizeof(float) + 1), scored = 0;
    if (limit > (size_t)runtime->settings->batch_size) {
        limit = (size_t)runtime->settings->batch_size;
    }
    if (limit < 1) limit = 1;
    if (set->step_by_step) return limit < set->sequences ? limit : set->sequences;
    for (size_t i = 0; i < set->count && scored < limit; i++) {
        scored += set->passages[i].count - set->passages[i].first;
    }
    return scored < limit ? scored : limit;
}

static ExitCode make_sessions(Feed *feed) {
    const PassageSet *set = feed->set;
    SessionChoice choice = alisa_cli_runtime_choice(set->runtime);
    AlisaSessionOptions *options = &choice.options;
    options->sequence_count = set->sequences;
    options->logit_rows = (uint32_t)feed->target_limit;
    size_t longest = 0;
    for (size_t i = 0; i < set->count; i++) {
        if (set->passages[i].count > longest) longest = set->passages[i].count;
    }
    options->context_length = (uint32_t)(longest - 1);
    ExitCode code = alisa_cli_runtime_session(set->runtime, &choice);
    feed->sessions[0] = set->runtime->session;
    if (code != EXIT_DONE || !set->compare) return code;

    AlisaSessionOptions plain;
    alisa_session_options_defaults(&plain);
    plain.sequence_count = options->sequence_count;
    plain.context_length = options->context_length;
    plain.micro_batch = options->micro_batch;
    plain.logit_rows = options->logit_rows;
    plain.interrupt = options->interrupt;
    plain.interrupt_user = options->interrupt_user;
    AlisaError error;
    if (alisa_session_create(set->runtime->engine, &plain, &feed->sessions[1], &error)) {
        return alisa_cli_fail(&error);
    }
    return EXIT_DONE;
}

bool alisa_cli_passages_by_step(const Settings *settings) {
    /* Prompts attend to everything: what sparse attention costs shows in steps only. */
    return settings->step_by_step ||
           alisa_cli_policy_attention(settings, (AlisaPolicy)settings->policy) !=
               ALISA_SELECT_DENSE;
}

static ExitCode feed_all(Feed *feed) {
    PassageSet *set = feed->set;
    if (!feed->rows || !feed->targets || !feed->held || !feed->fed || !feed->waiting) {
        return alisa_cli_out_of_memory();
    }
    for (uint32_t i = 0; i < set->sequences; i++) {
        feed->held[i] = NO_PASSAGE;
    }
    ExitCode code = make_sessions(feed);
    if (code != EXIT_DONE) return code;
    AlisaError error;
    uint64_t started = alisa_cli_clock();
    AlisaStatus status = set->step_by_step ? feed_steps(feed, &error) : feed_whole(feed, &error);
    if (status == ALISA_OK) status = flush(feed, &error);
    Timings *timings = &set->runtime->timings;
    *(set->step_by_step ? &timings->eval_ns : &timings->prompt_ns) = alisa_cli_clock() - started;
    if (status == ALISA_ERROR_INTERRUPTED) return EXIT_INTERRUPTED;
    return status == ALISA_OK ? EXIT_DONE : alisa_cli_fail(&error);
}

/* Under vllm a sequence waits until others leave the device: texts that are scored in the order of
 * the calls cannot. */
static ExitCode check_policy(const PassageSet *set) {
    if (set->runtime->settings->policy != ALISA_POLICY_VLLM || set->sequences == 1)
        return EXIT_DONE;
    return alisa_cli_refuse(EXIT_USAGE,
                            "--policy vllm lets sequences wait for each other, and %u texts are "
                            "scored together here: use --batch 1, or another policy, under which "
                            "scores are the same",
                            set->sequences);
}

ExitCode alisa_cli_passages_run(PassageSet *set) {
    ExitCode code = check_policy(set);
    if (code != EXIT_DONE) return code;
    Feed feed = {.set = set,
                 .row_limit = (size_t)set->runtime->settings->batch_size,
                 .target_limit = most_targets(set),
                 .progress = alisa_cli_progress()};
    feed.rows = malloc(feed.row_limit * sizeof *feed.rows);
    feed.targets = malloc(feed.target_limit * sizeof *feed.targets);
    feed.held = malloc(set->sequences * sizeof *feed.held);
    feed.fed = calloc(set->sequences, sizeof *feed.fed);
    feed.waiting = calloc(set->sequences, sizeof *feed.waiting);
    code = feed_all(&feed);
    alisa_session_destroy(feed.sessions[1]);
    free(feed.rows);
    free(feed.targets);
    free(feed.held);
    free(feed.fed);
    free(feed.waiting);
    return code;
}

/* ---- Tokens ------------------------------------------------------------------------------- */

ExitCode alisa_cli_passage_tokenize(const Runtime *runtime, const char *context,
                                    const char *continuation, Tokens *tokens, size_t *first) {
    Text whole = {0};
    Tokens before = {0};
    AlisaError error;
    ExitCode code = EXIT_DONE;
    *tokens = (Tokens){0};
    if (!alisa_cli_text_append(&whole, context, strlen(context)) ||
        !alisa_cli_text_append(&whole, continuation, strlen(continuation))) {
        code = alisa_cli_out_of_memory();
    } else if (alisa_tokenize(runtime->model, context, strlen(context), ALISA_TOKENIZE_BOS,
                              &before.ids, &before.count, &error) != ALISA_OK ||
               alisa_tokenize(runtime->model, whole.data, whole.size, ALISA_TOKENIZE_BOS,
                              &tokens->ids, &tokens->count, &error) != ALISA_OK) {
        code = alisa_cli_fail(&error);
    } else if (before.count == 0) {
        code = alisa_cli_refuse(EXIT_USAGE, "a text to score has no context and the model has no "
                                            "token that begins a text");
    } else if (tokens->count < 2) {
        code = alisa_cli_refuse(EXIT_USAGE, "'%s' gives no tokens to score", continuation);
    }
    /* A token that joins the end of the context and the start of the continuation is scored. */
    *first = before.count < tokens->count ? before.count : tokens->count - 1;
    alisa_free(before.ids);
    alisa_cli_text_free(&whole);
    if (code != EXIT_DONE) {
        alisa_free(tokens->ids);
        *tokens = (Tokens){0};
    }
    return code;
}
