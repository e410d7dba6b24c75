"""Writes the figures of a run into the model's card: between the marks of ../default/README.md, from evaluate.py's JSON,
the training log and the pack's own hashes. Called by make.py and by hand after an export; it changes nothing else.
"""
from __future__ import annotations

import argparse
import hashlib
import json
import pathlib

HERE = pathlib.Path(__file__).parent
BEGIN, END = "<!-- figures: written by recipe/card.py -->", "<!-- end of figures -->"
GOALS = {
    ("facts", "right"): ("facts right", 0.95), ("tools", "valid"): ("tool calls that are valid JSON", 0.95),
    ("tools", "right"): ("right tool and arguments", 0.90), ("extraction", "right"): ("extraction exact", 0.90),
    ("guide", "right"): ("guide answered from the right family", 0.90), ("stories", "subject"): ("stories on the subject", 1.0),
    ("stories", "ended"): ("stories ended", 1.0),
}


def percent(x: float) -> str:
    return f"{100 * x:.1f} %"


def main() -> None:
    a = argparse.ArgumentParser()
    a.add_argument("--run", type=pathlib.Path, required=True)
    a.add_argument("--figures", type=pathlib.Path, required=True)
    a.add_argument("--card", type=pathlib.Path, default=HERE.parent / "default" / "README.md")
    o = a.parse_args()
    f = json.loads(o.figures.read_text())
    log = [json.loads(line) for line in (o.run / "default" / "log.jsonl").read_text().splitlines()]
    out = [f"Tokens seen: {f['seen'] / 1e6:.1f} million in {f['step']} steps.", "",
           "| figure (held out, temperature 0, 4-bit weights, PyTorch) | reached | goal |", "| --- | --- | --- |"]
    for (skill, key), (name, goal) in GOALS.items():
        if skill in f and key in f[skill]:
            out.append(f"| {name} | {percent(f[skill][key])} | {percent(goal)} |")
    if "stories" in f:
        out.append(f"| stories: repeated 4-grams | {percent(f['stories']['repeated'])} | < 5 % |")
    if "smalltalk" in f:
        out.append(f"| small talk from the right family | {percent(f['smalltalk']['right'])} | none set |")
    if "tinystories" in f:
        t = f["tinystories"]
        out.append(f"| TinyStories, held-out tenth, bits a byte | {t['bits_a_byte_q4']:.3f} (f32 {t['bits_a_byte']:.3f}) | {0.85 * t['stories260K']:.3f} (stories260K: {t['stories260K']:.3f}) |")
    out += ["", "| skill | nats a token, f32 | 4-bit | difference | bits a byte | tokens |", "| --- | --- | --- | --- | --- | --- |"]
    for skill in ("facts", "tools", "extraction", "guide", "smalltalk", "stories"):
        if skill in f:
            r = f[skill]
            out.append(f"| {skill} | {r['nats']:.4f} | {r['nats_q4']:.4f} | {100 * (r['nats_q4'] / r['nats'] - 1):+.1f} % | {r['bits_a_byte']:.3f} | {r['tokens']} |")
    out += ["", "Training loss (nats a token, mean of a chunk; the mix of the stream changes at the steps that "
            "[plan.json](../recipe/plan.json) names, so jumps are changes of what was read):", "",
            "| step | million tokens | loss |", "| --- | --- | --- |"]
    shown = log[::max(1, len(log) // 16)]
    for line in shown + ([log[-1]] if shown[-1] is not log[-1] else []):
        out.append(f"| {line['step']} | {line['seen'] / 1e6:.2f} | {line['loss']:.3f} |")
    out += ["", "Files of the pack (SHA-256):", ""]
    for folder in ("default", "draft"):
        pack = HERE.parent / folder / "pack"
        for path in sorted(pack.glob("*")):
            out.append(f"- `{folder}/pack/{path.name}` ({path.stat().st_size} bytes) `{hashlib.sha256(path.read_bytes()).hexdigest()}`")
    card = o.card.read_text()
    before, after = card[:card.index(BEGIN) + len(BEGIN)], card[card.index(END):]
    o.card.write_text(before + "\n" + "\n".join(out) + "\n" + after)


if __name__ == "__main__":
    main()
