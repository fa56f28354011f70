/* SPDX-License-Identifier: Apache-2.0 */
#include "options/options.h"

#include "options/choices.h"

#include "alisa/tune.h"

/* DEVICE_COMMANDS take every flag that says how a session is made: their sessions all come from
 * alisa_cli_session_choose. */
enum {
    TEXT_COMMANDS = COMMAND_GENERATE | COMMAND_CHAT,
    PASSAGE_COMMANDS = COMMAND_PERPLEXITY | COMMAND_RECALL | COMMAND_CHOICE,
    EVAL_COMMANDS = PASSAGE_COMMANDS | COMMAND_LOGPROBS,
    MODEL_COMMANDS =
        TEXT_COMMANDS | EVAL_COMMANDS | COMMAND_BENCH | COMMAND_TOKENIZE | COMMAND_TEMPLATE,
    DEVICE_COMMANDS = TEXT_COMMANDS | EVAL_COMMANDS | COMMAND_BENCH,
    ALL_COMMANDS = MODEL_COMMANDS | COMMAND_DEVICES | COMMAND_INSPECT | COMMAND_COMPLETION |
                   COMMAND_PLAN | COMMAND_TUNE | COMMAND_REFERENCE,
};

#define FIELD(name)  offsetof(Settings, name)
#define MOST_TOKENS  2147483647.0
#define MOST_ROWS    1048576.0
#define MOST_BATCHES 65536.0

/* Spelling and defaults are llama.cpp's wherever it has the flag. */
static const Option options[] = {
    {GROUP_INPUT, "--model", "-m", OPTION_STRING, FIELD(model), "FILE", NULL, 0, 0, NULL,
     MODEL_COMMANDS | COMMAND_PLAN, "the model, a GGUF file"},
    {GROUP_INPUT, "--model-shape", NULL, OPTION_STRING, FIELD(model_shape), "NAME", NULL, 0, 0,
     NULL, COMMAND_PLAN,
     "plan for a published model in place of a file: opt-6.7b, opt-13b, llama-3-8b and others"},
    {GROUP_INPUT, "--profile", NULL, OPTION_STRING, FIELD(profile), "DEVICE", NULL, 0, 0, NULL,
     COMMAND_PLAN,
     "plan for a published device (V100-32, H100-80, RX-7900-XTX and others), or for the one that "
     "a JSON file describes"},
    {GROUP_INPUT, "--prompt", "-p", OPTION_STRING, FIELD(prompt), "TEXT", NULL, 0, 0, NULL,
     COMMAND_GENERATE, "the text to continue"},
    {GROUP_INPUT, "--prompt", "-p", OPTION_STRING, FIELD(prompt), "TEXT", NULL, 0, 0, NULL,
     COMMAND_TOKENIZE | COMMAND_LOGPROBS, "the text"},
    {GROUP_INPUT, "--prompts", NULL, OPTION_STRING, FIELD(prompts), "FILE", NULL, 0, 0, NULL,
     COMMAND_GENERATE,
     "continue each line of a file (blank lines are skipped), or the \"prompt\" of each of its "
     "JSON lines"},
    {GROUP_INPUT, "--file", "-f", OPTION_STRING, FIELD(file), "FILE", NULL, 0, 0, NULL,
     COMMAND_GENERATE | COMMAND_TOKENIZE | COMMAND_PERPLEXITY,
     "read the text from a file; - is standard input"},
    {GROUP_INPUT, "--file", "-f", OPTION_STRING, FIELD(file), "FILE", NULL, 0, 0, NULL,
     COMMAND_RECALL, "the questions, JSON lines; recall.jsonl beside the model when absent"},
    {GROUP_INPUT, "--tokens", NULL, OPTION_INTEGERS, FIELD(tokens), "IDS", NULL, 0, MOST_TOKENS,
     NULL, COMMAND_LOGPROBS, "token ids in place of a text, such as 1,403,407"},
    {GROUP_INPUT, "--system-prompt", "-sys", OPTION_STRING, FIELD(system_prompt), "TEXT", NULL, 0,
     0, NULL, COMMAND_CHAT, "the first message of the conversation: how the model is to behave"},
    {GROUP_INPUT, "--chat-template", NULL, OPTION_STRING, FIELD(chat_template), "NAME", NULL, 0, 0,
     NULL, COMMAND_CHAT,
     "a template in place of the one in the model's file: a file, or one of chatml, command-r, "
     "gemma, granite, llama2, llama3, mistral, mistral-v1, mistral-v7, phi3, phi4, vicuna, zephyr"},
    {GROUP_INPUT, "--jinja", NULL, OPTION_FLAG, FIELD(jinja), NULL, NULL, 0, 0, NULL, COMMAND_CHAT,
     "accepted as llama.cpp's flag; a template is always run as it is written"},
    {GROUP_INPUT, "--chat-template-file", NULL, OPTION_STRING, FIELD(chat_template_file), "FILE",
     NULL, 0, 0, NULL, COMMAND_TEMPLATE, "a template in place of the one in the model's file"},
    {GROUP_INPUT, "--messages", NULL, OPTION_STRING, FIELD(messages), "FILE", NULL, 0, 0, NULL,
     COMMAND_TEMPLATE,
     "the conversation: a JSON array of objects with \"role\" and \"content\"; - is standard "
     "input"},
    {GROUP_INPUT, "--tools", NULL, OPTION_STRING, FIELD(tools), "FILE", NULL, 0, 0, NULL,
     COMMAND_TEMPLATE, "the tools that the model may call: a JSON array of objects"},
    {GROUP_INPUT, "--bos", NULL, OPTION_STRING, FIELD(bos), "TEXT", NULL, 0, 0, NULL,
     COMMAND_TEMPLATE, "the token that begins a text; that of the model when absent"},
    {GROUP_INPUT, "--eos", NULL, OPTION_STRING, FIELD(eos), "TEXT", NULL, 0, 0, NULL,
     COMMAND_TEMPLATE, "the token that ends a text; that of the model when absent"},
    {GROUP_INPUT, "--no-generation-prompt", NULL, OPTION_FLAG, FIELD(no_generation_prompt), NULL,
     NULL, 0, 0, NULL, COMMAND_TEMPLATE, "do not begin the assistant's next message at the end"},
    {GROUP_INPUT, "--task", NULL, OPTION_STRING, FIELD(task), "FILE", NULL, 0, 0, NULL,
     COMMAND_CHOICE,
     "the items, JSON lines or one array, in the form that lm-evaluation-harness gives PIQA, "
     "WinoGrande, OpenBookQA, ARC or COPA, or with \"query\", \"choices\" and \"gold\""},
    {GROUP_INPUT, "--shots", NULL, OPTION_INTEGER, FIELD(shots), "N", "0", 0, 1000, NULL,
     COMMAND_CHOICE, "solved items shown before each one, drawn from the others"},
    {GROUP_INPUT, "--seed", "-s", OPTION_INTEGER, FIELD(seed), "N", "1", 0, 4294967295.0, NULL,
     COMMAND_CHOICE, "which items --shots draws; the same seed draws the same"},
    {GROUP_INPUT, "--limit", NULL, OPTION_INTEGER, FIELD(limit), "N", "-1", -1, MOST_TOKENS, NULL,
     COMMAND_RECALL | COMMAND_CHOICE, "items to ask; -1 = all"},
    {GROUP_INPUT, "--chunks", NULL, OPTION_INTEGER, FIELD(chunks), "N", "-1", -1, MOST_TOKENS, NULL,
     COMMAND_PERPLEXITY, "chunks to score, or texts with --documents; -1 = all"},
    {GROUP_INPUT, "--documents", NULL, OPTION_FLAG, FIELD(documents), NULL, NULL, 0, 0, NULL,
     COMMAND_PERPLEXITY,
     "score each text between end tokens by itself, from its first token on, in place of chunks"},
    {GROUP_INPUT, "--kl-divergence", NULL, OPTION_FLAG, FIELD(kl_divergence), NULL, NULL, 0, 0,
     NULL, COMMAND_PERPLEXITY,
     "compare every prediction with that of dense attention over keys and values in f16"},
    {GROUP_INPUT, "--step-by-step", NULL, OPTION_FLAG, FIELD(step_by_step), NULL, NULL, 0, 0, NULL,
     PASSAGE_COMMANDS, "feed one token of each sequence at a time, as generation does"},
    {GROUP_INPUT, "--suite", NULL, OPTION_FLAG, FIELD(suite), NULL, NULL, 0, 0, NULL, COMMAND_BENCH,
     "time kernels, copies and, with -m, the model, and write all of it to -o FILE.json"},
    {GROUP_INPUT, "--changed", NULL, OPTION_STRING, FIELD(changed), "TEXT", NULL, 0, 0, NULL,
     COMMAND_BENCH,
     "with --suite: the one thing that is different from the run it is to be compared with"},
    {GROUP_INPUT, "--report", NULL, OPTION_FLAG, FIELD(report), NULL, NULL, 0, 0, NULL,
     COMMAND_BENCH, "compare the files that --suite wrote, as a page: -o FILE.html"},
    {GROUP_INPUT, "--repetitions", "-r", OPTION_INTEGER, FIELD(repetitions), "N", "5", 1, 10000,
     NULL, COMMAND_BENCH, "times each test is run"},
    {GROUP_LENGTH, "--predict", "-n", OPTION_INTEGER, FIELD(predict), "N", "-1", -1, MOST_TOKENS,
     NULL, TEXT_COMMANDS, "tokens to generate; -1 = until the model ends the text"},
    {GROUP_LENGTH, "--predict", "-n", OPTION_INTEGER, FIELD(predict), "N", "0", 0, MOST_TOKENS,
     NULL, COMMAND_LOGPROBS, "likeliest tokens to append to the prompt and to score, too"},
    {GROUP_LENGTH, "--n-prompt", "-p", OPTION_INTEGERS, FIELD(prompt_lengths), "N", "512", 0,
     MOST_ROWS, NULL, COMMAND_BENCH, "lengths of the prompts to time, in tokens; 0 = none"},
    {GROUP_LENGTH, "--n-prompt", "-p", OPTION_INTEGER, FIELD(plan_prompt), "N", "128", 1, MOST_ROWS,
     NULL, COMMAND_PLAN, "tokens of a prompt"},
    {GROUP_LENGTH, "--n-gen", "-n", OPTION_INTEGERS, FIELD(generate_lengths), "N", "128", 0,
     MOST_ROWS, NULL, COMMAND_BENCH, "numbers of tokens to generate and time; 0 = none"},
    {GROUP_LENGTH, "--n-gen", "-n", OPTION_INTEGER, FIELD(plan_generate), "N", "512", 1, MOST_ROWS,
     NULL, COMMAND_PLAN, "tokens to generate after it"},
    {GROUP_LENGTH, "--n-depth", "-d", OPTION_INTEGERS, FIELD(depths), "N", "0", 0, MOST_ROWS, NULL,
     COMMAND_BENCH, "tokens in the context before those that are timed"},
    {GROUP_LENGTH, "--ctx-size", "-c", OPTION_INTEGER, FIELD(context), "N", "0", 0, MOST_TOKENS,
     NULL, TEXT_COMMANDS | COMMAND_LOGPROBS,
     "tokens a sequence can hold; 0 = as many as the model was trained with"},
    {GROUP_LENGTH, "--ctx-size", "-c", OPTION_INTEGER, FIELD(context), "N", "512", 3, MOST_ROWS,
     NULL, COMMAND_PERPLEXITY, "tokens of a chunk"},
    {GROUP_LENGTH, "--batch", NULL, OPTION_INTEGER, FIELD(batch), "N", "0", 0, MOST_BATCHES, NULL,
     COMMAND_GENERATE,
     "sequences generated together: copies of the prompt, or lines of --prompts; 0 = one copy, or "
     "all lines"},
    {GROUP_LENGTH, "--batch", NULL, OPTION_INTEGER, FIELD(batch), "N", "16", 1, MOST_BATCHES, NULL,
     PASSAGE_COMMANDS, "sequences evaluated together"},
    {GROUP_LENGTH, "--batch", NULL, OPTION_INTEGERS, FIELD(batches), "N", "1", 1, MOST_BATCHES,
     NULL, COMMAND_BENCH, "sequences that advance together"},
    {GROUP_LENGTH, "--batch", NULL, OPTION_INTEGERS, FIELD(batches), "N", "4,16,64", 1, 4096, NULL,
     COMMAND_PLAN, "sequences that advance together"},
    {GROUP_LENGTH, "--batch-size", "-b", OPTION_INTEGER, FIELD(batch_size), "N", "2048", 1,
     MOST_ROWS, NULL, TEXT_COMMANDS | EVAL_COMMANDS, "most tokens handed over in one call"},
    {GROUP_LENGTH, "--batch-size", "-b", OPTION_INTEGERS, FIELD(batch_sizes), "N", "2048", 1,
     MOST_ROWS, NULL, COMMAND_BENCH, "most tokens handed over in one call"},
    {GROUP_LENGTH, "--ubatch-size", "-ub", OPTION_INTEGER, FIELD(micro_batch), "N", "512", 1,
     MOST_ROWS, NULL, TEXT_COMMANDS | EVAL_COMMANDS | COMMAND_PLAN,
     "most tokens computed in one step"},
    {GROUP_LENGTH, "--ubatch-size", "-ub", OPTION_INTEGERS, FIELD(micro_batches), "N", "512", 1,
     MOST_ROWS, NULL, COMMAND_BENCH, "most tokens computed in one step"},
    {GROUP_SAMPLING, "--seed", "-s", OPTION_INTEGER, FIELD(seed), "N", "-1", -1, 4294967295.0, NULL,
     TEXT_COMMANDS, "the same seed gives the same text; -1 = a new one each time"},
    {GROUP_SAMPLING, "--temp", NULL, OPTION_REAL, FIELD(temperature), "X", "0.80", 0, 1000, NULL,
     TEXT_COMMANDS, "how freely tokens are chosen; 0 = always the likeliest one"},
    {GROUP_SAMPLING, "--top-k", NULL, OPTION_INTEGER, FIELD(top_k), "N", "40", 0, MOST_TOKENS, NULL,
     TEXT_COMMANDS, "choose among the N likeliest tokens; 0 = all"},
    {GROUP_SAMPLING, "--top-p", NULL, OPTION_REAL, FIELD(top_p), "X", "0.95", 0, 1, NULL,
     TEXT_COMMANDS, "choose among the likeliest tokens that together reach probability X; 1 = all"},
    {GROUP_SAMPLING, "--min-p", NULL, OPTION_REAL, FIELD(min_p), "X", "0.05", 0, 1, NULL,
     TEXT_COMMANDS, "drop tokens less likely than X times the likeliest; 0 = none"},
    {GROUP_SAMPLING, "--repeat-penalty", NULL, OPTION_REAL, FIELD(repeat_penalty), "X", "1.00",
     0.01, 1000, NULL, TEXT_COMMANDS, "make recent tokens less likely; 1 = do not"},
    {GROUP_SAMPLING, "--repeat-last-n", NULL, OPTION_INTEGER, FIELD(repeat_last_n), "N", "64", -1,
     MOST_ROWS, NULL, TEXT_COMMANDS, "recent tokens that --repeat-penalty looks at; -1 = all"},
    {GROUP_SAMPLING, "--ignore-eos", NULL, OPTION_FLAG, FIELD(ignore_eos), NULL, NULL, 0, 0, NULL,
     COMMAND_GENERATE, "never choose a token that ends the text"},
    {GROUP_DEVICE, "--device", "-dev", OPTION_STRING, FIELD(device), "DEVICE", NULL, 0, 0, NULL,
     DEVICE_COMMANDS & ~COMMAND_BENCH,
     "the device: its index or a part of its name, see 'alisa devices'; the fastest when absent"},
    {GROUP_DEVICE, "--device", "-dev", OPTION_STRING, FIELD(device), "DEVICE", NULL, 0, 0, NULL,
     COMMAND_BENCH | COMMAND_TUNE,
     "the device: its index or a part of its name, see 'alisa devices'; all = every device in "
     "turn; the fastest when absent"},
    {GROUP_DEVICE, "--device", "-dev", OPTION_STRING, FIELD(device), "DEVICE", NULL, 0, 0, NULL,
     COMMAND_PLAN,
     "in place of --profile, a device at hand, which is measured with -m: its index or a part of "
     "its name, see 'alisa devices'"},
    {GROUP_DEVICE, "--device-mem", NULL, OPTION_BUDGET, FIELD(device_memory), "SIZE", NULL, 0, 0,
     NULL, DEVICE_COMMANDS | COMMAND_PLAN,
     "device memory to use: a size such as 512M or 6G, or kv:0.33 = weights, scratch and that "
     "share of what keys and values of the whole context take in f16; all of it when absent"},
    {GROUP_DEVICE, "--host-mem", NULL, OPTION_SIZE, FIELD(host_memory), "SIZE", NULL, 0, 0, NULL,
     DEVICE_COMMANDS, "host memory for keys and values; half of what is free when absent"},
    {GROUP_DEVICE, "--host-mem", NULL, OPTION_SIZE, FIELD(host_memory), "SIZE", NULL, 0, 0, NULL,
     COMMAND_PLAN,
     "host memory for keys and values; that of --profile, or half of what is free, when absent"},
    {GROUP_DEVICE, "--scratch", NULL, OPTION_SIZE, FIELD(scratch), "SIZE", NULL, 0, 0, NULL,
     COMMAND_PLAN,
     "with --profile: device memory kept free of weights, keys and values; 1G when absent"},
    {GROUP_DEVICE, "--link-gbps", NULL, OPTION_RATE, FIELD(link), "G", NULL, 0, 0, alisa_cli_links,
     DEVICE_COMMANDS | COMMAND_PLAN,
     "slow copies between host and device down to G GB/s each way, for devices that share the "
     "host's memory; a card's name stands for a link as slow beside this device's memory as one of "
     "20 GB/s is beside that card's"},
    {GROUP_DEVICE, "--list-devices", NULL, OPTION_REQUEST, FIELD(list_devices), NULL, NULL, 0, 0,
     NULL, DEVICE_COMMANDS | COMMAND_TUNE | COMMAND_PLAN, "print the devices and stop"},
    {GROUP_KV, "--policy", NULL, OPTION_CHOICE, FIELD(policy), "NAME", "device", 0, 0,
     alisa_cli_policies, DEVICE_COMMANDS & ~COMMAND_BENCH,
     "where keys and values are kept when the device cannot hold them all"},
    {GROUP_KV, "--policy", NULL, OPTION_STRING, FIELD(policies), "LIST", NULL, 0, 0, NULL,
     COMMAND_BENCH,
     "compare ways of keeping keys and values, with prompts of -p and then -n tokens: some of "
     "device,accelerate,flexgen,vllm,h2o,alisa"},
    {GROUP_KV, "--policy", NULL, OPTION_STRING, FIELD(policies), "LIST",
     "device,accelerate,flexgen,vllm,h2o,alisa", 0, 0, NULL, COMMAND_PLAN,
     "ways of keeping keys and values to compare"},
    {GROUP_KV, "--cache-type-k", "-ctk", OPTION_CHOICE, FIELD(key_type), "TYPE", "auto", 0, 0,
     alisa_cli_kv_types, DEVICE_COMMANDS | COMMAND_PLAN,
     "type of the cached keys; auto = i8 with policy alisa, else f16"},
    {GROUP_KV, "--cache-type-v", "-ctv", OPTION_CHOICE, FIELD(value_type), "TYPE", "auto", 0, 0,
     alisa_cli_kv_types, DEVICE_COMMANDS | COMMAND_PLAN,
     "type of the cached values; auto = i8 with policy alisa, else f16"},
    {GROUP_KV, "--attention", NULL, OPTION_CHOICE, FIELD(attention), "KIND", "auto", 0, 0,
     alisa_cli_attentions, DEVICE_COMMANDS,
     "which earlier tokens a generated token attends to; auto = swa with policy alisa where the "
     "context does not fit on the device, h2o with policy h2o, else dense"},
    {GROUP_KV, "--kv-sparsity", NULL, OPTION_REAL, FIELD(kv_sparsity), "R", "0.80", 0, 0.99, NULL,
     DEVICE_COMMANDS | COMMAND_PLAN,
     "share of the earlier tokens that sparse attention leaves out"},
    {GROUP_KV, "--kv-keep", NULL, OPTION_INTEGER, FIELD(kv_keep), "N", "-1", -1, MOST_TOKENS, NULL,
     DEVICE_COMMANDS | COMMAND_PLAN,
     "tokens that sparse attention keeps at least, which matters in short texts; -1 = 32 with "
     "policy alisa, else 0"},
    {GROUP_KV, "--swa-scores", NULL, OPTION_CHOICE, FIELD(swa_scores), "KIND", "auto", 0, 0,
     alisa_cli_swa_scores, DEVICE_COMMANDS | COMMAND_PLAN,
     "by what attention swa chooses tokens; auto = query with policy alisa, else sparse"},
    {GROUP_KV, "--swa-lists", NULL, OPTION_CHOICE, FIELD(swa_lists), "KIND", "auto", 0, 0,
     alisa_cli_swa_lists, DEVICE_COMMANDS | COMMAND_PLAN,
     "which heads choose together; auto = layer"},
    {GROUP_KV, "--swa-sinks", NULL, OPTION_INTEGER, FIELD(swa_sinks), "N", "0", 0, MOST_ROWS, NULL,
     DEVICE_COMMANDS,
     "first tokens of a text that are always kept; they count among those that sparsity leaves"},
    {GROUP_KV, "--swa-window", NULL, OPTION_INTEGER, FIELD(swa_window), "N", "64", 0, MOST_ROWS,
     NULL, DEVICE_COMMANDS | COMMAND_PLAN,
     "past steps whose attention chooses; 0 = as many as newest tokens are kept, as published, in "
     "memory that grows with the square of the context"},
    {GROUP_KV, "--schedule", NULL, OPTION_CHOICE, FIELD(schedule), "MODE", "overlap", 0, 0,
     alisa_cli_schedules, DEVICE_COMMANDS | COMMAND_PLAN,
     "when copies between host and device run"},
    {GROUP_KV, "--recompute", NULL, OPTION_CHOICE, FIELD(recompute), "MODE", "auto", 0, 0,
     alisa_cli_recomputes, DEVICE_COMMANDS | COMMAND_PLAN,
     "whether policy alisa may keep inputs of layers in place of keys and values, and compute "
     "those again; never with i8"},
    {GROUP_KV, "--kv-inputs", NULL, OPTION_REAL, FIELD(inputs_share), "R", "-1", -1, 1, NULL,
     DEVICE_COMMANDS | COMMAND_PLAN,
     "with --recompute: share of the tokens on the host that are kept as inputs of layers; -1 = "
     "what pays"},
    {GROUP_KV, "--kv-host", NULL, OPTION_REAL, FIELD(host_share), "R", "-1", -1, 1, NULL,
     DEVICE_COMMANDS | COMMAND_PLAN,
     "share of keys and values on the host with policy accelerate or flexgen; -1 = what the policy "
     "chooses"},
    {GROUP_KV, "--new-picks", NULL, OPTION_REAL, FIELD(new_picks), "R", "-1", -1, 1, NULL,
     COMMAND_PLAN,
     "share of the chosen tokens that the step before did not choose; -1 = what is usual"},
    {GROUP_SEARCH, "--effort", NULL, OPTION_CHOICE, FIELD(effort), "LEVEL", "normal", 0, 0,
     alisa_cli_efforts, COMMAND_TUNE, "how long to search"},
    {GROUP_SEARCH, "--time-budget", NULL, OPTION_REAL, FIELD(time_budget), "SECONDS", "0", 0, 1e6,
     NULL, COMMAND_TUNE, "end the search after so long; 0 = what the effort stands for"},
    {GROUP_SEARCH, "--kernel", NULL, OPTION_STRING, FIELD(kernel), "NAME", NULL, 0, 0, NULL,
     COMMAND_TUNE,
     "tune one family of kernels alone, or one of its weight types: matvec, matvec.q8_0"},
    {GROUP_SEARCH, "--export", NULL, OPTION_STRING, FIELD(export_file), "FILE", NULL, 0, 0, NULL,
     COMMAND_TUNE, "write the parameters in use for the device to a file, without a search"},
    {GROUP_SEARCH, "--import", NULL, OPTION_STRING, FIELD(import_file), "FILE", NULL, 0, 0, NULL,
     COMMAND_TUNE, "check a file that was exported, and use it from now on, without a search"},
    {GROUP_SEARCH, "--journal", NULL, OPTION_STRING, FIELD(journal), "FILE", NULL, 0, 0, NULL,
     COMMAND_TUNE,
     "where measurements are kept until the search is done, so that it can be interrupted; in the "
     "cache folder when absent"},
    {GROUP_SEARCH, "--hang-after", NULL, OPTION_REAL, FIELD(hang_after), "SECONDS", "60", 1, 1e6,
     NULL, COMMAND_TUNE, "leave out a candidate that takes longer"},
    {GROUP_SEARCH, "--no-watch", NULL, OPTION_FLAG, FIELD(unwatched), NULL, NULL, 0, 0, NULL,
     COMMAND_TUNE, "search in this process: a driver that crashes ends it"},
    {GROUP_OUTPUT, "--output", "-o", OPTION_CHOICE, FIELD(output), "FORMAT", "text", 0, 0,
     alisa_cli_text_outputs, COMMAND_GENERATE, "form of the output"},
    {GROUP_OUTPUT, "--output", "-o", OPTION_CHOICE, FIELD(output), "FORMAT", "text", 0, 0,
     alisa_cli_plain_outputs,
     COMMAND_DEVICES | COMMAND_INSPECT | COMMAND_LOGPROBS | COMMAND_PERPLEXITY | COMMAND_PLAN,
     "form of the output"},
    {GROUP_OUTPUT, "--output", "-o", OPTION_CHOICE, FIELD(output), "FORMAT", "md", 0, 0,
     alisa_cli_report_outputs, COMMAND_RECALL | COMMAND_CHOICE, "form of the output"},
    {GROUP_OUTPUT, "--output", "-o", OPTION_OUTPUT, FIELD(target), "FORMAT", "md", 0, 0,
     alisa_cli_table_outputs, COMMAND_BENCH,
     "form of the output; with --suite FILE.json, with --report FILE.html"},
    {GROUP_OUTPUT, "--output", "-o", OPTION_CHOICE, FIELD(output), "FORMAT", "md", 0, 0,
     alisa_cli_reference_outputs, COMMAND_REFERENCE, "form of the reference"},
    {GROUP_OUTPUT, "--folder", NULL, OPTION_STRING, FIELD(folder), "FOLDER", NULL, 0, 0, NULL,
     COMMAND_REFERENCE,
     "with -o man: write the pages of the program and of all commands into a folder, as alisa.1 "
     "and alisa-COMMAND.1"},
    {GROUP_OUTPUT, "--no-display-prompt", NULL, OPTION_FLAG, FIELD(no_display_prompt), NULL, NULL,
     0, 0, NULL, COMMAND_GENERATE, "print the generated text without the prompt"},
    {GROUP_OUTPUT, "--ids", NULL, OPTION_FLAG, FIELD(ids), NULL, NULL, 0, 0, NULL, COMMAND_TOKENIZE,
     "print the ids alone: [1, 2, 3]"},
    {GROUP_OUTPUT, "--no-bos", NULL, OPTION_FLAG, FIELD(no_bos), NULL, NULL, 0, 0, NULL,
     COMMAND_TOKENIZE, "do not add the token that begins a text"},
    {GROUP_OUTPUT, "--save-profile", NULL, OPTION_STRING, FIELD(saved_profile), "FILE", NULL, 0, 0,
     NULL, COMMAND_PLAN,
     "with -dev, one policy and one batch: write what was measured to a file for --profile"},
    {GROUP_OUTPUT, "--chart", NULL, OPTION_STRING, FIELD(chart), "FILE", NULL, 0, 0, NULL,
     COMMAND_PLAN, "draw bytes and time over the length of the context, to an SVG file"},
    {GROUP_OUTPUT, "--stats", NULL, OPTION_FLAG, FIELD(stats), NULL, NULL, 0, 0, NULL,
     TEXT_COMMANDS | PASSAGE_COMMANDS,
     "say what sparse attention kept: the share of tokens, how many were chosen anew and how many "
     "came back, and the share of small weights"},
    {GROUP_OUTPUT, "--verbose", "-v", OPTION_FLAG, FIELD(verbose), NULL, NULL, 0, 0, NULL,
     (DEVICE_COMMANDS & ~COMMAND_CHAT) | COMMAND_TUNE | COMMAND_PLAN, "say more on standard error"},
    {GROUP_OUTPUT, "--verbose", "-v", OPTION_FLAG, FIELD(verbose), NULL, NULL, 0, 0, NULL,
     COMMAND_CHAT, "say more on standard error, and show each prompt as the template writes it"},
    {GROUP_OUTPUT, "--verbose", "-v", OPTION_FLAG, FIELD(verbose), NULL, NULL, 0, 0, NULL,
     COMMAND_DEVICES, "print what is known of each device"},
    {GROUP_OUTPUT, "--log-file", NULL, OPTION_STRING, FIELD(log_file), "FILE", NULL, 0, 0, NULL,
     DEVICE_COMMANDS | COMMAND_TUNE | COMMAND_PLAN, "append all that the engine reports to a file"},
    {GROUP_OUTPUT, "--help", "-h", OPTION_REQUEST, FIELD(help), NULL, NULL, 0, 0, NULL,
     ALL_COMMANDS, "print the flags and stop"},
    {GROUP_OUTPUT, "--version", NULL, OPTION_REQUEST, FIELD(version), NULL, NULL, 0, 0, NULL,
     ALL_COMMANDS, "print the version and stop"},
    {0},
};

static const EnvironmentVariable variables[] = {
    {"ALISA_CACHE", "folder for compiled kernels, self-test records, measured rates and tuned "
                    "parameters; $XDG_CACHE_HOME/alisa or ~/.cache/alisa when absent. Deleting it "
                    "is safe."},
    {"ALISA_KERNEL_DIR", "folder whose kernel sources are used in place of those of the same names "
                         "inside the program: for those who develop kernels."},
    {"ALISA_BINARY", NULL},
    {"ALISA_TEST_*", NULL},
    {0},
};

const char *alisa_cli_option_group(int group) {
    static const char *const titles[] = {
        [GROUP_INPUT] = "Input",        [GROUP_LENGTH] = "Length and batches",
        [GROUP_SAMPLING] = "Sampling",  [GROUP_DEVICE] = "Device and memory",
        [GROUP_KV] = "Keys and values", [GROUP_SEARCH] = "Search",
        [GROUP_OUTPUT] = "Output",
    };
    return titles[group];
}

const Option *alisa_cli_option_next(uint32_t command, const Option *option) {
    option = option ? option + 1 : alisa_cli_options()->options;
    while (option->name && !(option->commands & command))
        option++;
    return option->name ? option : NULL;
}

const ArgumentTable *alisa_cli_options(void) {
    static const ArgumentTable table = {options, variables};
    alisa_cli_choices_fill();
    return &table;
}
