/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ALISA_MODEL_ROPE_KEYS_H
#define ALISA_MODEL_ROPE_KEYS_H

#include "model/shape.h"

/* Reads the rope of the model, and of layers that are turned otherwise, and says of each layer
 * which of them turns it. Heads and windows of layers are known before. */
AlisaStatus alisa_rope_keys_read(const AlisaGguf *gguf, AlisaShape *shape, AlisaError *error);

#endif
