/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text and numbers as a page or a picture shows them.
 */
#ifndef ALISA_CLI_COMMON_HTML_H
#define ALISA_CLI_COMMON_HTML_H

#include <stdio.h>

enum { HTML_CELL = 48 };

/* Writes text so that HTML and XML read it as text, in elements and in quoted attributes: markup is
 * escaped; control characters other than tabs and line ends, and what is not UTF-8, become U+FFFD.
 */
void alisa_cli_html_text(FILE *file, const char *text);

/* Three digits that count: "0.0123", "1.23", "12.3", "1234". */
void alisa_cli_html_number(double value, char cell[HTML_CELL]);
/* "1.23 TFLOP/s", "512 B", "3.20 us": a number with the step of a thousand that suits it. */
void alisa_cli_html_scaled(double value, const char *unit, char cell[HTML_CELL]);
/* Like alisa_cli_html_scaled, for a round number: no more digits than it has, "100 us". */
void alisa_cli_html_round(double value, const char *unit, char cell[HTML_CELL]);
/* "512 B", "1.50 KiB", "80.0 GiB". */
void alisa_cli_html_bytes(double bytes, char cell[HTML_CELL]);
/* "12 %", "3.4 %" of 0.034. */
void alisa_cli_html_percent(double share, char cell[HTML_CELL]);

#endif
