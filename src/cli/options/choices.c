/* SPDX-License-Identifier: Apache-2.0 */
#include "options/choices.h"

#include "options/options.h"

#include "alisa/placement.h"
#include "alisa/select.h"
#include "alisa/tune.h"

const Choice alisa_cli_text_outputs[] = {
    {"text", OUTPUT_TEXT}, {"json", OUTPUT_JSON}, {"jsonl", OUTPUT_JSONL}, {0}};
const Choice alisa_cli_plain_outputs[] = {{"text", OUTPUT_TEXT}, {"json", OUTPUT_JSON}, {0}};
const Choice alisa_cli_reference_outputs[] = {
    {"md", OUTPUT_MARKDOWN, "Markdown"}, {"man", OUTPUT_MAN, "a manual page"}, {0}};
const Choice alisa_cli_report_outputs[] = {{"md", OUTPUT_MARKDOWN}, {"json", OUTPUT_JSON}, {0}};
const Choice alisa_cli_table_outputs[] = {{"md", OUTPUT_MARKDOWN}, {"csv", OUTPUT_CSV},
                                          {"json", OUTPUT_JSON},   {"jsonl", OUTPUT_JSONL},
                                          {"sql", OUTPUT_SQL},     {0}};
/* Names of the library, filled in by alisa_cli_choices_fill. Lists with room for one name more
 * begin with auto, which stands for what the authors of the policy do. */
Choice alisa_cli_attentions[ALISA_SELECT_KIND_COUNT + 2];
Choice alisa_cli_swa_lists[ALISA_SELECT_LISTS_COUNT + 2];
Choice alisa_cli_swa_scores[ALISA_SELECT_SCORES_COUNT + 2];
Choice alisa_cli_kv_types[ALISA_KV_TYPE_COUNT + 2];
Choice alisa_cli_policies[ALISA_POLICY_COUNT + 1];
Choice alisa_cli_efforts[ALISA_TUNE_EFFORT_COUNT + 1];
const Choice alisa_cli_schedules[] = {
    {"overlap", ALISA_SCHEDULE_OVERLAP, "beside the computation, one step ahead"},
    {"paper", ALISA_SCHEDULE_PAPER, "load, compute, store one after the other, as the ALISA paper"},
    {0}};
const Choice alisa_cli_recomputes[] = {
    {"auto", true, "where it pays"}, {"off", false, "never"}, {0}};

/* Cards that the ALISA paper measures with a link of 20 GB/s; a value is the GB/s of the card's own
 * memory.
 */
const Choice alisa_cli_links[] = {
    {"v100", 900, "V100, 900 GB/s"}, {"h100", 3350, "H100, 3350 GB/s"}, {0}};

/* The meaning of each name of the library. */
static const char *const policy_help[ALISA_POLICY_COUNT] = {
    [ALISA_POLICY_DEVICE] = "on the device, or the run is refused",
    [ALISA_POLICY_ACCELERATE] = "all on the host, those of a layer loaded for each step",
    [ALISA_POLICY_FLEXGEN] = "a fixed share on the host, as FlexGen places it",
    [ALISA_POLICY_VLLM] = "on the device, in blocks; whole sequences wait or leave, as with vLLM",
    [ALISA_POLICY_H2O] = "chosen tokens on the device, all others dropped for good, as H2O does",
    [ALISA_POLICY_ALISA] = "older tokens on the host, chosen ones attended to; nothing is dropped",
};
static const char *const attention_help[ALISA_SELECT_KIND_COUNT] = {
    [ALISA_SELECT_DENSE] = "every token",
    [ALISA_SELECT_SWA] = "the newest, and those that --swa-scores chooses",
    [ALISA_SELECT_LOCAL] = "the newest",
    [ALISA_SELECT_STRIDED] = "evenly spaced ones back from the newest",
    [ALISA_SELECT_H2O] = "the newest, and those that got most attention in the whole past",
    [ALISA_SELECT_RANDOM] = "the newest, and others drawn anew at each step",
};
static const char *const scores_help[ALISA_SELECT_SCORES_COUNT] = {
    [ALISA_SELECT_SCORES_SPARSE] =
        "what tokens got in past steps while they were kept, as published",
    [ALISA_SELECT_SCORES_DENSE] = "what tokens would have got in past steps, kept or not",
    [ALISA_SELECT_SCORES_QUERY] = "what tokens get in this very step, by an index of all keys",
};
static const char *const lists_help[ALISA_SELECT_LISTS_COUNT] = {
    [ALISA_SELECT_LISTS_LAYER] = "all heads of a layer",
    [ALISA_SELECT_LISTS_KV_HEAD] = "the query heads of one KV head",
};
static const char *const kv_type_help[ALISA_KV_TYPE_COUNT] = {
    [ALISA_KV_F16] = "16-bit floats",
    [ALISA_KV_F32] = "32-bit floats",
    [ALISA_KV_Q8_0] = "8 bits, a scale for each 32 values of a token",
    [ALISA_KV_I8] = "8 bits, a scale for each channel over 64 tokens",
};
static const char *const effort_help[ALISA_TUNE_EFFORT_COUNT] = {
    [ALISA_TUNE_QUICK] = "about a minute",
    [ALISA_TUNE_NORMAL] = "about ten minutes",
    [ALISA_TUNE_FULL] = "as long as anything helps",
};

void alisa_cli_choices_fill(void) {
    alisa_cli_kv_types[0] = alisa_cli_attentions[0] = alisa_cli_swa_scores[0] =
        (Choice){"auto", -1, "depends on --policy"};
    alisa_cli_swa_lists[0] = (Choice){"auto", -1, "layer"};
    for (int type = 0; type < ALISA_KV_TYPE_COUNT; type++)
        alisa_cli_kv_types[type + 1] =
            (Choice){alisa_kv_type_name((AlisaKvType)type), type, kv_type_help[type]};
    for (int kind = 0; kind < ALISA_SELECT_KIND_COUNT; kind++)
        alisa_cli_attentions[kind + 1] =
            (Choice){alisa_select_kind_name((AlisaSelectKind)kind), kind, attention_help[kind]};
    for (int lists = 0; lists < ALISA_SELECT_LISTS_COUNT; lists++)
        alisa_cli_swa_lists[lists + 1] =
            (Choice){alisa_select_lists_name((AlisaSelectLists)lists), lists, lists_help[lists]};
    for (int scores = 0; scores < ALISA_SELECT_SCORES_COUNT; scores++)
        alisa_cli_swa_scores[scores + 1] = (Choice){
            alisa_select_scores_name((AlisaSelectScores)scores), scores, scores_help[scores]};
    for (int effort = 0; effort < ALISA_TUNE_EFFORT_COUNT; effort++)
        alisa_cli_efforts[effort] =
            (Choice){alisa_tune_effort_name((AlisaTuneEffort)effort), effort, effort_help[effort]};
    for (int policy = 0; policy < ALISA_POLICY_COUNT; policy++)
        alisa_cli_policies[policy] =
            (Choice){alisa_policy_name((AlisaPolicy)policy), policy, policy_help[policy]};
}
