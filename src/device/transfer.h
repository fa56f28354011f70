/*
 * Moving data between host and device beside the launches of the compute queue: events, pinned host
 * memory, asynchronous copies, and an emulated link for devices that share the host's memory.
 *
 * Each direction has an in-order queue of its own, as a discrete device has a copy engine for each:
 * copies of one direction run in the order of their calls, copies of different directions and
 * launches are ordered by events alone.
 */
#ifndef ALISA_DEVICE_TRANSFER_H
#define ALISA_DEVICE_TRANSFER_H

#include "device/device.h"

/* Something that will be done. Zeroed: done already. Released with alisa_event_release, which may
 * come before it is done. */
typedef struct AlisaEvent {
    void *event;
} AlisaEvent;

/* Host memory from and to which the device copies at full speed. */
typedef struct AlisaPinned {
    void *memory; /* cl_mem; NULL where not pinned */
    void *data;   /* aligned for every vector type; contents undefined at first */
    uint64_t size;
    bool pinned; /* false: the driver gave none, this is ordinary memory */
} AlisaPinned;

/* Falls back to ordinary memory where the driver refuses, and says so in the log once per device.
 * ALISA_ERROR_MEMORY where the host has none either. */
AlisaStatus alisa_pinned_create(AlisaDevice *device, uint64_t size, const char *what,
                                AlisaPinned *pinned, AlisaError *error);
/* Takes zeroed memory. No copy from or to it may be under way. */
void alisa_pinned_destroy(AlisaDevice *device, AlisaPinned *pinned);

/* Start a copy of `size` bytes and return. It runs once `after` is done (NULL or zeroed: at once)
 * and the copies of its direction before it are; `data` must stay until *done, which the caller
 * owns, is done. A copy that fails later, or whose `after` fails, makes alisa_event_wait of its
 * event fail, and the next alisa_buffer_read or alisa_opencl_finish too if the compute queue was
 * made to wait for it; the queues stay usable. On failure *done is zeroed and nothing is copied. */
AlisaStatus alisa_transfer_write(AlisaDevice *device, const AlisaBuffer *buffer, uint64_t offset,
                                 const void *data, uint64_t size, const AlisaEvent *after,
                                 AlisaEvent *done, AlisaError *error);
AlisaStatus alisa_transfer_read(AlisaDevice *device, const AlisaBuffer *buffer, uint64_t offset,
                                void *data, uint64_t size, const AlisaEvent *after,
                                AlisaEvent *done, AlisaError *error);

/* *event, owned by the caller, is done when all launches so far are. */
AlisaStatus alisa_opencl_mark(AlisaDevice *device, AlisaEvent *event, AlisaError *error);
/* Later launches of the compute queue wait for the event. */
AlisaStatus alisa_opencl_wait_for(AlisaDevice *device, const AlisaEvent *event, AlisaError *error);
/* The host waits. A failure of what the event stands for is reported with `what` ("the prefetch of
 * layer 3"); the event must still be released. */
AlisaStatus alisa_event_wait(AlisaDevice *device, const AlisaEvent *event, const char *what,
                             AlisaError *error);
/* Of a copy: the seconds it held the link. 0 while it is not done, and where that is not known. */
double alisa_event_seconds(const AlisaEvent *event);
/* Takes a zeroed event. */
void alisa_event_release(AlisaEvent *event);

/* What connects host and device. Each direction is a resource of its own that copies take in turn:
 * a copy starts when it may and the link is free, holds the link for latency + bytes / rate, and is
 * done only then. */
typedef struct AlisaLink {
    double bytes_per_second; /* of each direction; 0: not emulated */
    double latency;          /* seconds a copy */
} AlisaLink;

/* From now on every copy between host and device (the transfers above, alisa_buffer_write and
 * alisa_buffer_read of any size) takes at least the time that `link` says. Nothing waits on a core
 * or on the workers of the device: launches go on meanwhile. Buffers that use host memory in place
 * are not copied and stay as they are. NULL or a rate of 0 ends it. Meant for devices that share
 * the host's memory, to stand in for one that does not; needs a driver whose queues honour events
 * that the host sets. */
AlisaStatus alisa_opencl_emulate_link(AlisaDevice *device, const AlisaLink *link,
                                      AlisaError *error);
/* The emulated link; a rate of 0 where there is none. */
AlisaLink alisa_opencl_emulated_link(const AlisaDevice *device);

#endif
