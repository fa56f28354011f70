#include "gguf/gguf.h"

/* Tensor types of ggml (enum ggml_type) and the size of their blocks. Ids 4 and 5 (Q4_2, Q4_3)
 * never appeared in GGUF. */
static const AlisaTensorTypeInfo types[] = {
    {ALISA_TENSOR_F32, "F32", 1, 4, true},
    {ALISA_TENSOR_F16, "F16", 1, 2, true},
    {ALISA_TENSOR_Q4_0, "Q4_0", 32, 18, true},
    {3, "Q4_1", 32, 20, false},
    {6, "Q5_0", 32, 22, false},
    {7, "Q5_1", 32, 24, false},
    {ALISA_TENSOR_Q8_0, "Q8_0", 32, 34, true},
    {9, "Q8_1", 32, 36, false},
    {10, "Q2_K", 256, 84, false},
    {11, "Q3_K", 256, 110, false},
    {12, "Q4_K", 256, 144, false},
    {13, "Q5_K", 256, 176, false},
    {14, "Q6_K", 256, 210, false},
    {15, "Q8_K", 256, 292, false},
    {16, "IQ2_XXS", 256, 66, false},
    {17, "IQ2_XS", 256, 74, false},
    {18, "IQ3_XXS", 256, 98, false},
    {19, "IQ1_S", 256, 50, false},
    {20, "IQ4_NL", 32, 18, false},
    {21, "IQ3_S", 256, 110, false},
    {22, "IQ2_S", 256, 82, false},
    {23, "IQ4_XS", 256, 136, false},
    {24, "I8", 1, 1, false},
    {25, "I16", 1, 2, false},
    {26, "I32", 1, 4, false},
    {27, "I64", 1, 8, false},
    {28, "F64", 1, 8, false},
    {29, "IQ1_M", 256, 56, false},
    {ALISA_TENSOR_BF16, "BF16", 1, 2, true},
    {31, "Q4_0_4_4", 32, 18, false},
    {32, "Q4_0_4_8", 32, 18, false},
    {33, "Q4_0_8_8", 32, 18, false},
    {34, "TQ1_0", 256, 54, false},
    {35, "TQ2_0", 256, 66, false},
    {36, "IQ4_NL_4_4", 32, 18, false},
    {37, "IQ4_NL_4_8", 32, 18, false},
    {38, "IQ4_NL_8_8", 32, 18, false},
    {39, "MXFP4", 32, 17, false},
};

const AlisaTensorTypeInfo *alisa_tensor_type_info(uint32_t id) {
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (types[i].id == id) return &types[i];
    }
    return NULL;
}
