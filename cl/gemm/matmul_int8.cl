#include "gemm/matmul_int8.clh"
