/*
 * alisa eval perplexity, by llama.cpp's method: the text in chunks of -c tokens, each scored on its
 * second half, so that every scored token has at least half a chunk before it.
 */
#include "runtime.h"

#include <math.h>
#include <stdlib.h>

typedef struct Score {
    double sum, sum_of_squares; /* of negative log-probabilities */
    uint64_t count;
} Score;

/* Logits of one call: enough rows to keep the device busy, and never more than 64 MiB of them. */
static uint32_t rows_at_once(const Runtime *runtime, uint32_t scored) {
    uint64_t limit = (64u << 20) / (runtime->info.vocabulary_size * sizeof(float) + 1);
    if (limit > (uint64_t)runtime->settings->batch_size) {
        limit = (uint64_t)runtime->settings->batch_size;
    }
    if (limit < 1) limit = 1;
    return limit < scored ? (uint32_t)limit : scored;
}

static AlisaStatus score_chunk(Runtime *runtime, const int32_t *ids, uint32_t size, AlisaRow *rows,
                               uint32_t piece, Score *score, AlisaError *error) {
    uint32_t first = size / 2;
    AlisaSession *session = runtime->session;
    alisa_session_truncate(session, 0, 0);
    AlisaStatus status = alisa_cli_runtime_append(runtime, 0, ids, first, false, error);
    /* The last token predicts nothing that is in the chunk. */
    for (uint32_t done = first; done + 1 < size && status == ALISA_OK;) {
        uint32_t count = size - 1 - done < piece ? size - 1 - done : piece;
        for (uint32_t i = 0; i < count; i++) {
            rows[i] = (AlisaRow){ids[done + i], 0, true};
        }
        status = alisa_session_eval(session, rows, count, error);
        for (uint32_t i = 0; i < count && status == ALISA_OK; i++) {
            float *logits = alisa_session_logits(session, i);
            alisa_log_softmax(logits, runtime->info.vocabulary_size, logits);
            double loss = -(double)logits[ids[done + i + 1]];
            score->sum += loss;
            score->sum_of_squares += loss * loss;
            score->count++;
        }
        done += count;
    }
    return status;
}

static void print_estimate(const Score *score) {
    double mean = score->sum / (double)score->count;
    double variance = score->sum_of_squares / (double)score->count - mean * mean;
    double deviation =
        variance > 0.0 && score->count > 1 ? sqrt(variance / (double)(score->count - 1)) : 0.0;
    printf("\nFinal estimate: PPL = %.4lf +/- %.5lf\n", exp(mean), deviation * exp(mean));
    alisa_cli_output("", 0); /* before the timings on the other stream */
}

static ExitCode score_text(Runtime *runtime, Tokens *tokens, uint64_t chunks, int32_t begin) {
    uint32_t size = (uint32_t)runtime->settings->context;
    AlisaSessionOptions options = alisa_cli_runtime_session_options(runtime);
    uint32_t piece = rows_at_once(runtime, size - 1 - size / 2);
    options.logit_rows = piece;
    ExitCode code = alisa_cli_runtime_session(runtime, &options);
    if (code != EXIT_DONE) return code;
    AlisaRow *rows = malloc(piece * sizeof *rows);
    if (!rows) return alisa_cli_out_of_memory();

    Score score = {0};
    AlisaError error;
    AlisaStatus status = ALISA_OK;
    uint64_t started = alisa_cli_clock();
    for (uint64_t chunk = 0; chunk < chunks && status == ALISA_OK; chunk++) {
        int32_t *ids = tokens->ids + chunk * size;
        if (begin >= 0) ids[0] = begin; /* each chunk begins as a text does */
        status = score_chunk(runtime, ids, size, rows, piece, &score, &error);
        if (status != ALISA_OK) break;
        char line[64];
        int length = snprintf(line, sizeof line, "[%llu]%.4lf,", (unsigned long long)chunk + 1,
                              exp(score.sum / (double)score.count));
        runtime->timings.prompt_tokens += size - 1;
        if (!alisa_cli_output(line, (size_t)length)) break;
    }
    runtime->timings.prompt_ns = alisa_cli_clock() - started;
    free(rows);
    if (status == ALISA_ERROR_INTERRUPTED) {
        alisa_cli_output("\n", 1);
        code = EXIT_INTERRUPTED;
    } else if (status != ALISA_OK) {
        return alisa_cli_fail(&error);
    } else {
        print_estimate(&score);
    }
    alisa_cli_runtime_report(runtime);
    return code;
}

static ExitCode tokenize_file(Runtime *runtime, Tokens *tokens, int32_t *begin) {
    Text text = {0};
    ExitCode code = alisa_cli_runtime_prompt(runtime->settings, &text);
    AlisaError error;
    Tokens empty = {0};
    if (code == EXIT_DONE &&
        (alisa_tokenize(runtime->model, text.data, text.size, ALISA_TOKENIZE_BOS, &tokens->ids,
                        &tokens->count, &error) != ALISA_OK ||
         alisa_tokenize(runtime->model, "", 0, ALISA_TOKENIZE_BOS, &empty.ids, &empty.count,
                        &error) != ALISA_OK)) {
        code = alisa_cli_fail(&error);
    }
    /* What an empty text becomes is what the model puts before every text. */
    *begin = code == EXIT_DONE && empty.count > 0 ? empty.ids[0] : -1;
    alisa_free(empty.ids);
    alisa_cli_text_free(&text);
    return code;
}

ExitCode alisa_cli_perplexity(const Settings *settings) {
    Runtime runtime;
    Tokens tokens = {0};
    int32_t begin = -1;
    ExitCode code = alisa_cli_runtime_model(&runtime, settings);
    if (code == EXIT_DONE && !settings->file) {
        code = alisa_cli_refuse(EXIT_USAGE, "no text was given: use -f FILE");
    }
    if (code == EXIT_DONE) code = tokenize_file(&runtime, &tokens, &begin);
    if (code == EXIT_DONE && tokens.count < 2 * (size_t)settings->context) {
        code = alisa_cli_refuse(EXIT_USAGE,
                                "%s has %zu tokens, but chunks of %lld need at least %lld: give a "
                                "longer text or lower -c",
                                settings->file, tokens.count, (long long)settings->context,
                                2 * (long long)settings->context);
    }
    if (code == EXIT_DONE) code = alisa_cli_runtime_engine(&runtime);
    if (code == EXIT_DONE) {
        uint64_t chunks = tokens.count / (uint64_t)settings->context;
        if (settings->chunks >= 0 && (uint64_t)settings->chunks < chunks) {
            chunks = (uint64_t)settings->chunks;
        }
        code = score_text(&runtime, &tokens, chunks, begin);
    }
    alisa_free(tokens.ids);
    alisa_cli_runtime_close(&runtime);
    return code;
}
