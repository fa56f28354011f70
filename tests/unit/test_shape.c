/* SPDX-License-Identifier: Apache-2.0 */
/* Shapes read from keys: values of a whole model and of each layer, windows, and what is refused.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "model/shape.h"
#include "unit/gguf_image.h"

enum { LAYERS = 3, EMBEDDING = 64, HEADS = 8, KV_HEADS = 4, HEAD_DIM = 16, FEED_FORWARD = 96 };

static const struct {
    const char *name;
    uint32_t value;
} sound_keys[] = {
    {"llama.context_length", 512},
    {"llama.embedding_length", EMBEDDING},
    {"llama.block_count", LAYERS},
    {"llama.feed_forward_length", FEED_FORWARD},
    {"llama.attention.head_count", HEADS},
    {"llama.attention.head_count_kv", KV_HEADS},
    {"llama.attention.key_length", HEAD_DIM},
};

/* "llama.block_count" of an architecture, good until the next call. */
static const char *key_of(const char *architecture, const char *suffix) {
    static char name[128];
    snprintf(name, sizeof name, "%s.%s", architecture, suffix);
    return name;
}

/* The keys of a sound model but for `without`, which the test writes itself (or nobody does). */
static GgufImage begin(const char *architecture, const char *without) {
    GgufImage image;
    image_begin(&image, 3);
    image_string(&image, "general.architecture", architecture);
    for (size_t i = 0; i < sizeof sound_keys / sizeof *sound_keys; i++) {
        if (!without || strcmp(sound_keys[i].name, without) != 0)
            image_u32(&image, key_of(architecture, strchr(sound_keys[i].name, '.') + 1),
                      sound_keys[i].value);
    }
    return image;
}

static void add_float(GgufImage *image, const char *name, float value) {
    image_key(image, name, ALISA_GGUF_F32);
    image_float(image, value);
}

static void add_array(GgufImage *image, const char *name, const uint32_t *values, uint32_t count) {
    image_array(image, name, ALISA_GGUF_U32, count);
    for (uint32_t i = 0; i < count; i++)
        image_number(image, values[i], 4);
}

/* Ends the image. */
static AlisaStatus read_shape(GgufImage *image, AlisaShape *shape, AlisaError *error) {
    AlisaGguf *gguf = NULL;
    AlisaStatus status = alisa_gguf_open_memory(image->data, image->size, &gguf, error);
    if (status != ALISA_OK) fail_msg("%s", error->message);
    status = alisa_shape_read(gguf, shape, NULL, error);
    alisa_gguf_close(gguf);
    image_end(image);
    return status;
}

static AlisaShape must_read(GgufImage image) {
    AlisaShape shape;
    AlisaError error;
    if (read_shape(&image, &shape, &error) != ALISA_OK) fail_msg("%s", error.message);
    return shape;
}

static void must_refuse(GgufImage image, AlisaStatus expected, const char *sentence) {
    AlisaShape shape;
    AlisaError error;
    AlisaStatus status = read_shape(&image, &shape, &error);
    if (status != expected || !strstr(error.message, sentence))
        fail_msg("status %d, '%s'; expected %d, '%s'", status, error.message, expected, sentence);
    assert_null(shape.layers);
}

static void one_value_is_that_of_every_layer(void **state) {
    (void)state;
    AlisaShape shape = must_read(begin("llama", NULL));
    assert_string_equal(shape.architecture->name, "llama");
    assert_int_equal(shape.layer_count, LAYERS);
    for (uint32_t i = 0; i < LAYERS; i++) {
        const AlisaLayerShape *layer = &shape.layers[i];
        assert_int_equal(layer->head_count, HEADS);
        assert_int_equal(layer->kv_head_count, KV_HEADS);
        assert_int_equal(layer->head_dim, HEAD_DIM);
        assert_int_equal(layer->feed_forward_length, FEED_FORWARD);
        assert_int_equal(layer->sliding_window, 0);
        assert_int_equal(layer->rope, 0);
    }
    assert_int_equal(shape.rope_count, 1);
    assert_int_equal(shape.ropes[0].dim, HEAD_DIM);
    assert_true(shape.attention_scale == 0.25f);
    assert_true(shape.norm_epsilon == 1e-5f);
    alisa_shape_finish(&shape);
    assert_null(shape.layers);
}

static void heads_follow_from_the_embedding(void **state) {
    (void)state;
    AlisaShape shape = must_read(begin("llama", "llama.attention.head_count_kv"));
    assert_int_equal(shape.layers[2].kv_head_count, HEADS);
    alisa_shape_finish(&shape);
    shape = must_read(begin("llama", "llama.attention.key_length"));
    assert_int_equal(shape.layers[2].head_dim, EMBEDDING / HEADS);
    alisa_shape_finish(&shape);
}

static void arrays_give_each_layer_its_own(void **state) {
    (void)state;
    static const uint32_t lengths[LAYERS] = {96, 256, 64}, same[LAYERS] = {2, 2, 2};
    GgufImage image = begin("llama", "llama.feed_forward_length");
    add_array(&image, "llama.feed_forward_length", lengths, LAYERS);
    AlisaShape shape = must_read(image);
    for (uint32_t i = 0; i < LAYERS; i++)
        assert_int_equal(shape.layers[i].feed_forward_length, lengths[i]);
    assert_int_equal(alisa_shape_feed_forward(&shape), 256);
    AlisaSizes sizes = alisa_shape_sizes(&shape, 2);
    assert_int_equal(sizes.feed_forward, 64);
    assert_int_equal(sizes.heads, HEADS);
    assert_int_equal(sizes.kv_heads, KV_HEADS);
    alisa_shape_finish(&shape);

    image = begin("llama", "llama.attention.head_count_kv");
    add_array(&image, "llama.attention.head_count_kv", same, LAYERS);
    shape = must_read(image);
    assert_int_equal(shape.layers[1].kv_head_count, 2);
    alisa_shape_finish(&shape);
}

static void arrays_have_an_integer_a_layer(void **state) {
    (void)state;
    static const uint32_t values[4] = {64, 64, 64, 64}, zero[LAYERS] = {64, 0, 64};
    const char *name = "llama.feed_forward_length";
    GgufImage image = begin("llama", name);
    add_array(&image, name, values, 4);
    must_refuse(image, ALISA_ERROR_FORMAT, "an array of 4 elements");
    image = begin("llama", name);
    add_array(&image, name, zero, LAYERS);
    must_refuse(image, ALISA_ERROR_FORMAT, "llama.feed_forward_length is 0 for layer 1");
    image = begin("llama", name);
    image_array(&image, name, ALISA_GGUF_F32, LAYERS);
    for (uint32_t i = 0; i < LAYERS; i++)
        image_float(&image, 64.0f);
    must_refuse(image, ALISA_ERROR_FORMAT, "it must have an integer for each of the 3 layers");
    must_refuse(begin("llama", name), ALISA_ERROR_FORMAT, "llama.feed_forward_length is missing");
}

static void layers_with_other_heads_are_refused(void **state) {
    (void)state;
    static const uint32_t kv_heads[LAYERS] = {4, 4, 2}, heads[LAYERS] = {8, 4, 8};
    GgufImage image = begin("llama", "llama.attention.head_count_kv");
    add_array(&image, "llama.attention.head_count_kv", kv_heads, LAYERS);
    must_refuse(image, ALISA_ERROR_UNSUPPORTED, "layer 2 has 8 and 2 of 16");
    image = begin("llama", "llama.attention.head_count");
    add_array(&image, "llama.attention.head_count", heads, LAYERS);
    must_refuse(image, ALISA_ERROR_UNSUPPORTED, "layer 1 has 4 and 4 of 16");
}

static void a_window_leaves_the_context_alone(void **state) {
    (void)state;
    AlisaShape shape = must_read(begin("llama", NULL));
    assert_int_equal(shape.layers[0].sliding_window, 0);
    alisa_shape_finish(&shape);
    GgufImage image = begin("llama", NULL);
    image_u32(&image, "llama.attention.sliding_window", 100);
    shape = must_read(image);
    assert_int_equal(shape.context_length, 512);
    assert_int_equal(shape.layers[0].sliding_window, 100);
    assert_int_equal(shape.layers[2].sliding_window, 100);
    alisa_shape_finish(&shape);
}

static void architectures_are_refused_by_what_they_need(void **state) {
    (void)state;
    must_refuse(begin("mamba", NULL), ALISA_ERROR_UNSUPPORTED,
                "architecture 'mamba' is a state-space or recurrent model; this version runs: "
                "llama");
    must_refuse(begin("zebra", NULL), ALISA_ERROR_UNSUPPORTED,
                "architecture 'zebra' is not supported; this version runs: llama");
}

static void experts_are_those_of_the_keys(void **state) {
    (void)state;
    GgufImage image = begin("qwen2moe", NULL);
    image_u32(&image, "qwen2moe.expert_count", 60);
    image_u32(&image, "qwen2moe.expert_used_count", 4);
    AlisaShape shape = must_read(image);
    uint32_t dense = shape.experts.forward; /* of the model, where nothing else is said */
    assert_int_equal(shape.experts.count, 60);
    assert_int_equal(shape.experts.shared_forward, dense);
    assert_int_equal(shape.layers[1].feed_forward_length, 5 * dense);
    alisa_shape_finish(&shape);
    image = begin("qwen2moe", NULL);
    image_u32(&image, "qwen2moe.expert_count", 60);
    image_u32(&image, "qwen2moe.expert_used_count", 4);
    image_u32(&image, "qwen2moe.expert_feed_forward_length", 24);
    image_u32(&image, "qwen2moe.expert_shared_feed_forward_length", 40);
    shape = must_read(image);
    assert_int_equal(shape.experts.forward, 24);
    assert_int_equal(shape.layers[2].feed_forward_length, 4 * 24 + 40);
    AlisaSizes sizes = alisa_shape_sizes(&shape, 0);
    assert_int_equal(sizes.experts, 60);
    assert_int_equal(sizes.expert_forward, 24);
    assert_int_equal(sizes.shared_forward, 40);
    alisa_shape_finish(&shape);
}

static void experts_that_cannot_be_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *architecture;
        uint32_t count, used;
        AlisaStatus status;
        const char *sentence;
    } cases[] = {
        {"qwen3moe", 0, 0, ALISA_ERROR_FORMAT, "qwen3moe.expert_count is missing or 0"},
        {"qwen3moe", 8, 0, ALISA_ERROR_FORMAT, "qwen3moe.expert_used_count is 0"},
        {"llama", 8, 9, ALISA_ERROR_FORMAT, "llama.expert_used_count is 9; a token takes"},
        {"llama", 1 << 20, 2, ALISA_ERROR_UNSUPPORTED, "fewer than 2^31"},
        {"gemma", 8, 2, ALISA_ERROR_UNSUPPORTED, "a mixture of 8 experts"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        GgufImage image = begin(cases[i].architecture, NULL);
        image_u32(&image, key_of(cases[i].architecture, "expert_count"), cases[i].count);
        image_u32(&image, key_of(cases[i].architecture, "expert_used_count"), cases[i].used);
        image_u32(&image, key_of(cases[i].architecture, "expert_feed_forward_length"), 4096);
        must_refuse(image, cases[i].status, cases[i].sentence);
    }
}

static void attention_is_scaled_as_a_key_says(void **state) {
    (void)state;
    GgufImage image = begin("llama", NULL);
    add_float(&image, "llama.attention.scale", 0.015625f);
    AlisaShape shape = must_read(image);
    assert_true(shape.attention_scale == 0.015625f);
    alisa_shape_finish(&shape);
    image = begin("llama", NULL);
    add_float(&image, "llama.attention.scale", NAN);
    must_refuse(image, ALISA_ERROR_FORMAT, "llama.attention.scale is nan");
}

static void keys_that_change_the_result_are_refused(void **state) {
    (void)state;
    static const char *const keys[] = {"llama.attention.clamp_kqv",
                                       "llama.attention.max_alibi_bias"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        GgufImage image = begin("llama", NULL);
        add_float(&image, keys[i], 8.0f);
        must_refuse(image, ALISA_ERROR_UNSUPPORTED, keys[i]);
        image = begin("llama", NULL);
        add_float(&image, keys[i], 0.0f);
        AlisaShape shape = must_read(image);
        alisa_shape_finish(&shape);
    }
}

static void scales_and_caps_are_positive(void **state) {
    (void)state;
    static const char *const keys[] = {"attn_logit_softcapping",
                                       "final_logit_softcapping",
                                       "embedding_scale",
                                       "residual_scale",
                                       "logit_scale",
                                       "attention.scale",
                                       "rope.freq_base",
                                       "rope.scaling.factor"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        for (float value = -2.0f; value <= 0.0f; value += 2.0f) {
            GgufImage image = begin("llama", NULL);
            add_float(&image, key_of("llama", keys[i]), value);
            must_refuse(image, ALISA_ERROR_FORMAT, "it must be > 0");
        }
}

static void scales_are_those_of_the_keys(void **state) {
    (void)state;
    GgufImage image = begin("llama", NULL);
    add_float(&image, "llama.attn_logit_softcapping", 50.0f);
    add_float(&image, "llama.final_logit_softcapping", 30.0f);
    add_float(&image, "llama.embedding_scale", 12.0f);
    add_float(&image, "llama.residual_scale", 0.25f);
    add_float(&image, "llama.logit_scale", 0.0625f);
    AlisaShape shape = must_read(image);
    assert_true(shape.attention_soft_cap == 50.0f);
    assert_true(shape.logit_soft_cap == 30.0f && shape.embedding_scale == 12.0f);
    assert_true(shape.residual_scale == 0.25f && shape.logit_scale == 0.0625f);
    alisa_shape_finish(&shape);
    image = begin("granite", NULL); /* divides */
    add_float(&image, "granite.logit_scale", 8.0f);
    shape = must_read(image);
    assert_true(shape.logit_scale == 0.125f && shape.residual_scale == 1.0f);
    alisa_shape_finish(&shape);
    shape = must_read(begin("gemma", NULL));
    assert_true(shape.embedding_scale == 8.0f); /* the root of 64 */
    alisa_shape_finish(&shape);
}

static void blocks_are_parallel_as_a_key_says(void **state) {
    (void)state;
    AlisaShape shape = must_read(begin("gptneox", NULL));
    assert_true(shape.is_parallel);
    alisa_shape_finish(&shape);
    GgufImage image = begin("gptneox", NULL);
    image_key(&image, "gptneox.use_parallel_residual", ALISA_GGUF_BOOL);
    image_number(&image, 0, 1);
    shape = must_read(image);
    assert_false(shape.is_parallel);
    alisa_shape_finish(&shape);
}

static void rope_turns_an_even_part_of_a_head(void **state) {
    (void)state;
    static const struct {
        uint32_t dim;
        const char *sentence;
    } bad[] = {{5, "rope.dimension_count is 5, which is odd"},
               {18, "rope.dimension_count is 18, outside 2 to 16"},
               {0, "rope.dimension_count is 0, outside 2 to 16"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        GgufImage image = begin("llama", NULL);
        image_u32(&image, "llama.rope.dimension_count", bad[i].dim);
        must_refuse(image, ALISA_ERROR_FORMAT, bad[i].sentence);
    }
    AlisaShape shape = must_read(begin("gpt2", NULL));
    assert_int_equal(shape.ropes[0].scaling, ALISA_ROPE_STILL);
    alisa_shape_finish(&shape);
}

/* Windows and ropes of the three layers, as in "w0 w0 -1". */
static void check_layers(GgufImage image, const char *expected) {
    AlisaShape shape = must_read(image);
    char text[32] = "";
    for (uint32_t i = 0; i < LAYERS; i++) {
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "%s%s%u", i ? " " : "",
                 shape.layers[i].sliding_window ? "w" : "-", shape.layers[i].rope);
    }
    assert_string_equal(text, expected);
    alisa_shape_finish(&shape);
}

static GgufImage with_window(const char *architecture, uint32_t window) {
    GgufImage image = begin(architecture, NULL);
    image_u32(&image, key_of(architecture, "attention.sliding_window"), window);
    return image;
}

static void patterns_say_which_layers_have_a_window(void **state) {
    (void)state;
    static const uint32_t marks[LAYERS] = {0, 1, 1}, two[2] = {1, 1};
    check_layers(with_window("llama", 100), "w0 w0 w0");
    check_layers(with_window("llama", 0), "-0 -0 -0");
    GgufImage image = with_window("gemma3", 100);
    image_u32(&image, "gemma3.attention.sliding_window_pattern", 2);
    check_layers(image, "w1 -0 w1");
    image = with_window("olmo2", 100);
    add_array(&image, "olmo2.attention.sliding_window_pattern", marks, LAYERS);
    check_layers(image, "-0 w1 w1");
    image = with_window("olmo2", 100);
    add_array(&image, "olmo2.attention.sliding_window_pattern", two, 2);
    must_refuse(image, ALISA_ERROR_FORMAT, "an array of 2 elements; it must have a truth value");
    image = with_window("cohere2", 100);
    image_u32(&image, "cohere2.attention.sliding_window_pattern", 2);
    check_layers(image, "w0 -1 w0");
    /* Without windows all layers are turned. */
    check_layers(begin("exaone4", NULL), "-0 -0 -0");
}

static void layers_with_a_window_may_have_their_own_rope(void **state) {
    (void)state;
    GgufImage image = with_window("gemma3", 100);
    add_float(&image, "gemma3.rope.freq_base", 1e6f);
    add_float(&image, "gemma3.rope.scaling.factor", 8.0f);
    AlisaShape shape = must_read(image);
    assert_int_equal(shape.rope_count, 2);
    assert_true(shape.ropes[0].base == 1e6f && shape.ropes[0].factor == 8.0f);
    assert_true(shape.ropes[1].base == 1e4f && shape.ropes[1].factor == 1.0f);
    alisa_shape_finish(&shape);
    image = with_window("gemma3", 100);
    add_float(&image, "gemma3.rope.freq_base_swa", 5e5f);
    shape = must_read(image);
    assert_true(shape.ropes[0].base == 1e4f && shape.ropes[1].base == 5e5f);
    alisa_shape_finish(&shape);
}

/* The context is that of the model with a window past it, and with none. */
static void a_window_past_the_context_is_read(void **state) {
    (void)state;
    AlisaShape shape = must_read(with_window("phi3", 262144));
    assert_int_equal(shape.context_length, 512);
    assert_int_equal(shape.layers[0].sliding_window, 262144);
    alisa_shape_finish(&shape);
    shape = must_read(with_window("phi3", 0));
    assert_int_equal(shape.layers[0].sliding_window, 0);
    alisa_shape_finish(&shape);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_value_is_that_of_every_layer),
        cmocka_unit_test(heads_follow_from_the_embedding),
        cmocka_unit_test(arrays_give_each_layer_its_own),
        cmocka_unit_test(arrays_have_an_integer_a_layer),
        cmocka_unit_test(layers_with_other_heads_are_refused),
        cmocka_unit_test(a_window_leaves_the_context_alone),
        cmocka_unit_test(architectures_are_refused_by_what_they_need),
        cmocka_unit_test(experts_are_those_of_the_keys),
        cmocka_unit_test(experts_that_cannot_be_are_refused),
        cmocka_unit_test(attention_is_scaled_as_a_key_says),
        cmocka_unit_test(keys_that_change_the_result_are_refused),
        cmocka_unit_test(scales_and_caps_are_positive),
        cmocka_unit_test(scales_are_those_of_the_keys),
        cmocka_unit_test(blocks_are_parallel_as_a_key_says),
        cmocka_unit_test(rope_turns_an_even_part_of_a_head),
        cmocka_unit_test(patterns_say_which_layers_have_a_window),
        cmocka_unit_test(layers_with_a_window_may_have_their_own_rope),
        cmocka_unit_test(a_window_past_the_context_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
