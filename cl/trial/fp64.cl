/* SPDX-License-Identifier: Apache-2.0 */
/* Confirms ALISA_CAPABILITY_FP64: in[i] survives being added to 1 at 2^-40 of its size. */
#pragma OPENCL EXTENSION cl_khr_fp64 : enable

__kernel void trial(__global const float *in, __global float *out) {
    const size_t i = get_global_id(0);
    const double sum = 1.0 + (double)in[i] * 0x1p-40;
    out[i] = (float)((sum - 1.0) * 0x1p40);
}
