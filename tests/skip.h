/* SPDX-License-Identifier: Apache-2.0 */
/* A test that is left out says why, in a line by which ./run test counts it. */
#ifndef ALISA_TESTS_SKIP_H
#define ALISA_TESTS_SKIP_H

#define skip_because(reason)                                                                       \
    do {                                                                                           \
        print_message("skipped: %s\n", (reason));                                                  \
        skip();                                                                                    \
    } while (0)

#define NO_CLBLAST   "this build has no CLBlast"
#define SMALL_SHAPES "only small shapes were asked for (ALISA_TEST_SMALL)"

#endif
