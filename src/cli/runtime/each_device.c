/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/each_device.h"

#include "alisa/device.h"

#include <stdlib.h>
#include <string.h>

bool alisa_cli_all_devices(const Settings *settings) {
    return settings->device && strcmp(settings->device, "all") == 0;
}

static ExitCode run_all(const Settings *settings, Settings *variant, const AlisaDeviceInfo *infos,
                        size_t count, ExitCode (*run)(const Settings *settings, void *user),
                        void *user) {
    ExitCode worst = EXIT_DONE;
    for (size_t i = 0; i < count && worst != EXIT_INTERRUPTED; i++) {
        char index[16];
        if (!infos[i].usable) {
            alisa_cli_note("device %u, %s, is left out: %s", infos[i].index, infos[i].name,
                           infos[i].reason);
            continue;
        }
        snprintf(index, sizeof index, "%u", infos[i].index);
        *variant = *settings;
        variant->device = index;
        ExitCode code = run(variant, user);
        if (code > worst) worst = code;
    }
    return worst;
}

ExitCode alisa_cli_each_device(const Settings *settings,
                               ExitCode (*run)(const Settings *settings, void *user), void *user) {
    if (!alisa_cli_all_devices(settings)) return run(settings, user);
    AlisaDeviceInfo *infos;
    size_t count;
    AlisaError error;
    Settings *variant = malloc(sizeof *variant); /* it holds whole lists */
    if (!variant) return alisa_cli_out_of_memory();
    if (alisa_devices_list(&infos, &count, &error) != ALISA_OK) {
        free(variant);
        return alisa_cli_fail(&error);
    }
    ExitCode code = run_all(settings, variant, infos, count, run, user);
    alisa_devices_free(infos);
    free(variant);
    return code;
}
