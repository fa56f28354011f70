/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Models of every architecture, made from its row: as they should be, with tensors fused and split,
 * and with one thing wrong - a tensor, or a key whose value no model has. What is wrong ends in a
 * sentence that names it, and nothing else ever happens.
 */
#include <float.h>
#include <math.h>
#include <unistd.h>

#include "alisa/file.h"
#include "base/disk.h"
#include "support.h"
#include "unit/model_image.h"

static AlisaError error;

/* ---- Files ---------------------------------------------------------------------------------- */

static const char *model_path(void) {
    static char path[64];
    snprintf(path, sizeof path, "/tmp/alisa-test-rows-%ld.gguf", (long)getpid());
    return path;
}

static void write_plan(const ModelPlan *plan) {
    GgufImage image;
    model_write(plan, &image);
    support_must(alisa_disk_write_atomic(model_path(), image.data, image.size, &error), &error);
    image_end(&image);
}

static int remove_file(void **state) {
    unlink(model_path());
    return support_close_device(state);
}

/* Sentences that alisa_file_check tells. */
typedef struct Reasons {
    char first[512];
    size_t count;
} Reasons;

static void note_reason(void *user, const char *sentence) {
    Reasons *reasons = user;
    assert_true(strlen(sentence) > 20);
    if (reasons->count++ == 0) snprintf(reasons->first, sizeof reasons->first, "%s", sentence);
}

static Reasons check_plan(const ModelPlan *plan) {
    AlisaFile *file;
    Reasons reasons = {0};
    size_t count;
    write_plan(plan);
    if (alisa_file_open(model_path(), &file, &error) != ALISA_OK) {
        note_reason(&reasons, error.message);
        return reasons;
    }
    support_must(alisa_file_check(file, note_reason, &reasons, &count, &error), &error);
    assert_int_equal(count, reasons.count);
    alisa_file_close(file);
    return reasons;
}

/* Opens the file that was written last and runs a prompt and two steps; a failure has a sentence.
 */
static AlisaStatus run_file(void) {
    AlisaModel *model = NULL;
    AlisaEngine *engine = NULL;
    AlisaSession *session = NULL;
    AlisaEngineOptions engine_options;
    AlisaSessionOptions options;
    error = (AlisaError){0};
    AlisaStatus status = alisa_model_open(model_path(), &model, &error);
    alisa_engine_options_defaults(&engine_options);
    if (status == ALISA_OK)
        status = alisa_engine_create(model, support_device, &engine_options, &engine, &error);
    alisa_session_options_defaults(&options);
    options.context_length = 32;
    options.micro_batch = 8;
    if (status == ALISA_OK) status = alisa_session_create(engine, &options, &session, &error);
    AlisaRow rows[12];
    for (uint32_t i = 0; i < 12; i++)
        rows[i] = (AlisaRow){(int32_t)(i * 7 % 40), 0, i >= 9};
    if (status == ALISA_OK) status = alisa_session_eval(session, rows, 10, &error);
    if (status == ALISA_OK) status = alisa_session_eval(session, rows + 10, 1, &error);
    if (status == ALISA_OK) status = alisa_session_eval(session, rows + 11, 1, &error);
    assert_true(status == ALISA_OK || strlen(error.message) > 20);
    alisa_session_destroy(session);
    alisa_engine_destroy(engine);
    alisa_model_close(model);
    return status;
}

/* ---- Models as they should be ---------------------------------------------------------------- */

/* Both of an architecture that may have experts or not. */
static bool has_kind(const AlisaArchitecture *row, bool experts) {
    bool dense = row->required & ALISA_ROLES(ALISA_ROLE_UP);
    return experts ? row->gating != ALISA_GATING_NONE : dense;
}

/* Roles that stand for each other are not in one file. */
static const AlisaRoles everything = ~UINT64_C(0);

typedef void Visit(const AlisaArchitecture *row, bool experts);

static void visit_all(Visit *visit) {
    const AlisaArchitecture *row;
    for (size_t i = 0; (row = alisa_architecture_at(i)) != NULL; i++)
        for (int experts = 0; experts < 2; experts++)
            if (has_kind(row, experts)) visit(row, experts);
}

static void run_sound(const AlisaArchitecture *row, bool experts) {
    for (int kind = 0; kind < 4; kind++) {
        ModelPlan plan;
        model_plan(&plan, row, kind & 1 ? everything : 0, experts, kind & 2);
        Reasons reasons = check_plan(&plan);
        if (reasons.count > 0 || run_file() != ALISA_OK)
            fail_msg("%s, experts %d, kind %d: %s", row->name, experts, kind,
                     reasons.count ? reasons.first : error.message);
    }
}

static void sound_models_run_fused_and_split(void **state) {
    (void)state;
    visit_all(run_sound);
}

/* ---- One tensor is wrong --------------------------------------------------------------------- */

static void expect(const ModelPlan *plan, const char *name, const char *what) {
    Reasons reasons = check_plan(plan);
    char wanted[256];
    snprintf(wanted, sizeof wanted, "tensor %s %s", name, what);
    if (reasons.count == 0 || !strstr(reasons.first, wanted))
        fail_msg("%s: '%s' is not in '%s'", plan->row->name, wanted, reasons.first);
}

static void break_tensors(const AlisaArchitecture *row, bool experts) {
    ModelPlan sound;
    model_plan(&sound, row, 0, experts, false);
    for (size_t i = 0; i < sound.tensor_count; i++) {
        char what[128];
        ModelPlan plan = sound;
        ModelTensor *tensor = &plan.tensors[i];
        const ModelTensor *was = &sound.tensors[i];
        if (was->role == ALISA_ROLE_EMBEDDING) continue; /* says how large the vocabulary is */
        tensor->name[0] = 0;
        snprintf(what, sizeof what, "(%s, %llu x %llu x %llu) is missing",
                 alisa_role_info(was->role)->what, (unsigned long long)was->dimensions[0],
                 (unsigned long long)was->dimensions[1], (unsigned long long)was->dimensions[2]);
        expect(&plan, was->name, what);
        *tensor = *was;
        tensor->type = 777;
        expect(&plan, was->name, "has type unknown (777)");
        for (size_t d = 0; d < 3; d++) {
            *tensor = *was;
            tensor->dimensions[d]++;
            snprintf(what, sizeof what,
                     "is %llu x %llu x %llu (row length first); the model's keys "
                     "ask for %llu x %llu x %llu",
                     (unsigned long long)tensor->dimensions[0],
                     (unsigned long long)tensor->dimensions[1],
                     (unsigned long long)tensor->dimensions[2],
                     (unsigned long long)was->dimensions[0], (unsigned long long)was->dimensions[1],
                     (unsigned long long)was->dimensions[2]);
            expect(&plan, was->name, what);
        }
    }
}

static void a_wrong_tensor_is_named(void **state) {
    (void)state;
    visit_all(break_tensors);
}

/* Some optional tensors are there together or not at all. */
static void tensors_that_belong_together(void **state) {
    (void)state;
    static const struct {
        const char *architecture, *missing;
    } cases[] = {
        {"granitemoe", "blk.1.ffn_gate_shexp.weight"},
        {"granitemoe", "blk.0.ffn_up_shexp.weight"},
        {"granitemoe", "blk.0.ffn_down_shexp.weight"},
        {"qwen2moe", "blk.0.ffn_gate_shexp.weight"},
        {"qwen2moe", "blk.1.ffn_gate_inp_shexp.weight"},
        {"phi3", "rope_factors_long.weight"},
        {"granite", "rope_factors_short.weight"},
        {"falcon", "blk.1.attn_norm_2.weight"},
        {"stablelm", "blk.0.ffn_norm.weight"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *name = cases[i].architecture;
        const AlisaArchitecture *row = alisa_architecture_find(name, strlen(name));
        ModelPlan plan;
        model_plan(&plan, row, everything, row->gating != ALISA_GATING_NONE, false);
        ModelTensor *tensor = model_find_tensor(&plan, cases[i].missing);
        assert_non_null(tensor);
        tensor->name[0] = 0;
        expect(&plan, cases[i].missing, "(");
    }
}

static void a_shared_expert_has_the_size_of_its_key(void **state) {
    (void)state;
    const AlisaArchitecture *row = alisa_architecture_find("granitemoe", 10);
    ModelPlan plan;
    model_plan(&plan, row, everything, true, false);
    model_set_u32(&plan, "expert_shared_feed_forward_length", 0);
    expect(&plan, "blk.0.ffn_gate_shexp.weight", "is 32 x 48 x 1");
    model_plan(&plan, row, 0, true, false);
    model_set_u32(&plan, "expert_shared_feed_forward_length", 48);
    expect(&plan, "blk.0.ffn_gate_shexp.weight", "(a shared expert, 32 x 48 x 1) is missing");
}

/* ---- One key is odd -------------------------------------------------------------------------- */

static const char *const counts[] = {"context_length",
                                     "embedding_length",
                                     "block_count",
                                     "feed_forward_length",
                                     "attention.head_count",
                                     "attention.head_count_kv",
                                     "attention.key_length",
                                     "attention.value_length",
                                     "rope.dimension_count",
                                     "rope.scaling.original_context_length",
                                     "attention.sliding_window",
                                     "attention.sliding_window_pattern",
                                     "expert_count",
                                     "expert_used_count",
                                     "expert_feed_forward_length",
                                     "expert_shared_feed_forward_length"};

static const uint32_t odd_counts[] = {0, 1, 2, 3, 5, 65536, INT32_MAX, 1u << 31, UINT32_MAX};

static const char *const numbers[] = {"rope.freq_base",
                                      "rope.freq_base_swa",
                                      "rope.scale_linear",
                                      "rope.scaling.factor",
                                      "rope.scaling.attn_factor",
                                      "rope.scaling.yarn_attn_factor",
                                      "rope.scaling.yarn_beta_fast",
                                      "rope.scaling.yarn_beta_slow",
                                      "attention.layer_norm_rms_epsilon",
                                      "attention.layer_norm_epsilon",
                                      "attention.scale",
                                      "attn_logit_softcapping",
                                      "final_logit_softcapping",
                                      "embedding_scale",
                                      "residual_scale",
                                      "logit_scale",
                                      "attention.clamp_kqv",
                                      "attention.max_alibi_bias"};

static const float odd_numbers[] = {NAN,  INFINITY, -INFINITY, 0.0f,    -1.0f,
                                    1.0f, 1e-45f,   1e-30f,    FLT_MAX, 1e29f};

/* What runs of the models with that key; every other one has a sentence. */
static uint32_t run_with_key(ModelPlan *plan, const char *suffix) {
    Reasons reasons = check_plan(plan);
    AlisaStatus status = run_file();
    if (reasons.count > 0 && strncmp(reasons.first, error.message, 500) != 0)
        fail_msg("%s, %s: told '%s', opening says '%s'", plan->row->name, suffix, reasons.first,
                 error.message);
    return status == ALISA_OK;
}

static void odd_keys_end_in_a_sentence(void **state) {
    (void)state;
    /* Of each way that keys are taken, one. */
    static const char *const names[] = {"gemma3", "opt", "granitemoe", "gpt-oss"};
    uint32_t run = 0, refused = 0;
    for (size_t a = 0; a < sizeof names / sizeof *names; a++) {
        const AlisaArchitecture *row = alisa_architecture_find(names[a], strlen(names[a]));
        ModelPlan sound;
        model_plan(&sound, row, 0, row->gating != ALISA_GATING_NONE, false);
        model_set_text(&sound, "rope.scaling.type", "yarn");
        for (size_t k = 0; k < sizeof counts / sizeof *counts; k++)
            for (size_t v = 0; v < sizeof odd_counts / sizeof *odd_counts; v++) {
                ModelPlan plan = sound;
                model_set_u32(&plan, counts[k], odd_counts[v]);
                *(run_with_key(&plan, counts[k]) ? &run : &refused) += 1;
            }
        for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++)
            for (size_t v = 0; v < sizeof odd_numbers / sizeof *odd_numbers; v++) {
                ModelPlan plan = sound;
                model_set_f32(&plan, numbers[k], odd_numbers[v]);
                *(run_with_key(&plan, numbers[k]) ? &run : &refused) += 1;
            }
    }
    print_message("%u run, %u refused\n", run, refused);
    assert_true(run > 100 && refused > 100);
}

/* No window, one of a single token, and one past every context. */
static void windows_of_any_length_run(void **state) {
    (void)state;
    static const uint32_t windows[] = {0, 1, 31, 32, 33, UINT32_MAX};
    static const char *const names[] = {"llama", "gemma2", "gpt-oss", "cohere2"};
    for (size_t a = 0; a < sizeof names / sizeof *names; a++)
        for (size_t w = 0; w < sizeof windows / sizeof *windows; w++) {
            const AlisaArchitecture *row = alisa_architecture_find(names[a], strlen(names[a]));
            ModelPlan plan;
            model_plan(&plan, row, 0, !has_kind(row, false), false);
            model_set_u32(&plan, "attention.sliding_window", windows[w]);
            write_plan(&plan);
            if (run_file() != ALISA_OK)
                fail_msg("%s, window of %u: %s", names[a], windows[w], error.message);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sound_models_run_fused_and_split),
        cmocka_unit_test(a_wrong_tensor_is_named),
        cmocka_unit_test(tensors_that_belong_together),
        cmocka_unit_test(a_shared_expert_has_the_size_of_its_key),
        cmocka_unit_test(odd_keys_end_in_a_sentence),
        cmocka_unit_test(windows_of_any_length_run),
    };
    return cmocka_run_group_tests_name("architecture rows", tests, support_open_device,
                                       remove_file);
}
