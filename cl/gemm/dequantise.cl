#include "gemm/dequantise.clh"
