/* SPDX-License-Identifier: Apache-2.0 */
/* Confirms ALISA_CAPABILITY_PTX_DOT. */
#define DOT4 DOT4_PTX
#include "trial/dot4.clh"
