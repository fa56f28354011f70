// SPDX-License-Identifier: Apache-2.0
// What llama.cpp makes of texts, as JSON, a line a text: its tokens, the log-probability of each after the first, and of
// PREDICT greedy ones the id, the log-probability and how far the next choice is behind. make_figures.py compiles and
// runs it; it is no part of the build.
//
//     llama_figures MODEL PREDICT FILE...
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "llama.h"

struct Choice {
    llama_token id;
    double log_probability, margin;
};

static double log_sum(const float *logits, int count) {
    double largest = *std::max_element(logits, logits + count), sum = 0.0;
    for (int i = 0; i < count; i++)
        sum += std::exp(logits[i] - largest);
    return largest + std::log(sum);
}

static Choice choose(const float *logits, int count) {
    int best = 0, second = 1;
    if (logits[second] > logits[best]) std::swap(best, second);
    for (int i = 2; i < count; i++) {
        if (logits[i] > logits[best]) {
            second = best;
            best = i;
        } else if (logits[i] > logits[second]) {
            second = i;
        }
    }
    return {best, logits[best] - log_sum(logits, count), double(logits[best]) - logits[second]};
}

static void decode(llama_context *context, const llama_token *tokens, int count, int position) {
    llama_batch batch = llama_batch_init(count, 0, 1);
    batch.n_tokens = count;
    for (int i = 0; i < count; i++) {
        batch.token[i] = tokens[i];
        batch.pos[i] = position + i;
        batch.n_seq_id[i] = 1;
        batch.seq_id[i][0] = 0;
        batch.logits[i] = 1;
    }
    if (llama_decode(context, batch) != 0) {
        std::fprintf(stderr, "llama_decode failed\n");
        std::exit(1);
    }
    llama_batch_free(batch);
}

static std::vector<llama_token> tokenize(const llama_vocab *vocabulary, const std::string &text) {
    std::vector<llama_token> tokens(text.size() + 8);
    int count = llama_tokenize(vocabulary, text.data(), int(text.size()), tokens.data(), int(tokens.size()), true, false);
    tokens.resize(size_t(count));
    return tokens;
}

static void print_figures(llama_model *model, const std::string &text, int predict) {
    const llama_vocab *vocabulary = llama_model_get_vocab(model);
    const int count = llama_vocab_n_tokens(vocabulary), step = 512;
    std::vector<llama_token> tokens = tokenize(vocabulary, text);
    llama_context_params parameters = llama_context_default_params();
    parameters.n_ctx = uint32_t(tokens.size()) + uint32_t(predict);
    parameters.n_batch = parameters.n_ubatch = step;
    parameters.type_k = parameters.type_v = GGML_TYPE_F32;
    parameters.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;
    parameters.n_threads = parameters.n_threads_batch = 1;
    llama_context *context = llama_init_from_model(model, parameters);

    std::vector<double> log_probabilities;
    Choice next = {};
    for (size_t begin = 0; begin < tokens.size(); begin += step) {
        int rows = int(std::min<size_t>(step, tokens.size() - begin));
        decode(context, &tokens[begin], rows, int(begin));
        for (int i = 0; i < rows; i++) {
            const float *logits = llama_get_logits_ith(context, i);
            if (begin + i + 1 < tokens.size())
                log_probabilities.push_back(logits[tokens[begin + i + 1]] - log_sum(logits, count));
            else
                next = choose(logits, count);
        }
    }
    std::printf("{\"tokens\": [");
    for (size_t i = 0; i < tokens.size(); i++)
        std::printf("%s%d", i ? ", " : "", tokens[i]);
    std::printf("], \"logprobs\": [");
    for (size_t i = 0; i < log_probabilities.size(); i++)
        std::printf("%s%.4f", i ? ", " : "", log_probabilities[i]);
    std::printf("], \"greedy\": [");
    for (int i = 0; i < predict; i++) {
        std::printf("%s[%d, %.4f, %.4f]", i ? ", " : "", next.id, next.log_probability, next.margin);
        decode(context, &next.id, 1, int(tokens.size()) + i);
        next = choose(llama_get_logits_ith(context, 0), count);
    }
    std::printf("]}\n");
    llama_free(context);
}

int main(int argument_count, char **arguments) {
    if (argument_count < 4) return 2;
    llama_log_set([](ggml_log_level level, const char *text, void *) {
        if (level == GGML_LOG_LEVEL_ERROR) std::fputs(text, stderr);
    }, nullptr);
    llama_model *model = llama_model_load_from_file(arguments[1], llama_model_default_params());
    if (!model) return 1;
    for (int i = 3; i < argument_count; i++) {
        std::ifstream file(arguments[i], std::ios::binary);
        print_figures(model, {std::istreambuf_iterator<char>(file), {}}, std::atoi(arguments[2]));
    }
    llama_model_free(model);
    return 0;
}
