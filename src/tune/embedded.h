/* SPDX-License-Identifier: Apache-2.0 */
/* The files of platforms/devices, sorted by name; there may be none. */
#ifndef ALISA_TUNE_EMBEDDED_H
#define ALISA_TUNE_EMBEDDED_H

#include "base/embedded.h"

extern const AlisaEmbeddedFile alisa_tuner_files[];
extern const size_t alisa_tuner_file_count;

#endif
