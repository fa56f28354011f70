/* Confirms ALISA_CAPABILITY_SUBGROUPS: out[i] = in[i] where a sum over the sub-group is right. */
#if defined(cl_khr_subgroups)
#pragma OPENCL EXTENSION cl_khr_subgroups : enable
#elif defined(cl_intel_subgroups)
#pragma OPENCL EXTENSION cl_intel_subgroups : enable
#endif

__kernel void trial(__global const float *in, __global float *out) {
    const size_t i = get_global_id(0);
    const uint lane = get_sub_group_local_id();
    const uint size = get_sub_group_size();
    const float sum = sub_group_reduce_add((float)(lane + 1));
    out[i] = sum == 0.5f * (float)(size * (size + 1)) ? in[i] : -1.0f;
}
