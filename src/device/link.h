/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An emulated link between host and device, for devices that share the host's memory.
 */
#ifndef ALISA_DEVICE_LINK_H
#define ALISA_DEVICE_LINK_H

#include "base/status.h"

/* How fast an emulated link is. Each direction carries one copy at a time: a copy starts when what
 * it waits for is done and its direction is free, holds it for latency + bytes / bytes_per_second,
 * and is done after that. */
typedef struct AlisaLink {
    double bytes_per_second; /* of each direction; 0: no link is emulated */
    double latency;          /* seconds that every copy takes on top */
} AlisaLink;

/* Makes every later copy between host and device (alisa_transfer_write and read, alisa_buffer_write
 * and read) take at least the time that `link` says; NULL or a rate of 0 ends the emulation.
 * Waiting uses neither a core nor the workers of the device: launches go on meanwhile. Buffers that
 * use host memory in place are not copied and not slowed down. Meant for devices that share the
 * host's memory, to stand in for one that does not; needs a driver whose queues honour events that
 * the host sets. */
AlisaStatus alisa_opencl_emulate_link(AlisaDevice *device, const AlisaLink *link,
                                      AlisaError *error);
/* The link that is emulated; its rate is 0 if there is none. */
AlisaLink alisa_opencl_emulated_link(const AlisaDevice *device);

#endif
