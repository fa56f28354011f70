/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Selection of one layer at 4096 tokens and 80 % sparsity: feeding the rows of a step, picking the
 * lists of the next and translating them to slots, by number of sequences. Beside it, in the same
 * run: the time the host takes to read the bytes that selection touches, attention over the lists
 * (12 heads of 64 elements, half), and scoring the index of all keys, which selection by the
 * current query needs.
 *
 *   bench_select [device]
 */
#include <string.h>

#include "attn/attention.h"
#include "attn/index.h"
#include "attn/selection.h"
#include "base/half.h"
#include "base/random.h"
#include "timing.h"

enum { CONTEXT = 4096, TIMED = 60, HEADS = 12, HEAD_DIM = 64, MOST_SEQUENCES = 64 };
static const uint32_t sequence_counts[] = {1, 4, 16, 64};

static void check(AlisaStatus status, const AlisaError *error) {
    if (status == ALISA_OK) return;
    fprintf(stderr, "bench_select: %s\n", error->message);
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

/* Rows of weights that fall with age and vary, as those of a list of a few locals and globals. */
static AlisaBuffer make_rows(AlisaDevice *device, uint32_t stride) {
    AlisaRandom random;
    alisa_random_seed(&random, 1);
    uint64_t count = (uint64_t)MOST_SEQUENCES * stride;
    uint32_t *rows = timing_allocate(count * sizeof *rows);
    for (uint64_t i = 0; i < count; i++)
        rows[i] = alisa_random_below(&random, 1 << (6 + 8 * (i % stride) / stride));
    AlisaBuffer buffer = buffer_of(device, rows, count * sizeof *rows);
    free(rows);
    return buffer;
}

typedef struct Bench {
    AlisaOps *ops;
    AlisaDevice *device;
    AlisaSelection *selection;
    uint32_t sequences, stride;
    uint32_t shortest; /* of the timed lists */
    AlisaBuffer rows, pages, slots;
} Bench;

static double seconds_since(AlisaDevice *device, uint64_t start) {
    AlisaError error;
    check(alisa_opencl_finish(device, &error), &error);
    return (double)(alisa_clock_now() - start) * 1e-9;
}

/* One step of all sequences from `count` tokens to the next: seconds of the run. */
static double step(Bench *bench, uint32_t count, bool feeds) {
    AlisaError error;
    AlisaSelectionUpdate updates[MOST_SEQUENCES];
    for (uint32_t s = 0; s < bench->sequences; s++)
        updates[s] = (AlisaSelectionUpdate){.sequence = s,
                                            .row_count = feeds,
                                            .first_row = s,
                                            .first_count = count,
                                            .pick_count = count + 1};
    check(alisa_selection_plan(bench->selection, updates, bench->sequences, &error), &error);
    check(alisa_opencl_finish(bench->device, &error), &error);
    uint64_t start = alisa_clock_now();
    check(alisa_selection_run(bench->selection, 0, 0, bench->sequences,
                              (AlisaSelectionRows){&bench->rows, bench->stride}, &error),
          &error);
    return seconds_since(bench->device, start);
}

static double translate(Bench *bench, uint32_t length) {
    AlisaError error;
    AlisaSelectionTarget targets[MOST_SEQUENCES];
    for (uint32_t s = 0; s < bench->sequences; s++)
        targets[s] = (AlisaSelectionTarget){
            .sequence = s, .count = length, .list_offset = s * bench->stride};
    check(alisa_selection_set_targets(bench->selection, targets, bench->sequences, &error), &error);
    const AlisaSelectionSlots slots = {.pages = &bench->pages,
                                       .page_stride = CONTEXT,
                                       .slots = &bench->slots,
                                       .list_stride = bench->stride};
    uint64_t start = alisa_clock_now();
    check(alisa_selection_translate(bench->selection, 0, &slots, &error), &error);
    return seconds_since(bench->device, start);
}

static double attend(Bench *bench, AlisaAttention *attention, const AlisaBuffer *kv,
                     const AlisaBuffer *tiles, const AlisaBuffer *q) {
    AlisaError error;
    const AlisaAttentionLists lists = {.slots = &bench->slots,
                                       .tiles = tiles,
                                       .tile_count = bench->sequences,
                                       .longest = bench->shortest};
    uint64_t start = alisa_clock_now();
    check(alisa_attention_run(attention, (AlisaVector){q, 0}, kv, kv, &lists, (AlisaVector){q, 0},
                              NULL, &error),
          &error);
    return seconds_since(bench->device, start);
}

/* Seconds of the scores of every sequence's query; what the keys are does not matter. */
static double score_index(Bench *bench, const AlisaAttentionShape *shape, const AlisaBuffer *q) {
    AlisaError error;
    AlisaIndex *index;
    check(alisa_index_create(bench->ops, shape, 1, bench->sequences, CONTEXT, &index, &error),
          &error);
    AlisaIndexRow rows[MOST_SEQUENCES];
    for (uint32_t s = 0; s < bench->sequences; s++)
        rows[s] = (AlisaIndexRow){.query = s, .sequence = s, .count = CONTEXT};
    AlisaBuffer row_buffer = buffer_of(bench->device, rows, sizeof rows);
    uint64_t heads = (uint64_t)bench->sequences * HEADS;
    AlisaBuffer scores = buffer_of(bench->device, NULL, heads * CONTEXT * sizeof(float));
    AlisaBuffer stats = buffer_of(bench->device, NULL, heads * 2 * sizeof(float));
    const AlisaAttentionScores out = {&scores, &stats, bench->sequences, CONTEXT};
    double times[TIMED];
    for (int i = 0; i < TIMED; i++) {
        uint64_t start = alisa_clock_now();
        check(alisa_index_score(index, 0, (AlisaVector){q, 0}, (AlisaVector){0}, &row_buffer,
                                CONTEXT, &out, &error),
              &error);
        times[i] = seconds_since(bench->device, start);
    }
    alisa_buffer_destroy(&row_buffer);
    alisa_buffer_destroy(&scores);
    alisa_buffer_destroy(&stats);
    alisa_index_destroy(index);
    return timing_median(times, TIMED);
}

static void measure(Bench *bench, const char *layout, const void *host) {
    AlisaError error;
    AlisaSelectOptions options;
    alisa_select_options_defaults(&options);
    options.kind = ALISA_SELECT_SWA;
    AlisaSelectionShape shape = {.layer_count = 1,
                                 .sequence_count = bench->sequences,
                                 .list_count = 1,
                                 .context = CONTEXT,
                                 .max_updates = bench->sequences,
                                 .max_rows = bench->sequences};
    check(alisa_selection_create(bench->ops, &options, &shape, &bench->selection, &error), &error);
    uint32_t half = alisa_selector_half_budget(&options, CONTEXT);
    bench->stride = 2 * half;
    bench->shortest = alisa_selector_kept(alisa_selector_budget(&options, CONTEXT - TIMED));
    bench->rows = make_rows(bench->device, bench->stride);

    uint32_t slot_count = bench->sequences * CONTEXT;
    int32_t *pages = timing_allocate(slot_count * sizeof *pages);
    for (uint32_t i = 0; i < slot_count; i++)
        pages[i] = (int32_t)i;
    bench->pages = buffer_of(bench->device, pages, slot_count * sizeof *pages);
    free(pages);
    bench->slots = buffer_of(bench->device, NULL, bench->sequences * bench->stride * 4ull);

    AlisaAttentionTile tiles[MOST_SEQUENCES];
    for (uint32_t s = 0; s < bench->sequences; s++)
        tiles[s] = (AlisaAttentionTile){s, 1, s * bench->stride, bench->shortest};
    AlisaBuffer tile_buffer = buffer_of(bench->device, tiles, sizeof tiles);
    uint64_t kv_count = (uint64_t)slot_count * HEADS * HEAD_DIM;
    uint16_t *kv = timing_allocate(kv_count * sizeof *kv);
    for (uint64_t i = 0; i < kv_count; i++)
        kv[i] = alisa_half_from_float((float)(i % 1009) * 0.001f - 0.5f);
    AlisaBuffer kv_buffer = buffer_of(bench->device, kv, kv_count * sizeof *kv);
    free(kv);
    AlisaAttentionShape attention_shape = {.head_count = HEADS,
                                           .kv_head_count = HEADS,
                                           .head_dim = HEAD_DIM,
                                           .rope_dim = HEAD_DIM,
                                           .scale = 0.125f,
                                           .key_type = ALISA_KV_F16,
                                           .value_type = ALISA_KV_F16};
    AlisaAttention *attention;
    check(alisa_attention_create(bench->ops, &attention_shape, bench->sequences, bench->stride,
                                 &attention, &error),
          &error);
    float q[MOST_SEQUENCES * HEADS * HEAD_DIM];
    for (size_t i = 0; i < sizeof q / sizeof *q; i++)
        q[i] = (float)(i % 17) * 0.1f - 0.8f;
    AlisaBuffer q_buffer = buffer_of(bench->device, q, sizeof q);

    /* What a list touches in a step: two rows with their sums, the candidates, the list. */
    uint64_t bytes = bench->sequences * (2ull * bench->stride * (4 + 8 + 2) + 2 * half * 2 +
                                         (CONTEXT - half) * 4ull + bench->stride * 4ull);
    double runs[TIMED], translations[TIMED], attentions[TIMED], reads[TIMED];
    uint32_t first = CONTEXT - TIMED - half - 1; /* the window is full before the timed steps */
    step(bench, first - 1, false);
    for (uint32_t count = first; count < CONTEXT; count++) {
        double run = step(bench, count, true);
        if (count < CONTEXT - TIMED) continue;
        uint32_t i = count - (CONTEXT - TIMED);
        runs[i] = run;
        translations[i] =
            translate(bench, alisa_selector_kept(alisa_selector_budget(&options, count + 1)));
        attentions[i] = attend(bench, attention, &kv_buffer, &tile_buffer, &q_buffer);
        reads[i] = timing_read(host, bytes);
    }
    double run = timing_median(runs, TIMED), read = timing_median(reads, TIMED);
    double translation = timing_median(translations, TIMED);
    double attended = timing_median(attentions, TIMED);
    printf("| %-6s | %9u | %9.1f | %9.1f | %10.1f | %9.1f | %12.2f | %9.1f |\n", layout,
           bench->sequences, run * 1e6, translation * 1e6, read * 1e6, attended * 1e6,
           (run + translation) / attended, score_index(bench, &attention_shape, &q_buffer) * 1e6);
    alisa_attention_destroy(attention);
    alisa_selection_destroy(bench->selection);
    AlisaBuffer *buffers[] = {&bench->rows, &bench->pages, &bench->slots,
                              &tile_buffer, &kv_buffer,    &q_buffer};
    for (size_t i = 0; i < sizeof buffers / sizeof(AlisaBuffer *); i++)
        alisa_buffer_destroy(buffers[i]);
}

int main(int argc, char **argv) {
    AlisaError error;
    AlisaDeviceOptions options;
    AlisaDevice *device;
    alisa_device_options_defaults(&options);
    if (argc > 1) options.selector = argv[1];
    check(alisa_device_open(&options, &device, &error), &error);
    const AlisaDeviceInfo *info = alisa_device_info(device);
    printf("%s: one layer, %d tokens, 80 %% sparsity; medians in microseconds\n\n", info->name,
           CONTEXT);
    printf("| layout | sequences | feed+pick | translate | host reads | attention | selection/a. | "
           "    index |\n"
           "|---|---:|---:|---:|---:|---:|---:|---:|\n");
    void *host = timing_allocate(8 << 20);
    memset(host, 1, 8 << 20);
    static const char *names[] = {[ALISA_LAYOUT_ITEM] = "item", [ALISA_LAYOUT_GROUP] = "group"};
    for (int layout = ALISA_LAYOUT_ITEM; layout <= ALISA_LAYOUT_GROUP; layout++) {
        AlisaOpsParameters parameters;
        alisa_ops_parameters_in(info, (AlisaLayout)layout, &parameters);
        AlisaOps *ops;
        check(alisa_ops_create(device, &parameters, &ops, &error), &error);
        for (size_t i = 0; i < sizeof sequence_counts / sizeof *sequence_counts; i++) {
            Bench bench = {.ops = ops, .device = device, .sequences = sequence_counts[i]};
            measure(&bench, names[layout], host);
        }
        alisa_ops_destroy(ops);
    }
    alisa_opencl_save_programs(device);
    alisa_device_close(device);
    free(host);
    return 0;
}
