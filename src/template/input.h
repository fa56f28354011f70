/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ALISA_TEMPLATE_INPUT_H
#define ALISA_TEMPLATE_INPUT_H

#include "template/run.h"

#include <jansson.h>

/* Sets a variable for each member of an object. The texts in those that hold what others wrote are
 * marked as a stranger's. */
void alisa_input_variables(AlisaRun *run, const json_t *variables);

#endif
