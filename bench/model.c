/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole model against what the machine can do, in one run, turn by turn:
 *   decode   bytes of weights streamed a second, as a share of the host's read bandwidth
 *   prefill  operations a second in the matrix products, as a share of OpenBLAS on the same shapes
 *
 *   bench_model -m MODEL [-p 512] [-n 16] [-r 5] [-dev DEVICE]
 */
#include <stdio.h>
#include <string.h>

#include "alisa/device.h"
#include "alisa/file.h"
#include "base/random.h"
#include "timing.h"

/* Far larger than any cache. */
#define READ_BYTES ((uint64_t)512 << 20)

typedef struct Bench {
    const char *model_path;
    const char *device;
    uint32_t prompt, predict, repeat;
    AlisaModelInfo info;
    AlisaModel *model;
    AlisaDevice *opened;
    AlisaEngine *engine;
    AlisaSession *session;
    AlisaRandom random;
    double streamed_bytes; /* read for one decoded token */
    double products;       /* multiply-adds of one row in all layers */
} Bench;

static void check(AlisaStatus status, const AlisaError *error) {
    if (status == ALISA_OK) return;
    fprintf(stderr, "bench_model: %s\n", error->message);
    exit(1);
}

static bool parse(Bench *bench, int argc, char **argv) {
    *bench = (Bench){.prompt = 512, .predict = 16, .repeat = 5};
    for (int i = 1; i + 1 < argc; i += 2) {
        const char *value = argv[i + 1];
        if (strcmp(argv[i], "-m") == 0)
            bench->model_path = value;
        else if (strcmp(argv[i], "-dev") == 0)
            bench->device = value;
        else if (strcmp(argv[i], "-p") == 0)
            bench->prompt = (uint32_t)strtoul(value, NULL, 10);
        else if (strcmp(argv[i], "-n") == 0)
            bench->predict = (uint32_t)strtoul(value, NULL, 10);
        else if (strcmp(argv[i], "-r") == 0)
            bench->repeat = (uint32_t)strtoul(value, NULL, 10);
        else
            return false;
    }
    return bench->model_path && argc % 2 == 1 && bench->prompt && bench->predict && bench->repeat &&
           bench->repeat <= 100;
}

/* Every weight is read once a token, but of an embedding table that is not also the head only one
 * row. */
static void count_work(Bench *bench) {
    AlisaError error;
    AlisaFile *file;
    AlisaFileInfo info;
    check(alisa_file_open(bench->model_path, &file, &error), &error);
    alisa_file_info(file, &info);
    double table_bytes = 0.0;
    bool own_head = false;
    for (uint64_t i = 0; i < info.tensor_count; i++) {
        AlisaFileTensor tensor;
        check(alisa_file_tensor(file, i, &tensor, &error), &error);
        bench->streamed_bytes += (double)tensor.byte_count;
        if (strcmp(tensor.name, "token_embd.weight") == 0) table_bytes = (double)tensor.byte_count;
        if (strcmp(tensor.name, "output.weight") == 0) own_head = true;
        if (strncmp(tensor.name, "blk.", 4) == 0 && tensor.dimension_count == 2) {
            bench->products += (double)tensor.dimensions[0] * (double)tensor.dimensions[1];
        }
    }
    if (own_head) bench->streamed_bytes -= table_bytes;
    alisa_file_close(file);
}

static void open_all(Bench *bench) {
    AlisaError error;
    AlisaDeviceOptions device_options;
    AlisaEngineOptions engine_options;
    AlisaSessionOptions session_options;
    alisa_device_options_defaults(&device_options);
    alisa_engine_options_defaults(&engine_options);
    alisa_session_options_defaults(&session_options);
    device_options.selector = bench->device;
    session_options.context_length = bench->prompt + bench->predict;
    session_options.micro_batch = bench->prompt;
    check(alisa_model_open(bench->model_path, &bench->model, &error), &error);
    alisa_model_info(bench->model, &bench->info);
    check(alisa_device_open(&device_options, &bench->opened, &error), &error);
    check(alisa_engine_create(bench->model, bench->opened, &engine_options, &bench->engine, &error),
          &error);
    check(alisa_session_create(bench->engine, &session_options, &bench->session, &error), &error);
}

/* Seconds to append `count` random tokens, `together` at a time, each call asking for logits. */
static double run(Bench *bench, uint32_t count, uint32_t together) {
    AlisaError error;
    AlisaRow *rows = calloc(together, sizeof *rows);
    if (!rows) exit(1);
    uint64_t start = alisa_clock_now();
    for (uint32_t done = 0; done < count; done += together) {
        for (uint32_t i = 0; i < together; i++) {
            uint32_t token = alisa_random_below(&bench->random, bench->info.vocabulary_size);
            rows[i] = (AlisaRow){(int32_t)token, 0, i + 1 == together};
        }
        check(alisa_session_eval(bench->session, rows, together, &error), &error);
    }
    double seconds = (double)(alisa_clock_now() - start) * 1e-9;
    free(rows);
    return seconds;
}

/* OpenBLAS on the seven products of one layer; operations a second over all of them. */
static double reference_layer_rate(const Bench *bench) {
    const AlisaModelInfo *info = &bench->info;
    int embedding = (int)info->embedding_length, wide = (int)info->feed_forward_length;
    int heads = (int)(info->head_count * info->head_dim);
    int kv_heads = (int)(info->kv_head_count * info->head_dim);
    const int shapes[7][2] = {{heads, embedding}, {kv_heads, embedding}, {kv_heads, embedding},
                              {embedding, heads}, {wide, embedding},     {wide, embedding},
                              {embedding, wide}};
    size_t widest = (size_t)(wide > heads ? wide : heads), rows = bench->prompt;
    if (widest < (size_t)embedding) widest = (size_t)embedding;
    float *x = timing_allocate(rows * widest * sizeof *x);
    float *y = timing_allocate(rows * widest * sizeof *y);
    float *w = timing_allocate(widest * widest * sizeof *w);
    for (size_t i = 0; i < rows * widest; i++)
        x[i] = (float)(i % 1013) * 0.001f - 0.5f;
    for (size_t i = 0; i < widest * widest; i++)
        w[i] = (float)(i % 977) * 0.001f - 0.4f;
    double seconds = 0.0, operations = 0.0;
    for (int i = 0; i < 7; i++) {
        operations += 2.0 * (double)rows * shapes[i][0] * shapes[i][1];
        seconds += timing_sgemm(x, w, y, (int)rows, shapes[i][0], shapes[i][1]);
    }
    free(x);
    free(y);
    free(w);
    return seconds > 0.0 ? operations / seconds : 0.0;
}

int main(int argc, char **argv) {
    Bench bench;
    if (!parse(&bench, argc, argv)) {
        fprintf(stderr, "usage: bench_model -m MODEL [-p 512] [-n 16] [-r 5] [-dev DEVICE]\n");
        return 2;
    }
    count_work(&bench);
    open_all(&bench);
    alisa_random_seed(&bench.random, 1);
    void *data = timing_allocate(READ_BYTES);
    memset(data, 1, READ_BYTES);
    double decode[100], read[100], prefill[100], product[100], decode_share[100],
        prefill_share[100];
    for (uint32_t i = 0; i <= bench.repeat; i++) {
        /* Turn 0 warms up and is overwritten. */
        uint32_t slot = i == 0 ? 0 : i - 1;
        alisa_session_truncate(bench.session, 0, 0);
        product[slot] = reference_layer_rate(&bench) * 1e-9;
        double operations = 2.0 * bench.products * bench.prompt;
        prefill[slot] = operations / run(&bench, bench.prompt, bench.prompt) * 1e-9;
        double read_seconds = timing_read(data, READ_BYTES);
        double seconds = run(&bench, bench.predict, 1);
        decode[slot] = bench.streamed_bytes * bench.predict / seconds * 1e-9;
        /* Before and after: the machine may change its speed meanwhile. */
        read_seconds += timing_read(data, READ_BYTES);
        read[slot] = 2.0 * READ_BYTES / read_seconds * 1e-9;
        decode_share[slot] = decode[slot] / read[slot];
        prefill_share[slot] = product[slot] > 0.0 ? prefill[slot] / product[slot] : 0.0;
    }
    uint32_t n = bench.repeat;
    printf("model %s %s on %s\n", bench.info.name, bench.info.type,
           alisa_device_info(bench.opened)->name);
    double decode_rate = timing_median(decode, (int)n),
           prefill_rate = timing_median(prefill, (int)n);
    printf("decode   %7.2f t/s  %6.1f GB/s of weights; host reads %6.1f GB/s; share %.2f\n",
           decode_rate * 1e9 / bench.streamed_bytes, decode_rate, timing_median(read, (int)n),
           timing_median(decode_share, (int)n));
    printf("prefill  %7.2f t/s  %6.1f GFLOP/s; OpenBLAS %6.1f GFLOP/s; share %.2f\n",
           prefill_rate * 1e9 / (2.0 * bench.products), prefill_rate,
           timing_median(product, (int)n), timing_median(prefill_share, (int)n));
    free(data);
    alisa_session_destroy(bench.session);
    alisa_engine_destroy(bench.engine);
    alisa_device_close(bench.opened);
    alisa_model_close(bench.model);
    return 0;
}
