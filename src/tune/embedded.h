/* The files of platforms/devices, sorted by name; there may be none. */
#ifndef ALISA_TUNE_EMBEDDED_H
#define ALISA_TUNE_EMBEDDED_H

#include "base/embedded.h"

extern const AlisaEmbeddedFile alisa_tune_files[];
extern const size_t alisa_tune_file_count;

#endif
