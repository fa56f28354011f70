/* SPDX-License-Identifier: Apache-2.0 */
#include "base/architecture.h"

#include <stdio.h>
#include <string.h>

/* ---- Roles --------------------------------------------------------------------------------- */

#define E     ALISA_EXTENT_EMBEDDING
#define Q     ALISA_EXTENT_QUERY
#define KV    ALISA_EXTENT_KEY_VALUE
#define QKV   ALISA_EXTENT_QUERY_KEY_VALUE
#define F     ALISA_EXTENT_FEED_FORWARD
#define EF    ALISA_EXTENT_EXPERT_FORWARD
#define SF    ALISA_EXTENT_SHARED_FORWARD
#define X     ALISA_EXTENT_EXPERTS
#define V     ALISA_EXTENT_VOCABULARY
#define PAIRS ALISA_EXTENT_ROPE_PAIRS

#define FIRST   ALISA_PLACE_FIRST
#define LAYER   ALISA_PLACE_LAYER
#define DENSE   ALISA_PLACE_DENSE
#define EXPERTS ALISA_PLACE_EXPERTS
#define LAST    ALISA_PLACE_LAST
#define ALL     ALISA_PLACE_ALL

#define ROLE(name) [ALISA_ROLE_##name]

static const AlisaRoleInfo roles[ALISA_ROLE_COUNT] = {
    ROLE(EMBEDDING) = {"an embedding table", "token_embd.weight", FIRST, {E, V}},
    ROLE(POSITIONS) = {"a table of positions",
                       "position_embd.weight",
                       FIRST,
                       {E, ALISA_EXTENT_POSITIONS}},
    ROLE(ROPE_DIVISORS) = {"divisors of RoPE frequencies", "rope_freqs.weight", ALL, {PAIRS}},
    ROLE(ROPE_LONG) = {"RoPE divisors of long contexts", "rope_factors_long.weight", ALL, {PAIRS}},
    ROLE(ROPE_SHORT) = {"RoPE divisors of short contexts",
                        "rope_factors_short.weight",
                        ALL,
                        {PAIRS}},
    ROLE(ATTENTION_NORM) = {"a norm before attention", "attn_norm.weight", LAYER, {E}},
    ROLE(ATTENTION_NORM_BIAS) = {"a bias of norms", "attn_norm.bias", LAYER, {E}},
    ROLE(ATTENTION_NORM_2) = {"a norm for attention alone", "attn_norm_2.weight", LAYER, {E}},
    ROLE(ATTENTION_NORM_2_BIAS) = {"a bias of norms", "attn_norm_2.bias", LAYER, {E}},
    ROLE(QUERY) = {"a matrix of queries", "attn_q.weight", LAYER, {E, Q}},
    ROLE(QUERY_BIAS) = {"a bias of queries", "attn_q.bias", LAYER, {Q}},
    ROLE(KEY) = {"a matrix of keys", "attn_k.weight", LAYER, {E, KV}},
    ROLE(KEY_BIAS) = {"a bias of keys", "attn_k.bias", LAYER, {KV}},
    ROLE(VALUE) = {"a matrix of values", "attn_v.weight", LAYER, {E, KV}},
    ROLE(VALUE_BIAS) = {"a bias of values", "attn_v.bias", LAYER, {KV}},
    ROLE(QUERY_KEY_VALUE) = {"queries, keys and values by one matrix",
                             "attn_qkv.weight",
                             LAYER,
                             {E, QKV}},
    ROLE(QUERY_KEY_VALUE_BIAS) = {"a bias of queries, keys and values",
                                  "attn_qkv.bias",
                                  LAYER,
                                  {QKV}},
    ROLE(QUERY_NORM) = {"a norm of queries", "attn_q_norm.weight", LAYER, {ALISA_EXTENT_HEAD_DIM}},
    ROLE(KEY_NORM) = {"a norm of keys", "attn_k_norm.weight", LAYER, {ALISA_EXTENT_HEAD_DIM}},
    ROLE(SINKS) = {"attention sinks", "attn_sinks.weight", LAYER, {ALISA_EXTENT_HEADS}},
    ROLE(ATTENTION_OUTPUT) = {"a matrix behind attention", "attn_output.weight", LAYER, {Q, E}},
    ROLE(ATTENTION_OUTPUT_BIAS) = {"a bias behind attention", "attn_output.bias", LAYER, {E}},
    ROLE(
        ATTENTION_POST_NORM) = {"a norm after attention", "post_attention_norm.weight", LAYER, {E}},
    ROLE(FEED_FORWARD_NORM) = {"a norm before the feed-forward block",
                               "ffn_norm.weight",
                               LAYER,
                               {E}},
    ROLE(FEED_FORWARD_NORM_BIAS) = {"a bias of norms", "ffn_norm.bias", LAYER, {E}},
    ROLE(GATE) = {"a gate", "ffn_gate.weight", DENSE, {E, F}},
    ROLE(UP) = {"a feed-forward block", "ffn_up.weight", DENSE, {E, F}},
    ROLE(UP_BIAS) = {"a bias of the feed-forward block", "ffn_up.bias", DENSE, {F}},
    ROLE(GATE_UP) = {"gate and up projection by one matrix",
                     "ffn_up.weight",
                     DENSE,
                     {E, ALISA_EXTENT_GATE_UP}},
    ROLE(DOWN) = {"a feed-forward block", "ffn_down.weight", DENSE, {F, E}},
    ROLE(DOWN_BIAS) = {"a bias of the feed-forward block", "ffn_down.bias", DENSE, {E}},
    ROLE(ROUTER) = {"a router to experts", "ffn_gate_inp.weight", EXPERTS, {E, X}},
    ROLE(ROUTER_BIAS) = {"a bias of the router", "ffn_gate_inp.bias", EXPERTS, {X}},
    ROLE(EXPERT_GATE) = {"experts", "ffn_gate_exps.weight", EXPERTS, {E, EF, X}},
    ROLE(EXPERT_GATE_BIAS) = {"biases of experts", "ffn_gate_exps.bias", EXPERTS, {EF, X}},
    ROLE(EXPERT_UP) = {"experts", "ffn_up_exps.weight", EXPERTS, {E, EF, X}},
    ROLE(EXPERT_UP_BIAS) = {"biases of experts", "ffn_up_exps.bias", EXPERTS, {EF, X}},
    ROLE(EXPERT_DOWN) = {"experts", "ffn_down_exps.weight", EXPERTS, {EF, E, X}},
    ROLE(EXPERT_DOWN_BIAS) = {"biases of experts", "ffn_down_exps.bias", EXPERTS, {E, X}},
    ROLE(SHARED_ROUTER) = {"a shared expert", "ffn_gate_inp_shexp.weight", EXPERTS, {E}},
    ROLE(SHARED_GATE) = {"a shared expert", "ffn_gate_shexp.weight", EXPERTS, {E, SF}},
    ROLE(SHARED_UP) = {"a shared expert", "ffn_up_shexp.weight", EXPERTS, {E, SF}},
    ROLE(SHARED_DOWN) = {"a shared expert", "ffn_down_shexp.weight", EXPERTS, {SF, E}},
    ROLE(FEED_FORWARD_POST_NORM) = {"a norm after the feed-forward block",
                                    "post_ffw_norm.weight",
                                    LAYER,
                                    {E}},
    ROLE(OUTPUT_NORM) = {"a norm before the head", "output_norm.weight", LAST, {E}},
    ROLE(OUTPUT_NORM_BIAS) = {"a bias of norms", "output_norm.bias", LAST, {E}},
    ROLE(HEAD) = {"a head", "output.weight", LAST, {E, V}},
};

_Static_assert(ALISA_ROLE_COUNT <= 64, "AlisaRoles has a bit for every role");

const AlisaRoleInfo *alisa_role_info(AlisaRole role) {
    return &roles[role];
}

bool alisa_role_in_layers(AlisaRole role) {
    switch (roles[role].place) {
    case ALISA_PLACE_LAYER:
    case ALISA_PLACE_DENSE:
    case ALISA_PLACE_EXPERTS:
        return true;
    default:
        return false;
    }
}

uint32_t alisa_extent_size(AlisaExtent extent, const AlisaSizes *sizes) {
    uint32_t query = sizes->heads * sizes->head_dim, key_value = sizes->kv_heads * sizes->head_dim;
    const uint32_t all[ALISA_EXTENT_COUNT] = {
        [ALISA_EXTENT_ONE] = 1,
        [ALISA_EXTENT_EMBEDDING] = sizes->embedding,
        [ALISA_EXTENT_QUERY] = query,
        [ALISA_EXTENT_KEY_VALUE] = key_value,
        [ALISA_EXTENT_QUERY_KEY_VALUE] = query + 2 * key_value,
        [ALISA_EXTENT_HEADS] = sizes->heads,
        [ALISA_EXTENT_HEAD_DIM] = sizes->head_dim,
        [ALISA_EXTENT_ROPE_PAIRS] = sizes->rope_pairs,
        [ALISA_EXTENT_FEED_FORWARD] = sizes->feed_forward,
        [ALISA_EXTENT_GATE_UP] = 2 * sizes->feed_forward,
        [ALISA_EXTENT_VOCABULARY] = sizes->vocabulary,
        [ALISA_EXTENT_POSITIONS] = sizes->positions,
        [ALISA_EXTENT_EXPERTS] = sizes->experts,
        [ALISA_EXTENT_EXPERT_FORWARD] = sizes->expert_forward,
        [ALISA_EXTENT_SHARED_FORWARD] = sizes->shared_forward,
    };
    return all[extent];
}

uint64_t alisa_role_elements(AlisaRole role, const AlisaSizes *sizes) {
    uint64_t elements = 1;
    for (uint32_t i = 0; i < 3; i++)
        elements *= alisa_extent_size(roles[role].extents[i], sizes);
    return elements;
}

/* ---- Rows ---------------------------------------------------------------------------------- */

#define BIT(name) ALISA_ROLES(ALISA_ROLE_##name)

#define EACH_MODEL             (BIT(EMBEDDING) | BIT(OUTPUT_NORM))
#define NORMS                  (BIT(ATTENTION_NORM) | BIT(FEED_FORWARD_NORM))
#define NORM_BIASES            (BIT(ATTENTION_NORM_BIAS) | BIT(FEED_FORWARD_NORM_BIAS) | BIT(OUTPUT_NORM_BIAS))
#define ATTENTION              (BIT(QUERY) | BIT(KEY) | BIT(VALUE) | BIT(ATTENTION_OUTPUT))
#define ATTENTION_FUSED        (BIT(QUERY_KEY_VALUE) | BIT(ATTENTION_OUTPUT))
#define QUERY_KEY_VALUE_BIASES (BIT(QUERY_BIAS) | BIT(KEY_BIAS) | BIT(VALUE_BIAS))
#define OTHER_BIASES           (BIT(ATTENTION_OUTPUT_BIAS) | BIT(UP_BIAS) | BIT(DOWN_BIAS))
#define FEED_FORWARD           (BIT(UP) | BIT(DOWN))

static const AlisaArchitecture architectures[] = {
    /* LLaMA 1 to 3, Mistral, TinyLlama, SmolLM, Yi and others that are converted to this name. */
    {.name = "llama",
     .required = EACH_MODEL | NORMS | ATTENTION | FEED_FORWARD | BIT(GATE),
     .optional = BIT(HEAD) | BIT(ROPE_DIVISORS)},
    /* Qwen 2 and 2.5. */
    {.name = "qwen2",
     .rotation = ALISA_ROTATION_HALVES,
     .required = EACH_MODEL | NORMS | ATTENTION | QUERY_KEY_VALUE_BIASES | FEED_FORWARD | BIT(GATE),
     .optional = BIT(HEAD)},
    /* OPT (Zhang et al., 2022): the position table begins with two rows that no position uses. */
    {.name = "opt",
     .norm = ALISA_NORM_LAYER,
     .position = ALISA_POSITION_LEARNED,
     .position_offset = 2,
     .activation = ALISA_ACTIVATION_RELU,
     .required = EACH_MODEL | BIT(POSITIONS) | NORMS | NORM_BIASES | ATTENTION |
                 QUERY_KEY_VALUE_BIASES | FEED_FORWARD | OTHER_BIASES},
    /* GPT-NeoX and Pythia. */
    {.name = "gptneox",
     .norm = ALISA_NORM_LAYER,
     .rotation = ALISA_ROTATION_HALVES,
     .activation = ALISA_ACTIVATION_GELU,
     .order = ALISA_ORDER_PARALLEL,
     .required = EACH_MODEL | NORMS | NORM_BIASES | ATTENTION_FUSED | BIT(QUERY_KEY_VALUE_BIAS) |
                 FEED_FORWARD | OTHER_BIASES | BIT(HEAD)},
};

enum { ARCHITECTURE_COUNT = sizeof architectures / sizeof *architectures };

const AlisaArchitecture *alisa_architecture_at(size_t index) {
    return index < ARCHITECTURE_COUNT ? &architectures[index] : NULL;
}

const AlisaArchitecture *alisa_architecture_find(const char *name, size_t length) {
    for (size_t i = 0; i < ARCHITECTURE_COUNT; i++) {
        const char *known = architectures[i].name;
        if (strlen(known) == length && memcmp(known, name, length) == 0) return &architectures[i];
    }
    return NULL;
}

const char *alisa_architecture_tensor(const AlisaArchitecture *row, AlisaRole role) {
    for (size_t i = 0; i < sizeof row->renames / sizeof *row->renames && row->renames[i].name; i++)
        if (row->renames[i].role == role) return row->renames[i].name;
    return roles[role].name;
}

uint32_t alisa_architecture_feed_forward_matrices(const AlisaArchitecture *row) {
    const AlisaRoles gates = BIT(GATE) | BIT(GATE_UP) | BIT(EXPERT_GATE);
    return row->required & gates ? 3 : 2;
}

/* ---- What the engine computes -------------------------------------------------------------- */

/* What the engine does not compute, in words; NULL: it does. */
static const char *const norms[] = {[ALISA_NORM_LAYER] = "layer norms"};
static const char *const positions[] = {[ALISA_POSITION_LEARNED] = "learned positions"};
static const char *const rotations[] = {[ALISA_ROTATION_HALVES] = "RoPE that turns halves"};
static const char *const activations[] = {
    [ALISA_ACTIVATION_RELU] = "the activation ReLU",
    [ALISA_ACTIVATION_GELU] = "the activation GELU",
    [ALISA_ACTIVATION_GELU_TANH] = "the activation GELU by tanh",
    [ALISA_ACTIVATION_SILU_CLAMPED] = "the clamped activation of gpt-oss",
};
static const char *const orders[] = {[ALISA_ORDER_PARALLEL] = "parallel blocks"};
static const char *const gatings[] = {
    [ALISA_GATING_SOFTMAX] = "experts",
    [ALISA_GATING_SOFTMAX_CHOSEN] = "experts",
};

#define LOOK_UP(words, value)                                                                      \
    ((size_t)(value) < sizeof(words) / sizeof *(words) ? (words)[value] : NULL)

const char *alisa_architecture_missing(const AlisaArchitecture *row, AlisaRoles computed) {
    const char *const missing[] = {
        LOOK_UP(norms, row->norm),
        LOOK_UP(positions, row->position),
        LOOK_UP(rotations, row->rotation),
        row->window_rope_base != 0.0f ? "a RoPE base of layers with a sliding window" : NULL,
        row->window_period > 0 ? "layers with and layers without a sliding window" : NULL,
        LOOK_UP(activations, row->activation),
        LOOK_UP(orders, row->order),
        LOOK_UP(gatings, row->gating),
        row->embedding_scaled_layers > 0 ? "attention scaled by the embedding length" : NULL,
        row->attention_soft_cap != 0.0f ? "a soft cap of attention scores" : NULL,
        row->logit_soft_cap != 0.0f ? "a soft cap of logits" : NULL,
        row->scales_embedding ? "a scale of the embedding" : NULL,
    };
    for (size_t i = 0; i < sizeof missing / sizeof *missing; i++)
        if (missing[i]) return missing[i];
    for (uint32_t role = 0; role < ALISA_ROLE_COUNT; role++)
        if (row->required & ~computed & ALISA_ROLES(role)) return roles[role].what;
    return alisa_architecture_feed_forward_matrices(row) == 3 ? NULL
                                                              : "a feed-forward block without gate";
}

void alisa_architecture_list(AlisaRoles computed, char *list, size_t capacity) {
    size_t used = 0;
    list[0] = 0;
    for (size_t i = 0; i < ARCHITECTURE_COUNT && used < capacity; i++) {
        if (alisa_architecture_missing(&architectures[i], computed)) continue;
        used += (size_t)snprintf(list + used, capacity - used, "%s%s", used ? ", " : "",
                                 architectures[i].name);
    }
}
