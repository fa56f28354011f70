/* SPDX-License-Identifier: Apache-2.0 */
/* Confirms ALISA_CAPABILITY_FP16: out[i] = in[i] * 1.5 - 2, computed in half, where sums are
 * rounded to the nearest half and what is larger than all of them is infinite. in is 1, 2, .. */
#pragma OPENCL EXTENSION cl_khr_fp16 : enable

__kernel void trial(__global const float *in, __global float *out) {
    const size_t i = get_global_id(0);
    const half value = (half)in[i], one = (half)in[0];
    const float rounded = (float)fma(one, (half)1.5f, (half)2048.0f);
    const float large = (float)((half)65504.0f * (value + one));
    const float wrong = rounded == 2050.0f && isinf(large) ? 0.0f : 1.0f;
    out[i] = (float)(value * (half)1.5f - (half)2.0f) + wrong;
}
