/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which tensors of a file stay in host memory, by rules for their names.
 *
 * A rule is for matrices that are multiplied, those of experts above all. Norms and biases are
 * small, and of the tables of tokens and positions a step looks up single rows: they are on the
 * device whatever a rule says.
 */
#ifndef ALISA_MODEL_HOMES_H
#define ALISA_MODEL_HOMES_H

#include "gguf/gguf.h"

/* Zeroed: everything is on the device. */
typedef struct AlisaHomes {
    bool *on_host;         /* [tensor count of the file]; NULL: none is */
    uint64_t bytes;        /* of those tensors in the file */
    uint64_t tensor_count; /* how many those are */
} AlisaHomes;

/* Fills a zeroed one. A rule whose pattern does not compile, or matches none of the tensors that it
 * could be for, is ALISA_ERROR_ARGUMENT. */
AlisaStatus alisa_homes_init(AlisaHomes *homes, const AlisaGguf *gguf, const AlisaTensorRule *rules,
                             size_t rule_count, AlisaError *error);
void alisa_homes_finish(AlisaHomes *homes);

/* `tensor` is one of the file. */
bool alisa_homes_on_host(const AlisaHomes *homes, const AlisaGguf *gguf,
                         const AlisaGgufTensor *tensor);

#endif
