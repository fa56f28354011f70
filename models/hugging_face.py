# SPDX-License-Identifier: Apache-2.0
"""What a model of Hugging Face is in a GGUF file: one row an architecture with its keys, the names of its tensors and
what is done to their values.

Files get the names that llama.cpp's converter gives them, and so run there too. OPT has no names of its own there. Its
keys are `opt.*` and its tensors `blk.N.*` as everywhere; the position table keeps the two rows at its beginning that no
position uses, so that the row of position p is p + 2.
"""
import dataclasses
import math
import re

import numpy

import gguf_file as gguf


class Unsupported(Exception):
    """A sentence about what cannot be converted."""


class Config(dict):
    """config.json, with one name for what has several."""

    def first(self, *names, default=None):
        return next((self[name] for name in names if self.get(name) is not None), default)

    @property
    def width(self):
        return self.first("hidden_size", "n_embd")

    @property
    def layers(self):
        return self.first("num_hidden_layers", "n_layer")

    @property
    def heads(self):
        return self.first("num_attention_heads", "n_head")

    @property
    def kv_heads(self):
        if self.get("model_type") == "falcon" and not self.get("new_decoder_architecture"):
            return 1 if self.get("multi_query", True) else self.heads
        return self.first("num_key_value_heads", "num_kv_heads", default=self.heads)

    @property
    def head_dim(self):
        return self.first("head_dim", default=self.width // self.heads)

    @property
    def experts(self):
        return self.first("num_local_experts", "num_experts", default=0)

    def rope(self, layers="full_attention"):
        """Of layers with that attention: newer files have rope_parameters, older ones several keys."""
        parameters = self.get("rope_parameters") or {}
        parameters = dict(parameters.get(layers, parameters))
        parameters = {**(self.get("rope_scaling") or {}), **parameters}
        parameters.setdefault("rope_type", parameters.get("type", "default"))
        parameters.setdefault("rope_theta", self.first("rope_theta", "rotary_emb_base", default=10000.0))
        share = self.first("partial_rotary_factor", "rotary_pct", default=1.0)
        parameters.setdefault("partial_rotary_factor", share)
        if parameters["rope_type"] in ("su", "yarn", "longrope"):
            original = self.first("original_max_position_embeddings", "max_position_embeddings")
            parameters.setdefault("original_max_position_embeddings", original)
        return parameters

    @property
    def rotated(self):
        """Elements of a head that RoPE turns."""
        return int(self.rope()["partial_rotary_factor"] * self.head_dim)


# ---- Keys ----------------------------------------------------------------------------------------
# Functions of a Config that give [(key behind the architecture's name, type, value)].


def sizes(config):
    context = config.first("max_position_embeddings", "n_positions", "n_ctx")
    hidden = config.first("intermediate_size", "ffn_dim", "n_inner", "ffn_hidden_size", default=4 * config.width)
    return [
        ("vocab_size", gguf.U32, config["vocab_size"]),
        ("context_length", gguf.U32, context),
        ("embedding_length", gguf.U32, config.width),
        ("block_count", gguf.U32, config.layers),
        ("feed_forward_length", gguf.U32, hidden),
        ("attention.head_count", gguf.U32, config.heads),
        ("attention.head_count_kv", gguf.U32, config.kv_heads),
    ]


def head_sizes(config):
    if config.get("head_dim") is None:
        return []
    return [(f"attention.{of}_length", gguf.U32, config["head_dim"]) for of in ("key", "value")]


def rms_norms(config):
    return [("attention.layer_norm_rms_epsilon", gguf.F32, config["rms_norm_eps"])]


def layer_norms(config):
    # OPT's is that of PyTorch.
    epsilon = config.first("layer_norm_eps", "layer_norm_epsilon", "norm_epsilon", "norm_eps", default=1e-5)
    return [("attention.layer_norm_epsilon", gguf.F32, epsilon)]


def rope(config):
    parameters = config.rope()
    keys = [
        ("rope.dimension_count", gguf.U32, config.rotated),
        ("rope.freq_base", gguf.F32, parameters["rope_theta"]),
    ]
    kind = parameters["rope_type"]
    if kind in ("default", "llama3"):  # llama3: see rope_divisors
        return keys
    if kind in ("su", "longrope"):
        return keys + longrope(config, parameters)
    if kind not in ("linear", "yarn"):
        raise Unsupported(f"RoPE of type '{kind}' has no form in GGUF files")
    keys += [("rope.scaling.type", gguf.STRING, kind), ("rope.scaling.factor", gguf.F32, parameters["factor"])]
    if kind == "yarn":
        original = parameters["original_max_position_embeddings"]
        keys += [("rope.scaling.original_context_length", gguf.U32, original)]
        for theirs, ours in (("attention_factor", "attn_factor"), ("beta_fast", "beta_fast"), ("beta_slow", "beta_slow")):
            if parameters.get(theirs) is not None:
                keys += [(f"rope.scaling.yarn_{ours}", gguf.F32, parameters[theirs])]
    return keys


def longrope(config, parameters):
    original, context = parameters["original_max_position_embeddings"], config["max_position_embeddings"]
    factor = parameters.get("attention_factor")
    if factor is None:
        factor = math.sqrt(1 + math.log(context / original) / math.log(original)) if context > original else 1.0
    return [
        ("rope.scaling.type", gguf.STRING, "longrope"),
        ("rope.scaling.original_context_length", gguf.U32, original),
        ("rope.scaling.attn_factor", gguf.F32, factor),
    ]


def window(config):
    """A sliding window in all layers, if any."""
    if not config.get("sliding_window"):
        return []
    return [("attention.sliding_window", gguf.U32, config["sliding_window"])]


def windows(period):
    """A sliding window in all layers but every `period`-th, which is how readers take the key."""
    def keys(config):
        expected = ["full_attention" if (layer + 1) % period == 0 else "sliding_attention" for layer in range(config.layers)]
        if config.get("layer_types", expected) != expected:
            raise Unsupported(f"of {period} layers all but the last are expected to have a sliding window; "
                              "layer_types says otherwise")
        return window(config)
    return keys


def named_windows(config):
    """A sliding window in layers that a list names."""
    if not config.get("sliding_window"):
        return []
    listed = [kind == "sliding_attention" for kind in config["layer_types"]]
    return window(config) + [("attention.sliding_window_pattern", gguf.ARRAY, (gguf.BOOL, listed))]


def window_rope(config):
    base = config.rope("sliding_attention")["rope_theta"]
    if "sliding_attention" not in (config.get("rope_parameters") or {}):
        base = config.get("rope_local_base_freq", 10000.0)
    return [("rope.freq_base_swa", gguf.F32, base)]


def soft_caps(config):
    return [(f"{of}_logit_softcapping", gguf.F32, config[f"{of}_logit_softcapping"])
            for of in ("attn", "final") if config.get(f"{of}_logit_softcapping")]


def query_scale(config):
    """Models of so many layers are the ones that readers scale by width / heads of their own accord."""
    scalar = config.get("query_pre_attn_scalar", config.head_dim)
    by_readers = config.width // config.heads if config.layers in (46, 62) else config.head_dim
    return [] if scalar == by_readers else [("attention.scale", gguf.F32, scalar ** -0.5)]


def parallel(usual):
    def keys(config):
        return [("use_parallel_residual", gguf.BOOL, config.get("use_parallel_residual", usual))]
    return keys


def experts(config):
    return [("expert_count", gguf.U32, config.experts), ("expert_used_count", gguf.U32, config["num_experts_per_tok"])]


def expert_sizes(config):
    keys = [("expert_feed_forward_length", gguf.U32, config.first("moe_intermediate_size", "intermediate_size"))]
    if config.get("shared_expert_intermediate_size"):
        keys += [("expert_shared_feed_forward_length", gguf.U32, config["shared_expert_intermediate_size"])]
    return keys


def multipliers(config):
    """Granite's; readers divide logits by the last one."""
    names = {"attention.scale": "attention_multiplier", "embedding_scale": "embedding_multiplier",
             "residual_scale": "residual_multiplier", "logit_scale": "logits_scaling"}
    return [(ours, gguf.F32, config[theirs]) for ours, theirs in names.items() if config.get(theirs) is not None]


def logit_scale(config):
    """Cohere's: logits are multiplied by it."""
    return [("logit_scale", gguf.F32, config["logit_scale"])]


# ---- Values --------------------------------------------------------------------------------------
# Functions of an array and a Config that give the array of the file.


def by_pairs(heads):
    """Rows of each head from the first and second elements of rotated pairs, apart, to pair after pair."""
    def change(array, config):
        count = getattr(config, heads)
        split = array.reshape(count, 2, array.shape[0] // count // 2, *array.shape[1:])
        return split.swapaxes(1, 2).reshape(array.shape)
    return change


def plus_one(array, _):
    return array + 1


def transposed(array, _):
    """GPT-2's matrices are [inputs, outputs], gpt-oss's [experts, inputs, outputs]; their biases are as others'."""
    return array if array.ndim < 2 else array.swapaxes(-1, -2)


def part(index, count):
    """One of `count` equal parts of the rows."""
    def change(array, _):
        return numpy.split(array, count, axis=-2)[index]
    return change


def without_rows(array, _):
    """A matrix of one row is a vector."""
    return array.reshape(array.shape[-1])


def query_key_value_of_heads(array, config):
    """Rows of query, key and value head by head, to all queries, all keys, all values."""
    split = array.reshape(config.heads, 3, -1, *array.shape[1:])
    return split.swapaxes(0, 1).reshape(array.shape)


def query_key_value_of_groups(array, config):
    """Falcon: each KV head's queries, then its key and its value, to all queries, all keys, all values."""
    groups = config.kv_heads
    split = array.reshape(groups, config.heads // groups + 2, config.head_dim, *array.shape[1:])
    parts = (split[:, :-2], split[:, -2], split[:, -1])
    return numpy.concatenate([one.reshape(-1, *array.shape[1:]) for one in parts])


def interleaved(index, turned):
    """gpt-oss: gate and up alternate, in biases and in matrices [experts, inputs, 2 outputs]."""
    def change(array, _):
        one = array[..., index::2]
        return one.swapaxes(-1, -2) if turned else one
    return change


# ---- Rows ----------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Row:
    """`layer` and `outer`: what is called so in a checkpoint, in layers and outside, without .weight or .bias, is called
    so in the file. A number in a name is a *: such tensors become one. Instead of a name in the file there may be
    (name, change), or a tuple of such."""

    architecture: str
    keys: tuple
    layer: dict
    outer: dict = dataclasses.field(default_factory=lambda: OUTER)
    tied: bool = False  # where config.json does not say: the head is the embedding table
    adds_one: bool = False  # weights of norms are stored as differences from 1
    limits: dict = dataclasses.field(default_factory=dict)  # key of config.json: the values that can be converted


OUTER = {"embed_tokens": "token_embd", "norm": "output_norm", "lm_head": "output"}
ATTENTION = {"self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
             "self_attn.o_proj": "attn_output"}
ATTENTION_BY_PAIRS = {**ATTENTION, "self_attn.q_proj": ("attn_q", by_pairs("heads")),
                      "self_attn.k_proj": ("attn_k", by_pairs("kv_heads"))}
FUSED = {"self_attn.qkv_proj": "attn_qkv", "self_attn.o_proj": "attn_output"}
HEAD_NORMS = {"self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm"}
NORMS = {"input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm"}
POST_NORMS = {"post_attention_layernorm": "post_attention_norm", "post_feedforward_layernorm": "post_ffw_norm"}
GATED = {"mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down"}
PLAIN = {"mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down"}
GATE_UP = {"mlp.gate_up_proj": "ffn_up", "mlp.down_proj": "ffn_down"}
EXPERTS = {"mlp.gate": "ffn_gate_inp", "mlp.experts.*.gate_proj": "ffn_gate_exps", "mlp.experts.*.up_proj": "ffn_up_exps",
           "mlp.experts.*.down_proj": "ffn_down_exps"}
SHARED = {"mlp.shared_expert_gate": ("ffn_gate_inp_shexp", without_rows), "mlp.shared_expert.gate_proj": "ffn_gate_shexp",
          "mlp.shared_expert.up_proj": "ffn_up_shexp", "mlp.shared_expert.down_proj": "ffn_down_shexp"}
LLAMA = {**ATTENTION, **NORMS, **GATED}
LLAMA_BY_PAIRS = {**LLAMA, **ATTENTION_BY_PAIRS}
GEMMA_2 = {**LLAMA, **POST_NORMS, "pre_feedforward_layernorm": "ffn_norm"}
NEOX_OUTER = {"embed_in": "token_embd", "final_layer_norm": "output_norm", "embed_out": "output"}
NEOX = {**NORMS, "attention.query_key_value": ("attn_qkv", query_key_value_of_heads), "attention.dense": "attn_output",
        "mlp.dense_h_to_4h": "ffn_up", "mlp.dense_4h_to_h": "ffn_down"}
GPT_2_OUTER = {"wte": "token_embd", "wpe": "position_embd", "ln_f": "output_norm", "lm_head": "output"}
GPT_2 = {"ln_1": "attn_norm", "ln_2": "ffn_norm", "attn.c_attn": ("attn_qkv", transposed), "attn.c_proj": ("attn_output", transposed),
         "mlp.c_fc": ("ffn_up", transposed), "mlp.c_proj": ("ffn_down", transposed)}
OPT_OUTER = {"embed_tokens": "token_embd", "embed_positions": "position_embd", "final_layer_norm": "output_norm",
             "lm_head": "output"}
OPT = {**ATTENTION, "self_attn.out_proj": "attn_output", "self_attn_layer_norm": "attn_norm", "final_layer_norm": "ffn_norm",
       "fc1": "ffn_up", "fc2": "ffn_down"}
PHI_OUTER = {**OUTER, "final_layernorm": "output_norm"}
PHI = {**ATTENTION, "self_attn.dense": "attn_output", "input_layernorm": "attn_norm", "mlp.fc1": "ffn_up",
       "mlp.fc2": "ffn_down"}
FALCON_OUTER = {"word_embeddings": "token_embd", "ln_f": "output_norm", "lm_head": "output"}
FALCON = {"input_layernorm": "attn_norm", "ln_mlp": "attn_norm", "ln_attn": "attn_norm_2",
          "self_attention.query_key_value": ("attn_qkv", query_key_value_of_groups), "self_attention.dense": "attn_output",
          "mlp.dense_h_to_4h": "ffn_up", "mlp.dense_4h_to_h": "ffn_down"}
STARCODER_2 = {**ATTENTION, **NORMS, "mlp.c_fc": "ffn_up", "mlp.c_proj": "ffn_down"}
STABLELM = {**LLAMA, "self_attn.q_layernorm.norms.*": "attn_q_norm", "self_attn.k_layernorm.norms.*": "attn_k_norm"}
MIXTRAL = {**ATTENTION_BY_PAIRS, **NORMS, "block_sparse_moe.gate": "ffn_gate_inp",
           "block_sparse_moe.experts.*.w1": "ffn_gate_exps", "block_sparse_moe.experts.*.w2": "ffn_down_exps",
           "block_sparse_moe.experts.*.w3": "ffn_up_exps"}
GRANITE_MOE = {**ATTENTION_BY_PAIRS, **NORMS, "block_sparse_moe.router.layer": "ffn_gate_inp",
               "block_sparse_moe.input_linear": (("ffn_gate_exps", part(0, 2)), ("ffn_up_exps", part(1, 2))),
               "block_sparse_moe.output_linear": "ffn_down_exps"}
COHERE = {**ATTENTION, **GATED, **HEAD_NORMS, "input_layernorm": "attn_norm"}
NORMS_OF_TWO = {"input_layernorm": "attn_norm", "post_attention_layernorm": "post_attention_norm"}
GPT_OSS = {**ATTENTION, **NORMS_OF_TWO, "self_attn.sinks": "attn_sinks.weight", "mlp.router": "ffn_gate_inp",
           "mlp.experts.gate_up_proj": (("ffn_gate_exps.weight", interleaved(0, True)),
                                        ("ffn_up_exps.weight", interleaved(1, True))),
           "mlp.experts.gate_up_proj_bias": (("ffn_gate_exps.bias", interleaved(0, False)),
                                             ("ffn_up_exps.bias", interleaved(1, False))),
           "mlp.experts.down_proj": ("ffn_down_exps.weight", transposed),
           "mlp.experts.down_proj_bias": "ffn_down_exps.bias"}
GLM_4 = {**ATTENTION, **NORMS, **GATE_UP, "post_self_attn_layernorm": "post_attention_norm",
         "post_mlp_layernorm": "post_ffw_norm"}

SILU, GELU, GELU_TANH = ("silu", "swish"), ("gelu",), ("gelu_new", "gelu_pytorch_tanh", "gelu_fast")
ACTIVATION = "hidden_act"
ALL_SPARSE = {"decoder_sparse_step": (1,), "mlp_only_layers": ([],), "use_sliding_window": (False,)}
NO_BIASES = {"attention_bias": (False,), "mlp_bias": (False,)}

ROWS = {
    "llama": Row("llama", (sizes, head_sizes, rms_norms, rope), LLAMA_BY_PAIRS, limits={ACTIVATION: SILU, **NO_BIASES}),
    "qwen2": Row("qwen2", (sizes, rms_norms, rope), LLAMA, limits={ACTIVATION: SILU, "use_sliding_window": (False,)}),
    "qwen3": Row("qwen3", (sizes, head_sizes, rms_norms, rope), {**LLAMA, **HEAD_NORMS},
                 limits={ACTIVATION: SILU, "use_sliding_window": (False,), **NO_BIASES}),
    "gemma": Row("gemma", (sizes, head_sizes, rms_norms, rope), LLAMA, tied=True, adds_one=True,
                 limits={"attention_bias": (False,)}),
    "gemma2": Row("gemma2", (sizes, head_sizes, rms_norms, rope, soft_caps, windows(2), query_scale), GEMMA_2, tied=True,
                  adds_one=True, limits={"attention_bias": (False,)}),
    "gemma3_text": Row("gemma3", (sizes, head_sizes, rms_norms, rope, window_rope, soft_caps, windows(6), query_scale),
                       {**GEMMA_2, **HEAD_NORMS}, tied=True, adds_one=True,
                       limits={"attention_bias": (False,), "attn_logit_softcapping": (None,)}),
    "gpt_neox": Row("gptneox", (sizes, layer_norms, rope, parallel(True)), NEOX, NEOX_OUTER, limits={ACTIVATION: GELU}),
    "gpt2": Row("gpt2", (sizes, layer_norms), GPT_2, GPT_2_OUTER, tied=True,
                limits={"activation_function": GELU_TANH, "scale_attn_by_inverse_layer_idx": (False,)}),
    "opt": Row("opt", (sizes, layer_norms), OPT, OPT_OUTER, tied=True,
               limits={"activation_function": ("relu",), "do_layer_norm_before": (True,), "enable_bias": (True,)}),
    "phi3": Row("phi3", (sizes, rms_norms, rope, window),
                {**NORMS, **GATE_UP, **FUSED}, limits={ACTIVATION: SILU}),
    "olmo2": Row("olmo2", (sizes, rms_norms, rope), {**ATTENTION, **HEAD_NORMS, **POST_NORMS, **GATED},
                 limits={ACTIVATION: SILU, "attention_bias": (False,)}),
    "mistral": Row("llama", (sizes, head_sizes, rms_norms, rope, window), LLAMA_BY_PAIRS, limits={ACTIVATION: SILU}),
    "mixtral": Row("llama", (sizes, head_sizes, rms_norms, rope, window, experts), MIXTRAL, limits={ACTIVATION: SILU}),
    "qwen2_moe": Row("qwen2moe", (sizes, rms_norms, rope, experts, expert_sizes),
                     {**ATTENTION, **NORMS, **EXPERTS, **SHARED},
                     limits={ACTIVATION: SILU, "norm_topk_prob": (False,), **ALL_SPARSE}),
    "qwen3_moe": Row("qwen3moe", (sizes, head_sizes, rms_norms, rope, experts, expert_sizes),
                     {**ATTENTION, **NORMS, **EXPERTS, **HEAD_NORMS},
                     limits={ACTIVATION: SILU, "norm_topk_prob": (True,), **ALL_SPARSE}),
    "phi": Row("phi2", (sizes, layer_norms, rope), PHI, PHI_OUTER, limits={ACTIVATION: GELU_TANH, "qk_layernorm": (False,)}),
    "falcon": Row("falcon", (sizes, layer_norms, rope), FALCON, FALCON_OUTER, tied=True,
                  limits={"activation": GELU, "alibi": (False,), "bias": (False,), "parallel_attn": (True,)}),
    "starcoder2": Row("starcoder2", (sizes, layer_norms, rope, window), STARCODER_2, tied=True,
                      limits={ACTIVATION: GELU_TANH, "use_bias": (True,)}),
    "stablelm": Row("stablelm", (sizes, layer_norms, rope, parallel(False)), STABLELM, limits={ACTIVATION: SILU}),
    "granite": Row("granite", (sizes, rms_norms, rope, multipliers), LLAMA_BY_PAIRS, limits={ACTIVATION: SILU, **NO_BIASES}),
    "granitemoe": Row("granitemoe", (sizes, rms_norms, rope, multipliers, experts), GRANITE_MOE,
                      limits={ACTIVATION: SILU, **NO_BIASES}),
    "smollm3": Row("smollm3", (sizes, head_sizes, rms_norms, rope), LLAMA_BY_PAIRS, tied=True,
                   limits={ACTIVATION: SILU, "no_rope_layer_interval": (4,), "use_sliding_window": (False,), **NO_BIASES}),
    "cohere": Row("command-r", (sizes, layer_norms, rope, logit_scale), COHERE, tied=True,
                  limits={ACTIVATION: SILU, **NO_BIASES}),
    "cohere2": Row("cohere2", (sizes, head_sizes, layer_norms, rope, logit_scale, windows(4)), COHERE, tied=True,
                   limits={ACTIVATION: SILU, **NO_BIASES}),
    "gpt_oss": Row("gpt-oss", (sizes, head_sizes, rms_norms, rope, windows(2), experts, expert_sizes), GPT_OSS,
                   limits={ACTIVATION: SILU, "attention_bias": (True,)}),
    "glm4": Row("glm4", (sizes, head_sizes, rms_norms, rope), GLM_4, limits={ACTIVATION: SILU}),
    "exaone4": Row("exaone4", (sizes, head_sizes, rms_norms, rope, named_windows),
                   {**ATTENTION, **HEAD_NORMS, **POST_NORMS, **GATED}, limits={ACTIVATION: SILU}),
    "seed_oss": Row("seed_oss", (sizes, head_sizes, rms_norms, rope), {**ATTENTION, **NORMS_OF_TWO, **GATED},
                    limits={ACTIVATION: SILU, "attention_out_bias": (False,), "mlp_bias": (False,)}),
    "nemotron": Row("nemotron", (sizes, layer_norms, rope), {**ATTENTION, **NORMS, **PLAIN}, adds_one=True,
                    limits={ACTIVATION: ("relu2",), **NO_BIASES}),
}

# ---- Tensors -------------------------------------------------------------------------------------

PREFIX = re.compile(r"(language_model\.|model\.|decoder\.|transformer\.|gpt_neox\.)*")
LAYER = re.compile(r"(?:layers|h)\.(\d+)\.(.+)")
IGNORED = re.compile(r"(.*\.)?(rotary_emb\.inv_freq|(attn|attention)\.(bias|masked_bias))")
IN_FLOATS = re.compile(r".*(norm\.weight|\.bias|position_embd\.weight|gate_inp(_shexp)?\.weight|attn_sinks\.weight)|rope_.*")


class Tensor:
    """A tensor of the file, read and changed when numpy.asarray asks for it. `sources` are arrays of a checkpoint by
    their number among those that become one; a tensor of its own has the number None."""

    def __init__(self, sources, change, config):
        self.sources = [sources[index] for index in sorted(sources, key=lambda number: number or 0)]
        self.stacked = None not in sources
        self.change, self.config = change, config
        one = numpy.empty(self.sources[0].shape, dtype=bool)
        self.shape = self.finish([one] * len(self.sources)).shape

    def finish(self, arrays):
        array = numpy.stack(arrays) if self.stacked else arrays[0]
        return self.change(array, self.config) if self.change else array

    def __array__(self, dtype=None, copy=None):
        return self.finish([numpy.asarray(source) for source in self.sources])


def place(name):
    """(layer or None, name behind it with * for a number, that number or None) of a tensor of a checkpoint."""
    name = name[PREFIX.match(name).end():]
    layer = LAYER.fullmatch(name)
    if layer:
        name = layer[2]
    number = re.search(r"(?<=\.)\d+(?=\.)", name)
    if number:
        name = f"{name[:number.start()]}*{name[number.end():]}"
    return layer and int(layer[1]), name, number and int(number[0])


def find_targets(names, name):
    """[(name in the file, change)] for what is called `name`, with or without suffix; empty: there is none."""
    stem, suffix = (name, "") if name in names else name.rpartition(".")[::2]
    found = names.get(stem, ()) if suffix in ("", "weight", "bias") else ()
    if isinstance(found, str):
        found = ((found, None),)
    elif found and isinstance(found[0], str):
        found = (found,)
    return [(f"{target}.{suffix}" if suffix else target, change) for target, change in found]


def rope_divisors(config):
    """Llama 3.1's: frequencies of long waves are divided, those of short waves are not, between there is a ramp."""
    parameters = config.rope()
    if parameters["rope_type"] in ("su", "longrope"):
        return [(f"rope_factors_{of}.weight", numpy.array(parameters[f"{of}_factor"], dtype=numpy.float32))
                for of in ("long", "short")]
    if parameters["rope_type"] != "llama3":
        return []
    turned = config.rotated
    waves = 2 * math.pi * parameters["rope_theta"] ** (numpy.arange(0, turned, 2) / turned)
    original = parameters["original_max_position_embeddings"]
    low, high = parameters["low_freq_factor"], parameters["high_freq_factor"]
    share = numpy.clip((original / waves - low) / (high - low), 0, 1)
    return [("rope_freqs.weight", (1 / ((1 - share) / parameters["factor"] + share)).astype(numpy.float32))]


def find_row(config):
    kind = config.get("model_type")
    if kind not in ROWS:
        raise Unsupported(f"model_type '{kind}' is not known; known are: {', '.join(sorted(ROWS))}")
    row = ROWS[kind]
    for key, values in row.limits.items():
        if config.get(key, values[0]) not in values:
            raise Unsupported(f"{key} is {config[key]!r} in config.json; "
                              f"{row.architecture} models are converted where it is {' or '.join(map(repr, values))}")
    return row


def is_tied(row, config):
    return config.get("tie_word_embeddings", row.tied)


def convert_tensors(row, config, arrays):
    """{name: array of a checkpoint} to {name: array of the file}."""
    collected = {}
    for name, array in arrays.items():
        layer, rest, number = place(name)
        targets = find_targets(row.outer if layer is None else row.layer, rest)
        if IGNORED.fullmatch(name) or (is_tied(row, config) and ("output.weight", None) in targets):
            continue
        if not targets:
            raise Unsupported(f"the checkpoint has a tensor {name}, for which a {row.architecture} model has no use")
        for target, change in targets:
            if row.adds_one and target.endswith("norm.weight"):
                change = plus_one
            target = target if layer is None else f"blk.{layer}.{target}"
            collected.setdefault(target, ({}, change))[0][number] = array
    tensors = {name: Tensor(sources, change, config) for name, (sources, change) in collected.items()}
    return {**tensors, **dict(rope_divisors(config))}


def convert_keys(row, config):
    keys = [(f"{row.architecture}.{key}", kind, value) for group in row.keys for key, kind, value in group(config)]
    return [("general.architecture", gguf.STRING, row.architecture)] + keys


def convert(config, arrays):
    """(keys, tensors) of the file for a config.json and {name: array} of a checkpoint. Raises Unsupported."""
    config = Config(config)
    row = find_row(config)
    return convert_keys(row, config), convert_tensors(row, config, arrays)


def tensor_type(name, shape, matrices):
    """Vectors, norms, positions and routers are F32 whatever the matrices are."""
    return gguf.TENSOR_F32 if len(shape) == 1 or IN_FLOATS.fullmatch(name) else matrices
