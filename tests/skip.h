/* SPDX-License-Identifier: Apache-2.0 */
/* A test that is left out says why, in a line by which ./run test counts it. */
#ifndef ALISA_TESTS_SKIP_H
#define ALISA_TESTS_SKIP_H

#include <stdlib.h>
#include <string.h>

#define skip_because(reason)                                                                       \
    do {                                                                                           \
        print_message("skipped: %s\n", (reason));                                                  \
        skip();                                                                                    \
    } while (0)

/* ALISA_TEST_SMALL=group: what oclgrind 21.10 knows of a vector is lost where its lanes are
 * shuffled, as layout item does. */
#define ONLY_GROUP        (getenv("ALISA_TEST_SMALL") && strcmp(getenv("ALISA_TEST_SMALL"), "group") == 0)
#define ONLY_GROUP_WANTED "only layout group was asked for (ALISA_TEST_SMALL)"

#define NO_CLBLAST   "this build has no CLBlast"
#define SMALL_SHAPES "only small shapes were asked for (ALISA_TEST_SMALL)"

#endif
