/*
 * Attention alone: decode (one row a sequence; GB/s of K and V, beside what a kernel that only
 * reads reaches) and prefill (rows of one sequence, causal; GFLOP/s).
 *
 *   bench_attention [device]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attn/attention.h"
#include "base/clock.h"
#include "base/half.h"
#include "base/random.h"

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

enum { READ_BYTES = 256 << 20, READ_ITEMS = 64, CASES = sizeof cases / sizeof *cases };

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

static double read_rate(AlisaDevice *device) {
    AlisaError error;
    AlisaKernel *kernel;
    check(alisa_kernel_get(device, "ewise/read.cl", "ewise_read", NULL, &kernel, &error), &error);
    float *zeros = calloc(1, READ_BYTES);
    AlisaBuffer x = buffer_of(device, zeros, READ_BYTES);
    AlisaBuffer y = buffer_of(device, NULL, READ_ITEMS * sizeof(float));
    free(zeros);
    uint64_t vectors = READ_BYTES / 64 / READ_ITEMS, best = UINT64_MAX;
    const AlisaLaunch launch = {{READ_ITEMS, 1, 1}, {1, 1, 1}};
    const AlisaArgument arguments[] = {ALISA_ARG_BUFFER(&x), ALISA_ARG(vectors),
                                       ALISA_ARG_BUFFER(&y)};
    for (int i = 0; i < 8; i++) {
        uint64_t start = alisa_clock_now();
        check(alisa_kernel_launch(kernel, &launch, arguments, 3, &error), &error);
        check(alisa_device_finish(device, &error), &error);
        uint64_t time = alisa_clock_now() - start;
        if (time < best) best = time;
    }
    alisa_buffer_destroy(&x);
    alisa_buffer_destroy(&y);
    return (double)READ_BYTES / (double)best;
}

/* Rows, lists and tiles of a case; the slots of a sequence are a shuffled range. */
typedef struct Inputs {
    AlisaBuffer q, y, keys, values, slots, tiles;
    uint32_t tile_count;
    double pairs; /* (row, token), of one head */
} Inputs;

static Inputs make_inputs(AlisaDevice *device, const Case *shape, uint32_t tile_rows) {
    Inputs inputs = {0};
    AlisaRandom random;
    alisa_random_seed(&random, 1);
    uint32_t rows = shape->sequences * shape->rows, slot_count = shape->sequences * shape->tokens;
    size_t q_count = (size_t)rows * shape->heads * shape->head_dim;
    size_t kv_count = (size_t)slot_count * shape->kv_heads * shape->head_dim;
    float *q = malloc(q_count * sizeof *q);
    uint16_t *kv = malloc(kv_count * sizeof *kv);
    int32_t *slots = malloc(slot_count * sizeof *slots);
    uint32_t *offsets = malloc(rows * sizeof *offsets), *counts = malloc(rows * sizeof *counts);
    AlisaAttentionTile *tiles = malloc(rows * sizeof *tiles);
    for (size_t i = 0; i < q_count; i++)
        q[i] = alisa_random_float(&random) - 0.5f;
    for (size_t i = 0; i < kv_count; i++)
        kv[i] = alisa_half_from_float(alisa_random_float(&random) - 0.5f);
    for (uint32_t i = 0; i < slot_count; i++)
        slots[i] = (int32_t)i;
    for (uint32_t row = 0; row < rows; row++) {
        offsets[row] = row / shape->rows * shape->tokens;
        counts[row] = shape->tokens - shape->rows + 1 + row % shape->rows;
        inputs.pairs += counts[row];
    }
    inputs.tile_count = (uint32_t)alisa_attention_cut(offsets, counts, rows, tile_rows, tiles);
    inputs.q = buffer_of(device, q, q_count * sizeof *q);
    inputs.y = buffer_of(device, NULL, q_count * sizeof *q);
    inputs.keys = buffer_of(device, kv, kv_count * sizeof *kv);
    inputs.values = buffer_of(device, kv, kv_count * sizeof *kv);
    inputs.slots = buffer_of(device, slots, slot_count * sizeof *slots);
    inputs.tiles = buffer_of(device, tiles, inputs.tile_count * sizeof *tiles);
    free(q);
    free(kv);
    free(slots);
    free(offsets);
    free(counts);
    free(tiles);
    return inputs;
}

static void destroy_inputs(Inputs *inputs) {
    AlisaBuffer *buffers[] = {&inputs->q,      &inputs->y,     &inputs->keys,
                              &inputs->values, &inputs->slots, &inputs->tiles};
    for (size_t i = 0; i < sizeof buffers / sizeof *buffers; i++)
        alisa_buffer_destroy(buffers[i]);
}

static void bench(AlisaOps *ops, const Case *shape, const char *layout) {
    AlisaError error;
    AlisaDevice *device = alisa_ops_device(ops);
    AlisaAttentionShape attention_shape = {.head_count = shape->heads,
                                           .kv_head_count = shape->kv_heads,
                                           .head_dim = shape->head_dim,
                                           .rope_dim = shape->head_dim,
                                           .scale = 0.125f,
                                           .key_type = ALISA_KV_F16,
                                           .value_type = ALISA_KV_F16};
    AlisaAttention *attention;
    check(alisa_attention_create(ops, &attention_shape, shape->sequences * shape->rows,
                                 shape->tokens, &attention, &error),
          &error);
    Inputs inputs = make_inputs(device, shape, alisa_attention_tile_rows(attention));
    const AlisaAttentionLists lists = {.slots = &inputs.slots,
                                       .tiles = &inputs.tiles,
                                       .tile_count = inputs.tile_count,
                                       .longest = shape->tokens};
    uint64_t best = UINT64_MAX, spent = 0;
    for (int i = 0; i < 3 || (spent < 500000000 && i < 200); i++) {
        uint64_t start = alisa_clock_now();
        check(alisa_attention_run(attention, (AlisaVector){&inputs.q, 0}, &inputs.keys,
                                  &inputs.values, &lists, (AlisaVector){&inputs.y, 0}, NULL,
                                  &error),
              &error);
        check(alisa_device_finish(device, &error), &error);
        uint64_t time = alisa_clock_now() - start;
        spent += time;
        if (time < best) best = time;
    }
    double bytes = 2.0 * 2 * shape->kv_heads * shape->head_dim * shape->sequences * shape->tokens;
    double operations = 4.0 * inputs.pairs * shape->heads * shape->head_dim;
    printf("| %-25s | %-5s | %2u/%2u x %3u | %4u | %5u | %9.3f | %6.1f | %7.1f |\n", shape->name,
           layout, shape->heads, shape->kv_heads, shape->head_dim, shape->sequences * shape->rows,
           shape->tokens, (double)best / 1e6, bytes / (double)best, operations / (double)best);
    destroy_inputs(&inputs);
    alisa_attention_destroy(attention);
}

int main(int argc, char **argv) {
    AlisaError error;
    AlisaDeviceOptions options;
    AlisaDevice *device;
    alisa_device_options_defaults(&options);
    if (argc > 1) options.selector = argv[1];
    check(alisa_device_open(&options, &device, &error), &error);
    const AlisaDeviceInfo *info = alisa_device_info(device);
    printf("%s: a kernel that only reads: %.1f GB/s\n\n", info->name, read_rate(device));
    printf("| case                      | layout| heads x dim | rows | tokens|        ms |   GB/s |"
           " GFLOP/s |\n|---|---|---|---:|---:|---:|---:|---:|\n");
    static const char *names[] = {[ALISA_LAYOUT_ITEM] = "item", [ALISA_LAYOUT_GROUP] = "group"};
    for (int layout = ALISA_LAYOUT_ITEM; layout <= ALISA_LAYOUT_GROUP; layout++) {
        AlisaOpsParameters parameters;
        AlisaOps *ops;
        alisa_ops_parameters_defaults(info, &parameters);
        parameters.attention_layout = (AlisaLayout)layout;
        check(alisa_ops_create(device, &parameters, &ops, &error), &error);
        for (size_t i = 0; i < CASES; i++)
            bench(ops, &cases[i], names[layout]);
        alisa_ops_destroy(ops);
    }
    printf("\nA kernel that only reads, afterwards: %.1f GB/s\n", read_rate(device));
    alisa_device_save_programs(device);
    alisa_device_close(device);
    return 0;
}
