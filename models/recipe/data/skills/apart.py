"""Keeps what is written for training alone apart from the questions written for evaluation.

Called by: guide.py and smalltalk.py, for the sentences of the grammars that came after the evaluation's questions.
Does not know: families, answers.

A person who has read the evaluation's questions and then writes more questions for training writes them again, with a
word changed here and there; so a rule decides, not the person: a sentence that shares most of its words with a question
of the evaluation is not trained on.
"""

from __future__ import annotations

from typing import Iterable

from .common import plain

_EMPTY = frozenset("a an the is are do does did i you we it to of in on my your our for with can could may this that be there what how which where who please me and or will would should must if at so am have has from as by".split())


def words(text: str) -> tuple[frozenset[str], frozenset[str]]:
    """-> (all words, those that say something, without the plural's s)."""
    found = frozenset(plain(text).split())
    return found, frozenset(word.rstrip("s") for word in found - _EMPTY)


def _share(a: frozenset[str], b: frozenset[str]) -> float:
    return len(a & b) / len(a | b) if a or b else 0.0


def too_near(text: str, questions: Iterable[tuple[frozenset[str], frozenset[str]]]) -> bool:
    every, full = words(text)
    return any(_share(every, e) >= 0.7 or len(f) > 1 and _share(full, f) >= 0.66 for e, f in questions)
