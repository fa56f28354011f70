/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of src/tokenizer share: the vocabulary, the merge engine, and the two kinds of
 * tokenizer built on them.
 */
#ifndef ALISA_TOKENIZER_INTERNAL_H
#define ALISA_TOKENIZER_INTERNAL_H

#include "tokenizer/tokenizer.h"

/* ---- Vocabulary --------------------------------------------------------------------------- */

/* Types of tokens, numbered as in the file's key tokenizer.ggml.token_type. */
typedef enum AlisaTokenType {
    ALISA_TOKEN_UNDEFINED, /* while a file is read: a byte if it is written like one, else normal */
    ALISA_TOKEN_NORMAL,
    ALISA_TOKEN_UNKNOWN,
    ALISA_TOKEN_CONTROL,
    ALISA_TOKEN_USER_DEFINED,
    ALISA_TOKEN_UNUSED,
    ALISA_TOKEN_BYTE,
} AlisaTokenType;

typedef enum AlisaTokenizerKind {
    ALISA_TOKENIZER_SENTENCEPIECE,
    ALISA_TOKENIZER_BPE,
} AlisaTokenizerKind;

/* How a file writes the texts of its tokens. */
typedef enum AlisaSpelling {
    ALISA_SPELLING_BLANKS, /* U+2581 is a blank; a token of one byte is written like <0x0A> */
    ALISA_SPELLING_BYTES,  /* in GPT-2's alphabet of bytes */
} AlisaSpelling;

/* A node of the trie of texts that are one token wherever they stand. Siblings are a linked list;
 * node 0 is the root, so 0 as a link means none. */
typedef struct AlisaTrieNode {
    uint32_t first_child;
    uint32_t next_sibling;
    int32_t token; /* token whose text ends at this node; -1: none */
    uint8_t byte;
} AlisaTrieNode;

#define ALISA_END_TEXTS 34 /* texts of tokens that end generation (ends.c) */

/* Tokens as the bytes they add to the text: SentencePiece's U+2581 is a blank here, the letters
 * of GPT-2's byte alphabet are bytes, and a byte token is its byte. */
typedef struct AlisaVocabulary {
    uint32_t size;
    uint8_t *types;    /* [size] AlisaTokenType */
    float *scores;     /* [size] of SentencePiece; NULL for BPE */
    uint32_t *offsets; /* [size + 1]: token i is bytes[offsets[i]] up to bytes[offsets[i + 1]] */
    char *bytes;
    uint32_t longest; /* bytes of the longest token that text is looked up for */
    int32_t *slots;   /* hash table of normal tokens by their bytes; -1: a free slot */
    uint32_t slot_mask;
    AlisaTrieNode *nodes; /* trie of control, user-defined and unknown tokens */
    uint32_t node_count;
    uint32_t node_capacity;
    uint32_t root_child[256];      /* [byte] node of the root's child for that byte; 0: none */
    int32_t ends[ALISA_END_TEXTS]; /* control token of each text; -1: none */
} AlisaVocabulary;

AlisaStatus alisa_vocabulary_load(AlisaVocabulary *vocabulary, const AlisaGguf *gguf,
                                  AlisaSpelling spelling, AlisaError *error);
/* Reads the scores, which a file of SentencePiece has. */
AlisaStatus alisa_vocabulary_load_scores(AlisaVocabulary *vocabulary, const AlisaGguf *gguf,
                                         AlisaError *error);
/* Takes a zeroed vocabulary. */
void alisa_vocabulary_finish(AlisaVocabulary *vocabulary);
/* The normal token that is exactly these bytes, or -1. */
int32_t alisa_vocabulary_find(const AlisaVocabulary *vocabulary, const char *text, size_t length);
/* As alisa_vocabulary_find, but looks at `guess` and the token after it first: rules of merging are
 * listed in the order of the tokens that they make, and memory is slow out of order. */
int32_t alisa_vocabulary_find_near(const AlisaVocabulary *vocabulary, const char *text,
                                   size_t length, int32_t guess);
/* The longest token at the start of `text` that stands for itself: a user-defined one, and with
 * `special` a control or unknown one. -1 when there is none. */
int32_t alisa_vocabulary_match(const AlisaVocabulary *vocabulary, const char *text, size_t length,
                               bool special);

/* Notes a token whose text, as the file has it, is one of those that end generation, and makes it a
 * control token where the text is nothing that people write. */
void alisa_ends_note(AlisaVocabulary *vocabulary, uint32_t token, const char *text, size_t length);
/* Whether a token is <|endoftext|>, which stands between texts rather than turns. */
bool alisa_ends_is_end_of_text(const AlisaVocabulary *vocabulary, int32_t token);
/* The token of the text in row `row`, below ALISA_END_TEXTS, that ends generation; -1: none. */
int32_t alisa_ends_at(const AlisaVocabulary *vocabulary, size_t row);

/* ---- Output ------------------------------------------------------------------------------- */

typedef struct AlisaTokenList {
    int32_t *ids;
    size_t count;
    size_t capacity;
} AlisaTokenList;

AlisaStatus alisa_token_list_push(AlisaTokenList *list, int32_t token, AlisaError *error);
/* Appends the tokens of the bytes of a text that no other token says; the unknown token where a
 * byte has none. */
AlisaStatus alisa_token_list_push_bytes(AlisaTokenList *list, const AlisaTokenizer *tokenizer,
                                        const char *bytes, uint32_t size, AlisaError *error);

/* ---- Spelling (spelling.c) ------------------------------------------------------------------ */

/* Writes `text` to `out`, which has room for `length` bytes, with a blank for every U+2581, and
 * returns the bytes written. SentencePiece replaces blanks by U+2581; the result is the same, since
 * the two are one character to it. */
size_t alisa_spelling_blanks(const char *text, size_t length, char *out);
/* Turns text written in GPT-2's alphabet of bytes into those bytes, in `out` of at least `length`;
 * other characters stay. Returns the bytes written. */
size_t alisa_spelling_bytes(const char *text, size_t length, char *out);
/* Whether all of a text is in GPT-2's alphabet. */
bool alisa_spelling_is_bytes(const char *text, size_t length);
/* Bytes of the UTF-8 character that begins with `lead`. */
uint32_t alisa_spelling_character_size(uint8_t lead);

/* ---- Merging ------------------------------------------------------------------------------ */

#define ALISA_SYMBOL_NONE UINT32_MAX

/* A stretch of the text; neighbours form a linked list while they are merged. */
typedef struct AlisaSymbol {
    uint32_t start;    /* its first byte in the text */
    uint32_t size;     /* its bytes; 0: it was merged into another symbol */
    int32_t token;     /* -1: its bytes are not in the vocabulary */
    uint32_t previous; /* index of the symbol before; ALISA_SYMBOL_NONE: none */
    uint32_t next;     /* index of the symbol after; ALISA_SYMBOL_NONE: none */
} AlisaSymbol;

/* Two neighbouring symbols that can be merged. */
typedef struct AlisaCandidate {
    double cost;    /* the candidate of least cost is merged first, the leftmost of several */
    uint32_t left;  /* index of a symbol */
    uint32_t right; /* index of the symbol after it */
    uint32_t size;  /* bytes of the two when the candidate was made: if they have others now, the
                       candidate is out of date */
    int32_t token;  /* the token they merge into */
} AlisaCandidate;

/* Scratch of one call of encode, reused from word to word. */
typedef struct AlisaMerger {
    AlisaSymbol *symbols;
    uint32_t count;
    uint32_t capacity;
    AlisaCandidate *heap;
    size_t heap_count;
    size_t heap_capacity;
} AlisaMerger;

/* Whether two neighbours in `text` merge, into what, and at what cost. */
typedef bool (*AlisaPairFinder)(const AlisaTokenizer *tokenizer, const char *text,
                                const AlisaSymbol *left, const AlisaSymbol *right, double *cost,
                                int32_t *token);

AlisaStatus alisa_merger_add(AlisaMerger *merger, uint32_t start, uint32_t size, int32_t token,
                             AlisaError *error);
/* Merges the added symbols, cheapest pair first, until no neighbours merge. Symbol 0 stays the
 * first one of the list. O(n log n). */
AlisaStatus alisa_merger_run(AlisaMerger *merger, const AlisaTokenizer *tokenizer, const char *text,
                             AlisaPairFinder find, AlisaError *error);
void alisa_merger_finish(AlisaMerger *merger);

/* ---- SentencePiece ------------------------------------------------------------------------ */

/* Whether no piece holds a blank after another character. Then nothing merges across such a place
 * and the text between two of them can be merged by itself: the same result from small heaps, which
 * took 0.4 s instead of 3.5 s for a megabyte of English. */
bool alisa_sentencepiece_cuts_at_blanks(const AlisaVocabulary *vocabulary);
/* Appends the tokens of `text`, valid UTF-8, that is all there is or stands between tokens that
 * stand for themselves: blanks at its ends are put or removed as the model wants it. */
AlisaStatus alisa_sentencepiece_encode(const AlisaTokenizer *tokenizer, AlisaMerger *merger,
                                       const char *text, size_t length, AlisaTokenList *list,
                                       AlisaError *error);

/* ---- Byte-level BPE ----------------------------------------------------------------------- */

#define ALISA_SPLIT_STAGES 6 /* most patterns of a rule */

/* How a family of models cuts text into words before merging. */
typedef struct AlisaSplitRule {
    const char *name;            /* value of tokenizer.ggml.pre that asks for the rule */
    const char *const *patterns; /* regular expressions of PCRE2 with properties of Unicode, never
                                    empty matches; ends with NULL. What the first one matches is a
                                    piece, and so is what lies between; the next one cuts pieces */
    bool whole_words;            /* a word that is a token is taken without merging */
    bool add_bos;                /* whether BOS comes first where the file does not say */
    bool compose;                /* text is brought to the Unicode form NFC before it is cut */
    bool characters; /* tokens are spelled as SentencePiece's are, and merging begins with
                        characters; otherwise with bytes in GPT-2's alphabet */
} AlisaSplitRule;

typedef struct AlisaSplitter AlisaSplitter;

/* The rule of that name, or NULL. */
const AlisaSplitRule *alisa_split_rule_find(const char *name, size_t length);
/* Each rule in turn; NULL after the last. */
const AlisaSplitRule *alisa_split_rule_at(size_t index);
AlisaStatus alisa_splitter_create(const AlisaSplitRule *rule, AlisaSplitter **splitter,
                                  AlisaError *error);
void alisa_splitter_destroy(AlisaSplitter *splitter);
typedef AlisaStatus AlisaWordTaker(void *user, const char *text, size_t length, AlisaError *error);
/* Calls `word` for each word of `text`, valid UTF-8, in order; each byte is in exactly one word. */
AlisaStatus alisa_splitter_run(const AlisaSplitter *splitter, const char *text, size_t length,
                               AlisaWordTaker *word, void *user, AlisaError *error);

/* What two neighbouring tokens merge into, and how early. */
typedef struct AlisaMergeRule {
    int32_t left; /* -1: a free slot of the table */
    int32_t right;
    int32_t merged;
    uint32_t rank;
} AlisaMergeRule;

typedef struct AlisaBpe {
    const AlisaSplitRule *rule;
    AlisaSplitter *splitter;
    AlisaMergeRule *merges; /* hash table by left and right */
    uint32_t merge_mask;
} AlisaBpe;

/* Reads the merges of a tokenizer whose vocabulary is loaded and whose split rule is set. */
AlisaStatus alisa_bpe_load(AlisaTokenizer *tokenizer, const AlisaGguf *gguf, AlisaError *error);
void alisa_bpe_finish(AlisaBpe *bpe);
AlisaStatus alisa_bpe_encode(const AlisaTokenizer *tokenizer, AlisaMerger *merger, const char *text,
                             size_t length, AlisaTokenList *list, AlisaError *error);

/* ---- The tokenizer ------------------------------------------------------------------------ */

#define ALISA_END_TOKENS_MAX (ALISA_END_TEXTS + 6)

struct AlisaTokenizer {
    AlisaTokenizerKind kind;
    AlisaVocabulary vocabulary;
    AlisaBpe bpe;
    int32_t bos;     /* token that begins a text; -1: none */
    int32_t eos;     /* token that ends a text; -1: none */
    int32_t unknown; /* token for what no other token says; -1: none */
    bool add_bos;
    bool add_space_prefix;
    bool remove_extra_blanks;  /* SentencePiece: none at either end, one between words */
    bool strips_after_special; /* white space after a token that stands for itself goes with it */
    bool cuts_at_blanks;       /* SentencePiece: the text can be merged word by word */
    int32_t byte_tokens[256];  /* [byte] the token that is this byte; -1: none */
    char warning[256];         /* what was assumed, for the user; empty: nothing */
    int32_t ends[ALISA_END_TOKENS_MAX]; /* tokens that end generation */
    uint32_t end_count;
};

#endif
