/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bytes.h"

#include <stdio.h>

AlisaBytesText alisa_bytes_text(double bytes) {
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;
    double amount = bytes / 1024.0;
    while (amount >= 1024.0 && unit + 1 < sizeof units / sizeof *units) {
        amount /= 1024.0;
        unit++;
    }
    AlisaBytesText made;
    snprintf(made.text, sizeof made.text, "%.2f %s", amount, units[unit]);
    return made;
}
