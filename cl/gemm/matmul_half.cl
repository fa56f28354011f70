#include "gemm/matmul_half.clh"
