/* SPDX-License-Identifier: Apache-2.0 */
/* The style and the script of the page, files of this folder, sorted by name. */
#ifndef ALISA_CLI_REPORT_FILES_H
#define ALISA_CLI_REPORT_FILES_H

#include <stddef.h>

/* As cmake/EmbedFiles.cmake writes it. */
typedef struct AlisaEmbeddedFile {
    const char *name; /* "page.css" */
    const char *text; /* terminated */
    size_t size;
} AlisaEmbeddedFile;

extern const AlisaEmbeddedFile alisa_cli_report_files[];
extern const size_t alisa_cli_report_file_count;

#endif
