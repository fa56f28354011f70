/*
 * The compute queue: launches run in the order they were made in.
 */
#ifndef ALISA_DEVICE_QUEUE_H
#define ALISA_DEVICE_QUEUE_H

#include "device/event.h"

/* Hands queued launches to the device without waiting. */
AlisaStatus alisa_opencl_flush(AlisaDevice *device, AlisaError *error);
/* Waits until the queue is empty. */
AlisaStatus alisa_opencl_finish(AlisaDevice *device, AlisaError *error);

/* *event, owned by the caller, is done when all launches so far are. */
AlisaStatus alisa_opencl_mark(AlisaDevice *device, AlisaEvent *event, AlisaError *error);
/* Later launches of the compute queue wait for the event. */
AlisaStatus alisa_opencl_wait_for(AlisaDevice *device, const AlisaEvent *event, AlisaError *error);

#endif
