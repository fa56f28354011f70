/* SPDX-License-Identifier: Apache-2.0 */
/*
 * alisa plan: what a run would cost under each placement of K and V, on a published device or one
 * that is measured.
 */
#include "common/text.h"
#include "plan/chart.h"
#include "plan/output.h"
#include "runtime/rules.h"
#include "runtime/runtime.h"
#include "runtime/session.h"

#include <stdlib.h>
#include <string.h>

typedef struct PlanCommand {
    Settings settings;
    AlisaPlanOptions options;
    Runtime runtime;    /* a model, if any; a device only where it is measured */
    PlanBatch batch;    /* the number of sequences that is planned now */
    AlisaError refusal; /* the first one of all batches */
    Text notes;         /* refusals of all batches, each ending with a 0 */
    bool planned;       /* whether any policy fits at any batch */
    json_t *rows;       /* for OUTPUT_JSON */
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
    if (settings->saved_profile && (command->batch.policy_count > 1 || settings->batches.count > 1))
        return alisa_cli_refuse(EXIT_USAGE, "--save-profile keeps what one kind of session does: "
                                            "give one --policy and one --batch");
    ExitCode code = alisa_cli_runtime_engine(&command->runtime);
    command->options.engine = command->runtime.engine;
    command->options.device_memory = 0; /* the engine was opened with that budget */
    return code;
}

static ExitCode open_subject(PlanCommand *command) {
    const Settings *settings = &command->settings;
    bool measured = !settings->profile;
    if (measured && !settings->device) return refuse_profile();
    if (!measured && (settings->saved_profile || alisa_cli_runtime_emulates_link(settings)))
        return alisa_cli_refuse(EXIT_USAGE, "--save-profile and --link-gbps go with -dev, not with "
                                            "--profile");
    if (!measured && alisa_cli_rules_given(settings))
        return alisa_cli_refuse(EXIT_USAGE, "-ot, --cpu-moe and --n-cpu-moe go with -dev, not with "
                                            "--profile: what a step takes then is measured");
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
    settings->attention = -1; /* plan has no --attention: each policy attends as its authors do */
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
    ExitCode code = alisa_cli_policy_list(settings->policies, command->batch.policies,
                                          &command->batch.policy_count);
    return code == EXIT_DONE ? open_subject(command) : code;
}

/* ---- Output -------------------------------------------------------------------------------- */

static void print_batch(PlanCommand *command) {
    const PlanBatch *batch = &command->batch;
    for (size_t i = 0; i < batch->policy_count; i++) {
        const AlisaPlan *plan = &batch->plans[i];
        if (command->rows) {
            json_array_append_new(command->rows,
                                  alisa_cli_plan_row_json(batch, &command->settings, i));
        } else if (plan->steps) {
            if (!command->planned) alisa_cli_plan_print_head(&command->options, plan);
            alisa_cli_plan_print_row(batch, &command->settings, plan);
        }
        command->planned |= plan->steps != NULL;
    }
}

/* Sentences of a batch, kept for after the table: where nothing fits, one is enough. */
static bool keep_notes(PlanCommand *command) {
    for (size_t i = 0; i < command->batch.policy_count; i++) {
        char note[sizeof command->batch.refusals[i] + 64];
        if (!command->batch.refusals[i][0]) continue;
        int length = snprintf(note, sizeof note, "batch %u does not fit: %s", command->batch.batch,
                              command->batch.refusals[i]);
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
    for (size_t i = 0; i < command->batch.policy_count; i++)
        alisa_plan_finish(&command->batch.plans[i]);
    memset(command->batch.refusals, 0, sizeof command->batch.refusals);
}

/* Sets types and choice of tokens to those that a session of the policy has. */
static void choose_session(PlanCommand *command, AlisaPolicy policy) {
    AlisaPlanOptions *options = &command->options;
    const SessionChoice chosen = alisa_cli_session_choose(&command->settings, policy);
    options->key_type = chosen.options.key_type;
    options->value_type = chosen.options.value_type;
    options->kv_keep = chosen.attention.keep;
    options->swa_scores = chosen.attention.scores;
    options->swa_lists = chosen.attention.lists;
    options->swa_window = chosen.attention.window;
}

static ExitCode save_profile(PlanCommand *command) {
    AlisaError error;
    command->options.batch = (uint32_t)command->settings.batches.values[0];
    choose_session(command, command->batch.policies[0]);
    if (alisa_plan_save_profile(&command->options, command->batch.policies[0],
                                command->settings.saved_profile, &error) == ALISA_OK)
        return EXIT_DONE;
    return alisa_cli_fail(&error);
}

/* What does not fit is a result like others; other failures end the command. */
static ExitCode plan_batch(PlanCommand *command, uint32_t batch) {
    forget_batch(command);
    command->batch.batch = command->options.batch = batch;
    for (size_t i = 0; i < command->batch.policy_count; i++) {
        AlisaError error;
        choose_session(command, command->batch.policies[i]);
        AlisaStatus status = alisa_plan_make(&command->options, command->batch.policies[i],
                                             &command->batch.plans[i], &error);
        if (status == ALISA_OK) continue;
        if (status != ALISA_ERROR_MEMORY) return alisa_cli_fail(&error);
        snprintf(command->batch.refusals[i], sizeof command->batch.refusals[i], "%s",
                 error.message);
        if (command->refusal.status == ALISA_OK) command->refusal = error;
    }
    return EXIT_DONE;
}

/* Draws, of the last batch, the plan of policy alisa, or the last one that fits. */
static ExitCode write_chart(const PlanCommand *command) {
    const AlisaPlan *shown = alisa_cli_plan_reference(&command->batch);
    for (size_t i = command->batch.policy_count; !shown && i-- > 0;) {
        if (command->batch.plans[i].steps) shown = &command->batch.plans[i];
    }
    if (!shown) {
        return alisa_cli_refuse(EXIT_NO_DEVICE, "no chart: nothing fits at batch %u",
                                command->options.batch);
    }
    char title[256];
    snprintf(title, sizeof title, "%s on %s, batch %u: bytes of the context by tier, policy %s",
             shown->model, shown->device, command->options.batch, alisa_policy_name(shown->policy));
    AlisaError error;
    if (alisa_cli_chart_write(command->settings.chart, shown, command->batch.plans,
                              command->batch.policy_count, title, &error)) {
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
        print_batch(command);
        if (!keep_notes(command)) return alisa_cli_out_of_memory();
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
