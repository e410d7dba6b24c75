"""Drills in seeing whether something is listed: before a tool is called, the list has to be asked whether there is one.

Called by stream.py; training only, never evaluated. A model learns to find what is there long before it learns to notice
that nothing is: attention always finds something. Whole conversations on tools ask that once in forty tokens; here it is
asked once in ten, in three steps: words in a row, made-up names of two words of which one may be listed, and bare tools.
Nothing is asked twice in one conversation, where an earlier turn would tell. What goes wrong: a word that is asked for as
missing and listed all the same; `_missing` draws another.
"""
from __future__ import annotations

import random
from typing import Iterator

from .drills import common, word
from .skills import pools
from .skills.tool_families import NOUNS, VERBS
from .skills.tools import NO_TOOL
from .types import Example


def _word(rng: random.Random) -> str:
    roll = rng.random()
    return rng.choice(common()) if roll < 0.6 else pools.invented(rng) if roll < 0.85 else word(rng)


def _pair(rng: random.Random) -> tuple[str, str]:
    noun = rng.choice(NOUNS).replace("_", " ") if rng.random() < 0.6 else _word(rng)
    return rng.choice(list(VERBS)), noun


def _missing(listed: list[tuple[str, str]], rng: random.Random) -> tuple[str, str]:
    """A pair that is not listed; mostly one half of it is."""
    while True:
        verb, noun = _pair(rng)
        roll = rng.random()
        if roll < 0.35:
            verb = rng.choice(listed)[0]
        elif roll < 0.7:
            noun = rng.choice(listed)[1]
        elif roll < 0.8 and len(listed) > 1:
            (verb, _), (_, noun) = rng.sample(listed, 2)
        if (verb, noun) not in listed:
            return verb, noun


_LISTS = ("List: {}.", "We have {}.", "Only {}.", "Here: {}", "There is {}.")
_WAYS = ("Is there {}?", "the {}?", "Do you have {}?", "And {}", "Is {} listed?", "{}?", "{}", "{}, is it there?")


def _words(rng: random.Random) -> list[dict]:
    # Mostly the same token is asked for that is listed: what is to be learnt is the looking, not the spelling.
    easy = rng.random() < 0.7
    draw = (lambda: rng.choice(common())) if easy else (lambda: _word(rng))
    items = list(dict.fromkeys(draw() for _ in range(rng.randint(1, 5 if easy else 7))))
    sep, form, way = rng.choice((", ", " or ", " and ", " ") if easy else (", ", "; ", "\n", " or ")), rng.choice(_LISTS), rng.choice(_WAYS[: 5 if easy else 8])
    turns: list[dict] = []
    left, said = rng.sample(items, len(items)), set(items)
    for i in range(rng.randint(3, 8)):
        there = bool(left) and rng.random() < 0.65
        asked = left.pop() if there else next(w for w in iter(draw, "") if w not in said)
        said.add(asked)
        text = way.format(asked)
        if not easy and rng.random() < 0.4:
            text = text[:1].upper() + text[1:]
        turns += [{"role": "user", "content": form.format(sep.join(items)) + "\n" + text if i == 0 else text}, {"role": "assistant", "content": "Yes." if there else "No."}]
    return turns


def _pairs(rng: random.Random) -> list[dict]:
    listed = list(dict.fromkeys(_pair(rng) for _ in range(rng.randint(1, 5))))
    form = rng.choice(("{}_{}", "{} {}", "{} the {}"))
    names = [form.format(v, n.replace(" ", "_") if "_" in form else n) for v, n in listed]
    turns: list[dict] = []
    left = rng.sample(listed, len(listed))
    for i in range(rng.randint(3, 7)):
        there = bool(left) and rng.random() < 0.65
        verb, noun = left.pop() if there else _missing(listed, rng)
        text = rng.choice(("{} the {}?", "{} {}?", "Can I {} the {}?", "{} the {}")).format(verb, noun)
        text = text[:1].upper() + text[1:]
        turns += [{"role": "user", "content": rng.choice(_LISTS).format(", ".join(names)) + "\n" + text if i == 0 else text},
                  {"role": "assistant", "content": "Yes." if there else "No."}]
    return turns


def _tools(rng: random.Random) -> Example:
    """As in the tools skill, but with nothing to fill in and nothing to read but the names."""
    listed = list(dict.fromkeys(_pair(rng) for _ in range(rng.randint(1, 4))))
    name = {p: f"{p[0]}_{p[1].replace(' ', '_')}" for p in listed}
    tools = tuple({"name": name[v, n], "description": f"{v} the {n}".capitalize() if rng.random() < 0.3 else "", "parameters": {"type": "object", "properties": {}, "required": []}}
                  for v, n in listed)
    messages: list[dict] = []
    left = rng.sample(listed, len(listed))
    for _ in range(rng.randint(2, 5)):
        there = bool(left) and rng.random() < 0.6
        verb, noun = left.pop() if there else _missing(listed, rng)
        text = rng.choice(("{} the {}", "{} {}", "please {} the {}", "can you {} the {}?", "I want to {} the {}", "time to {} the {}")).format(verb, noun)
        messages.append({"role": "user", "content": text[:1].upper() + text[1:] if rng.random() < 0.8 else text})
        messages.append({"role": "assistant", "content": "", "tool_calls": [{"name": name[verb, noun], "arguments": {}}]} if there else {"role": "assistant", "content": NO_TOOL})
    return Example("drills", tuple(messages), tools)


def examples(rng: random.Random) -> Iterator[Example]:
    while True:
        roll = rng.random()
        yield _tools(rng) if roll < 0.35 else Example("drills", tuple(_words(rng) if roll < 0.7 else _pairs(rng)))
