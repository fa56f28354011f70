/* SPDX-License-Identifier: Apache-2.0 */
/* Confirms ALISA_CAPABILITY_AMD_DOT. */
#define DOT4 DOT4_AMD
#include "trial/dot4.clh"
