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
    ROLE(QUERY_NORM_EACH) = {"a norm of each head of the queries",
                             "attn_q_norm.weight",
                             LAYER,
                             {ALISA_EXTENT_HEAD_DIM, ALISA_EXTENT_HEADS}},
    ROLE(KEY_NORM_EACH) = {"a norm of each head of the keys",
                           "attn_k_norm.weight",
                           LAYER,
                           {ALISA_EXTENT_HEAD_DIM, ALISA_EXTENT_KV_HEADS}},
    ROLE(QUERY_NORM_ROW) = {"a norm of all queries", "attn_q_norm.weight", LAYER, {Q}},
    ROLE(KEY_NORM_ROW) = {"a norm of all keys", "attn_k_norm.weight", LAYER, {KV}},
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
    ROLE(GATE_BIAS) = {"a bias of the gate", "ffn_gate.bias", DENSE, {F}},
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
    ROLE(HEAD_BIAS) = {"a bias of the head", "output.bias", LAST, {V}},
};

_Static_assert(ALISA_ROLE_COUNT <= 64, "AlisaRoles has a bit for every role");

static const AlisaFusion fusions[] = {
    {ALISA_ROLE_QUERY_KEY_VALUE, {ALISA_ROLE_QUERY, ALISA_ROLE_KEY, ALISA_ROLE_VALUE}, 3},
    {ALISA_ROLE_QUERY_KEY_VALUE_BIAS,
     {ALISA_ROLE_QUERY_BIAS, ALISA_ROLE_KEY_BIAS, ALISA_ROLE_VALUE_BIAS},
     3},
    {ALISA_ROLE_GATE_UP, {ALISA_ROLE_GATE, ALISA_ROLE_UP}, 2},
};

const AlisaFusion *alisa_fusion_of(AlisaRole part) {
    for (size_t i = 0; i < sizeof fusions / sizeof *fusions; i++)
        for (uint32_t j = 0; j < fusions[i].part_count; j++)
            if (fusions[i].parts[j] == part) return &fusions[i];
    return NULL;
}

static const struct {
    AlisaRole role, needed;
} dependants[] = {
    {ALISA_ROLE_ROPE_LONG, ALISA_ROLE_ROPE_SHORT},
    {ALISA_ROLE_ROPE_SHORT, ALISA_ROLE_ROPE_LONG},
    {ALISA_ROLE_ATTENTION_NORM_2_BIAS, ALISA_ROLE_ATTENTION_NORM_2},
    {ALISA_ROLE_FEED_FORWARD_NORM_BIAS, ALISA_ROLE_FEED_FORWARD_NORM},
};

AlisaRoles alisa_role_dependants(AlisaRole role) {
    AlisaRoles found = 0;
    for (size_t i = 0; i < sizeof dependants / sizeof *dependants; i++)
        if (dependants[i].needed == role) found |= ALISA_ROLES(dependants[i].role);
    return found;
}

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
        [ALISA_EXTENT_KV_HEADS] = sizes->kv_heads,
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

#define EACH_MODEL   (BIT(EMBEDDING) | BIT(OUTPUT_NORM))
#define NORMS        (BIT(ATTENTION_NORM) | BIT(FEED_FORWARD_NORM))
#define NORM_BIASES  (BIT(ATTENTION_NORM_BIAS) | BIT(FEED_FORWARD_NORM_BIAS) | BIT(OUTPUT_NORM_BIAS))
#define POST_NORMS   (BIT(ATTENTION_POST_NORM) | BIT(FEED_FORWARD_POST_NORM))
#define HEAD_NORMS   (BIT(QUERY_NORM) | BIT(KEY_NORM))
#define ATTENTION    (BIT(QUERY) | BIT(KEY) | BIT(VALUE) | BIT(ATTENTION_OUTPUT))
#define QKV_BIASES   (BIT(QUERY_BIAS) | BIT(KEY_BIAS) | BIT(VALUE_BIAS))
#define FEED_FORWARD (BIT(UP) | BIT(DOWN))
#define GATED        (BIT(GATE) | FEED_FORWARD)
#define OTHER_BIASES (BIT(ATTENTION_OUTPUT_BIAS) | BIT(UP_BIAS) | BIT(DOWN_BIAS))
#define ALL_BIASES   (QKV_BIASES | OTHER_BIASES | BIT(GATE_BIAS))
#define EXPERT       (BIT(ROUTER) | BIT(EXPERT_GATE) | BIT(EXPERT_UP) | BIT(EXPERT_DOWN))
#define SHARED       (BIT(SHARED_GATE) | BIT(SHARED_UP) | BIT(SHARED_DOWN))
#define EXPERT_BIASES                                                                              \
    (BIT(ROUTER_BIAS) | BIT(EXPERT_GATE_BIAS) | BIT(EXPERT_UP_BIAS) | BIT(EXPERT_DOWN_BIAS))

/* RMS norms before both blocks, no biases, a gate: what most models are. */
#define USUAL (EACH_MODEL | NORMS | ATTENTION | GATED)

static const AlisaArchitecture architectures[] = {
    /* LLaMA 1 to 3, Mistral and Mixtral, TinyLlama, SmolLM, Yi and others that are converted to
     * this name. */
    {.name = "llama",
     .gating = ALISA_GATING_SOFTMAX_CHOSEN,
     .required = USUAL | EXPERT,
     .optional = BIT(HEAD) | BIT(ROPE_DIVISORS) | ALL_BIASES},
    /* Qwen 2 and 2.5. */
    {.name = "qwen2",
     .rotation = ALISA_ROTATION_HALVES,
     .required = USUAL | QKV_BIASES,
     .optional = BIT(HEAD) | BIT(HEAD_BIAS) | BIT(ROPE_DIVISORS)},
    {.name = "qwen3",
     .rotation = ALISA_ROTATION_HALVES,
     .required = USUAL | HEAD_NORMS,
     .optional = BIT(HEAD) | BIT(ROPE_DIVISORS) | QKV_BIASES},
    {.name = "gemma",
     .rotation = ALISA_ROTATION_HALVES,
     .activation = ALISA_ACTIVATION_GELU_TANH,
     .scales_embedding = true,
     .required = USUAL,
     .optional = BIT(HEAD)},
    {.name = "gemma2",
     .rotation = ALISA_ROTATION_HALVES,
     .window = 4096,
     .window_period = 2,
     .activation = ALISA_ACTIVATION_GELU_TANH,
     .embedding_scaled_layers = 46,
     .attention_soft_cap = 50.0f,
     .logit_soft_cap = 30.0f,
     .scales_embedding = true,
     .required = USUAL | POST_NORMS,
     .optional = BIT(HEAD)},
    {.name = "gemma3",
     .rotation = ALISA_ROTATION_HALVES,
     .window_rope = ALISA_WINDOW_ROPE_OWN,
     .window_rope_base = 10000.0f,
     .window_period = 6,
     .activation = ALISA_ACTIVATION_GELU_TANH,
     .embedding_scaled_layers = 62,
     .scales_embedding = true,
     .required = USUAL | HEAD_NORMS | POST_NORMS,
     .optional = BIT(HEAD)},
    /* Phi 1, 1.5 and 2. */
    {.name = "phi2",
     .norm = ALISA_NORM_LAYER,
     .rotation = ALISA_ROTATION_HALVES,
     .activation = ALISA_ACTIVATION_GELU_TANH,
     .required = EACH_MODEL | BIT(OUTPUT_NORM_BIAS) | BIT(ATTENTION_NORM) |
                 BIT(ATTENTION_NORM_BIAS) | ATTENTION | QKV_BIASES | FEED_FORWARD | OTHER_BIASES |
                 BIT(HEAD) | BIT(HEAD_BIAS)},
    /* Phi 3, 3.5 and 4. */
    {.name = "phi3",
     .rotation = ALISA_ROTATION_HALVES,
     .required = USUAL,
     .optional = BIT(HEAD) | BIT(ROPE_LONG) | BIT(ROPE_SHORT)},
    /* GPT-NeoX and Pythia. */
    {.name = "gptneox",
     .norm = ALISA_NORM_LAYER,
     .rotation = ALISA_ROTATION_HALVES,
     .activation = ALISA_ACTIVATION_GELU,
     .order = ALISA_ORDER_PARALLEL,
     .required = EACH_MODEL | NORMS | NORM_BIASES | ATTENTION | QKV_BIASES | FEED_FORWARD |
                 OTHER_BIASES | BIT(HEAD)},
    {.name = "gpt2",
     .norm = ALISA_NORM_LAYER,
     .position = ALISA_POSITION_LEARNED,
     .activation = ALISA_ACTIVATION_GELU_TANH,
     .required = EACH_MODEL | BIT(POSITIONS) | NORMS | NORM_BIASES | ATTENTION | QKV_BIASES |
                 FEED_FORWARD | OTHER_BIASES,
     .optional = BIT(HEAD)},
    /* OPT (Zhang et al., 2022): the position table begins with two rows that no position uses. */
    {.name = "opt",
     .norm = ALISA_NORM_LAYER,
     .position = ALISA_POSITION_LEARNED,
     .position_offset = 2,
     .activation = ALISA_ACTIVATION_RELU,
     .required = EACH_MODEL | BIT(POSITIONS) | NORMS | NORM_BIASES | ATTENTION | QKV_BIASES |
                 FEED_FORWARD | OTHER_BIASES},
    {.name = "starcoder2",
     .norm = ALISA_NORM_LAYER,
     .rotation = ALISA_ROTATION_HALVES,
     .activation = ALISA_ACTIVATION_GELU_TANH,
     .required = EACH_MODEL | NORMS | NORM_BIASES | ATTENTION | FEED_FORWARD,
     .optional = BIT(HEAD) | QKV_BIASES | OTHER_BIASES},
    /* Falcon: of 40B and more with a norm for attention alone, the other being the feed-forward
     * block's. */
    {.name = "falcon",
     .norm = ALISA_NORM_LAYER,
     .rotation = ALISA_ROTATION_HALVES,
     .activation = ALISA_ACTIVATION_GELU,
     .order = ALISA_ORDER_PARALLEL,
     .required = EACH_MODEL | BIT(OUTPUT_NORM_BIAS) | BIT(ATTENTION_NORM) |
                 BIT(ATTENTION_NORM_BIAS) | ATTENTION | FEED_FORWARD,
     .optional = BIT(HEAD) | BIT(ATTENTION_NORM_2) | BIT(ATTENTION_NORM_2_BIAS)},
    /* StableLM 2 of 12B has norms of heads, and one norm for both blocks. */
    {.name = "stablelm",
     .norm = ALISA_NORM_LAYER,
     .rotation = ALISA_ROTATION_HALVES,
     .required = EACH_MODEL | BIT(OUTPUT_NORM_BIAS) | BIT(ATTENTION_NORM) |
                 BIT(ATTENTION_NORM_BIAS) | ATTENTION | GATED | BIT(HEAD),
     .optional = BIT(FEED_FORWARD_NORM) | BIT(FEED_FORWARD_NORM_BIAS) | BIT(QUERY_NORM_EACH) |
                 BIT(KEY_NORM_EACH) | QKV_BIASES},
    /* OLMo 2 and 3. */
    {.name = "olmo2",
     .rotation = ALISA_ROTATION_HALVES,
     .window_rope = ALISA_WINDOW_ROPE_OWN,
     .window_period = 4,
     .required =
         EACH_MODEL | ATTENTION | BIT(QUERY_NORM_ROW) | BIT(KEY_NORM_ROW) | POST_NORMS | GATED,
     .optional = BIT(HEAD)},
    /* Granite 3. */
    {.name = "granite",
     .divides_logits = true,
     .required = USUAL,
     .optional = BIT(HEAD) | BIT(ROPE_DIVISORS) | BIT(ROPE_LONG) | BIT(ROPE_SHORT) | ALL_BIASES},
    {.name = "smollm3",
     .unrotated_period = 4,
     .required = USUAL,
     .optional = BIT(HEAD) | BIT(ROPE_DIVISORS)},
    /* Command R, R+ and Aya; R+ has norms of heads. */
    {.name = "command-r",
     .norm = ALISA_NORM_LAYER,
     .required = EACH_MODEL | BIT(ATTENTION_NORM) | ATTENTION | GATED,
     .optional = BIT(HEAD) | BIT(QUERY_NORM_EACH) | BIT(KEY_NORM_EACH)},
    /* Command R7B and A. */
    {.name = "cohere2",
     .norm = ALISA_NORM_LAYER,
     .window_rope = ALISA_WINDOW_ROPE_ONLY,
     .window_period = 4,
     .required = EACH_MODEL | BIT(ATTENTION_NORM) | ATTENTION | GATED,
     .optional = BIT(HEAD)},
    {.name = "glm4", .required = USUAL | POST_NORMS, .optional = BIT(HEAD) | QKV_BIASES},
    {.name = "exaone4",
     .rotation = ALISA_ROTATION_HALVES,
     .window_rope = ALISA_WINDOW_ROPE_ONLY,
     .window_period = 4,
     .required = EACH_MODEL | ATTENTION | HEAD_NORMS | POST_NORMS | GATED,
     .optional = BIT(HEAD) | BIT(ROPE_DIVISORS)},
    {.name = "seed_oss",
     .rotation = ALISA_ROTATION_HALVES,
     .required = USUAL,
     .optional = BIT(HEAD) | QKV_BIASES | BIT(ATTENTION_OUTPUT_BIAS),
     .renames = {{ALISA_ROLE_FEED_FORWARD_NORM, "post_attention_norm.weight"}}},
    /* Nemotron 4 and Minitron. */
    {.name = "nemotron",
     .norm = ALISA_NORM_LAYER,
     .rotation = ALISA_ROTATION_HALVES,
     .activation = ALISA_ACTIVATION_RELU_SQUARED,
     .required = EACH_MODEL | NORMS | NORM_BIASES | ATTENTION | FEED_FORWARD | BIT(HEAD),
     .optional = BIT(ROPE_DIVISORS) | QKV_BIASES | OTHER_BIASES},
    {.name = "qwen2moe",
     .rotation = ALISA_ROTATION_HALVES,
     .gating = ALISA_GATING_SOFTMAX,
     .required = EACH_MODEL | NORMS | ATTENTION | QKV_BIASES | EXPERT | BIT(SHARED_ROUTER) | SHARED,
     .optional = BIT(HEAD)},
    {.name = "qwen3moe",
     .rotation = ALISA_ROTATION_HALVES,
     .gating = ALISA_GATING_SOFTMAX_CHOSEN,
     .required = EACH_MODEL | NORMS | ATTENTION | HEAD_NORMS | EXPERT,
     .optional = BIT(HEAD)},
    {.name = "granitemoe",
     .gating = ALISA_GATING_SOFTMAX_CHOSEN,
     .divides_logits = true,
     .required = EACH_MODEL | NORMS | ATTENTION | EXPERT,
     .optional = BIT(HEAD) | BIT(ROPE_DIVISORS) | SHARED},
    {.name = "gpt-oss",
     .rotation = ALISA_ROTATION_HALVES,
     .exact_ramp = true,
     .window_period = 2,
     .activation = ALISA_ACTIVATION_SILU_CLAMPED,
     .gating = ALISA_GATING_SOFTMAX_CHOSEN,
     .required = EACH_MODEL | NORMS | ATTENTION | QKV_BIASES | BIT(ATTENTION_OUTPUT_BIAS) |
                 BIT(SINKS) | EXPERT | EXPERT_BIASES | BIT(HEAD),
     .renames = {{ALISA_ROLE_FEED_FORWARD_NORM, "post_attention_norm.weight"}}},
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
    const AlisaRoles gates = BIT(GATE) | BIT(EXPERT_GATE);
    return row->required & gates ? 3 : 2;
}

/* ---- What the engine computes -------------------------------------------------------------- */

const char *alisa_architecture_missing(const AlisaArchitecture *row, AlisaRoles computed,
                                       size_t index) {
    for (uint32_t role = 0; role < ALISA_ROLE_COUNT; role++)
        if (row->required & ~computed & ALISA_ROLES(role) && index-- == 0) return roles[role].what;
    return NULL;
}

void alisa_architecture_list(AlisaRoles computed, char *list, size_t capacity) {
    size_t used = 0;
    list[0] = 0;
    for (size_t i = 0; i < ARCHITECTURE_COUNT && used < capacity; i++) {
        if (alisa_architecture_missing(&architectures[i], computed, 0)) continue;
        used += (size_t)snprintf(list + used, capacity - used, "%s%s", used ? ", " : "",
                                 architectures[i].name);
    }
}

/* Architectures of files that people have, and which no row can describe. */
static const struct {
    const char *kind;
    const char *names[20]; /* as many as there are */
} others[] = {
    {"a state-space or recurrent model",
     {"mamba", "mamba2", "jamba", "falcon-h1", "granitehybrid", "nemotron_h", "nemotron_h_moe",
      "plamo2", "rwkv6", "rwkv6qwen2", "rwkv7", "arwkv7", "lfm2", "lfm2moe", "qwen3next", "qwen35",
      "qwen35moe", "kimi-linear"}},
    {"an encoder, which has no next token",
     {"bert", "modern-bert", "nomic-bert", "nomic-bert-moe", "neo-bert", "jina-bert-v2",
      "jina-bert-v3", "eurobert", "gemma-embedding", "llama-embed", "t5encoder"}},
    {"an encoder and a decoder", {"t5"}},
    {"a model of images or sound",
     {"clip", "cogvlm", "chameleon", "qwen2vl", "qwen3vl", "qwen3vlmoe", "paddleocr", "hunyuan_vl",
      "wavtokenizer-dec", "qwen3tts"}},
    {"a diffusion model, which fills in tokens in any order",
     {"dream", "llada", "llada-moe", "rnd1"}},
    {"a model with latent attention",
     {"deepseek2", "deepseek2-ocr", "deepseek32", "glm-dsa", "minicpm3", "plm"}},
    {"a model with ALiBi positions", {"bloom", "mpt", "refact", "jais"}},
    {"a part of another model, which drafts its tokens", {"eagle3", "dflash"}},
};

const char *alisa_architecture_kind(const char *name, size_t length) {
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        const char *const *names = others[i].names;
        for (size_t j = 0; j < sizeof others[i].names / sizeof *names && names[j]; j++)
            if (strlen(names[j]) == length && memcmp(names[j], name, length) == 0)
                return others[i].kind;
    }
    return NULL;
}
