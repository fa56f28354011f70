/* A file of the repository carried in the binary (see cmake/EmbedFiles.cmake). */
#ifndef ALISA_BASE_EMBEDDED_H
#define ALISA_BASE_EMBEDDED_H

#include <stddef.h>

typedef struct AlisaEmbeddedFile {
    const char *name; /* relative to the folder: "gemm/matvec.cl" */
    const char *text; /* terminated */
    size_t size;
} AlisaEmbeddedFile;

#endif
