/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies between host and device beside the launches of the compute queue, with all they need:
 * events, pinned host memory, and the order between the queues.
 *
 * Each direction has an in-order queue of its own, as a discrete device has a copy engine for each:
 * copies of one direction run in the order of their calls, copies of different directions and
 * launches are ordered by events alone.
 */
#ifndef ALISA_DEVICE_TRANSFER_H
#define ALISA_DEVICE_TRANSFER_H

#include "device/buffer.h"
#include "device/event.h"
#include "device/pinned.h"
#include "device/queue.h"

/* Start a copy of `size` bytes between `data` and the buffer, from byte `offset` of it on, and
 * return. The copy runs once `after` is done (NULL or zeroed: at once) and the copies of its
 * direction before it are. `data` must stay as it is until *done, an event that the caller owns, is
 * done. A copy that fails later, or whose `after` fails, makes alisa_event_wait of its event fail,
 * and the next alisa_buffer_read or alisa_opencl_finish too if the compute queue was made to wait
 * for it; the queues stay usable. If the call fails, *done is zeroed and nothing is copied. */
AlisaStatus alisa_transfer_write(AlisaDevice *device, const AlisaBuffer *buffer, uint64_t offset,
                                 const void *data, uint64_t size, const AlisaEvent *after,
                                 AlisaEvent *done, AlisaError *error);
AlisaStatus alisa_transfer_read(AlisaDevice *device, const AlisaBuffer *buffer, uint64_t offset,
                                void *data, uint64_t size, const AlisaEvent *after,
                                AlisaEvent *done, AlisaError *error);

#endif
