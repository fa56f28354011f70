/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Policy vllm in a device that holds a third of the context: whole sequences leave and come back.
 * What is swapped comes back bit for bit; what is computed again differs by the rounding of sums in
 * another order, as far as the type of K and V keeps it.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "alisa/bench.h"
#include "support.h"

enum { SEQUENCES = 6, CONTEXT = 400, MICRO_BATCH = 16, VOCABULARY = 512, EVALS = 4000 };

typedef struct Way {
    const char *name;
    AlisaKvType type;
    double share;     /* of the context as f16 that the device holds */
    uint64_t host;    /* bytes; too few for a sequence: it is computed again */
    double tolerance; /* of logits, which are between -20 and 20 */
    bool interrupted; /* now and then, while sequences come back */
} Way;

/* A value that rounds to the other side is half a unit off: 2^-12 of itself as a half, 2^-25 as a
 * float, 2^-16 of the largest of 32 where activations are of 16 bits. Hundreds of them add up in a
 * logit at random, and the layers after them pass it on. */
static const Way ways[] = {
    {"swap, f16", ALISA_KV_F16, 0.33, 64 << 20, 0.0, false},
    {"swap, q8_0", ALISA_KV_Q8_0, 0.2, 64 << 20, 0.0, false},
    {"swap, i8", ALISA_KV_I8, 0.4, 64 << 20, 0.0, false},
    {"again, f32", ALISA_KV_F32, 0.66, 4096, 0.004, false},
    {"again, f16", ALISA_KV_F16, 0.33, 4096, 0.01, true},
};

static AlisaModel *model;
static AlisaEngine *engine;
static bool admitting;
static uint32_t asked;

/* More polls than one sequence takes lie between two of these. */
static bool now_and_then(void *user) {
    return *(const bool *)user && admitting && ++asked % 50 == 0;
}

static AlisaStatus open_session(const Way *way, AlisaPolicy policy, AlisaSession **session,
                                AlisaError *error) {
    SupportOptions options;
    support_options_defaults(&options);
    options.session.sequence_count = SEQUENCES;
    options.session.context_length = CONTEXT;
    options.session.micro_batch = MICRO_BATCH;
    options.session.key_type = options.session.value_type = way->type;
    options.session.record_steps = true;
    options.placement.policy = policy;
    if (policy != ALISA_POLICY_DEVICE) {
        options.placement.device_share = way->share;
        options.placement.host_memory = way->host;
        options.session.interrupt = now_and_then;
        options.session.interrupt_user = (void *)(uintptr_t)&way->interrupted;
    }
    return alisa_session_create(engine, &options.session, session, error);
}

static AlisaSession *must_open(const Way *way, AlisaPolicy policy) {
    AlisaSession *session;
    AlisaError error;
    support_must(open_session(way, policy, &session, &error), &error);
    return session;
}

static int32_t token_of(uint32_t text, uint32_t position) {
    uint32_t mixed = (text * 2654435761u) ^ ((position + 1) * 2246822519u);
    return (int32_t)((mixed >> 8) % VOCABULARY);
}

/* ---- A run, and the same evals again ------------------------------------------------------- */

/* One eval call, and what was cut back before it. */
typedef struct Eval {
    AlisaRow *rows;
    uint32_t row_count, logit_count;
    uint32_t cut, cut_length; /* sequence SEQUENCES: none */
    float *logits;            /* [logit_count][VOCABULARY] */
} Eval;

typedef struct Run {
    Eval evals[EVALS];
    uint32_t count;
} Run;

static void cut(AlisaSession *session, Eval *eval, uint32_t sequence, uint32_t length) {
    eval->cut = sequence;
    eval->cut_length = length;
    alisa_session_truncate(session, sequence, length);
}

static void evaluate(AlisaSession *session, Eval *eval) {
    AlisaError error;
    support_must(alisa_session_eval(session, eval->rows, eval->row_count, &error), &error);
    size_t size = VOCABULARY * sizeof(float);
    eval->logits = malloc(eval->logit_count * size);
    assert_non_null(eval->logits);
    for (uint32_t i = 0; i < eval->logit_count; i++)
        memcpy(eval->logits + (size_t)i * VOCABULARY, alisa_session_logits(session, i), size);
}

/* Texts of different lengths, all begun at once; one is cut back while it waits, another on its
 * way, and the first begins a second text when it has ended. */
static void generate(AlisaSession *session, Run *run) {
    uint32_t text[SEQUENCES], texts = SEQUENCES;
    bool was_cut = false, was_cut_away = false, waits[SEQUENCES] = {false};
    for (uint32_t i = 0; i < SEQUENCES; i++)
        text[i] = i;
    for (;;) {
        Eval *eval = &run->evals[run->count];
        uint32_t wanted[SEQUENCES], want = 0;
        eval->cut = SEQUENCES;
        if (!was_cut && alisa_session_length(session, 1) == 300) {
            was_cut = true;
            cut(session, eval, 1, 150);
        }
        for (uint32_t i = 0; i < SEQUENCES; i++) {
            uint32_t length = alisa_session_length(session, i);
            if (eval->cut == SEQUENCES && !was_cut_away && waits[i] && length > 200) {
                was_cut_away = true;
                cut(session, eval, i, length = 150);
            }
            uint32_t last = text[i] >= SEQUENCES ? 120 : CONTEXT - 20 * i;
            if (eval->cut == SEQUENCES && text[i] < UINT32_MAX && length == last) {
                cut(session, eval, i, 0);
                text[i] = i == 0 && texts == SEQUENCES ? texts++ : UINT32_MAX;
                length = 0;
            }
            wanted[i] = length == last || text[i] == UINT32_MAX ? 0 : length ? 1 : 60 + 10 * i;
            want += wanted[i];
        }
        if (want == 0) {
            assert_true(was_cut && was_cut_away);
            return;
        }
        bool admitted[SEQUENCES];
        AlisaError error;
        AlisaStatus status;
        admitting = true;
        do
            status = alisa_session_admit(session, wanted, admitted, &error);
        while (status == ALISA_ERROR_INTERRUPTED);
        admitting = false;
        support_must(status, &error);
        eval->rows = malloc(want * sizeof *eval->rows);
        assert_non_null(eval->rows);
        for (uint32_t i = 0; i < SEQUENCES; i++) {
            uint32_t length = alisa_session_length(session, i);
            for (uint32_t r = 0; admitted[i] && r < wanted[i]; r++)
                eval->rows[eval->row_count++] =
                    (AlisaRow){token_of(text[i], length + r), i, r + 1 == wanted[i]};
            eval->logit_count += admitted[i];
            waits[i] = wanted[i] > 0 && !admitted[i];
        }
        assert_true(eval->logit_count > 0);
        evaluate(session, eval);
        assert_true(++run->count < EVALS);
    }
}

static void replay(AlisaSession *session, const Run *run, const Way *way) {
    double largest = 0.0;
    for (uint32_t i = 0; i < run->count; i++) {
        Eval again = run->evals[i];
        if (again.cut < SEQUENCES) alisa_session_truncate(session, again.cut, again.cut_length);
        evaluate(session, &again);
        for (size_t j = 0; j < (size_t)again.logit_count * VOCABULARY; j++) {
            double off = fabs((double)again.logits[j] - (double)run->evals[i].logits[j]);
            if (!(off <= way->tolerance)) fail_msg("%s: eval %u is %g off", way->name, i, off);
            if (off > largest) largest = off;
        }
        free(again.logits);
    }
    if (way->tolerance > 0.0) print_message("%s: at most %.2g off\n", way->name, largest);
}

static void check_records(AlisaSession *session) {
    size_t count, waited = 0;
    const AlisaStepRecord *records = alisa_session_steps(session, &count);
    assert_true(count > CONTEXT);
    for (size_t i = 0; i < count; i++) {
        assert_true(records[i].running >= 1 && records[i].running <= SEQUENCES);
        assert_true(records[i].predicted_seconds > 0.0 && records[i].measured_seconds > 0.0);
        assert_true(records[i].length <= CONTEXT);
        waited += records[i].running < 4;
    }
    assert_true(waited > 0);
}

static void preempted_sequences_go_on(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        const Way *way = &ways[i];
        Run *run = calloc(1, sizeof *run);
        assert_non_null(run);
        AlisaSession *session = must_open(way, ALISA_POLICY_VLLM);
        generate(session, run);
        AlisaPlacementUse use;
        alisa_session_placement(session, &use);
        print_message("%s: %u evals, %u preempted, %.1f KiB to the host\n", way->name, run->count,
                      use.preempted, (double)use.bytes_to_host / 1024);
        if (use.preempted < 3) fail_msg("%s: %u were preempted", way->name, use.preempted);
        if ((use.bytes_to_host > 0) != (way->tolerance == 0.0))
            fail_msg("%s: %llu bytes went to the host", way->name,
                     (unsigned long long)use.bytes_to_host);
        check_records(session);
        alisa_session_destroy(session);

        session = must_open(way, ALISA_POLICY_DEVICE);
        replay(session, run, way);
        alisa_session_destroy(session);
        for (uint32_t e = 0; e < run->count; e++) {
            free(run->evals[e].rows);
            free(run->evals[e].logits);
        }
        free(run);
    }
}

/* ---- Without being asked, and refusals ----------------------------------------------------- */

static AlisaStatus append(AlisaSession *session, uint32_t sequence, uint32_t count,
                          AlisaError *error) {
    AlisaRow rows[CONTEXT];
    uint32_t length = alisa_session_length(session, sequence);
    for (uint32_t i = 0; i < count; i++)
        rows[i] = (AlisaRow){token_of(sequence, length + i), sequence, i + 1 == count};
    return alisa_session_eval(session, rows, count, error);
}

/* Rows that nobody admitted: an error where there are no blocks, after which all goes on. */
static void rows_that_do_not_fit_are_refused(void **state) {
    (void)state;
    AlisaError error;
    AlisaSession *session = must_open(&ways[0], ALISA_POLICY_VLLM);
    uint32_t held = 0;
    while (append(session, held, 200, &error) == ALISA_OK)
        held++;
    assert_int_equal(held, 3); /* 792 tokens */
    assert_int_equal(error.status, ALISA_ERROR_MEMORY);
    assert_non_null(strstr(error.message, "alisa_session_admit"));
    assert_int_equal(alisa_session_length(session, 3), 0);

    bool admitted[SEQUENCES];
    support_must(
        alisa_session_admit(session, (uint32_t[SEQUENCES]){1, 1, 0, 0, 0, 399}, admitted, &error),
        &error);
    assert_true(admitted[0] && admitted[1] && !admitted[2] && !admitted[5]);
    support_must(
        alisa_session_admit(session, (uint32_t[SEQUENCES]){0, 0, 0, 0, 0, 399}, admitted, &error),
        &error);
    assert_true(admitted[5]);
    support_must(append(session, 5, 399, &error), &error);
    /* The last to come of those that wanted nothing has left; its tokens have not. */
    assert_int_equal(alisa_session_length(session, 2), 200);
    assert_int_equal(append(session, 2, 1, &error), ALISA_ERROR_MEMORY);
    alisa_session_truncate(session, 5, 0);
    assert_int_equal(append(session, 2, 1, &error), ALISA_ERROR_MEMORY);
    support_must(
        alisa_session_admit(session, (uint32_t[SEQUENCES]){0, 0, 1, 0, 0, 0}, admitted, &error),
        &error);
    support_must(append(session, 2, 1, &error), &error);
    AlisaSession *device = must_open(&ways[0], ALISA_POLICY_DEVICE);
    support_must(append(device, 2, 200, &error), &error);
    support_must(append(device, 2, 1, &error), &error);
    assert_memory_equal(alisa_session_logits(device, 0), alisa_session_logits(session, 0),
                        VOCABULARY * sizeof(float));
    alisa_session_destroy(device);
    alisa_session_destroy(session);
}

/* Where everything fits it is as on the device alone, asked or not. */
static void enough_memory_is_the_device(void **state) {
    (void)state;
    const Way way = {"enough", ALISA_KV_F16, 1.0, 64 << 20, 0.0, false};
    AlisaSession *sessions[] = {must_open(&way, ALISA_POLICY_VLLM),
                                must_open(&way, ALISA_POLICY_DEVICE)};
    AlisaError error;
    for (uint32_t sequence = 0; sequence < SEQUENCES; sequence++) {
        for (size_t i = 0; i < 2; i++) {
            support_must(append(sessions[i], sequence, CONTEXT - 1, &error), &error);
            support_must(append(sessions[i], sequence, 1, &error), &error);
        }
        assert_memory_equal(alisa_session_logits(sessions[0], 0),
                            alisa_session_logits(sessions[1], 0), VOCABULARY * sizeof(float));
    }
    AlisaPlacementUse use;
    alisa_session_placement(sessions[0], &use);
    assert_int_equal(use.preempted, 0);
    assert_true(use.bytes_to_host == 0 && use.bytes_to_device == 0);
    for (size_t i = 0; i < 2; i++)
        alisa_session_destroy(sessions[i]);
}

static void what_cannot_work_is_refused(void **state) {
    (void)state;
    AlisaSession *session;
    AlisaError error;
    /* 360 tokens in 22 blocks; a sequence takes 25. */
    const Way way = {"little", ALISA_KV_F16, 0.15, 64 << 20, 0.0, false};
    assert_int_equal(open_session(&way, ALISA_POLICY_VLLM, &session, &error), ALISA_ERROR_MEMORY);
    assert_null(session);
    if (!strstr(error.message, "policy vllm: one sequence of 400 tokens needs") ||
        !strstr(error.message, "--device-mem"))
        fail_msg("%s", error.message);
    SupportOptions options;
    support_options_defaults(&options);
    options.placement.policy = ALISA_POLICY_VLLM;
    options.attention.kind = ALISA_SELECT_SWA;
    assert_int_equal(alisa_session_create(engine, &options.session, &session, &error),
                     ALISA_ERROR_ARGUMENT);
    assert_null(session);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(preempted_sequences_go_on),
        cmocka_unit_test(rows_that_do_not_fit_are_refused),
        cmocka_unit_test(enough_memory_is_the_device),
        cmocka_unit_test(what_cannot_work_is_refused),
    };
    AlisaError error;
    AlisaModelInfo info;
    AlisaEngineOptions options;
    if (support_open_device(NULL) != 0) return 1;
    alisa_engine_options_defaults(&options);
    if (alisa_model_open(MODELS_DIR "/stories.gguf", &model, &error) != ALISA_OK ||
        alisa_engine_create(model, support_device, &options, &engine, &error) != ALISA_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    alisa_model_info(model, &info);
    if (info.vocabulary_size < VOCABULARY) return 1;
    int failed = cmocka_run_group_tests_name("preemption", tests, NULL, NULL);
    alisa_engine_destroy(engine);
    alisa_model_close(model);
    support_close_device(NULL);
    return failed;
}
