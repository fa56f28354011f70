/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ALISA_BASE_CLOCK_H
#define ALISA_BASE_CLOCK_H

#include <stdint.h>

/* Nanoseconds of a clock that never goes back; its zero is arbitrary. */
uint64_t alisa_clock_now(void);
/* Sleeps, without using a core, until alisa_clock_now() says `time`; wakes within some microseconds
 * of it where the system can. */
void alisa_clock_sleep_until(uint64_t time);

#endif
