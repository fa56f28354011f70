#include "options/options.h"

#include "alisa/tune.h"

/* DEVICE_COMMANDS take every flag that says how a session is made: their sessions all come from
 * alisa_cli_runtime_session_options. */
enum {
    TEXT_COMMANDS = COMMAND_GENERATE | COMMAND_CHAT,
    PASSAGE_COMMANDS = COMMAND_PERPLEXITY | COMMAND_RECALL | COMMAND_CHOICE,
    EVAL_COMMANDS = PASSAGE_COMMANDS | COMMAND_LOGPROBS,
    MODEL_COMMANDS = TEXT_COMMANDS | EVAL_COMMANDS | COMMAND_BENCH | COMMAND_TOKENIZE,
    DEVICE_COMMANDS = TEXT_COMMANDS | EVAL_COMMANDS | COMMAND_BENCH,
    ALL_COMMANDS = MODEL_COMMANDS | COMMAND_DEVICES | COMMAND_INSPECT | COMMAND_COMPLETION |
                   COMMAND_PLAN | COMMAND_TUNE,
};

static const Choice text_outputs[] = {
    {"text", OUTPUT_TEXT}, {"json", OUTPUT_JSON}, {"jsonl", OUTPUT_JSONL}, {0}};
static const Choice plain_outputs[] = {{"text", OUTPUT_TEXT}, {"json", OUTPUT_JSON}, {0}};
static const Choice report_outputs[] = {{"md", OUTPUT_MARKDOWN}, {"json", OUTPUT_JSON}, {0}};
static const Choice table_outputs[] = {{"md", OUTPUT_MARKDOWN}, {"csv", OUTPUT_CSV},
                                       {"json", OUTPUT_JSON},   {"jsonl", OUTPUT_JSONL},
                                       {"sql", OUTPUT_SQL},     {0}};
/* These are the library's and filled by alisa_cli_options; all but the policies begin with auto,
 * which is what the policy's authors do. */
static Choice attentions[ALISA_SELECT_KIND_COUNT + 2];
static Choice swa_lists[ALISA_SELECT_LISTS_COUNT + 2];
static Choice swa_scores[ALISA_SELECT_SCORES_COUNT + 2];
static Choice kv_types[ALISA_KV_TYPE_COUNT + 2];
static Choice policies[ALISA_POLICY_COUNT + 1];
static Choice efforts[ALISA_TUNE_EFFORT_COUNT + 1];
static const Choice schedules[] = {
    {"overlap", ALISA_SCHEDULE_OVERLAP}, {"paper", ALISA_SCHEDULE_PAPER}, {0}};
static const Choice recomputes[] = {{"auto", true}, {"off", false}, {0}};

/* Cards the ALISA paper measures with a link of 20 GB/s: GB/s of their own memory. */
static const Choice links[] = {{"v100", 900}, {"h100", 3350}, {0}};

#define FIELD(name)  offsetof(Settings, name)
#define MOST_TOKENS  2147483647.0
#define MOST_ROWS    1048576.0
#define MOST_BATCHES 65536.0

/* Spelling and defaults are llama.cpp's wherever it has the flag. */
static const Option options[] = {
    {"--model", "-m", OPTION_STRING, FIELD(model), "FILE", NULL, 0, 0, NULL,
     MODEL_COMMANDS | COMMAND_PLAN, "the model, a GGUF file"},
    {"--prompt", "-p", OPTION_STRING, FIELD(prompt), "TEXT", NULL, 0, 0, NULL,
     COMMAND_GENERATE | COMMAND_TOKENIZE | COMMAND_LOGPROBS, "the text to go on from"},
    {"--file", "-f", OPTION_STRING, FIELD(file), "FILE", NULL, 0, 0, NULL,
     COMMAND_GENERATE | COMMAND_TOKENIZE | COMMAND_PERPLEXITY,
     "read the text from a file, - is standard input"},
    {"--file", "-f", OPTION_STRING, FIELD(file), "FILE", NULL, 0, 0, NULL, COMMAND_RECALL,
     "the questions, JSON lines; recall.jsonl beside the model when absent"},
    {"--task", NULL, OPTION_STRING, FIELD(task), "FILE", NULL, 0, 0, NULL, COMMAND_CHOICE,
     "the items, JSON lines or an array: a form of lm-evaluation-harness, or query, choices, gold"},
    {"--shots", NULL, OPTION_INTEGER, FIELD(shots), "N", "0", 0, 1000, NULL, COMMAND_CHOICE,
     "solved items put before each one, drawn from the others"},
    {"--limit", NULL, OPTION_INTEGER, FIELD(limit), "N", "-1", -1, MOST_TOKENS, NULL,
     COMMAND_RECALL | COMMAND_CHOICE, "items to ask, -1 = all"},
    {"--documents", NULL, OPTION_FLAG, FIELD(documents), NULL, NULL, 0, 0, NULL, COMMAND_PERPLEXITY,
     "score each text between end tokens alone, whole, instead of chunks"},
    {"--kl-divergence", NULL, OPTION_FLAG, FIELD(kl_divergence), NULL, NULL, 0, 0, NULL,
     COMMAND_PERPLEXITY, "compare with dense attention and f16 keys and values"},
    {"--step-by-step", NULL, OPTION_FLAG, FIELD(step_by_step), NULL, NULL, 0, 0, NULL,
     PASSAGE_COMMANDS, "one token of each sequence at a time, as in generation"},
    {"--prompts", NULL, OPTION_STRING, FIELD(prompts), "FILE", NULL, 0, 0, NULL, COMMAND_GENERATE,
     "a prompt a line (blank ones are skipped), or JSON lines with \"prompt\""},
    {"--tokens", NULL, OPTION_INTEGERS, FIELD(tokens), "IDS", NULL, 0, MOST_TOKENS, NULL,
     COMMAND_LOGPROBS, "token ids instead of a text: 1,403,407"},
    {"--system-prompt", "-sys", OPTION_STRING, FIELD(system_prompt), "TEXT", NULL, 0, 0, NULL,
     COMMAND_CHAT, "first message of the conversation"},
    {"--chat-template", NULL, OPTION_STRING, FIELD(chat_template), "NAME", NULL, 0, 0, NULL,
     COMMAND_CHAT, "how turns are written, when the model does not say"},
    {"--predict", "-n", OPTION_INTEGER, FIELD(predict), "N", "-1", -1, MOST_TOKENS, NULL,
     TEXT_COMMANDS, "tokens to generate, -1 = until the text ends"},
    {"--predict", "-n", OPTION_INTEGER, FIELD(predict), "N", "0", 0, MOST_TOKENS, NULL,
     COMMAND_LOGPROBS, "tokens to generate greedily after the prompt"},
    {"--n-prompt", "-p", OPTION_INTEGERS, FIELD(prompt_lengths), "N", "512", 0, MOST_ROWS, NULL,
     COMMAND_BENCH, "prompt lengths to time"},
    {"--n-gen", "-n", OPTION_INTEGERS, FIELD(generate_lengths), "N", "128", 0, MOST_ROWS, NULL,
     COMMAND_BENCH, "numbers of generated tokens to time"},
    {"--n-depth", "-d", OPTION_INTEGERS, FIELD(depths), "N", "0", 0, MOST_ROWS, NULL, COMMAND_BENCH,
     "tokens already in the context"},
    {"--repetitions", "-r", OPTION_INTEGER, FIELD(repetitions), "N", "5", 1, 10000, NULL,
     COMMAND_BENCH, "times each test is run"},
    {"--suite", NULL, OPTION_FLAG, FIELD(suite), NULL, NULL, 0, 0, NULL, COMMAND_BENCH,
     "time kernels, copies and, with -m, the model, and write them to -o FILE.json for --report"},
    {"--changed", NULL, OPTION_STRING, FIELD(changed), "TEXT", NULL, 0, 0, NULL, COMMAND_BENCH,
     "with --suite: the one thing that is different from the run it is to be compared with"},
    {"--report", NULL, OPTION_FLAG, FIELD(report), NULL, NULL, 0, 0, NULL, COMMAND_BENCH,
     "compare what --suite wrote to the given files, as a page to -o FILE.html"},
    {"--ctx-size", "-c", OPTION_INTEGER, FIELD(context), "N", "0", 0, MOST_TOKENS, NULL,
     TEXT_COMMANDS | COMMAND_LOGPROBS, "tokens a sequence can hold, 0 = the model's"},
    {"--ctx-size", "-c", OPTION_INTEGER, FIELD(context), "N", "512", 3, MOST_ROWS, NULL,
     COMMAND_PERPLEXITY, "tokens of a chunk"},
    {"--chunks", NULL, OPTION_INTEGER, FIELD(chunks), "N", "-1", -1, MOST_TOKENS, NULL,
     COMMAND_PERPLEXITY, "chunks (or documents) to score, -1 = all"},
    {"--batch-size", "-b", OPTION_INTEGER, FIELD(batch_size), "N", "2048", 1, MOST_ROWS, NULL,
     TEXT_COMMANDS | EVAL_COMMANDS, "most tokens handed over at once"},
    {"--batch-size", "-b", OPTION_INTEGERS, FIELD(batch_sizes), "N", "2048", 1, MOST_ROWS, NULL,
     COMMAND_BENCH, "most tokens handed over at once"},
    {"--ubatch-size", "-ub", OPTION_INTEGER, FIELD(micro_batch), "N", "512", 1, MOST_ROWS, NULL,
     TEXT_COMMANDS | EVAL_COMMANDS, "most tokens computed at once"},
    {"--ubatch-size", "-ub", OPTION_INTEGERS, FIELD(micro_batches), "N", "512", 1, MOST_ROWS, NULL,
     COMMAND_BENCH, "most tokens computed at once"},
    {"--batch", NULL, OPTION_INTEGER, FIELD(batch), "N", "0", 0, MOST_BATCHES, NULL,
     COMMAND_GENERATE,
     "sequences generated together: copies of the prompt, or lines of --prompts (0 = 1, or all "
     "lines)"},
    {"--batch", NULL, OPTION_INTEGER, FIELD(batch), "N", "16", 1, MOST_BATCHES, NULL,
     PASSAGE_COMMANDS, "sequences evaluated together"},
    {"--batch", NULL, OPTION_INTEGERS, FIELD(batches), "N", "1", 1, MOST_BATCHES, NULL,
     COMMAND_BENCH, "sequences that advance together"},
    {"--seed", "-s", OPTION_INTEGER, FIELD(seed), "N", "-1", -1, 4294967295.0, NULL, TEXT_COMMANDS,
     "same seed, same text; -1 = a new one each time"},
    {"--seed", "-s", OPTION_INTEGER, FIELD(seed), "N", "1", 0, 4294967295.0, NULL, COMMAND_CHOICE,
     "same seed, same examples for --shots"},
    {"--temp", NULL, OPTION_REAL, FIELD(temperature), "X", "0.80", 0, 1000, NULL, TEXT_COMMANDS,
     "temperature, 0 = always the likeliest token"},
    {"--top-k", NULL, OPTION_INTEGER, FIELD(top_k), "N", "40", 0, MOST_TOKENS, NULL, TEXT_COMMANDS,
     "choose among the N likeliest tokens, 0 = all"},
    {"--top-p", NULL, OPTION_REAL, FIELD(top_p), "X", "0.95", 0, 1, NULL, TEXT_COMMANDS,
     "choose among the likeliest that together reach X, 1 = all"},
    {"--min-p", NULL, OPTION_REAL, FIELD(min_p), "X", "0.05", 0, 1, NULL, TEXT_COMMANDS,
     "drop tokens below X times the likeliest, 0 = none"},
    {"--repeat-penalty", NULL, OPTION_REAL, FIELD(repeat_penalty), "X", "1.00", 0.01, 1000, NULL,
     TEXT_COMMANDS, "make recent tokens less likely, 1 = off"},
    {"--repeat-last-n", NULL, OPTION_INTEGER, FIELD(repeat_last_n), "N", "64", -1, MOST_ROWS, NULL,
     TEXT_COMMANDS, "tokens the penalty looks at, -1 = all"},
    {"--ignore-eos", NULL, OPTION_FLAG, FIELD(ignore_eos), NULL, NULL, 0, 0, NULL, COMMAND_GENERATE,
     "go on when the model ends the text"},
    {"--no-display-prompt", NULL, OPTION_FLAG, FIELD(no_display_prompt), NULL, NULL, 0, 0, NULL,
     COMMAND_GENERATE, "print the generated text only"},
    {"--ids", NULL, OPTION_FLAG, FIELD(ids), NULL, NULL, 0, 0, NULL, COMMAND_TOKENIZE,
     "print the ids only: [1, 2, 3]"},
    {"--no-bos", NULL, OPTION_FLAG, FIELD(no_bos), NULL, NULL, 0, 0, NULL, COMMAND_TOKENIZE,
     "do not add the token that begins a text"},
    {"--cache-type-k", "-ctk", OPTION_CHOICE, FIELD(key_type), "TYPE", "auto", 0, 0, kv_types,
     DEVICE_COMMANDS | COMMAND_PLAN, "type of cached keys, auto = i8 for policy alisa, else f16"},
    {"--cache-type-v", "-ctv", OPTION_CHOICE, FIELD(value_type), "TYPE", "auto", 0, 0, kv_types,
     DEVICE_COMMANDS | COMMAND_PLAN, "type of cached values, likewise"},
    {"--attention", NULL, OPTION_CHOICE, FIELD(attention), "KIND", "auto", 0, 0, attentions,
     DEVICE_COMMANDS,
     "which tokens of the past a generated token attends to, auto = swa for policy alisa where "
     "the context does not fit on the device, h2o for h2o, else dense"},
    {"--kv-sparsity", NULL, OPTION_REAL, FIELD(kv_sparsity), "R", "0.80", 0, 0.99, NULL,
     DEVICE_COMMANDS | COMMAND_PLAN, "share of the past that sparse attention leaves out"},
    {"--kv-keep", NULL, OPTION_INTEGER, FIELD(kv_keep), "N", "-1", -1, MOST_TOKENS, NULL,
     DEVICE_COMMANDS | COMMAND_PLAN,
     "tokens that are kept at least: of short texts a share is too little; -1 = 32 "
     "with --policy alisa, else 0"},
    {"--swa-scores", NULL, OPTION_CHOICE, FIELD(swa_scores), "KIND", "auto", 0, 0, swa_scores,
     DEVICE_COMMANDS | COMMAND_PLAN,
     "what chooses the tokens: weights they got while kept, weights all of them got, or the "
     "query (auto: the query with --policy alisa, else the first)"},
    {"--swa-lists", NULL, OPTION_CHOICE, FIELD(swa_lists), "KIND", "auto", 0, 0, swa_lists,
     DEVICE_COMMANDS | COMMAND_PLAN,
     "who chooses: all heads of a layer together (auto), or each KV head"},
    {"--swa-sinks", NULL, OPTION_INTEGER, FIELD(swa_sinks), "N", "0", 0, MOST_ROWS, NULL,
     DEVICE_COMMANDS, "first tokens that are always kept, within the same budget"},
    {"--swa-window", NULL, OPTION_INTEGER, FIELD(swa_window), "N", "64", 0, MOST_ROWS, NULL,
     DEVICE_COMMANDS | COMMAND_PLAN,
     "past rows whose weights choose; 0 = as many as newest tokens are kept, as published, in "
     "memory "
     "that grows with the square of the context"},
    {"--stats", NULL, OPTION_FLAG, FIELD(stats), NULL, NULL, 0, 0, NULL,
     TEXT_COMMANDS | PASSAGE_COMMANDS,
     "count what sparse attention keeps: new picks, revivals, weights under 1 % of the largest"},
    {"--device", "-dev", OPTION_STRING, FIELD(device), "DEVICE", NULL, 0, 0, NULL,
     DEVICE_COMMANDS | COMMAND_TUNE,
     "index or part of the name of a device; the fastest when absent; all: tune and bench every "
     "one"},
    {"--device", "-dev", OPTION_STRING, FIELD(device), "DEVICE", NULL, 0, 0, NULL, COMMAND_PLAN,
     "in place of --profile: index or part of the name of a device, to be measured with -m"},
    {"--device-mem", NULL, OPTION_BUDGET, FIELD(device_memory), "SIZE", NULL, 0, 0, NULL,
     DEVICE_COMMANDS | COMMAND_PLAN,
     "memory to use on the device: 512M, 6G, or kv:0.33, weights and scratch and that share of "
     "what the whole context takes as f16; all of it when absent"},
    {"--host-mem", NULL, OPTION_SIZE, FIELD(host_memory), "SIZE", NULL, 0, 0, NULL, DEVICE_COMMANDS,
     "host memory for keys and values; half of what is free when absent"},
    {"--policy", NULL, OPTION_CHOICE, FIELD(policy), "NAME", "device", 0, 0, policies,
     DEVICE_COMMANDS & ~COMMAND_BENCH,
     "where keys and values are when the device cannot hold them all"},
    {"--policy", NULL, OPTION_STRING, FIELD(policies), "LIST", NULL, 0, 0, NULL, COMMAND_BENCH,
     "ways of placing keys and values to compare, prompts of -p and then -n tokens each: "
     "device,accelerate,flexgen,vllm,h2o,alisa"},
    {"--link-gbps", NULL, OPTION_RATE, FIELD(link), "G", NULL, 0, 0, links,
     DEVICE_COMMANDS | COMMAND_PLAN,
     "emulate a link of G GB/s between host and device, or one as slow beside this device's "
     "memory as theirs was"},
    {"--profile", NULL, OPTION_STRING, FIELD(profile), "DEVICE", NULL, 0, 0, NULL, COMMAND_PLAN,
     "the device: a published one (V100-32, H100-80, RX-7900-XTX ...) or a JSON file"},
    {"--model-shape", NULL, OPTION_STRING, FIELD(model_shape), "NAME", NULL, 0, 0, NULL,
     COMMAND_PLAN, "a published shape (opt-13b, llama-3-8b ...) in place of a model file"},
    {"--policy", NULL, OPTION_STRING, FIELD(policies), "LIST",
     "device,accelerate,flexgen,vllm,h2o,alisa", 0, 0, NULL, COMMAND_PLAN,
     "ways of placing keys and values to compare"},
    {"--batch", NULL, OPTION_INTEGERS, FIELD(batches), "N", "4,16,64", 1, 4096, NULL, COMMAND_PLAN,
     "sequences that advance together"},
    {"--n-prompt", "-p", OPTION_INTEGER, FIELD(plan_prompt), "N", "128", 1, MOST_ROWS, NULL,
     COMMAND_PLAN, "tokens of a prompt"},
    {"--n-gen", "-n", OPTION_INTEGER, FIELD(plan_generate), "N", "512", 1, MOST_ROWS, NULL,
     COMMAND_PLAN, "tokens to generate after it"},
    {"--ubatch-size", "-ub", OPTION_INTEGER, FIELD(micro_batch), "N", "512", 1, MOST_ROWS, NULL,
     COMMAND_PLAN, "most tokens computed at once"},
    {"--new-picks", NULL, OPTION_REAL, FIELD(new_picks), "R", "-1", -1, 1, NULL, COMMAND_PLAN,
     "share of the choices that are new in a step, -1 = what is usual"},
    {"--schedule", NULL, OPTION_CHOICE, FIELD(schedule), "MODE", "overlap", 0, 0, schedules,
     DEVICE_COMMANDS | COMMAND_PLAN,
     "copies beside the computation, or one after the other as in the paper"},
    {"--recompute", NULL, OPTION_CHOICE, FIELD(recompute), "MODE", "auto", 0, 0, recomputes,
     DEVICE_COMMANDS | COMMAND_PLAN,
     "whether keys and values may be computed from layer inputs (--policy alisa, not i8)"},
    {"--kv-inputs", NULL, OPTION_REAL, FIELD(inputs_share), "R", "-1", -1, 1, NULL,
     DEVICE_COMMANDS | COMMAND_PLAN,
     "share of what is on the host that is kept as layer inputs only, -1 = what pays"},
    {"--kv-host", NULL, OPTION_REAL, FIELD(host_share), "R", "-1", -1, 1, NULL,
     DEVICE_COMMANDS | COMMAND_PLAN,
     "share of the KV on the host for accelerate and flexgen, -1 = their own choice"},
    {"--host-mem", NULL, OPTION_SIZE, FIELD(host_memory), "SIZE", NULL, 0, 0, NULL, COMMAND_PLAN,
     "host memory for keys and values; the profile's, or half of what is free, when absent"},
    {"--scratch", NULL, OPTION_SIZE, FIELD(scratch), "SIZE", NULL, 0, 0, NULL, COMMAND_PLAN,
     "with --profile: device memory kept free of weights, keys and values; 1G when absent"},
    {"--save-profile", NULL, OPTION_STRING, FIELD(saved_profile), "FILE", NULL, 0, 0, NULL,
     COMMAND_PLAN, "with -dev, one policy and one batch: write what was measured, for --profile"},
    {"--chart", NULL, OPTION_STRING, FIELD(chart), "FILE", NULL, 0, 0, NULL, COMMAND_PLAN,
     "draw bytes and time over the length of the context, an SVG file"},
    {"--effort", NULL, OPTION_CHOICE, FIELD(effort), "LEVEL", "normal", 0, 0, efforts, COMMAND_TUNE,
     "how long to search: a minute, ten, or as long as anything helps"},
    {"--time-budget", NULL, OPTION_REAL, FIELD(time_budget), "SECONDS", "0", 0, 1e6, NULL,
     COMMAND_TUNE, "end the search after so long, 0 = what the effort stands for"},
    {"--kernel", NULL, OPTION_STRING, FIELD(kernel), "NAME", NULL, 0, 0, NULL, COMMAND_TUNE,
     "one kernel family alone, or one of its weight types: matvec, matvec.q8_0"},
    {"--export", NULL, OPTION_STRING, FIELD(export_file), "FILE", NULL, 0, 0, NULL, COMMAND_TUNE,
     "write what is used for the device to a file, without searching"},
    {"--import", NULL, OPTION_STRING, FIELD(import_file), "FILE", NULL, 0, 0, NULL, COMMAND_TUNE,
     "check a file that was exported and use it from now on, without searching"},
    {"--journal", NULL, OPTION_STRING, FIELD(journal), "FILE", NULL, 0, 0, NULL, COMMAND_TUNE,
     "where measurements are kept until the search is done; in the cache when absent"},
    {"--hang-after", NULL, OPTION_REAL, FIELD(hang_after), "SECONDS", "60", 1, 1e6, NULL,
     COMMAND_TUNE, "a candidate that takes longer is ended and left out"},
    {"--no-watch", NULL, OPTION_FLAG, FIELD(unwatched), NULL, NULL, 0, 0, NULL, COMMAND_TUNE,
     "search in this process: a driver that crashes ends it"},
    {"--list-devices", NULL, OPTION_REQUEST, FIELD(list_devices), NULL, NULL, 0, 0, NULL,
     DEVICE_COMMANDS | COMMAND_TUNE | COMMAND_PLAN, "print the devices and stop"},
    {"--output", "-o", OPTION_CHOICE, FIELD(output), "FORMAT", "text", 0, 0, text_outputs,
     COMMAND_GENERATE, "form of the output"},
    {"--output", "-o", OPTION_CHOICE, FIELD(output), "FORMAT", "text", 0, 0, plain_outputs,
     COMMAND_DEVICES | COMMAND_INSPECT | COMMAND_LOGPROBS | COMMAND_PERPLEXITY | COMMAND_PLAN,
     "form of the output"},
    {"--output", "-o", OPTION_CHOICE, FIELD(output), "FORMAT", "md", 0, 0, report_outputs,
     COMMAND_RECALL | COMMAND_CHOICE, "form of the output"},
    {"--output", "-o", OPTION_OUTPUT, FIELD(target), "FORMAT", "md", 0, 0, table_outputs,
     COMMAND_BENCH, "form of the output; FILE.json with --suite, FILE.html with --report"},
    {"--verbose", "-v", OPTION_FLAG, FIELD(verbose), NULL, NULL, 0, 0, NULL,
     DEVICE_COMMANDS | COMMAND_DEVICES | COMMAND_TUNE | COMMAND_PLAN, "say more on standard error"},
    {"--log-file", NULL, OPTION_STRING, FIELD(log_file), "FILE", NULL, 0, 0, NULL,
     DEVICE_COMMANDS | COMMAND_TUNE | COMMAND_PLAN,
     "append everything the engine reports to a file"},
    {"--help", "-h", OPTION_REQUEST, FIELD(help), NULL, NULL, 0, 0, NULL, ALL_COMMANDS,
     "print this and stop"},
    {"--version", NULL, OPTION_REQUEST, FIELD(version), NULL, NULL, 0, 0, NULL, ALL_COMMANDS,
     "print the version and stop"},
    {0},
};

static const char *const variables[] = {"ALISA_CACHE", "ALISA_KERNEL_DIR", "ALISA_BINARY",
                                        "ALISA_TEST_*", NULL};

const ArgumentTable *alisa_cli_options(void) {
    static const ArgumentTable table = {options, variables};
    kv_types[0] = attentions[0] = swa_lists[0] = swa_scores[0] = (Choice){"auto", -1};
    for (int type = 0; type < ALISA_KV_TYPE_COUNT; type++)
        kv_types[type + 1] = (Choice){alisa_kv_type_name((AlisaKvType)type), type};
    for (int kind = 0; kind < ALISA_SELECT_KIND_COUNT; kind++)
        attentions[kind + 1] = (Choice){alisa_select_kind_name((AlisaSelectKind)kind), kind};
    for (int lists = 0; lists < ALISA_SELECT_LISTS_COUNT; lists++)
        swa_lists[lists + 1] = (Choice){alisa_select_lists_name((AlisaSelectLists)lists), lists};
    for (int scores = 0; scores < ALISA_SELECT_SCORES_COUNT; scores++)
        swa_scores[scores + 1] =
            (Choice){alisa_select_scores_name((AlisaSelectScores)scores), scores};
    for (int effort = 0; effort < ALISA_TUNE_EFFORT_COUNT; effort++)
        efforts[effort] = (Choice){alisa_tune_effort_name((AlisaTuneEffort)effort), effort};
    for (int policy = 0; policy < ALISA_POLICY_COUNT; policy++)
        policies[policy] = (Choice){alisa_policy_name((AlisaPolicy)policy), policy};
    return &table;
}
