/* SPDX-License-Identifier: Apache-2.0 */
/* The table of architectures: rows that agree with themselves, and what is said of rows that the
 * engine does not run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/architecture.h"

#define BIT(name) ALISA_ROLES(ALISA_ROLE_##name)

static const AlisaArchitecture *row_of(const char *name) {
    const AlisaArchitecture *row = alisa_architecture_find(name, strlen(name));
    if (!row) fail_msg("no architecture %s", name);
    return row;
}

static void every_role_is_described(void **state) {
    (void)state;
    for (uint32_t role = 0; role < ALISA_ROLE_COUNT; role++) {
        const AlisaRoleInfo *info = alisa_role_info((AlisaRole)role);
        if (!info->what || !info->name || info->extents[0] == ALISA_EXTENT_ONE)
            fail_msg("role %u is not described", role);
        if (info->extents[1] == ALISA_EXTENT_ONE && info->extents[2] != ALISA_EXTENT_ONE)
            fail_msg("role %u has a third dimension and no second one", role);
    }
}

static void rows_are_found_by_their_whole_name(void **state) {
    (void)state;
    const AlisaArchitecture *row;
    for (size_t i = 0; (row = alisa_architecture_at(i)); i++)
        assert_ptr_equal(row_of(row->name), row); /* so no earlier row has the name */
    assert_null(alisa_architecture_find("llama", 4));
    assert_null(alisa_architecture_find("llama2", 6));
}

/* Exactly one of two sets is required. */
static bool either(const AlisaArchitecture *row, AlisaRoles one, AlisaRoles other) {
    return ((row->required & one) == one && !(row->required & other)) ||
           ((row->required & other) == other && !(row->required & one));
}

/* A bias without the matrix or norm that it belongs to. */
static bool is_stray(AlisaRoles all, AlisaRoles bias, AlisaRoles of) {
    return all & bias && !(all & of);
}

static void check_row(const AlisaArchitecture *row) {
    AlisaRoles all = row->required | row->optional;
    if (row->required & row->optional) fail_msg("%s: required and optional", row->name);
    AlisaRoles everywhere = BIT(EMBEDDING) | BIT(ATTENTION_OUTPUT) | BIT(OUTPUT_NORM);
    if ((row->required & everywhere) != everywhere) fail_msg("%s: no whole model", row->name);
    if (!either(row, BIT(QUERY) | BIT(KEY) | BIT(VALUE), BIT(QUERY_KEY_VALUE)))
        fail_msg("%s: queries, keys and values are neither three matrices nor one", row->name);
    if (!either(row, BIT(UP), BIT(GATE_UP)) || !(row->required & BIT(DOWN)))
        fail_msg("%s: no feed-forward block", row->name);
    if (all & BIT(GATE_UP) && all & BIT(GATE)) fail_msg("%s: two gates", row->name);
    if ((row->position == ALISA_POSITION_LEARNED) != ((all & BIT(POSITIONS)) != 0))
        fail_msg("%s: a table of positions and how it is used", row->name);
    if (row->norm == ALISA_NORM_RMS && all & BIT(OUTPUT_NORM_BIAS))
        fail_msg("%s: RMS norms have no bias", row->name);
    bool strays = is_stray(all, BIT(QUERY_BIAS), BIT(QUERY)) ||
                  is_stray(all, BIT(KEY_BIAS), BIT(KEY)) ||
                  is_stray(all, BIT(VALUE_BIAS), BIT(VALUE)) ||
                  is_stray(all, BIT(QUERY_KEY_VALUE_BIAS), BIT(QUERY_KEY_VALUE)) ||
                  is_stray(all, BIT(ATTENTION_NORM_BIAS), BIT(ATTENTION_NORM)) ||
                  is_stray(all, BIT(FEED_FORWARD_NORM_BIAS), BIT(FEED_FORWARD_NORM));
    if (strays) fail_msg("%s: a bias of nothing", row->name);
    bool experts = all & (BIT(ROUTER) | BIT(EXPERT_UP));
    if (experts != (row->gating != ALISA_GATING_NONE))
        fail_msg("%s: experts and how they are chosen", row->name);
}

static void rows_agree_with_themselves(void **state) {
    (void)state;
    const AlisaArchitecture *row;
    for (size_t i = 0; (row = alisa_architecture_at(i)); i++) {
        check_row(row);
        const char *names[ALISA_ROLE_COUNT];
        size_t count = 0;
        for (uint32_t role = 0; role < ALISA_ROLE_COUNT; role++) {
            if (!((row->required | row->optional) & ALISA_ROLES(role))) continue;
            names[count++] = alisa_architecture_tensor(row, (AlisaRole)role);
            for (size_t j = 0; j + 1 < count; j++)
                if (strcmp(names[j], names[count - 1]) == 0)
                    fail_msg("%s: two roles of tensor %s", row->name, names[j]);
        }
    }
}

static void rows_say_what_is_missing(void **state) {
    (void)state;
    const AlisaRoles computed = row_of("llama")->required;
    assert_null(alisa_architecture_missing(row_of("llama"), computed));
    assert_string_equal(alisa_architecture_missing(row_of("qwen2"), computed),
                        "RoPE that turns halves");
    assert_string_equal(alisa_architecture_missing(row_of("opt"), computed), "layer norms");
    assert_string_equal(alisa_architecture_missing(row_of("gptneox"), computed), "layer norms");
    char list[64];
    alisa_architecture_list(computed, list, sizeof list);
    assert_string_equal(list, "llama");
}

/* An architecture that the engine runs, but for one thing. */
static void each_feature_is_missed_by_itself(void **state) {
    (void)state;
    const AlisaArchitecture llama = *row_of("llama");
    const AlisaRoles gated = llama.required, ungated = llama.required & ~BIT(GATE);
    AlisaArchitecture fused = llama;
    fused.required = (gated & ~(BIT(QUERY) | BIT(KEY) | BIT(VALUE))) | BIT(QUERY_KEY_VALUE);
#define BUT(field, value)                                                                          \
    (AlisaArchitecture) {                                                                          \
        .required = gated, .field = value                                                          \
    }
    const struct {
        AlisaArchitecture row;
        const char *what;
    } others[] = {
        {BUT(norm, ALISA_NORM_LAYER), "layer norms"},
        {BUT(position, ALISA_POSITION_LEARNED), "learned positions"},
        {BUT(rotation, ALISA_ROTATION_HALVES), "RoPE that turns halves"},
        {BUT(window_rope_base, 10000.0f), "a RoPE base of layers with a sliding window"},
        {BUT(window_period, 2), "layers with and layers without a sliding window"},
        {BUT(activation, ALISA_ACTIVATION_RELU), "the activation ReLU"},
        {BUT(activation, ALISA_ACTIVATION_GELU), "the activation GELU"},
        {BUT(activation, ALISA_ACTIVATION_GELU_TANH), "the activation GELU by tanh"},
        {BUT(activation, ALISA_ACTIVATION_SILU_CLAMPED), "the clamped activation of gpt-oss"},
        {BUT(order, ALISA_ORDER_PARALLEL), "parallel blocks"},
        {BUT(gating, ALISA_GATING_SOFTMAX_CHOSEN), "experts"},
        {BUT(embedding_scaled_layers, 46), "attention scaled by the embedding length"},
        {BUT(attention_soft_cap, 50.0f), "a soft cap of attention scores"},
        {BUT(logit_soft_cap, 30.0f), "a soft cap of logits"},
        {BUT(scales_embedding, true), "a scale of the embedding"},
        {{.required = gated | BIT(QUERY_BIAS)}, "a bias of queries"},
        {{.required = gated | BIT(KEY_NORM)}, "a norm of keys"},
        {{.required = gated | BIT(SINKS)}, "attention sinks"},
        {{.required = gated | BIT(FEED_FORWARD_POST_NORM)}, "a norm after the feed-forward block"},
        {{.required = fused.required}, "queries, keys and values by one matrix"},
        {{.required = ungated | BIT(GATE_UP)}, "gate and up projection by one matrix"},
        {{.required = ungated}, "a feed-forward block without gate"},
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        const char *what = alisa_architecture_missing(&others[i].row, gated);
        if (!what || strcmp(what, others[i].what) != 0)
            fail_msg("'%s', expected '%s'", what ? what : "nothing", others[i].what);
    }
}

static void tensors_of_a_row_may_have_other_names(void **state) {
    (void)state;
    const AlisaArchitecture row = {
        .renames = {{ALISA_ROLE_FEED_FORWARD_NORM, "post_attention_norm.weight"}}};
    assert_string_equal(alisa_architecture_tensor(&row, ALISA_ROLE_FEED_FORWARD_NORM),
                        "post_attention_norm.weight");
    assert_string_equal(alisa_architecture_tensor(&row, ALISA_ROLE_ATTENTION_NORM),
                        "attn_norm.weight");
}

static void elements_are_the_product_of_dimensions(void **state) {
    (void)state;
    const AlisaSizes sizes = {.embedding = 100000,
                              .heads = 6,
                              .kv_heads = 2,
                              .head_dim = 8,
                              .feed_forward = 7,
                              .experts = 9,
                              .expert_forward = 70000};
    assert_int_equal(alisa_role_elements(ALISA_ROLE_OUTPUT_NORM, &sizes), 100000);
    assert_int_equal(alisa_role_elements(ALISA_ROLE_QUERY_KEY_VALUE, &sizes), 8000000);
    assert_int_equal(alisa_role_elements(ALISA_ROLE_GATE_UP, &sizes), 1400000);
    assert_int_equal(alisa_role_elements(ALISA_ROLE_KEY_NORM, &sizes), 8);
    assert_true(alisa_role_elements(ALISA_ROLE_EXPERT_DOWN, &sizes) == UINT64_C(63000000000));
    assert_true(alisa_role_in_layers(ALISA_ROLE_EXPERT_DOWN));
    assert_false(alisa_role_in_layers(ALISA_ROLE_OUTPUT_NORM));
}

static void feed_forward_blocks_have_two_or_three_matrices(void **state) {
    (void)state;
    assert_int_equal(alisa_architecture_feed_forward_matrices(row_of("qwen2")), 3);
    assert_int_equal(alisa_architecture_feed_forward_matrices(row_of("opt")), 2);
    const AlisaArchitecture fused = {.required = BIT(GATE_UP) | BIT(DOWN)};
    assert_int_equal(alisa_architecture_feed_forward_matrices(&fused), 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_role_is_described),
        cmocka_unit_test(rows_are_found_by_their_whole_name),
        cmocka_unit_test(rows_agree_with_themselves),
        cmocka_unit_test(rows_say_what_is_missing),
        cmocka_unit_test(each_feature_is_missed_by_itself),
        cmocka_unit_test(tensors_of_a_row_may_have_other_names),
        cmocka_unit_test(elements_are_the_product_of_dimensions),
        cmocka_unit_test(feed_forward_blocks_have_two_or_three_matrices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
