#include "gemm/matmul_group.clh"
