/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes a fuzzer's input apart; past its end everything is zero or empty.
 */
#ifndef ALISA_TESTS_FUZZ_INPUT_H
#define ALISA_TESTS_FUZZ_INPUT_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

typedef struct FuzzInput {
    const uint8_t *data;
    size_t size;
} FuzzInput;

static inline uint8_t fuzz_byte(FuzzInput *input) {
    if (input->size == 0) return 0;
    input->size--;
    return *input->data++;
}

static inline const char *fuzz_bytes(FuzzInput *input, size_t *length) {
    const char *bytes = (const char *)input->data;
    if (*length > input->size) *length = input->size;
    input->data += *length;
    input->size -= *length;
    return bytes;
}

/* A property of the library that must hold: the fuzzer reports an abort. */
static inline void fuzz_require(int holds) {
    if (!holds) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
