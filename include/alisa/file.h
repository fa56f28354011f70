/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The content of a GGUF file, for looking inside: its keys and the list of its tensors. The file
 * need not be a model that this version runs.
 */
#ifndef ALISA_FILE_H
#define ALISA_FILE_H

#include "alisa/alisa.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A GGUF file and, if it is split, its other parts, mapped into memory. */
typedef struct AlisaFile AlisaFile;

typedef struct AlisaFileInfo {
    uint32_t version;    /* of the GGUF format: 2 or 3 */
    uint32_t part_count; /* parts of a split file, all of them opened; 1: not split */
    uint64_t key_count;
    uint64_t tensor_count;
    uint64_t byte_count; /* size of all parts together */
} AlisaFileInfo;

typedef struct AlisaFileTensor {
    const char *name; /* owned by the file */
    char type[32];    /* "Q8_0"; "unknown type 99" for a number that this version does not know */
    uint32_t dimension_count;
    uint64_t dimensions[4]; /* innermost (the length of a row) first, as in the file */
    uint64_t byte_count;    /* size of its data; 0 for an unknown type */
    uint32_t part;          /* index of the part that holds the data */
    uint64_t offset;        /* of the data, from the start of that part */
} AlisaFileTensor;

ALISA_API AlisaStatus alisa_file_open(const char *path, AlisaFile **file, AlisaError *error);
ALISA_API void alisa_file_close(AlisaFile *file);
ALISA_API void alisa_file_info(const AlisaFile *file, AlisaFileInfo *info);
/* The key at `index` < key_count. *name is owned by the file. `type` names the type of the
 * value ("u32", "[str 512]"). *value is the value as text, an array cut after a few elements, freed
 * with alisa_free. */
ALISA_API AlisaStatus alisa_file_key(const AlisaFile *file, uint64_t index, const char **name,
                                     char type[32], char **value, AlisaError *error);
/* The tensor at `index` < tensor_count. */
ALISA_API AlisaStatus alisa_file_tensor(const AlisaFile *file, uint64_t index,
                                        AlisaFileTensor *tensor, AlisaError *error);

/* Told of a reason why a file does not run; the sentence is good during the call. */
typedef void AlisaFileReason(void *user, const char *sentence);

/* Why this version does not run the model of the file: tells each reason, first the one with which
 * alisa_model_open or alisa_engine_create would fail. *count: how many; 0: it runs, on a device
 * that has the memory. Reasons are no failure of the call. */
ALISA_API AlisaStatus alisa_file_check(AlisaFile *file, AlisaFileReason *tell, void *user,
                                       size_t *count, AlisaError *error);

/* Bytes of the tensors that an engine with these rules keeps in host memory, and how many tensors
 * those are. Rules as in AlisaEngineOptions.tensor_rules, with the same failures. */
ALISA_API AlisaStatus alisa_file_host_bytes(const AlisaFile *file, const AlisaTensorRule *rules,
                                            size_t rule_count, uint64_t *bytes,
                                            uint64_t *tensor_count, AlisaError *error);

#ifdef __cplusplus
}
#endif
#endif
