/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alisa tune: the search itself, in a process of its own that tune/watch.c keeps an eye on.
 */
#include "alisa/tune.h"
#include "alisa/device.h"
#include "runtime/each_device.h"
#include "runtime/runtime.h"
#include "tune/watch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A set of parameters that was found. Rows are printed when the search is done, because one that
 * was interrupted reports its findings once more when it goes on. */
typedef struct Row {
    char set[32];
    char parameters[256];
    bool changed;
    double speedup;
} Row;

/* Where one way of computing products of a weight type becomes faster than another. */
typedef struct TypeRow {
    AlisaTuneCrossover crossover; /* without the type, whose text is the caller's */
    char type[16];
} TypeRow;

typedef struct Rows {
    Row *rows;
    size_t count;
    TypeRow *types;
    size_t type_count;
    bool lost; /* memory did not suffice */
} Rows;

static void add_row(void *user, const AlisaTuneReport *report) {
    Rows *rows = user;
    Row *larger = realloc(rows->rows, (rows->count + 1) * sizeof *larger);
    if (!larger) {
        rows->lost = true;
        return;
    }
    rows->rows = larger;
    Row *row = &rows->rows[rows->count++];
    *row = (Row){.changed = report->changed, .speedup = report->speedup};
    snprintf(row->set, sizeof row->set, "%s", report->set);
    snprintf(row->parameters, sizeof row->parameters, "%s", report->parameters);
}

static void add_crossover(void *user, const AlisaTuneCrossover *crossover) {
    Rows *rows = user;
    TypeRow *larger = realloc(rows->types, (rows->type_count + 1) * sizeof *larger);
    if (!larger) {
        rows->lost = true;
        return;
    }
    rows->types = larger;
    TypeRow *row = &rows->types[rows->type_count++];
    row->crossover = *crossover;
    row->crossover.type = NULL;
    snprintf(row->type, sizeof row->type, "%s", crossover->type);
}

/* At how many rows `faster` is the faster one by 3 %, which the search asks of what it keeps. */
static void describe_wins(const AlisaTuneCrossover *crossover, const double *faster,
                          const double *slower, char text[64]) {
    bool wins[ALISA_TUNE_CROSSOVER_SIZES];
    size_t first = ALISA_TUNE_CROSSOVER_SIZES, count = 0, used = 0;
    for (size_t i = 0; i < ALISA_TUNE_CROSSOVER_SIZES; i++) {
        wins[i] = faster[i] < 0.97 * slower[i];
        count += wins[i];
        if (wins[i] && first == ALISA_TUNE_CROSSOVER_SIZES) first = i;
    }
    if (count == 0) {
        snprintf(text, 64, "never");
    } else if (count == ALISA_TUNE_CROSSOVER_SIZES - first) {
        snprintf(text, 64, "from %u rows", crossover->rows[first]);
    } else {
        for (size_t i = first; i < ALISA_TUNE_CROSSOVER_SIZES; i++)
            if (wins[i])
                used += (size_t)snprintf(text + used, 64 - used, "%s%u", used ? ", " : "at ",
                                         crossover->rows[i]);
        snprintf(text + used, 64 - used, " rows");
    }
}

static void print_crossovers(const Rows *rows) {
    if (rows->type_count == 0) return;
    printf("\n| weights | matmul beats matvec           | CLBlast beats both\n"
           "| ------- | ----------------------------- | ------------------\n");
    for (size_t i = 0; i < rows->type_count; i++) {
        const AlisaTuneCrossover *crossover = &rows->types[i].crossover;
        char matmul[64], clblast[64] = "not in this build";
        double ours[ALISA_TUNE_CROSSOVER_SIZES];
        for (size_t j = 0; j < ALISA_TUNE_CROSSOVER_SIZES; j++)
            ours[j] = fmin(crossover->matvec[j], crossover->matmul[j]);
        describe_wins(crossover, crossover->matmul, crossover->matvec, matmul);
        if (crossover->has_clblast) describe_wins(crossover, crossover->clblast, ours, clblast);
        printf("| %-7s | %-29s | %s\n", rows->types[i].type, matmul, clblast);
    }
}

static void print_rows(const Rows *rows, const AlisaDevice *device) {
    const AlisaDeviceInfo *info = alisa_device_info(device);
    printf("%s (%s, driver %s)\n\n| kernel       | faster | parameters\n"
           "| ------------ | -----: | ----------\n",
           info->name, info->platform, info->driver);
    for (size_t i = 0; i < rows->count; i++) {
        const Row *row = &rows->rows[i];
        char faster[16] = "-";
        if (row->changed) snprintf(faster, sizeof faster, "%.2fx", row->speedup);
        printf("| %-12s | %6s | %s\n", row->set, faster, row->parameters);
    }
}

static ExitCode search(const Settings *settings, AlisaDevice *device) {
    AlisaTuneOptions options;
    AlisaError error;
    Rows rows = {0};
    alisa_tune_options_defaults(&options);
    options.effort = (AlisaTuneEffort)settings->effort;
    options.time_budget = settings->time_budget;
    options.kernel = settings->kernel;
    options.journal = settings->journal;
    options.report = add_row;
    options.crossover = add_crossover;
    options.report_user = &rows;
    options.interrupt = alisa_cli_interrupted;
    options.progress = alisa_cli_progress();
    ExitCode code = EXIT_DONE;
    if (alisa_tune(device, &options, &error) != ALISA_OK) {
        code = alisa_cli_fail(&error);
    } else if (rows.lost) {
        code = alisa_cli_out_of_memory();
    } else {
        print_rows(&rows, device);
        print_crossovers(&rows);
    }
    free(rows.rows);
    free(rows.types);
    return code;
}

static ExitCode import(const Settings *settings) {
    AlisaDeviceOptions options;
    AlisaError error;
    char name[128];
    alisa_device_options_defaults(&options);
    options.log = alisa_cli_log();
    if (alisa_tune_import(&options, settings->import_file, name, &error) != ALISA_OK)
        return alisa_cli_fail(&error);
    alisa_cli_note("%s is kept as %s", settings->import_file, name);
    return EXIT_DONE;
}

ExitCode alisa_cli_tune(const Settings *settings) {
    if (settings->import_file && settings->export_file)
        return alisa_cli_refuse(EXIT_USAGE, "--import and --export are two calls");
    if (settings->import_file) return import(settings);
    if (!settings->unwatched && !settings->export_file) return alisa_cli_watch(settings);
    if (alisa_cli_all_devices(settings))
        return alisa_cli_refuse(EXIT_USAGE, "--export and --no-watch are for one device, not all");
    Runtime runtime = {0};
    AlisaError error;
    ExitCode code = alisa_cli_runtime_device(&runtime, settings);
    if (code == EXIT_DONE && !settings->export_file) {
        code = search(settings, runtime.device);
    } else if (code == EXIT_DONE &&
               alisa_tune_export(runtime.device, settings->export_file, &error) != ALISA_OK) {
        code = alisa_cli_fail(&error);
    }
    alisa_cli_runtime_close(&runtime);
    return code;
}
