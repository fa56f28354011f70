/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything that is wrong with a file, in place of the first thing alone.
 */
#ifndef ALISA_BASE_COMPLAINTS_H
#define ALISA_BASE_COMPLAINTS_H

#include "base/status.h"

typedef struct AlisaComplaints {
    void (*tell)(void *user, const char *sentence);
    void *user;
    size_t count; /* told so far */
} AlisaComplaints;

/* What a check does with its status: without complaints (NULL) it stays, and a failure ends the
 * work. With them a failure is told, and ALISA_OK lets the work go on; one of memory ends it all
 * the same. */
AlisaStatus alisa_complain(AlisaComplaints *complaints, AlisaStatus status,
                           const AlisaError *error);

#endif
