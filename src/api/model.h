/* SPDX-License-Identifier: Apache-2.0 */
/* What an AlisaModel is: a mapped file, what it says of itself, and its tokenizer. */
#ifndef ALISA_API_MODEL_H
#define ALISA_API_MODEL_H

#include "model/shape.h"
#include "tokenizer/tokenizer.h"

struct AlisaModel {
    AlisaGguf *gguf;
    AlisaTokenizer *tokenizer; /* NULL: the file has none */
    bool has_weights;          /* otherwise nothing of `shape` is set */
    AlisaShape shape;
};

#endif
