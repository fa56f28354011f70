/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/summary.h"

#include "alisa/bench.h"
#include "alisa/device.h"
#include "runtime/lists.h"

json_t *alisa_cli_summary_describe(const Runtime *runtime) {
    const Settings *settings = runtime->settings;
    AlisaPolicy policy = (AlisaPolicy)settings->policy;
    const SessionChoice choice = runtime->session ? alisa_cli_session_chosen(runtime->session)
                                                  : alisa_cli_runtime_choice(runtime);
    const AlisaSelectOptions attention = choice.attention;
    json_t *described =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "model", settings->model, "device",
                  alisa_device_info(runtime->device)->name, "type_k",
                  alisa_kv_type_name(choice.options.key_type), "type_v",
                  alisa_kv_type_name(choice.options.value_type), "policy",
                  alisa_policy_name(policy), "attention", alisa_select_kind_name(attention.kind));
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

/* Lines about where keys and values are, and how far predicted step times were off. */
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
        double error = alisa_cli_session_prediction_error(runtime->session, &steps);
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

void alisa_cli_summary_print(const Runtime *runtime) {
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
    if (use.host_weight_bytes > 0)
        fprintf(stderr, "%16s = weights %.2f MiB\n", "host memory",
                mebibytes(use.host_weight_bytes));
    fprintf(stderr, "%16s = to the device %.2f MiB, to the host %.2f MiB\n", "moved",
            mebibytes(use.host_to_device_bytes), mebibytes(use.device_to_host_bytes));
    report_placement(runtime);
    if (runtime->settings->stats) alisa_cli_lists_report(runtime);
}
