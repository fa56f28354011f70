/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ALISA-CL: large language models on any OpenCL device.
 *
 * This header is the design of the library, and all that a program needs that generates text. Each
 * of the others includes it and is for one subject:
 *   alisa/chat.h       conversations, by the template of the model's file
 *   alisa/device.h     which devices there are, and what they can do
 *   alisa/select.h     sparse attention: which tokens a step attends to
 *   alisa/placement.h  keys and values that the device's memory does not hold
 *   alisa/file.h       what is in a GGUF file
 *   alisa/plan.h       predictions: where keys and values will be, and what a run costs
 *   alisa/tune.h       the search for kernel parameters that suit a device
 *   alisa/bench.h      what sessions and their steps used and took, and the speed of kernels
 *
 * Objects, from the file to the text:
 *   AlisaModel    a GGUF file with its hyper-parameters and tokenizer; host memory only
 *   AlisaDevice   one OpenCL device, opened, self-tested, with its compiled programs
 *   AlisaEngine   the weights of one model on one device
 *   AlisaSession  N sequences that advance together, with their KV cache
 *   AlisaSampler  logits -> token, with a seed of its own
 *
 * Words: a token is a number of the model's vocabulary. A sequence is a text as tokens, at
 * positions 0, 1, .. . Its context is the most tokens it may hold. K and V are the keys and values
 * that attention reads of every token, in every layer; the KV cache holds them. A row is one token
 * that is to be computed; logits are its output, one number for each token that may follow.
 *
 * Conventions:
 *   - Whatever a function named `create` or `open` returns belongs to the caller, who gives it to
 *     the `destroy` or `close` of the same object; both take NULL. A session must go before its
 *     engine, an engine before its model and device.
 *   - An options struct is filled by its `_defaults` function first, then changed field by field.
 *     Only alisa_device_open takes NULL in place of options.
 *   - Strings are UTF-8. Sizes are in bytes, rates in bytes a second, times in seconds.
 *   - `user` pointers are handed back to the callback beside them, untouched.
 *   - An object is used by one thread at a time, and so are the objects that it was made from: an
 *     engine's device, a session's engine. Only models are free of that, once they are open:
 *     several threads may tokenize with one.
 */
#ifndef ALISA_ALISA_H
#define ALISA_ALISA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(_WIN32)
#define ALISA_API __declspec(dllexport)
#else
#define ALISA_API __attribute__((visibility("default")))
#endif

#define ALISA_VERSION "0.2.0"

/* ALISA_VERSION of the library that runs; static storage. */
ALISA_API const char *alisa_version(void);

/* ---- Errors ------------------------------------------------------------------------------- */

/* A function that can fail returns AlisaStatus and takes an AlisaError as its last argument, which
 * may be NULL. When it fails, the error is filled, its out-pointer is NULL, and nothing is left
 * behind; the comment of a function that changes a session says what the session holds then. The
 * library never prints, exits or aborts. */
typedef enum AlisaStatus {
    ALISA_OK = 0,
    ALISA_ERROR_ARGUMENT,       /* a value from the caller cannot be used */
    ALISA_ERROR_IO,             /* a file cannot be opened, read or written */
    ALISA_ERROR_FORMAT,         /* a file is not of the format that its name or head claims */
    ALISA_ERROR_UNSUPPORTED,    /* the input is valid, but this version does not run it */
    ALISA_ERROR_NO_DEVICE,      /* no OpenCL device can be used */
    ALISA_ERROR_DEVICE,         /* an OpenCL call, a kernel build or the self-test failed */
    ALISA_ERROR_MEMORY,         /* host or device memory does not suffice */
    ALISA_ERROR_CONTEXT_LENGTH, /* context_length_exceeded: a sequence would outgrow its context */
    ALISA_ERROR_INTERRUPTED,    /* an interrupt callback returned true */
    ALISA_STATUS_COUNT
} AlisaStatus;

typedef struct AlisaError {
    AlisaStatus status;
    char message[1024]; /* one sentence: what failed, where, and what to do about it */
} AlisaError;

/* Name of a status ("no device"); static storage. */
ALISA_API const char *alisa_status_name(AlisaStatus status);

/* Frees memory of which a comment here says so. NULL is allowed. */
ALISA_API void alisa_free(void *pointer);

/* ---- Log and progress --------------------------------------------------------------------- */

typedef enum AlisaLogLevel {
    ALISA_LOG_DEBUG,  /* for whoever looks for a fault: build logs, what was tried */
    ALISA_LOG_INFO,   /* what takes time, and why */
    ALISA_LOG_WARNING /* what was done otherwise than asked for */
} AlisaLogLevel;

/* `write` receives one line without a newline; NULL (the default) drops every line. */
typedef struct AlisaLog {
    void (*write)(void *user, AlisaLogLevel level, const char *line);
    void *user;
} AlisaLog;

/* `update` is told that `done` of `total` units of the work called `what` ("loading") are done;
 * NULL (the default) for nobody. */
typedef struct AlisaProgress {
    void (*update)(void *user, const char *what, uint64_t done, uint64_t total);
    void *user;
} AlisaProgress;

/* ---- Devices ------------------------------------------------------------------------------ */

typedef struct AlisaDeviceOptions {
    /* Index ("0") or a part of name, platform or vendor, in either case. NULL (the default) picks
     * the fastest usable device: a GPU before an accelerator before a CPU, and among those of one
     * type the one with most compute units times clock. */
    const char *selector;
    /* Folder for compiled programs, measurements and self-test records. NULL (the default):
     * $ALISA_CACHE, or $XDG_CACHE_HOME/alisa, or ~/.cache/alisa. "" turns caching off. */
    const char *cache_dir;
    AlisaLog log; /* default: no log */
} AlisaDeviceOptions;

typedef struct AlisaDevice AlisaDevice;

ALISA_API void alisa_device_options_defaults(AlisaDeviceOptions *options);

/* Opens a device; options NULL stand for the defaults. The first time for a device, driver and
 * kernel source a self-test runs, and the cache remembers that it passed. A device that computes
 * wrong results is refused with ALISA_ERROR_DEVICE. */
ALISA_API AlisaStatus alisa_device_open(const AlisaDeviceOptions *options, AlisaDevice **device,
                                        AlisaError *error);
ALISA_API void alisa_device_close(AlisaDevice *device);

/* ---- Models and tokens -------------------------------------------------------------------- */

typedef struct AlisaModel AlisaModel;

typedef struct AlisaModelInfo {
    char architecture[64];    /* "llama" */
    char name[128];           /* as the file says it; may be "" */
    char type[32];            /* the type that most bytes of weights have: "Q8_0" */
    uint64_t parameter_count; /* elements of all tensors */
    uint64_t weight_bytes;    /* bytes of all tensors */
    uint32_t context_length;  /* the context that the model was trained for */
    uint32_t embedding_length;
    uint32_t layer_count;
    uint32_t head_count;
    uint32_t kv_head_count;
    uint32_t head_dim;
    uint32_t feed_forward_length;
    uint32_t vocabulary_size;
    bool has_tokenizer; /* false: the model runs on token ids only */
    bool has_weights;   /* false: the file holds only a vocabulary, to tokenize with */
} AlisaModelInfo;

/* Maps the file (and its other parts, if it is split) and reads keys and tokenizer. A file without
 * weights opens, and so does one without a tokenizer, but not a file with neither. */
ALISA_API AlisaStatus alisa_model_open(const char *path, AlisaModel **model, AlisaError *error);
ALISA_API void alisa_model_close(AlisaModel *model);
ALISA_API void alisa_model_info(const AlisaModel *model, AlisaModelInfo *info);
/* A sentence for the user on what the file does not say and is assumed, owned by the model; NULL:
 * nothing is assumed. */
ALISA_API const char *alisa_model_warning(const AlisaModel *model);

/* The token that begins a text, and the one that ends it; -1 where the model has none. */
ALISA_API int32_t alisa_model_bos(const AlisaModel *model);
ALISA_API int32_t alisa_model_eos(const AlisaModel *model);
/* Whether a token ends generation: the end of a text, a turn or a message. */
ALISA_API bool alisa_model_is_end(const AlisaModel *model, int32_t token);

enum {
    ALISA_TOKENIZE_BOS = 1u << 0,    /* put BOS first where the model's metadata asks for it */
    ALISA_TOKENIZE_SPECIAL = 1u << 1 /* text like "<|im_start|>" becomes that control token */
};

/* Tokens of `length` bytes of text; `flags` are bits ALISA_TOKENIZE_*. Bytes that are not UTF-8 are
 * ALISA_ERROR_ARGUMENT with their offset. *tokens is an array of *count ids, freed with alisa_free,
 * and not NULL even when *count is 0. */
ALISA_API AlisaStatus alisa_tokenize(const AlisaModel *model, const char *text, size_t length,
                                     uint32_t flags, int32_t **tokens, size_t *count,
                                     AlisaError *error);

/* Writes the bytes that a token adds to the text to `buffer`, without a terminating 0, and returns
 * their number. Where that exceeds `capacity` nothing is written. The bytes may be a part of a
 * character. A control token has none unless `special`, an id outside the vocabulary none at all.
 * `first` drops the blank that SentencePiece puts before the first word. */
ALISA_API size_t alisa_token_bytes(const AlisaModel *model, int32_t token, bool first, bool special,
                                   char *buffer, size_t capacity);

/* ---- Engine: weights on a device ---------------------------------------------------------- */

typedef struct AlisaEngine AlisaEngine;

/* Where the tensors whose names match are kept. A rule is for matrices that are multiplied; norms,
 * biases and the tables of tokens and positions are on the device in any case. */
typedef struct AlisaTensorRule {
    const char *pattern; /* a regular expression of PCRE2 that matches somewhere in the name, as
                            "ffn_.*_exps" does in "blk.3.ffn_up_exps.weight" */
    bool on_host; /* in host memory, and not counted as device memory: where the device shares
                     it, it is used in place; otherwise what a step multiplies with - of
                     experts only those that were chosen - is copied to the device first.
                     false: on the device, as without a rule */
} AlisaTensorRule;

typedef struct AlisaEngineOptions {
    uint64_t device_memory; /* most bytes for weights, KV and scratch; default 0: what the device
                               reports */
    /* [tensor_rule_count], of which the first that matches a name counts; read during the call. A
     * pattern that is not one, or matches nothing, is ALISA_ERROR_ARGUMENT. Default NULL: all
     * tensors are on the device. */
    const AlisaTensorRule *tensor_rules;
    size_t tensor_rule_count; /* default 0 */
    /* An emulated link between host and device, for devices that share the host's memory: it slows
     * every copy of the device down from when the weights are there until the engine is destroyed.
     * At most one of the two may be set; both default to 0: no emulation. */
    double link_rate;  /* bytes/s of the emulated link, each way */
    double link_share; /* rate of the emulated link over the device's measured read bandwidth */
    AlisaProgress progress; /* of loading; default: none */
    AlisaLog log;           /* default: no log */
} AlisaEngineOptions;

ALISA_API void alisa_engine_options_defaults(AlisaEngineOptions *options);

/* Checks every tensor's name, shape and type, then brings the weights to the device. The engine
 * keeps using `model` and `device`. Weights that do not fit are ALISA_ERROR_MEMORY with the bytes
 * needed and available. */
ALISA_API AlisaStatus alisa_engine_create(AlisaModel *model, AlisaDevice *device,
                                          const AlisaEngineOptions *options, AlisaEngine **engine,
                                          AlisaError *error);
ALISA_API void alisa_engine_destroy(AlisaEngine *engine);

/* ---- Session: sequences and their KV cache ------------------------------------------------ */

/* How the elements of K and V are stored. */
typedef enum AlisaKvType {
    ALISA_KV_F16,  /* 16-bit floats; the default */
    ALISA_KV_F32,  /* 32-bit floats */
    ALISA_KV_Q8_0, /* 8-bit codes with a 16-bit scale for 32 elements of a head, whose size must be
                      a multiple of 32 */
    ALISA_KV_I8,   /* 8-bit codes with a range for each channel over 64 tokens of a sequence; its
                      newest tokens, up to 64, are 16-bit floats */
    ALISA_KV_TYPE_COUNT
} AlisaKvType;

/* Name of a type ("f16") as the command line takes it; NULL for a number that is none. */
ALISA_API const char *alisa_kv_type_name(AlisaKvType type);

typedef struct AlisaSessionOptions {
    uint32_t sequence_count; /* sequences that advance together; default 1 */
    uint32_t context_length; /* most tokens of a sequence; default 0: the model's, or less where
                                memory does not suffice for it */
    uint32_t micro_batch;    /* most rows computed at once; default 512 */
    uint32_t logit_rows;     /* most rows with logits in one eval call; default 0: sequence_count */
    AlisaKvType key_type;    /* default ALISA_KV_F16 */
    AlisaKvType value_type;  /* default ALISA_KV_F16 */
    /* Which tokens are attended to (alisa/select.h). Default NULL: all. */
    const struct AlisaSelectOptions *attention;
    /* Where K and V are (alisa/placement.h). Default NULL: all on the device. */
    const struct AlisaPlacementOptions *placement;
    bool likeliest_only; /* keep the logits on the device and offer alisa_session_likeliest in place
                            of alisa_session_logits; default false */
    bool record_steps;   /* keep the records of alisa_session_steps (bench.h); default false */
    bool count_lists;    /* keep the counts of alisa_session_lists (bench.h), for which the lists of
                            every step are read back and waited for; default false */
    bool (*interrupt)(void *user); /* asked between micro-batches; true stops the call with
                                      ALISA_ERROR_INTERRUPTED; default NULL: never stopped */
    void *interrupt_user;          /* default NULL */
} AlisaSessionOptions;

typedef struct AlisaSession AlisaSession;

ALISA_API void alisa_session_options_defaults(AlisaSessionOptions *options);
/* Copies the options, and the structs that they point to. */
ALISA_API AlisaStatus alisa_session_create(AlisaEngine *engine, const AlisaSessionOptions *options,
                                           AlisaSession **session, AlisaError *error);
ALISA_API void alisa_session_destroy(AlisaSession *session);
/* The options as they are carried out: those of alisa_session_create, with the context_length and
 * logit_rows that were chosen, and changed as the placement allows. `attention` and `placement`
 * point to copies that the session owns. */
ALISA_API void alisa_session_options(const AlisaSession *session, AlisaSessionOptions *options);
/* Most tokens that each sequence can hold. */
ALISA_API uint32_t alisa_session_context_length(const AlisaSession *session);

/* One token to append to one sequence. Its position is the sequence's length so far. */
typedef struct AlisaRow {
    int32_t token;
    uint32_t sequence;
    bool logits; /* the logits that follow this token are wanted */
} AlisaRow;

/* Appends `count` rows, in order, computing them in micro-batches. Rows of one sequence see the
 * rows before them. On ALISA_ERROR_CONTEXT_LENGTH or ALISA_ERROR_ARGUMENT nothing was appended; on
 * another failure, or when interrupted, the sequences hold the micro-batches that were finished;
 * but after ALISA_ERROR_DEVICE in a session whose policy is not device, no sequence holds a token.
 */
ALISA_API AlisaStatus alisa_session_eval(AlisaSession *session, const AlisaRow *rows, size_t count,
                                         AlisaError *error);

/* Logits of the `index`-th row that wanted them in the last eval: vocabulary_size floats, owned by
 * the session, which the caller may change, valid until the next eval. NULL for an index past the
 * last such row, and in a session with likeliest_only. */
ALISA_API float *alisa_session_logits(AlisaSession *session, size_t index);
/* In a session with likeliest_only: the token of the largest of those logits, the lowest where
 * several are equal. -1 for an index past the last row that wanted logits, and where a logit is not
 * a number or infinite. */
ALISA_API int32_t alisa_session_likeliest(const AlisaSession *session, size_t index);

/* Tokens that a sequence holds. */
ALISA_API uint32_t alisa_session_length(const AlisaSession *session, uint32_t sequence);
/* Forgets the tokens of a sequence from position `length` on; none where it has no more. */
ALISA_API void alisa_session_truncate(AlisaSession *session, uint32_t sequence, uint32_t length);
/* Cuts a sequence back to the longest beginning of `tokens` that it holds, and returns how many
 * tokens that is: the caller appends the others. A caller that wants the logits after the last
 * token passes a count of one less, since logits come with a row. Where attention is not dense, one
 * token less is kept, so that what follows is a prompt and no step; and where past rows choose the
 * tokens, or others are gone (policy h2o), a sequence that would have to be cut is cut back to 0.
 */
ALISA_API uint32_t alisa_session_keep(AlisaSession *session, uint32_t sequence,
                                      const int32_t *tokens, size_t count);

/* ---- Sampler ------------------------------------------------------------------------------ */

typedef struct AlisaSamplerOptions {
    uint64_t seed;        /* the same seed, options and logits give the same tokens; default 0 */
    float temperature;    /* divides the logits; <= 0 is greedy: the lowest token among those with
                             the largest logit; default 0.80 */
    int32_t top_k;        /* keeps the k largest logits; <= 0 keeps all; default 40 */
    float top_p;          /* keeps the likeliest tokens that together reach this probability; >= 1
                             keeps all; default 0.95 */
    float min_p;          /* keeps tokens of at least this share of the likeliest one's probability;
                             <= 0 keeps all; default 0.05 */
    float repeat_penalty; /* divides positive logits of recent tokens and multiplies negative ones;
                             default 1.00: changes nothing */
    int32_t repeat_last_n; /* number of recent tokens; 0: none, -1: all; default 64 */
} AlisaSamplerOptions;

typedef struct AlisaSampler AlisaSampler;

ALISA_API void alisa_sampler_options_defaults(AlisaSamplerOptions *options);
ALISA_API AlisaStatus alisa_sampler_create(const AlisaSamplerOptions *options,
                                           uint32_t vocabulary_size, AlisaSampler **sampler,
                                           AlisaError *error);
ALISA_API void alisa_sampler_destroy(AlisaSampler *sampler);
/* Tells the sampler of a token of the prompt or of the text, for the repeat penalty. */
ALISA_API void alisa_sampler_accept(AlisaSampler *sampler, int32_t token);
/* Tells the sampler never to draw a token, as if its logit were always -infinity: the ends of
 * texts, to go on past them. An id outside the vocabulary has no effect. */
ALISA_API void alisa_sampler_ignore(AlisaSampler *sampler, int32_t token);
/* Draws a token from vocabulary_size logits, which stay as they are; order of stages: ignored
 * tokens, repeat penalty, top-k, top-p, min-p, temperature. Logits that are not numbers are
 * ALISA_ERROR_DEVICE; that all tokens are ignored is ALISA_ERROR_ARGUMENT. */
ALISA_API AlisaStatus alisa_sampler_sample(AlisaSampler *sampler, const float *logits,
                                           int32_t *token, AlisaError *error);

/* Log-probabilities, base e: out[i] = logits[i] - log(sum over j of exp(logits[j])), summed in
 * double. `out` has `count` floats and may be `logits`. */
ALISA_API void alisa_log_softmax(const float *logits, size_t count, float *out);

#ifdef __cplusplus
}
#endif
#endif
