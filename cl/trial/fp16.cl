/* Confirms ALISA_CAPABILITY_FP16: out[i] = in[i] * 1.5 - 2, computed in half. */
#pragma OPENCL EXTENSION cl_khr_fp16 : enable

__kernel void trial(__global const float *in, __global float *out) {
    const size_t i = get_global_id(0);
    half value = (half)in[i];
    out[i] = (float)(value * (half)1.5f - (half)2.0f);
}
