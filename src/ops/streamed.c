/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Products with matrices that are in host memory. Each is copied to a slot on the device just
 * before its product; there are two slots, so that one fills while the other is multiplied.
 */
#include "device/transfer.h"
#include "ops/ops_internal.h"

uint64_t alisa_ops_streamed_room(uint64_t bytes) {
    return ALISA_OPS_SLOTS * bytes;
}

AlisaStatus alisa_ops_stream(AlisaOps *ops, uint64_t bytes, AlisaError *error) {
    AlisaStatus status = ALISA_OK;
    for (uint32_t i = 0; i < ALISA_OPS_SLOTS && bytes > 0 && !status; i++)
        status =
            alisa_buffer_create(ops->device, bytes, ALISA_BUFFER_READ_ONLY,
                                "weights from host memory", &ops->streamed.slots[i].buffer, error);
    return status;
}

void alisa_ops_streamed_destroy(AlisaOps *ops) {
    for (uint32_t i = 0; i < ALISA_OPS_SLOTS; i++) {
        alisa_event_release(&ops->streamed.slots[i].used);
        alisa_buffer_destroy(&ops->streamed.slots[i].buffer);
    }
}

uint64_t alisa_ops_streamed_bytes(const AlisaOps *ops) {
    return ops->streamed.bytes;
}

/* Starts the copies of the planes of a matrix, once the product that last used the slot is done. */
static AlisaStatus start_copies(AlisaOps *ops, AlisaOpsSlot *slot, const AlisaMatrix *from,
                                const AlisaMatrix *to, AlisaEvent *done, AlisaError *error) {
    const AlisaFormatInfo *info = alisa_format_info(from->format);
    AlisaStatus status = ALISA_OK;
    for (uint32_t i = 0; i < ALISA_FORMAT_PLANES && info->planes[i].name && !status; i++) {
        uint64_t size = from->rows * alisa_format_stride(info, i, from->columns);
        /* Copies of one direction are done in turn: the last one stands for all. */
        alisa_event_release(done);
        status = alisa_transfer_write(ops->device, &slot->buffer, to->planes[i],
                                      from->host + from->planes[i], size, &slot->used, done, error);
        ops->streamed.bytes += size;
    }
    return status;
}

AlisaStatus alisa_ops_streamed_matmul(AlisaOps *ops, const AlisaMatrix *weights, AlisaVector x,
                                      uint32_t rows, AlisaVector y, bool accumulate,
                                      AlisaError *error) {
    AlisaOpsSlot *slot = &ops->streamed.slots[ops->streamed.next];
    const AlisaMatrix brought =
        alisa_matrix_at(&slot->buffer, 0, weights->format, weights->rows, weights->columns);
    AlisaEvent done = {0};
    ops->streamed.next = (ops->streamed.next + 1) % ALISA_OPS_SLOTS;
    AlisaStatus status = alisa_ops_check_matrix("matmul from host memory", &brought, error);
    if (!status) status = start_copies(ops, slot, weights, &brought, &done, error);
    if (!status) status = alisa_opencl_wait_for(ops->device, &done, error);
    if (!status) status = alisa_ops_matmul(ops, &brought, x, rows, y, accumulate, error);
    alisa_event_release(&done);
    alisa_event_release(&slot->used);
    AlisaStatus marked = alisa_opencl_mark(ops->device, &slot->used, status ? NULL : error);
    return status ? status : marked;
}
