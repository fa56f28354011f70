#include "gemm/matvec_dot.clh"
