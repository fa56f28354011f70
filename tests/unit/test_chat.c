/* SPDX-License-Identifier: Apache-2.0 */
/* Chat formats: recognised from real templates, written as those templates write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/disk.h"
#include "tokenizer/tokenizer.h"

static void test_recognises_real_templates(void **state) {
    (void)state;
    static const struct {
        const char *file;
        const char *name; /* NULL: none of ours */
    } files[] = {
        {"HuggingFaceTB-SmolLM3-3B", "chatml"},
        {"Mistral-Small-3.2-24B-Instruct-2506", "mistral-v7"},
        {"Qwen-Qwen2.5-7B-Instruct", "chatml"},
        {"Qwen-Qwen3-0.6B", "chatml"},
        {"google-gemma-2-2b-it", "gemma"},
        {"google-gemma-4-31B-it", NULL},
        {"meta-llama-Llama-3.1-8B-Instruct", "llama3"},
        {"meta-llama-Llama-3.2-3B-Instruct", "llama3"},
        {"microsoft-Phi-3.5-mini-instruct", "phi3"},
        {"mistralai-Mistral-Nemo-Instruct-2407", "mistral"},
    };
    if (access(SHARED_DATA_DIR "/chat-templates", R_OK) != 0) {
        print_message("skipped: %s is not there\n", SHARED_DATA_DIR "/chat-templates");
        skip();
    }
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[1024];
        uint8_t *text;
        size_t size;
        AlisaError error;
        snprintf(path, sizeof path, "%s/chat-templates/%s.jinja", SHARED_DATA_DIR, files[i].file);
        assert_int_equal(alisa_disk_read(path, &text, &size, &error), ALISA_OK);
        const char *name = alisa_template_recognise((const char *)text, size);
        if (files[i].name) {
            assert_non_null(name);
            assert_string_equal(name, files[i].name);
        } else {
            assert_null(name);
        }
        alisa_free(text);
    }
}

static void test_recognises_by_words(void **state) {
    (void)state;
    static const struct {
        const char *text;
        const char *name;
    } cases[] = {
        {"{{ '[INST] <<SYS>>' + system }}", "llama2"},
        {"{{ '[INST] ' + message['content'] + ' [/INST]' }}", "mistral-v1"},
        {"{{ '[INST] ' + message['content'] + '[/INST]' }}", "mistral"},
        {"{{ '<|im_start|>user<|im_sep|>' }}", NULL},
        {"<|im_start|", NULL},
        {"<<|im_start|>", "chatml"},
        {"<start_of_turn>", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *name = alisa_template_recognise(cases[i].text, strlen(cases[i].text));
        assert_int_equal(name == NULL, cases[i].name == NULL);
        if (name) assert_string_equal(name, cases[i].name);
    }
}

static const AlisaChatMessage conversation[] = {
    {"system", "Be kind."},
    {"user", " Hi there "},
    {"assistant", "Hello."},
    {"user", "How?"},
};

/* What the models' own templates give for the conversation; without the dates that Llama 3's adds,
 * and for formats without a system turn with that text where their makers' code puts it. */
static const struct {
    const char *name;
    const char *with_system;
    const char *without;
} expected[] = {
    {"chatml",
     "<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\n Hi there <|im_end|>\n"
     "<|im_start|>assistant\nHello.<|im_end|>\n<|im_start|>user\nHow?<|im_end|>\n"
     "<|im_start|>assistant\n",
     "<|im_start|>user\n Hi there <|im_end|>\n<|im_start|>assistant\nHello.<|im_end|>\n"
     "<|im_start|>user\nHow?<|im_end|>\n<|im_start|>assistant\n"},
    {"llama2",
     "[INST] <<SYS>>\nBe kind.\n<</SYS>>\n\nHi there [/INST] Hello. </s><s>[INST] How? [/INST]",
     "[INST] Hi there [/INST] Hello. </s><s>[INST] How? [/INST]"},
    {"llama3",
     "<|start_header_id|>system<|end_header_id|>\n\nBe kind.<|eot_id|>"
     "<|start_header_id|>user<|end_header_id|>\n\nHi there<|eot_id|>"
     "<|start_header_id|>assistant<|end_header_id|>\n\nHello.<|eot_id|>"
     "<|start_header_id|>user<|end_header_id|>\n\nHow?<|eot_id|>"
     "<|start_header_id|>assistant<|end_header_id|>\n\n",
     "<|start_header_id|>user<|end_header_id|>\n\nHi there<|eot_id|>"
     "<|start_header_id|>assistant<|end_header_id|>\n\nHello.<|eot_id|>"
     "<|start_header_id|>user<|end_header_id|>\n\nHow?<|eot_id|>"
     "<|start_header_id|>assistant<|end_header_id|>\n\n"},
    {"mistral", "[INST] Hi there [/INST]Hello.</s>[INST]Be kind.\n\nHow?[/INST]",
     "[INST] Hi there [/INST]Hello.</s>[INST]How?[/INST]"},
    {"mistral-v1", "[INST] Be kind.\n\n Hi there  [/INST] Hello.</s>[INST] How? [/INST]",
     "[INST]  Hi there  [/INST] Hello.</s>[INST] How? [/INST]"},
    {"mistral-v7",
     "[SYSTEM_PROMPT]Be kind.[/SYSTEM_PROMPT][INST] Hi there [/INST]Hello.</s>[INST]How?[/INST]",
     "[INST] Hi there [/INST]Hello.</s>[INST]How?[/INST]"},
    {"gemma",
     "<start_of_turn>user\nBe kind.\n\nHi there<end_of_turn>\n<start_of_turn>model\n"
     "Hello.<end_of_turn>\n<start_of_turn>user\nHow?<end_of_turn>\n<start_of_turn>model\n",
     "<start_of_turn>user\nHi there<end_of_turn>\n<start_of_turn>model\nHello.<end_of_turn>\n"
     "<start_of_turn>user\nHow?<end_of_turn>\n<start_of_turn>model\n"},
    {"phi3",
     "<|system|>\nBe kind.<|end|>\n<|user|>\n Hi there <|end|>\n<|assistant|>\nHello.<|end|>\n"
     "<|user|>\nHow?<|end|>\n<|assistant|>\n",
     "<|user|>\n Hi there <|end|>\n<|assistant|>\nHello.<|end|>\n<|user|>\nHow?<|end|>\n"
     "<|assistant|>\n"},
};

static void assert_renders(const char *name, const AlisaChatMessage *messages, size_t count,
                           bool reply, const char *wanted) {
    char *text;
    AlisaError error = {0};
    assert_int_equal(alisa_chat_render(name, messages, count, reply, &text, &error), ALISA_OK);
    assert_string_equal(text, wanted);
    alisa_free(text);
}

static void test_renders_every_format(void **state) {
    (void)state;
    const char *const *names = alisa_chat_template_names();
    size_t count = 0;
    for (; names[count]; count++) {
        assert_string_equal(names[count], expected[count].name);
        assert_renders(names[count], conversation, 4, true, expected[count].with_system);
        assert_renders(names[count], conversation + 1, 3, true, expected[count].without);
        assert_renders(names[count], conversation, 0, false, "");
    }
    assert_int_equal(count, sizeof expected / sizeof expected[0]);
}

static void test_reply_prefix_is_optional(void **state) {
    (void)state;
    assert_renders("chatml", conversation + 3, 1, false, "<|im_start|>user\nHow?<|im_end|>\n");
    assert_renders("gemma", conversation + 3, 1, false, "<start_of_turn>user\nHow?<end_of_turn>\n");
    assert_renders("phi3", conversation, 0, true, "<|assistant|>\n");
}

/* Mistral's own code joins several system messages by an empty line. */
static void test_joins_system_messages(void **state) {
    (void)state;
    const AlisaChatMessage messages[] = {
        {"system", "One."}, {"system", "Two."}, {"user", "Hi"}, {"user", "You"}};
    assert_renders("mistral", messages, 4, true, "[INST]Hi[/INST][INST]One.\n\nTwo.\n\nYou[/INST]");
    assert_renders("gemma", messages, 3, false,
                   "<start_of_turn>user\nOne.\n\nTwo.\n\nHi<end_of_turn>\n");
}

static void test_refuses_what_it_cannot_write(void **state) {
    (void)state;
    const AlisaChatMessage tool = {"tool", "22"}, silent = {"user", NULL};
    static const struct {
        const char *name;
        const AlisaChatMessage *message;
        const char *words;
    } cases[] = {
        {"vicuna", &conversation[1], "\"vicuna\" is not known; known are chatml, llama2"},
        {NULL, &conversation[1], "not known"},
        {"chatml", NULL, "unknown role \"tool\""},
        {"chatml", NULL, "lacks its role"},
        {"gemma", &conversation[0], "gemma puts the system message into a user message"},
        {"mistral", &conversation[0], "there is none"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const AlisaChatMessage *message = cases[i].message;
        if (!message) message = i == 2 ? &tool : &silent;
        char *text;
        AlisaError error = {0};
        assert_int_equal(alisa_chat_render(cases[i].name, message, 1, true, &text, &error),
                         ALISA_ERROR_ARGUMENT);
        assert_null(text);
        assert_non_null(strstr(error.message, cases[i].words));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recognises_real_templates),
        cmocka_unit_test(test_recognises_by_words),
        cmocka_unit_test(test_renders_every_format),
        cmocka_unit_test(test_reply_prefix_is_optional),
        cmocka_unit_test(test_joins_system_messages),
        cmocka_unit_test(test_refuses_what_it_cannot_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
