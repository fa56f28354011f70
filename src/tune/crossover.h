/*
 * From how many rows on each way of doing a product is the faster one.
 */
#ifndef ALISA_TUNE_CROSSOVER_H
#define ALISA_TUNE_CROSSOVER_H

#include "tune/measure.h"

/* With the parameters that were found, how many rows a product has to have for the kernels of
 * matmul, and for CLBlast, to be the faster ones. */
AlisaStatus alisa_tuner_find_crossover(const AlisaTuneSearch *search, uint32_t type,
                                       const AlisaOpsParameters *parameters,
                                       AlisaTuneCrossover *crossover, AlisaError *error);

#endif
