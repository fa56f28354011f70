#include "gemm/matvec_int8.clh"
