/* SPDX-License-Identifier: Apache-2.0 */
#include "common/terminal.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* There is one terminal, one log file and one Ctrl-C a process: this file holds their state. */
static struct {
    FILE *log_file;
    bool verbose;
    bool progress_shown;
    uint64_t progress_time;
    uint64_t progress_begin, progress_first; /* when the line appeared, and `done` then */
    int output_error; /* errno of the first failed write, 0 while all is well */
    volatile sig_atomic_t interrupted;
} terminal;

uint64_t alisa_cli_clock(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* ---- Standard error ----------------------------------------------------------------------- */

static void clear_progress(void) {
    if (!terminal.progress_shown) return;
    fputs("\r\033[K", stderr);
    terminal.progress_shown = false;
}

static void say(const char *format, va_list arguments) {
    clear_progress();
    fputs("alisa: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
}

void alisa_cli_note(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    say(format, arguments);
    va_end(arguments);
}

ExitCode alisa_cli_refuse(ExitCode code, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    say(format, arguments);
    va_end(arguments);
    return code;
}

ExitCode alisa_cli_fail(const AlisaError *error) {
    static const ExitCode codes[ALISA_STATUS_COUNT] = {
        [ALISA_ERROR_ARGUMENT] = EXIT_USAGE,          [ALISA_ERROR_IO] = EXIT_RUN_TIME,
        [ALISA_ERROR_FORMAT] = EXIT_RUN_TIME,         [ALISA_ERROR_UNSUPPORTED] = EXIT_RUN_TIME,
        [ALISA_ERROR_NO_DEVICE] = EXIT_NO_DEVICE,     [ALISA_ERROR_DEVICE] = EXIT_RUN_TIME,
        [ALISA_ERROR_MEMORY] = EXIT_NO_DEVICE,        [ALISA_ERROR_CONTEXT_LENGTH] = EXIT_RUN_TIME,
        [ALISA_ERROR_INTERRUPTED] = EXIT_INTERRUPTED,
    };
    return alisa_cli_refuse(codes[error->status], "%s", error->message);
}

AlisaStatus alisa_cli_memory_error(AlisaError *error) {
    error->status = ALISA_ERROR_MEMORY;
    snprintf(error->message, sizeof error->message, "out of host memory");
    return error->status;
}

ExitCode alisa_cli_out_of_memory(void) {
    AlisaError error;
    alisa_cli_memory_error(&error);
    return alisa_cli_fail(&error);
}

static void write_log(void *unused, AlisaLogLevel level, const char *line) {
    (void)unused;
    static const char *const names[] = {"debug", "info", "warning"};
    if (terminal.log_file) {
        fprintf(terminal.log_file, "%s: %s\n", names[level], line);
        fflush(terminal.log_file);
    }
    if (level == ALISA_LOG_WARNING || terminal.verbose) alisa_cli_note("%s", line);
}

ExitCode alisa_cli_log_open(const Settings *settings) {
    terminal.verbose = settings->verbose;
    if (!settings->log_file) return EXIT_DONE;
    terminal.log_file = fopen(settings->log_file, "a");
    if (terminal.log_file) return EXIT_DONE;
    return alisa_cli_refuse(EXIT_RUN_TIME, "%s: cannot open the log file: %s", settings->log_file,
                            strerror(errno));
}

void alisa_cli_log_close(void) {
    clear_progress();
    if (terminal.log_file) fclose(terminal.log_file);
    terminal.log_file = NULL;
}

AlisaLog alisa_cli_log(void) {
    return (AlisaLog){.write = write_log};
}

#define PROGRESS_SURE 3.0 /* seconds after which the time that is left is foreseen */

static void time_left(double seconds, char *text, size_t capacity) {
    if (seconds < 90.0) {
        snprintf(text, capacity, ", %.0f s left", seconds);
    } else {
        snprintf(text, capacity, ", %.0f min left", seconds / 60.0);
    }
}

static void show_progress(void *unused, const char *what, uint64_t done, uint64_t total) {
    (void)unused;
    uint64_t now = alisa_cli_clock();
    if (done >= total) {
        clear_progress();
    } else if (!terminal.progress_shown || now - terminal.progress_time > 100000000u) {
        char left[32] = "";
        if (!terminal.progress_shown) {
            terminal.progress_begin = now;
            terminal.progress_first = done;
        }
        double spent = (double)(now - terminal.progress_begin) * 1e-9;
        if (spent > PROGRESS_SURE && done > terminal.progress_first)
            time_left(spent * (double)(total - done) / (double)(done - terminal.progress_first),
                      left, sizeof left);
        fprintf(stderr, "\r%s %3.0f %%%s\033[K", what, 100.0 * (double)done / (double)total, left);
        terminal.progress_shown = true;
        terminal.progress_time = now;
    }
}

AlisaProgress alisa_cli_progress(void) {
    if (!isatty(STDERR_FILENO)) return (AlisaProgress){0};
    return (AlisaProgress){.update = show_progress};
}

/* ---- Standard output ---------------------------------------------------------------------- */

static bool flush_output(void) {
    if (terminal.output_error) return false;
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout)) return true;
    terminal.output_error = errno ? errno : EIO;
    return false;
}

bool alisa_cli_output(const char *bytes, size_t size) {
    clear_progress();
    if (terminal.output_error) return false;
    errno = 0;
    if (fwrite(bytes, 1, size, stdout) != size) {
        terminal.output_error = errno ? errno : EIO;
        return false;
    }
    return flush_output();
}

static int dump_json(const char *bytes, size_t size, void *unused) {
    (void)unused;
    return fwrite(bytes, 1, size, stdout) == size ? 0 : -1;
}

bool alisa_cli_output_json(json_t *value, size_t flags) {
    clear_progress();
    /* Nine digits give every float back; a failed write shows when the output ends. */
    json_dump_callback(value, dump_json, NULL, flags | JSON_REAL_PRECISION(9));
    putchar('\n');
    json_decref(value);
    return flush_output();
}

void alisa_cli_output_escaped(const char *text, size_t size) {
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (byte == '\n') {
            fputs("\\n", stdout);
        } else if (byte == '\t') {
            fputs("\\t", stdout);
        } else if (byte == '\r') {
            fputs("\\r", stdout);
        } else if (byte < 0x20 || byte == 0x7f) {
            printf("\\x%02x", byte);
        } else {
            putchar(byte);
        }
    }
}

ExitCode alisa_cli_output_end(ExitCode code) {
    if (flush_output() || terminal.output_error == EPIPE || code != EXIT_DONE) return code;
    return alisa_cli_refuse(EXIT_RUN_TIME, "cannot write to standard output: %s",
                            strerror(terminal.output_error));
}

/* ---- Ctrl-C ------------------------------------------------------------------------------- */

static void on_interrupt(int signal_number) {
    (void)signal_number;
    terminal.interrupted = 1;
}

void alisa_cli_interrupt_watch(bool watch) {
    struct sigaction action = {.sa_flags = (int)SA_RESETHAND};
    action.sa_handler = watch ? on_interrupt : SIG_DFL;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
}

bool alisa_cli_interrupted(void *unused) {
    (void)unused;
    return terminal.interrupted != 0;
}
