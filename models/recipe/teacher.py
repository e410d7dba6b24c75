"""Plain texts sampled from stories260K, the 260,000-parameter model published with llama2.c (MIT), as extra reading.

Called by make.py before training; read by stream.py. The TinyStories excerpt that the project has is under a megabyte;
this small model has read all of TinyStories, and what it samples at temperature 1 carries that collection's turns of
phrase. The texts are only ever plain reading matter (never an answer in a conversation), because their sense is weak.
"""
from __future__ import annotations

import argparse
import json
import os
import pathlib

import torch

from evaluate import stories260k
from model import rotate

HERE = pathlib.Path(__file__).parent


@torch.no_grad()
def sample(m, count: int, length: int, generator: torch.Generator) -> torch.Tensor:
    """-> ids [count, length]; 1 begins a text and, met again, ends it."""
    s, f = m.s, torch.nn.functional
    k = torch.zeros(s.layers, count, s.kv_heads, length, s.head_dim)
    v = torch.zeros_like(k)
    out = torch.full((count, length + 1), 1)
    alive = torch.ones(count, dtype=torch.bool)
    for p in range(length):
        x = f.embedding(out[:, p:p + 1], m.embed)
        cos, sin = m.cos[p:p + 1], m.sin[p:p + 1]
        for i, layer in enumerate(m.layers):
            h = f.rms_norm(x, (s.d,), layer.norm1, s.eps)
            q = rotate(f.linear(h, layer.q).view(count, 1, s.heads, s.head_dim).transpose(1, 2), cos, sin)
            k[i, :, :, p:p + 1] = rotate(f.linear(h, layer.k).view(count, 1, s.kv_heads, s.head_dim).transpose(1, 2), cos, sin)
            v[i, :, :, p] = f.linear(h, layer.v).view(count, s.kv_heads, s.head_dim)
            # One query position: the heads that share keys are its rows.
            g = q.view(count, s.kv_heads, s.heads // s.kv_heads, s.head_dim)
            a = f.scaled_dot_product_attention(g, k[i, :, :, :p + 1], v[i, :, :, :p + 1])
            x = x + f.linear(a.reshape(count, 1, s.d), layer.o)
            h = f.rms_norm(x, (s.d,), layer.norm2, s.eps)
            x = x + f.linear(f.silu(f.linear(h, layer.gate)) * f.linear(h, layer.up), layer.down)
        logits = f.linear(f.rms_norm(x[:, 0], (s.d,), m.norm, s.eps), m.embed)
        pick = torch.multinomial(logits.softmax(-1), 1, generator=generator)[:, 0]
        out[:, p + 1] = torch.where(alive, pick, 1)
        alive &= pick != 1
        if not alive.any():
            break
    return out


def main() -> None:
    a = argparse.ArgumentParser()
    a.add_argument("--out", type=pathlib.Path, required=True, help="a JSON list of texts")
    a.add_argument("--shared", type=pathlib.Path, default=pathlib.Path(os.environ.get("RECIPE_SHARED", HERE.parents[2] / "shared" / "data")))
    a.add_argument("--texts", type=int, default=6000)
    a.add_argument("--threads", type=int, default=2)
    o = a.parse_args()
    torch.set_num_threads(o.threads)
    m, _ = stories260k(o.shared)
    pieces = vocabulary(o.shared)
    texts, g = [], torch.Generator().manual_seed(260)
    while len(texts) < o.texts:
        for row in sample(m, 500, 500, g).tolist():
            ids = row[1:]
            if 1 not in ids:
                continue  # cut off by the length: no ending
            text = b"".join(pieces[i] for i in ids[:ids.index(1)] if i > 2).decode("utf8", "ignore").strip()
            if len(text) > 200 and "\ufffd" not in text:
                texts.append(text)
        print(len(texts), flush=True)
        o.out.with_suffix(".tmp").write_text(json.dumps(texts, ensure_ascii=False))
        o.out.with_suffix(".tmp").replace(o.out)


def vocabulary(shared: pathlib.Path) -> list[bytes]:
    """tok512.bin: the longest piece's length (int32), then score (float32), length (int32), bytes for each piece."""
    import struct
    b, p, pieces = (shared / "models" / "stories260K" / "tok512.bin").read_bytes(), 4, []
    while p < len(b):
        _, n = struct.unpack("fi", b[p:p + 8])
        piece = b[p + 8:p + 8 + n]
        pieces.append(bytes([int(piece[3:5], 16)]) if n == 6 and piece.startswith(b"<0x") else piece)
        p += 8 + n
    return pieces


if __name__ == "__main__":
    main()
