/* SPDX-License-Identifier: Apache-2.0 */
/* A file of the repository carried in the binary (see cmake/EmbedFiles.cmake). */
#ifndef ALISA_BASE_EMBEDDED_H
#define ALISA_BASE_EMBEDDED_H

#include <stddef.h>

typedef struct AlisaEmbeddedFile {
    const char *name; /* path from the folder that is embedded: "gemm/matvec.cl" */
    const char *text; /* content, with a 0 past its end */
    size_t size;      /* bytes of the content */
} AlisaEmbeddedFile;

#endif
