/*
 * ALISA-CL: large language models on any OpenCL device.
 *
 * This header is the whole public interface and its design document.
 *
 * Objects, from the file to the text:
 *   AlisaFile     a GGUF file, its keys and tensors (for looking inside)
 *   AlisaModel    a GGUF file with its hyper-parameters and tokenizer; host memory only
 *   AlisaDevice   one OpenCL device, opened, self-tested, with its compiled programs
 *   AlisaEngine   the weights of one model on one device
 *   AlisaSession  N sequences that advance together, with their KV cache
 *   AlisaSampler  logits -> token, with a seed of its own
 *
 * Conventions:
 *   - A function that can fail returns AlisaStatus and takes an AlisaError as its last argument
 *     (NULL is allowed). On failure the out-pointer is NULL and nothing is left behind.
 *   - What `create` or `open` returns, the caller owns and gives to the matching `destroy`/`close`,
 *     which take NULL. A session must go before its engine, an engine before its model and device.
 *   - Options structs are filled by their `_defaults` function first, then changed field by field.
 *   - Strings are UTF-8. Byte counts are bytes; token ids are int32_t, positions count from 0.
 *   - The library never prints, exits or aborts. An object is used by one thread at a time;
 *     different objects may be used by different threads.
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
    ALISA_ERROR_ARGUMENT,       /* a value the caller gave cannot be used */
    ALISA_ERROR_IO,             /* a file cannot be opened, read or written */
    ALISA_ERROR_FORMAT,         /* a file is not what it claims to be */
    ALISA_ERROR_UNSUPPORTED,    /* valid, but not something this version runs */
    ALISA_ERROR_NO_DEVICE,      /* no OpenCL device can be used */
    ALISA_ERROR_DEVICE,         /* an OpenCL call, a kernel build or the self-test failed */
    ALISA_ERROR_MEMORY,         /* host or device memory does not suffice */
    ALISA_ERROR_CONTEXT_LENGTH, /* context_length_exceeded: a sequence would outgrow its context */
    ALISA_ERROR_INTERRUPTED,    /* the interrupt callback asked to stop */
    ALISA_STATUS_COUNT
} AlisaStatus;

typedef struct AlisaError {
    AlisaStatus status;
    char message[1024]; /* one sentence: what, where, what to do */
} AlisaError;

/* Name of a status ("no device"); static storage. */
ALISA_API const char *alisa_status_name(AlisaStatus status);

/* ---- Log ---------------------------------------------------------------------------------- */

typedef enum AlisaLogLevel { ALISA_LOG_DEBUG, ALISA_LOG_INFO, ALISA_LOG_WARNING } AlisaLogLevel;

/* Receives one line without a newline. A NULL function drops everything. */
typedef struct AlisaLog {
    void (*write)(void *user, AlisaLogLevel level, const char *line);
    void *user;
} AlisaLog;

/* Progress of long work: `done` of `total` units of `what` ("loading"). May be NULL. */
typedef struct AlisaProgress {
    void (*update)(void *user, const char *what, uint64_t done, uint64_t total);
    void *user;
} AlisaProgress;

/* ---- Devices ------------------------------------------------------------------------------ */

typedef enum AlisaDeviceType {
    ALISA_DEVICE_GPU,
    ALISA_DEVICE_ACCELERATOR,
    ALISA_DEVICE_CPU,
    ALISA_DEVICE_OTHER
} AlisaDeviceType;

/* What a device can do beyond OpenCL 1.2 C. Each bit was found by a query and, where it names a
 * language feature, confirmed by compiling and running a trial kernel; never by the device's name.
 */
enum {
    ALISA_CAPABILITY_FP16 = 1u << 0,           /* cl_khr_fp16 arithmetic */
    ALISA_CAPABILITY_FP64 = 1u << 1,           /* double arithmetic */
    ALISA_CAPABILITY_SUBGROUPS = 1u << 2,      /* sub_group_reduce_add (khr or intel) */
    ALISA_CAPABILITY_INT_DOT = 1u << 3,        /* cl_khr_integer_dot_product, 4x8 bit packed */
    ALISA_CAPABILITY_OUT_OF_ORDER = 1u << 4,   /* out-of-order queues */
    ALISA_CAPABILITY_UNIFIED_MEMORY = 1u << 5, /* the device shares the host's memory */
    ALISA_CAPABILITY_PTX = 1u << 6,            /* inline PTX, with matrix instructions of sm_80 */
    ALISA_CAPABILITY_AMD_DOT = 1u << 7,        /* as int_dot, by a builtin of AMD's compiler */
    ALISA_CAPABILITY_PTX_DOT = 1u << 8         /* as int_dot, by inline PTX of sm_61 */
};

/* How near to a device the device is whose tuned parameters it uses; the higher, the nearer. */
typedef enum AlisaTuningMatch {
    ALISA_TUNING_NONE,         /* there are none: defaults */
    ALISA_TUNING_TYPE,         /* of the same type: a GPU, a CPU ... */
    ALISA_TUNING_VENDOR,       /* and of the same vendor */
    ALISA_TUNING_ARCHITECTURE, /* of the same architecture */
    ALISA_TUNING_STALE,        /* the device itself, with another driver or other kernels */
    ALISA_TUNING_EXACT,
    ALISA_TUNING_MATCH_COUNT
} AlisaTuningMatch;

/* "architecture", "stale"; static storage. */
ALISA_API const char *alisa_tuning_match_name(AlisaTuningMatch match);

typedef struct AlisaDeviceInfo {
    uint32_t index; /* over all platforms, in the order of the ICD loader */
    AlisaDeviceType type;
    char platform[128];
    char name[128];
    char vendor[128];
    char driver[128];
    char opencl_version[64];   /* of the device */
    char opencl_c_version[64]; /* of its compiler */
    /* As an extension of the vendor tells them; empty otherwise. */
    char board[128];       /* "AMD Radeon RX 7900 XTX" where the name is that of a chip */
    char architecture[64]; /* "gfx1100", "sm_90", "ip_12.55" */
    uint32_t vendor_id;
    uint32_t compute_units;
    uint32_t clock_mhz;
    uint64_t global_memory;  /* bytes */
    uint64_t max_allocation; /* bytes in one buffer */
    uint64_t local_memory;   /* bytes a work-group */
    uint64_t max_work_group; /* work-items */
    uint32_t native_floats;  /* floats of a vector of its instructions; 0: not known */
    uint32_t capabilities;   /* ALISA_CAPABILITY_* */
    bool usable;
    char reason[512]; /* why it is not usable; empty otherwise */
    /* Measured once for a device and driver, when memory is planned, and kept in the cache; 0 where
     * that has not happened yet. alisa_devices_list fills them in. */
    double read_bandwidth;      /* bytes/s of kernels that read the device's memory */
    double copy_rate_to_device; /* bytes/s of large copies */
    double copy_rate_to_host;
    double launch_latency; /* seconds */
    /* The entry of tuned parameters that a usable device takes; alisa_devices_list fills it in. */
    char tuning[128];     /* its name; empty: none */
    bool tuning_built_in; /* carried by the library, not in the user's cache folder */
    AlisaTuningMatch tuning_match;
} AlisaDeviceInfo;

typedef struct AlisaDeviceOptions {
    /* Index ("0") or a case-insensitive part of name, platform or vendor; NULL picks the fastest
     * usable device: GPU, then accelerator, then CPU; among equals the one with more compute
     * units times clock. */
    const char *selector;
    /* Folder for compiled programs and self-test records; NULL: $ALISA_CACHE,
     * $XDG_CACHE_HOME/alisa,
     * ~/.cache/alisa. "" turns caching off. */
    const char *cache_dir;
    AlisaLog log;
} AlisaDeviceOptions;

typedef struct AlisaDevice AlisaDevice;

ALISA_API void alisa_device_options_defaults(AlisaDeviceOptions *options);

/* Lists every device of every platform. *infos is an array of *count, freed with
 * alisa_devices_free. No ICD loader, or an ICD with no device, is ALISA_ERROR_NO_DEVICE with a
 * sentence that says which. */
ALISA_API AlisaStatus alisa_devices_list(AlisaDeviceInfo **infos, size_t *count, AlisaError *error);
ALISA_API void alisa_devices_free(AlisaDeviceInfo *infos);
/* Which tuned parameters a listed device takes and why: "built-in entry 'PoCL/znver5', same
 * architecture". */
ALISA_API void alisa_device_tuning_describe(const AlisaDeviceInfo *info, char text[256]);

/* Opens a device and runs its self-test once per device, driver and kernel source (remembered in
 * the cache). A device that computes wrong results is refused with ALISA_ERROR_DEVICE. */
ALISA_API AlisaStatus alisa_device_open(const AlisaDeviceOptions *options, AlisaDevice **device,
                                        AlisaError *error);
ALISA_API void alisa_device_close(AlisaDevice *device);
ALISA_API const AlisaDeviceInfo *alisa_device_info(const AlisaDevice *device);

/* ---- Files (alisa inspect) ---------------------------------------------------------------- */

typedef struct AlisaFile AlisaFile;

typedef struct AlisaFileInfo {
    uint32_t version;    /* of GGUF: 2 or 3 */
    uint32_t part_count; /* 1, or the number of split files, all of them opened */
    uint64_t key_count;
    uint64_t tensor_count;
    uint64_t byte_count; /* of all parts together */
} AlisaFileInfo;

typedef struct AlisaFileTensor {
    const char *name;
    char type[32]; /* "Q8_0"; "unknown type 99" for ids this version does not know */
    uint32_t dimension_count;
    uint64_t dimensions[4]; /* innermost (row length) first, as in the file */
    uint64_t byte_count;    /* 0 for a type whose size is not known */
    uint32_t part;          /* index of the split file that holds it */
    uint64_t offset;        /* bytes from the start of that file */
} AlisaFileTensor;

ALISA_API AlisaStatus alisa_file_open(const char *path, AlisaFile **file, AlisaError *error);
ALISA_API void alisa_file_close(AlisaFile *file);
ALISA_API void alisa_file_info(const AlisaFile *file, AlisaFileInfo *info);
/* Key `index` < key_count: name, type name ("u32", "[str 512]") and the value as text, arrays cut
 * after a few elements; `value` is malloc'ed, freed by the caller with alisa_free. */
ALISA_API AlisaStatus alisa_file_key(const AlisaFile *file, uint64_t index, const char **name,
                                     char type[32], char **value, AlisaError *error);
ALISA_API AlisaStatus alisa_file_tensor(const AlisaFile *file, uint64_t index,
                                        AlisaFileTensor *tensor, AlisaError *error);

/* Frees what the library gave to the caller by pointer. NULL is allowed. */
ALISA_API void alisa_free(void *pointer);

/* ---- Models and tokens -------------------------------------------------------------------- */

typedef struct AlisaModel AlisaModel;

typedef struct AlisaModelInfo {
    char architecture[64];
    char name[128];
    char type[32];            /* of most weights: "Q8_0" */
    uint64_t parameter_count; /* elements of all tensors */
    uint64_t weight_bytes;
    uint32_t context_length; /* trained */
    uint32_t embedding_length;
    uint32_t layer_count;
    uint32_t head_count;
    uint32_t kv_head_count;
    uint32_t head_dim;
    uint32_t feed_forward_length;
    uint32_t vocabulary_size;
    bool has_tokenizer;
    bool has_weights; /* false for a file that holds only a vocabulary */
} AlisaModelInfo;

/* Maps the file (and its other parts, if it is split) and reads keys and tokenizer. A file without
 * weights opens (to tokenize); a file without a tokenizer opens too (to be run on token ids). */
ALISA_API AlisaStatus alisa_model_open(const char *path, AlisaModel **model, AlisaError *error);
ALISA_API void alisa_model_close(AlisaModel *model);
ALISA_API void alisa_model_info(const AlisaModel *model, AlisaModelInfo *info);

/* Ids of the special tokens; -1 where the model has none. */
ALISA_API int32_t alisa_model_bos(const AlisaModel *model);
ALISA_API int32_t alisa_model_eos(const AlisaModel *model);
/* Whether a token ends generation (end of text, of turn, of message). */
ALISA_API bool alisa_model_is_end(const AlisaModel *model, int32_t token);

enum {
    ALISA_TOKENIZE_BOS = 1u << 0,    /* put BOS first where the model's metadata asks for it */
    ALISA_TOKENIZE_SPECIAL = 1u << 1 /* text like "<|im_start|>" becomes that control token */
};

/* `text` of `length` bytes may hold any bytes; invalid UTF-8 is ALISA_ERROR_ARGUMENT with the byte
 * offset. *tokens is an array of *count ids, freed with alisa_free (non-NULL even when *count is
 * 0). */
ALISA_API AlisaStatus alisa_tokenize(const AlisaModel *model, const char *text, size_t length,
                                     uint32_t flags, int32_t **tokens, size_t *count,
                                     AlisaError *error);

/* Bytes that token `token` adds to the text, written to `buffer` (not terminated). Returns their
 * number, which may exceed `capacity` (then nothing is written) and may be part of a UTF-8
 * character. Control tokens give 0 unless `special`. `first` drops the blank that SentencePiece
 * puts before the first word. An id outside the vocabulary gives 0. */
ALISA_API size_t alisa_token_bytes(const AlisaModel *model, int32_t token, bool first, bool special,
                                   char *buffer, size_t capacity);

/* ---- Chat --------------------------------------------------------------------------------- */

typedef struct AlisaChatMessage {
    const char *role; /* "system", "user" or "assistant" */
    const char *content;
} AlisaChatMessage;

/* Name of the model's chat template, recognised from tokenizer.chat_template: "chatml", "llama2",
 * "llama3", "mistral-v1" (7B v0.1 and v0.2), "mistral" (v3), "mistral-v7", "gemma", "phi3". NULL
 * when there is none or it is not one of these. */
ALISA_API const char *alisa_chat_template(const AlisaModel *model);
/* Names that alisa_chat_render takes, NULL-terminated; static storage. */
ALISA_API const char *const *alisa_chat_template_names(void);
/* The text of a conversation, without BOS, ending with the assistant's prefix if `reply`; to be
 * tokenized with ALISA_TOKENIZE_SPECIAL. *text is freed with alisa_free. */
ALISA_API AlisaStatus alisa_chat_render(const char *template_name, const AlisaChatMessage *messages,
                                        size_t count, bool reply, char **text, AlisaError *error);

/* ---- Engine: weights on a device ---------------------------------------------------------- */

typedef struct AlisaEngine AlisaEngine;

typedef struct AlisaEngineOptions {
    uint64_t
        device_memory; /* budget in bytes for weights, KV and scratch; 0: what the device has */
    /* An emulated link between host and device, for devices that share the host's memory: bytes a
     * second each way, or a share of the device's measured bandwidth. 0 and 0: none. It paces every
     * copy of the device from when the weights are there until the engine is destroyed. */
    double link_rate;
    double link_share;
    AlisaProgress progress;
    AlisaLog log;
} AlisaEngineOptions;

ALISA_API void alisa_engine_options_defaults(AlisaEngineOptions *options);

/* Checks every tensor's name, shape and type, then places the weights on the device: used in place
 * where the device shares the host's memory, copied otherwise. The engine keeps using `model` and
 * `device`. Weights that do not fit: ALISA_ERROR_MEMORY with the bytes needed and available. */
ALISA_API AlisaStatus alisa_engine_create(AlisaModel *model, AlisaDevice *device,
                                          const AlisaEngineOptions *options, AlisaEngine **engine,
                                          AlisaError *error);
ALISA_API void alisa_engine_destroy(AlisaEngine *engine);

/* ---- Sparse attention --------------------------------------------------------------------- */

/* Which tokens of the past a step attends to. A step is a row that comes alone for its sequence in
 * its eval call; several rows of a sequence in one call are a prompt and attend to everything. At
 * the same sparsity every kind but the first keeps the same number of tokens. */
typedef enum AlisaSelectKind {
    ALISA_SELECT_DENSE,   /* every token */
    ALISA_SELECT_SWA,     /* k locals, the k others with the largest sums of the last rows */
    ALISA_SELECT_LOCAL,   /* the last 2k tokens */
    ALISA_SELECT_STRIDED, /* 2k tokens evenly spaced back from the newest */
    ALISA_SELECT_H2O,     /* k locals, the k others with the largest sums of all rows */
    ALISA_SELECT_RANDOM,  /* k locals, k others drawn anew each step */
    ALISA_SELECT_KIND_COUNT
} AlisaSelectKind;

typedef enum AlisaSelectScores {
    ALISA_SELECT_SCORES_SPARSE, /* rows over the step's list: a token outside it gets nothing */
    ALISA_SELECT_SCORES_DENSE,  /* rows over all n tokens */
    ALISA_SELECT_SCORES_QUERY,  /* the step's own row over all n tokens; no sums of past rows. What
                                   weighs less than 4 times the mean gives way to newer tokens */
    ALISA_SELECT_SCORES_COUNT
} AlisaSelectScores;

typedef enum AlisaSelectLists {
    ALISA_SELECT_LISTS_LAYER,   /* one list for all heads of a layer */
    ALISA_SELECT_LISTS_KV_HEAD, /* one list for each KV head */
    ALISA_SELECT_LISTS_COUNT
} AlisaSelectLists;

typedef struct AlisaSelectOptions {
    AlisaSelectKind kind;
    double sparsity; /* 0 <= sparsity < 1: the share of tokens left out, 1 - r */
    uint32_t keep;   /* at least so many tokens are kept; 0: what sparsity leaves of a short text */
    uint32_t sinks;  /* first tokens always kept, within the budget */
    uint32_t window; /* of swa: most rows that are summed; 0: k rows, which take memory that grows
                        with the square of the text's length */
    AlisaSelectScores scores;
    AlisaSelectLists lists;
    uint64_t seed; /* of random */
} AlisaSelectOptions;

/* What the lists of steps were, in numbers. */
typedef struct AlisaSelectCounts {
    uint64_t lists;         /* one a step and sequence, or one for each KV head */
    uint64_t tokens;        /* that could be kept, over all lists */
    uint64_t kept;          /* that were */
    uint64_t globals;       /* kept for their score (a rule, chance), not as sinks or the newest */
    uint64_t new_picks;     /* globals that the list of the step before did not have: what has to be
                               loaded where only kept tokens are on the device */
    uint64_t revivals;      /* new picks that none of the last k lists had */
    uint64_t weights;       /* that the heads gave to the tokens of their lists */
    uint64_t small_weights; /* under 1 % of the largest of their row: attention sparsity */
} AlisaSelectCounts;

/* "swa", "query", "kv-head"; static storage. */
ALISA_API const char *alisa_select_kind_name(AlisaSelectKind kind);
ALISA_API const char *alisa_select_scores_name(AlisaSelectScores scores);
ALISA_API const char *alisa_select_lists_name(AlisaSelectLists lists);

/* dense; 80 % sparsity with sparse scores of 64 rows, one list a layer and no sinks for those that
 * ask. */
ALISA_API void alisa_select_options_defaults(AlisaSelectOptions *options);

/* ---- Placement: where K and V live -------------------------------------------------------- */

/* How K and V are placed when the device cannot hold them all. The first five are the established
 * ways, to compare with. */
typedef enum AlisaPolicy {
    ALISA_POLICY_DEVICE,     /* all on the device, or refused */
    ALISA_POLICY_ACCELERATE, /* all on the host, every layer's loaded for every step */
    ALISA_POLICY_FLEXGEN,    /* a fixed share on the host, chosen for the final length */
    ALISA_POLICY_VLLM,       /* blocks on the device; whole sequences wait, or go and come back */
    ALISA_POLICY_H2O,        /* chosen tokens on the device, the others are gone for good */
    ALISA_POLICY_ALISA,      /* chosen tokens are attended; older ones on the host, or recomputed */
    ALISA_POLICY_COUNT
} AlisaPolicy;

ALISA_API const char *alisa_policy_name(AlisaPolicy policy);

typedef enum AlisaSchedule {
    ALISA_SCHEDULE_OVERLAP, /* copies run beside the computation, one step ahead */
    ALISA_SCHEDULE_PAPER    /* load, recompute, attend, store: one after the other */
} AlisaSchedule;

/* What a session does when its K and V are more than the device's memory. */
typedef struct AlisaPlacementOptions {
    AlisaPolicy policy;     /* ALISA_POLICY_DEVICE */
    AlisaSchedule schedule; /* ALISA_SCHEDULE_OVERLAP */
    bool recompute;      /* policy alisa may keep layer inputs, as halves, in place of K and V, and
                            compute those again when they are chosen. Not with i8, which is as
                            small. Log-probabilities are then those of K and V rounded a little
                            differently: inputs are off by 2^-11 of themselves, and so are K and V
                            by about that, as halves are by their own rounding */
    double inputs_share; /* of the tokens on the host, the oldest, as inputs only; < 0: what pays */
    double host_share;   /* of the KV, for accelerate and flexgen; < 0: their own choice */
    double device_share; /* of what K and V of the whole context take as f16: that much of the
                            device is theirs, whatever the engine's budget; 0: what the budget
                            leaves */
    uint64_t host_memory;    /* bytes for K and V; 0: half of what the host has free */
    uint32_t prompt_length;  /* what plans are made for; 0: an eighth of the context */
    bool only_if_needed;     /* a session of policy alisa whose whole context fits on the device is
                                one of policy device with dense attention; where what scores by
                                query needs more memory than is left, scores are sparse */
    bool halves_if_they_fit; /* with only_if_needed: K and V are f16, whatever their types, where
                                the whole context fits on the device so */
} AlisaPlacementOptions;

/* recompute is true, inputs_share and host_share negative, device_share 0, both ifs false. */
ALISA_API void alisa_placement_options_defaults(AlisaPlacementOptions *options);

/* ---- Session: sequences and their KV cache ------------------------------------------------ */

/* How keys and values are stored. */
typedef enum AlisaKvType {
    ALISA_KV_F16,
    ALISA_KV_F32,
    ALISA_KV_Q8_0, /* 8-bit codes, a half scale for 32 elements of a head; 32 divides head_dim */
    ALISA_KV_I8,   /* 8-bit codes, a range for each channel over 64 tokens; the newest in half */
    ALISA_KV_TYPE_COUNT
} AlisaKvType;

/* Name of a type ("f16"), as the command line takes it; NULL for a number that is none. */
ALISA_API const char *alisa_kv_type_name(AlisaKvType type);

typedef struct AlisaSessionOptions {
    uint32_t sequence_count; /* sequences that advance together; default 1 */
    uint32_t context_length; /* tokens a sequence can hold; 0: the model's */
    uint32_t micro_batch;    /* rows computed at once (-ub); default 512 */
    uint32_t logit_rows;     /* most rows with logits in one eval call; 0: sequence_count */
    AlisaKvType key_type;
    AlisaKvType value_type;
    AlisaSelectOptions attention;
    AlisaPlacementOptions placement;
    bool likeliest_only; /* logits stay on the device: alisa_session_likeliest in their place */
    bool record_steps;   /* keep an AlisaStepRecord of every step */
    bool count_lists;    /* for alisa_session_lists; takes time: lists are read back */
    /* Asked between micro-batches; true stops the call with ALISA_ERROR_INTERRUPTED. May be NULL.
     */
    bool (*interrupt)(void *user);
    void *interrupt_user;
} AlisaSessionOptions;

typedef struct AlisaSession AlisaSession;

ALISA_API void alisa_session_options_defaults(AlisaSessionOptions *options);
ALISA_API AlisaStatus alisa_session_create(AlisaEngine *engine, const AlisaSessionOptions *options,
                                           AlisaSession **session, AlisaError *error);
ALISA_API void alisa_session_destroy(AlisaSession *session);

/* One token to append to one sequence. Its position is the sequence's length so far. */
typedef struct AlisaRow {
    int32_t token;
    uint32_t sequence;
    bool logits; /* keep the logits that follow this token */
} AlisaRow;

/* Appends `count` rows, in order, computing them in micro-batches. Rows of one sequence see the
 * rows before them. On ALISA_ERROR_CONTEXT_LENGTH or ALISA_ERROR_ARGUMENT nothing was appended; on
 * another failure, or when interrupted, the sequences hold the micro-batches that were finished. */
ALISA_API AlisaStatus alisa_session_eval(AlisaSession *session, const AlisaRow *rows, size_t count,
                                         AlisaError *error);

/* Logits of the `index`-th row with `logits` set in the last eval: vocabulary_size floats owned by
 * the session, which the caller may change, valid until the next eval. NULL past the last one, and
 * of a session made with likeliest_only. */
ALISA_API float *alisa_session_logits(AlisaSession *session, size_t index);
/* In a session made with likeliest_only: the lowest id among the largest of those logits, found on
 * the device, as a greedy sampler would choose. -1 past the last one, and where a logit is not a
 * number or infinity. */
ALISA_API int32_t alisa_session_likeliest(const AlisaSession *session, size_t index);

/* What the steps of a session made with count_lists attended to in a layer so far; zeros without,
 * with dense attention, and past the last layer. Prompts do not count. */
ALISA_API void alisa_session_lists(const AlisaSession *session, uint32_t layer,
                                   AlisaSelectCounts *counts);

ALISA_API uint32_t alisa_session_context_length(const AlisaSession *session);
/* What it was created with, every default resolved, and as only_if_needed made it. */
ALISA_API void alisa_session_options(const AlisaSession *session, AlisaSessionOptions *options);
/* Tokens sequence `sequence` holds. */
ALISA_API uint32_t alisa_session_length(const AlisaSession *session, uint32_t sequence);
/* Forgets the tokens of `sequence` from position `length` on. Longer than it is: no effect. */
ALISA_API void alisa_session_truncate(AlisaSession *session, uint32_t sequence, uint32_t length);

typedef struct AlisaMemoryUse {
    uint64_t weight_bytes; /* on the device, or shared with it */
    uint64_t kv_bytes;
    uint64_t scratch_bytes;
    uint64_t host_to_device_bytes; /* moved by eval calls since the session began */
    uint64_t device_to_host_bytes;
} AlisaMemoryUse;

ALISA_API void alisa_session_memory(const AlisaSession *session, AlisaMemoryUse *use);

/* Which sequences may append rows now, where the policy cannot hold all of them at once (vllm).
 * wanted: [sequence_count] rows each is to append before the next such call, by one eval call or
 * several; 0: none, for now. admitted: [sequence_count]; of those that want rows, the ones that may
 * append them; the others wait, with their tokens, and are to be asked for again. If any wants
 * rows, one is admitted at least. K and V of sequences that leave or come back are moved, or
 * computed again, here; a sequence that wants nothing is the first to leave, so one that is done
 * is better truncated to 0. On failure none is admitted and no token is lost, except on
 * ALISA_ERROR_DEVICE, when all are. Other policies admit everything. Without this call, rows that
 * somebody would have to leave for are ALISA_ERROR_MEMORY, and nothing is appended. */
ALISA_API AlisaStatus alisa_session_admit(AlisaSession *session, const uint32_t *wanted,
                                          bool *admitted, AlisaError *error);

/* Where tokens (times layers) are now, and what it took so far. */
typedef struct AlisaPlacementUse {
    uint64_t device_tokens; /* some of them on the host as well */
    uint64_t host_tokens;   /* on the host only */
    uint64_t recomputable_tokens;
    uint64_t forgotten_tokens;
    uint64_t device_bytes; /* for K, V and what belongs to them */
    uint64_t host_bytes;
    uint64_t bytes_to_device; /* K, V and layer inputs moved */
    uint64_t bytes_to_host;
    uint32_t host_from;   /* length at which a token was first on the host only; 0: none was */
    uint32_t inputs_from; /* and as a layer input only */
    uint64_t recomputed;  /* tokens, times layers, whose K and V were computed from inputs */
    uint32_t preempted;   /* times a sequence had to leave */
    uint32_t replanned;   /* times predictions were off by more than 25 % */
    double link_rate;     /* bytes/s each way of an emulated link; 0: there is none */
    bool not_needed;      /* policy alisa was: see AlisaPlacementOptions.only_if_needed */
} AlisaPlacementUse;

ALISA_API void alisa_session_placement(const AlisaSession *session, AlisaPlacementUse *use);

/* A step in which every sequence that had rows had one, with the alisa_session_admit before it. */
typedef struct AlisaStepRecord {
    uint32_t length; /* of the longest sequence */
    uint32_t phase;  /* 1: all on the device, 2: host too, 3: some as layer inputs only */
    uint32_t running;
    double predicted_seconds; /* 0: nothing to predict from */
    double measured_seconds;
    uint64_t bytes_to_device;
    uint64_t bytes_to_host;
} AlisaStepRecord;

/* The records so far, owned by the session, valid until the next eval. */
ALISA_API const AlisaStepRecord *alisa_session_steps(const AlisaSession *session, size_t *count);

/* ---- Planning: where keys and values live, and what that costs ----------------------------- */

typedef struct AlisaPlanOptions {
    /* A device at hand with its model: its sessions are planned for, from what they are measured to
     * do. The next three are not looked at then. NULL: a device nobody has to own, of which */
    AlisaEngine *engine;
    const char *profile;      /* is the name ("V100-32") if it is published, or a JSON file */
    const char *model_shape;  /* name of a published shape ("opt-13b"), or NULL: */
    const AlisaModel *model;  /* a file */
    uint32_t batch;           /* 1 */
    uint32_t prompt_length;   /* 128 */
    uint32_t generate_length; /* 512 */
    uint32_t micro_batch;     /* 512 */
    AlisaKvType key_type;
    AlisaKvType value_type;
    double kv_sparsity; /* 0.8: share of the tokens that h2o and alisa leave out */
    uint32_t kv_keep;   /* of which they keep so many at least; 0 */
    AlisaSelectScores swa_scores;
    AlisaSelectLists swa_lists;
    uint32_t swa_window; /* as in AlisaSelectOptions; 64 */
    double new_picks;    /* share of the choices that are new in a step; < 0: what is usual */
    AlisaSchedule schedule;
    bool recompute;         /* true: K and V may be computed from layer inputs */
    double inputs_share;    /* of the tokens on the host, as layer inputs only; < 0: what pays */
    double host_share;      /* of the KV, for accelerate and flexgen; < 0: their own choice */
    double device_share;    /* as in AlisaPlacementOptions; 0 */
    uint64_t device_memory; /* bytes; 0: the profile's, or the engine's budget; as for the next */
    uint64_t host_memory;
    uint64_t scratch; /* of the device memory, kept free of weights and KV; 0: 1 GiB, or what
                         sessions of the engine take */
    bool exhaustive;  /* search all of the grid beside the greedy search */
} AlisaPlanOptions;

/* Predicted, one a step. */
typedef struct AlisaPlanStep {
    uint32_t length;  /* tokens of the longest sequence */
    uint32_t phase;   /* 1: all on the device, 2: host too, 3: some as layer inputs only */
    uint32_t running; /* sequences */
    double seconds;
    double device_bytes; /* K, V and what belongs to them */
    double host_bytes;
    double recomputable_bytes; /* K and V that exist as layer inputs only */
} AlisaPlanStep;

/* Seconds of the run by what they go to; their sum is the run. */
typedef struct AlisaPlanTime {
    double weights, matrix, attention, selection, recompute, launch;
    double link; /* copies that nothing hides */
} AlisaPlanTime;

typedef struct AlisaPlan {
    AlisaPolicy policy;
    char model[64];
    char device[64];
    uint64_t weight_bytes;
    double prefill_seconds;
    double decode_seconds;
    double tokens_per_second; /* generated, over prefill and decode */
    uint32_t host_from;       /* p1: length at which phase II begins; 0: never */
    uint32_t inputs_from;     /* p2: phase III */
    double host_share;        /* alpha: share of the tokens on the host */
    double inputs_share;      /* beta: share of those kept as layer inputs only */
    double greedy_seconds;    /* of alisa: as the search predicts them; 0 otherwise */
    double best_seconds;      /* of the best point of its grid, if asked for */
    AlisaPlanTime time;
    const char *binds;        /* where most of the time goes, in words */
    double peak_device_bytes; /* weights and scratch included */
    double peak_host_bytes;
    double bytes_to_device;
    double bytes_to_host;
    uint32_t preempted; /* sequences of vllm that had to leave */
    AlisaPlanStep *steps;
    size_t step_count;
} AlisaPlan;

ALISA_API void alisa_plan_options_defaults(AlisaPlanOptions *options);

/* Predicts a run by the code that schedules real ones: those of `alisa bench --policy`, whose
 * tokens are chosen on the device. What cannot fit is ALISA_ERROR_MEMORY, with the limit that
 * binds, the bytes missing and the flag that helps. With an engine, a kind of session that is new
 * to the device is measured first, which takes one or two seconds. alisa_plan_finish frees what is
 * in *plan, which may be zeroed. */
ALISA_API AlisaStatus alisa_plan_make(const AlisaPlanOptions *options, AlisaPolicy policy,
                                      AlisaPlan *plan, AlisaError *error);
ALISA_API void alisa_plan_finish(AlisaPlan *plan);
/* Writes what such a plan is made from, as a JSON file that `profile` takes. */
ALISA_API AlisaStatus alisa_plan_save_profile(const AlisaPlanOptions *options, AlisaPolicy policy,
                                              const char *path, AlisaError *error);

/* Names of published devices and shapes, by index; false past the last one. */
ALISA_API bool alisa_plan_profile_name(size_t index, char name[64]);
ALISA_API bool alisa_plan_shape_name(size_t index, char name[64]);

/* ---- Tuning: kernel parameters that suit a device ------------------------------------------ */

typedef enum AlisaTuneEffort {
    ALISA_TUNE_QUICK,  /* a minute: the weight types that are used most, one round */
    ALISA_TUNE_NORMAL, /* ten minutes */
    ALISA_TUNE_FULL,   /* as long as anything helps */
    ALISA_TUNE_EFFORT_COUNT
} AlisaTuneEffort;

/* "quick"; static storage. */
ALISA_API const char *alisa_tune_effort_name(AlisaTuneEffort effort);

/* Seconds that a search with it takes, without those of the comparison with CLBlast; 0 where the
 * effort is none. */
ALISA_API double alisa_tune_effort_seconds(AlisaTuneEffort effort);

/* What was found for a set of parameters: those of a kernel family, or of it for a weight type. */
typedef struct AlisaTuneReport {
    const char *set;        /* "matvec.q8_0"; these two are valid during the call */
    const char *parameters; /* "layout=item single=2 ..." */
    bool changed;           /* against what was used before */
    double speedup;         /* of the sizes that are measured, weighted; 1 where nothing changed */
} AlisaTuneReport;

enum { ALISA_TUNE_CROSSOVER_SIZES = 7 };

/* A product of weights of one type with so many rows of activations, by the kernels for few rows,
 * by those for many, and by CLBlast, each with the parameters that were found: seconds, or INFINITY
 * where the device does not do it. */
typedef struct AlisaTuneCrossover {
    const char *type; /* "q8_0"; valid during the call */
    uint32_t rows[ALISA_TUNE_CROSSOVER_SIZES];
    double matvec[ALISA_TUNE_CROSSOVER_SIZES];
    double matmul[ALISA_TUNE_CROSSOVER_SIZES];
    double clblast[ALISA_TUNE_CROSSOVER_SIZES];
    bool has_clblast; /* this build has it */
} AlisaTuneCrossover;

typedef struct AlisaTuneOptions {
    AlisaTuneEffort effort; /* ALISA_TUNE_NORMAL */
    double time_budget;     /* seconds; 0: what the effort stands for */
    const char *kernel;     /* one family ("matvec") or set ("matvec.q8_0") alone; NULL: all */
    const char *journal;    /* a file in which every measurement is kept until the search is done:
                               the next search with it goes on where this one ended, and leaves out
                               what ended it. NULL: none */
    void (*report)(void *user, const AlisaTuneReport *report); /* when a set is done; may be NULL */
    /* After the search, for each weight type whose products were searched; may be NULL. */
    void (*crossover)(void *user, const AlisaTuneCrossover *crossover);
    void *report_user;             /* of both */
    bool (*interrupt)(void *user); /* asked between measurements; may be NULL */
    void *interrupt_user;
    AlisaProgress progress;
} AlisaTuneOptions;

ALISA_API void alisa_tune_options_defaults(AlisaTuneOptions *options);

/* Searches for faster parameters of the device's kernels, and keeps them in the folder of the cache
 * for engines created later. Every candidate's results are checked against the host's before it is
 * timed. A driver that crashes ends the process: whoever watches over it notes that in the journal
 * (alisa_tune_journal_note) and starts again. */
ALISA_API AlisaStatus alisa_tune(AlisaDevice *device, const AlisaTuneOptions *options,
                                 AlisaError *error);

/* How a process that was searching with this journal ended: crashed, hung and was killed, or was
 * interrupted, and what it was trying may be tried again. */
typedef enum AlisaTuneEnding {
    ALISA_TUNE_ENDING_CRASHED,
    ALISA_TUNE_ENDING_HUNG,
    ALISA_TUNE_ENDING_INTERRUPTED
} AlisaTuneEnding;
ALISA_API AlisaStatus alisa_tune_journal_note(const char *journal, AlisaTuneEnding ending,
                                              AlisaError *error);
/* Where the journal of a device, by its selector as in AlisaDeviceOptions, is best kept; the folder
 * is made. *path is freed with alisa_free. */
ALISA_API AlisaStatus alisa_tune_journal_path(const char *selector, const char *cache_dir,
                                              char **path, AlisaError *error);

/* A size of a kernel family that was timed: the device's own kernels, with the parameters that
 * engines use, on made-up numbers. Pointers are valid during the call. */
typedef struct AlisaKernelTest {
    const char *group;      /* "matrix-vector", "matrix-matrix", "attention", "transfer" */
    const char *name;       /* "matvec.q8_0, 1 row" */
    const char *parameters; /* "layout=item single=2 ..." */
    double bytes;           /* read and written, */
    double flops;           /* and computed by a pass; 0: not counted */
    const double *seconds;  /* [samples] of a pass */
    uint32_t samples;
    const char
        *curve;  /* "dense", "80 % sparsity"; "to-device", "to-host": a point of this curve, */
    uint64_t at; /* over the length of the context in tokens, or the size in bytes. NULL and 0: of
                    none */
} AlisaKernelTest;

typedef struct AlisaKernelBench {
    uint32_t samples; /* 9; no more than 64 */
    double seconds;   /* 1: no sample is begun after so long; there is one at least */
    void (*report)(void *user, const AlisaKernelTest *test);
    void *report_user;
    bool (*interrupt)(void *user); /* asked between tests; may be NULL */
    void *interrupt_user;
} AlisaKernelBench;

ALISA_API void alisa_kernel_bench_defaults(AlisaKernelBench *bench);
/* Times them all, in about a minute. Wrong results are ALISA_ERROR_DEVICE. */
ALISA_API AlisaStatus alisa_bench_kernels(AlisaDevice *device, const AlisaKernelBench *bench,
                                          AlisaError *error);

/* Files of tuned parameters, to take along or to send in. Export writes what is used for the device
 * now; import checks a file and keeps it among the user's own; `name` says for which device it
 * is. Of the options the folder and the log are used. */
ALISA_API AlisaStatus alisa_tune_export(AlisaDevice *device, const char *path, AlisaError *error);
ALISA_API AlisaStatus alisa_tune_import(const AlisaDeviceOptions *options, const char *path,
                                        char name[128], AlisaError *error);

/* ---- Sampler ------------------------------------------------------------------------------ */

typedef struct AlisaSamplerOptions {
    uint64_t seed;         /* same seed, same text; the CLI draws one when asked for -1 */
    float temperature;     /* 0.80; <= 0 is greedy: the lowest id among the largest logits */
    int32_t top_k;         /* 40; <= 0 keeps all */
    float top_p;           /* 0.95; >= 1 keeps all */
    float min_p;           /* 0.05; <= 0 keeps all */
    float repeat_penalty;  /* 1.00: none. Positive logits are divided by it, negative multiplied */
    int32_t repeat_last_n; /* 64 tokens looked at; 0 none, -1 all that were accepted */
} AlisaSamplerOptions;

typedef struct AlisaSampler AlisaSampler;

ALISA_API void alisa_sampler_options_defaults(AlisaSamplerOptions *options);
ALISA_API AlisaStatus alisa_sampler_create(const AlisaSamplerOptions *options,
                                           uint32_t vocabulary_size, AlisaSampler **sampler,
                                           AlisaError *error);
ALISA_API void alisa_sampler_destroy(AlisaSampler *sampler);
/* Tells the sampler of a token of the prompt or of the text, for the repeat penalty. */
ALISA_API void alisa_sampler_accept(AlisaSampler *sampler, int32_t token);
/* Draws a token from vocabulary_size logits (not changed); order of stages: repeat penalty, top-k,
 * top-p, min-p, temperature. NaN logits: ALISA_ERROR_DEVICE. */
ALISA_API AlisaStatus alisa_sampler_sample(AlisaSampler *sampler, const float *logits,
                                           int32_t *token, AlisaError *error);

/* Base-e log-softmax of `count` logits: out[i] = logits[i] - log(sum exp(logits)), summed in
 * double. `out` may be `logits`. */
ALISA_API void alisa_log_softmax(const float *logits, size_t count, float *out);

#ifdef __cplusplus
}
#endif
#endif
