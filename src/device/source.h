/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernel sources: from $ALISA_KERNEL_DIR where the file exists there, else from the binary itself.
 */
#ifndef ALISA_DEVICE_SOURCE_H
#define ALISA_DEVICE_SOURCE_H

#include "device/cache.h"

/* Makes the text of `file` ("gemm/matvec.cl") with every `#include "name"` replaced by that file,
 * which is looked for from the root of cl/, then beside the including file. A file named twice is
 * put in twice, as a C preprocessor does; guards are up to the files. #line directives keep the
 * names and lines of the files in the driver's messages. The caller frees *text, which has a 0 past
 * its end. */
AlisaStatus alisa_source_resolve(const char *file, char **text, size_t *size, AlisaError *error);

/* Hashes all kernel files, each from where it is taken now. */
AlisaStatus alisa_source_hash(char hash[ALISA_CACHE_HASH_SIZE], AlisaError *error);

#endif
