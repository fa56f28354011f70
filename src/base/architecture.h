/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Architectures: what is true of every model of a family, one row of data a family. What differs
 * from model to model is in the keys of a file and is read into a shape (model/shape.h). `model`
 * takes names and extents of tensors from a row, `engine` what a layer computes, `sched` what the
 * parameters of a published model come to.
 *
 * Several things that are said of an architecture follow from the tensors of its row: a gate makes
 * the feed-forward block gated, a vector beside a matrix is its bias, a norm behind a block is a
 * norm after it, and a row without a head uses its embedding table as the head. Where there is a
 * norm before attention and none before the feed-forward block, both blocks read that one: they are
 * parallel.
 */
#ifndef ALISA_BASE_ARCHITECTURE_H
#define ALISA_BASE_ARCHITECTURE_H

#include "base/status.h"

/* ---- Tensors ------------------------------------------------------------------------------- */

/* A dimension of a tensor, as a function of the sizes of a model. */
typedef enum AlisaExtent {
    ALISA_EXTENT_ONE,             /* 1: the tensor has no such dimension */
    ALISA_EXTENT_EMBEDDING,       /* elements of a token's vector between layers */
    ALISA_EXTENT_QUERY,           /* heads * head size */
    ALISA_EXTENT_KEY_VALUE,       /* KV heads * head size */
    ALISA_EXTENT_QUERY_KEY_VALUE, /* QUERY + 2 KEY_VALUE */
    ALISA_EXTENT_HEADS,           /* query heads */
    ALISA_EXTENT_KV_HEADS,        /* key and value heads */
    ALISA_EXTENT_HEAD_DIM,        /* head size */
    ALISA_EXTENT_ROPE_PAIRS,      /* pairs of elements of a head that RoPE turns */
    ALISA_EXTENT_FEED_FORWARD,    /* elements between the matrices of a feed-forward block */
    ALISA_EXTENT_GATE_UP,         /* 2 FEED_FORWARD */
    ALISA_EXTENT_VOCABULARY,      /* tokens */
    ALISA_EXTENT_POSITIONS,       /* rows of a learned position table */
    ALISA_EXTENT_EXPERTS,         /* experts of a layer */
    ALISA_EXTENT_EXPERT_FORWARD,  /* FEED_FORWARD of one expert */
    ALISA_EXTENT_SHARED_FORWARD,  /* FEED_FORWARD of the expert that every token takes */
    ALISA_EXTENT_COUNT
} AlisaExtent;

/* Sizes of one layer of one model, and of the model around it. */
typedef struct AlisaSizes {
    uint32_t embedding, heads, kv_heads, head_dim, rope_pairs, feed_forward;
    uint32_t vocabulary, positions;
    uint32_t experts, expert_forward, shared_forward; /* 0: the layer has no experts */
} AlisaSizes;

/* Where the tensors of a role stand, and so which run of layers needs them. */
typedef enum AlisaTensorPlace {
    ALISA_PLACE_FIRST,   /* one in a model, before the first layer */
    ALISA_PLACE_LAYER,   /* one in every layer */
    ALISA_PLACE_DENSE,   /* one in every layer without experts */
    ALISA_PLACE_EXPERTS, /* one in every layer with experts */
    ALISA_PLACE_LAST,    /* one in a model, behind the last layer */
    ALISA_PLACE_ALL      /* one in a model, which all layers use */
} AlisaTensorPlace;

/* What a tensor is for. Gated blocks compute DOWN(act(x GATE) * (x UP)), others DOWN(act(x UP)). */
typedef enum AlisaRole {
    ALISA_ROLE_EMBEDDING,
    ALISA_ROLE_POSITIONS,
    ALISA_ROLE_ROPE_DIVISORS, /* of RoPE frequencies, in any context (Llama 3.1) */
    ALISA_ROLE_ROPE_LONG,     /* in contexts past rope.scaling.original_context_length (Phi-3) */
    ALISA_ROLE_ROPE_SHORT,    /* in contexts up to that length */
    ALISA_ROLE_ATTENTION_NORM,
    ALISA_ROLE_ATTENTION_NORM_BIAS,
    ALISA_ROLE_ATTENTION_NORM_2, /* of attention alone, where blocks are parallel (Falcon 40B) */
    ALISA_ROLE_ATTENTION_NORM_2_BIAS,
    ALISA_ROLE_QUERY,
    ALISA_ROLE_QUERY_BIAS,
    ALISA_ROLE_KEY,
    ALISA_ROLE_KEY_BIAS,
    ALISA_ROLE_VALUE,
    ALISA_ROLE_VALUE_BIAS,
    ALISA_ROLE_QUERY_KEY_VALUE, /* fused: AlisaFusion */
    ALISA_ROLE_QUERY_KEY_VALUE_BIAS,
    ALISA_ROLE_QUERY_NORM, /* of each head, before it is rotated, with weights for all heads */
    ALISA_ROLE_KEY_NORM,
    ALISA_ROLE_QUERY_NORM_EACH, /* of each head, with weights of its own */
    ALISA_ROLE_KEY_NORM_EACH,
    ALISA_ROLE_QUERY_NORM_ROW, /* of the heads together */
    ALISA_ROLE_KEY_NORM_ROW,
    ALISA_ROLE_SINKS, /* a logit a head that joins its softmax and has no value */
    ALISA_ROLE_ATTENTION_OUTPUT,
    ALISA_ROLE_ATTENTION_OUTPUT_BIAS,
    ALISA_ROLE_ATTENTION_POST_NORM, /* of what attention adds to the residual stream */
    ALISA_ROLE_FEED_FORWARD_NORM,
    ALISA_ROLE_FEED_FORWARD_NORM_BIAS,
    ALISA_ROLE_GATE,
    ALISA_ROLE_GATE_BIAS,
    ALISA_ROLE_UP,
    ALISA_ROLE_UP_BIAS,
    ALISA_ROLE_GATE_UP, /* fused: AlisaFusion */
    ALISA_ROLE_DOWN,
    ALISA_ROLE_DOWN_BIAS,
    ALISA_ROLE_ROUTER, /* which experts a token takes */
    ALISA_ROLE_ROUTER_BIAS,
    ALISA_ROLE_EXPERT_GATE,
    ALISA_ROLE_EXPERT_GATE_BIAS,
    ALISA_ROLE_EXPERT_UP,
    ALISA_ROLE_EXPERT_UP_BIAS,
    ALISA_ROLE_EXPERT_DOWN,
    ALISA_ROLE_EXPERT_DOWN_BIAS,
    ALISA_ROLE_SHARED_ROUTER, /* how much of the shared expert a token takes */
    ALISA_ROLE_SHARED_GATE,
    ALISA_ROLE_SHARED_UP,
    ALISA_ROLE_SHARED_DOWN,
    ALISA_ROLE_FEED_FORWARD_POST_NORM, /* of what the feed-forward block adds to the stream */
    ALISA_ROLE_OUTPUT_NORM,
    ALISA_ROLE_OUTPUT_NORM_BIAS,
    ALISA_ROLE_HEAD,
    ALISA_ROLE_HEAD_BIAS,
    ALISA_ROLE_COUNT
} AlisaRole;

typedef struct AlisaRoleInfo {
    const char *what; /* in words, as in "which needs ..." */
    const char *name; /* of the tensor in most files; behind "blk.N." in layers */
    AlisaTensorPlace place;
    AlisaExtent extents[3]; /* innermost first, as in a file: of a matrix [inputs, outputs] */
} AlisaRoleInfo;

/* A set of roles: bit r is role r. */
typedef uint64_t AlisaRoles;
#define ALISA_ROLES(role) (UINT64_C(1) << (role))

const AlisaRoleInfo *alisa_role_info(AlisaRole role);
/* The role is that of one tensor in each layer, and its name stands behind "blk.N.". */
bool alisa_role_in_layers(AlisaRole role);
/* Elements along a dimension (1 for ALISA_EXTENT_ONE), and of a whole tensor. */
uint32_t alisa_extent_size(AlisaExtent extent, const AlisaSizes *sizes);
uint64_t alisa_role_elements(AlisaRole role, const AlisaSizes *sizes);

/* Tensors that some files hold as one, the outputs of one part behind those of the part before.
 * Rows name the parts; the loader takes either. */
typedef struct AlisaFusion {
    AlisaRole fused;
    AlisaRole parts[3];
    uint32_t part_count;
} AlisaFusion;

/* The fusion that the role is a part of; NULL: none. */
const AlisaFusion *alisa_fusion_of(AlisaRole part);

/* Roles whose tensors mean nothing in a file that lacks the role's own. */
AlisaRoles alisa_role_dependants(AlisaRole role);

/* ---- Rows ---------------------------------------------------------------------------------- */

typedef enum AlisaNorm {
    ALISA_NORM_RMS,  /* x / sqrt(mean(x^2) + e) * weight */
    ALISA_NORM_LAYER /* (x - mean(x)) / sqrt(variance(x) + e) * weight + bias */
} AlisaNorm;

typedef enum AlisaPosition {
    ALISA_POSITION_ROTARY, /* queries and keys are turned: RoPE */
    ALISA_POSITION_LEARNED /* a row of a table is added to the token's vector */
} AlisaPosition;

/* Which elements of a head RoPE turns together, of the n that it turns. */
typedef enum AlisaRotation {
    ALISA_ROTATION_PAIRS, /* 2i and 2i + 1 */
    ALISA_ROTATION_HALVES /* i and i + n/2 */
} AlisaRotation;

/* What RoPE does in models some layers of which have a sliding window. */
typedef enum AlisaWindowRope {
    ALISA_WINDOW_ROPE_SAME, /* the same in all layers */
    ALISA_WINDOW_ROPE_OWN,  /* layers with a window have a base of their own, and no scaling */
    ALISA_WINDOW_ROPE_ONLY  /* layers without a window are not turned */
} AlisaWindowRope;

typedef enum AlisaActivation {
    ALISA_ACTIVATION_SILU,         /* x / (1 + exp(-x)) */
    ALISA_ACTIVATION_RELU,         /* max(x, 0) */
    ALISA_ACTIVATION_RELU_SQUARED, /* max(x, 0)^2 */
    ALISA_ACTIVATION_GELU,         /* x/2 (1 + erf(x / sqrt 2)) */
    ALISA_ACTIVATION_GELU_TANH,    /* x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) */
    ALISA_ACTIVATION_SILU_CLAMPED, /* gpt-oss: g / (1 + exp(-1.702 g)) (u + 1) for gate and up that
                                      are cut to g <= 7 and -7 <= u <= 7 */
    ALISA_ACTIVATION_COUNT
} AlisaActivation;

typedef enum AlisaOrder {
    ALISA_ORDER_SEQUENTIAL, /* the feed-forward block sees what attention added */
    ALISA_ORDER_PARALLEL    /* both see the layer's input; key use_parallel_residual may say no */
} AlisaOrder;

/* How much of each chosen expert a token takes, from the router's logits. */
typedef enum AlisaGating {
    ALISA_GATING_NONE,          /* no model of the architecture has experts */
    ALISA_GATING_SOFTMAX,       /* softmax over all experts; the chosen ones keep their shares */
    ALISA_GATING_SOFTMAX_CHOSEN /* softmax over the chosen experts: the shares add up to 1 */
} AlisaGating;

/* A tensor that files of one architecture name otherwise than most do. */
typedef struct AlisaRename {
    AlisaRole role;
    const char *name; /* NULL: there is no more */
} AlisaRename;

/* Zero is the usual in every field but the name and the tensors. */
typedef struct AlisaArchitecture {
    const char *name; /* general.architecture of a file, and the first word of its keys */
    AlisaNorm norm;
    AlisaPosition position;
    uint32_t position_offset; /* learned: the row of the table that is added at position 0 */
    AlisaRotation rotation;
    bool exact_ramp; /* YaRN's ramp begins and ends between pairs of elements; false: at whole ones
                      */
    AlisaWindowRope window_rope;
    float window_rope_base; /* with ALISA_WINDOW_ROPE_OWN, where the file gives none; 0: the model's
                             */
    uint32_t
        unrotated_period; /* the last of each run of so many layers is not turned; 0: none is */
    uint32_t window;      /* tokens of a sliding window, where the file gives none; 0: no window */
    /* In a file with a sliding window, of each run of so many layers all but the last have it.
     * 0: all layers. */
    uint32_t window_period;
    AlisaActivation activation;
    AlisaOrder order;
    AlisaGating gating;
    /* A model of so many layers multiplies attention scores by 1/sqrt(embedding length / heads)
     * (Gemma 2 and 3, 27B). All others do it by key attention.scale, or else by 1/sqrt(head size).
     * 0: none. */
    uint32_t embedding_scaled_layers;
    float
        attention_soft_cap; /* c: scores x become c tanh(x/c), if no key says otherwise; 0: none */
    float logit_soft_cap;   /* the same of logits */
    bool scales_embedding;  /* a token's vector is multiplied by sqrt(embedding length) */
    bool divides_logits;    /* logits are divided by key logit_scale; false: multiplied */
    AlisaRoles required;
    AlisaRoles optional; /* a file may lack them; without a head it is the embedding table */
    AlisaRename renames[4];
} AlisaArchitecture;

/* NULL past the last one. */
const AlisaArchitecture *alisa_architecture_at(size_t index);
/* NULL for a name that no row has; it need not be terminated. */
const AlisaArchitecture *alisa_architecture_find(const char *name, size_t length);

/* What every model of the architecture needs and the engine does not compute, in words ("experts"):
 * the `index`-th thing; NULL past the last one, so that the engine runs an architecture whose first
 * is NULL. `computed` are the roles of tensors that it computes with (model/fields.h). */
const char *alisa_architecture_missing(const AlisaArchitecture *row, AlisaRoles computed,
                                       size_t index);
/* Of a name that no row has: what models of that architecture are, which the engine does not
 * compute, in words ("a state-space model"); NULL: the name is not known. */
const char *alisa_architecture_kind(const char *name, size_t length);
/* Names of those that the engine runs, as in "llama, qwen2". */
void alisa_architecture_list(AlisaRoles computed, char *list, size_t capacity);

/* Name of the role's tensor in files of this architecture; behind "blk.N." in layers. */
const char *alisa_architecture_tensor(const AlisaArchitecture *row, AlisaRole role);
/* Matrices of a feed-forward block: 3 with a gate, 2 without; a fused one counts as its parts. */
uint32_t alisa_architecture_feed_forward_matrices(const AlisaArchitecture *row);

#endif
