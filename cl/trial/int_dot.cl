/* Confirms ALISA_CAPABILITY_INT_DOT: out[i] = in[i] + (1, -2, 3, -128) . (5, 6, -7, 8), bytes packed
 * with the first in the lowest bits. */
#pragma OPENCL EXTENSION cl_khr_integer_dot_product : enable

__kernel void trial(__global const float *in, __global float *out) {
    const size_t i = get_global_id(0);
    /* 0, but not to the compiler, which might else compute the dot itself. */
    const uint zero = (uint)in[i] >> 16;
    out[i] = in[i] + (float)dot_4x8packed_ss_int(0x8003fe01u ^ zero, 0x08f90605u);
}
