/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logits -> token. The stages run in the order the public header gives: ignored tokens, repeat
 * penalty, top-k, top-p, min-p, temperature, draw. Candidates rank by larger logit, then by lower
 * id, so that the result never depends on how the selection walks through them.
 */
#include "sample/sampler.h"

#include "base/random.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

typedef struct Candidate {
    float logit;
    int32_t id;
} Candidate;

struct AlisaSampler {
    AlisaSamplerOptions options;
    AlisaRandom random;
    uint32_t vocabulary_size;
    Candidate *candidates; /* [vocabulary_size], filled anew by each sample */
    bool *ignored;         /* [vocabulary_size] never drawn: a logit of -infinity to all stages */
    uint32_t *recent;      /* [vocabulary_size] how often each id is among the last repeat_last_n */
    int32_t *history;      /* ring of repeat_last_n ids; NULL when nothing ever leaves the window */
    uint32_t history_used;
    uint32_t history_next; /* slot the next accepted id goes to */
};

static AlisaStatus check_options(const AlisaSamplerOptions *options, uint32_t vocabulary_size,
                                 AlisaError *error) {
    if (vocabulary_size == 0 || vocabulary_size > INT32_MAX) {
        return alisa_error_set(error, ALISA_ERROR_ARGUMENT,
                               "sampler: a vocabulary of %u tokens cannot be sampled from",
                               vocabulary_size);
    }
    const struct {
        const char *name;
        float value;
    } reals[] = {
        {"temperature", options->temperature},
        {"top_p", options->top_p},
        {"min_p", options->min_p},
        {"repeat_penalty", options->repeat_penalty},
    };
    for (size_t i = 0; i < sizeof reals / sizeof reals[0]; i++) {
        if (isfinite(reals[i].value)) continue;
        return alisa_error_set(error, ALISA_ERROR_ARGUMENT, "sampler: %s must be a finite number",
                               reals[i].name);
    }
    if (options->repeat_penalty <= 0.0f) {
        return alisa_error_set(error, ALISA_ERROR_ARGUMENT,
                               "sampler: repeat_penalty must be above 0 (1 turns it off), not %g",
                               (double)options->repeat_penalty);
    }
    if (options->repeat_last_n < -1) {
        return alisa_error_set(error, ALISA_ERROR_ARGUMENT,
                               "sampler: repeat_last_n must be -1 or more, not %d",
                               (int)options->repeat_last_n);
    }
    return ALISA_OK;
}

AlisaStatus alisa_sample_create(const AlisaSamplerOptions *options, uint32_t vocabulary_size,
                                AlisaSampler **sampler, AlisaError *error) {
    *sampler = NULL;
    AlisaStatus status = check_options(options, vocabulary_size, error);
    if (status != ALISA_OK) return status;

    AlisaSampler *made = alisa_allocate_zeroed(1, sizeof *made, "sampler", error);
    if (!made) return ALISA_ERROR_MEMORY;
    made->options = *options;
    made->vocabulary_size = vocabulary_size;
    alisa_random_seed(&made->random, options->seed);
    made->candidates =
        alisa_allocate(vocabulary_size, sizeof *made->candidates, "sampler candidates", error);
    if (!made->candidates) goto fail;
    made->ignored =
        alisa_allocate_zeroed(vocabulary_size, sizeof *made->ignored, "ignored tokens", error);
    if (!made->ignored) goto fail;
    made->recent =
        alisa_allocate_zeroed(vocabulary_size, sizeof *made->recent, "sampler token counts", error);
    if (!made->recent) goto fail;
    if (options->repeat_last_n > 0) {
        made->history = alisa_allocate((size_t)options->repeat_last_n, sizeof *made->history,
                                       "sampler history", error);
        if (!made->history) goto fail;
    }
    *sampler = made;
    return ALISA_OK;
fail:
    alisa_sample_destroy(made);
    return ALISA_ERROR_MEMORY;
}

void alisa_sample_destroy(AlisaSampler *sampler) {
    if (!sampler) return;
    free(sampler->candidates);
    free(sampler->ignored);
    free(sampler->recent);
    free(sampler->history);
    free(sampler);
}

void alisa_sample_accept(AlisaSampler *sampler, int32_t token) {
    if (sampler->options.repeat_last_n == 0) return;
    if (token < 0 || (uint32_t)token >= sampler->vocabulary_size) return;
    sampler->recent[token]++;
    if (!sampler->history) return; /* repeat_last_n is -1 */

    uint32_t window = (uint32_t)sampler->options.repeat_last_n;
    if (sampler->history_used == window) {
        sampler->recent[sampler->history[sampler->history_next]]--;
    } else {
        sampler->history_used++;
    }
    sampler->history[sampler->history_next] = token;
    sampler->history_next = (sampler->history_next + 1) % window;
}

void alisa_sample_ignore(AlisaSampler *sampler, int32_t token) {
    if (token >= 0 && (uint32_t)token < sampler->vocabulary_size) sampler->ignored[token] = true;
}

/* ---- Selection ---------------------------------------------------------------------------- */

static bool ranks_before(Candidate a, Candidate b) {
    return a.logit > b.logit || (a.logit == b.logit && a.id < b.id);
}

/* Lets the element at `root` sink to its place in a heap whose top ranks before all others. */
static void heap_sink(Candidate *heap, size_t count, size_t root) {
    Candidate sinking = heap[root];
    for (;;) {
        size_t child = 2 * root + 1;
        if (child >= count) break;
        if (child + 1 < count && ranks_before(heap[child + 1], heap[child])) child++;
        if (!ranks_before(heap[child], sinking)) break;
        heap[root] = heap[child];
        root = child;
    }
    heap[root] = sinking;
}

static void heap_make(Candidate *heap, size_t count) {
    for (size_t i = count / 2; i-- > 0;)
        heap_sink(heap, count, i);
}

/* Moves the top to heap[count - 1]; the heap is one shorter afterwards. */
static void heap_take(Candidate *heap, size_t count) {
    Candidate top = heap[0];
    heap[0] = heap[count - 1];
    heap[count - 1] = top;
    heap_sink(heap, count - 1, 0);
}

/* No candidate has a logit above -infinity. */
static AlisaStatus nothing_left(const AlisaSampler *sampler, AlisaError *error) {
    for (uint32_t id = 0; id < sampler->vocabulary_size; id++) {
        if (sampler->ignored[id]) continue;
        return alisa_error_set(error, ALISA_ERROR_DEVICE,
                               "the logits are wrong (all are -inf): the device or the model's "
                               "weights are broken");
    }
    return alisa_error_set(error, ALISA_ERROR_ARGUMENT,
                           "sampler: all %u tokens are ignored, so there is none to draw",
                           sampler->vocabulary_size);
}

/* Copies the logits, as ignored tokens and the repeat penalty change them, and finds the candidate
 * that ranks first. */
static AlisaStatus fill_candidates(AlisaSampler *sampler, const float *logits, Candidate *best,
                                   AlisaError *error) {
    float penalty = sampler->options.repeat_penalty;
    *best = (Candidate){-INFINITY, -1};
    for (uint32_t id = 0; id < sampler->vocabulary_size; id++) {
        float logit = logits[id];
        if (isnan(logit) || logit == INFINITY) {
            return alisa_error_set(error, ALISA_ERROR_DEVICE,
                                   "the logits are wrong (token %u has %f): the device or the "
                                   "model's weights are broken",
                                   id, (double)logit);
        }
        if (sampler->ignored[id]) logit = -INFINITY;
        if (penalty != 1.0f && sampler->recent[id] > 0) {
            logit = logit > 0.0f ? fminf(logit / penalty, FLT_MAX) : logit * penalty;
        }
        sampler->candidates[id] = (Candidate){logit, (int32_t)id};
        if (logit > best->logit) *best = sampler->candidates[id];
    }
    return best->id < 0 ? nothing_left(sampler, error) : ALISA_OK;
}

static double sum_of_exponentials(const Candidate *candidates, size_t count, float largest) {
    double sum = 0.0;
    for (size_t i = 0; i < count; i++)
        sum += exp((double)candidates[i].logit - largest);
    return sum;
}

/* Top-k, then top-p over what top-k left. Only the part of the order that is needed is sorted: the
 * kept candidates come out, best first, at the end of the array and going down. Returns their
 * number. */
static size_t keep_ranked(const AlisaSampler *sampler, float largest) {
    Candidate *heap = sampler->candidates;
    size_t total = sampler->vocabulary_size;
    bool all = sampler->options.top_k <= 0 || (size_t)sampler->options.top_k >= total;
    size_t limit = all ? total : (size_t)sampler->options.top_k;
    double top_p = sampler->options.top_p;

    heap_make(heap, total);
    size_t taken = 0;
    if (top_p >= 1.0) {
        while (taken < limit)
            heap_take(heap, total - taken++);
        return taken;
    }
    double sum;
    if (all) {
        sum = sum_of_exponentials(heap, total, largest);
    } else {
        while (taken < limit)
            heap_take(heap, total - taken++);
        sum = sum_of_exponentials(heap + total - limit, limit, largest);
    }
    double reached = 0.0;
    for (size_t kept = 0; kept < limit;) {
        if (kept == taken) heap_take(heap, total - taken++);
        reached += exp((double)heap[total - 1 - kept].logit - largest);
        kept++;
        if (reached >= top_p * sum) return kept;
    }
    return limit;
}

static int32_t draw(AlisaSampler *sampler, const Candidate *kept, size_t count, float largest) {
    double temperature = sampler->options.temperature;
    double sum = 0.0;
    for (size_t i = 0; i < count; i++) {
        sum += exp(((double)kept[i].logit - largest) / temperature);
    }
    double target = alisa_random_double(&sampler->random) * sum;
    int32_t chosen = -1;
    for (size_t i = 0; i < count; i++) {
        double weight = exp(((double)kept[i].logit - largest) / temperature);
        if (weight == 0.0) continue;
        chosen = kept[i].id; /* rounding may leave a rest of `target`: the last one takes it */
        if (target < weight) break;
        target -= weight;
    }
    return chosen;
}

AlisaStatus alisa_sample_draw(AlisaSampler *sampler, const float *logits, int32_t *token,
                              AlisaError *error) {
    *token = -1;
    Candidate best;
    AlisaStatus status = fill_candidates(sampler, logits, &best, error);
    if (status != ALISA_OK) return status;
    const AlisaSamplerOptions *options = &sampler->options;
    if (options->temperature <= 0.0f) {
        *token = best.id;
        return ALISA_OK;
    }

    Candidate *kept = sampler->candidates;
    size_t count = sampler->vocabulary_size;
    if (options->top_k > 0 || options->top_p < 1.0f) {
        size_t ranked = keep_ranked(sampler, best.logit);
        kept += count - ranked;
        count = ranked;
    }
    if (options->min_p > 0.0f) {
        double least = best.logit + log((double)options->min_p);
        size_t above = 0;
        for (size_t i = 0; i < count; i++) {
            /* The best one stays even with min_p above 1. */
            if (kept[i].logit >= least || kept[i].id == best.id) kept[above++] = kept[i];
        }
        count = above;
    }
    *token = draw(sampler, kept, count, best.logit);
    return ALISA_OK;
}

void alisa_sample_log_softmax(const float *logits, size_t count, float *out) {
    if (count == 0) return;
    float largest = logits[0];
    for (size_t i = 1; i < count; i++)
        largest = logits[i] > largest ? logits[i] : largest;
    double sum = 0.0;
    for (size_t i = 0; i < count; i++)
        sum += exp((double)logits[i] - largest);
    double normaliser = largest + log(sum);
    for (size_t i = 0; i < count; i++)
        out[i] = (float)(logits[i] - normaliser);
}
