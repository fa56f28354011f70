#include "gemm/matvec_item.clh"
