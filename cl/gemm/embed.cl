#include "gemm/embed.clh"
