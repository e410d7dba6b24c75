"""Small talk and limits: greets, thanks, says what it is, and says so when asked what it cannot do.

Called by: the recipe's data mix and its evaluation (`examples`, `family_of`).
Does not know: the tokenizer or the template. Warm short dialogues written by hand are in ../handwritten/dialogues.txt.

A family (smalltalk_families.py) has phrase grammars and one to three answers. The limits name what was asked for ("I cannot translate") and
what the model can do instead; they come with much variety of topics, so that a stranger's topic is refused, too.
smalltalk_training.py has more ways to ask and more topics, for training alone.
"""

from __future__ import annotations

import random
import re
from functools import cache
from pathlib import Path
from typing import Iterator, Literal, Optional

from .. import storyworld
from ..types import Example
from . import pools, smalltalk_training
from .apart import too_near, words
from .common import casual, chained, expand, held_out, plain, turn
from .guide import similarity
from .smalltalk_families import FAMILIES, TOPICS, Family

Split = Literal["train", "heldout"]

_DIALOGUES = Path(__file__).parent.parent / "handwritten" / "dialogues.txt"


def dialogues() -> list[list[tuple[str, str]]]:
    """The conversations written by hand: blocks between blank lines; lines begin with `U: ` or `A: `; `#` is a remark."""
    if not _DIALOGUES.exists():
        raise FileNotFoundError(f"{_DIALOGUES} is missing: it is part of the recipe")
    found: list[list[tuple[str, str]]] = []
    for block in re.split(r"\n\s*\n", _DIALOGUES.read_text("utf-8")):
        turns: list[tuple[str, str]] = []
        for line in block.strip().splitlines():
            if line.startswith("#"):
                continue
            match = re.match(r"^([UA]): (.+)$", line)
            role = "user" if match and match.group(1) == "U" else "assistant"
            if match is None or role != ("user", "assistant")[len(turns) % 2]:
                raise ValueError(f"dialogues.txt: expected turns U:, A:, U:, A: ... but found {line!r}")
            turns.append((role, match.group(2)))
        if turns:
            found.append(turns)
    return found


@cache
def _said_by_hand() -> frozenset[str]:
    """What visitors say in the dialogues written by hand: the grammars leave these to them."""
    return frozenset(plain(text) for talk in dialogues() for role, text in talk if role == "user")


def _slots(rng: random.Random) -> dict[str, object]:
    p = rng.randint(101, 999) if rng.random() < 0.7 else rng.randint(60, 99)
    return {
        "p": p,
        "q": rng.randint(101 - p if p < 101 else 1, 999 if p > 100 else 99),
        "s": rng.randint(1, 100),
        "a": rng.randint(2, 99),
        "b": rng.randint(2, 20),
        "n": rng.choice(pools.FIRST),
        "g": pools.invented(rng),
        "y4": rng.randint(1000, 2020),
        "c": rng.choice(TOPICS["city"]),
        "t": rng.choice(TOPICS["team"]),
        "y": rng.choice(TOPICS["word"]),
    }


@cache
def written() -> tuple[tuple[tuple[str, ...], str], ...]:
    """The evaluation prompts written by hand: (families whose answer is right, prompt)."""
    known = {family.id for family in FAMILIES}
    found = []
    for line in (Path(__file__).parent / "smalltalk_eval.txt").read_text("utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        ids, _, prompt = line.partition(": ")
        right = tuple(ids.split(","))
        if not known.issuperset(right) or not prompt:
            raise ValueError(f"smalltalk_eval.txt: no such family or no prompt in {line!r}")
        found.append((right, prompt))
    return tuple(found)


@cache
def _reserved() -> frozenset[str]:
    return _said_by_hand() | {plain(prompt) for _, prompt in written()}


def _kept_phrase(family: Family, text: str) -> bool:
    """Short phrases ("who are you") are what everybody says: they are all taught."""
    return len(text.split()) > 3 and held_out("small", family.id, plain(text), one_in=15)


@cache
def _kept_words(family: str) -> tuple[tuple[frozenset[str], frozenset[str]], ...]:
    return tuple(words(prompt) for ids, prompt in written() if family in ids)


def _added(family: Family, rng: random.Random) -> tuple[str, str]:
    """-> a phrase that only training has, and a topic, which may be one of training alone, too."""
    wide = {"thing": lambda: rng.choice(storyworld.MORE), "person": lambda: pools.person(rng, 1.0), "city": lambda: rng.choice(pools.CITIES)}
    own = smalltalk_training.TOPICS.get(family.topics)
    topic = rng.choice(TOPICS[family.topics]) if family.topics else ""
    if own and rng.random() < 0.6:
        topic = rng.choice(own)
    elif family.topics in wide and rng.random() < 0.4:
        topic = wide[family.topics]()
        topic = rng.choice(("", "a ", "a ", "the ")) + topic if family.topics == "thing" else topic
    asks = smalltalk_training.ASKS.get(family.id, family.asks)
    return expand(rng.choice(asks if rng.random() < 0.75 else family.asks), rng).replace("<x>", topic), topic


def _one(split: Split, rng: random.Random, family: Family) -> Optional[Example]:
    i = rng.randrange(len(family.asks))
    slots = _slots(rng)
    if "- <s>" in family.asks[i] or "minus <s>" in family.asks[i]:
        slots["p"] = rng.randint(101, 999)
    topic = rng.choice(TOPICS[family.topics]) if family.topics else ""
    text = expand(family.asks[i], rng)
    text = text.replace("<x>", topic)
    if split == "train" and family.id not in ("no-capital", "name-given") and "<s>" not in family.asks[i] and rng.random() < 0.6:
        text, topic = _added(family, rng)
        if too_near(text, _kept_words(family.id)) or "<s>" in text:
            return None
    kept = _kept_phrase(family, text)
    if kept != (split == "heldout"):
        return None
    answer = rng.choice(family.answers)
    for name, value in {**slots, "x": topic}.items():
        text = text.replace(f"<{name}>", str(value))
        answer = answer.replace(f"<{name}>", str(value))
    question = re.match(r"^(how|what|which|where|when|why|who|is|are|do|does|can|could|may|must|should|will|would|in which)\b", text) is not None
    keep = "<n>" in answer or family.id in ("name-given", "no-capital")
    if family.id == "gibberish" and text[0] in "?.":
        user = text
    else:
        user = casual(text, rng, question=question, keep_case=keep, typos=split == "train" and family.id != "name-given")
    if plain(user) in _reserved():
        return None
    # "yes" with ", please" added must not become the "yes please" that is kept.
    if split == "train" and _kept_phrase(family, user):
        return None
    return turn("smalltalk", user, answer, {"family": family.id, "kind": "grammar"}, rng)


def family_of(answer: str, least: float = 0.6) -> Optional[str]:
    """The family whose answer this one is nearest to; None where no answer is near."""
    best, score = None, least
    for family in FAMILIES:
        for canonical in family.answers:
            near = similarity(answer, canonical)
            if near > score:
                best, score = family.id, near
    return best


def _endless(split: Split, rng: random.Random) -> Iterator[Example]:
    weights = [family.weight for family in FAMILIES]
    while True:
        example = _one(split, rng, rng.choices(FAMILIES, weights)[0])
        if example is not None:
            yield example


def _written(rng: random.Random, talks: list[list[tuple[str, str]]]) -> Example:
    talk = rng.choice(talks)
    return Example("smalltalk", tuple({"role": role, "content": text} for role, text in talk), (), {})


def examples(split: Split, rng: random.Random) -> Iterator[Example]:
    """Endless for "train", a tenth of it the dialogues written by hand; some 230 prompts for "heldout"."""
    if split == "train":
        talks = dialogues()
        drawn = chained(_endless(split, rng), rng, most=4, chance=0.3)
        while True:
            yield _written(rng, talks) if rng.random() < 0.1 else next(drawn)
    for right, prompt in written():
        family = next(f for f in FAMILIES if f.id == right[0])
        answer = family.answers[0].replace("<x>", prompt.rstrip("?").rpartition(" of ")[2])
        yield turn("smalltalk", prompt, answer, {"family": right[0], "also": list(right[1:]), "kind": "written"})
    for family in FAMILIES:
        seen: set[str] = set()
        for example in filter(None, (_one(split, rng, family) for _ in range(600))):
            text = example.messages[-2]["content"].lower().strip(" ?.!")
            if text not in seen:
                seen.add(text)
                yield example
            if len(seen) >= 4:
                break
