/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/output.h"

#include "runtime/policy.h"

#include <stdio.h>

static double gibibytes(double bytes) {
    return bytes / 1073741824.0;
}

const AlisaPlan *alisa_cli_plan_reference(const PlanBatch *batch) {
    for (size_t i = 0; i < batch->policy_count; i++) {
        if (batch->policies[i] == ALISA_POLICY_ALISA && batch->plans[i].steps) {
            return &batch->plans[i];
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

void alisa_cli_plan_print_head(const AlisaPlanOptions *options, const AlisaPlan *plan) {
    char host[64] = "";
    if (plan->host_weight_bytes > 0)
        snprintf(host, sizeof host, " (%.2f GiB of them in host memory)",
                 gibibytes((double)plan->host_weight_bytes));
    printf("%s, %.2f GiB of weights%s, on %s: %u + %u tokens, %.0f %% sparsity, schedule %s\n\n",
           plan->model, gibibytes((double)plan->weight_bytes), host, plan->device,
           options->prompt_length, options->generate_length, 100.0 * options->kv_sparsity,
           options->schedule == ALISA_SCHEDULE_PAPER ? "paper" : "overlap");
    printf("| batch | policy     |  K/V  |      t/s | alisa is | p1   | p2   | alpha | beta  "
           "| device GiB | host GiB | loaded GiB | stored GiB | gap    | binds           |\n"
           "| ----: | ---------- | ----- | -------: | -------: | ---: | ---: | ----: | ----: "
           "| ---------: | -------: | ---------: | ---------: | -----: | --------------- |\n");
}

void alisa_cli_plan_print_row(const PlanBatch *batch, const Settings *settings,
                              const AlisaPlan *plan) {
    char ratio[16], host_from[16], inputs_from[16], alpha[16], beta[16], gap[16], types[24];
    const AlisaPlan *alisa = alisa_cli_plan_reference(batch);
    or_never(ratio, "%.2fx", alisa ? alisa->tokens_per_second / plan->tokens_per_second : 0.0,
             alisa != NULL);
    or_never(host_from, "%.0f", plan->host_from, plan->host_from > 0);
    or_never(inputs_from, "%.0f", plan->inputs_from, plan->inputs_from > 0);
    or_never(alpha, "%.3f", plan->host_share, plan->host_from > 0);
    or_never(beta, "%.3f", plan->inputs_share, plan->inputs_from > 0);
    or_never(gap, "%.1f %%", 100.0 * (plan->greedy_seconds / plan->best_seconds - 1.0),
             plan->best_seconds > 0.0);
    snprintf(types, sizeof types, "%s",
             alisa_kv_type_name(alisa_cli_policy_kv_type(settings->key_type, plan->policy)));
    printf("| %5u | %-10s | %-5s | %8.1f | %8s | %4s | %4s | %5s | %5s | %10.2f | %8.2f | %10.2f | "
           "%10.2f | %6s | %-15s |\n",
           batch->batch, alisa_policy_name(plan->policy), types, plan->tokens_per_second, ratio,
           host_from, inputs_from, alpha, beta, gibibytes(plan->peak_device_bytes),
           gibibytes(plan->peak_host_bytes), gibibytes(plan->bytes_to_device),
           gibibytes(plan->bytes_to_host), gap, plan->binds);
}

static json_t *time_json(const AlisaPlanTime *time) {
    return json_pack("{s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "weights", time->weights, "matrix",
                     time->matrix, "attention", time->attention, "selection", time->selection,
                     "recompute", time->recompute, "launch", time->launch, "link", time->link);
}

json_t *alisa_cli_plan_row_json(const PlanBatch *batch, const Settings *settings, size_t index) {
    const AlisaPlan *plan = &batch->plans[index];
    const char *policy = alisa_policy_name(batch->policies[index]);
    if (!plan->steps) {
        return json_pack("{s:s, s:i, s:s}", "policy", policy, "batch", (int)batch->batch, "error",
                         batch->refusals[index]);
    }
    const AlisaPlan *alisa = alisa_cli_plan_reference(batch);
    json_t *row = json_pack(
        "{s:s, s:i, s:s, s:s, s:s, s:s, s:f, s:f, s:f, s:I, s:I, s:f, s:f, s:f, s:f, s:f, s:f, "
        "s:f, s:I, s:I, s:s, s:o}",
        "policy", policy, "batch", (int)batch->batch, "model", plan->model, "device", plan->device,
        "type_k", alisa_kv_type_name(alisa_cli_policy_kv_type(settings->key_type, plan->policy)),
        "type_v", alisa_kv_type_name(alisa_cli_policy_kv_type(settings->value_type, plan->policy)),
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
