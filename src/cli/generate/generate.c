/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alisa generate: one text streamed, or many generated side by side and printed in order.
 */
#include "runtime/jobs.h"
#include "runtime/summary.h"

#include <stdlib.h>
#include <string.h>

typedef struct Generation {
    const Settings *settings;
    Runtime runtime;
    Text *prompts; /* [prompt_count] */
    size_t prompt_count;
    JobSet set;
    uint32_t context; /* tokens a sequence must hold, 0: the model's */
    size_t printed;   /* jobs whose output is complete */
    size_t streamed;  /* bytes of the text of job `printed` that are out */
    json_t *results;
} Generation;

/* ---- Prompts ------------------------------------------------------------------------------ */

static ExitCode add_prompt(Generation *generation, const char *bytes, size_t size) {
    size_t count = generation->prompt_count;
    if ((count & (count - 1)) == 0) { /* the array doubles at powers of two */
        size_t capacity = count ? 2 * count : 1;
        Text *larger = realloc(generation->prompts, capacity * sizeof *larger);
        if (!larger) return alisa_cli_out_of_memory();
        generation->prompts = larger;
    }
    generation->prompts[count] = (Text){0};
    generation->prompt_count++;
    if (!alisa_cli_text_append(&generation->prompts[count], bytes, size)) {
        return alisa_cli_out_of_memory();
    }
    return EXIT_DONE;
}

static ExitCode add_json_prompt(Generation *generation, size_t line_number, const char *line,
                                size_t size) {
    const char *path = generation->settings->prompts;
    json_error_t problem;
    json_t *row = json_loadb(line, size, 0, &problem);
    if (!row) {
        return alisa_cli_refuse(EXIT_USAGE, "%s: line %zu is not JSON: %s", path, line_number,
                                problem.text);
    }
    json_t *prompt = json_object_get(row, "prompt");
    ExitCode code;
    if (json_is_string(prompt)) {
        code = add_prompt(generation, json_string_value(prompt), json_string_length(prompt));
    } else {
        code = alisa_cli_refuse(EXIT_USAGE, "%s: line %zu has no string \"prompt\"", path,
                                line_number);
    }
    json_decref(row);
    return code;
}

/* A prompt a line; JSON lines when the first one that is not blank starts with a brace. */
static ExitCode read_prompts(Generation *generation) {
    const Settings *settings = generation->settings;
    if (settings->prompt || settings->file) {
        return alisa_cli_refuse(EXIT_USAGE, "give --prompts, or -p or -f, not both");
    }
    Text file = {0};
    AlisaError error;
    if (!alisa_cli_text_read(&file, settings->prompts, &error)) return alisa_cli_fail(&error);
    ExitCode code = EXIT_DONE;
    bool json = file.data[strspn(file.data, " \t\r\n")] == '{';
    const char *line = file.data, *end = file.data + file.size;
    for (size_t number = 1; line < end && code == EXIT_DONE; number++) {
        const char *newline = memchr(line, '\n', (size_t)(end - line));
        const char *next = newline ? newline + 1 : end;
        size_t size = (size_t)((newline ? newline : end) - line);
        if (size > 0 && line[size - 1] == '\r') size--;
        if (size > strspn(line, " \t")) {
            code = json ? add_json_prompt(generation, number, line, size)
                        : add_prompt(generation, line, size);
        }
        line = next;
    }
    if (code == EXIT_DONE && generation->prompt_count == 0) {
        code = alisa_cli_refuse(EXIT_USAGE, "%s: no prompts in it", settings->prompts);
    }
    alisa_cli_text_free(&file);
    return code;
}

static ExitCode read_prompt(Generation *generation) {
    const Settings *settings = generation->settings;
    if (settings->prompts) return read_prompts(generation);
    ExitCode code = add_prompt(generation, "", 0);
    if (code != EXIT_DONE) return code;
    Text *text = &generation->prompts[0];
    code = alisa_cli_runtime_prompt(settings, text);
    /* An editor ends a file with a newline that is no part of the prompt. */
    if (code == EXIT_DONE && settings->file && text->size > 0 &&
        text->data[text->size - 1] == '\n') {
        text->data[--text->size] = 0;
    }
    return code;
}

/* ---- Jobs --------------------------------------------------------------------------------- */

static const Text *prompt_of(const Generation *generation, size_t job) {
    return &generation->prompts[generation->prompt_count == 1 ? 0 : job];
}

static ExitCode make_jobs(Generation *generation) {
    const Settings *settings = generation->settings;
    JobSet *set = &generation->set;
    size_t batch = (size_t)settings->batch;
    set->count = settings->prompts ? generation->prompt_count : (batch ? batch : 1);
    set->sequences = (uint32_t)(batch && batch < set->count ? batch : set->count);
    set->runtime = &generation->runtime;
    set->jobs = calloc(set->count, sizeof *set->jobs);
    if (!set->jobs) return alisa_cli_out_of_memory();

    uint64_t seed = alisa_cli_job_seed(settings), longest = 0;
    for (size_t i = 0; i < set->count; i++) {
        const Text *text = prompt_of(generation, i);
        Job *job = &set->jobs[i];
        job->seed = seed + i;
        ExitCode code =
            alisa_cli_runtime_tokenize(&generation->runtime, text->data, text->size, &job->prompt);
        if (code != EXIT_DONE) return code;
        if (job->prompt.count > longest) longest = job->prompt.count;
    }
    uint64_t trained = generation->runtime.info.context_length;
    uint64_t context = settings->context ? (uint64_t)settings->context : trained;
    if (longest > context) {
        return alisa_cli_refuse(EXIT_RUN_TIME,
                                "context_length_exceeded: the prompt has %llu tokens and the "
                                "context holds %llu; shorten the prompt or raise -c",
                                (unsigned long long)longest, (unsigned long long)context);
    }
    /* With -n the most a sequence can need is known: the cache need not be larger than that.
     * Otherwise 0 leaves it to the session to fit the model's context to the device. */
    generation->context = (uint32_t)settings->context;
    if (!settings->context && settings->predict >= 0) {
        uint64_t needed = longest + (uint64_t)settings->predict;
        generation->context = (uint32_t)(needed < trained ? needed : trained);
    }
    return EXIT_DONE;
}

/* ---- Output ------------------------------------------------------------------------------- */

static bool print_prompt(const Generation *generation, size_t index) {
    char line[64];
    if (generation->set.count > 1) {
        int size = snprintf(line, sizeof line, "=== %zu ===\n", index);
        if (!alisa_cli_output(line, (size_t)size)) return false;
    }
    if (generation->settings->no_display_prompt) return true;
    const Text *prompt = prompt_of(generation, index);
    return alisa_cli_output(prompt->data, prompt->size);
}

static json_t *describe(const Generation *generation, size_t index) {
    const Job *job = &generation->set.jobs[index];
    const Text *prompt = prompt_of(generation, index);
    return json_pack("{s:I, s:o, s:o, s:I, s:I, s:I, s:s}", "index", (json_int_t)index, "prompt",
                     alisa_cli_json_text(prompt->data, prompt->size), "text",
                     alisa_cli_json_text(job->text.data, job->text.size), "prompt_tokens",
                     (json_int_t)job->prompt.count, "generated_tokens", (json_int_t)job->generated,
                     "seed", (json_int_t)job->seed, "finish_reason",
                     alisa_cli_job_end_name(job->end));
}

/* Text streams for the first job that is not complete; the others wait for their turn. */
static bool job_changed(void *user, size_t index) {
    Generation *generation = user;
    JobSet *set = &generation->set;
    if (index != generation->printed) return true;
    for (;;) {
        const Job *job = &set->jobs[generation->printed];
        bool ended = job->end != JOB_UNFINISHED;
        if (generation->settings->output == OUTPUT_TEXT) {
            size_t fresh = job->text.size - generation->streamed;
            if (fresh && !alisa_cli_output(job->text.data + generation->streamed, fresh)) {
                return false;
            }
            generation->streamed += fresh;
            if (ended && !alisa_cli_output("\n", 1)) return false;
        } else if (ended && generation->settings->output == OUTPUT_JSONL) {
            json_t *row = describe(generation, generation->printed);
            if (!alisa_cli_output_json(row, JSON_COMPACT)) return false;
        } else if (ended) {
            json_array_append_new(generation->results, describe(generation, generation->printed));
        }
        if (!ended) return true;
        generation->printed++;
        generation->streamed = 0;
        if (generation->printed == set->count) return true;
        if (generation->settings->output == OUTPUT_TEXT &&
            !print_prompt(generation, generation->printed)) {
            return false;
        }
    }
}

static void report_full_context(const Generation *generation) {
    size_t full = 0;
    for (size_t i = 0; i < generation->set.count; i++) {
        full += generation->set.jobs[i].end == JOB_CONTEXT;
    }
    if (full == 0) return;
    char share[64] = "";
    if (generation->set.count > 1) {
        snprintf(share, sizeof share, " in %zu of %zu texts", full, generation->set.count);
    }
    alisa_cli_note("context_length_exceeded: the context of %u tokens is full%s, so the text ends "
                   "here; raise -c",
                   alisa_session_context_length(generation->runtime.session), share);
}

static ExitCode run_jobs(Generation *generation) {
    SessionChoice choice = alisa_cli_runtime_choice(&generation->runtime);
    choice.options.sequence_count = generation->set.sequences;
    choice.options.context_length = generation->context;
    choice.options.likeliest_only = alisa_cli_jobs_greedy(&generation->set);
    for (size_t i = 0; i < generation->set.count; i++) {
        uint32_t length = (uint32_t)generation->set.jobs[i].prompt.count;
        if (choice.placement.prompt_length < length) choice.placement.prompt_length = length;
    }
    ExitCode code = alisa_cli_runtime_session(&generation->runtime, &choice);
    if (code != EXIT_DONE) return code;
    generation->set.changed = job_changed;
    generation->set.user = generation;
    generation->results = json_array();
    if (!generation->results) return alisa_cli_out_of_memory();

    if (generation->settings->output == OUTPUT_TEXT && !print_prompt(generation, 0)) {
        return EXIT_DONE;
    }
    AlisaError error;
    AlisaStatus status = alisa_cli_jobs_run(&generation->set, &error);
    if (status != ALISA_OK) return alisa_cli_fail(&error);
    if (generation->settings->output == OUTPUT_JSON) {
        alisa_cli_output_json(json_incref(generation->results), JSON_INDENT(2));
    }
    report_full_context(generation);
    alisa_cli_summary_print(&generation->runtime);
    return alisa_cli_interrupted(NULL) ? EXIT_INTERRUPTED : EXIT_DONE;
}

ExitCode alisa_cli_generate(const Settings *settings) {
    Generation generation = {.settings = settings};
    ExitCode code = alisa_cli_runtime_model(&generation.runtime, settings);
    if (code == EXIT_DONE) code = read_prompt(&generation);
    if (code == EXIT_DONE) code = make_jobs(&generation);
    if (code == EXIT_DONE) code = alisa_cli_runtime_engine(&generation.runtime);
    if (code == EXIT_DONE) code = run_jobs(&generation);

    json_decref(generation.results);
    for (size_t i = 0; i < generation.set.count && generation.set.jobs; i++) {
        alisa_cli_job_free(&generation.set.jobs[i]);
    }
    free(generation.set.jobs);
    for (size_t i = 0; i < generation.prompt_count; i++) {
        alisa_cli_text_free(&generation.prompts[i]);
    }
    free(generation.prompts);
    alisa_cli_runtime_close(&generation.runtime);
    return code;
}
