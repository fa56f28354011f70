/* SPDX-License-Identifier: Apache-2.0 */
/* Shapes read from keys: values of a whole model and of each layer, windows, and what is refused.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

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

/* The keys of a sound model but for `without`, which the test writes itself (or nobody does). */
static GgufImage begin(const char *architecture, const char *without) {
    GgufImage image;
    image_begin(&image, 3);
    image_string(&image, "general.architecture", architecture);
    for (size_t i = 0; i < sizeof sound_keys / sizeof *sound_keys; i++) {
        if (!without || strcmp(sound_keys[i].name, without) != 0)
            image_u32(&image, sound_keys[i].name, sound_keys[i].value);
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
    status = alisa_shape_read(gguf, shape, error);
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
        assert_int_equal(layer->rope, ALISA_LAYER_ROPE_MODEL);
    }
    assert_int_equal(shape.rope.dim, HEAD_DIM);
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
    assert_true(alisa_shape_full_attention(&shape) == UINT32_MAX);
    alisa_shape_finish(&shape);
    GgufImage image = begin("llama", NULL);
    image_u32(&image, "llama.attention.sliding_window", 100);
    shape = must_read(image);
    assert_int_equal(shape.context_length, 512);
    assert_int_equal(shape.layers[0].sliding_window, 100);
    assert_int_equal(shape.layers[2].sliding_window, 100);
    assert_int_equal(alisa_shape_full_attention(&shape), 100);
    shape.layers[1].sliding_window = 0;
    shape.layers[2].sliding_window = 80;
    assert_int_equal(alisa_shape_full_attention(&shape), 80);
    alisa_shape_finish(&shape);
}

static void architectures_are_refused_by_what_they_need(void **state) {
    (void)state;
    must_refuse(begin("opt", NULL), ALISA_ERROR_UNSUPPORTED,
                "architecture 'opt' needs layer norms");
    must_refuse(begin("opt", NULL), ALISA_ERROR_UNSUPPORTED, "it runs: llama");
    must_refuse(begin("mamba", NULL), ALISA_ERROR_UNSUPPORTED,
                "architecture 'mamba' is not supported; this version runs: llama");
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
    static const struct {
        const char *name;
        float value;
        float neutral;
    } keys[] = {
        {"llama.attn_logit_softcapping", 50.0f, 0.0f}, {"llama.final_logit_softcapping", 30.0f, 0},
        {"llama.attention.clamp_kqv", 8.0f, 0.0f},     {"llama.attention.max_alibi_bias", 8.0f, 0},
        {"llama.embedding_scale", 12.0f, 1.0f},        {"llama.residual_scale", 0.22f, 1.0f},
        {"llama.logit_scale", 0.0625f, 1.0f},
    };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        GgufImage image = begin("llama", NULL);
        add_float(&image, keys[i].name, keys[i].value);
        must_refuse(image, ALISA_ERROR_UNSUPPORTED, keys[i].name);
        image = begin("llama", NULL);
        add_float(&image, keys[i].name, keys[i].neutral);
        AlisaShape shape = must_read(image);
        alisa_shape_finish(&shape);
    }
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
        cmocka_unit_test(attention_is_scaled_as_a_key_says),
        cmocka_unit_test(keys_that_change_the_result_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
