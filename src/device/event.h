/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events: copies and launches that will be done.
 */
#ifndef ALISA_DEVICE_EVENT_H
#define ALISA_DEVICE_EVENT_H

#include "base/status.h"

/* A copy or a point in the compute queue that will be done. A zeroed event is done. Release it with
 * alisa_event_release, also before it is done. */
typedef struct AlisaEvent {
    void *event; /* AlisaCompletion */
} AlisaEvent;

/* Makes the host wait for the event. If the copy failed, so does this call, with a sentence that
 * names `what` ("the prefetch of layer 3"); the event must still be released. */
AlisaStatus alisa_event_wait(AlisaDevice *device, const AlisaEvent *event, const char *what,
                             AlisaError *error);
/* The seconds that a copy held the link; 0 while it is not done, or where they are not known. */
double alisa_event_seconds(const AlisaEvent *event);
/* Gives the event up and zeroes it; a zeroed event is allowed. */
void alisa_event_release(AlisaEvent *event);

#endif
