/* SPDX-License-Identifier: Apache-2.0 */
/* What belongs to no object: the version, and memory that the library gave away. */
#include <stdlib.h>

#include "alisa/alisa.h"

const char *alisa_version(void) {
    return ALISA_VERSION;
}

void alisa_free(void *pointer) {
    free(pointer);
}
