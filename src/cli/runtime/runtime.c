#include "runtime/runtime.h"

#include "runtime/lists.h"
#include "runtime/policy.h"

#include <stdlib.h>
#include <string.h>

#define PAPER_LINK 20.0 /* GB/s, beside --link-gbps v100 and h100 */

ExitCode alisa_cli_runtime_vocabulary(Runtime *runtime, const Settings *settings) {
    *runtime = (Runtime){.settings = settings};
    runtime->timings.begin_ns = alisa_cli_clock();
    if (!settings->model) {
        return alisa_cli_refuse(EXIT_USAGE, "no model was given: use -m FILE or set ALISA_MODEL");
    }
    AlisaError error;
    if (alisa_model_open(settings->model, &runtime->model, &error) != ALISA_OK) {
        return alisa_cli_fail(&error);
    }
    alisa_model_info(runtime->model, &runtime->info);
    return EXIT_DONE;
}

ExitCode alisa_cli_runtime_model(Runtime *runtime, const Settings *settings) {
    ExitCode code = alisa_cli_runtime_vocabulary(runtime, settings);
    if (code != EXIT_DONE || runtime->info.has_weights) return code;
    return alisa_cli_refuse(EXIT_RUN_TIME,
                            "%s: the file holds only a vocabulary; it can be used to tokenize, not "
                            "to generate",
                            settings->model);
}

bool alisa_cli_runtime_emulates_link(const Settings *settings) {
    return settings->link.rate > 0.0 || settings->link.choice;
}

double alisa_cli_runtime_link_share(const Settings *settings) {
    return settings->link.choice ? PAPER_LINK / settings->link.choice : 0.0;
}

ExitCode alisa_cli_runtime_device(Runtime *runtime, const Settings *settings) {
    runtime->settings = settings;
    AlisaError error;
    AlisaDeviceOptions device_options;
    alisa_device_options_defaults(&device_options);
    device_options.selector = settings->device;
    device_options.log = alisa_cli_log();
    AlisaStatus status = alisa_device_open(&device_options, &runtime->device, &error);
    if (status != ALISA_OK) {
        ExitCode code = alisa_cli_fail(&error);
        /* A driver that fails a build or computes wrong results is no usable device. */
        return status == ALISA_ERROR_DEVICE ? EXIT_NO_DEVICE : code;
    }
    return EXIT_DONE;
}

ExitCode alisa_cli_runtime_engine(Runtime *runtime) {
    const Settings *settings = runtime->settings;
    ExitCode code = alisa_cli_runtime_device(runtime, settings);
    if (code != EXIT_DONE) return code;
    AlisaError error;
    AlisaEngineOptions engine_options;
    alisa_engine_options_defaults(&engine_options);
    engine_options.device_memory = settings->device_memory.bytes;
    engine_options.link_rate = settings->link.rate * 1e9;
    engine_options.link_share = alisa_cli_runtime_link_share(settings);
    engine_options.progress = alisa_cli_progress();
    engine_options.log = alisa_cli_log();
    if (alisa_engine_create(runtime->model, runtime->device, &engine_options, &runtime->engine,
                            &error) != ALISA_OK) {
        return alisa_cli_fail(&error);
    }
    return EXIT_DONE;
}

AlisaSessionOptions alisa_cli_runtime_policy_options(const Runtime *runtime, AlisaPolicy policy) {
    const Settings *settings = runtime->settings;
    AlisaSessionOptions options;
    alisa_session_options_defaults(&options);
    options.context_length = (uint32_t)settings->context;
    options.micro_batch = (uint32_t)settings->micro_batch;
    alisa_cli_policy_choose(settings, policy, &options);
    options.placement.policy = policy;
    options.placement.schedule = (AlisaSchedule)settings->schedule;
    options.placement.recompute = settings->recompute;
    options.placement.inputs_share = settings->inputs_share;
    options.placement.host_share = settings->host_share;
    options.placement.device_share = settings->device_memory.kv_share;
    options.placement.host_memory = settings->host_memory;
    options.count_lists = settings->stats;
    options.record_steps = policy != ALISA_POLICY_DEVICE;
    options.interrupt = alisa_cli_interrupted;
    return options;
}

AlisaSessionOptions alisa_cli_runtime_session_options(const Runtime *runtime) {
    return alisa_cli_runtime_policy_options(runtime, (AlisaPolicy)runtime->settings->policy);
}

json_t *alisa_cli_runtime_describe(const Runtime *runtime) {
    const Settings *settings = runtime->settings;
    AlisaSessionOptions options = alisa_cli_runtime_session_options(runtime);
    AlisaPolicy policy = options.placement.policy;
    if (runtime->session) alisa_session_options(runtime->session, &options);
    const AlisaSelectOptions attention = options.attention;
    json_t *described = json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s}", "model", settings->model, "device",
        alisa_device_info(runtime->device)->name, "type_k", alisa_kv_type_name(options.key_type),
        "type_v", alisa_kv_type_name(options.value_type), "policy", alisa_policy_name(policy),
        "attention", alisa_select_kind_name(attention.kind));
    if (!described || attention.kind == ALISA_SELECT_DENSE) return described;
    json_object_update_new(
        described,
        json_pack("{s:f, s:i, s:s, s:s, s:i, s:i}", "kv_sparsity", attention.sparsity, "kv_keep",
                  (int)attention.keep, "swa_scores", alisa_select_scores_name(attention.scores),
                  "swa_lists", alisa_select_lists_name(attention.lists), "swa_sinks",
                  (int)attention.sinks, "swa_window", (int)attention.window));
    json_t *lists = runtime->session ? alisa_cli_lists_describe(runtime) : NULL;
    if (lists) json_object_set_new(described, "selection", lists);
    return described;
}

ExitCode alisa_cli_runtime_session(Runtime *runtime, const AlisaSessionOptions *options) {
    alisa_session_destroy(runtime->session);
    runtime->session = NULL;
    AlisaError error;
    if (alisa_session_create(runtime->engine, options, &runtime->session, &error) != ALISA_OK) {
        return alisa_cli_fail(&error);
    }
    runtime->timings.load_ns = alisa_cli_clock() - runtime->timings.begin_ns;
    return EXIT_DONE;
}

void alisa_cli_runtime_close(Runtime *runtime) {
    alisa_session_destroy(runtime->session);
    alisa_engine_destroy(runtime->engine);
    alisa_device_close(runtime->device);
    alisa_model_close(runtime->model);
    *runtime = (Runtime){0};
}

/* ---- Report ------------------------------------------------------------------------------- */

static void report_rate(const char *name, uint64_t nanoseconds, uint64_t count, const char *unit) {
    double milliseconds = (double)nanoseconds / 1e6;
    fprintf(stderr, "%16s = %10.2f ms / %5llu %s", name, milliseconds, (unsigned long long)count,
            unit);
    if (count > 0 && nanoseconds > 0) {
        fprintf(stderr, " (%8.2f ms per token, %8.2f tokens per second)",
                milliseconds / (double)count, (double)count * 1e3 / milliseconds);
    }
    fputc('\n', stderr);
}

static double mebibytes(uint64_t bytes) {
    return (double)bytes / 1048576.0;
}

/* Where keys and values are, and how well that was foreseen. */
static void report_placement(const Runtime *runtime) {
    AlisaPlacementUse use;
    alisa_session_placement(runtime->session, &use);
    if (use.not_needed) {
        fprintf(stderr,
                "%16s = policy alisa was not needed: the whole context fits on the device, and "
                "every token was attended to\n",
                "KV");
    } else if (runtime->settings->policy != ALISA_POLICY_DEVICE) {
        double layers = runtime->info.layer_count;
        fprintf(stderr, "%16s = policy %s, tokens a layer: %.1f on the device, %.1f on the host",
                "KV", alisa_policy_name((AlisaPolicy)runtime->settings->policy),
                (double)use.device_tokens / layers, (double)use.host_tokens / layers);
        if (use.forgotten_tokens > 0)
            fprintf(stderr, ", %.1f forgotten", (double)use.forgotten_tokens / layers);
        if (use.recomputable_tokens > 0)
            fprintf(stderr, ", %.1f as layer inputs", (double)use.recomputable_tokens / layers);
        if (use.host_from > 0) fprintf(stderr, "; on the host from token %u on", use.host_from);
        if (use.inputs_from > 0)
            fprintf(stderr, ", as layer inputs from token %u on, recomputed %.1f times",
                    use.inputs_from, (double)use.recomputed / layers);
        if (use.preempted > 0) fprintf(stderr, "; sequences left %u times", use.preempted);
        fprintf(stderr, "\n%16s = to the device %.2f MiB, to the host %.2f MiB\n", "KV moved",
                mebibytes(use.bytes_to_device), mebibytes(use.bytes_to_host));
        size_t steps;
        double error = alisa_cli_policy_prediction_error(runtime->session, &steps);
        if (steps > 0) {
            fprintf(stderr, "%16s = median error of step times %.1f %% / %5zu steps", "prediction",
                    100.0 * error, steps);
            if (use.replanned > 0) fprintf(stderr, "; planned anew %u times", use.replanned);
            fputc('\n', stderr);
        }
    }
    if (use.link_rate > 0.0)
        fprintf(stderr, "%16s = %.3f GB/s each way: the times above are of an emulated link\n",
                "emulated link", use.link_rate / 1e9);
}

void alisa_cli_runtime_report(const Runtime *runtime) {
    const Timings *timings = &runtime->timings;
    AlisaMemoryUse use;
    alisa_session_memory(runtime->session, &use);
    fprintf(stderr, "%16s = %10.2f ms\n", "load time", (double)timings->load_ns / 1e6);
    report_rate("prompt eval time", timings->prompt_ns, timings->prompt_tokens, "tokens");
    report_rate("eval time", timings->eval_ns, timings->eval_tokens, "runs  ");
    fprintf(stderr, "%16s = %10.2f ms / %5llu tokens\n", "total time",
            (double)(alisa_cli_clock() - timings->begin_ns) / 1e6,
            (unsigned long long)(timings->prompt_tokens + timings->eval_tokens));
    fprintf(stderr, "%16s = weights %.2f MiB, KV %.2f MiB, scratch %.2f MiB\n", "device memory",
            mebibytes(use.weight_bytes), mebibytes(use.kv_bytes), mebibytes(use.scratch_bytes));
    fprintf(stderr, "%16s = to the device %.2f MiB, to the host %.2f MiB\n", "moved",
            mebibytes(use.host_to_device_bytes), mebibytes(use.device_to_host_bytes));
    report_placement(runtime);
    if (runtime->settings->stats) alisa_cli_lists_report(runtime);
}

/* ---- Prompts ------------------------------------------------------------------------------ */

ExitCode alisa_cli_runtime_tokenize(const Runtime *runtime, const char *text, size_t size,
                                    Tokens *tokens) {
    AlisaError error;
    AlisaStatus status =
        alisa_tokenize(runtime->model, text, size, ALISA_TOKENIZE_BOS | ALISA_TOKENIZE_SPECIAL,
                       &tokens->ids, &tokens->count, &error);
    /* A model without a tokenizer can still be started from nothing. */
    if (status != ALISA_OK && (size > 0 || runtime->info.has_tokenizer)) {
        return alisa_cli_fail(&error);
    }
    if (status == ALISA_OK && tokens->count > 0) return EXIT_DONE;
    int32_t begin = alisa_model_bos(runtime->model);
    if (begin < 0) {
        return alisa_cli_refuse(EXIT_USAGE, "the prompt is empty and the model has no token that "
                                            "begins a text: give a prompt with -p or -f");
    }
    alisa_free(tokens->ids);
    tokens->count = 0;
    tokens->ids = malloc(sizeof *tokens->ids);
    if (!tokens->ids) return alisa_cli_out_of_memory();
    tokens->ids[0] = begin;
    tokens->count = 1;
    return EXIT_DONE;
}

AlisaStatus alisa_cli_runtime_append(Runtime *runtime, uint32_t sequence, const int32_t *ids,
                                     size_t count, bool logits, AlisaError *error) {
    size_t limit = (size_t)runtime->settings->batch_size;
    if (limit > count) limit = count;
    AlisaRow *rows = malloc((limit ? limit : 1) * sizeof *rows);
    if (!rows) return alisa_cli_memory_error(error);
    AlisaStatus status = ALISA_OK;
    for (size_t done = 0; done < count && status == ALISA_OK;) {
        size_t block = count - done < limit ? count - done : limit;
        for (size_t i = 0; i < block; i++) {
            rows[i] = (AlisaRow){ids[done + i], sequence, logits && done + i + 1 == count};
        }
        status = alisa_session_eval(runtime->session, rows, block, error);
        done += block;
    }
    free(rows);
    return status;
}

ExitCode alisa_cli_runtime_prompt(const Settings *settings, Text *text) {
    if (settings->prompt && settings->file) {
        return alisa_cli_refuse(EXIT_USAGE, "give the text with -p or with -f, not with both");
    }
    AlisaError error;
    if (settings->file) {
        if (!alisa_cli_text_read(text, settings->file, &error)) return alisa_cli_fail(&error);
        return EXIT_DONE;
    }
    const char *prompt = settings->prompt ? settings->prompt : "";
    if (alisa_cli_text_append(text, prompt, strlen(prompt))) return EXIT_DONE;
    return alisa_cli_out_of_memory();
}
