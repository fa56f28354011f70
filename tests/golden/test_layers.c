/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layers by themselves: a model whose layers have feed-forward blocks of different lengths computes
 * what the same model does whose blocks are filled up with zeros, and what one does whose tensors
 * lie in one another; and the weights of runs of layers are the parts of the whole model's.
 */
#include <math.h>
#include <unistd.h>

#include "base/disk.h"
#include "base/random.h"
#include "model/weights.h"
#include "support.h"
#include "unit/gguf_image.h"

enum { LAYERS = 3, EMBEDDING = 32, HEADS = 4, KV_HEADS = 2, HEAD_DIM = 8, VOCABULARY = 48 };
enum { LONGEST = 96, ROWS = 20 };

static const uint32_t lengths[LAYERS] = {64, 96, 32}; /* of feed-forward blocks */

/* A model in the making. */
typedef struct Writer {
    GgufImage image; /* keys and descriptions */
    GgufImage data;
    bool filled; /* blocks are filled up to LONGEST */
    bool fused;  /* queries, keys and values are one tensor, and so are gate and up */
} Writer;

static void describe(Writer *writer, const char *name, uint32_t rows, uint32_t columns) {
    uint64_t dimensions[2] = {columns, rows};
    image_tensor(&writer->image, name, ALISA_WEIGHT_F32, rows > 1 ? 2 : 1, dimensions,
                 writer->data.size);
}

/* The values depend on the name, and not on how far they are filled up: `rows` x `columns` of them
 * stand in a tensor of so many `all_rows` x `all_columns`, the others are 0. */
static void add_values(Writer *writer, const char *name, uint32_t rows, uint32_t columns,
                       uint32_t all_rows, uint32_t all_columns) {
    uint64_t seed = 1;
    for (const char *c = name; *c; c++)
        seed = seed * 31 + (uint64_t)*c;
    AlisaRandom random;
    alisa_random_seed(&random, seed);
    for (uint32_t i = 0; i < all_rows; i++) {
        for (uint32_t j = 0; j < all_columns; j++) {
            bool inside = i < rows && j < columns;
            float spread = rows > 1 ? 1.0f / sqrtf((float)EMBEDDING) : 0.3f;
            float value = inside ? spread * alisa_random_normal(&random) : 0.0f;
            image_float(&writer->data, rows > 1 ? value : 1.0f + value);
        }
    }
}

static void add_tensor(Writer *writer, const char *name, uint32_t rows, uint32_t columns,
                       uint32_t all_rows, uint32_t all_columns) {
    describe(writer, name, all_rows, all_columns);
    add_values(writer, name, rows, columns, all_rows, all_columns);
    image_pad(&writer->data, 32);
}

static void add_layer(Writer *writer, uint32_t layer) {
    uint32_t length = lengths[layer], all = writer->filled ? LONGEST : length;
    const struct {
        const char *name;
        uint32_t rows, columns, all_rows, all_columns;
        const char *fused; /* begins with these rows; "": they are behind those before */
        uint32_t fused_rows;
    } tensors[] = {
        {"attn_norm.weight", 1, EMBEDDING, 1, EMBEDDING},
        {"attn_q.weight", HEADS * HEAD_DIM, EMBEDDING, HEADS * HEAD_DIM, EMBEDDING,
         "attn_qkv.weight", (HEADS + 2 * KV_HEADS) * HEAD_DIM},
        {"attn_k.weight", KV_HEADS * HEAD_DIM, EMBEDDING, KV_HEADS * HEAD_DIM, EMBEDDING, "", 0},
        {"attn_v.weight", KV_HEADS * HEAD_DIM, EMBEDDING, KV_HEADS * HEAD_DIM, EMBEDDING, "", 0},
        {"attn_output.weight", EMBEDDING, HEADS * HEAD_DIM, EMBEDDING, HEADS * HEAD_DIM},
        {"ffn_norm.weight", 1, EMBEDDING, 1, EMBEDDING},
        {"ffn_gate.weight", length, EMBEDDING, all, EMBEDDING, "ffn_up.weight", 2 * all},
        {"ffn_up.weight", length, EMBEDDING, all, EMBEDDING, "", 0},
        {"ffn_down.weight", EMBEDDING, length, EMBEDDING, all},
    };
    for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++) {
        char name[64], fused[64];
        snprintf(name, sizeof name, "blk.%u.%s", layer, tensors[i].name);
        if (!writer->fused || !tensors[i].fused) {
            add_tensor(writer, name, tensors[i].rows, tensors[i].columns, tensors[i].all_rows,
                       tensors[i].all_columns);
            continue;
        }
        snprintf(fused, sizeof fused, "blk.%u.%s", layer, tensors[i].fused);
        if (tensors[i].fused_rows > 0)
            describe(writer, fused, tensors[i].fused_rows, tensors[i].all_columns);
        add_values(writer, name, tensors[i].rows, tensors[i].columns, tensors[i].all_rows,
                   tensors[i].all_columns);
    }
}

static const char *write_model(bool filled, bool tied, bool fused) {
    static char path[64];
    snprintf(path, sizeof path, "/tmp/alisa-test-layers-%ld.gguf", (long)getpid());
    Writer writer = {.filled = filled, .fused = fused};
    image_begin(&writer.image, 3);
    image_string(&writer.image, "general.architecture", "llama");
    image_u32(&writer.image, "llama.context_length", 64);
    image_u32(&writer.image, "llama.embedding_length", EMBEDDING);
    image_u32(&writer.image, "llama.block_count", LAYERS);
    image_u32(&writer.image, "llama.attention.head_count", HEADS);
    image_u32(&writer.image, "llama.attention.head_count_kv", KV_HEADS);
    if (filled) {
        image_u32(&writer.image, "llama.feed_forward_length", LONGEST);
    } else {
        image_array(&writer.image, "llama.feed_forward_length", ALISA_GGUF_U32, LAYERS);
        for (uint32_t i = 0; i < LAYERS; i++)
            image_number(&writer.image, lengths[i], 4);
    }
    add_tensor(&writer, "token_embd.weight", VOCABULARY, EMBEDDING, VOCABULARY, EMBEDDING);
    for (uint32_t i = 0; i < LAYERS; i++)
        add_layer(&writer, i);
    add_tensor(&writer, "output_norm.weight", 1, EMBEDDING, 1, EMBEDDING);
    if (!tied) add_tensor(&writer, "output.weight", VOCABULARY, EMBEDDING, VOCABULARY, EMBEDDING);
    image_pad(&writer.image, 32);
    image_bytes(&writer.image, writer.data.data, writer.data.size);
    AlisaError error;
    support_must(alisa_disk_write_atomic(path, writer.image.data, writer.image.size, &error),
                 &error);
    image_end(&writer.image);
    image_end(&writer.data);
    return path;
}

/* ---- Different lengths --------------------------------------------------------------------- */

/* Logits of ROWS tokens, computed in pieces of 7 rows at most. */
static void compute(bool filled, bool fused, AlisaPolicy policy, float *logits) {
    AlisaError error;
    AlisaModel *model;
    AlisaEngine *engine;
    AlisaSession *session;
    support_must(alisa_model_open(write_model(filled, false, fused), &model, &error), &error);
    AlisaEngineOptions engine_options;
    alisa_engine_options_defaults(&engine_options);
    support_must(alisa_engine_create(model, support_device, &engine_options, &engine, &error),
                 &error);
    SupportOptions options;
    support_options_defaults(&options);
    options.session.context_length = ROWS;
    options.session.micro_batch = 7;
    options.session.logit_rows = ROWS;
    options.placement.policy = policy;
    support_must(alisa_session_create(engine, &options.session, &session, &error), &error);
    AlisaRow rows[ROWS];
    for (uint32_t i = 0; i < ROWS; i++)
        rows[i] = (AlisaRow){(int32_t)(i * 7 % VOCABULARY), 0, true};
    support_must(alisa_session_eval(session, rows, ROWS, &error), &error);
    for (uint32_t i = 0; i < ROWS; i++)
        memcpy(logits + (size_t)i * VOCABULARY, alisa_session_logits(session, i),
               VOCABULARY * sizeof *logits);
    alisa_session_destroy(session);
    alisa_engine_destroy(engine);
    alisa_model_close(model);
}

static void layers_may_have_blocks_of_their_own_length(void **state) {
    (void)state;
    static float own[ROWS * VOCABULARY], filled[ROWS * VOCABULARY];
    static const AlisaPolicy policies[] = {ALISA_POLICY_DEVICE, ALISA_POLICY_ALISA};
    compute(true, false, ALISA_POLICY_DEVICE, filled);
    for (size_t p = 0; p < sizeof policies / sizeof *policies; p++) {
        double largest = 0.0;
        compute(false, false, policies[p], own);
        for (size_t i = 0; i < ROWS * VOCABULARY; i++) {
            largest = fmax(largest, fabs(own[i]));
            if (!(fabs(own[i] - filled[i]) <= 2e-5))
                fail_msg("logit %zu: %g, filled up %g", i, (double)own[i], (double)filled[i]);
        }
        assert_true(largest > 0.5);
    }
}

static void tensors_may_lie_in_one(void **state) {
    (void)state;
    static float apart[ROWS * VOCABULARY], fused[ROWS * VOCABULARY];
    compute(false, false, ALISA_POLICY_DEVICE, apart);
    compute(false, true, ALISA_POLICY_DEVICE, fused);
    assert_memory_equal(apart, fused, sizeof apart);
    assert_true(fabsf(apart[0]) > 0.0f);
}

/* ---- Runs of layers ------------------------------------------------------------------------ */

typedef struct Run {
    AlisaGguf *gguf;
    AlisaShape shape;
} Run;

static Run open_run(bool tied) {
    Run run = {0};
    AlisaError error;
    support_must(alisa_gguf_open(write_model(false, tied, false), &run.gguf, &error), &error);
    support_must(alisa_shape_read(run.gguf, &run.shape, NULL, &error), &error);
    run.shape.vocabulary_size = alisa_weights_vocabulary(run.gguf);
    return run;
}

static void close_run(Run *run) {
    alisa_shape_finish(&run->shape);
    alisa_gguf_close(run->gguf);
}

static AlisaWeights *weights_of(const Run *run, uint32_t first, uint32_t end) {
    const AlisaProgress none = {0};
    AlisaWeights *weights;
    AlisaError error;
    const AlisaWeightsTarget target = {.device = support_device, .device_memory = UINT64_MAX};
    support_must(
        alisa_weights_create(run->gguf, &run->shape, first, end, &target, &none, &weights, &error),
        &error);
    return weights;
}

static void runs_of_layers_add_up(void **state) {
    (void)state;
    Run run = open_run(false);
    AlisaWeights *all = weights_of(&run, 0, LAYERS);
    AlisaWeights *front = weights_of(&run, 0, 1), *back = weights_of(&run, 1, LAYERS);
    uint64_t table = VOCABULARY * EMBEDDING * sizeof(float);
    assert_int_equal(alisa_weights_bytes(front) + alisa_weights_bytes(back),
                     alisa_weights_bytes(all));
    assert_int_equal(alisa_weights_bytes(front),
                     table + sizeof(float) * (2 * EMBEDDING +
                                              EMBEDDING * (2 * HEADS + 2 * KV_HEADS) * HEAD_DIM +
                                              3 * EMBEDDING * lengths[0]));
    assert_non_null(alisa_weights_outer(front)->embedding.buffer);
    assert_null(alisa_weights_outer(back)->embedding.buffer);
    assert_null(alisa_weights_outer(front)->output_norm.buffer);
    assert_non_null(alisa_weights_outer(back)->output_norm.buffer);
    assert_int_equal(alisa_weights_outer(back)->head.rows, VOCABULARY);
    for (uint32_t layer = 1; layer < LAYERS; layer++)
        assert_int_equal(alisa_weights_layer(back, layer)->up.rows, lengths[layer]);
    alisa_weights_destroy(back);
    alisa_weights_destroy(front);
    alisa_weights_destroy(all);
    close_run(&run);
}

static void a_tied_head_is_there_with_the_last_layer(void **state) {
    (void)state;
    Run run = open_run(true);
    AlisaWeights *all = weights_of(&run, 0, LAYERS);
    AlisaWeights *front = weights_of(&run, 0, 2), *back = weights_of(&run, 2, LAYERS);
    uint64_t table = VOCABULARY * EMBEDDING * sizeof(float);
    assert_ptr_equal(alisa_weights_outer(all)->head.buffer,
                     alisa_weights_outer(all)->embedding.buffer);
    assert_non_null(alisa_weights_outer(back)->head.buffer);
    assert_int_equal(alisa_weights_bytes(front) + alisa_weights_bytes(back),
                     alisa_weights_bytes(all) + table);
    alisa_weights_destroy(back);
    alisa_weights_destroy(front);
    alisa_weights_destroy(all);
    close_run(&run);
}

static void a_run_needs_memory_for_itself_alone(void **state) {
    (void)state;
    Run run = open_run(false);
    AlisaWeights *back = weights_of(&run, 2, LAYERS), *again;
    uint64_t bytes = alisa_weights_bytes(back);
    alisa_weights_destroy(back);
    const AlisaProgress none = {0};
    AlisaError error;
    AlisaWeightsTarget target = {.device = support_device, .device_memory = bytes};
    support_must(
        alisa_weights_create(run.gguf, &run.shape, 2, LAYERS, &target, &none, &again, &error),
        &error);
    alisa_weights_destroy(again);
    target.device_memory = bytes - 1;
    assert_int_equal(
        alisa_weights_create(run.gguf, &run.shape, 2, LAYERS, &target, &none, &again, &error),
        ALISA_ERROR_MEMORY);
    assert_null(again);
    close_run(&run);
}

static int remove_model(void **state) {
    unlink(write_model(false, false, false));
    return support_close_device(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layers_may_have_blocks_of_their_own_length),
        cmocka_unit_test(tensors_may_lie_in_one),
        cmocka_unit_test(runs_of_layers_add_up),
        cmocka_unit_test(a_tied_head_is_there_with_the_last_layer),
        cmocka_unit_test(a_run_needs_memory_for_itself_alone),
    };
    return cmocka_run_group_tests(tests, support_open_device, remove_model);
}
