/* The files of cl/, carried in the binary (see cmake/EmbedKernels.cmake). */
#ifndef ALISA_DEVICE_EMBEDDED_H
#define ALISA_DEVICE_EMBEDDED_H

#include <stddef.h>

typedef struct AlisaEmbeddedFile {
    const char *name; /* relative to cl/: "gemm/matvec.cl" */
    const char *text; /* terminated */
    size_t size;
} AlisaEmbeddedFile;

extern const AlisaEmbeddedFile alisa_embedded_files[];
extern const size_t alisa_embedded_file_count;

#endif
