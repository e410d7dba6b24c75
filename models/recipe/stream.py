"""The training stream: which examples, in what shares, packed into rows.

Called by train.py (`chunk`), tokenizer training (`sample_texts`) and evaluate.py (`held_out`). A chunk is a pure function of
(seed, chunk number, shares), so a run resumes at a chunk's beginning without having kept anything. What goes wrong: a
skill that raises; it stops the run with that skill's name, because a quietly missing skill would show only hours later.
"""
from __future__ import annotations

import json
import os
import pathlib
import random
from dataclasses import dataclass
from typing import Iterator

import numpy as np

import tokenizer as tok
from data import drills, listed, stories
from data.types import Example

SKILLS = ("facts", "tools", "extraction", "guide", "smalltalk")
SHARES = {"stories": 0.22, "tiny": 0.14, "facts": 0.12, "tools": 0.20, "extraction": 0.14, "guide": 0.14, "smalltalk": 0.04}
# Answers known by heart are decided by their first words: most of these documents stop there, which leaves room for more questions.
# A story's subject is decided in its first sentences, too, and a hero's in the very first.
DECIDED_EARLY = {"guide": (8,), "smalltalk": (8,), "stories": (24, 70, 120)}
CHAINED = {"stories", "facts", "guide", "smalltalk"}


def skill_module(name: str):
    import importlib
    return importlib.import_module(f"data.skills.{name}")


def available() -> list[str]:
    here = pathlib.Path(__file__).parent / "data" / "skills"
    return [s for s in SKILLS if (here / f"{s}.py").exists()]


def tiny(shared: pathlib.Path, rng: random.Random) -> Iterator[Example]:
    """TinyStories' training part, as plain text or as the answer to a request built from it, and, one in four, texts of
    teacher.py (RECIPE_TEACHER names its file), which are only ever plain text."""
    texts = stories.tinystories(shared, "train")
    path = os.environ.get("RECIPE_TEACHER")
    extra = json.loads(pathlib.Path(path).read_text()) if path else []
    while True:
        for text in rng.sample(texts, len(texts)):
            if extra and rng.random() < 0.25:
                yield Example("text", ({"role": "user", "content": rng.choice(extra)},))
                continue
            request = stories.request_for(text, rng) if rng.random() < 0.4 else None
            if request is None:
                yield Example("text", ({"role": "user", "content": text},))
            else:
                yield stories.chat(request, text, rng)


def whole_words(t) -> tuple[str, ...]:
    """The words, and beginnings of words, that are one entry of the vocabulary with the space before them: nothing in it tells
    their letters."""
    return tuple(sorted(e[1:] for e in t.get_vocab() if len(e) > 2 and e[0] == "\u0120" and e[1:].isascii() and e[1:].isalpha()))


def source(name: str, shared: pathlib.Path, rng: random.Random, t=None) -> Iterator[Example]:
    if name == "tiny":
        return tiny(shared, rng)
    if name == "stories":
        return stories.examples("train", rng, tuple(w for w in whole_words(t) if w.islower()) if t else ())
    if name == "drills":
        return drills.examples(rng, whole_words(t))
    if name == "listed":
        return listed.examples(rng)
    return skill_module(name).examples("train", rng)


@dataclass
class Rows:
    """ids [N, T+1] int16 (targets are the ids moved by one), doc [N, T] (attention stays inside), learn [N, T] bool."""
    ids: np.ndarray
    doc: np.ndarray
    learn: np.ndarray


def documents(t, shares: dict[str, float], tokens: int, longest: int, shared: pathlib.Path, rng: random.Random,
              long_chat: float, keep_prompt: float) -> list[tuple[list[int], list[bool]]]:
    total = sum(shares.values())
    docs = []
    pools: dict[str, Iterator[Example]] = {n: source(n, shared, random.Random(rng.random()), t) for n, s in shares.items() if s > 0}
    chained = [n for n in pools if n in CHAINED]
    for name in pools:
        budget = int(tokens * shares[name] / total)
        while budget > 0:
            try:
                e = next(pools[name])
                if chained and name in CHAINED and not e.tools and rng.random() < long_chat:
                    e = chain(e, rng, pools, chained, longest)
            except StopIteration:
                raise RuntimeError(f"the training stream of {name} ended; it must be endless") from None
            ids, own = tok.encode(t, e)
            if len(ids) > longest:  # too long a conversation ends with the last answer that fits whole
                whole = [i + 1 for i in range(longest) if ids[i] == tok.END and own[i]]
                ids, own = ids[:whole[-1] if whole else longest], own[:whole[-1] if whole else longest]
            if name in DECIDED_EARLY and rng.random() < 0.85:
                first = len(own) - own[::-1].index(False) + rng.choice(DECIDED_EARLY[name])  # counted from where the last answer begins
                ids, own = ids[:first], own[:first]
            learn = [o or rng.random() < keep_prompt for o in own]
            docs.append((ids, learn))
            budget -= len(ids)
    return docs


def chain(e: Example, rng: random.Random, pools, names: list[str], longest: int) -> Example:
    """Several exchanges in one conversation, the first one's system text staying; as many as the row has room for, or fewer."""
    messages = list(e.messages)
    for _ in range(rng.choice([1, 1, 2, 3, 5] if longest < 600 else [2, 4, 8, 12, 16, 20])):
        more = next(pools[rng.choice(names)])
        if not more.tools:
            messages += [m for m in more.messages if m["role"] != "system"]
    return Example(e.skill, tuple(messages))


def chunk(t, number: int, seed: int, shares: dict[str, float], rows: int, length: int, shared: pathlib.Path,
          keep_prompt: float = 0.1) -> Rows:
    rng = random.Random(f"{seed}/{number}")
    docs = documents(t, shares, rows * (length - 8), length + 1, shared, rng, {256: 0.06, 512: 0.25}.get(length, 0.5), keep_prompt)
    rng.shuffle(docs)
    docs.sort(key=lambda d: -len(d[0]))
    space = [length + 1] * rows
    held: list[list[int]] = [[] for _ in range(rows)]
    # First fit, longest first, from a random row on: rows fill to a few tokens, and no document is cut.
    for i, (ids, _) in enumerate(docs):
        start = rng.randrange(rows)
        best = min(((space[r], r) for r in ((start + j) % rows for j in range(min(rows, 64))) if space[r] >= len(ids)), default=None)
        if best is not None:
            held[best[1]].append(i)
            space[best[1]] -= len(ids)
    out = Rows(np.zeros((rows, length + 1), np.int16), np.full((rows, length), -1, np.int16), np.zeros((rows, length), bool))
    for r in range(rows):
        rng.shuffle(held[r])
        at = 0
        for n, i in enumerate(held[r]):
            ids, learn = docs[i]
            k = len(ids)
            out.ids[r, at:at + k] = ids
            end = min(at + k, length)
            out.doc[r, at:end] = n
            # Position p predicts p+1: learn it when the next token is to be learnt and is this document's own.
            out.learn[r, at:at + k - 1] = learn[1:]
            at += k
    order = list(range(rows))
    rng.shuffle(order)
    return Rows(out.ids[order], out.doc[order], out.learn[order])


def held_out(shared: pathlib.Path, skill: str) -> list[Example]:
    if skill == "stories":
        return list(stories.examples("heldout", random.Random(0)))
    return list(skill_module(skill).examples("heldout", random.Random(0)))


def sample_texts(shared: pathlib.Path, characters: int, seed: int) -> Iterator[str]:
    """Texts for the tokenizer, each skill by its share."""
    for name, share in SHARES.items():
        if name in SKILLS and name not in available():
            continue
        rng, left = random.Random(f"{seed}/{name}"), characters * share
        for e in source(name, shared, rng):
            for piece, _ in ([(e.messages[0]["content"], True)] if e.skill == "text" else tok.turns(e)):
                if isinstance(piece, str):
                    left -= len(piece)
                    yield piece
            if left < 0:
                break
