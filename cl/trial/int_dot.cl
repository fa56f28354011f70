/* SPDX-License-Identifier: Apache-2.0 */
/* Confirms ALISA_CAPABILITY_INT_DOT. */
#define DOT4 DOT4_KHR
#include "trial/dot4.clh"
