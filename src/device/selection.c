/* SPDX-License-Identifier: Apache-2.0 */
#include "device/selection.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_number(const char *text) {
    return *text && strspn(text, "0123456789") == strlen(text);
}

static bool is_digit(char c) {
    return isdigit((unsigned char)c) != 0;
}

/* Whether `text` has `part` in it, in letters of any size. A number is not part of a longer one:
 * "2" is not in "avx512". */
static bool contains(const char *text, const char *part) {
    bool number = is_number(part);
    for (size_t at = 0; text[at]; at++) {
        size_t i = 0;
        if (number && at > 0 && is_digit(text[at - 1])) continue;
        while (part[i] && tolower((unsigned char)text[at + i]) == tolower((unsigned char)part[i]))
            i++;
        if (!part[i] && !(number && is_digit(text[at + i]))) return true;
    }
    return false;
}

/* Whether `selector` is the index of one of the devices. */
static bool is_index(const AlisaDeviceInfo *infos, size_t count, const char *selector) {
    if (!is_number(selector)) return false;
    unsigned long long index = strtoull(selector, NULL, 10);
    for (size_t i = 0; i < count; i++) {
        if (infos[i].index == index) return true;
    }
    return false;
}

static bool matches(const AlisaDeviceInfo *info, const char *selector, bool by_index) {
    if (!*selector) return true;
    if (by_index) return strtoull(selector, NULL, 10) == info->index;
    return contains(info->name, selector) || contains(info->platform, selector) ||
           contains(info->vendor, selector);
}

static bool faster(const AlisaDeviceInfo *a, const AlisaDeviceInfo *b) {
    if (a->type != b->type) return a->type < b->type;
    return (uint64_t)a->compute_units * a->clock_mhz > (uint64_t)b->compute_units * b->clock_mhz;
}

/* "0: name (platform), 1: ...", ended by "..." where it does not fit. */
static void list_devices(const AlisaDeviceInfo *infos, size_t count, char *text, size_t capacity) {
    size_t used = 0;
    text[0] = 0;
    for (size_t i = 0; i < count; i++) {
        char item[300];
        int length = snprintf(item, sizeof item, "%s%u: %s (%s)", i ? ", " : "", infos[i].index,
                              infos[i].name, infos[i].platform);
        if (length < 0 || used + (size_t)length + sizeof ", ..." > capacity) {
            snprintf(text + used, capacity - used, ", ...");
            return;
        }
        memcpy(text + used, item, (size_t)length + 1);
        used += (size_t)length;
    }
}

AlisaStatus alisa_selection_choose(const AlisaDeviceInfo *infos, size_t count, const char *selector,
                                   size_t *chosen, AlisaError *error) {
    const AlisaDeviceInfo *best = NULL, *refused = NULL;
    if (!selector) selector = "";
    bool by_index = is_index(infos, count, selector);
    for (size_t i = 0; i < count; i++) {
        if (!matches(&infos[i], selector, by_index)) continue;
        if (!infos[i].usable) {
            if (!refused) refused = &infos[i];
        } else if (!best || faster(&infos[i], best)) {
            best = &infos[i];
        }
    }
    if (best) {
        *chosen = (size_t)(best - infos);
        return ALISA_OK;
    }
    if (refused) {
        return alisa_error_set(error, ALISA_ERROR_NO_DEVICE,
                               "device %u, %s (%s, driver %s), cannot be used: %s", refused->index,
                               refused->name, refused->platform, refused->driver, refused->reason);
    }
    char list[800];
    list_devices(infos, count, list, sizeof list);
    return alisa_error_set(error, ALISA_ERROR_NO_DEVICE, "no device matches \"%s\"; there is %s",
                           selector, list);
}
