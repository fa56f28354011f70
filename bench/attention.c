/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attention alone: decode (one row a sequence; GB/s of K and V, beside what a kernel that only
 * reads reaches) and prefill (rows of one sequence, causal; GFLOP/s). Then a step of decode over
 * the tokens that are kept at 80 % sparsity, turn by turn with the same step over all tokens:
 * alone, with all it takes to choose the next list from past rows, and with choosing this one by
 * the query; and decode with K and V in each storage type, all tokens of i8 in sealed blocks. With
 * a number of tokens (0: everything): only dense against kept, in a context of so many; with a
 * layout (item, group): in that alone.
 *
 *   bench_attention [device [tokens [layout]]]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attn/attention.h"
#include "attn/index.h"
#include "attn/selection.h"
#include "base/clock.h"
#include "base/half.h"
#include "base/kv_type.h"
#include "base/random.h"
#include "device/probe.h"
#include "timing.h"

typedef struct Case {
    const char *name;
    uint32_t heads, kv_heads, head_dim;
    uint32_t sequences, rows; /* rows of each sequence, the last of its tokens */
    uint32_t tokens;
} Case;

static const Case cases[] = {
    {"TinyLlama decode", 32, 4, 64, 1, 1, 512},
    {"TinyLlama decode", 32, 4, 64, 1, 1, 4096},
    {"TinyLlama decode, batch 8", 32, 4, 64, 8, 1, 4096},
    {"7B decode (MHA)", 32, 32, 128, 1, 1, 4096},
    {"125M decode (MHA)", 12, 12, 64, 1, 1, 4096},
    {"8B decode (GQA 4)", 32, 8, 128, 1, 1, 4096},
    {"MQA decode", 32, 1, 64, 1, 1, 4096},
    {"TinyLlama prefill", 32, 4, 64, 1, 512, 512},
    {"TinyLlama prefill", 32, 4, 64, 1, 512, 4096},
    {"7B prefill (MHA)", 32, 32, 128, 1, 512, 512},
    {"125M prefill (MHA)", 12, 12, 64, 1, 512, 512},
    {"8B prefill (GQA 4)", 32, 8, 128, 1, 512, 512},
};

enum { CASES = sizeof cases / sizeof *cases };

static void check(AlisaStatus status, const AlisaError *error) {
    if (status == ALISA_OK) return;
    fprintf(stderr, "bench_attention: %s\n", error->message);
    exit(1);
}

static AlisaBuffer buffer_of(AlisaDevice *device, const void *data, uint64_t size) {
    AlisaError error;
    AlisaBuffer buffer;
    check(alisa_buffer_create(device, size, ALISA_BUFFER_READ_WRITE, "bench", &buffer, &error),
          &error);
    if (data) check(alisa_buffer_write(device, &buffer, 0, data, size, &error), &error);
    return buffer;
}

/* GB/s of a kernel that only reads. */
static double read_rate(AlisaDevice *device) {
    AlisaError error;
    AlisaDeviceProfile profile;
    check(alisa_opencl_measure_anew(device, &profile, &error), &error);
    return profile.read_bandwidth / 1e9;
}

/* Rows, lists and tiles of a case; the slots of a sequence are a shuffled range. */
typedef struct Inputs {
    AlisaBuffer q, y, keys, values, slots, tiles, blocks, params;
    uint64_t kv_bytes; /* of keys and values, with what they take to read */
    uint32_t tile_count;
    double pairs; /* (row, token), of one head */
} Inputs;

/* Halves, or for other types bytes below 64, which any two of them make a half of 0 to 1.8. */
static void *random_rows(AlisaRandom *random, size_t bytes, bool halves) {
    uint8_t *rows = malloc(bytes);
    for (size_t i = 0; halves && i < bytes / 2; i++)
        ((uint16_t *)(void *)rows)[i] = alisa_half_from_float(alisa_random_float(random) - 0.5f);
    for (size_t i = 0; !halves && i < bytes; i++)
        rows[i] = (uint8_t)alisa_random_below(random, 64);
    return rows;
}

static Inputs make_inputs(AlisaDevice *device, const Case *shape, AlisaKvType type,
                          uint32_t tile_rows) {
    Inputs inputs = {0};
    AlisaRandom random;
    alisa_random_seed(&random, 1);
    uint32_t rows = shape->sequences * shape->rows, slot_count = shape->sequences * shape->tokens;
    size_t q_count = (size_t)rows * shape->heads * shape->head_dim;
    uint32_t width = shape->kv_heads * shape->head_dim;
    size_t kv_size = slot_count * alisa_kv_type_row_bytes(type, width);
    size_t params_size = slot_count / ALISA_KV_BLOCK * alisa_kv_type_params_bytes(type, width);
    float *q = malloc(q_count * sizeof *q);
    int32_t *slots = malloc(slot_count * sizeof *slots);
    int32_t *blocks = malloc(slot_count * sizeof *blocks);
    uint32_t *offsets = malloc(rows * sizeof *offsets), *counts = malloc(rows * sizeof *counts);
    AlisaAttentionTile *tiles = malloc(rows * sizeof *tiles);
    for (size_t i = 0; i < q_count; i++)
        q[i] = alisa_random_float(&random) - 0.5f;
    void *kv = random_rows(&random, kv_size, type == ALISA_KV_F16);
    void *params = random_rows(&random, params_size + 1, false);
    for (uint32_t i = 0; i < slot_count; i++) {
        slots[i] = (int32_t)i;
        blocks[i] = (int32_t)(i / ALISA_KV_BLOCK);
    }
    for (uint32_t row = 0; row < rows; row++) {
        offsets[row] = row / shape->rows * shape->tokens;
        counts[row] = shape->tokens - shape->rows + 1 + row % shape->rows;
        inputs.pairs += counts[row];
    }
    inputs.tile_count = (uint32_t)alisa_attention_cut(offsets, counts, rows, tile_rows, 0, tiles);
    inputs.q = buffer_of(device, q, q_count * sizeof *q);
    inputs.y = buffer_of(device, NULL, q_count * sizeof *q);
    inputs.keys = buffer_of(device, kv, kv_size);
    inputs.values = buffer_of(device, kv, kv_size);
    inputs.params = buffer_of(device, params, params_size + 1);
    inputs.kv_bytes = 2 * (kv_size + params_size);
    inputs.blocks = buffer_of(device, blocks, slot_count * sizeof *blocks);
    inputs.slots = buffer_of(device, slots, slot_count * sizeof *slots);
    inputs.tiles = buffer_of(device, tiles, inputs.tile_count * sizeof *tiles);
    free(q);
    free(kv);
    free(params);
    free(slots);
    free(blocks);
    free(offsets);
    free(counts);
    free(tiles);
    return inputs;
}

static void destroy_inputs(Inputs *inputs) {
    AlisaBuffer *buffers[] = {&inputs->q,     &inputs->y,     &inputs->keys,   &inputs->values,
                              &inputs->slots, &inputs->tiles, &inputs->blocks, &inputs->params};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        alisa_buffer_destroy(buffers[i]);
}

#define SELF UINT64_MAX

/* Prints a line of one of the two tables; returns the nanoseconds. `halves`: those of f16 in the
 * second one, SELF for f16 itself, 0 in the first. */
static uint64_t bench(AlisaOps *ops, const Case *shape, const char *layout, AlisaKvType type,
                      uint64_t halves) {
    AlisaError error;
    AlisaDevice *device = alisa_ops_device(ops);
    AlisaAttentionShape attention_shape = {.head_count = shape->heads,
                                           .kv_head_count = shape->kv_heads,
                                           .head_dim = shape->head_dim,
                                           .rope_dim = shape->head_dim,
                                           .scale = 0.125f,
                                           .key_type = type,
                                           .value_type = type};
    AlisaAttention *attention;
    check(alisa_attention_create(ops, &attention_shape, shape->sequences * shape->rows,
                                 shape->tokens, &attention, &error),
          &error);
    Inputs inputs = make_inputs(device, shape, type, alisa_attention_tile_rows(attention));
    const AlisaBuffer none = {0};
    const AlisaAttentionTails tails = {.key_params = &inputs.params,
                                       .key_fresh = &none,
                                       .key_tail = &none,
                                       .value_params = &inputs.params,
                                       .value_fresh = &none,
                                       .value_tail = &none};
    const AlisaAttentionLists lists = {.slots = &inputs.slots,
                                       .tiles = &inputs.tiles,
                                       .tile_count = inputs.tile_count,
                                       .longest = shape->tokens,
                                       .blocks = &inputs.blocks,
                                       .tails = &tails};
    uint64_t best = UINT64_MAX, spent = 0;
    for (int i = 0; i < 3 || (spent < 500000000 && i < 200); i++) {
        uint64_t start = alisa_clock_now();
        check(alisa_attention_run(attention, (AlisaVector){&inputs.q, 0}, &inputs.keys,
                                  &inputs.values, &lists, (AlisaVector){&inputs.y, 0}, NULL,
                                  &error),
              &error);
        check(alisa_opencl_finish(device, &error), &error);
        uint64_t time = alisa_clock_now() - start;
        spent += time;
        if (time < best) best = time;
    }
    double bytes = (double)inputs.kv_bytes;
    double operations = 4.0 * inputs.pairs * shape->heads * shape->head_dim;
    printf("| %-25s | %-5s | %2u/%2u x %3u | %4u | %5u | %9.3f | %6.1f | %7.2f |\n", shape->name,
           layout, shape->heads, shape->kv_heads, shape->head_dim, shape->sequences * shape->rows,
           shape->tokens, (double)best / 1e6, bytes / (double)best,
           halves == 0 ? operations / (double)best
                       : (double)best / (double)(halves == SELF ? best : halves));
    destroy_inputs(&inputs);
    alisa_attention_destroy(attention);
    return best;
}

/* Decode in every type that fits, beside f16 measured again just before. */
static void bench_types(AlisaDevice *device) {
    AlisaError error;
    AlisaOps *ops;
    check(alisa_ops_create(device, NULL, &ops, &error), &error);
    printf(
        "\n| case                      | type  | heads x dim | rows | tokens|        ms |   GB/s |"
        " / f16   |\n|---|---|---|---:|---:|---:|---:|---:|\n");
    static const AlisaKvType types[] = {ALISA_KV_F16, ALISA_KV_Q8_0, ALISA_KV_I8};
    for (size_t i = 0; i < CASES; i++) {
        uint64_t halves = SELF;
        for (size_t t = 0; cases[i].rows == 1 && t < sizeof types / sizeof *types; t++) {
            uint64_t time = bench(ops, &cases[i], alisa_kv_type_name(types[t]), types[t], halves);
            if (t == 0) halves = time;
        }
    }
    alisa_ops_destroy(ops);
}

/* ---- Sparse beside dense ------------------------------------------------------------------- */

enum { LAYERS = 8, USUAL_CONTEXT = 4096, LEAST_CONTEXT = 512, MOST_CONTEXT = 65536 };

/* Tokens of the context; how many of them are kept, half of these the newest; scores of a row. */
static uint32_t context, half_budget, kept_count, stride;

static void set_context(uint32_t tokens) {
    context = tokens;
    half_budget = (tokens + 9) / 10;
    kept_count = 2 * half_budget;
    stride = (kept_count + 31) / 32 * 32;
}
/* Of each kind; the windows of past rows take some more. */
enum { TURNS = 41, WARM_TURNS = 3, CHOSEN_STEPS = TURNS + WARM_TURNS + 70 };

static const struct {
    const char *name;
    uint32_t heads, kv_heads, head_dim;
} sparse_shapes[] = {
    {"125M (MHA)", 12, 12, 64}, {"TinyLlama (GQA 8)", 32, 4, 64}, {"7B (MHA)", 32, 32, 128}};

typedef struct Step {
    AlisaAttention *attention;
    AlisaBuffer q, y, slots, kept_slots, tile, kept_tile, scores, stats, weights;
    AlisaBuffer keys[LAYERS], values[LAYERS]; /* of their own, as in a model */
} Step;

/* The last half_budget tokens and as many chosen by chance before them; ascending. */
static void choose_kept(int32_t *kept) {
    AlisaRandom random;
    alisa_random_seed(&random, 2);
    uint32_t count = 0, older = context - half_budget;
    for (uint32_t p = 0; p < context; p++)
        if (p >= older || alisa_random_below(&random, older - p) < half_budget - count)
            kept[count++] = (int32_t)p;
}

static Step make_step(AlisaOps *ops, size_t shape) {
    AlisaError error;
    AlisaRandom random;
    AlisaDevice *device = alisa_ops_device(ops);
    uint32_t heads = sparse_shapes[shape].heads, dim = sparse_shapes[shape].head_dim;
    uint64_t kv_count = (uint64_t)context * sparse_shapes[shape].kv_heads * dim;
    AlisaAttentionShape attention = {.head_count = heads,
                                     .kv_head_count = sparse_shapes[shape].kv_heads,
                                     .head_dim = dim,
                                     .rope_dim = dim,
                                     .scale = 0.125f,
                                     .key_type = ALISA_KV_F16,
                                     .value_type = ALISA_KV_F16};
    Step step = {0};
    check(alisa_attention_create(ops, &attention, 1, context, &step.attention, &error), &error);
    float *q = malloc(heads * dim * sizeof *q);
    uint16_t *kv = malloc(kv_count * sizeof *kv);
    int32_t *slots = malloc(context * sizeof *slots), *kept = malloc(kept_count * sizeof *kept);
    alisa_random_seed(&random, 1);
    for (uint32_t i = 0; i < heads * dim; i++)
        q[i] = alisa_random_normal(&random);
    for (uint64_t i = 0; i < kv_count; i++)
        kv[i] = alisa_half_from_float(alisa_random_float(&random) - 0.5f);
    for (int32_t i = 0; i < (int32_t)context; i++)
        slots[i] = i;
    choose_kept(kept);
    const AlisaAttentionTile all = {0, 1, 0, context}, some = {0, 1, 0, kept_count};
    step.q = buffer_of(device, q, heads * dim * sizeof *q);
    step.y = buffer_of(device, NULL, heads * dim * sizeof *q);
    step.slots = buffer_of(device, slots, context * sizeof *slots);
    step.kept_slots = buffer_of(device, kept, kept_count * sizeof *kept);
    step.tile = buffer_of(device, &all, sizeof all);
    step.kept_tile = buffer_of(device, &some, sizeof some);
    step.scores = buffer_of(device, NULL, heads * stride * sizeof(float));
    step.stats = buffer_of(device, NULL, heads * 2 * sizeof(float));
    step.weights = buffer_of(device, NULL, stride * sizeof(uint32_t));
    for (int layer = 0; layer < LAYERS; layer++) {
        step.keys[layer] = buffer_of(device, kv, kv_count * sizeof *kv);
        step.values[layer] = buffer_of(device, kv, kv_count * sizeof *kv);
    }
    free(slots);
    free(kept);
    free(q);
    free(kv);
    return step;
}

static void destroy_step(Step *step) {
    AlisaBuffer *buffers[] = {&step->q,          &step->y,       &step->slots,
                              &step->kept_slots, &step->tile,    &step->scores,
                              &step->stats,      &step->weights, &step->kept_tile};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        alisa_buffer_destroy(buffers[i]);
    for (int layer = 0; layer < LAYERS; layer++) {
        alisa_buffer_destroy(&step->keys[layer]);
        alisa_buffer_destroy(&step->values[layer]);
    }
    alisa_attention_destroy(step->attention);
}

typedef enum Kind { KIND_DENSE, KIND_KEPT, KIND_KEPT_ROWS, KIND_PAST_ROWS, KIND_QUERY, KINDS } Kind;

/* What choosing takes. Lists are those of one sequence, of LAYERS layers. */
typedef struct Choice {
    AlisaSelectOptions options;
    AlisaSelection *selection;
    AlisaIndex *index; /* where the query chooses */
    AlisaBuffer pages, slots, tile, index_row;
    AlisaBuffer scores, stats, weights; /* of all tokens */
    uint32_t count;                     /* tokens of the next step */
} Choice;

static Choice make_choice(AlisaOps *ops, size_t shape, bool query) {
    AlisaError error;
    AlisaDevice *device = alisa_ops_device(ops);
    uint32_t heads = sparse_shapes[shape].heads;
    Choice choice = {.count = context - CHOSEN_STEPS};
    alisa_select_options_defaults(&choice.options);
    choice.options.kind = ALISA_SELECT_SWA;
    if (query) choice.options.scores = ALISA_SELECT_SCORES_QUERY;
    const AlisaSelectionShape selection = {.layer_count = LAYERS,
                                           .sequence_count = 1,
                                           .list_count = 1,
                                           .context = context,
                                           .max_updates = 1,
                                           .max_rows = 1};
    check(alisa_selection_create(ops, &choice.options, &selection, &choice.selection, &error),
          &error);
    int32_t *pages = malloc(context * sizeof *pages);
    for (int32_t i = 0; i < (int32_t)context; i++)
        pages[i] = i;
    choice.pages = buffer_of(device, pages, context * sizeof *pages);
    free(pages);
    choice.slots = buffer_of(device, NULL, stride * sizeof(int32_t));
    choice.tile = buffer_of(device, NULL, sizeof(AlisaAttentionTile));
    if (!query) { /* the list of the first step, of which no rows are known */
        const AlisaSelectionUpdate first = {.pick_count = choice.count};
        check(alisa_selection_plan(choice.selection, &first, 1, &error), &error);
        for (uint32_t layer = 0; layer < LAYERS; layer++)
            check(
                alisa_selection_run(choice.selection, layer, 0, 1, (AlisaSelectionRows){0}, &error),
                &error);
        return choice;
    }
    const AlisaAttentionShape attention = {.head_count = heads,
                                           .kv_head_count = sparse_shapes[shape].kv_heads,
                                           .head_dim = sparse_shapes[shape].head_dim,
                                           .scale = 0.125f};
    check(alisa_index_create(ops, &attention, LAYERS, 1, context, &choice.index, &error), &error);
    choice.index_row = buffer_of(device, NULL, sizeof(AlisaIndexRow));
    choice.scores = buffer_of(device, NULL, heads * context * sizeof(float));
    choice.stats = buffer_of(device, NULL, heads * 2 * sizeof(float));
    choice.weights = buffer_of(device, NULL, context * sizeof(uint32_t));
    return choice;
}

static void destroy_choice(Choice *choice) {
    AlisaBuffer *buffers[] = {&choice->pages,  &choice->slots, &choice->tile,   &choice->index_row,
                              &choice->scores, &choice->stats, &choice->weights};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        alisa_buffer_destroy(buffers[i]);
    alisa_index_destroy(choice->index);
    alisa_selection_destroy(choice->selection);
}

static void translate(Choice *choice, uint32_t layer) {
    AlisaError error;
    const AlisaSelectionSlots slots = {.pages = &choice->pages,
                                       .page_stride = context,
                                       .slots = &choice->slots,
                                       .list_stride = stride};
    check(alisa_selection_translate(choice->selection, layer, &slots, &error), &error);
}

/* Milliseconds of all layers of a step, chosen tokens found and attended to. */
static double run_choice(AlisaDevice *device, Step *step, Choice *choice) {
    AlisaError error;
    uint32_t count = choice->count++;
    uint32_t kept = alisa_selector_kept(alisa_selector_budget(&choice->options, count));
    const AlisaAttentionTile tile = {0, 1, 0, kept};
    const AlisaIndexRow row = {.count = count};
    const AlisaSelectionTarget target = {.count = kept};
    AlisaSelectionUpdate turn = {.row_count = 1, .first_count = count, .pick_count = count + 1};
    if (choice->index) turn = (AlisaSelectionUpdate){.pick_count = count};
    const AlisaAttentionLists lists = {
        .slots = &choice->slots, .tiles = &choice->tile, .tile_count = 1, .longest = kept};
    const AlisaAttentionLists all = {.tiles = &step->tile, .tile_count = 1, .longest = context};
    const AlisaAttentionScores scores = {&step->scores, &step->stats, 1, stride};
    const AlisaAttentionScores all_scores = {&choice->scores, &choice->stats, 1, context};
    const AlisaAttentionRows rows = {.weights = &step->weights, .list_count = 1, .shift = 16};
    const AlisaAttentionRows all_rows = {
        .weights = &choice->weights, .list_count = 1, .shift = 16, .worth = 4};
    const AlisaVector q = {&step->q, 0}, y = {&step->y, 0};
    uint64_t start = alisa_clock_now();
    check(alisa_buffer_write(device, &choice->tile, 0, &tile, sizeof tile, &error), &error);
    if (choice->index)
        check(alisa_buffer_write(device, &choice->index_row, 0, &row, sizeof row, &error), &error);
    check(alisa_selection_plan(choice->selection, &turn, 1, &error), &error);
    check(alisa_selection_set_targets(choice->selection, &target, 1, &error), &error);
    for (uint32_t layer = 0; layer < LAYERS; layer++) {
        const AlisaBuffer *keys = &step->keys[layer], *values = &step->values[layer];
        if (choice->index) {
            check(alisa_index_score(choice->index, layer, q, (AlisaVector){0}, &choice->index_row,
                                    count, &all_scores, &error),
                  &error);
            check(alisa_attention_row(step->attention, &all, &all_scores, &all_rows, &error),
                  &error);
            check(alisa_selection_run(choice->selection, layer, 0, 1,
                                      (AlisaSelectionRows){&choice->weights, context}, &error),
                  &error);
        }
        translate(choice, layer);
        check(alisa_attention_run(step->attention, q, keys, values, &lists, y,
                                  choice->index ? NULL : &scores, &error),
              &error);
        if (choice->index) continue;
        check(alisa_attention_row(step->attention, &lists, &scores, &rows, &error), &error);
        check(alisa_selection_run(choice->selection, layer, 0, 1,
                                  (AlisaSelectionRows){&step->weights, stride}, &error),
              &error);
    }
    check(alisa_opencl_finish(device, &error), &error);
    return (double)(alisa_clock_now() - start) / 1e6;
}

/* Milliseconds of all layers. */
static double run_step(AlisaDevice *device, Step *step, Kind kind) {
    AlisaError error;
    bool dense = kind == KIND_DENSE;
    const AlisaAttentionLists lists = {.slots = dense ? &step->slots : &step->kept_slots,
                                       .tiles = dense ? &step->tile : &step->kept_tile,
                                       .tile_count = 1,
                                       .longest = dense ? context : kept_count};
    const AlisaAttentionScores scores = {&step->scores, &step->stats, 1, stride};
    const AlisaAttentionRows rows = {.weights = &step->weights, .list_count = 1, .shift = 16};
    uint64_t start = alisa_clock_now();
    for (int layer = 0; layer < LAYERS; layer++) {
        check(alisa_attention_run(step->attention, (AlisaVector){&step->q, 0}, &step->keys[layer],
                                  &step->values[layer], &lists, (AlisaVector){&step->y, 0},
                                  kind == KIND_KEPT_ROWS ? &scores : NULL, &error),
              &error);
        if (kind == KIND_KEPT_ROWS)
            check(alisa_attention_row(step->attention, &lists, &scores, &rows, &error), &error);
    }
    check(alisa_opencl_finish(device, &error), &error);
    return (double)(alisa_clock_now() - start) / 1e6;
}

static void bench_sparse(AlisaOps *ops, size_t shape, const char *layout) {
    AlisaDevice *device = alisa_ops_device(ops);
    Step step = make_step(ops, shape);
    Choice past = make_choice(ops, shape, false), query = make_choice(ops, shape, true);
    double times[KINDS][TURNS], median[KINDS];
    for (uint32_t i = 0; i < CHOSEN_STEPS - TURNS - WARM_TURNS; i++) /* until windows are full */
        run_choice(device, &step, &past);
    query.count = past.count;
    for (int turn = -WARM_TURNS; turn < TURNS; turn++) /* the first compile and warm up */
        for (Kind kind = 0; kind < KINDS; kind++)
            times[kind][turn < 0 ? 0 : turn] =
                kind == KIND_PAST_ROWS ? run_choice(device, &step, &past)
                : kind == KIND_QUERY   ? run_choice(device, &step, &query)
                                       : run_step(device, &step, kind);
    for (Kind kind = 0; kind < KINDS; kind++)
        median[kind] = timing_median(times[kind], TURNS);
    double dense = median[KIND_DENSE];
    printf("| %-17s | %-5s | %8.3f | %8.3f | %8.3f | %9.3f | %5.3f | %8.3f | %5.3f |\n",
           sparse_shapes[shape].name, layout, dense, median[KIND_KEPT], median[KIND_KEPT_ROWS],
           median[KIND_PAST_ROWS], median[KIND_PAST_ROWS] / dense, median[KIND_QUERY],
           median[KIND_QUERY] / dense);
    destroy_choice(&past);
    destroy_choice(&query);
    destroy_step(&step);
}

static const char *const layout_names[] = {
    [ALISA_LAYOUT_ITEM] = "item", [ALISA_LAYOUT_GROUP] = "group"};

/* `only`: a layout's name, or NULL for each. */
static void bench_layouts(AlisaDevice *device, const char *only, bool sparse) {
    AlisaError error;
    for (int layout = ALISA_LAYOUT_ITEM; layout <= ALISA_LAYOUT_GROUP; layout++) {
        if (only && strcmp(only, layout_names[layout]) != 0) continue;
        AlisaOpsParameters parameters;
        AlisaOps *ops;
        alisa_ops_parameters_in(alisa_device_info(device), (AlisaLayout)layout, &parameters);
        check(alisa_ops_create(device, &parameters, &ops, &error), &error);
        for (size_t i = 0; !sparse && i < CASES; i++)
            bench(ops, &cases[i], layout_names[layout], ALISA_KV_F16, 0);
        for (size_t i = 0; sparse && i < sizeof sparse_shapes / sizeof *sparse_shapes; i++)
            bench_sparse(ops, i, layout_names[layout]);
        alisa_ops_destroy(ops);
    }
}

int main(int argc, char **argv) {
    AlisaError error;
    AlisaDeviceOptions options;
    AlisaDevice *device;
    alisa_device_options_defaults(&options);
    if (argc > 1) options.selector = argv[1];
    char *end = NULL;
    unsigned long tokens = argc > 2 ? strtoul(argv[2], &end, 10) : 0;
    bool everything = tokens == 0, wrong = end && (*end || end == argv[2]);
    if (everything) tokens = USUAL_CONTEXT;
    if (wrong || tokens < LEAST_CONTEXT || tokens > MOST_CONTEXT) {
        fprintf(stderr, "bench_attention: the context has to have %d to %d tokens, not %s\n",
                LEAST_CONTEXT, MOST_CONTEXT, argv[2]);
        return 2;
    }
    const char *layout = argc > 3 ? argv[3] : NULL;
    if (layout && strcmp(layout, "item") != 0 && strcmp(layout, "group") != 0) {
        fprintf(stderr, "bench_attention: the layout is item or group, not %s\n", layout);
        return 2;
    }
    set_context((uint32_t)tokens);
    check(alisa_device_open(&options, &device, &error), &error);
    const AlisaDeviceInfo *info = alisa_device_info(device);
    printf("%s: a kernel that only reads: %.1f GB/s\n\n", info->name, read_rate(device));
    if (everything) {
        printf("| case                      | layout| heads x dim | rows | tokens|        ms |"
               "   GB/s | GFLOP/s |\n|---|---|---|---:|---:|---:|---:|---:|\n");
        bench_layouts(device, layout, false);
        bench_types(device);
    }
    printf("\nDecode of %d layers over %d tokens, and over the %d kept at 80 %% sparsity: "
           "milliseconds\n\n"
           "| shape             | layout|    dense |     kept | + scores | past rows | ratio |    "
           "query | ratio |\n"
           "|---|---|---:|---:|---:|---:|---:|---:|---:|\n",
           LAYERS, context, kept_count);
    bench_layouts(device, layout, true);
    printf("\nA kernel that only reads, afterwards: %.1f GB/s\n", read_rate(device));
    alisa_opencl_save_programs(device);
    alisa_device_close(device);
    return 0;
}
