# SPDX-License-Identifier: Apache-2.0
"""The LLaMA architecture in PyTorch: RMSNorm, RoPE on adjacent pairs (GGUF's `llama` convention), SwiGLU, tied head."""
import dataclasses

import torch
from torch import nn
from torch.nn import functional


@dataclasses.dataclass
class Shape:
    vocabulary: int
    context: int = 2048
    width: int = 256
    layers: int = 6
    heads: int = 8
    hidden: int = 704
    norm_epsilon: float = 1e-5
    rope_base: float = 500000.0  # slow pairs stay aligned over 2000 tokens: facts are found by content, not by place


def rope_tables(shape, length, device):
    """cos and sin, each [length, head size / 2]."""
    size = shape.width // shape.heads
    frequencies = shape.rope_base ** (-torch.arange(0, size, 2, device=device, dtype=torch.float32) / size)
    angles = torch.arange(length, device=device, dtype=torch.float32)[:, None] * frequencies
    return angles.cos(), angles.sin()


def rotate(x, cos, sin):
    """RoPE on x [batch, heads, length, size]: pairs (2i, 2i+1) turn by position times frequency i."""
    even, odd = x.float().unflatten(-1, (-1, 2)).unbind(-1)
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), -1).flatten(-2).type_as(x)


class Norm(nn.Module):
    def __init__(self, width, epsilon):
        super().__init__()
        self.weight, self.epsilon = nn.Parameter(torch.ones(width)), epsilon

    def forward(self, x):
        x32 = x.float()
        return (x32 * torch.rsqrt(x32.square().mean(-1, keepdim=True) + self.epsilon) * self.weight).type_as(x)


class Block(nn.Module):
    def __init__(self, shape):
        super().__init__()
        width, hidden, self.heads = shape.width, shape.hidden, shape.heads
        self.attn_norm, self.ffn_norm = Norm(width, shape.norm_epsilon), Norm(width, shape.norm_epsilon)
        self.attn_q, self.attn_k, self.attn_v, self.attn_output = (nn.Linear(width, width, bias=False) for _ in range(4))
        self.ffn_gate, self.ffn_up = (nn.Linear(width, hidden, bias=False) for _ in range(2))
        self.ffn_down = nn.Linear(hidden, width, bias=False)

    def forward(self, x, cos, sin):
        h = self.attn_norm(x)
        q, k, v = (part(h).unflatten(-1, (self.heads, -1)).transpose(1, 2)
                   for part in (self.attn_q, self.attn_k, self.attn_v))
        mixed = functional.scaled_dot_product_attention(rotate(q, cos, sin), rotate(k, cos, sin), v, is_causal=True)
        x = x + self.attn_output(mixed.transpose(1, 2).flatten(-2))
        h = self.ffn_norm(x)
        return x + self.ffn_down(functional.silu(self.ffn_gate(h)) * self.ffn_up(h))


class Llama(nn.Module):
    """Parameter names are those of GGUF, so that a state dict is the list of tensors to write."""

    def __init__(self, shape):
        super().__init__()
        self.shape = shape
        self.token_embd = nn.Embedding(shape.vocabulary, shape.width)
        self.blk = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.output_norm = Norm(shape.width, shape.norm_epsilon)
        for name, parameter in self.named_parameters():
            if parameter.dim() == 2:
                into_residual = name.endswith(("attn_output.weight", "ffn_down.weight"))
                nn.init.normal_(parameter, std=0.02 / (2 * shape.layers) ** 0.5 if into_residual else 0.02)

    def forward(self, ids):
        """Logits [batch, length, vocabulary] for ids [batch, length]."""
        x = self.token_embd(ids)
        cos, sin = rope_tables(self.shape, ids.shape[1], ids.device)
        for block in self.blk:
            x = block(x, cos, sin)
        return functional.linear(self.output_norm(x), self.token_embd.weight)
