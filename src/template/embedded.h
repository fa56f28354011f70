/* SPDX-License-Identifier: Apache-2.0 */
/* The files of src/template/named, sorted by name. */
#ifndef ALISA_TEMPLATE_EMBEDDED_H
#define ALISA_TEMPLATE_EMBEDDED_H

#include "base/embedded.h"

extern const AlisaEmbeddedFile alisa_template_files[];
extern const size_t alisa_template_file_count;

#endif
