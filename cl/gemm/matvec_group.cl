#include "gemm/matvec_group.clh"
