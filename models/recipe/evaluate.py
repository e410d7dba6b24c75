"""Every figure of the model: losses by skill, bits a byte beside stories260K, 4-bit beside f32, and answers scored.

Called by make.py and by hand; `--limit` and `--skills` make it quick while training goes on. Answers are greedy
(temperature 0). The checks are stated once, in `score`, and written out with the prompts (`--prompts`) so that the kit's
own evaluation can apply the same ones to the shipped pack. What goes wrong: nothing is caught here; a wrong file stops it.
"""
from __future__ import annotations

import argparse
import functools
import json
import math
import os
import pathlib
import re
import struct

import numpy as np
import torch
import torch.nn.functional as F

import stream
import tokenizer as tok
from data import stories
from data.types import Example
from model import SHAPES, Cache, Llama, Shape

HERE = pathlib.Path(__file__).parent


def load(path: pathlib.Path, shape: str = "default", mean: bool = True) -> tuple[Llama, dict]:
    state = torch.load(path, map_location="cpu", weights_only=True)
    m = Llama(SHAPES[shape])
    m.load_state_dict(state["model"])
    if mean:
        with torch.no_grad():
            for p, v in zip(m.parameters(), state["mean"]):
                p.copy_(v)
    return m.eval(), {k: state[k] for k in ("step", "seen")}


@torch.no_grad()
def generate(m: Llama, prompts: list[list[int]], limit: int, stops: tuple[int, ...] = (tok.END, tok.BOS)) -> list[list[int]]:
    """Greedy answers to many prompts at once. Shorter ones are padded on the left: rotary positions are relative."""
    answers: list[list[int]] = [[] for _ in prompts]
    order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
    for at in range(0, len(order), 32):
        group = order[at:at + 32]
        width = max(len(prompts[i]) for i in group)
        ids = torch.zeros(len(group), width, dtype=torch.long)
        real = torch.zeros(len(group), width, dtype=torch.bool)
        for r, i in enumerate(group):
            ids[r, width - len(prompts[i]):] = torch.tensor(prompts[i])
            real[r, width - len(prompts[i]):] = True
        caches = [Cache() for _ in m.layers]
        mask = (real[:, None, :] & torch.ones(width, width, dtype=torch.bool).tril()) | torch.eye(width, dtype=torch.bool)
        h = m.hidden(ids, mask[:, None], 0, caches)[:, -1:]
        done = torch.zeros(len(group), dtype=torch.bool)
        for n in range(limit):
            choice = m.logits(h)[:, 0].argmax(-1)
            for r, i in enumerate(group):
                if not done[r]:
                    if int(choice[r]) in stops:
                        done[r] = True
                    else:
                        answers[i].append(int(choice[r]))
            if bool(done.all()) or width + n + 1 >= m.s.context:
                break
            real = torch.cat([real, torch.ones(len(group), 1, dtype=torch.bool)], 1)
            h = m.hidden(choice[:, None], real[:, None, None, :], width + n, caches)
    return answers


def answer_text(t, ids: list[int]) -> str:
    return t.decode(ids, skip_special_tokens=False).replace("<|end|>", "").strip()


def call_in(text: str) -> dict | None:
    """The tool call an answer holds, or null if it holds none that parses."""
    m = re.search(r"<tool_call>(.*?)</tool_call>", text, re.S)
    try:
        call = json.loads(m[1]) if m else None
    except ValueError:
        return None
    return call if isinstance(call, dict) and isinstance(call.get("name"), str) and isinstance(call.get("arguments"), dict) else None


def repeated(text: str, n: int = 4) -> float:
    """Share of word n-grams that have been said before in the same text."""
    words = re.findall(r"[a-z']+", text.lower())
    grams = [tuple(words[i:i + n]) for i in range(len(words) - n + 1)]
    return 1 - len(set(grams)) / len(grams) if grams else 0.0


def family_of(text: str, answers: dict[str, list[str]], least: float = 0.5) -> str | None:
    """The family whose answer is nearest (Dice coefficient of character 4-grams); none where no answer is near."""
    near = stream.skill_module("guide").similarity
    best = max(answers, key=lambda f: max(near(a, text) for a in answers[f]))
    return best if max(near(a, text) for a in answers[best]) > least else None


def score(e: dict, text: str, families: dict[str, list[str]] | None = None) -> dict[str, bool | float]:
    x = e["expect"]
    if "call" in x:
        call = call_in(text)
        wanted = x["call"]
        if wanted is None:
            return {"right": call is None}
        return {"valid": call is not None, "right": call is not None and call["name"] == wanted["name"] and call["arguments"] == wanted["arguments"]}
    if "exact" in x:
        return {"right": text.strip() == x["exact"].strip()}
    if "answer" in x:
        return {"right": re.search(r"(?<![\w-])" + re.escape(x["answer"].lower()) + r"(?!\w)", text.lower()) is not None}
    if "family" in x:
        return {"right": families is not None and family_of(text, families) in {x["family"], *x.get("also", ())}}
    if "subject" in x:
        body = text.lower()
        # A whole word, or its plural: a story about a duckling is none about a duck.
        subject = all(re.search(rf"\b{re.escape(s.lower())}(s|es)?\b", body) for s in x["subject"])
        return {"subject": subject, "ended": text.rstrip()[-1:] in ".!?\"'", "repeated": repeated(text),
                "words": len(text.split()), "right": subject and text.rstrip()[-1:] in ".!?\"'" and repeated(text) < 0.05}
    return {}


def guide_families() -> dict[str, list[str]] | None:
    if "guide" not in stream.available():
        return None
    module = stream.skill_module("guide")
    return module.families() if hasattr(module, "families") else None


LIMITS = {"stories": 400, "guide": 300, "facts": 60, "tools": 120, "extraction": 220, "smalltalk": 120}


def prompts_of(shared: pathlib.Path, skill: str, limit: int | None) -> list[dict]:
    es = stream.held_out(shared, skill)
    if limit and len(es) > limit:
        es = [es[i * len(es) // limit] for i in range(limit)]
    return [{"skill": e.skill, "messages": list(e.messages[:-1]), "tools": list(e.tools), "expect": e.expect, "reference": e.messages[-1]} for e in es]


@torch.no_grad()
def held_out_loss(m: Llama, t, examples: list[Example]) -> tuple[float, int, float]:
    """-> nats a token over the assistants' own tokens, how many, and bits a byte of their text."""
    nats = count = size = 0.0
    for e in examples:
        ids, own = tok.encode(t, e)
        ids, own = ids[:m.s.context], own[:m.s.context]
        x = torch.tensor([ids])
        keep = torch.tensor(own[1:])
        ce = F.cross_entropy(m(x[:, :-1])[0][keep].float(), x[0, 1:][keep], reduction="sum")
        nats, count = nats + float(ce), count + int(keep.sum())
        size += sum(len(v.encode()) for v, said in tok.turns(e) if said and isinstance(v, str)) if e.skill != "text" else len(e.messages[0]["content"].encode())
    return nats / max(1, count), int(count), nats / math.log(2) / max(1, size)


@torch.no_grad()
def bits_a_byte(m: Llama, encode, start: int, texts: list[str], window: int) -> tuple[float, float]:
    """Whole texts, each from its beginning; past the window the last half of it stays as context. -> (bits a byte, nats a token)"""
    nats = tokens = size = 0.0
    for text in texts:
        ids = [start, *encode(text)]
        at = 0
        while at < len(ids) - 1:
            begin = 0 if at == 0 else at - window // 2
            piece = ids[begin:begin + window + 1]
            x = torch.tensor([piece])
            ce = F.cross_entropy(m(x[:, :-1])[0].float(), x[0, 1:], reduction="none")[at - begin:]
            nats, tokens = nats + float(ce.sum()), tokens + ce.numel()
            at = begin + len(piece) - 1
        size += len(text.encode())
    return nats / math.log(2) / size, nats / tokens


def stories260k(shared: pathlib.Path) -> tuple[Llama, object]:
    """The llama2.c checkpoint and its tokenizer (greedy merges by score over UTF-8 with byte fallback, as llama2.c does)."""
    at = shared / "models" / "stories260K"
    raw = (at / "stories260K.bin").read_bytes()
    d, ff, layers, heads, kv, vocab, context = struct.unpack("7i", raw[:28])
    flat, o = np.frombuffer(raw, np.float32, offset=28), 0
    hd = d // heads

    def take(*shape: int) -> torch.Tensor:
        nonlocal o
        n = int(np.prod(shape))
        out = torch.from_numpy(flat[o:o + n].copy()).reshape(shape)
        o += n
        return out

    def halves(w: torch.Tensor, h: int) -> torch.Tensor:
        """Interleaved rotary pairs -> half against half."""
        return w.reshape(h, hd // 2, 2, d).transpose(1, 2).reshape(h * hd, d)

    import model as mod
    block, mod.BLOCK = mod.BLOCK, 1  # its feed-forward width is no multiple of 32, and it is not quantised here
    m = Llama(Shape(abs(vocab), d, layers, heads, kv, ff, context)).eval()
    mod.BLOCK = block
    with torch.no_grad():
        m.embed.copy_(take(abs(vocab), d))
        parts = {"norm1": take(layers, d), "q": take(layers, d, d), "k": take(layers, kv * hd, d), "v": take(layers, kv * hd, d), "o": take(layers, d, d),
                 "norm2": take(layers, d), "gate": take(layers, ff, d), "down": take(layers, d, ff), "up": take(layers, ff, d)}
        m.norm.copy_(take(d))
        for i, layer in enumerate(m.layers):
            for name, w in parts.items():
                getattr(layer, name).copy_(halves(w[i], heads) if name == "q" else halves(w[i], kv) if name == "k" else w[i])
    b, p, pieces = (at / "tok512.bin").read_bytes(), 4, []
    for _ in range(abs(vocab)):
        score_, n = struct.unpack("fi", b[p:p + 8])
        pieces.append((b[p + 8:p + 8 + n], score_))
        p += 8 + n
    index = {s: i for i, (s, _) in reversed(list(enumerate(pieces)))}

    @functools.cache
    def join(a: int, b: int) -> tuple[float, int] | None:
        i = index.get(pieces[a][0] + pieces[b][0]) if a > 2 and b > 2 else None
        return None if i is None else (pieces[i][1], i)

    def encode(text: str) -> list[int]:
        ids: list[int] = []
        for c in " " + text:
            s = c.encode()
            ids += [index[s]] if s in index else [x + 3 for x in s]
        while True:
            found = [(joined[0], -i, joined[1]) for i, joined in enumerate(map(join, ids, ids[1:])) if joined]
            if not found:
                return ids
            _, i, merged = max(found)
            ids[-i:-i + 2] = [merged]

    return m, encode


def main() -> None:
    a = argparse.ArgumentParser()
    a.add_argument("--run", type=pathlib.Path, required=True)
    a.add_argument("--shared", type=pathlib.Path, default=pathlib.Path(os.environ.get("RECIPE_SHARED", HERE.parents[2] / "shared" / "data")))
    a.add_argument("--shape", choices=SHAPES, default="default")
    a.add_argument("--skills", default="facts,tools,extraction,guide,smalltalk,stories")
    a.add_argument("--limit", type=int, default=None, help="at most so many prompts of each skill")
    a.add_argument("--quantised", action=argparse.BooleanOptionalAction, default=True, help="answers from the 4-bit weights")
    a.add_argument("--mean", action=argparse.BooleanOptionalAction, default=True, help="the running mean of the weights, not the last ones")
    a.add_argument("--tiny", type=int, default=None, help="at most so many TinyStories texts (0: leave it out)")
    a.add_argument("--show", type=int, default=2, help="print so many answers of each skill, and as many wrong ones")
    a.add_argument("--prompts", type=pathlib.Path, help="write the held-out prompts as JSON into this folder and stop")
    a.add_argument("--json", type=pathlib.Path, help="write the figures here too")
    a.add_argument("--threads", type=int, default=2)
    o = a.parse_args()
    torch.set_num_threads(o.threads)
    skills = [s for s in o.skills.split(",") if s == "stories" or s in stream.available()]
    if o.prompts:
        o.prompts.mkdir(parents=True, exist_ok=True)
        for s in skills:
            (o.prompts / f"{s}.json").write_text("[\n" + ",\n".join(json.dumps(e, ensure_ascii=False) for e in prompts_of(o.shared, s, o.limit)) + "\n]\n")
        families = guide_families()
        if families:
            (o.prompts / "guide-families.json").write_text(json.dumps(families, ensure_ascii=False, indent=0) + "\n")
        return
    t = tok.load(o.run / "tokenizer.json")
    m, about = load(o.run / o.shape / "latest.pt", o.shape, o.mean)
    q, _ = load(o.run / o.shape / "latest.pt", o.shape, o.mean)
    q.snap()
    print(about)
    figures: dict[str, object] = dict(about)
    families = guide_families()
    for s in skills:
        es = prompts_of(o.shared, s, o.limit)
        whole = [Example(s, (*e["messages"], e["reference"]), tuple(e["tools"])) for e in es]
        f32, n, bits = held_out_loss(m, t, whole)
        q4, _, _ = held_out_loss(q, t, whole)
        row: dict[str, float] = {"nats": round(f32, 4), "nats_q4": round(q4, 4), "bits_a_byte": round(bits, 4), "tokens": n}
        ids = generate(q if o.quantised else m, [tok.prompt(t, Example(s, (*e["messages"], e["reference"]), tuple(e["tools"]))) for e in es], LIMITS[s])
        texts = [answer_text(t, i) for i in ids]
        marks = [score(e, x, families) for e, x in zip(es, texts)]
        for key in dict.fromkeys(k for r in marks for k in r):
            row[key] = round(float(np.mean([r[key] for r in marks if key in r])), 4)
        figures[s] = row
        print(f"\n## {s}: {row}", flush=True)
        kinds: dict[str, list[bool]] = {}
        for e, r in zip(es, marks):
            if "kind" in e["expect"] and "right" in r:
                kinds.setdefault(e["expect"]["kind"], []).append(bool(r["right"]))
        if kinds:
            print("   ", {k: f"{sum(v)}/{len(v)}" for k, v in kinds.items()})
        wrong = [i for i, r in enumerate(marks) if not r.get("right", True)]
        for i in [*range(min(o.show, len(es))), *wrong[:o.show * 2]]:
            print(f"  {'WRONG' if i in wrong else 'ok   '} {es[i]['messages'][-1]['content'][-300:]!r}\n     -> {texts[i]!r}\n     want {json.dumps(es[i]['expect'], ensure_ascii=False)[:300]}")
    if o.tiny != 0:
        held = stories.tinystories(o.shared, "heldout")[:o.tiny]
        ours = bits_a_byte(m, lambda x: t.encode(x, add_special_tokens=False).ids, tok.BOS, held, m.s.context - 1)
        ours4 = bits_a_byte(q, lambda x: t.encode(x, add_special_tokens=False).ids, tok.BOS, held, m.s.context - 1)
        theirs = bits_a_byte(*stories260k(o.shared), 1, held, 512)
        figures["tinystories"] = {"texts": len(held), "bits_a_byte": round(ours[0], 4), "nats": round(ours[1], 4), "bits_a_byte_q4": round(ours4[0], 4),
                                  "stories260K": round(theirs[0], 4), "stories260K_nats": round(theirs[1], 4)}
        print("\n## tinystories", figures["tinystories"])
    if o.json:
        o.json.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
