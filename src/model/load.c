/* SPDX-License-Identifier: Apache-2.0 */
#include "model/load.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/weight_type.h"
#include "device/transfer.h"
#include "ops/repack.h"

/* Bytes of a tensor that are repacked at a time: many for all cores, few beside a model. */
#define PIECE_BYTES ((uint64_t)16 << 20)

enum { PIECES = 2 }; /* one is repacked while the other is uploaded */

typedef struct Piece {
    AlisaPinned pinned;
    AlisaEvent uploaded; /* the last copy out of it */
} Piece;

struct AlisaLoader {
    const AlisaGguf *gguf;
    AlisaDevice *device;
    AlisaProgress progress;
    uint64_t done, total; /* bytes of the file's tensors */
    Piece pieces[PIECES]; /* zeroed until one is needed */
    uint32_t next;
    uint8_t *ordered; /* rows of a piece in their order on the device; NULL until there are some */
    uint64_t ordered_size;
};

/* One tensor on its way. */
typedef struct Load {
    AlisaLoader *loader;
    const AlisaGgufTensor *tensor;
    const AlisaFormatInfo *format;
    AlisaRowOrder order;
    const uint8_t *blocks;             /* of the first row */
    uint64_t rows, columns, row_bytes; /* of the file */
    uint64_t starts[ALISA_FORMAT_PLANES], strides[ALISA_FORMAT_PLANES];
    uint64_t size; /* of the buffer */
} Load;

void alisa_loaded_destroy(AlisaLoaded *loaded) {
    alisa_buffer_destroy(&loaded->buffer);
    if (loaded->memory) munmap(loaded->memory, loaded->memory_size);
    if (loaded->pinned.data) alisa_pinned_destroy(loaded->device, &loaded->pinned);
    *loaded = (AlisaLoaded){0};
}

uint64_t alisa_row_source(const AlisaRowOrder *order, uint64_t row) {
    uint64_t i = order->head ? row % order->head : 0;
    if (i >= order->dim) return row;
    return row - i + i / 2 + i % 2 * (order->dim / 2);
}

uint64_t alisa_tensor_rows_bytes(const AlisaTensorRows *rows) {
    const AlisaGgufTensor *tensor = rows->tensor;
    return tensor->byte_count / (tensor->element_count / tensor->dimensions[0]) * rows->count;
}

uint64_t alisa_load_bytes(const AlisaTensorRows *rows) {
    AlisaFormat format;
    uint64_t planes[ALISA_FORMAT_PLANES];
    if (!alisa_repack_format(rows->tensor->type, &format)) return alisa_tensor_rows_bytes(rows);
    return alisa_format_layout(alisa_format_info(format), rows->count, rows->tensor->dimensions[0],
                               planes);
}

uint32_t alisa_load_formats(const AlisaGguf *gguf) {
    AlisaFormat format;
    uint32_t formats = 0;
    for (uint64_t i = 0; i < alisa_gguf_tensor_count(gguf); i++)
        if (alisa_repack_format(alisa_gguf_tensor_at(gguf, i)->type, &format))
            formats |= 1u << format;
    return formats;
}

AlisaStatus alisa_loader_create(const AlisaGguf *gguf, AlisaDevice *device, uint64_t total,
                                const AlisaProgress *progress, AlisaLoader **loader,
                                AlisaError *error) {
    *loader = alisa_allocate_zeroed(1, sizeof **loader, "loader of weights", error);
    if (!*loader) return ALISA_ERROR_MEMORY;
    **loader = (AlisaLoader){.gguf = gguf, .device = device, .progress = *progress, .total = total};
    return ALISA_OK;
}

static AlisaStatus wait_for(AlisaLoader *loader, Piece *piece, AlisaError *error) {
    if (!piece->uploaded.event) return ALISA_OK;
    AlisaStatus status =
        alisa_event_wait(loader->device, &piece->uploaded, "the upload of weights", error);
    alisa_event_release(&piece->uploaded);
    piece->uploaded = (AlisaEvent){0};
    return status;
}

AlisaStatus alisa_loader_finish(AlisaLoader *loader, AlisaError *error) {
    AlisaStatus status = ALISA_OK;
    for (uint32_t i = 0; i < PIECES; i++) {
        AlisaStatus waited = wait_for(loader, &loader->pieces[i], status ? NULL : error);
        if (status == ALISA_OK) status = waited;
    }
    return status;
}

void alisa_loader_destroy(AlisaLoader *loader) {
    if (!loader) return;
    alisa_loader_finish(loader, NULL);
    for (uint32_t i = 0; i < PIECES; i++)
        alisa_pinned_destroy(loader->device, &loader->pieces[i].pinned);
    free(loader->ordered);
    free(loader);
}

static void note_progress(AlisaLoader *loader, uint64_t bytes) {
    loader->done += bytes;
    if (loader->progress.update)
        loader->progress.update(loader->progress.user, "loading", loader->done, loader->total);
}

static uint64_t rows_of_a_piece(const Load *load) {
    uint64_t rows = PIECE_BYTES / load->row_bytes;
    return rows < 1 ? 1 : rows < load->rows ? rows : load->rows;
}

/* Rows `first` to first + count - 1 as they are in the file, or in their order on the device. */
static AlisaStatus find_rows(const Load *load, uint64_t first, uint64_t count,
                             const uint8_t **blocks, AlisaError *error) {
    AlisaLoader *loader = load->loader;
    uint64_t size = count * load->row_bytes;
    *blocks = load->blocks + first * load->row_bytes;
    if (load->order.head == 0) return ALISA_OK;
    if (loader->ordered_size < size) {
        free(loader->ordered);
        loader->ordered_size = 0;
        loader->ordered = alisa_allocate(size, 1, load->tensor->name, error);
        if (!loader->ordered) return ALISA_ERROR_MEMORY;
        loader->ordered_size = size;
    }
    for (uint64_t i = 0; i < count; i++)
        memcpy(loader->ordered + i * load->row_bytes,
               load->blocks + alisa_row_source(&load->order, first + i) * load->row_bytes,
               load->row_bytes);
    *blocks = loader->ordered;
    return ALISA_OK;
}

/* Rows `first` to first + count - 1 of the file into planes. The file's pages are not needed again.
 */
static AlisaStatus repack(const Load *load, uint64_t first, uint64_t count,
                          uint8_t *const planes[ALISA_FORMAT_PLANES], AlisaError *error) {
    const uint8_t *blocks;
    AlisaStatus status = find_rows(load, first, count, &blocks, error);
    if (status != ALISA_OK) return status;
    alisa_repack_rows(load->tensor->type, blocks, count, load->columns, planes);
    alisa_gguf_release(load->loader->gguf, load->tensor->part,
                       load->blocks + first * load->row_bytes, count * load->row_bytes);
    note_progress(load->loader, count * load->row_bytes);
    return ALISA_OK;
}

/* ---- Where the device has the host's memory -------------------------------------------------- */

/* From the page that holds the first byte on. */
static AlisaStatus use_file(const Load *load, AlisaLoaded *loaded, AlisaMatrix *matrix,
                            AlisaError *error) {
    uint64_t size = load->rows * load->row_bytes;
    uint64_t lead = (uint64_t)(uintptr_t)load->blocks % (uint64_t)sysconf(_SC_PAGESIZE);
    AlisaStatus status =
        alisa_buffer_create_from(load->loader->device, load->blocks - lead, size + lead,
                                 load->tensor->name, &loaded->buffer, error);
    for (uint32_t i = 0; i < ALISA_FORMAT_PLANES && load->format->planes[i].name; i++)
        matrix->planes[i] += lead;
    note_progress(load->loader, size);
    return status;
}

/* In pages of the usual size: large ones make decoding 1.05 times as fast with codes of 4 bits, but
 * where a virtual machine has to ask its host for them, filling them takes twice to four times as
 * long. */
static AlisaStatus map_memory(AlisaLoaded *loaded, uint64_t size, const char *what,
                              AlisaError *error) {
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return alisa_error_set(error, ALISA_ERROR_MEMORY,
                               "%s: cannot allocate %" PRIu64 " bytes of host memory", what, size);
    loaded->memory = memory;
    loaded->memory_size = size;
    return ALISA_OK;
}

/* All rows, piece by piece. */
static AlisaStatus repack_all(const Load *load, uint8_t *memory, AlisaError *error) {
    AlisaStatus status = ALISA_OK;
    uint64_t most = rows_of_a_piece(load);
    for (uint64_t row = 0; row < load->rows && status == ALISA_OK; row += most) {
        uint8_t *planes[ALISA_FORMAT_PLANES];
        for (uint32_t i = 0; i < ALISA_FORMAT_PLANES; i++)
            planes[i] = memory + load->starts[i] + row * load->strides[i];
        status =
            repack(load, row, row + most < load->rows ? most : load->rows - row, planes, error);
    }
    return status;
}

static AlisaStatus fill_memory(const Load *load, AlisaLoaded *loaded, AlisaError *error) {
    AlisaStatus status = map_memory(loaded, load->size, load->tensor->name, error);
    if (status == ALISA_OK) status = repack_all(load, loaded->memory, error);
    if (status != ALISA_OK) return status;
    status = alisa_buffer_create_from(load->loader->device, loaded->memory, load->size,
                                      load->tensor->name, &loaded->buffer, error);
    if (status == ALISA_OK && !loaded->buffer.host_owned) { /* the driver has made a copy */
        munmap(loaded->memory, loaded->memory_size);
        loaded->memory = NULL;
    }
    return status;
}

/* ---- Where products copy it -------------------------------------------------------------------
 */

static AlisaStatus fill_pinned(const Load *load, AlisaLoaded *loaded, AlisaMatrix *matrix,
                               AlisaError *error) {
    AlisaDevice *device = load->loader->device;
    AlisaStatus status =
        alisa_pinned_create(device, load->size, load->tensor->name, &loaded->pinned, error);
    if (status != ALISA_OK) return status;
    loaded->device = device;
    loaded->buffer.size = load->size;
    matrix->host = loaded->pinned.data;
    return repack_all(load, loaded->pinned.data, error);
}

/* ---- Where it has its own -------------------------------------------------------------------- */

static AlisaStatus next_piece(AlisaLoader *loader, uint64_t size, Piece **piece,
                              AlisaError *error) {
    *piece = &loader->pieces[loader->next];
    loader->next = (loader->next + 1) % PIECES;
    AlisaStatus status = wait_for(loader, *piece, error);
    if (status != ALISA_OK || (*piece)->pinned.size >= size) return status;
    alisa_pinned_destroy(loader->device, &(*piece)->pinned);
    return alisa_pinned_create(loader->device, size, "pieces of weights", &(*piece)->pinned, error);
}

/* Rows `first` to first + count - 1, by copies that go on behind. */
static AlisaStatus upload_rows(const Load *load, uint64_t first, uint64_t count,
                               const AlisaBuffer *buffer, AlisaError *error) {
    AlisaLoader *loader = load->loader;
    uint64_t starts[ALISA_FORMAT_PLANES];
    uint8_t *planes[ALISA_FORMAT_PLANES];
    Piece *piece;
    AlisaStatus status = next_piece(
        loader, alisa_format_layout(load->format, rows_of_a_piece(load), load->columns, starts),
        &piece, error);
    if (status != ALISA_OK) return status;
    for (uint32_t i = 0; i < ALISA_FORMAT_PLANES; i++)
        planes[i] = (uint8_t *)piece->pinned.data + starts[i];
    status = repack(load, first, count, planes, error);
    for (uint32_t i = 0; i < ALISA_FORMAT_PLANES && load->strides[i] && !status; i++) {
        /* Copies of one direction are done in turn: the last one stands for all. */
        alisa_event_release(&piece->uploaded);
        status = alisa_transfer_write(loader->device, buffer,
                                      load->starts[i] + first * load->strides[i], planes[i],
                                      count * load->strides[i], NULL, &piece->uploaded, error);
    }
    return status;
}

static AlisaStatus upload(const Load *load, AlisaLoaded *loaded, AlisaError *error) {
    AlisaStatus status =
        alisa_buffer_create(load->loader->device, load->size, ALISA_BUFFER_READ_ONLY,
                            load->tensor->name, &loaded->buffer, error);
    uint64_t most = rows_of_a_piece(load);
    for (uint64_t row = 0; row < load->rows && status == ALISA_OK; row += most)
        status = upload_rows(load, row, row + most < load->rows ? most : load->rows - row,
                             &loaded->buffer, error);
    return status;
}

AlisaStatus alisa_loader_load(AlisaLoader *loader, const AlisaTensorRows *rows, bool streamed,
                              AlisaLoaded *loaded, AlisaMatrix *matrix, AlisaError *error) {
    const AlisaGgufTensor *tensor = rows->tensor;
    AlisaFormat format;
    *loaded = (AlisaLoaded){0};
    if (!alisa_repack_format(tensor->type, &format))
        return alisa_error_set(error, ALISA_ERROR_UNSUPPORTED, "%s: type %u is not computed with",
                               tensor->name, tensor->type);
    Load load = {.loader = loader,
                 .tensor = tensor,
                 .format = alisa_format_info(format),
                 .order = rows->order,
                 .rows = rows->count,
                 .columns = tensor->dimensions[0]};
    load.row_bytes = alisa_weight_type_row_bytes(tensor->type, load.columns);
    load.blocks = tensor->data + rows->first * load.row_bytes;
    load.size = alisa_format_layout(load.format, load.rows, load.columns, load.starts);
    for (uint32_t i = 0; i < ALISA_FORMAT_PLANES; i++)
        load.strides[i] = alisa_format_stride(load.format, i, load.columns);
    *matrix =
        alisa_matrix_at(&loaded->buffer, 0, format, (uint32_t)load.rows, (uint32_t)load.columns);
    AlisaStatus status;
    bool is_shared =
        alisa_opencl_info(loader->device)->capabilities & ALISA_CAPABILITY_UNIFIED_MEMORY;
    if (streamed)
        status = fill_pinned(&load, loaded, matrix, error);
    else if (!is_shared)
        status = upload(&load, loaded, error);
    else if (load.format->is_flat && load.order.head == 0)
        status = use_file(&load, loaded, matrix, error);
    else
        status = fill_memory(&load, loaded, error);
    if (status != ALISA_OK) alisa_loaded_destroy(loaded);
    return status;
}
