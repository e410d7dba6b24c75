"""Sums and differences to 100, answered with their working.

Called by: facts.py (`sums`, `sum_list`).
Does not know: the other facts.

Held out: whole unordered pairs, except those of one digit, which are facts to know like any other and are held out by
phrasing.
"""

from __future__ import annotations

import random
from typing import Literal, Optional

from .common import TELL, expand, held_out, wanted

Split = Literal["train", "heldout"]

_SUM = (
    "{what is|what's|whats|how much is|calculate|work out|compute|solve|} <a> + <b>",
    "<a>+<b>",
    "<a> + <b> =",
    "{what is|what's|whats|how much is|calculate|work out|} <a> plus <b>",
    "{please |can you |could you |}add <a> {and|to} <b> {for me|}",
    "what do <a> and <b> {make|add up to|come to}",
    "{what is |give me |find |}the sum of <a> and <b>",
    "how much {do|are} <a> and <b> {together|in total}",
    TELL + "what <a> {plus|+} <b> is",
    "I have <a> apples and get <b> more. How many {apples |}{do I have|is that}",
)
_DIFFERENCE = (
    "{what is|what's|whats|how much is|calculate|work out|compute|solve|} <a> - <b>",
    "<a>-<b>",
    "<a> - <b> =",
    "{what is|what's|whats|how much is|calculate|work out|} <a> minus <b>",
    "{please |can you |could you |}{subtract|take} <b> from <a>",
    "{take|} <b> away from <a>",
    "what is <a> take away <b>",
    "{what is |}the difference between <a> and <b>",
    TELL + "what <a> {minus|-} <b> is",
    "I have <a> apples and {give away|eat|lose} <b>. How many {apples |}are left",
)


def added(a: int, b: int) -> str:
    """The sum with its working: units and tens apart, as in school. A small model gets the whole at once wrong."""
    total = a + b
    steps = []
    if a % 10 and b % 10 and max(a, b) >= 10:
        steps.append(f"{a % 10} + {b % 10} = {a % 10 + b % 10}")
    if a >= 10 and b >= 10 and (a % 10 or b % 10):
        steps.append(f"{a // 10 * 10} + {b // 10 * 10} = {a // 10 * 10 + b // 10 * 10}")
    return (", ".join(steps) + ", so " if steps else "") + f"{a} + {b} = {total}."


def taken(a: int, b: int) -> str:
    """The difference with its working: the tens, then the units, which borrow a ten where they must (94 - 26: 90 - 20, 14 - 6)."""
    steps = []
    if not small_difference(a, b):
        if a >= 10 and b >= 10 and (a % 10 or b % 10):
            steps.append(f"{a // 10 * 10} - {b // 10 * 10} = {a // 10 * 10 - b // 10 * 10}")
        if b % 10:
            units = a % 10 if a % 10 >= b % 10 else a % 10 + 10
            steps.append(f"{units} - {b % 10} = {units - b % 10}")
    return (", ".join(steps) + ", so " if steps else "") + f"{a} - {b} = {a - b}."


def small_difference(a: int, b: int) -> bool:
    """Whether it is one of the table that everyone knows by heart: one digit taken away, one digit left."""
    return b < 10 and a - b < 10


def _kept_pair(kind: str, a: int, b: int, phrasing: Optional[int]) -> bool:
    """Whether this pair, or with a phrasing this pair in this phrasing, is for evaluation: of a kept pair one phrasing in three."""
    return held_out(kind, a, b, one_in=16) and (phrasing is None or phrasing % 3 == 0)


def _rare_case(rng: random.Random) -> tuple[int, int]:
    """-> (a part, the whole): one part of a single digit, or units that leave nothing; by chance they come seldom."""
    if rng.random() < 0.6:
        part = rng.randint(1, 9)
        return (part, rng.randint(part + 9, 100)) if rng.random() < 0.5 else ((other := rng.randint(10, 100 - part)), other + part)
    unit = rng.randint(0, 9)
    total = rng.randint(1, 9) * 10 + unit
    return rng.randint(0, total // 10) * 10 + unit, total


def sums(split: Split, rng: random.Random) -> Optional[tuple[str, str, str]]:
    # Small numbers are what visitors try first, so a third of the pairs are below 20.
    top = 20 if rng.random() < 0.25 else 100
    total = rng.randint(0, top)
    a = rng.randint(0, total)
    if split == "train" and rng.random() < 0.3:
        a, total = _rare_case(rng)
    if rng.random() < 0.6:
        b = total - a
        t = rng.randrange(len(_SUM))
        if _kept_pair("sum", min(a, b), max(a, b), t if a < 10 and b < 10 else None) != (split == "heldout"):
            return None
        return expand(_SUM[t], rng, a=a, b=b), added(a, b), str(total)
    t = rng.randrange(len(_DIFFERENCE))
    if _kept_pair("difference", total, a, t if small_difference(total, a) else None) != (split == "heldout"):
        return None
    return expand(_DIFFERENCE[t], rng, a=total, b=a), taken(total, a), str(total - a)


_SUM_LIST = (
    "{please |}{work out|solve|calculate|do} {these|these sums}: <l>",
    "{sums|some sums|my homework|a few sums}: <l>",
    "what {are|is} <l>",
    "<l>",
    "{can you |please |}{solve|work out} <l>",
)


def sum_list(rng: random.Random) -> tuple[str, str]:
    """Several sums in one question: training only, because it shows many pairs in few tokens."""
    asked, solved = [], []
    wished = rng.randint(2, 6)
    top = rng.choice((18, 100, 100))
    while len(asked) < wished:
        a, b = (rng.randint(0, 9), rng.randint(0, 9)) if top == 18 else (0, 0)
        total = a + b or rng.randint(0, top)
        a = a or rng.randint(0, total)
        if top == 100 and rng.random() < 0.3:
            a, total = _rare_case(rng)
        b = total - a
        if rng.random() < 0.5:
            if a < 10 and b < 10 or wanted("train", "sum", min(a, b), max(a, b), one_in=16):
                asked.append(rng.choice((f"{a} + {b}", f"{a}+{b}")))
                solved.append(added(a, b))
        elif small_difference(total, a) or wanted("train", "difference", total, a, one_in=16):
            asked.append(rng.choice((f"{total} - {a}", f"{total}-{a}")))
            solved.append(taken(total, a))
    joined = rng.choice((", ", "; ", ", ", "\n")).join(asked)
    return expand(rng.choice(_SUM_LIST), rng).replace("<l>", joined), "\n".join(solved)
