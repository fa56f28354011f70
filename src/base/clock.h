#ifndef ALISA_BASE_CLOCK_H
#define ALISA_BASE_CLOCK_H

#include <stdint.h>

/* Nanoseconds of a clock that never goes back; its zero is arbitrary. */
uint64_t alisa_clock_now(void);

#endif
