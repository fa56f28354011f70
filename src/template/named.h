/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The templates that come with the program, for files of models that bring none.
 */
#ifndef ALISA_TEMPLATE_NAMED_H
#define ALISA_TEMPLATE_NAMED_H

#include <stddef.h>

/* Names, NULL-terminated; static storage. */
const char *const *alisa_named_list(void);
/* The source of a template, which ends with a 0; NULL when there is none of that name. */
const char *alisa_named_source(const char *name);

#endif
