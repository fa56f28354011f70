/* SPDX-License-Identifier: Apache-2.0 */
#include "tune/watch.h"

#include "alisa/tune.h"
#include "runtime/each_device.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum { MOST_WORDS = 24, POLL_NANOSECONDS = 50000000, FRUITLESS = 3 };

/* The process that searches, its arguments, and signs of life from it. */
typedef struct Watch {
    const Settings *settings;
    const char *device; /* NULL: the fastest */
    char *journal;      /* malloc'ed */
    pid_t process;
    uint64_t
        begun; /* when the search began, moved on by the time spent waiting for drivers that hung */
    off_t size;       /* bytes of the journal when it was last looked at */
    uint64_t changed; /* when the journal was last seen to have grown */
} Watch;

static off_t size_of(const char *path) {
    struct stat about;
    return stat(path, &about) == 0 ? about.st_size : 0;
}

static double seconds_since(uint64_t begun) {
    return (double)(alisa_cli_clock() - begun) * 1e-9;
}

/* ---- One at a time ------------------------------------------------------------------------- */

/* Two processes must not share a journal. -1 with the code where another has it; ends with the
 * process, or with close. */
static int lock_journal(const Watch *watch, ExitCode *code) {
    char path[4096];
    int length = snprintf(path, sizeof path, "%s.lock", watch->journal);
    int file = length > 0 && (size_t)length < sizeof path
                   ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644)
                   : -1;
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (file >= 0 && fcntl(file, F_SETLK, &whole) == 0) return file;
    if (file >= 0 && (errno == EACCES || errno == EAGAIN)) {
        struct flock other = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        long owner = fcntl(file, F_GETLK, &other) == 0 ? (long)other.l_pid : 0;
        *code = alisa_cli_refuse(EXIT_RUN_TIME,
                                 "another alisa tune (process %ld) is searching with %s: wait for "
                                 "it, or end it",
                                 owner, watch->journal);
    } else {
        *code = alisa_cli_refuse(EXIT_RUN_TIME, "cannot lock %s: %s", path, strerror(errno));
    }
    if (file >= 0) close(file);
    return -1;
}

/* ---- The process --------------------------------------------------------------------------- */

/* Seconds that are left of --time-budget. Time spent waiting for a hung driver is not counted. */
static double seconds_left(const Watch *watch) {
    const Settings *settings = watch->settings;
    double budget = settings->time_budget > 0.0
                        ? settings->time_budget
                        : alisa_tune_effort_seconds((AlisaTuneEffort)settings->effort);
    double left = budget - seconds_since(watch->begun);
    return left > 0.1 ? left : 0.1;
}

static ExitCode start(Watch *watch) {
    const Settings *settings = watch->settings;
    char program[4096], budget[32];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    if (length <= 0) {
        return alisa_cli_refuse(EXIT_RUN_TIME, "this system does not say where the program is: "
                                               "use --no-watch");
    }
    program[length] = 0;
    snprintf(budget, sizeof budget, "%.1f", seconds_left(watch));
    const char *words[MOST_WORDS] = {program,
                                     "tune",
                                     "--no-watch",
                                     "--journal",
                                     watch->journal,
                                     "--effort",
                                     alisa_tune_effort_name((AlisaTuneEffort)settings->effort),
                                     "--time-budget",
                                     budget};
    size_t count = 9;
    if (watch->device) {
        words[count++] = "-dev";
        words[count++] = watch->device;
    }
    if (settings->kernel) {
        words[count++] = "--kernel";
        words[count++] = settings->kernel;
    }
    if (settings->log_file) {
        words[count++] = "--log-file";
        words[count++] = settings->log_file;
    }
    if (settings->verbose) words[count++] = "-v";
    words[count] = NULL;
    fflush(NULL);
    /* Ctrl-C is for this process, which passes it on once: a second one would end the other in the
     * middle of a kernel. */
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    posix_spawnattr_setpgroup(&attributes, 0);
    int failure =
        posix_spawn(&watch->process, program, NULL, &attributes, (char **)(void *)words, environ);
    posix_spawnattr_destroy(&attributes);
    if (failure) {
        return alisa_cli_refuse(EXIT_RUN_TIME, "cannot start %s: %s", program, strerror(failure));
    }
    watch->size = size_of(watch->journal);
    watch->changed = alisa_cli_clock();
    return EXIT_DONE;
}

/* Waits until the process has ended. True: it did nothing for too long and had to be killed. */
static bool await(Watch *watch, int *status) {
    bool told = false;
    for (;;) {
        pid_t ended = waitpid(watch->process, status, WNOHANG);
        if (ended > 0) return false;
        if (ended < 0 && errno != EINTR) {
            *status = EXIT_RUN_TIME << 8; /* the process was reaped by somebody else */
            return false;
        }
        off_t size = size_of(watch->journal);
        if (size != watch->size) {
            watch->size = size;
            watch->changed = alisa_cli_clock();
        }
        if (alisa_cli_interrupted(NULL) && !told) {
            kill(watch->process, SIGINT);
            told = true;
        }
        if (seconds_since(watch->changed) > watch->settings->hang_after) {
            kill(watch->process, SIGKILL);
            waitpid(watch->process, status, 0);
            watch->begun += alisa_cli_clock() - watch->changed;
            return !told;
        }
        nanosleep(&(struct timespec){0, POLL_NANOSECONDS}, NULL);
    }
}

/* Whether the last trial in the journal was begun and not ended. */
static bool was_trying(const Watch *watch) {
    char end[1024];
    FILE *file = fopen(watch->journal, "rb");
    if (!file) return false;
    fseek(file, 0, SEEK_END);
    long size = ftell(file), from = size > (long)sizeof end - 1 ? size - (long)sizeof end + 1 : 0;
    fseek(file, from, SEEK_SET);
    size_t count = fread(end, 1, sizeof end - 1, file);
    fclose(file);
    while (count > 0 && end[count - 1] == '\n')
        count--;
    end[count] = 0;
    const char *line = strrchr(end, '\n');
    return strstr(line ? line : end, "\"set\"") != NULL;
}

/* Notes in the journal that the trial during which the process ended is not to be tried again. */
static ExitCode note(const Watch *watch, AlisaTuneEnding ending) {
    AlisaError error;
    if (alisa_tune_journal_note(watch->journal, ending, &error) != ALISA_OK)
        return alisa_cli_fail(&error);
    return EXIT_DONE;
}

/* Signals by which somebody else ends a process: they say nothing of a kernel. */
static bool was_told_to_end(int status) {
    int signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    return signal == SIGINT || signal == SIGTERM || signal == SIGHUP;
}

static ExitCode run(Watch *watch) {
    int fruitless = 0;
    signal(SIGCHLD,
           SIG_DFL); /* some parents leave it ignored, and then no process can be waited for */
    for (;;) {
        off_t before = size_of(watch->journal);
        int status = 0;
        ExitCode code = start(watch);
        if (code != EXIT_DONE) return code;
        bool hung = await(watch, &status);
        ExitCode own = WIFEXITED(status) ? (ExitCode)WEXITSTATUS(status) : EXIT_RUN_TIME;
        /* Some compilers end the process in which they fail as if it had chosen to. */
        bool grew = size_of(watch->journal) > before;
        bool ended = WIFEXITED(status) && (own != EXIT_RUN_TIME || !grew || !was_trying(watch));
        if (ended && !hung) return own;
        if (isatty(STDERR_FILENO))
            fputs("\r\033[K", stderr); /* the progress line that the process left */
        if (alisa_cli_interrupted(NULL) || was_told_to_end(status)) {
            code = note(watch, ALISA_TUNE_ENDING_INTERRUPTED);
            alisa_cli_note("interrupted: the same command goes on from there");
            return code != EXIT_DONE ? code : EXIT_INTERRUPTED;
        }
        fruitless = grew ? 0 : fruitless + 1;
        if (fruitless == FRUITLESS) {
            return alisa_cli_refuse(EXIT_RUN_TIME,
                                    "the driver %s before any kernel was tried: it cannot be tuned",
                                    hung ? "hangs" : "crashes");
        }
        alisa_cli_note("the driver %s on a candidate, which is left out; the search goes on for "
                       "%.1f s",
                       hung ? "hung" : "crashed", seconds_left(watch));
        code = note(watch, hung ? ALISA_TUNE_ENDING_HUNG : ALISA_TUNE_ENDING_CRASHED);
        if (code != EXIT_DONE) return code;
    }
}

/* ---- Devices ------------------------------------------------------------------------------- */

static ExitCode watch_device(const Settings *settings, void *unused) {
    (void)unused;
    Watch watch = {.settings = settings, .device = settings->device, .begun = alisa_cli_clock()};
    AlisaError error;
    if (settings->journal) {
        watch.journal = strdup(settings->journal);
        if (!watch.journal) return alisa_cli_out_of_memory();
    } else if (alisa_tune_journal_path(settings->device, NULL, &watch.journal, &error) !=
               ALISA_OK) {
        return alisa_cli_fail(&error);
    }
    ExitCode code = EXIT_DONE;
    int lock = lock_journal(&watch, &code);
    if (lock >= 0) {
        code = run(&watch);
        close(lock);
    }
    alisa_free(watch.journal);
    return code;
}

ExitCode alisa_cli_watch(const Settings *settings) {
    return alisa_cli_each_device(settings, watch_device, NULL);
}
