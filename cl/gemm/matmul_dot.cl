#include "gemm/matmul_dot.clh"
