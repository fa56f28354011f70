/* SPDX-License-Identifier: Apache-2.0 */
/* The files of platforms/published, sorted by name. */
#ifndef ALISA_SCHED_EMBEDDED_H
#define ALISA_SCHED_EMBEDDED_H

#include "base/embedded.h"

extern const AlisaEmbeddedFile alisa_sched_files[];
extern const size_t alisa_sched_file_count;

#endif
