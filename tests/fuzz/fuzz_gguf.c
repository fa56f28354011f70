/* SPDX-License-Identifier: Apache-2.0 */
/* Input: a GGUF file. Whatever opens can be read in full. */
#include "fuzz/fuzz_input.h"
#include "gguf/gguf.h"

#include <string.h>

static volatile uint64_t sink; /* so that no read is optimised away */

static void read_key(const AlisaGguf *gguf, const AlisaGgufKey *key) {
    AlisaError error;
    AlisaGgufString string = {0};
    uint32_t number;
    float real;
    bool flag;
    fuzz_require(alisa_gguf_find(gguf, key->name) == key);
    alisa_gguf_get_u32(gguf, key->name, &number, &error);
    alisa_gguf_get_f32(gguf, key->name, &real, &error);
    alisa_gguf_get_bool(gguf, key->name, &flag, &error);
    if (alisa_gguf_get_string(gguf, key->name, &string, &error) == ALISA_OK) {
        for (uint64_t i = 0; i < string.length; i++)
            sink += (uint8_t)string.data[i];
    }
    if (key->type != ALISA_GGUF_ARRAY) return;
    for (uint64_t i = 0; i < key->count; i++) {
        if (key->element_type != ALISA_GGUF_STRING) {
            sink += alisa_gguf_array_number(key, i) > 0;
            continue;
        }
        string = alisa_gguf_array_string(key, i);
        for (uint64_t j = 0; j < string.length; j++)
            sink += (uint8_t)string.data[j];
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    AlisaGguf *gguf;
    AlisaError error = {0};
    if (alisa_gguf_open_memory(data, size, &gguf, &error) != ALISA_OK) {
        fuzz_require(!gguf && error.status != ALISA_OK && strlen(error.message) > 10);
        return 0;
    }
    for (uint64_t i = 0; i < alisa_gguf_key_count(gguf); i++) {
        read_key(gguf, alisa_gguf_key_at(gguf, i));
    }
    for (uint64_t i = 0; i < alisa_gguf_tensor_count(gguf); i++) {
        const AlisaGgufTensor *tensor = alisa_gguf_tensor_at(gguf, i);
        fuzz_require(alisa_gguf_tensor_find(gguf, tensor->name) == tensor);
        for (uint64_t j = 0; j < tensor->byte_count; j++)
            sink += tensor->data[j];
    }
    alisa_gguf_close(gguf);
    return 0;
}
