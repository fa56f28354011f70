/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Model files that are well-formed GGUF and still no model this version can run: each must be
 * refused with one sentence that names what is wrong. A sound file is made first, then one thing is
 * changed.
 */
#include <unistd.h>

#include "alisa/file.h"
#include "base/disk.h"
#include "base/random.h"
#include "support.h"
#include "unit/gguf_image.h"

enum { EMBEDDING = 32, HEADS = 4, KV_HEADS = 2, HEAD_DIM = 8, FEED_FORWARD = 64, VOCABULARY = 40 };

/* What to do differently from a sound file; zeroed: nothing. */
typedef struct Fault {
    const char *name;
    const char *expect; /* part of the sentence */
    AlisaStatus status;
    const char *architecture; /* other than llama */
    const char *skip_key;     /* left out */
    const char *change_key;   /* integer key written with another value */
    uint32_t change_to;
    const char *skip_tensor;
    const char *change_tensor; /* written with other rows or type */
    uint64_t tensor_rows;
    uint32_t tensor_type;
    const char *extra_tensor;
    const char *rope_scaling;
    const char *string_for_integer; /* integer key written as a string */
    uint32_t tokens;                /* size of the tokenizer */
} Fault;

typedef struct TensorRow {
    const char *name;
    uint64_t columns, rows;
} TensorRow;

static const TensorRow tensors[] = {
    {"token_embd.weight", EMBEDDING, VOCABULARY},
    {"output_norm.weight", EMBEDDING, 1},
    {"blk.0.attn_norm.weight", EMBEDDING, 1},
    {"blk.0.attn_q.weight", EMBEDDING, HEADS *HEAD_DIM},
    {"blk.0.attn_k.weight", EMBEDDING, KV_HEADS *HEAD_DIM},
    {"blk.0.attn_v.weight", EMBEDDING, KV_HEADS *HEAD_DIM},
    {"blk.0.attn_output.weight", HEADS *HEAD_DIM, EMBEDDING},
    {"blk.0.ffn_norm.weight", EMBEDDING, 1},
    {"blk.0.ffn_gate.weight", EMBEDDING, FEED_FORWARD},
    {"blk.0.ffn_up.weight", EMBEDDING, FEED_FORWARD},
    {"blk.0.ffn_down.weight", FEED_FORWARD, EMBEDDING},
    {"extra", EMBEDDING, 1},
};

static const struct {
    const char *name;
    uint32_t value;
} integer_keys[] = {
    {"llama.context_length", 64},
    {"llama.embedding_length", EMBEDDING},
    {"llama.block_count", 1},
    {"llama.feed_forward_length", FEED_FORWARD},
    {"llama.attention.head_count", HEADS},
    {"llama.attention.head_count_kv", KV_HEADS},
    {"llama.attention.key_length", HEAD_DIM},
    {"llama.rope.dimension_count", HEAD_DIM},
    {"llama.expert_count", 0},
    {"llama.attention.sliding_window", 0},
};

static bool same(const char *a, const char *b) {
    return a && strcmp(a, b) == 0;
}

static void write_keys(GgufImage *image, const Fault *fault) {
    if (!same(fault->skip_key, "general.architecture")) {
        image_string(image, "general.architecture",
                     fault->architecture ? fault->architecture : "llama");
    }
    for (size_t i = 0; i < sizeof integer_keys / sizeof *integer_keys; i++) {
        const char *name = integer_keys[i].name;
        if (same(fault->skip_key, name)) continue;
        if (same(fault->string_for_integer, name)) {
            image_string(image, name, "many");
        } else {
            image_u32(image, name,
                      same(fault->change_key, name) ? fault->change_to : integer_keys[i].value);
        }
    }
    if (fault->rope_scaling) {
        image_string(image, "llama.rope.scaling.type", fault->rope_scaling);
    }
    if (fault->tokens == 0) return;
    image_string(image, "tokenizer.ggml.model", "llama");
    image_array(image, "tokenizer.ggml.tokens", ALISA_GGUF_STRING, fault->tokens);
    for (uint32_t i = 0; i < fault->tokens; i++) {
        char token[16];
        snprintf(token, sizeof token, "t%u", i);
        image_text(image, token, strlen(token));
    }
    image_array(image, "tokenizer.ggml.scores", ALISA_GGUF_F32, fault->tokens);
    for (uint32_t i = 0; i < fault->tokens; i++)
        image_float(image, -(float)i);
    image_array(image, "tokenizer.ggml.token_type", ALISA_GGUF_I32, fault->tokens);
    for (uint32_t i = 0; i < fault->tokens; i++)
        image_number(image, i == 0 ? 2 : 1, 4);
}

static void write_model(const Fault *fault, const char *path) {
    GgufImage image;
    image_begin(&image, 3);
    write_keys(&image, fault);
    uint64_t offset = 0;
    for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++) {
        const TensorRow *tensor = &tensors[i];
        const char *name = tensor->name;
        if (same(name, "extra")) name = fault->extra_tensor;
        if (!name || same(fault->skip_tensor, name)) continue;
        bool changed = same(fault->change_tensor, name);
        uint64_t dimensions[2] = {tensor->columns, tensor->rows};
        if (changed && fault->tensor_rows) dimensions[1] = fault->tensor_rows;
        uint32_t type = changed ? fault->tensor_type : ALISA_WEIGHT_F32;
        const AlisaWeightTypeInfo *info = alisa_weight_type_info(type);
        image_tensor(&image, name, type, 2, dimensions, offset);
        if (info) {
            offset += dimensions[0] * dimensions[1] / info->block_elements * info->block_bytes;
        }
        offset = (offset + 31) / 32 * 32;
    }
    image_pad(&image, 32);
    AlisaRandom random;
    alisa_random_seed(&random, 7);
    for (uint64_t i = 0; i < offset / 4; i++) {
        image_float(&image, 0.1f * alisa_random_normal(&random));
    }
    AlisaError error;
    if (alisa_disk_write_atomic(path, image.data, image.size, &error) != ALISA_OK) {
        fail_msg("%s", error.message);
    }
    image_end(&image);
}

static const Fault faults[] = {
    {.name = "other architecture",
     .architecture = "mamba",
     .expect = "architecture 'mamba' is a state-space or recurrent model",
     .status = ALISA_ERROR_UNSUPPORTED},
    {.name = "no architecture",
     .skip_key = "general.architecture",
     .expect = "not a language model",
     .status = ALISA_ERROR_FORMAT},
    {.name = "no context length",
     .skip_key = "llama.context_length",
     .expect = "llama.context_length is missing",
     .status = ALISA_ERROR_FORMAT},
    {.name = "no layers",
     .change_key = "llama.block_count",
     .change_to = 0,
     .expect = "llama.block_count is 0",
     .status = ALISA_ERROR_FORMAT},
    {.name = "absurd layers",
     .change_key = "llama.block_count",
     .change_to = 0xfffffff0u,
     .expect = "llama.block_count is 4294967280",
     .status = ALISA_ERROR_FORMAT},
    {.name = "absurd width",
     .change_key = "llama.embedding_length",
     .change_to = 0xffffffffu,
     .expect = "llama.embedding_length",
     .status = ALISA_ERROR_FORMAT},
    {.name = "key of another kind",
     .string_for_integer = "llama.block_count",
     .expect = "llama.block_count",
     .status = ALISA_ERROR_FORMAT},
    {.name = "KV heads do not divide",
     .change_key = "llama.attention.head_count_kv",
     .change_to = 3,
     .expect = "not a multiple of 3 KV heads",
     .status = ALISA_ERROR_FORMAT},
    {.name = "head size",
     .change_key = "llama.attention.key_length",
     .change_to = 12,
     .expect = "head size 12",
     .status = ALISA_ERROR_UNSUPPORTED},
    {.name = "odd rotation",
     .change_key = "llama.rope.dimension_count",
     .change_to = 5,
     .expect = "which is odd",
     .status = ALISA_ERROR_FORMAT},
    {.name = "rotation past the head",
     .change_key = "llama.rope.dimension_count",
     .change_to = 10,
     .expect = "outside 2 to 8",
     .status = ALISA_ERROR_FORMAT},
    {.name = "experts",
     .change_key = "llama.expert_count",
     .change_to = 8,
     .expect = "llama.expert_used_count is 0",
     .status = ALISA_ERROR_FORMAT},
    {.name = "unknown RoPE scaling",
     .rope_scaling = "spiral",
     .expect = "'spiral'",
     .status = ALISA_ERROR_UNSUPPORTED},
    {.name = "no embedding",
     .skip_tensor = "token_embd.weight",
     .expect = "token_embd.weight",
     .status = ALISA_ERROR_FORMAT},
    {.name = "vocabulary and embedding",
     .tokens = VOCABULARY + 1,
     .expect = "the tokenizer has 41 tokens and the embedding table 40 rows",
     .status = ALISA_ERROR_FORMAT},
    {.name = "missing tensor",
     .skip_tensor = "blk.0.ffn_up.weight",
     .expect = "tensor blk.0.ffn_up.weight (a feed-forward block, 32 x 64 x 1) is missing",
     .status = ALISA_ERROR_FORMAT},
    {.name = "missing gate, which no fused tensor holds",
     .skip_tensor = "blk.0.ffn_gate.weight",
     .expect = "tensor blk.0.ffn_gate.weight (a gate, 32 x 64 x 1) is missing",
     .status = ALISA_ERROR_FORMAT},
    {.name = "misshapen fused tensor",
     .skip_tensor = "blk.0.attn_q.weight",
     .extra_tensor = "blk.0.attn_qkv.weight",
     .expect = "tensor blk.0.attn_qkv.weight is 32 x 1 x 1",
     .status = ALISA_ERROR_FORMAT},
    {.name = "missing norm",
     .skip_tensor = "output_norm.weight",
     .expect = "tensor output_norm.weight (a norm before the head, 32 x 1 x 1) is missing",
     .status = ALISA_ERROR_FORMAT},
    {.name = "misshapen tensor",
     .change_tensor = "blk.0.attn_k.weight",
     .tensor_rows = 48,
     .expect = "tensor blk.0.attn_k.weight is 32 x 48",
     .status = ALISA_ERROR_FORMAT},
    {.name = "unknown type",
     .change_tensor = "blk.0.ffn_down.weight",
     .tensor_type = 777,
     .expect = "tensor blk.0.ffn_down.weight has type unknown (777)",
     .status = ALISA_ERROR_UNSUPPORTED},
    {.name = "quantised norm",
     .change_tensor = "blk.0.attn_norm.weight",
     .tensor_type = ALISA_WEIGHT_Q8_0,
     .expect = "blk.0.attn_norm.weight is quantised",
     .status = ALISA_ERROR_FORMAT},
    {.name = "head of another vocabulary",
     .extra_tensor = "output.weight",
     .expect = "tensor output.weight is 32 x 1 x 1",
     .status = ALISA_ERROR_FORMAT},
    {.name = "tensor of a layer that is not there",
     .extra_tensor = "blk.1.ffn_norm.weight",
     .expect = "tensor blk.1.ffn_norm.weight has no place",
     .status = ALISA_ERROR_UNSUPPORTED},
    {.name = "tensor without a place",
     .extra_tensor = "blk.0.attn_q_norm.weight",
     .expect = "tensor blk.0.attn_q_norm.weight has no place",
     .status = ALISA_ERROR_UNSUPPORTED},
};

static const char *model_path(void) {
    static char path[64];
    snprintf(path, sizeof path, "/tmp/alisa-test-model-%ld.gguf", (long)getpid());
    return path;
}

static AlisaStatus open_and_create(uint64_t device_memory, AlisaError *error) {
    AlisaModel *model = NULL;
    AlisaEngine *engine = NULL;
    AlisaStatus status = alisa_model_open(model_path(), &model, error);
    if (status == ALISA_OK) {
        AlisaEngineOptions options;
        alisa_engine_options_defaults(&options);
        options.device_memory = device_memory;
        status = alisa_engine_create(model, support_device, &options, &engine, error);
        assert_true((status == ALISA_OK) == (engine != NULL));
    }
    alisa_engine_destroy(engine);
    alisa_model_close(model);
    return status;
}

/* Sentences that alisa_file_check tells. */
typedef struct Reasons {
    char first[512], all[4096];
} Reasons;

static void note_reason(void *user, const char *sentence) {
    Reasons *reasons = user;
    if (!reasons->first[0]) snprintf(reasons->first, sizeof reasons->first, "%s", sentence);
    size_t used = strlen(reasons->all);
    snprintf(reasons->all + used, sizeof reasons->all - used, "%s\n", sentence);
}

/* Of the file that was written last; returns how many there are. */
static size_t check_file(Reasons *reasons) {
    AlisaFile *file;
    AlisaError error;
    size_t count;
    *reasons = (Reasons){0};
    support_must(alisa_file_open(model_path(), &file, &error), &error);
    support_must(alisa_file_check(file, note_reason, reasons, &count, &error), &error);
    alisa_file_close(file);
    return count;
}

/* Without a device as with one. */
static void the_first_reason_is_what_opening_says(void **state) {
    (void)state;
    Reasons reasons;
    const Fault none = {.tokens = VOCABULARY};
    write_model(&none, model_path());
    if (check_file(&reasons) != 0) fail_msg("the sound file does not run: %s", reasons.all);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        AlisaError error = {0};
        write_model(&faults[i], model_path());
        open_and_create(0, &error);
        if (check_file(&reasons) == 0 || strncmp(reasons.first, error.message, 500) != 0)
            fail_msg("%s: told '%s', opening says '%s'", faults[i].name, reasons.first,
                     error.message);
    }
    unlink(model_path());
}

static void all_reasons_are_told(void **state) {
    (void)state;
    Reasons reasons;
    const Fault several = {.skip_tensor = "blk.0.ffn_up.weight",
                           .change_tensor = "blk.0.attn_k.weight",
                           .tensor_rows = 48,
                           .extra_tensor = "blk.1.ffn_norm.weight",
                           .rope_scaling = "spiral"};
    write_model(&several, model_path());
    assert_int_equal(check_file(&reasons), 4);
    assert_non_null(strstr(reasons.first, "'spiral'"));
    assert_non_null(strstr(reasons.all, "blk.0.ffn_up.weight (a feed-forward block"));
    assert_non_null(strstr(reasons.all, "blk.0.attn_k.weight is 32 x 48"));
    assert_non_null(strstr(reasons.all, "blk.1.ffn_norm.weight has no place"));
    unlink(model_path());
}

static void each_fault_is_named(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        AlisaError error = {0};
        write_model(&faults[i], model_path());
        AlisaStatus status = open_and_create(0, &error);
        if (status != faults[i].status || !strstr(error.message, faults[i].expect)) {
            fail_msg("%s: status %d, '%s' (expected %d, '%s')", faults[i].name, status,
                     error.message, faults[i].status, faults[i].expect);
        }
    }
    unlink(model_path());
}

static void the_sound_file_runs(void **state) {
    (void)state;
    const Fault none = {.tokens = VOCABULARY};
    AlisaError error = {0};
    write_model(&none, model_path());
    if (open_and_create(0, &error) != ALISA_OK) fail_msg("%s", error.message);
    unlink(model_path());
}

static void weights_past_the_budget_are_refused(void **state) {
    (void)state;
    const Fault none = {0};
    AlisaError error = {0};
    write_model(&none, model_path());
    assert_int_equal(open_and_create(1000, &error), ALISA_ERROR_MEMORY);
    assert_non_null(strstr(error.message, "weights need"));
    assert_non_null(strstr(error.message, "--device-mem"));
    unlink(model_path());
}

static void context_fits_or_says_so(void **state) {
    (void)state;
    const Fault none = {0};
    AlisaModel *model = NULL;
    AlisaEngine *engine = NULL;
    AlisaSession *session = NULL;
    AlisaError error = {0};
    write_model(&none, model_path());
    assert_int_equal(alisa_model_open(model_path(), &model, &error), ALISA_OK);
    AlisaEngineOptions engine_options;
    alisa_engine_options_defaults(&engine_options);
    engine_options.device_memory = 60000;
    assert_int_equal(alisa_engine_create(model, support_device, &engine_options, &engine, &error),
                     ALISA_OK);
    AlisaSessionOptions options;
    alisa_session_options_defaults(&options);
    options.micro_batch = 4;
    options.context_length = 1u << 20;
    assert_int_equal(alisa_session_create(engine, &options, &session, &error), ALISA_ERROR_MEMORY);
    assert_null(session);
    assert_non_null(strstr(error.message, "lower -c"));

    /* Asked for nothing in particular, it takes what fits. */
    options.context_length = 0;
    if (alisa_session_create(engine, &options, &session, &error) != ALISA_OK) {
        fail_msg("%s", error.message);
    }
    assert_in_range(alisa_session_context_length(session), 16, 64);
    alisa_session_destroy(session);
    options.sequence_count = 0;
    assert_int_equal(alisa_session_create(engine, &options, &session, &error),
                     ALISA_ERROR_ARGUMENT);
    alisa_engine_destroy(engine);
    alisa_model_close(model);
    unlink(model_path());
}

/* ---- Sliding windows ------------------------------------------------------------------------ */

enum { TRAINED = 64 }; /* llama.context_length above */

static void keep_warning(void *user, AlisaLogLevel level, const char *line) {
    char *kept = user;
    if (level == ALISA_LOG_WARNING && strstr(line, "sliding")) snprintf(kept, 256, "%s", line);
}

/* The context of a session of a model with this window. */
static uint32_t context_of(uint32_t window, uint32_t asked, AlisaPolicy policy, char warning[256],
                           AlisaError *error) {
    const Fault fault = {.change_key = "llama.attention.sliding_window", .change_to = window};
    AlisaModel *model = NULL;
    AlisaEngine *engine = NULL;
    AlisaSession *session = NULL;
    AlisaEngineOptions engine_options;
    SupportOptions options;
    warning[0] = 0;
    write_model(&fault, model_path());
    support_must(alisa_model_open(model_path(), &model, error), error);
    AlisaModelInfo info;
    alisa_model_info(model, &info);
    assert_int_equal(info.context_length, TRAINED);
    alisa_engine_options_defaults(&engine_options);
    engine_options.log = (AlisaLog){keep_warning, warning};
    support_must(alisa_engine_create(model, support_device, &engine_options, &engine, error),
                 error);
    support_options_defaults(&options);
    options.session.micro_batch = 8;
    options.session.context_length = asked;
    options.placement.policy = policy;
    support_must(alisa_session_create(engine, &options.session, &session, error), error);
    uint32_t context = alisa_session_context_length(session);
    alisa_session_destroy(session);
    alisa_engine_destroy(engine);
    alisa_model_close(model);
    unlink(model_path());
    return context;
}

/* Layers with a window are on the device: where all have one, a policy has nothing to place. */
static void a_window_leaves_policies_nothing(void **state) {
    (void)state;
    char warning[256];
    AlisaError error;
    assert_int_equal(context_of(24, 0, ALISA_POLICY_DEVICE, warning, &error), TRAINED);
    assert_string_equal(warning, "");
    assert_int_equal(context_of(24, 25, ALISA_POLICY_ALISA, warning, &error), 25);
    assert_non_null(strstr(warning, "24 tokens"));
    assert_non_null(strstr(warning, "llama.attention.sliding_window"));
    assert_int_equal(context_of(24, 24, ALISA_POLICY_ALISA, warning, &error), 24);
    assert_string_equal(warning, "");
}

static void a_window_as_long_as_the_context_is_none(void **state) {
    (void)state;
    char warning[256];
    AlisaError error;
    assert_int_equal(context_of(0, 0, ALISA_POLICY_DEVICE, warning, &error), TRAINED);
    assert_int_equal(context_of(0, 100, ALISA_POLICY_DEVICE, warning, &error), 100);
    assert_int_equal(context_of(TRAINED, 0, ALISA_POLICY_DEVICE, warning, &error), TRAINED);
    assert_string_equal(warning, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sound_file_runs),
        cmocka_unit_test(each_fault_is_named),
        cmocka_unit_test(the_first_reason_is_what_opening_says),
        cmocka_unit_test(all_reasons_are_told),
        cmocka_unit_test(weights_past_the_budget_are_refused),
        cmocka_unit_test(context_fits_or_says_so),
        cmocka_unit_test(a_window_leaves_policies_nothing),
        cmocka_unit_test(a_window_as_long_as_the_context_is_none),
    };
    return cmocka_run_group_tests(tests, support_open_device, support_close_device);
}
