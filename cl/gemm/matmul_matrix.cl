#include "gemm/matmul_matrix.clh"
