"""Writes the trained model as others read it: safetensors with config.json, GGUF (F16, Q8_0, Q4_0), and the kit's pack.

    python export.py --run RUN [--shape default|draft] [--to FOLDER]

Called by make.py and by hand. The pack is written from the page engine/weights/pack-format.md alone: embedding q8,
matrices q4 in ONNX Runtime's MatMulNBits layout, norms f32, one shard. The GGUF's Q4_0 holds the same rounded numbers.
GGUF writes query and key rows in llama.cpp's interleaved rotary order. What goes wrong: a scale that is not finite
(refused), a pack over its size limit (refused).
"""
from __future__ import annotations

import argparse
import hashlib
import json
import pathlib
import shutil

import gguf
import numpy as np
import torch
from safetensors.torch import save_file

import tokenizer as tok
from evaluate import load
from model import SHAPES, Llama, hf_tensors, quantise

LIMIT = {"default": 4 << 20, "draft": 1 << 20}
TITLE = {"default": "llm-elements demo model", "draft": "llm-elements demo model, draft"}
DESCRIPTION = {
    "default": "A small demonstration model trained for this project: short stories, simple facts, page tools, extraction, and questions about llm-elements.",
    "draft": "The demo model's draft companion: proposes tokens for speculative decoding, same tokenizer.",
}
LICENCE = "Apache-2.0"


def safetensors(m: Llama, t_file: pathlib.Path, to: pathlib.Path) -> None:
    to.mkdir(parents=True, exist_ok=True)
    save_file(hf_tensors(m), to / "model.safetensors", metadata={"format": "pt"})
    (to / "config.json").write_text(json.dumps(m.s.hf_config(tok.BOS, tok.END), indent=1))
    (to / "generation_config.json").write_text(json.dumps({"bos_token_id": tok.BOS, "eos_token_id": [tok.END, tok.BOS], "pad_token_id": tok.BOS}))
    shutil.copy(t_file, to / "tokenizer.json")
    (to / "tokenizer_config.json").write_text(json.dumps(tok.config(), ensure_ascii=False, indent=1))


def interleaved(w: np.ndarray, heads: int) -> np.ndarray:
    """Rows of a query or key matrix: half against half -> neighbouring pairs."""
    rows, k = w.shape
    return w.reshape(heads, 2, rows // heads // 2, k).swapaxes(1, 2).reshape(rows, k)


def write_gguf(m: Llama, t_file: pathlib.Path, to: pathlib.Path, kind: str, name: str) -> None:
    s, spec = m.s, json.loads(t_file.read_text())
    w = gguf.GGUFWriter(str(to), "llama")
    w.add_name(name)
    w.add_license(LICENCE)
    w.add_context_length(s.context)
    w.add_embedding_length(s.d)
    w.add_block_count(s.layers)
    w.add_feed_forward_length(s.ff)
    w.add_head_count(s.heads)
    w.add_head_count_kv(s.kv_heads)
    w.add_layer_norm_rms_eps(s.eps)
    w.add_rope_freq_base(s.theta)
    w.add_rope_dimension_count(s.head_dim)
    w.add_vocab_size(s.vocab)
    pieces = [""] * s.vocab
    types = [gguf.TokenType.UNUSED] * s.vocab
    for piece, i in spec["model"]["vocab"].items():
        pieces[i], types[i] = piece, gguf.TokenType.NORMAL
    for a in spec["added_tokens"]:
        pieces[a["id"]], types[a["id"]] = a["content"], gguf.TokenType.CONTROL if a["special"] else gguf.TokenType.USER_DEFINED
    w.add_tokenizer_model("gpt2")
    w.add_tokenizer_pre("smollm")
    w.add_token_list(pieces)
    w.add_token_types(types)
    w.add_token_merges([" ".join(x) if isinstance(x, list) else x for x in spec["model"]["merges"]])
    w.add_bos_token_id(tok.BOS)
    w.add_eos_token_id(tok.END)
    w.add_pad_token_id(tok.BOS)
    w.add_add_bos_token(False)
    w.add_chat_template(tok.TEMPLATE)
    q = gguf.GGMLQuantizationType[kind]

    def matrix(n: str, x: np.ndarray, how=q) -> None:
        if how == gguf.GGMLQuantizationType.F16:
            w.add_tensor(n, x.astype(np.float16))
        else:
            w.add_tensor(n, gguf.quants.quantize(np.ascontiguousarray(x), how), raw_dtype=how)

    x = {k: v.numpy() for k, v in hf_tensors(m).items()}
    matrix("token_embd.weight", x["model.embed_tokens.weight"], gguf.GGMLQuantizationType.Q8_0 if kind == "Q4_0" else q)
    w.add_tensor("output_norm.weight", x["model.norm.weight"])
    for i in range(s.layers):
        hf, ours = f"model.layers.{i}.", f"blk.{i}."
        w.add_tensor(ours + "attn_norm.weight", x[hf + "input_layernorm.weight"])
        w.add_tensor(ours + "ffn_norm.weight", x[hf + "post_attention_layernorm.weight"])
        matrix(ours + "attn_q.weight", interleaved(x[hf + "self_attn.q_proj.weight"], s.heads))
        matrix(ours + "attn_k.weight", interleaved(x[hf + "self_attn.k_proj.weight"], s.kv_heads))
        for a, b in (("attn_v", "self_attn.v_proj"), ("attn_output", "self_attn.o_proj"), ("ffn_gate", "mlp.gate_proj"), ("ffn_up", "mlp.up_proj"), ("ffn_down", "mlp.down_proj")):
            matrix(f"{ours}{a}.weight", x[f"{hf}{b}.weight"])
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


PACK_LAYER = [("attentionNorm", "norm1"), ("query", "q"), ("key", "k"), ("value", "v"), ("attentionOutput", "o"),
              ("feedForwardNorm", "norm2"), ("gate", "gate"), ("up", "up"), ("down", "down")]


def pack(m: Llama, t_file: pathlib.Path, to: pathlib.Path, shape: str, revision: int) -> dict:
    """-> the manifest. Files that an older pack left in the folder are removed."""
    shard, tensors, stored, parameters = bytearray(), [], 0, 0

    def place(data: bytes) -> dict:
        nonlocal stored
        shard.extend(bytes(-len(shard) % 64))
        at = len(shard)
        shard.extend(data)
        stored += len(data)
        return {"shard": 0, "offset": at}

    def put(name: str, p: torch.Tensor, kind: str) -> None:
        nonlocal parameters
        parameters += p.numel()
        entry: dict = {"name": name, "kind": kind, "shape": list(p.shape)}
        x = p.detach().float()
        if kind == "f32":
            entry["data"] = place(x.numpy().astype("<f4").tobytes())
        else:
            codes, scale, _ = quantise(x, 4 if kind == "q4" else 8)
            if not torch.isfinite(scale).all():
                raise ValueError(f"{name}: a scale is not finite")
            c = codes.numpy()
            entry["quants"] = place((c[..., 0::2] | (c[..., 1::2] << 4)).tobytes() if kind == "q4" else c.tobytes())
            entry["scales"] = place(scale.numpy().astype("<f2").tobytes())
        tensors.append(entry)

    put("embedding", m.embed, "q8")
    for i, layer in enumerate(m.layers):
        for theirs, ours in PACK_LAYER:
            p = getattr(layer, ours)
            put(f"layers.{i}.{theirs}", p, "f32" if p.dim() == 1 else "q4")
    put("finalNorm", m.norm, "f32")
    s = m.s
    to.mkdir(parents=True, exist_ok=True)
    for old in to.iterdir():
        if old.suffix in (".bin", ".json") and (len(old.stem) == 64 or old.name == "manifest.json"):
            old.unlink()

    def file(data: bytes, suffix: str) -> dict:
        h = hashlib.sha256(data).hexdigest()
        (to / (h + suffix)).write_bytes(data)
        return {"sha256": h, "byteLength": len(data)}

    weights = file(bytes(shard), ".bin")
    t_json = file(t_file.read_bytes(), ".json")
    t_config = file(json.dumps(tok.config(), ensure_ascii=False, separators=(",", ":")).encode(), ".json")
    manifest = {
        "format": "llm-elements-pack", "formatVersion": 1, "name": TITLE[shape], "description": DESCRIPTION[shape], "licence": LICENCE,
        "quantisation": "q4, embedding q8", "revision": revision, "parent": None,
        "architecture": {"architecture": "llama", "layers": s.layers, "hiddenSize": s.d, "feedForwardSize": s.ff, "heads": s.heads, "kvHeads": s.kv_heads,
                         "headSize": s.head_dim, "vocabularySize": s.vocab, "contextLength": s.context, "rmsNormEpsilon": s.eps, "ropeTheta": s.theta,
                         "ropeScaling": {"kind": "none"}, "tiedHead": True},
        "totals": {"byteLength": weights["byteLength"] + t_json["byteLength"] + t_config["byteLength"], "tensorByteLength": stored, "parameters": parameters},
        "shards": [weights], "tensors": tensors,
        "tokenizer": {"kind": "tokenizer-json", "tokenizer": t_json, "config": t_config},
        "generation": {"temperature": 0.5, "topP": 0.9}, "signature": None,
    }
    data = (json.dumps(manifest, ensure_ascii=False, indent=1) + "\n").encode()
    (to / "manifest.json").write_bytes(data)
    whole = manifest["totals"]["byteLength"] + len(data)
    if whole > LIMIT[shape]:
        raise ValueError(f"the pack has {whole} bytes: over its limit of {LIMIT[shape]}")
    print(f"{to}: {whole} bytes, {parameters} parameters, manifest {hashlib.sha256(data).hexdigest()}")
    return manifest


def main() -> None:
    a = argparse.ArgumentParser()
    a.add_argument("--run", type=pathlib.Path, required=True)
    a.add_argument("--shape", choices=SHAPES, nargs="*", default=[])
    a.add_argument("--to", type=pathlib.Path)
    a.add_argument("--revision", type=int, default=1)
    a.add_argument("--mean", action=argparse.BooleanOptionalAction, default=True)
    o = a.parse_args()
    t_file = o.run / "tokenizer.json"
    for shape in o.shape or [s for s in SHAPES if (o.run / s / "latest.pt").exists()]:
        m, about = load(o.run / shape / "latest.pt", shape, o.mean)
        to = (o.to or o.run / "export") / shape
        print(shape, about)
        safetensors(m, t_file, to / "hf")
        for kind in ("F16", "Q8_0", "Q4_0"):
            write_gguf(m, t_file, to / f"{shape}-{kind}.gguf", kind, TITLE[shape])
        pack(m, t_file, to / "pack", shape, o.revision)


if __name__ == "__main__":
    main()
