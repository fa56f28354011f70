/* SPDX-License-Identifier: Apache-2.0 */
#include "kv/host_rows.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/round.h"
#include "device/device.h"

/* Drivers may limit one allocation; small enough that one refused chunk says little. */
#define CHUNK_BYTES (128u << 20)
/* Less than this is copied faster than threads are woken. */
#define THREADED_BYTES (1u << 20)
/* More threads than this do not copy faster on any memory that a link is slower than. */
#define MOST_THREADS 4

/* On a device that shares the host's cores, threads of ours (which OpenMP lets spin for a while
 * after their work) would take them from the kernels. */
static uint32_t choose_threads(AlisaDevice *device) {
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    if (processors < 1 || alisa_opencl_info(device)->type == ALISA_DEVICE_CPU) return 1;
    return processors < MOST_THREADS ? (uint32_t)processors : MOST_THREADS;
}

AlisaStatus alisa_host_rows_init(AlisaDevice *device, uint32_t row_count, uint32_t row_bytes,
                                 AlisaHostRows *rows, AlisaError *error) {
    static const char what[] = "the host's KV memory (--host-mem)";
    *rows = (AlisaHostRows){.device = device,
                            .row_bytes = row_bytes,
                            .chunk_rows = CHUNK_BYTES / row_bytes + 1,
                            .thread_count = choose_threads(device)};
    uint32_t chunks = alisa_divide_up(row_count, rows->chunk_rows);
    rows->chunks = alisa_allocate_zeroed(chunks, sizeof *rows->chunks, what, error);
    if (!rows->chunks) return ALISA_ERROR_MEMORY;
    for (uint32_t left = row_count; left > 0; rows->chunk_count++) {
        uint32_t here = left < rows->chunk_rows ? left : rows->chunk_rows;
        AlisaStatus status = alisa_pinned_create(device, (uint64_t)here * row_bytes, what,
                                                 &rows->chunks[rows->chunk_count], error);
        if (status != ALISA_OK) {
            alisa_host_rows_finish(rows);
            return status;
        }
        left -= here;
    }
    return ALISA_OK;
}

void alisa_host_rows_finish(AlisaHostRows *rows) {
    for (uint32_t i = 0; i < rows->chunk_count; i++)
        alisa_pinned_destroy(rows->device, &rows->chunks[i]);
    free(rows->chunks);
    *rows = (AlisaHostRows){0};
}

/* Slots from the first on that follow each other in one chunk. */
static uint32_t run_length(const AlisaHostRows *rows, const int32_t *slots, uint32_t count) {
    uint32_t left_in_chunk = rows->chunk_rows - (uint32_t)slots[0] % rows->chunk_rows;
    if (count > left_in_chunk) count = left_in_chunk;
    uint32_t run = 1;
    while (run < count && slots[run] == slots[0] + (int32_t)run)
        run++;
    return run;
}

static void copy(const AlisaHostRows *rows, const int32_t *slots, uint32_t count, char *packed,
                 bool gather) {
    for (uint32_t i = 0, run; i < count; i += run) {
        run = run_length(rows, slots + i, count - i);
        uint32_t slot = (uint32_t)slots[i];
        char *row = (char *)rows->chunks[slot / rows->chunk_rows].data +
                    (size_t)(slot % rows->chunk_rows) * rows->row_bytes;
        char *other = packed + (size_t)i * rows->row_bytes;
        size_t bytes = (size_t)run * rows->row_bytes;
        memcpy(gather ? other : row, gather ? row : other, bytes);
    }
}

static void copy_threaded(const AlisaHostRows *rows, const int32_t *slots, uint32_t count,
                          char *packed, bool gather) {
    bool large = (uint64_t)count * rows->row_bytes >= THREADED_BYTES;
    int parts = large ? (int)rows->thread_count : 1;
#ifdef _OPENMP
#pragma omp parallel for num_threads(parts) if (parts > 1)
#endif
    for (int part = 0; part < parts; part++) {
        uint32_t first = (uint32_t)((uint64_t)count * (uint32_t)part / (uint32_t)parts);
        uint32_t end = (uint32_t)((uint64_t)count * (uint32_t)(part + 1) / (uint32_t)parts);
        copy(rows, slots + first, end - first, packed + (size_t)first * rows->row_bytes, gather);
    }
}

void alisa_host_rows_gather(const AlisaHostRows *rows, const int32_t *slots, uint32_t count,
                            void *packed) {
    copy_threaded(rows, slots, count, packed, true);
}

void alisa_host_rows_scatter(const AlisaHostRows *rows, const int32_t *slots, uint32_t count,
                             const void *packed) {
    copy_threaded(rows, slots, count, (char *)packed, false);
}
