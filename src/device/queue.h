/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The compute queue: launches run in the order they were made in.
 */
#ifndef ALISA_DEVICE_QUEUE_H
#define ALISA_DEVICE_QUEUE_H

#include "device/event.h"

/* Hands queued launches to the driver's device, without waiting for them. */
AlisaStatus alisa_opencl_flush(AlisaDevice *device, AlisaError *error);
/* Waits until all launches so far have ended. Fails, once, if one of them waited for a copy that
 * failed. */
AlisaStatus alisa_opencl_finish(AlisaDevice *device, AlisaError *error);

/* Makes an event, owned by the caller, that is done when all launches so far have ended. */
AlisaStatus alisa_opencl_mark(AlisaDevice *device, AlisaEvent *event, AlisaError *error);
/* Makes later launches wait for the event. */
AlisaStatus alisa_opencl_wait_for(AlisaDevice *device, const AlisaEvent *event, AlisaError *error);

#endif
