/* SPDX-License-Identifier: Apache-2.0 */
/*
 * slots[i] = pages[lists[i]]: lists of tokens become lists of one layer's slots. Entries of tails
 * (negative) stay as they are.
 *
 * Global size: entries.
 */
#include "prelude.clh"

__kernel void kv_resolve(__global const int *lists, __global const int *pages,
                         __global int *slots)
{
    size_t i = get_global_id(0);
    int token = lists[i];
    slots[i] = token < 0 ? token : pages[token];
}
