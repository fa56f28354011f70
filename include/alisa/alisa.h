/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ALISA-CL: large language models on any OpenCL device.
 *
 * This header is the design of the library, and all that a program needs that generates text. Four
 * more include this one, each for a subject of its own:
 *   alisa/file.h    what is in a GGUF file
 *   alisa/plan.h    predictions: where keys and values will be, and what a run costs
 *   alisa/tune.h    the search for kernel parameters that suit a device
 *   alisa/bench.h   what sessions and their steps used and took, and the speed of kernels
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
 *   - A function that can fail returns AlisaStatus and takes an AlisaError as its last argument
 *     (NULL is allowed). When it fails, its out-pointer is NULL and nothing is left behind.
 *   - Whatever a function named `create` or `open` returns belongs to the caller, who gives it to
 *     the `destroy` or `close` of the same object; both take NULL. A session must go before its
 *     engine, an engine before its model and device.
 *   - An options struct is filled by its `_defaults` function first, then changed field by field.
 *     Only alisa_device_open takes NULL in place of options.
 *     The first value of an enum is its default, unless the comment of a field says otherwise.
 *   - Strings are UTF-8. Sizes are in bytes, rates in bytes a second, times in seconds.
 *   - `user` pointers are handed back to the callback beside them, untouched.
 *   - The library never prints, exits or aborts. An object is used by one thread at a time, and so
 *     are the objects that it was made from: an engine's device, a session's engine. Only models
 *     are free of that, once they are open: several threads may tokenize with one.
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

typedef enum AlisaDeviceType {
    ALISA_DEVICE_GPU,
    ALISA_DEVICE_ACCELERATOR, /* what OpenCL calls one: no GPU, and not the host's processor */
    ALISA_DEVICE_CPU,         /* the host's processor, through PoCL for one */
    ALISA_DEVICE_OTHER        /* a type that OpenCL 1.2 does not know */
} AlisaDeviceType;

/* Abilities beyond OpenCL C 1.2. A bit is set by a query and, for a feature of the language, by
 * compiling and running a trial kernel; never by the device's name. */
enum {
    ALISA_CAPABILITY_FP16 = 1u << 0,           /* arithmetic of 16-bit floats (cl_khr_fp16) */
    ALISA_CAPABILITY_FP64 = 1u << 1,           /* arithmetic of 64-bit floats */
    ALISA_CAPABILITY_SUBGROUPS = 1u << 2,      /* sub_group_reduce_add (of khr or intel) */
    ALISA_CAPABILITY_INT_DOT = 1u << 3,        /* cl_khr_integer_dot_product, 4 x 8 bits packed */
    ALISA_CAPABILITY_OUT_OF_ORDER = 1u << 4,   /* out-of-order queues */
    ALISA_CAPABILITY_UNIFIED_MEMORY = 1u << 5, /* memory shared with the host */
    ALISA_CAPABILITY_PTX = 1u << 6,            /* inline PTX, with matrix instructions of sm_80 */
    ALISA_CAPABILITY_AMD_DOT = 1u << 7, /* products of 4 x 8 bits by a builtin of AMD's compiler */
    ALISA_CAPABILITY_PTX_DOT = 1u << 8  /* products of 4 x 8 bits by inline PTX of sm_61 */
};

/* How near a device is to the one for which its tuned parameters were found; the higher, the
 * nearer. */
typedef enum AlisaTuningMatch {
    ALISA_TUNING_NONE,         /* no parameters fit: the device uses the defaults */
    ALISA_TUNING_TYPE,         /* another vendor's device of the same AlisaDeviceType */
    ALISA_TUNING_VENDOR,       /* the same vendor's, of another architecture */
    ALISA_TUNING_ARCHITECTURE, /* a device of the same architecture */
    ALISA_TUNING_STALE,        /* the same device, with another driver or other kernels */
    ALISA_TUNING_EXACT,        /* the same device, driver and kernels */
    ALISA_TUNING_MATCH_COUNT
} AlisaTuningMatch;

typedef struct AlisaDeviceInfo {
    uint32_t index; /* counts from 0 over all platforms, in the order of the ICD loader */
    AlisaDeviceType type;
    char platform[128];
    char name[128];
    char vendor[128];
    char driver[128];
    char opencl_version[64];   /* OpenCL version of the device */
    char opencl_c_version[64]; /* OpenCL C version of its compiler */
    char board[128];           /* product name by a vendor extension ("AMD Radeon RX 7900 XTX"), for
                                  devices whose `name` is that of a chip; "": not told */
    char architecture[64];     /* by a vendor extension ("gfx1100", "sm_90"); "": not told */
    uint32_t vendor_id;
    uint32_t compute_units;
    uint32_t clock_mhz;
    uint64_t global_memory;  /* size of the device's memory */
    uint64_t max_allocation; /* largest size of one buffer */
    uint64_t local_memory;   /* local memory of a work-group */
    uint64_t max_work_group; /* most work-items in a work-group */
    uint32_t native_floats;  /* floats of one vector instruction; 0: not known */
    uint32_t capabilities;   /* bits ALISA_CAPABILITY_* */
    bool usable;             /* whether alisa_device_open can succeed */
    char reason[512];        /* why the device is not usable; "" if it is */
    /* The next four are measured when a session first plans memory on the device and driver, and
     * kept in the cache. alisa_devices_list reads them there; 0: not measured yet. */
    double read_bandwidth;      /* bytes/s at which kernels read the device's memory */
    double copy_rate_to_device; /* bytes/s of large copies from the host */
    double copy_rate_to_host;   /* bytes/s of large copies to the host */
    double launch_latency;      /* seconds of a small launch in a full queue */
    /* The next three tell which tuned parameters a usable device takes; only alisa_devices_list
     * fills them in. */
    char tuning[128];              /* name of the entry of parameters; "": none */
    bool tuning_built_in;          /* the entry comes with the library, not from the cache */
    AlisaTuningMatch tuning_match; /* how near the entry's device is */
} AlisaDeviceInfo;

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

/* Lists every device of every platform. *infos is an array of *count, freed with
 * alisa_devices_free. Without an ICD loader, or where no ICD has a device, the status is
 * ALISA_ERROR_NO_DEVICE with a sentence that says which. */
ALISA_API AlisaStatus alisa_devices_list(AlisaDeviceInfo **infos, size_t *count, AlisaError *error);
ALISA_API void alisa_devices_free(AlisaDeviceInfo *infos);

/* Opens a device; options NULL stand for the defaults. The first time for a device, driver and
 * kernel source a self-test runs, and the cache remembers that it passed. A device that computes
 * wrong results is refused with ALISA_ERROR_DEVICE. */
ALISA_API AlisaStatus alisa_device_open(const AlisaDeviceOptions *options, AlisaDevice **device,
                                        AlisaError *error);
ALISA_API void alisa_device_close(AlisaDevice *device);
/* Owned by the device. */
ALISA_API const AlisaDeviceInfo *alisa_device_info(const AlisaDevice *device);

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

/* ---- Chat --------------------------------------------------------------------------------- */

typedef struct AlisaChatMessage {
    const char *role; /* "system", "user" or "assistant" */
    const char *content;
} AlisaChatMessage;

/* Name of the model's chat template, recognised from the file's key tokenizer.chat_template:
 * "chatml", "llama2", "llama3", "mistral-v1" (7B v0.1 and v0.2), "mistral" (v3), "mistral-v7",
 * "gemma" or "phi3". NULL for a file without a template, or with one that is not recognised. */
ALISA_API const char *alisa_chat_template(const AlisaModel *model);
/* Names that alisa_chat_render takes, NULL-terminated; static storage. */
ALISA_API const char *const *alisa_chat_template_names(void);
/* Writes a conversation as text without BOS, to be tokenized with ALISA_TOKENIZE_SPECIAL. With
 * `reply` the text ends where the assistant's next message begins. *text is freed with
 * alisa_free. */
ALISA_API AlisaStatus alisa_chat_render(const char *template_name, const AlisaChatMessage *messages,
                                        size_t count, bool reply, char **text, AlisaError *error);

/* ---- Engine: weights on a device ---------------------------------------------------------- */

typedef struct AlisaEngine AlisaEngine;

typedef struct AlisaEngineOptions {
    uint64_t device_memory; /* most bytes for weights, KV and scratch; default 0: what the device
                               reports */
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

/* ---- Sparse attention --------------------------------------------------------------------- */

/* A step is a row that comes alone for its sequence in a call of alisa_session_eval; several rows
 * of one sequence in a call are a prompt, and attend to every token before them. A step at a length
 * of n tokens attends to a list of 2k of them, where
 *     k = max(1, lround(n (1 - sparsity) / 2)), and at least AlisaSelectOptions.keep / 2;
 * where 2k >= n, to all of them. The weight of a token in a step is the softmax probability that
 * attention gave it, summed over the heads that share the list. */
typedef enum AlisaSelectKind {
    ALISA_SELECT_DENSE,   /* every token, whatever the sparsity; the default */
    ALISA_SELECT_SWA,     /* Sparse Window Attention: the newest k tokens, and the k older ones that
                             rank highest by AlisaSelectScores, within a window of recent steps */
    ALISA_SELECT_LOCAL,   /* the newest 2k tokens */
    ALISA_SELECT_STRIDED, /* 2k tokens evenly spaced back from the newest */
    ALISA_SELECT_H2O,     /* the newest k tokens, and the k older ones with most weight in all steps
                             so far */
    ALISA_SELECT_RANDOM,  /* the newest k tokens, and k older ones drawn anew in each step */
    ALISA_SELECT_KIND_COUNT
} AlisaSelectKind;

/* How ALISA_SELECT_SWA and ALISA_SELECT_H2O rank older tokens. */
typedef enum AlisaSelectScores {
    ALISA_SELECT_SCORES_SPARSE, /* by weight in past steps, which is 0 in a step whose list left the
                                   token out; the default */
    ALISA_SELECT_SCORES_DENSE,  /* by weight in past steps, each computed over all tokens */
    ALISA_SELECT_SCORES_QUERY,  /* for swa only: by weight in this step, estimated for all tokens
                                   from an index of their keys; a token with less than 4 times the
                                   mean gives way to a newer one */
    ALISA_SELECT_SCORES_COUNT
} AlisaSelectScores;

typedef enum AlisaSelectLists {
    ALISA_SELECT_LISTS_LAYER,   /* all heads of a layer share one list; the default */
    ALISA_SELECT_LISTS_KV_HEAD, /* each KV head has a list, shared by its query heads */
    ALISA_SELECT_LISTS_COUNT
} AlisaSelectLists;

typedef struct AlisaSelectOptions {
    AlisaSelectKind kind;
    double sparsity; /* share of the tokens that a list leaves out, 0 to 0.99; default 0.8 */
    uint32_t keep;   /* fewest tokens of a list; default 0: no lower limit */
    uint32_t sinks;  /* first tokens of the sequence that every list keeps, at most k, in place of
                        as many others; default 0 */
    uint32_t window; /* recent steps, at most k, over which swa adds up weights; 0: k, for which
                        memory grows with the square of the context; default 64 */
    AlisaSelectScores scores;
    AlisaSelectLists lists;
    uint64_t seed; /* decides the draws of ALISA_SELECT_RANDOM; default 0 */
} AlisaSelectOptions;

/* Name of a value ("swa", "query", "kv-head") as the command line takes it; static storage. */
ALISA_API const char *alisa_select_kind_name(AlisaSelectKind kind);
ALISA_API const char *alisa_select_scores_name(AlisaSelectScores scores);
ALISA_API const char *alisa_select_lists_name(AlisaSelectLists lists);

ALISA_API void alisa_select_options_defaults(AlisaSelectOptions *options);

/* ---- Placement: where K and V live -------------------------------------------------------- */

/* Where K and V are when the device cannot hold all of them. All policies but ALISA are established
 * ways, to compare with. */
typedef enum AlisaPolicy {
    ALISA_POLICY_DEVICE,     /* all on the device, or the session is refused; the default */
    ALISA_POLICY_ACCELERATE, /* all on the host; every step loads those of every layer */
    ALISA_POLICY_FLEXGEN,    /* a fixed share on the host, chosen for the whole context */
    ALISA_POLICY_VLLM,       /* on the device, in blocks; whole sequences wait, leave and come back:
                                see alisa_session_admit */
    ALISA_POLICY_H2O,   /* on the device for the tokens of the list; all others are forgotten */
    ALISA_POLICY_ALISA, /* on the device for newer tokens; of older ones on the host, or computed
                           again from layer inputs, when a list names them */
    ALISA_POLICY_COUNT
} AlisaPolicy;

/* Name of a policy ("vllm") as the command line takes it; NULL for a number that is none. */
ALISA_API const char *alisa_policy_name(AlisaPolicy policy);

typedef enum AlisaSchedule {
    ALISA_SCHEDULE_OVERLAP, /* copies run beside the computation, one step ahead; the default */
    ALISA_SCHEDULE_PAPER    /* load, recompute, attend, store: one after the other */
} AlisaSchedule;

typedef struct AlisaPlacementOptions {
    AlisaPolicy policy;
    AlisaSchedule schedule;
    /* Policy alisa may keep the layer inputs of older tokens, as 16-bit floats, in place of their K
     * and V, and compute K and V again when a list names the token. That rounds the inputs by up to
     * 2^-11 of themselves, and changes K and V by about as much as storing them as f16 does.
     * Without effect for ALISA_KV_I8, which is as small as the inputs. Default true. */
    bool recompute;
    /* Share of the tokens on the host, oldest first, that policy alisa keeps as layer inputs.
     * Default -1: the share that is predicted to be fastest. */
    double inputs_share;
    /* Share of K and V on the host, for policies accelerate and flexgen. Default -1: the policy's
     * own choice. */
    double host_share;
    /* Room for K and V on the device, as a share of the bytes that the whole context takes as f16,
     * whatever AlisaEngineOptions.device_memory is. Default 0: what device_memory leaves. */
    double device_share;
    uint64_t host_memory; /* most bytes of the host for K and V; default 0: half of its free ones */
    uint32_t prompt_length; /* prompt length that plans are made for; default 0: context / 8 */
    /* A session of policy alisa whose whole context fits on the device becomes one of policy device
     * with dense attention. One that does not fit, and has no room on the device for the index of
     * ALISA_SELECT_SCORES_QUERY, uses ALISA_SELECT_SCORES_SPARSE. Default false. */
    bool only_if_needed;
    /* With only_if_needed: where the whole context fits on the device with K and V as f16, they are
     * f16, whatever key_type and value_type say. Default false. */
    bool halves_if_they_fit;
} AlisaPlacementOptions;

ALISA_API void alisa_placement_options_defaults(AlisaPlacementOptions *options);

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
                                memory does not suffice for it or its sliding window is shorter;
                                one that is longer than the window is refused */
    uint32_t micro_batch;    /* most rows computed at once; default 512 */
    uint32_t logit_rows;     /* most rows with logits in one eval call; default 0: sequence_count */
    AlisaKvType key_type;
    AlisaKvType value_type;
    AlisaSelectOptions attention;
    AlisaPlacementOptions placement;
    bool likeliest_only; /* keep the logits on the device and offer alisa_session_likeliest in place
                            of alisa_session_logits; default false */
    bool record_steps;   /* keep the records of alisa_session_steps (bench.h); default false */
    bool count_lists;    /* keep the counts of alisa_session_lists (bench.h), for which the lists of
                            every step are read back and waited for; default false */
    bool (*interrupt)(void *user); /* asked between micro-batches; true stops the call with
                                      ALISA_ERROR_INTERRUPTED; default NULL: never stopped */
    void *interrupt_user;
} AlisaSessionOptions;

typedef struct AlisaSession AlisaSession;

ALISA_API void alisa_session_options_defaults(AlisaSessionOptions *options);
ALISA_API AlisaStatus alisa_session_create(AlisaEngine *engine, const AlisaSessionOptions *options,
                                           AlisaSession **session, AlisaError *error);
ALISA_API void alisa_session_destroy(AlisaSession *session);
/* The options that the session was created with, context_length and logit_rows as they were chosen,
 * and changed as only_if_needed and halves_if_they_fit say. */
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

/* Asks which sequences may append rows now. Only policy vllm says no, where the device cannot hold
 * all sequences at once; all others admit every sequence that wants rows.
 * wanted: [sequence_count] rows that each sequence is to append before the next such call, in one
 * eval call or several; 0: none for now. admitted: [sequence_count], true for those that may. A
 * sequence that may not keeps its tokens and is to be asked for again. If any wants rows, at least
 * one is admitted. K and V of sequences that leave the device or come back are moved, or computed
 * again, in this call. A sequence that wants nothing is the first to leave, so one that is done is
 * better truncated to 0.
 * On failure no sequence is admitted, and no token is lost unless the status is ALISA_ERROR_DEVICE,
 * when all are. Rows that are appended without asking are ALISA_ERROR_MEMORY, and nothing is
 * appended, where another sequence would have to leave for them. */
ALISA_API AlisaStatus alisa_session_admit(AlisaSession *session, const uint32_t *wanted,
                                          bool *admitted, AlisaError *error);

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
