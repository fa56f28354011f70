/* SPDX-License-Identifier: Apache-2.0 */
/* The files of cl/, sorted by name. */
#ifndef ALISA_DEVICE_EMBEDDED_H
#define ALISA_DEVICE_EMBEDDED_H

#include "base/embedded.h"

extern const AlisaEmbeddedFile alisa_embedded_files[];
extern const size_t alisa_embedded_file_count;

#endif
