/*
 * Events: copies and launches that will be done.
 */
#ifndef ALISA_DEVICE_EVENT_H
#define ALISA_DEVICE_EVENT_H

#include "base/status.h"

/* Something that will be done. Zeroed: done already. Released with alisa_event_release, which may
 * come before it is done. */
typedef struct AlisaEvent {
    void *event;
} AlisaEvent;

/* The host waits. A failure of what the event stands for is reported with `what` ("the prefetch of
 * layer 3"); the event must still be released. */
AlisaStatus alisa_event_wait(AlisaDevice *device, const AlisaEvent *event, const char *what,
                             AlisaError *error);
/* Of a copy: the seconds it held the link. 0 while it is not done, and where that is not known. */
double alisa_event_seconds(const AlisaEvent *event);
/* Takes a zeroed event. */
void alisa_event_release(AlisaEvent *event);

#endif
