"""Guide skill: questions about the kit itself, answered from the texts in guide/*.md (guide_texts.py).

Called by: the recipe's data mix and its evaluation (`examples`, `family_of`).
Does not know: the tokenizer or the template.

What goes wrong: two families whose questions overlap; check.py prints prompts that belong to both.
"""

from __future__ import annotations

import random
import re
from functools import cache
from typing import Iterator, Literal, Optional

from ..types import Example
from .apart import too_near, words
from .common import casual, expand, held_out, plain, turn
from .guide_texts import ABOUT, DO, Family, load, macros

Split = Literal["train", "heldout"]

FAMILIES = load()


def families() -> dict[str, list[str]]:
    """Every family a question can belong to, small talk and limits included, with its answers."""
    from . import smalltalk  # it imports this module

    known = {family.id: [family.answer] for family in FAMILIES}
    known.update({family.id: list(family.answers) for family in smalltalk.FAMILIES})
    return known


def _features(text: str) -> dict[str, int]:
    text = re.sub(r"\s+", " ", text.lower()).strip()
    counts: dict[str, int] = {}
    for i in range(len(text) - 3):
        counts[text[i : i + 4]] = counts.get(text[i : i + 4], 0) + 1
    return counts


def similarity(first: str, second: str) -> float:
    """Dice coefficient of character 4-grams, 0 to 1."""
    a, b = _features(first), _features(second)
    total = sum(a.values()) + sum(b.values())
    return 2 * sum(min(n, b.get(gram, 0)) for gram, n in a.items()) / total if total else 0.0


def family_of(answer: str, least: float = 0.5) -> Optional[str]:
    """The family whose canonical answer this one is nearest to; None where no answer is near."""
    best, score = None, least
    for family in FAMILIES:
        near = similarity(answer, family.answer)
        if near > score:
            best, score = family.id, near
    return best


@cache
def _evaluation() -> frozenset[str]:
    """The written evaluation questions: a grammar that happens on one of them keeps silent."""
    return frozenset(plain(question) for family in FAMILIES for question in family.evaluation + family.final)


@cache
def _kept_words(family: Family) -> tuple[tuple[frozenset[str], frozenset[str]], ...]:
    return tuple(words(question) for question in family.evaluation + family.final)


def _added(family: Family, rng: random.Random) -> str:
    """One of the questions that only training has, and none that is near to one of the evaluation."""
    while True:
        text = _framed(*family.more, rng)
        if not too_near(text, _kept_words(family)):
            return text


def _sentence(family: Family, split: Split, rng: random.Random) -> str:
    if split == "train" and rng.random() < 0.55:
        return _added(family, rng)
    return _framed(family.questions, family.about, family.do, rng)


def _framed(questions: tuple[str, ...], about: tuple[str, ...], do: tuple[str, ...], rng: random.Random) -> str:
    """One of the family's own questions, or one of its things in a sentence that all families share."""
    shared = (about and "about", do and "do")
    kind = rng.choice([k for k in shared if k] or [""]) if rng.random() < 0.45 else ""
    if kind == "about":
        return expand(macros(rng.choice(ABOUT)), rng, t=expand(rng.choice(about), rng))
    if kind == "do":
        return expand(macros(rng.choice(DO)), rng, t=expand(rng.choice(do), rng))
    return expand(rng.choice(questions), rng)


def _phrase(family: Family, split: Split, rng: random.Random) -> Optional[str]:
    """None where a family has so few sentences that none is kept for evaluation."""
    for _ in range(400):
        text = _sentence(family, split, rng)
        if plain(text) in _evaluation():
            continue
        # One in fifteen of the grammar's sentences is kept too, whatever its case or marks.
        if held_out("guide", family.id, plain(text), one_in=15) == (split == "heldout"):
            return text
    return None


_QUESTION = re.compile(r"^(how|what|which|where|when|why|who|is|are|do|does|can|could|may|must|should|will|would|under|am)\b", re.I)


# What people say about themselves before they ask.
_SITUATIONS = (
    "I {have|run|own} a {small |}{shop|blog|website|restaurant|school|library|club|museum}.",
    "I am a {developer|designer|teacher|student|writer|beginner|shop owner|site owner}.",
    "We are a {school|small company|team of three|hotel|library|club}.",
    "I am {new here|not a programmer|building a site|still learning|just curious|testing this}.",
    "My {boss|client|customer|friend|colleague} asks:",
    "{Sorry|Excuse me|OK|Right|Well|Good}, {a|one|another|a short|a stupid} question.",
    "I {like|love} {it|this|what I see|the demo}.",
    "I {looked at|read|saw} the {demo|page|docs}{ already|}.",
    "{Question|My question|Help|Tell me|One thing}:",
    "Before I {start|begin|install it|use it}:",
    "My site is about {cats|books|music|trains|cooking|gardens|old coins|hiking}.",
)
_SMALL_WORDS = frozenset("a an the is are do does i you we it to of in on my your please for with can could this that".split())


def _shortened(text: str, rng: random.Random) -> str:
    """The question as a hurried person types it, without one to three of its small words."""
    words = text.split()
    small = [i for i, word in enumerate(words) if word.lower() in _SMALL_WORDS]
    if len(words) - len(small) < 2:
        return text
    gone = set(rng.sample(small, min(len(small), rng.randint(1, 3))))
    return " ".join(word for i, word in enumerate(words) if i not in gone)


def _one(family: Family, rng: random.Random) -> Example:
    text = _phrase(family, "train", rng)
    if text is None:
        raise ValueError(f"guide family {family.id!r} has no question left for training")
    question = _QUESTION.match(text) is not None
    roll = rng.random()
    if roll < 0.08:
        text = _shortened(text, rng)
    user = casual(text, rng, question=question)
    if roll > 0.9:
        user = expand(rng.choice(_SITUATIONS), rng) + " " + user
    return turn("guide", user, family.answer, {"family": family.id}, rng)


def examples(split: Split, rng: random.Random) -> Iterator[Example]:
    """Endless for "train"; for "heldout" every written evaluation question and one unseen grammar sentence a family."""
    if split == "train":
        while True:
            yield _one(rng.choice(FAMILIES), rng)
    for family in FAMILIES:
        for question in family.evaluation:
            yield turn("guide", question, family.answer, {"family": family.id, "kind": "written"})
        for question in family.final:
            yield turn("guide", question, family.answer, {"family": family.id, "kind": "final"})
        text = _phrase(family, "heldout", rng)
        if text is not None:
            yield turn("guide", casual(text, rng, question=_QUESTION.match(text) is not None, typos=False), family.answer, {"family": family.id, "kind": "grammar"})
