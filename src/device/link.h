/*
 * An emulated link between host and device, for devices that share the host's memory.
 */
#ifndef ALISA_DEVICE_LINK_H
#define ALISA_DEVICE_LINK_H

#include "base/status.h"

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
