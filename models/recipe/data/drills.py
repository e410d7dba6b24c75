"""Drills for copying: repeat this, which value belongs to that key, what comes after. Training only, never evaluated.

Called by stream.py. A byte-level tokenizer has two entries for a word, with the space before it and without; where the
text has the one and the answer the other (a name that begins a sentence, in a list; a word of the request, between JSON's
quotes), copying is a translation, and each word's two entries must be met together: the drills on `entries` do that. Tool calls and extraction are copying, and a small model learns to copy late and suddenly (the
induction heads of Olsson et al. 2022); dense, varied drills bring that forward for few tokens. Their words are mostly
invented, so that nothing but looking back can answer them.
"""
from __future__ import annotations

import functools
import json
import pathlib
import random
import re
from typing import Iterator

from . import storyworld as sw
from .skills import extraction, pools
from .skills.common import held_out
from .plots import PLOTS
from .types import Example

HAND = pathlib.Path(__file__).parent / "handwritten"

_ONSET = "b c d f g h j k l m n p r s t v w z br ch cl dr fl gr pl pr qu sh sl sp st th tr".split()
_VOWEL = "a e i o u ai ea ee oo ou".split()
_CODA = ["", "", "", "n", "r", "l", "s", "t", "m", "ck", "nd", "st", "x", "ng"]
_KEYS = ["name", "colour", "price", "city", "date", "size", "code", "owner", "title", "count", "room", "door", "day", "tool", "food", "page", "team", "year"]


def word(rng: random.Random) -> str:
    return "".join(rng.choice(_ONSET) + rng.choice(_VOWEL) + rng.choice(_CODA) for _ in range(rng.choice([1, 2, 2, 3])))


def piece(rng: random.Random) -> str:
    kind = rng.random()
    if kind < 0.45:
        w = word(rng)
        return w.capitalize() if rng.random() < 0.4 else w
    if kind < 0.6:
        return rng.choice(sw.NAMES)[0]
    if kind < 0.75:
        return rng.choice(sw.THINGS)
    if kind < 0.9:
        return str(rng.randrange(10 ** rng.randint(1, 4)))
    return rng.choice(["$%d", "%d.50", "A%d", "%d euros", "%d%%", "#%d", "%d-x"]) % rng.randrange(1000)


@functools.cache
def common() -> list[str]:
    """Words that the other texts use, most of them one token each: a repeated one can be found by its neighbour alone."""
    text = sw.__doc__ + " ".join(plot for _, plot in PLOTS) + " ".join(p.read_text(encoding="utf8") for p in sorted(HAND.glob("*.txt")))
    return sorted({w for w in re.findall(r"\b[a-z]{2,8}\b", text)})


def entry(rng: random.Random) -> str:
    """A word or name to be carried from one spelling to the other: common, invented, or of the pools, none kept for evaluation."""
    roll = rng.random()
    if roll < 0.2:
        w = rng.choice(common())
        return w.capitalize() if rng.random() < 0.5 else w
    if roll < 0.5:
        w = rng.choice(pools.everyday()) if roll < 0.32 else pools.spliced(rng)
        return w.capitalize() if rng.random() < 0.4 else w
    if roll < 0.65:
        w = pools.invented(rng)
        return w.capitalize() if rng.random() < 0.6 else w
    if roll < 0.7:
        return piece(rng)
    while True:
        v = pools.person(rng) if roll < 0.87 else rng.choice(rng.choice((pools.CITIES, pools.PRODUCTS, pools.TOPICS, pools.TITLES, pools.MESSAGES)))
        if not pools.kept_name(v):
            return v


_DOES = ["sings", "paid", "came", "is here", "left", "waits", "called us", "has it", "is new", "laughed"]


def _quoted(rng: random.Random) -> tuple[str, str]:
    """Words out of a row into JSON's quotes, where no space is before them; or off their own lines, where none is, into a list."""
    items = list(dict.fromkeys(entry(rng) for _ in range(rng.randint(1, 6))))
    if rng.random() < 0.25:
        return rng.choice(("List:\n", "A list:\n", "")) + "\n".join(items), "\n".join("- " + i for i in items)
    row = rng.choice((", ", " and ", "; ", " or ", ", then ")).join(items)
    return rng.choice(("JSON: {}", "Quote {}", "As an array: {}", "Put {} in quotes", "In quotes: {}", "{} as JSON")).format(row), json.dumps(items, ensure_ascii=False)


def _spelt(rng: random.Random, words: tuple[str, ...]) -> tuple[str, str]:
    """The vocabulary's own words into quotes, all of them, even those that are values or subjects of the evaluation, and some that
    the texts have besides: a word that is one entry with
    a space before it shows nothing of its letters, so its other spelling cannot be learnt from other words."""
    items = list(dict.fromkeys(rng.choice(words if rng.random() < 0.8 else pools.written()) for _ in range(rng.randint(2, 8))))
    if rng.random() < 0.4:
        keys = rng.sample(_KEYS, min(len(items), rng.randint(1, 4)))
        values = dict(zip(keys, items))
        return "; ".join(f"{k} {v}" for k, v in values.items()), json.dumps(values)
    return rng.choice(("Quote {}", "In quotes: {}", "The words {}", "As an array: {}")).format(rng.choice((", ", " and ", " ")).join(items)), json.dumps(items)


def _carried(rng: random.Random) -> tuple[str, str]:
    """Several entries out of one short text, into a list or into JSON."""
    items = list(dict.fromkeys(entry(rng) for _ in range(rng.randint(2, 6))))
    if rng.random() < 0.2:
        w, k = items[0], rng.choice(_KEYS)
        return rng.choice(['{W} {k}', '{k} "{w}"', "{W} is the {k}", '"{W}" as {k}', "{k}: {w}", "the {k} '{w}'"]).format(w=w, W=w[0].upper() + w[1:], k=k), f"The {k} is {w}."
    if rng.random() < 0.35:
        kind = rng.randrange(3)
        if kind == 0:
            text = " ".join(i[0].upper() + i[1:] + " " + rng.choice(_DOES) + "." for i in items)
            items = [i[0].upper() + i[1:] for i in items]
        elif kind == 1:
            text = "\n".join(items)
        else:
            text = " ".join(f"{rng.choice(['We saw', 'There is', 'They like', 'Then came', 'We met', 'It was'])} {i}." for i in items)
        return rng.choice(["List them:\n", "As a list: ", "List all.\n\n", "A list, please: "]) + text, "\n".join("- " + i for i in items)
    keys = rng.sample(_KEYS, min(len(items), rng.randint(1, 4)))
    values: dict[str, object] = {k: int(v) if v.isdigit() else v for k, v in zip(keys, items)}
    said = list(values.items())
    rng.shuffle(said)
    asked = rng.choice([", ", " and ", ". ", "; "]).join(rng.choice(["{k} {v}", "{k}: {v}", "{v} as {k}", "set {k} to {v}", "the {k} is {v}", "put {v} in {k}"]).format(k=k, v=v) for k, v in said)
    listed = [*keys, *rng.sample([k for k in _KEYS if k not in keys], rng.randint(0, 2))]
    rng.shuffle(listed)
    if rng.random() < 0.3:  # asked for what is not on the list: whether it is must be looked up before anything is copied
        gone = rng.choice(keys)
        listed.remove(gone)
        return "(" + ", ".join(listed) + ") " + asked, f"There is no {gone}."
    return "(" + ", ".join(listed) + ") " + asked, json.dumps(values, ensure_ascii=False)


def _date(rng: random.Random) -> str:
    while True:
        text, kept = extraction._date(rng)
        if not kept:
            return text


def _amount(rng: random.Random, like: int) -> str:
    """`like`: its leading digits, so that several amounts of one text begin alike and have to be read to their end."""
    while True:
        whole = rng.choice((rng.randint(1, 99), like * 10 + rng.randint(0, 9), rng.randint(100, 4999)))
        if not held_out("amount", whole, one_in=8):
            number = f"{whole}.{rng.choice(('50', '20', '99', '75', '05'))}" if rng.random() < 0.25 else str(whole)
            return rng.choice(("$%s", "€%s", "£%s", "%s euros", "%s dollars")) % number


def _name(rng: random.Random) -> str:
    while True:
        name = pools.person(rng)
        name = pools.fresh(name, rng) if rng.random() < 0.6 else name
        if not pools.kept_name(name):
            return name


_SIFT_ASKS = ("{K}: {t}", "{K} in: {t}", "All {k}.\n\n{t}", "{t}\n\n{K}?", "{t} - {k} only.", "Only the {k}: {t}", "{t}\n{K}.")


def _sifted(rng: random.Random) -> list[tuple[str, str]]:
    """All of one kind out of a mixed row: nothing left out, nothing twice, and the end where the last one was. Then the next kind."""
    like, ways = rng.randint(1, 99), {
        "names": lambda: _name(rng), "dates": lambda: _date(rng), "amounts": lambda: _amount(rng, like),
        "words": lambda: rng.choice(common()), "codes": lambda: f"{rng.choice('ABCDEFGH')}{like if rng.random() < 0.5 else rng.randint(1, 99)}-{rng.randint(1, 99)}",
    }
    kinds = rng.sample(list(ways), rng.randint(2, 4))
    items = [(k, ways[k]()) for k in (rng.choice(kinds) for _ in range(rng.randint(2, 9)))]
    text = rng.choice((", ", "; ", ". ", "\n", " | ")).join(v for _, v in items)
    out = []
    for i, kind in enumerate(rng.sample(kinds, rng.randint(1, len(kinds)))):
        found = [v for k, v in items if k == kind]
        ask = rng.choice(_SIFT_ASKS).format(K=kind.capitalize(), k=kind, t=text) if i == 0 else rng.choice(("{}?", "And the {}", "Now the {}.", "{}")).format(kind)
        out.append((ask, "\n".join(f"- {v}" for v in found) or f"There are no {kind} in this text."))
    return out


def _drill(rng: random.Random, words: tuple[str, ...]) -> tuple[str, str]:
    kind = rng.choice([0, 2, 3, 4, 5, 6, 6, 6, 6, 6, 7, 7, 7, 7, 8, 8, 8, 8, 8, 8])
    if kind == 8:
        return _spelt(rng, words)
    if kind == 6:
        return _carried(rng)
    if kind == 7:
        return _quoted(rng)
    if kind == 0:
        n = rng.choice([1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 4, 4, 6, 10, 16])
        plain = rng.sample(common(), n) if rng.random() < 0.8 else [piece(rng) for _ in range(n)]
        text = rng.choice([" ", " ", ", "]).join(plain)
        # Mostly with no space before the first word: the copy is then token by token the same as the text.
        return rng.choice(['Say "%s"', "Say:\n%s", "Repeat:\n%s", '"%s"', "Copy this:\n%s", "Repeat after me: %s"]) % text, text
    if kind == 2:
        items = [piece(rng) for _ in range(rng.randint(2, 6))]
        return rng.choice(["Make a list: ", "List: ", "As a list: "]) + ", ".join(items), "\n".join("- " + i for i in items)
    if kind == 3:
        items = list(dict.fromkeys(word(rng) for _ in range(rng.randint(3, 9))))
        i = rng.randrange(len(items) - 1)
        return " ".join(items) + "\n\n" + rng.choice(["What comes after {}?", "Which word follows {}?", "After {}?"]).format(items[i]), items[i + 1]
    keys = rng.sample(_KEYS, rng.randint(2, 6)) if rng.random() < 0.5 else list(dict.fromkeys(word(rng) for _ in range(rng.randint(2, 6))))
    pairs = {k: piece(rng) for k in keys}
    k = rng.choice(list(pairs))
    if kind == 4:
        body = rng.choice(["\n", ", ", "; "]).join(f"{a}: {b}" for a, b in pairs.items())
        return body + "\n\n" + rng.choice(["What is {}?", "{}?", "Which value has {}?", "Give me {}."]).format(k), pairs[k]
    body = " ".join(f"The {a} is {b}." for a, b in pairs.items())
    return body + " " + rng.choice(["What is the {}?", "The {}?"]).format(k), f"The {k} is {pairs[k]}."


def examples(rng: random.Random, words: tuple[str, ...]) -> Iterator[Example]:
    """Endless. `words`: what the tokenizer has whole, see stream.py."""
    while True:
        turns: list[dict] = []
        for ask, answer in _sifted(rng) if rng.random() < 0.35 else [_drill(rng, words) for _ in range(rng.choice([1, 2, 4, 6]))]:
            turns += [{"role": "user", "content": ask}, {"role": "assistant", "content": answer}]
        yield Example("drills", tuple(turns))
