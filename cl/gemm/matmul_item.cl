#include "gemm/matmul_item.clh"
