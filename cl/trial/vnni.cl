/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Confirms ALISA_CAPABILITY_VNNI: out[i] = in[i] + (255, 200, 3, 1) . (-128, 127, -7, 5). Where
 * the compiler does not know that the processor has the instruction, the processor is asked first, which
 * would end the program otherwise; whether its vectors of 512 bits can be used, the compiler knows. Where
 * it does not know and assembler may not be used, the trial fails.
 */
#include "prelude.clh"

#if PROCESSOR && defined(__x86_64__) && defined(__AVX512F__) && \
    (defined(__AVX512VNNI__) || PROCESSOR_ASSEMBLER)
#define VNNI        1
#define MOST_WEIGHT 255
#include "gemm/dot.clh"

static inline bool has_instruction(void)
{
#if defined(__AVX512VNNI__)
    return true;
#else
    uint a = 7, b, c = 0, d;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    return c >> 11 & 1;
#endif
}

__kernel void trial(__global const float *in, __global float *out)
{
    const size_t i = get_global_id(0);
    /* 0, but not to the compiler, which might else compute the sum itself. */
    const uint zero = (uint)in[i] >> 16;
    int sums[16];
    vstore16((int16)0, 0, sums);
    if (has_instruction())
        vstore16(dots_total(dots_add(dots_none, (uint16)(0x0103c8ffu ^ zero), (uint16)0x05f97f80u)),
                 0, sums);
    out[i] = in[i] + (float)sums[i % 16];
}
#else
__kernel void trial(__global const float *in, __global float *out)
{
}
#endif
