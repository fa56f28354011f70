/*
 * Numbers of bytes as people read them.
 */
#ifndef ALISA_BASE_BYTES_H
#define ALISA_BASE_BYTES_H

/* "1.40 GiB", "12.00 MiB", "0.50 KiB": the largest unit of which there is at least one, from KiB
 * on. Returned whole, so that a call may stand among the arguments of a format. */
typedef struct AlisaBytesText {
    char text[24];
} AlisaBytesText;

AlisaBytesText alisa_bytes_text(double bytes);

#endif
