"""Greedy answers of the shipped (rounded) weights to a few fixed prompts: the card's samples and a test's expectation.

Called by make.py and by hand. Each entry: messages, tools, ids (prompt and answer), text, and the least gap between the
best and the second logit on the way, so that a test on another device knows how much room rounding has.
"""
from __future__ import annotations

import argparse
import json
import pathlib

import torch

import tokenizer as tok
from data.types import Example
from evaluate import load
from model import SHAPES, Cache

THEME = {"name": "set_theme", "description": "Switch the page's colours", "parameters": {"type": "object", "properties": {"theme": {"type": "string", "enum": ["light", "dark"]}}, "required": ["theme"]}}
SEARCH = {"name": "search", "description": "Search the site", "parameters": {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]}}
PROMPTS: list[tuple[str, list[dict], int]] = [
    ("Tell me a story about a fox.", [], 320),
    ("Tell me a story about an otter and a lamp.", [], 320),
    ("Hello!", [], 60),
    ("What are you?", [], 80),
    ("How do I put the chat into my page?", [], 200),
    ("Does anything I type leave my computer?", [], 200),
    ("What is the capital of France?", [], 40),
    ("What is 12 + 30?", [], 60),
    ("What is the opposite of cold?", [], 40),
    ("Switch to dark mode", [THEME, SEARCH], 60),
    ("List the dates: Anna paid $20 on 3 May 2021. Tom came on 7 June.", [], 80),
    ("Who won the football match yesterday?", [], 80),
    ("What is the meaning of life?", [], 80),
]


@torch.no_grad()
def greedy(m, ids: list[int], limit: int) -> tuple[list[int], float]:
    caches, out, gap = [Cache() for _ in m.layers], [], float("inf")
    h = m.hidden(torch.tensor([ids]), None, 0, caches)[:, -1:]
    for n in range(limit):
        top = m.logits(h)[0, 0].topk(2)
        gap = min(gap, float(top.values[0] - top.values[1]))
        choice = int(top.indices[0])
        if choice in (tok.END, tok.BOS) or len(ids) + n + 1 >= m.s.context:
            break
        out.append(choice)
        h = m.hidden(torch.tensor([[choice]]), torch.ones(1, 1, 1, len(ids) + n + 1, dtype=torch.bool), len(ids) + n, caches)
    return out, gap


def main() -> None:
    a = argparse.ArgumentParser()
    a.add_argument("--run", type=pathlib.Path, required=True)
    a.add_argument("--shape", choices=SHAPES, default="default")
    a.add_argument("--to", type=pathlib.Path, required=True)
    o = a.parse_args()
    torch.set_num_threads(1)
    t = tok.load(o.run / "tokenizer.json")
    m, _ = load(o.run / o.shape / "latest.pt", o.shape)
    m.snap()
    out = []
    for text, tools, limit in PROMPTS:
        e = Example("sample", ({"role": "user", "content": text}, {"role": "assistant", "content": ""}), tuple(tools))
        ids = tok.prompt(t, e)
        answer, gap = greedy(m, ids, limit)
        out.append({"messages": [{"role": "user", "content": text}], "tools": tools, "promptIds": ids, "answerIds": answer,
                    "text": t.decode(answer, skip_special_tokens=False), "leastGap": round(gap, 4)})
        print(f"> {text}\n{out[-1]['text']}\n[{gap:.3f}]\n", flush=True)
    o.to.write_text("[\n" + ",\n".join(json.dumps(x, ensure_ascii=False) for x in out) + "\n]\n")


if __name__ == "__main__":
    main()
