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
#include "results.h"

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

/* A bias without the matrix or norm that it belongs to. */
static bool is_stray(AlisaRoles all, AlisaRoles bias, AlisaRoles of) {
    return all & bias && !(all & of);
}

static void check_row(const AlisaArchitecture *row) {
    AlisaRoles all = row->required | row->optional;
    if (row->required & row->optional) fail_msg("%s: required and optional", row->name);
    AlisaRoles everywhere = BIT(EMBEDDING) | BIT(ATTENTION_OUTPUT) | BIT(OUTPUT_NORM);
    if ((row->required & everywhere) != everywhere) fail_msg("%s: no whole model", row->name);
    AlisaRoles attention = BIT(QUERY) | BIT(KEY) | BIT(VALUE), dense = BIT(UP) | BIT(DOWN);
    AlisaRoles experts = BIT(ROUTER) | BIT(EXPERT_GATE) | BIT(EXPERT_UP) | BIT(EXPERT_DOWN);
    if ((row->required & attention) != attention) fail_msg("%s: no attention", row->name);
    bool has_experts = row->gating != ALISA_GATING_NONE;
    if ((row->required & (has_experts ? experts : dense)) != (has_experts ? experts : dense))
        fail_msg("%s: no feed-forward block", row->name);
    if (!has_experts && all & (experts | BIT(ROUTER_BIAS)))
        fail_msg("%s: experts that nothing chooses", row->name);
    if (all & (BIT(QUERY_KEY_VALUE) | BIT(QUERY_KEY_VALUE_BIAS) | BIT(GATE_UP)))
        fail_msg("%s: a fused tensor in place of its parts", row->name);
    /* Norms of heads are of one kind, of queries and keys alike. */
    for (AlisaRole role = ALISA_ROLE_QUERY_NORM; role <= ALISA_ROLE_KEY_NORM_ROW; role += 2) {
        AlisaRoles pair = ALISA_ROLES(role) | ALISA_ROLES(role + 1);
        if (all & pair && (all & pair) != pair) fail_msg("%s: half a norm of heads", row->name);
    }
    if ((row->position == ALISA_POSITION_LEARNED) != ((all & BIT(POSITIONS)) != 0))
        fail_msg("%s: a table of positions and how it is used", row->name);
    if (row->norm == ALISA_NORM_RMS && all & BIT(OUTPUT_NORM_BIAS))
        fail_msg("%s: RMS norms have no bias", row->name);
    bool strays =
        is_stray(all, BIT(QUERY_BIAS), BIT(QUERY)) || is_stray(all, BIT(KEY_BIAS), BIT(KEY)) ||
        is_stray(all, BIT(VALUE_BIAS), BIT(VALUE)) || is_stray(all, BIT(GATE_BIAS), BIT(GATE)) ||
        is_stray(all, BIT(UP_BIAS), BIT(UP)) || is_stray(all, BIT(HEAD_BIAS), BIT(HEAD)) ||
        is_stray(all, BIT(ATTENTION_NORM_2_BIAS), BIT(ATTENTION_NORM_2)) ||
        is_stray(all, BIT(ATTENTION_NORM_BIAS), BIT(ATTENTION_NORM)) ||
        is_stray(all, BIT(FEED_FORWARD_NORM_BIAS), BIT(FEED_FORWARD_NORM));
    if (strays) fail_msg("%s: a bias of nothing", row->name);
}

static void rows_agree_with_themselves(void **state) {
    (void)state;
    const AlisaArchitecture *row;
    for (size_t i = 0; (row = alisa_architecture_at(i)); i++) {
        result_found("architecture %s", row->name);
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
    assert_null(alisa_architecture_missing(row_of("llama"), computed, 0));
    const AlisaArchitecture *qwen = row_of("qwen2");
    assert_string_equal(alisa_architecture_missing(qwen, computed, 0), "a bias of queries");
    assert_string_equal(alisa_architecture_missing(qwen, computed, 1), "a bias of keys");
    assert_string_equal(alisa_architecture_missing(qwen, computed, 2), "a bias of values");
    assert_null(alisa_architecture_missing(qwen, computed, 3));
    const AlisaArchitecture *oss = row_of("gpt-oss");
    assert_string_equal(alisa_architecture_missing(oss, computed, 3), "attention sinks");
    char list[256];
    alisa_architecture_list(computed, list, sizeof list);
    assert_string_equal(list, "llama, gemma, phi3, granite, smollm3, command-r, cohere2, seed_oss, "
                              "granitemoe");
}

static void each_feature_is_missed_by_itself(void **state) {
    (void)state;
    const AlisaRoles gated = row_of("llama")->required;
    const struct {
        AlisaArchitecture row;
        const char *what;
    } others[] = {
        {{.required = gated | BIT(KEY_NORM)}, "a norm of keys"},
        {{.required = gated | BIT(SINKS)}, "attention sinks"},
        {{.required = gated | BIT(FEED_FORWARD_POST_NORM)}, "a norm after the feed-forward block"},
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        const char *what = alisa_architecture_missing(&others[i].row, gated, 0);
        if (!what || strcmp(what, others[i].what) != 0)
            fail_msg("'%s', expected '%s'", what ? what : "nothing", others[i].what);
        assert_null(alisa_architecture_missing(&others[i].row, gated, 1));
    }
}

/* The parts of a fused tensor are as many outputs as it has, of as many inputs. */
static void fused_tensors_are_their_parts(void **state) {
    (void)state;
    const AlisaSizes sizes = {
        .embedding = 48, .heads = 6, .kv_heads = 2, .head_dim = 24, .feed_forward = 100};
    static const AlisaRole first[] = {ALISA_ROLE_QUERY, ALISA_ROLE_QUERY_BIAS, ALISA_ROLE_GATE};
    for (size_t i = 0; i < sizeof first / sizeof *first; i++) {
        const AlisaFusion *fusion = alisa_fusion_of(first[i]);
        assert_non_null(fusion);
        uint64_t elements = 0;
        for (uint32_t part = 0; part < fusion->part_count; part++) {
            assert_ptr_equal(alisa_fusion_of(fusion->parts[part]), fusion);
            elements += alisa_role_elements(fusion->parts[part], &sizes);
        }
        assert_int_equal(elements, alisa_role_elements(fusion->fused, &sizes));
    }
    assert_null(alisa_fusion_of(ALISA_ROLE_DOWN));
}

static void others_are_known_by_what_they_are(void **state) {
    (void)state;
    assert_string_equal(alisa_architecture_kind("mamba", 5), "a state-space or recurrent model");
    assert_string_equal(alisa_architecture_kind("clip", 4), "a model of images or sound");
    assert_null(alisa_architecture_kind("mamba", 4));
    assert_null(alisa_architecture_kind("llama", 5));
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
    assert_int_equal(alisa_architecture_feed_forward_matrices(row_of("gpt-oss")), 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_role_is_described),
        cmocka_unit_test(rows_are_found_by_their_whole_name),
        cmocka_unit_test(rows_agree_with_themselves),
        cmocka_unit_test(rows_say_what_is_missing),
        cmocka_unit_test(each_feature_is_missed_by_itself),
        cmocka_unit_test(fused_tensors_are_their_parts),
        cmocka_unit_test(others_are_known_by_what_they_are),
        cmocka_unit_test(tensors_of_a_row_may_have_other_names),
        cmocka_unit_test(elements_are_the_product_of_dimensions),
        cmocka_unit_test(feed_forward_blocks_have_two_or_three_matrices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
