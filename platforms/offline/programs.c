/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists every program that the engine asks for on a GPU by default, or with parameters that it
 * carries for a device (platforms/devices), without a GPU: makes each object of the modules on the
 * device that is there, which says that it is a GPU and neither compiles nor runs anything
 * (recorder.h), and does with it what the engine does.
 *
 *   alisa_offline_programs [few]
 *
 * `few`: of the tables below only the lines that are marked so, which stand for the others where
 * time is short. Fails where a file of cl/ is in no program, so that nothing is forgotten: each one
 * is asked for, or named below with the reason why not.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attn/attention.h"
#include "attn/index.h"
#include "attn/selection.h"
#include "base/kv_type.h"
#include "device/embedded.h"
#include "kv/kv.h"
#include "kv/tails.h"
#include "ops/experts.h"
#include "recorder.h"
#include "tune/embedded.h"
#include "tune/store.h"
#include "tune/tune.h"

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

enum { COMPUTE_UNITS = 64, ROWS = 4, PROMPT_ROWS = 512, CONTEXT = 4096, TIER_CONTEXT = 64 };
enum { EXPERTS = 128, EXPERTS_USED = 8 };

/* ---- What programs depend on -------------------------------------------------------------------
 */

/* GPUs of two kinds: the small groups and local memory of some, and the usual ones; and the usual
 * ones with what only some vendor has. */
static const struct Gpu {
    uint64_t max_work_group, local_memory;
    uint32_t capabilities;
    uint32_t vendor_id; /* 0: of any */
    const char *needs;  /* as targets.json names it */
} gpus[] = {
    {256, 32768, 0, 0, ""},
    {1024, 65536, 0, 0, ""},
    {1024, 65536, ALISA_CAPABILITY_SUBGROUPS, 0, "subgroups"},
    {1024, 49152, ALISA_CAPABILITY_PTX, 0x10de, "ptx"},
};

/* What products with rounded activations are made of, which are no default. Intel's compiler
 * makes dp4a of plain OpenCL C, and ocloc as it is here has not the functions of int_dot. */
static const struct {
    AlisaActivations activations;
    uint32_t capabilities;
    const char *needs;
} rounding_gpus[] = {
    {ALISA_ACTIVATIONS_INT16, 0, ""},
    {ALISA_ACTIVATIONS_INT16, ALISA_CAPABILITY_SUBGROUPS, "subgroups"},
    {ALISA_ACTIVATIONS_INT16, ALISA_CAPABILITY_AMD_DOT, "amd_dot"},
    {ALISA_ACTIVATIONS_INT16, ALISA_CAPABILITY_PTX_DOT, "ptx_dot"},
    {ALISA_ACTIVATIONS_INT16, ALISA_CAPABILITY_PTX_DOT | ALISA_CAPABILITY_PTX, "ptx"},
    {ALISA_ACTIVATIONS_HALF, ALISA_CAPABILITY_FP16, "fp16"},
};

typedef struct HeadShape {
    bool few;
    uint32_t heads, kv_heads, head_dim;
} HeadShape;

static const HeadShape head_shapes[] = {
    {false, 8, 8, 32},    /* models/stories.gguf */
    {true, 12, 12, 64},   /* 125M */
    {false, 9, 3, 64},    /* SmolLM-135M */
    {false, 32, 4, 64},   /* TinyLlama */
    {false, 32, 8, 64},   /* Llama-3.2-1B */
    {false, 16, 16, 80},  /* no power of two */
    {false, 8, 8, 96},    /* likewise */
    {false, 24, 8, 128},  /* Llama-3.2-3B */
    {true, 32, 8, 128},   /* Llama-3-8B, Mistral-7B */
    {false, 32, 32, 128}, /* LLaMA-7B */
    {false, 64, 8, 128},  /* LLaMA-70B */
    {false, 8, 1, 256},   /* as large as heads get */
};

static const struct {
    bool few;
    AlisaKvType key, value;
} kv_types[] = {
    {true, ALISA_KV_F16, ALISA_KV_F16},   {true, ALISA_KV_F32, ALISA_KV_F32},
    {true, ALISA_KV_Q8_0, ALISA_KV_Q8_0}, {true, ALISA_KV_I8, ALISA_KV_I8},
    {false, ALISA_KV_Q8_0, ALISA_KV_F16}, {false, ALISA_KV_F16, ALISA_KV_Q8_0},
    {false, ALISA_KV_I8, ALISA_KV_F16},   {false, ALISA_KV_F16, ALISA_KV_I8},
    {false, ALISA_KV_I8, ALISA_KV_Q8_0},
};

/* Products: rows of activations, and weights that are narrow and wide, few and many. */
static const struct {
    bool few;
    uint32_t count;
} product_rows[] = {
    {true, 1},  {false, 2}, {false, 3}, {true, 4},  {false, 5}, {false, 6},  {false, 7},  {true, 8},
    {false, 9}, {true, 16}, {true, 32}, {true, 33}, {true, 64}, {true, 128}, {true, 512},
};
static const uint32_t product_columns[] = {256, 768, 4096, 11008};
static const uint32_t product_outputs[] = {64, 256, 4096, 32000};

static const AlisaSelectOptions selectors[] = {
    {.kind = ALISA_SELECT_SWA, .scores = ALISA_SELECT_SCORES_SPARSE, .window = 64},
    {.kind = ALISA_SELECT_SWA, .scores = ALISA_SELECT_SCORES_DENSE, .window = 64},
    {.kind = ALISA_SELECT_SWA, .scores = ALISA_SELECT_SCORES_QUERY},
    {.kind = ALISA_SELECT_H2O},
    {.kind = ALISA_SELECT_LOCAL},
    {.kind = ALISA_SELECT_STRIDED},
    {.kind = ALISA_SELECT_RANDOM},
};
static const uint32_t selection_contexts[] = {CONTEXT, 70000}; /* positions of 16 and of 32 bits */

/* Compiled as they are, with all their kernels: what runs before a device is used. */
static const char *const whole_files[] = {"selftest.cl", "probe.cl"};

static const struct {
    const char *file, *reason;
} left_out[] = {
    {"attn/item.cl", "for CPUs"},
    {"attn/select_item.cl", "for CPUs"},
    {"gemm/matmul_item.cl", "for CPUs"},
    {"gemm/matvec_item.cl", "for CPUs"},
    {"gemm/matmul_int16.cl", "for CPUs"},
    {"gemm/matvec_int16.cl", "for CPUs"},
    {"ewise/read.cl", "of benchmarks"},
    {"trial/fp16.cl", "a device may refuse it"},
    {"trial/fp64.cl", "a device may refuse it"},
    {"trial/int_dot.cl", "a device may refuse it"},
    {"trial/amd_dot.cl", "a device may refuse it"},
    {"trial/ptx_dot.cl", "a device may refuse it"},
    {"trial/ptx.cl", "a device may refuse it"},
    {"trial/subgroups.cl", "a device may refuse it"},
    {"trial/vnni.cl", "for CPUs"},
};

/* ---- Objects --------------------------------------------------------------------------------- */

static bool few; /* as asked for */
static AlisaDevice *device;
static AlisaOps *ops;
static AlisaError error;

/* Nothing is launched: a buffer that is only handed on needs no memory. */
static const AlisaBuffer any = {.size = UINT64_MAX / 2};
static const AlisaVector any_vector = {&any, 0};
static const AlisaVector no_vector;

static void must(AlisaStatus status) {
    if (status == ALISA_OK) return;
    fprintf(stderr, "alisa_offline_programs: %s\n", error.message);
    exit(1);
}

static void ask_product(const AlisaMatrix *weights, uint32_t rows) {
    for (uint64_t offset = 0; offset < 2; offset++) /* 1: unaligned */
        must(alisa_ops_matmul(ops, weights, (AlisaVector){&any, offset}, rows, any_vector, false,
                              &error));
}

/* Formats that differ most in how their codes, scales and minima are read stand for the others. */
static bool is_asked_for(uint32_t format) {
    static const AlisaFormat some[] = {ALISA_FORMAT_F16,  ALISA_FORMAT_Q8_0, ALISA_FORMAT_Q4_0,
                                       ALISA_FORMAT_Q5_0, ALISA_FORMAT_Q2_K, ALISA_FORMAT_IQ4_XS};
    for (size_t i = 0; i < COUNT_OF(some); i++)
        if (some[i] == format) return true;
    return !few;
}

static void ask_products(void) {
    for (uint32_t format = 0; format < ALISA_FORMAT_COUNT; format++)
        for (size_t c = 0; c < COUNT_OF(product_columns); c++)
            for (size_t n = 0; n < COUNT_OF(product_outputs) && is_asked_for(format); n++) {
                const AlisaMatrix weights =
                    alisa_matrix_at(&any, 0, format, product_outputs[n], product_columns[c]);
                for (size_t r = 0; r < COUNT_OF(product_rows); r++)
                    if (product_rows[r].few || !few) ask_product(&weights, product_rows[r].count);
                const AlisaProduct products[] = {
                    {weights, any_vector}, {weights, any_vector}, {weights, any_vector}};
                for (uint32_t count = few ? 3 : 2; count <= 3; count++)
                    must(alisa_ops_matmul_each(ops, products, count, any_vector, 1, &error));
                must(alisa_ops_embed(ops, &weights, &any, ROWS, any_vector, &error));
            }
}

/* What CLBlast multiplies; its own kernels are its own business. */
static void ask_dequantise(void) {
    for (uint32_t format = 0; format < ALISA_FORMAT_COUNT; format++) {
        if (!is_asked_for(format)) continue;
        char options[32];
        snprintf(options, sizeof options, "-DFORMAT=%u", format);
        recorder_add_file("gemm/dequantise.cl", options);
    }
}

static void ask_elementwise(void) {
    for (size_t c = 0; c < COUNT_OF(product_columns); c++) {
        uint32_t columns = product_columns[c];
        for (uint32_t layer = 0; layer < 2; layer++)
            for (uint32_t flags = 0; flags < 4; flags++) {
                const AlisaNormalisation how = {.kind = layer ? ALISA_NORM_LAYER : ALISA_NORM_RMS,
                                                .weight = any_vector,
                                                .bias = flags & 1 ? any_vector : no_vector,
                                                .accumulate = flags & 2};
                must(alisa_ops_norm(ops, &how, any_vector, ROWS, columns, any_vector, &error));
            }
        for (uint32_t activation = 0; activation < ALISA_ACTIVATION_COUNT; activation++)
            for (uint32_t flags = 0; flags < 4; flags++) {
                AlisaVector bias = flags & 1 ? any_vector : no_vector;
                const AlisaActivated what = {.activation = (AlisaActivation)activation,
                                             .x = any_vector,
                                             .x_bias = bias,
                                             .up = flags & 2 ? any_vector : no_vector,
                                             .up_bias = bias};
                must(alisa_ops_activate(ops, &what, ROWS, columns, any_vector, &error));
            }
        const AlisaBiased biased = {any_vector, any_vector, columns};
        must(alisa_ops_add_bias_each(ops, &biased, 1, ROWS, &error));
        must(alisa_ops_add(ops, any_vector, 1.0f, ROWS, columns, any_vector, &error));
        must(alisa_ops_scale(ops, any_vector, 2.0f, 0.0f, ROWS, columns, &error));
        must(alisa_ops_scale(ops, any_vector, 2.0f, 30.0f, ROWS, columns, &error));
        must(alisa_ops_gather_rows(ops, any_vector, &any, ROWS, columns, any_vector, &error));
        must(alisa_ops_likeliest(ops, any_vector, ROWS, columns, &any, &error));
        for (int accumulate = 0; accumulate < 2; accumulate++)
            must(alisa_ops_combine(ops, any_vector, &any, 0, &any, ROWS, EXPERTS_USED, columns,
                                   accumulate, any_vector, &error));
        must(alisa_ops_weigh(ops, any_vector, ROWS, columns, any_vector, &error));
    }
    must(alisa_ops_route(ops, any_vector, ROWS, EXPERTS, EXPERTS_USED, ALISA_SHARES_OF_ALL, &any,
                         &any, &error));
}

/* Lists by layer and by KV head, with and without scores, and all that is done with those. */
static void ask_attention(const AlisaAttentionShape *shape) {
    const AlisaAttentionTails tails = {&any, &any, &any, &any, &any, &any, 1};
    const AlisaAttentionBlocks blocks = {&any, &any, &any, 1};
    const uint32_t list_counts[] = {1, shape->kv_head_count};
    AlisaAttention *attention;
    must(alisa_attention_create(ops, shape, PROMPT_ROWS, CONTEXT, &attention, &error));
    must(alisa_attention_store(attention, any_vector, any_vector, any_vector, &any, &any, ROWS,
                               &any, &any, &tails, &error));
    if (shape->key_type == ALISA_KV_I8 || shape->value_type == ALISA_KV_I8) {
        must(alisa_attention_seal(attention, &blocks, &any, &any, &tails, &error));
        must(alisa_attention_unseal(attention, &blocks, &any, &any, &tails, &error));
    }
    for (size_t i = 0; i < COUNT_OF(list_counts); i++) {
        const AlisaAttentionLists lists = {.slots = &any,
                                           .tiles = &any,
                                           .tile_count = 1,
                                           .longest = CONTEXT,
                                           .list_stride = list_counts[i] > 1 ? CONTEXT : 0,
                                           .blocks = &any,
                                           .tails = &tails,
                                           .sinks = any_vector};
        AlisaAttentionLists windowed = lists;
        windowed.window = CONTEXT / 2;
        const AlisaAttentionScores scores = {&any, &any, 1, CONTEXT};
        const AlisaAttentionRows rows[] = {
            {.weights = &any, .list_count = list_counts[i]},
            {.weights = &any, .list_count = list_counts[i], .below = &any},
            {.weights = &any, .list_count = list_counts[i], .worth = 4},
        };
        must(alisa_attention_run(attention, any_vector, &any, &any, &lists, any_vector, NULL,
                                 &error));
        must(alisa_attention_run(attention, any_vector, &any, &any, &lists, any_vector, &scores,
                                 &error));
        if (list_counts[i] == 1)
            must(alisa_attention_run(attention, any_vector, &any, &any, &windowed, any_vector, NULL,
                                     &error));
        for (size_t r = 0; r < COUNT_OF(rows); r++)
            must(alisa_attention_row(attention, &lists, &scores, &rows[r], &error));
    }
    alisa_attention_destroy(attention);
}

static void ask_index(const AlisaAttentionShape *shape) {
    AlisaIndex *index;
    const AlisaAttentionScores scores = {&any, &any, 1, CONTEXT};
    must(alisa_index_create(ops, shape, 1, 1, CONTEXT, &index, &error));
    must(alisa_index_store(index, 0, any_vector, &any, &any, ROWS, &error));
    must(alisa_index_score(index, 0, any_vector, any_vector, &any, CONTEXT, &scores, &error));
    alisa_index_destroy(index);
}

static void ask_selection(AlisaSelectOptions options, uint32_t context, uint32_t list_count) {
    const AlisaSelectionShape shape = {.layer_count = 1,
                                       .sequence_count = 1,
                                       .list_count = list_count,
                                       .context = context,
                                       .seed_rows = context,
                                       .max_updates = 1,
                                       .max_rows = ROWS};
    const AlisaSelectionTarget target = {.count = 1};
    const AlisaSelectionRows rows = {&any, context};
    options.sparsity = 0.8;
    AlisaSelection *selection;
    must(alisa_selection_create(ops, &options, &shape, &selection, &error));
    must(alisa_selection_run(selection, 0, 0, 1, rows, &error));
    must(alisa_selection_set_targets(selection, &target, 1, &error));
    for (int blocks = 0; blocks < 2; blocks++) {
        const AlisaSelectionSlots slots = {
            .pages = &any, .slots = &any, .blocks = blocks ? &any : NULL};
        must(alisa_selection_translate(selection, 0, &slots, &error));
    }
    alisa_selection_destroy(selection);
}

static void ask_selections(void) {
    for (size_t s = 0; s < COUNT_OF(selectors); s++)
        for (size_t c = 0; c < COUNT_OF(selection_contexts); c++)
            for (uint32_t lists = 1; lists <= 8; lists += 7)
                ask_selection(selectors[s], selection_contexts[c], lists);
}

/* Some tokens go to the host and come back. */
static void ask_tier_moves(AlisaTiers *tiers, const AlisaTokenRow *rows, uint32_t count) {
    must(alisa_tiers_place(tiers, rows, count, &error));
    alisa_tiers_end(tiers, 0);
    const AlisaTokenRange range = {.count = count};
    must(alisa_tiers_offload(tiers, &range, 1, true, &error));
    const AlisaTokenList list = {.count = count};
    must(alisa_tiers_need(tiers, 0, &list, 1, ALISA_USE_KEEP, &error));
    must(alisa_tiers_arrive(tiers, 0, &error));
    alisa_tiers_end(tiers, 0);
}

static void ask_inputs(AlisaInputs *inputs, const AlisaTokenRow *rows, uint32_t count) {
    static const uint32_t sources[ROWS] = {0, 1, 2, 3};
    AlisaMove moves[ROWS] = {{0}};
    for (uint32_t i = 0; i < count; i++)
        moves[i].position = rows[i].position;
    const AlisaMoves rebuilds = {moves, count, ROWS};
    must(alisa_inputs_place(inputs, rows, sources, count, &error));
    must(alisa_inputs_keep(inputs, 0, &any, 0, &error));
    alisa_inputs_end(inputs, 0);
    const AlisaTokenRange range = {.count = count};
    must(alisa_tiers_offload(alisa_inputs_tiers(inputs), &range, 1, true, &error));
    must(alisa_inputs_need(inputs, &rebuilds, &error));
    must(alisa_inputs_recall(inputs, moves, count, &any, 0, &error));
    alisa_inputs_end(inputs, 0);
}

static void ask_tiers(const AlisaKvShape *shape, uint32_t columns) {
    uint64_t bytes = TIER_CONTEXT * (alisa_kv_token_bytes(shape) + 2 * (uint64_t)columns);
    const AlisaKvMemory memory = {.device_bytes = bytes,
                                  .host_bytes = bytes,
                                  .max_rows = ROWS,
                                  .row_group = alisa_ops_parameters(ops)->move.group,
                                  .input_columns = columns,
                                  .input_device_bytes = bytes,
                                  .input_host_bytes = bytes};
    AlisaTokenRow rows[ROWS];
    for (uint32_t i = 0; i < ROWS; i++)
        rows[i] = (AlisaTokenRow){0, i};
    AlisaKv *kv;
    must(alisa_kv_create_tiered(device, shape, &memory, &kv, &error));
    ask_tier_moves(alisa_kv_tiers(kv), rows, ROWS);
    ask_inputs(alisa_kv_inputs(kv), rows, ROWS);
    alisa_kv_destroy(kv);
    if (!alisa_kv_tails_needed(shape)) return;
    AlisaKvTails *tails;
    must(alisa_kv_tails_create(device, shape, ROWS, &tails, &error));
    must(alisa_kv_tails_resolve(tails, &any, &any, ROWS, &any, &error));
    alisa_kv_tails_destroy(tails);
}

static void ask_heads(const HeadShape *heads) {
    for (size_t t = 0; t < COUNT_OF(kv_types); t++) {
        const AlisaAttentionShape attention = {.head_count = heads->heads,
                                               .kv_head_count = heads->kv_heads,
                                               .head_dim = heads->head_dim,
                                               .rope_dim = heads->head_dim,
                                               .scale = 1.0f,
                                               .key_type = kv_types[t].key,
                                               .value_type = kv_types[t].value};
        const AlisaKvShape cache = {.layer_count = 1,
                                    .kv_head_count = heads->kv_heads,
                                    .head_dim = heads->head_dim,
                                    .sequence_count = 1,
                                    .context_length = TIER_CONTEXT,
                                    .key_type = attention.key_type,
                                    .value_type = attention.value_type};
        if ((few && !kv_types[t].few) ||
            alisa_kv_type_check(attention.key_type, heads->head_dim, NULL) ||
            alisa_kv_type_check(attention.value_type, heads->head_dim, NULL))
            continue;
        AlisaAttentionShape changed = attention;
        changed.soft_cap = 50.0f;
        changed.sinks = true;
        const AlisaAttentionShape *shapes[] = {&attention, &changed};
        for (size_t s = 0; s < COUNT_OF(shapes); s++) {
            ask_attention(shapes[s]);
            ask_index(shapes[s]);
        }
        ask_tiers(&cache, heads->heads * heads->head_dim);
    }
}

static AlisaDeviceInfo as_gpu(const AlisaDeviceInfo *info, const struct Gpu *gpu) {
    AlisaDeviceInfo made = *info;
    made.type = ALISA_DEVICE_GPU;
    made.compute_units = COMPUTE_UNITS;
    made.max_work_group = gpu->max_work_group;
    made.local_memory = gpu->local_memory;
    made.capabilities = gpu->capabilities;
    return made;
}

/* NULL: with the defaults. */
static void ask_all(const AlisaOpsParameters *parameters) {
    must(alisa_ops_create(device, parameters, &ops, &error));
    ask_products();
    ask_dequantise();
    ask_elementwise();
    ask_selections();
    for (size_t h = 0; h < COUNT_OF(head_shapes); h++)
        if (head_shapes[h].few || !few) ask_heads(&head_shapes[h]);
    alisa_ops_destroy(ops);
}

/* What a tuned GPU left, on each of those that it serves. */
static void ask_tuned(const AlisaEmbeddedFile *file, const AlisaDeviceInfo *device_info) {
    static const AlisaLog quiet = {0};
    AlisaTuneEntry entry;
    must(alisa_tuner_entry_parse(file->text, file->size, file->name, &quiet, &entry, &error));
    bool is_gpu = entry.key.type == ALISA_DEVICE_GPU, asked = false;
    for (size_t i = 0; i < COUNT_OF(gpus); i++) {
        AlisaOpsParameters parameters;
        bool any_vendor = entry.serves < ALISA_TUNING_VENDOR;
        if (!is_gpu || !(any_vendor || gpus[i].vendor_id == entry.key.vendor_id)) continue;
        const AlisaDeviceInfo gpu = as_gpu(device_info, &gpus[i]);
        recorder_pretend(&gpu, gpus[i].needs);
        alisa_ops_parameters_defaults(&gpu, &parameters);
        alisa_tuner_apply(entry.parameters, file->name, &gpu, &quiet, &parameters);
        ask_all(&parameters);
        asked = true;
    }
    recorder_pretend(NULL, "");
    alisa_tuner_entry_finish(&entry);
    if (asked || !is_gpu) return;
    fprintf(stderr, "%s: no line of `gpus` in platforms/offline/programs.c is of its vendor\n",
            file->name);
    exit(1);
}

/* Products with rounded activations, in groups of both kinds, of the weights that they are for. */
static void ask_rounded(AlisaDeviceInfo gpu, AlisaActivations activations, uint32_t capabilities,
                        const char *needs) {
    gpu.capabilities = capabilities;
    for (int kind = 0; kind < 2; kind++) {
        AlisaOpsParameters parameters;
        gpu.max_work_group = gpus[kind].max_work_group;
        gpu.local_memory = gpus[kind].local_memory;
        recorder_pretend(&gpu, needs);
        alisa_ops_parameters_in(&gpu, ALISA_LAYOUT_GROUP, &parameters);
        AlisaParameterSet set;
        for (size_t i = 0; alisa_parameter_set(i, &set); i++) {
            uint32_t *place =
                set.family == ALISA_FAMILY_MATVEC   ? &parameters.matvec[set.format].activations
                : set.family == ALISA_FAMILY_MATMUL ? &parameters.matmul[set.format].activations
                                                    : NULL;
            if (!place) continue;
            *place = activations;
            if (alisa_parameter_set_check(&set, alisa_parameter_values(&parameters, &set), &gpu))
                *place = ALISA_ACTIVATIONS_FLOAT;
        }
        must(alisa_ops_create(device, &parameters, &ops, &error));
        ask_products();
        alisa_ops_destroy(ops);
    }
    recorder_pretend(NULL, "");
}

/* ---- All of it ------------------------------------------------------------------------------- */

/* The number of files that nothing asked for. */
static unsigned find_forgotten(void) {
    unsigned forgotten = 0;
    for (size_t i = 0; i < alisa_embedded_file_count; i++) {
        const char *name = alisa_embedded_files[i].name, *dot = strrchr(name, '.');
        bool found = strcmp(dot ? dot : "", ".cl") != 0 || recorder_has_file(name);
        for (size_t j = 0; j < COUNT_OF(left_out) && !found; j++)
            found = strcmp(name, left_out[j].file) == 0;
        if (found) continue;
        fprintf(stderr,
                "cl/%s: no program is made of it; ask for it in "
                "platforms/offline/programs.c, or say there why not\n",
                name);
        forgotten++;
    }
    return forgotten;
}

int main(int argc, char **argv) {
    few = argc > 1 && strcmp(argv[1], "few") == 0;
    if (argc > 2 || (argc == 2 && !few)) {
        fprintf(stderr, "usage: alisa_offline_programs [few]\n");
        return 2;
    }
    must(alisa_device_open(NULL, &device, &error));
    for (size_t i = 0; i < COUNT_OF(whole_files); i++)
        recorder_add_file(whole_files[i], "");
    const AlisaDeviceInfo own = *alisa_device_info(device);
    for (size_t i = 0; i < COUNT_OF(gpus); i++) {
        const AlisaDeviceInfo gpu = as_gpu(&own, &gpus[i]);
        recorder_pretend(&gpu, gpus[i].needs);
        ask_all(NULL);
        recorder_pretend(NULL, "");
    }
    for (size_t i = 0; i < alisa_tuner_file_count; i++)
        ask_tuned(&alisa_tuner_files[i], &own);
    for (size_t i = 0; i < COUNT_OF(rounding_gpus); i++)
        ask_rounded(as_gpu(&own, &gpus[0]), rounding_gpus[i].activations,
                    rounding_gpus[i].capabilities, rounding_gpus[i].needs);
    unsigned wrong = find_forgotten();
    wrong += recorder_print();
    alisa_device_close(device);
    return wrong ? 1 : 0;
}
