/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers of bytes as people read them.
 */
#ifndef ALISA_BASE_BYTES_H
#define ALISA_BASE_BYTES_H

/* A number of bytes as text: "1.40 GiB", "12.00 MiB", "0.50 KiB". The unit is the largest of which
 * there is at least one, and KiB below that. The text is returned by value, so that a call may
 * stand among the arguments of a format. */
typedef struct AlisaBytesText {
    char text[24];
} AlisaBytesText;

AlisaBytesText alisa_bytes_text(double bytes);

#endif
