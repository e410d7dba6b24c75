"""The Llama-architecture decoder that the recipe trains, and the rounding of its matrices to 4 and 8 bits.

Called by train.py, evaluate.py and export.py. It knows nothing of text: token ids in, logits out.
RMSNorm (Zhang and Sennrich 2019), rotary positions with the two halves rotated against each other (the Hugging Face
convention; llama.cpp's interleaved order is export.py's business), SwiGLU (Shazeer 2020), grouped-query attention
(Ainslie et al. 2023), the output head tied to the embedding. What goes wrong: a shape that no quantisation block of 32
divides (refused at construction); positions past `context` (the caller cuts before).
"""
from __future__ import annotations

import dataclasses
import json
import math
import pathlib

import torch
import torch.nn as nn
import torch.nn.functional as F

BLOCK = 32


@dataclasses.dataclass(frozen=True)
class Shape:
    vocab: int = 3072
    d: int = 256
    layers: int = 6
    heads: int = 8
    kv_heads: int = 4
    ff: int = 512
    context: int = 1024
    theta: float = 10000.0
    eps: float = 1e-5

    @property
    def head_dim(self) -> int:
        return self.d // self.heads

    def hf_config(self, bos: int, eos: int) -> dict:
        """config.json as the `transformers` library reads it for LlamaForCausalLM."""
        return {
            "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu",
            "hidden_size": self.d, "intermediate_size": self.ff, "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads, "num_key_value_heads": self.kv_heads, "head_dim": self.head_dim,
            "max_position_embeddings": self.context, "rms_norm_eps": self.eps, "rope_theta": self.theta,
            "rope_scaling": None, "attention_bias": False, "mlp_bias": False, "tie_word_embeddings": True,
            "vocab_size": self.vocab, "bos_token_id": bos, "eos_token_id": eos, "pad_token_id": bos,
            "initializer_range": 0.02, "torch_dtype": "float32", "use_cache": True,
        }


DEFAULT = Shape()
DRAFT = Shape(d=128, layers=3, heads=4, kv_heads=2, ff=320)
SHAPES = {"default": DEFAULT, "draft": DRAFT}


def quantise(w: torch.Tensor, bits: int) -> tuple[torch.Tensor, torch.Tensor, int]:
    """w [N, K] f32 -> (codes uint8 [N, K/32, 32], scales f16 [N, K/32], zero point).

    Blocks of 32 along the input dimension. 4 bits: the entry of largest magnitude lands on -8, which is ggml's Q4_0 rule
    and fits MatMulNBits with zero point 8; 8 bits: symmetric, -127..127 about 128.
    """
    n, k = w.shape
    b = w.reshape(n, k // BLOCK, BLOCK)
    at = b.abs().argmax(dim=-1, keepdim=True)
    peak = b.gather(-1, at)
    if bits == 4:
        scale = (peak / -8).to(torch.float16)
        zero, top = 8, 15
    else:
        scale = (peak.abs() / 127).to(torch.float16)
        zero, top = 128, 255
    s = scale.float()
    inverse = torch.where(s == 0, torch.zeros_like(s), 1 / s)
    codes = (torch.round(b * inverse) + zero).clamp_(0, top).to(torch.uint8)
    return codes, scale.squeeze(-1), zero


def dequantise(codes: torch.Tensor, scale: torch.Tensor, zero: int) -> torch.Tensor:
    n, blocks, _ = codes.shape
    return ((codes.float() - zero) * scale.float().unsqueeze(-1)).reshape(n, blocks * BLOCK)


class Layer(nn.Module):
    def __init__(self, s: Shape):
        super().__init__()
        kv = s.kv_heads * s.head_dim
        self.s = s
        self.norm1 = nn.Parameter(torch.ones(s.d))
        self.norm2 = nn.Parameter(torch.ones(s.d))
        self.q = nn.Parameter(torch.empty(s.d, s.d))
        self.k = nn.Parameter(torch.empty(kv, s.d))
        self.v = nn.Parameter(torch.empty(kv, s.d))
        self.o = nn.Parameter(torch.empty(s.d, s.d))
        self.gate = nn.Parameter(torch.empty(s.ff, s.d))
        self.up = nn.Parameter(torch.empty(s.ff, s.d))
        self.down = nn.Parameter(torch.empty(s.d, s.ff))

    def forward(self, x, cos, sin, mask, cache):
        s, (b, t, _) = self.s, x.shape
        h = F.rms_norm(x, (s.d,), self.norm1, s.eps)
        qkv = F.linear(h, torch.cat([self.q, self.k, self.v]))
        q, k, v = qkv.split([s.d, s.kv_heads * s.head_dim, s.kv_heads * s.head_dim], dim=-1)
        q = rotate(q.view(b, t, s.heads, s.head_dim).transpose(1, 2), cos, sin)
        k = rotate(k.view(b, t, s.kv_heads, s.head_dim).transpose(1, 2), cos, sin)
        v = v.view(b, t, s.kv_heads, s.head_dim).transpose(1, 2)
        if cache is not None:
            k, v = cache.append(k, v)
        a = attend(q, k.to(q.dtype), v.to(q.dtype), mask)
        x = x + F.linear(a.transpose(1, 2).reshape(b, t, s.d), self.o)
        h = F.rms_norm(x, (s.d,), self.norm2, s.eps)
        gate, up = F.linear(h, torch.cat([self.gate, self.up])).chunk(2, dim=-1)
        return x + F.linear(F.silu(gate) * up, self.down)


def attend(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    """q [B, H, T, D], k and v [B, KV, S, D], mask [B, 1, T, S] bool or null (causal) -> [B, H, T, D].

    Written out, because on a CPU two plain matrix products are twice as fast as the fused operation at these lengths.
    """
    (b, h, t, d), kv, n = q.shape, k.shape[1], k.shape[2]
    if mask is None:
        mask = torch.ones(t, n, dtype=torch.bool, device=q.device).tril(n - t)[None, None]
    scores = q.reshape(b, kv, h // kv * t, d) @ k.transpose(2, 3) * d ** -0.5
    scores = scores.view(b, kv, h // kv, t, n).float().masked_fill(~mask[:, :, None], -torch.inf)
    return (scores.softmax(-1).to(v.dtype).view(b, kv, h // kv * t, n) @ v).view(b, h, t, d)


def rotate(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    """x [B, H, T, D]: entry i of the first half turns with entry i of the second."""
    a, b = x.chunk(2, dim=-1)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], dim=-1)


class Llama(nn.Module):
    def __init__(self, s: Shape):
        super().__init__()
        for name, n in (("d", s.d), ("ff", s.ff), ("kv width", s.kv_heads * s.head_dim), ("vocab", s.vocab)):
            if n % BLOCK:
                raise ValueError(f"{name} is {n}: not a multiple of {BLOCK}, the quantisation block")
        self.s = s
        self.embed = nn.Parameter(torch.empty(s.vocab, s.d))
        self.layers = nn.ModuleList(Layer(s) for _ in range(s.layers))
        self.norm = nn.Parameter(torch.ones(s.d))
        inv = s.theta ** (-torch.arange(0, s.head_dim, 2).float() / s.head_dim)
        angle = torch.outer(torch.arange(s.context).float(), inv)
        self.register_buffer("cos", angle.cos(), persistent=False)
        self.register_buffer("sin", angle.sin(), persistent=False)
        self.reset()

    def reset(self) -> None:
        nn.init.normal_(self.embed, std=0.02)
        for layer in self.layers:
            for name, p in layer.named_parameters():
                if p.dim() == 2:
                    std = 1 / math.sqrt(p.shape[1])
                    if name in ("o", "down"):  # residual writers start small (GPT-2's rule)
                        std /= math.sqrt(2 * self.s.layers)
                    nn.init.normal_(p, std=std)

    def hidden(self, ids: torch.Tensor, mask: torch.Tensor | None = None, start: int = 0, caches=None) -> torch.Tensor:
        t = ids.shape[1]
        x = F.embedding(ids, self.embed)
        if torch.is_autocast_enabled(x.device.type):
            x = x.to(torch.get_autocast_dtype(x.device.type))
        cos, sin = self.cos[start:start + t].to(x.dtype), self.sin[start:start + t].to(x.dtype)
        for i, layer in enumerate(self.layers):
            x = layer(x, cos, sin, mask, caches[i] if caches else None)
        return F.rms_norm(x, (self.s.d,), self.norm, self.s.eps)

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        return F.linear(hidden, self.embed)

    def forward(self, ids, mask=None):
        """ids [B, T] int64, mask [B, 1, T, T] bool (true: may look) -> logits [B, T, V]."""
        return self.logits(self.hidden(ids, mask))

    def snap(self, run=map) -> "Llama":
        """Puts every matrix onto its shipped grid, in place: what the pack will hold, as f32. `run` is map, or a thread pool's."""
        def one(named: tuple[str, torch.Tensor]) -> None:
            name, p = named
            with torch.no_grad():  # of the thread that runs this
                p.copy_(dequantise(*quantise(p.float(), 8 if name == "embed" else 4)))

        list(run(one, [(name, p) for name, p in self.named_parameters() if p.dim() == 2]))
        return self


class Cache:
    """Keys and values of one layer, for generation. Grows by concatenation: evaluation only."""

    def __init__(self):
        self.k = self.v = None

    def append(self, k, v):
        self.k = k if self.k is None else torch.cat([self.k, k], dim=2)
        self.v = v if self.v is None else torch.cat([self.v, v], dim=2)
        return self.k, self.v


HF_LAYER = {
    "norm1": "input_layernorm", "norm2": "post_attention_layernorm", "q": "self_attn.q_proj", "k": "self_attn.k_proj",
    "v": "self_attn.v_proj", "o": "self_attn.o_proj", "gate": "mlp.gate_proj", "up": "mlp.up_proj", "down": "mlp.down_proj",
}


def hf_tensors(m: Llama) -> dict[str, torch.Tensor]:
    """The weights under the names that `transformers` gives a LlamaForCausalLM; f32, contiguous."""
    out = {"model.embed_tokens.weight": m.embed, "model.norm.weight": m.norm}
    for i, layer in enumerate(m.layers):
        for ours, theirs in HF_LAYER.items():
            out[f"model.layers.{i}.{theirs}.weight"] = getattr(layer, ours)
    return {k: v.detach().float().contiguous() for k, v in out.items()}


def save_shape(s: Shape, path: pathlib.Path) -> None:
    path.write_text(json.dumps(dataclasses.asdict(s)))
