/* SPDX-License-Identifier: Apache-2.0 */
#include "options/command.h"

#include <string.h>

const Command alisa_cli_commands[] = {
    {.name = "generate",
     .bit = COMMAND_GENERATE,
     .summary = "write a text that continues a prompt",
     .description = "Streams a text to standard output until the model ends it, -n tokens are "
                    "generated or the "
                    "context is full. Several texts are generated side by side and printed in "
                    "order: --batch 8 "
                    "gives eight texts for one prompt, --prompts FILE one for each line of a file. "
                    "Timings and "
                    "memory are told on standard error.",
     .examples = {{"alisa generate -m model.gguf -p \"Once upon a time\" -n 200",
                   "one text of at most 200 tokens"},
                  {"alisa generate -m model.gguf --prompts prompts.txt --batch 16 -o jsonl",
                   "a text for each line of a file, 16 at a time, as JSON lines"},
                  {"alisa generate -m model.gguf -f long.txt --policy alisa --device-mem 6G",
                   "a context that needs more memory than the device has"}}},
    {.name = "chat",
     .bit = COMMAND_CHAT,
     .summary = "talk with a model",
     .description =
         "Reads a line, streams the model's reply, and so on until the input ends or a line is "
         "/exit. Lines between \"\"\" and \"\"\" are one message. /clear begins a new "
         "conversation. Ctrl-C stops the reply and ends the program.",
     .examples = {{"alisa chat -m model.gguf -sys \"You are brief.\"",
                   "a conversation that begins with an instruction"}}},
    {.name = "bench",
     .bit = COMMAND_BENCH,
     .operand = "FILE...",
     .summary = "time prompts and generation, and compare devices",
     .description =
         "Prints tokens per second in the form of llama-bench: ppN is a prompt of N tokens, tgN "
         "are "
         "N generated ones. Flags that take several numbers (-p 128,512) time every combination. "
         "--policy compares ways of keeping keys and values. --suite measures all that is worth "
         "comparing of a device, which takes minutes, and --report makes a page of up to eight "
         "files that --suite wrote.",
     .examples = {{"alisa bench -m model.gguf -p 512 -n 128 --batch 1,8",
                   "prompts and generation, of one sequence and of eight"},
                  {"alisa bench -m model.gguf --policy flexgen,vllm,alisa --device-mem kv:0.34",
                   "three policies with a third of the cache on the device"},
                  {"alisa bench --suite -m model.gguf -o a.json", "everything, for a comparison"},
                  {"alisa bench --report a.json b.json -o report.html", "the comparison"}}},
    {.name = "plan",
     .bit = COMMAND_PLAN,
     .summary = "predict speed and memory of a model on a device, at hand or not",
     .description =
         "Predicts, for each policy and number of sequences, tokens per second, where keys and "
         "values are and what limits the speed. The device is a published one, known by its data "
         "sheet (--profile), or one at hand, which is measured (-dev with -m). The model is a file "
         "or a published shape. In the table, p1 and p2 are the lengths at which tokens begin to "
         "go "
         "to the host and to be kept as inputs of layers; alpha and beta are their shares.",
     .examples = {{"alisa plan --model-shape opt-13b --profile V100-32",
                   "a model and a device that nobody has to own"},
                  {"alisa plan -m model.gguf -dev 0 --batch 16 --chart plan.svg",
                   "the device at hand, with a drawing"}}},
    {.name = "tune",
     .bit = COMMAND_TUNE,
     .summary = "find the kernel parameters that suit a device",
     .description =
         "Tries parameters of the kernels, checks that each computes what the host computes, times "
         "it, and keeps what is faster for all later runs on that device. The search goes on where "
         "it was interrupted. 'alisa devices -v' says which parameters are in use.",
     .examples = {{"alisa tune --effort quick", "a search of a minute"},
                  {"alisa tune --export tuned.json", "the parameters in use, as a file"}}},
    {.name = "devices",
     .bit = COMMAND_DEVICES,
     .summary = "list the OpenCL devices",
     .description = "Prints the devices that OpenCL drivers offer, with the index and the name by "
                    "which -dev chooses one, and why a device cannot be used.",
     .examples = {{"alisa devices -v", "with drivers, limits, capabilities and measured rates"}}},
    {.name = "inspect",
     .bit = COMMAND_INSPECT,
     .operand = "FILE",
     .summary = "say whether a GGUF file runs, and list its keys and tensors",
     .description = "Says whether a model file runs and if not, every reason; what it says of "
                    "itself, and the type, shape and size of its "
                    "tensors. Of a model that is split, any part will do.",
     .examples = {{"alisa inspect model.gguf", "the keys and tensors of a model"}}},
    {.name = "tokenize",
     .bit = COMMAND_TOKENIZE,
     .summary = "show the tokens of a text",
     .description =
         "Prints the tokens into which the model's tokenizer cuts a text, one a line. The "
         "model may be a file that holds a vocabulary only.",
     .examples = {{"alisa tokenize -m model.gguf -p \"Once upon\" --ids", "the ids alone"}}},
    {.name = "template",
     .bit = COMMAND_TEMPLATE,
     .summary = "print a conversation as the model's chat template writes it",
     .description =
         "Runs a chat template over messages and tools and prints the text that the model would be "
         "given, and nothing else. The template is that of the model's file, or a file.",
     .examples = {{"alisa template -m model.gguf --messages messages.json",
                   "what alisa chat would hand to the model"},
                  {"alisa template --chat-template-file template.jinja --messages messages.json "
                   "--tools tools.json --bos \"<s>\"",
                   "a template without a model"}}},
    {.name = "eval perplexity",
     .bit = COMMAND_PERPLEXITY,
     .summary = "measure how well a model predicts a text",
     .description =
         "Cuts the text into chunks of -c tokens and scores the second half of each, as llama.cpp "
         "does; with --documents each text between end tokens is scored from its first token on.",
     .examples = {{"alisa eval perplexity -m model.gguf -f text.txt", "the perplexity of a file"},
                  {"alisa eval perplexity -m model.gguf -f text.txt --kl-divergence -ctk q8_0 "
                   "-ctv q8_0",
                   "how far 8-bit keys and values change predictions"}}},
    {.name = "eval logprobs",
     .bit = COMMAND_LOGPROBS,
     .summary = "print the log-probabilities of tokens",
     .description = "Prints for each token of a prompt how likely the model found it, and the five "
                    "tokens it found likeliest at that place.",
     .examples = {{"alisa eval logprobs -m model.gguf -p \"Once upon a time\" -n 1",
                   "a prompt and the likeliest token after it"}}},
    {.name = "eval recall",
     .bit = COMMAND_RECALL,
     .summary = "ask for facts that were stated long before",
     .description = "Asks questions whose answers stand far back in a text. One counts as recalled "
                    "when the likeliest continuation is the whole answer.",
     .examples = {{"alisa eval recall -m model.gguf --policy alisa --step-by-step",
                   "what sparse attention remembers"}}},
    {.name = "eval choice",
     .bit = COMMAND_CHOICE,
     .summary = "answer multiple-choice questions by log-likelihood",
     .description = "Takes the choice that the model finds likeliest after the question, as "
                    "lm-evaluation-harness does: acc judges by likelihood, acc_norm by likelihood "
                    "a character.",
     .examples = {{"alisa eval choice -m model.gguf --task piqa.jsonl --shots 4",
                   "PIQA with four examples before each question"}}},
    {.name = "completion",
     .bit = COMMAND_COMPLETION,
     .operand = "SHELL",
     .summary = "print the completion script for bash, zsh or fish",
     .description =
         "Prints a script by which the shell completes commands, flags and their values. "
         "An installed alisa has brought the scripts along.",
     .examples = {{"source <(alisa completion bash)", "for the running bash, or zsh"},
                  {"alisa completion fish | source", "for the running fish"}}},
    {.name = "reference",
     .bit = COMMAND_REFERENCE,
     .operand = "COMMAND...",
     .summary = "print every command with its flags, as Markdown or manual pages",
     .description = "Prints the reference of all commands or of one, made from the table by which "
                    "the program reads its command line.",
     .examples = {{"alisa reference -o man generate | man -l -", "a page without installing it"}}},
    {0},
};

const CommandFamily alisa_cli_eval = {"eval", "measure how good a model is"};

const ExitCodeMeaning alisa_cli_exit_codes[] = {
    {EXIT_DONE, "done"},
    {EXIT_RUN_TIME, "something failed: a file, a model, a prompt that is longer than the context"},
    {EXIT_USAGE,
     "the call was wrong: a command, a flag, a value, a variable, text that is not UTF-8"},
    {EXIT_NO_DEVICE, "there is no usable device, or not enough memory"},
    {EXIT_INTERRUPTED,
     "Ctrl-C, which ends the program after the current token; a second one ends it "
     "at once"},
    {0, NULL},
};

const Command *alisa_cli_command_find(const char *const *words, size_t count, size_t *used) {
    for (const Command *command = alisa_cli_commands; command->name; command++) {
        const char *blank = strchr(command->name, ' ');
        size_t length = blank ? (size_t)(blank - command->name) : strlen(command->name);
        *used = blank ? 2 : 1;
        if (count < *used || strlen(words[0]) != length) continue;
        bool first = strncmp(words[0], command->name, length) == 0;
        if (first && (!blank || strcmp(words[1], blank + 1) == 0)) return command;
    }
    *used = 0;
    return NULL;
}
