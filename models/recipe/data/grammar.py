"""A very small text grammar: `{one|two|three}` chooses, `$slot` fills in. Used by stories.py and free to every skill.

Choices nest. A slot is looked up in a dict; `$Slot` (capital) is the same with its first letter raised; `$a:slot` puts
the right article before it. What goes wrong: an unknown slot or an unbalanced brace raises ValueError at once, so a
typing slip in a template cannot reach the training text.
"""
from __future__ import annotations

import functools
import random
import re

_SLOT = re.compile(r"\$(a:|A:)?([A-Za-z_][A-Za-z_0-9]*)")


def choose(text: str, rng: random.Random) -> str:
    """Resolves every `{a|b}` of `text`, innermost included."""
    out: list[str] = []
    _walk(_parse(text), rng, out)
    return "".join(out)


def _walk(node: tuple, rng: random.Random, out: list[str]) -> None:
    for part in node:
        if isinstance(part, str):
            out.append(part)
        else:  # a list of options, each a node
            _walk(part[int(rng.random() * len(part))], rng, out)


@functools.lru_cache(maxsize=4096)
def _parse(text: str) -> tuple:
    """-> a node: a tuple of texts and lists of nodes."""
    node, at = _sequence(text, 0, top=True)
    if at != len(text):
        raise ValueError(f"unbalanced '}}' at {at} in: {text[max(0, at - 30):at + 10]}")
    return node


def _sequence(text: str, at: int, top: bool) -> tuple[tuple, int]:
    parts: list[str | list] = []
    start = at
    while at < len(text) and text[at] != "}" and (top or text[at] != "|"):
        if text[at] == "{":
            parts.append(text[start:at])
            options: list[tuple] = []
            while True:
                node, at = _sequence(text, at + 1, top=False)
                if at >= len(text):
                    raise ValueError(f"unclosed '{{' in: {text[:60]}")
                options.append(node)
                if text[at] == "}":
                    break
            parts.append(options)
            start = at + 1
        at += 1
    parts.append(text[start:at])
    return tuple(p for p in parts if p), at


def article(phrase: str) -> str:
    first = phrase.lstrip()
    silent = ("hour", "honest")
    if first.startswith(silent):
        return "an " + phrase
    if first.startswith(("uni", "use", "one ", "eu")):
        return "a " + phrase
    return ("an " if first[:1].lower() in "aeiou" else "a ") + phrase


def fill(text: str, slots: dict[str, str]) -> str:
    def one(m: re.Match[str]) -> str:
        how, name = m.group(1), m.group(2)
        raised = name[0].isupper()
        key = name[0].lower() + name[1:]
        if key not in slots:
            raise ValueError(f"no slot {name!r} in: {text[:60]}")
        value = slots[key]
        if how:
            value = article(value)
        return value[0].upper() + value[1:] if raised or how == "A:" else value

    return _SLOT.sub(one, text)


def write(text: str, slots: dict[str, str], rng: random.Random) -> str:
    return fill(choose(text, rng), slots)
