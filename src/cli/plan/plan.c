/*
 * alisa plan: what a run would cost under each placement of K and V, on a published device or one
 * that is measured.
 */
#include "common/text.h"
#include "plan/chart.h"
#include "runtime/policy.h"
#include "runtime/runtime.h"

#include <stdlib.h>
#include <string.h>

typedef struct PlanCommand {
    Settings settings;
    AlisaPlanOptions options;
    Runtime runtime; /* a model, if any; a device only where it is measured */
    AlisaPolicy policies[ALISA_POLICY_COUNT];
    size_t policy_count;
    AlisaPlan plans[ALISA_POLICY_COUNT]; /* of the batch at hand, in order of policies */
    char refusals[ALISA_POLICY_COUNT][sizeof(((AlisaError *)0)->message)]; /* empty: planned */
    AlisaError refusal;                                                    /* the first one */
    Text notes;   /* refusals of all batches, each ending with a 0 */
    bool planned; /* anything */
    json_t *rows; /* for OUTPUT_JSON */
} PlanCommand;

/* ---- What is asked for --------------------------------------------------------------------- */

static ExitCode refuse_profile(void) {
    char names[512] = "", name[64];
    for (size_t i = 0; alisa_plan_profile_name(i, name); i++) {
        size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "", name);
    }
    return alisa_cli_refuse(EXIT_USAGE,
                            "no device was given: use -dev to measure one, or --profile with a "
                            "JSON file or one of %s",
                            names);
}

/* The device at hand, measured with the model. */
static ExitCode open_device(PlanCommand *command) {
    const Settings *settings = &command->settings;
    if (settings->model_shape)
        return alisa_cli_refuse(EXIT_USAGE, "a published shape has no weights to measure -dev "
                                            "with: use -m FILE, or --profile");
    if (settings->scratch)
        return alisa_cli_refuse(EXIT_USAGE, "--scratch goes with --profile: of a device at hand "
                                            "sessions take what they need");
    if (settings->saved_profile && (command->policy_count > 1 || settings->batches.count > 1))
        return alisa_cli_refuse(EXIT_USAGE, "--save-profile keeps what one kind of session does: "
                                            "give one --policy and one --batch");
    ExitCode code = alisa_cli_runtime_engine(&command->runtime);
    command->options.engine = command->runtime.engine;
    command->options.device_memory = 0; /* the engine has it */
    return code;
}

static ExitCode open_subject(PlanCommand *command) {
    const Settings *settings = &command->settings;
    bool measured = !settings->profile;
    if (measured && !settings->device) return refuse_profile();
    if (!measured && (settings->saved_profile || alisa_cli_runtime_emulates_link(settings)))
        return alisa_cli_refuse(EXIT_USAGE, "--save-profile and --link-gbps go with -dev, not with "
                                            "--profile");
    /* Given on the command line the shape wins over a model from the environment. */
    if (settings->model_shape && !measured) return EXIT_DONE;
    if (!settings->model && !settings->model_shape)
        return alisa_cli_refuse(EXIT_USAGE, "no model was given: use -m FILE%s",
                                measured ? "" : " or --model-shape NAME");
    ExitCode code = EXIT_DONE;
    if (!settings->model_shape) code = alisa_cli_runtime_model(&command->runtime, settings);
    command->options.model = command->runtime.model;
    return code == EXIT_DONE && measured ? open_device(command) : code;
}

static ExitCode read_options(PlanCommand *command) {
    Settings *settings = &command->settings;
    AlisaPlanOptions *options = &command->options;
    settings->attention = -1; /* what the policies' sessions attend to is not for plan to say */
    alisa_plan_options_defaults(options);
    options->profile = settings->profile;
    options->model_shape = settings->model_shape;
    options->prompt_length = (uint32_t)settings->plan_prompt;
    options->generate_length = (uint32_t)settings->plan_generate;
    options->micro_batch = (uint32_t)settings->micro_batch;
    options->kv_sparsity = settings->kv_sparsity;
    options->new_picks = settings->new_picks;
    options->schedule = (AlisaSchedule)settings->schedule;
    options->recompute = settings->recompute;
    options->inputs_share = settings->inputs_share;
    options->host_share = settings->host_share;
    options->device_share = settings->device_memory.kv_share;
    options->device_memory = settings->device_memory.bytes;
    options->host_memory = settings->host_memory;
    options->scratch = settings->scratch;
    options->exhaustive = true;
    ExitCode code =
        alisa_cli_policy_list(settings->policies, command->policies, &command->policy_count);
    return code == EXIT_DONE ? open_subject(command) : code;
}

/* ---- Output -------------------------------------------------------------------------------- */

static double gibibytes(double bytes) {
    return bytes / 1073741824.0;
}

/* The plan of alisa among those of a batch; NULL when it is not there. */
static const AlisaPlan *reference(const PlanCommand *command) {
    for (size_t i = 0; i < command->policy_count; i++) {
        if (command->policies[i] == ALISA_POLICY_ALISA && command->plans[i].steps) {
            return &command->plans[i];
        }
    }
    return NULL;
}

static void or_never(char cell[16], const char *format, double value, bool is) {
    if (is) {
        snprintf(cell, 16, format, value);
    } else {
        snprintf(cell, 16, "-");
    }
}

static void print_head(const PlanCommand *command, const AlisaPlan *plan) {
    const AlisaPlanOptions *options = &command->options;
    printf("%s, %.2f GiB of weights, on %s: %u + %u tokens, %.0f %% sparsity, schedule %s\n\n",
           plan->model, gibibytes((double)plan->weight_bytes), plan->device, options->prompt_length,
           options->generate_length, 100.0 * options->kv_sparsity,
           options->schedule == ALISA_SCHEDULE_PAPER ? "paper" : "overlap");
    printf("| batch | policy     |  K/V  |      t/s | alisa is | p1   | p2   | alpha | beta  "
           "| device GiB | host GiB | loaded GiB | stored GiB | gap    | binds           |\n"
           "| ----: | ---------- | ----- | -------: | -------: | ---: | ---: | ----: | ----: "
           "| ---------: | -------: | ---------: | ---------: | -----: | --------------- |\n");
}

static void print_row(const PlanCommand *command, uint32_t batch, const AlisaPlan *plan) {
    char ratio[16], host_from[16], inputs_from[16], alpha[16], beta[16], gap[16], types[24];
    const AlisaPlan *alisa = reference(command);
    or_never(ratio, "%.2fx", alisa ? alisa->tokens_per_second / plan->tokens_per_second : 0.0,
             alisa != NULL);
    or_never(host_from, "%.0f", plan->host_from, plan->host_from > 0);
    or_never(inputs_from, "%.0f", plan->inputs_from, plan->inputs_from > 0);
    or_never(alpha, "%.3f", plan->host_share, plan->host_from > 0);
    or_never(beta, "%.3f", plan->inputs_share, plan->inputs_from > 0);
    or_never(gap, "%.1f %%", 100.0 * (plan->greedy_seconds / plan->best_seconds - 1.0),
             plan->best_seconds > 0.0);
    snprintf(
        types, sizeof types, "%s",
        alisa_kv_type_name(alisa_cli_policy_kv_type(command->settings.key_type, plan->policy)));
    printf("| %5u | %-10s | %-5s | %8.1f | %8s | %4s | %4s | %5s | %5s | %10.2f | %8.2f | %10.2f | "
           "%10.2f | %6s | %-15s |\n",
           batch, alisa_policy_name(plan->policy), types, plan->tokens_per_second, ratio, host_from,
           inputs_from, alpha, beta, gibibytes(plan->peak_device_bytes),
           gibibytes(plan->peak_host_bytes), gibibytes(plan->bytes_to_device),
           gibibytes(plan->bytes_to_host), gap, plan->binds);
}

static json_t *time_json(const AlisaPlanTime *time) {
    return json_pack("{s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "weights", time->weights, "matrix",
                     time->matrix, "attention", time->attention, "selection", time->selection,
                     "recompute", time->recompute, "launch", time->launch, "link", time->link);
}

static json_t *row_json(const PlanCommand *command, uint32_t batch, size_t index) {
    const AlisaPlan *plan = &command->plans[index];
    const char *policy = alisa_policy_name(command->policies[index]);
    if (!plan->steps) {
        return json_pack("{s:s, s:i, s:s}", "policy", policy, "batch", (int)batch, "error",
                         command->refusals[index]);
    }
    const AlisaPlan *alisa = reference(command);
    json_t *row = json_pack(
        "{s:s, s:i, s:s, s:s, s:s, s:s, s:f, s:f, s:f, s:I, s:I, s:f, s:f, s:f, s:f, s:f, s:f, "
        "s:f, s:I, s:I, s:s, s:o}",
        "policy", policy, "batch", (int)batch, "model", plan->model, "device", plan->device,
        "type_k",
        alisa_kv_type_name(alisa_cli_policy_kv_type(command->settings.key_type, plan->policy)),
        "type_v",
        alisa_kv_type_name(alisa_cli_policy_kv_type(command->settings.value_type, plan->policy)),
        "avg_ts", plan->tokens_per_second, "prefill_seconds", plan->prefill_seconds,
        "decode_seconds", plan->decode_seconds, "p1", (json_int_t)plan->host_from, "p2",
        (json_int_t)plan->inputs_from, "alpha", plan->host_share, "beta", plan->inputs_share,
        "peak_device_bytes", plan->peak_device_bytes, "peak_host_bytes", plan->peak_host_bytes,
        "host_to_device_bytes", plan->bytes_to_device, "device_to_host_bytes", plan->bytes_to_host,
        "greedy_seconds", plan->greedy_seconds, "steps", (json_int_t)plan->step_count, "preempted",
        (json_int_t)plan->preempted, "binds", plan->binds, "seconds", time_json(&plan->time));
    if (plan->best_seconds > 0.0) {
        json_object_set_new(row, "exhaustive_seconds", json_real(plan->best_seconds));
    }
    if (alisa) {
        json_object_set_new(row, "alisa_ratio",
                            json_real(alisa->tokens_per_second / plan->tokens_per_second));
    }
    return row;
}

static void print_batch(PlanCommand *command, uint32_t batch) {
    for (size_t i = 0; i < command->policy_count; i++) {
        const AlisaPlan *plan = &command->plans[i];
        if (command->rows) {
            json_array_append_new(command->rows, row_json(command, batch, i));
        } else if (plan->steps) {
            if (!command->planned) print_head(command, plan);
            print_row(command, batch, plan);
        }
        command->planned |= plan->steps != NULL;
    }
}

/* Sentences of a batch, kept for after the table: where nothing fits, one is enough. */
static bool keep_notes(PlanCommand *command, uint32_t batch) {
    for (size_t i = 0; i < command->policy_count; i++) {
        char note[sizeof command->refusals[i] + 64];
        if (!command->refusals[i][0]) continue;
        int length =
            snprintf(note, sizeof note, "batch %u does not fit: %s", batch, command->refusals[i]);
        if (!alisa_cli_text_append(&command->notes, note, (size_t)length + 1)) return false;
    }
    return true;
}

static void print_notes(const Text *notes) {
    for (size_t at = 0; at < notes->size; at += strlen(notes->data + at) + 1)
        alisa_cli_note("%s", notes->data + at);
}

/* ---- Planning ------------------------------------------------------------------------------ */

static void forget_batch(PlanCommand *command) {
    for (size_t i = 0; i < command->policy_count; i++) {
        alisa_plan_finish(&command->plans[i]);
        command->refusals[i][0] = 0;
    }
}

/* As sessions of the policy are. */
static void choose_session(PlanCommand *command, AlisaPolicy policy) {
    AlisaPlanOptions *options = &command->options;
    AlisaSessionOptions chosen;
    alisa_cli_policy_choose(&command->settings, policy, &chosen);
    options->key_type = chosen.key_type;
    options->value_type = chosen.value_type;
    options->kv_keep = chosen.attention.keep;
    options->swa_scores = chosen.attention.scores;
    options->swa_lists = chosen.attention.lists;
    options->swa_window = chosen.attention.window;
}

static ExitCode save_profile(PlanCommand *command) {
    AlisaError error;
    command->options.batch = (uint32_t)command->settings.batches.values[0];
    choose_session(command, command->policies[0]);
    if (alisa_plan_save_profile(&command->options, command->policies[0],
                                command->settings.saved_profile, &error) == ALISA_OK)
        return EXIT_DONE;
    return alisa_cli_fail(&error);
}

/* What does not fit is a result like others; other failures end the command. */
static ExitCode plan_batch(PlanCommand *command, uint32_t batch) {
    forget_batch(command);
    command->options.batch = batch;
    for (size_t i = 0; i < command->policy_count; i++) {
        AlisaError error;
        choose_session(command, command->policies[i]);
        AlisaStatus status =
            alisa_plan_make(&command->options, command->policies[i], &command->plans[i], &error);
        if (status == ALISA_OK) continue;
        if (status != ALISA_ERROR_MEMORY) return alisa_cli_fail(&error);
        snprintf(command->refusals[i], sizeof command->refusals[i], "%s", error.message);
        if (command->refusal.status == ALISA_OK) command->refusal = error;
    }
    return EXIT_DONE;
}

/* Of the last batch: alisa's plan, or the last one that fits. */
static ExitCode write_chart(const PlanCommand *command) {
    const AlisaPlan *shown = reference(command);
    for (size_t i = command->policy_count; !shown && i-- > 0;) {
        if (command->plans[i].steps) shown = &command->plans[i];
    }
    if (!shown) {
        return alisa_cli_refuse(EXIT_NO_DEVICE, "no chart: nothing fits at batch %u",
                                command->options.batch);
    }
    char title[256];
    snprintf(title, sizeof title, "%s on %s, batch %u: bytes of the context by tier, policy %s",
             shown->model, shown->device, command->options.batch, alisa_policy_name(shown->policy));
    AlisaError error;
    if (alisa_cli_chart_write(command->settings.chart, shown, command->plans, command->policy_count,
                              title, &error)) {
        return EXIT_DONE;
    }
    return alisa_cli_fail(&error);
}

static ExitCode plan_all(PlanCommand *command) {
    const IntegerList *batches = &command->settings.batches;
    ExitCode code = EXIT_DONE;
    if (command->settings.output == OUTPUT_JSON) {
        command->rows = json_array();
        if (!command->rows) return alisa_cli_out_of_memory();
    }
    for (size_t i = 0; i < batches->count && code == EXIT_DONE; i++) {
        uint32_t batch = (uint32_t)batches->values[i];
        code = alisa_cli_interrupted(NULL) ? EXIT_INTERRUPTED : plan_batch(command, batch);
        if (code != EXIT_DONE) break;
        print_batch(command, batch);
        if (!keep_notes(command, batch)) return alisa_cli_out_of_memory();
    }
    if (code == EXIT_DONE && !command->planned) return alisa_cli_fail(&command->refusal);
    if (code == EXIT_DONE && command->settings.chart) code = write_chart(command);
    if (code != EXIT_DONE) return code;
    if (command->rows) {
        alisa_cli_output_json(command->rows, JSON_INDENT(2));
        command->rows = NULL;
    } else {
        print_notes(&command->notes);
    }
    if (alisa_cli_runtime_emulates_link(&command->settings))
        alisa_cli_note("emulated link: the figures are of this device with every copy paced");
    return EXIT_DONE;
}

ExitCode alisa_cli_plan(const Settings *settings) {
    PlanCommand *command = calloc(1, sizeof *command);
    if (!command) return alisa_cli_out_of_memory();
    command->settings = *settings;
    ExitCode code = read_options(command);
    if (code == EXIT_DONE && settings->saved_profile) code = save_profile(command);
    if (code == EXIT_DONE) code = plan_all(command);
    forget_batch(command);
    json_decref(command->rows);
    alisa_cli_text_free(&command->notes);
    alisa_cli_runtime_close(&command->runtime);
    free(command);
    return code;
}
