/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every flag of every command, and the settings they fill.
 */
#ifndef ALISA_CLI_OPTIONS_OPTIONS_H
#define ALISA_CLI_OPTIONS_OPTIONS_H

#include "options/arguments.h"

enum {
    COMMAND_GENERATE = 1u << 0,
    COMMAND_CHAT = 1u << 1,
    COMMAND_BENCH = 1u << 2,
    COMMAND_DEVICES = 1u << 3,
    COMMAND_INSPECT = 1u << 4,
    COMMAND_TOKENIZE = 1u << 5,
    COMMAND_PERPLEXITY = 1u << 6,
    COMMAND_LOGPROBS = 1u << 7,
    COMMAND_RECALL = 1u << 8,
    COMMAND_CHOICE = 1u << 9,
    COMMAND_COMPLETION = 1u << 10,
    COMMAND_PLAN = 1u << 11,
    COMMAND_TUNE = 1u << 12,
    COMMAND_REFERENCE = 1u << 13,
    COMMAND_TEMPLATE = 1u << 14,
};

/* Headings of help, in order. */
typedef enum OptionGroup {
    GROUP_INPUT,
    GROUP_LENGTH,
    GROUP_SAMPLING,
    GROUP_DEVICE,
    GROUP_KV,
    GROUP_SEARCH,
    GROUP_OUTPUT,
} OptionGroup;

typedef enum OutputFormat {
    OUTPUT_TEXT,
    OUTPUT_JSON,
    OUTPUT_JSONL,
    OUTPUT_MARKDOWN,
    OUTPUT_CSV,
    OUTPUT_SQL,
    OUTPUT_MAN,
} OutputFormat;

typedef struct Settings {
    const char *operands[OPERAND_CAPACITY + 1]; /* the words without a dash; NULL ends them */
    const char *model, *device, *log_file, *prompt, *file, *prompts, *system_prompt, *chat_template;
    const char *task;
    const char *chat_template_file, *messages, *tools, *bos, *eos;
    bool jinja, no_generation_prompt;
    bool help, version, list_devices, verbose, ignore_eos, ids, no_bos, no_display_prompt;
    bool kl_divergence, step_by_step, documents, stats;
    int output;          /* OutputFormat; of alisa bench `target` is read instead */
    OutputTarget target; /* an OutputFormat or a file */
    bool report, suite;
    const char *folder; /* of alisa reference: where pages are written */
    const char *changed;
    /* AlisaKvType twice, AlisaSelectKind, AlisaSelectScores, AlisaSelectLists; -1: as the policy
     * has it, which runtime/policy.h knows. */
    int key_type, value_type, attention, swa_scores, swa_lists;
    int policy, schedule; /* AlisaPolicy, AlisaSchedule */
    const char *policies; /* names to compare, with commas between them */
    int64_t kv_keep, swa_sinks, swa_window;
    double kv_sparsity;
    MemoryBudget device_memory;
    uint64_t host_memory;
    TensorPlaces tensor_places;
    bool experts_on_host;          /* all of them */
    int64_t expert_layers_on_host; /* of so many layers, the first ones */
    NamedRate link; /* GB/s of the link; a choice is a card, by the GB/s of its memory */
    double host_share, inputs_share;
    int64_t predict, context, batch_size, micro_batch, batch, seed, chunks, shots, limit;
    int64_t top_k, repeat_last_n, repetitions;
    double temperature, top_p, min_p, repeat_penalty;
    /* alisa plan */
    const char *profile, *saved_profile, *model_shape, *chart;
    int recompute;
    int64_t plan_prompt, plan_generate;
    uint64_t scratch;
    double new_picks;
    /* alisa tune */
    int effort; /* AlisaTuneEffort */
    double time_budget, hang_after;
    const char *kernel, *export_file, *import_file, *journal;
    bool unwatched;
    IntegerList tokens;
    IntegerList prompt_lengths, generate_lengths, depths, batch_sizes, micro_batches, batches;
} Settings;

/* The table of all options. */
const ArgumentTable *alisa_cli_options(void);

/* The option of a command that follows `option` in the table, the first one after NULL; NULL at the
 * end. */
const Option *alisa_cli_option_next(uint32_t command, const Option *option);
/* The heading of a group: "Sampling". */
const char *alisa_cli_option_group(int group);

#endif
