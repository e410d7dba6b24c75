"""Facts skill: capitals, sums and differences to 100, days and months, colours, opposites, plurals.

Called by: the recipe's data mix and its evaluation (`examples`).
Does not know: the tokenizer or the template. Tables are in facts_tables.py.

Sums are in facts_sums.py.

Held out: (phrasing, item) combinations by hash. An evaluation question is dropped when its own text already holds the answer ("Which day follows ... Sunday"), because a reply that merely repeats the
question would then count as right.
"""

from __future__ import annotations

import random
import re
from typing import Callable, Iterator, Literal, Optional

from ..types import Example
from .common import TELL, capital, casual, chained, distinct, expand, glue, slip, turn, wanted
from .facts_sums import sum_list, sums
from .facts_tables import CAPITALS, COLOURS, DAYS, MIXES, MONTHS, MONTH_DAYS, OPPOSITES, ORDINALS, PLURALS

Split = Literal["train", "heldout"]
# What one kind of fact yields: question, answer sentence, the word that must be in it; None where the split differs.
Fact = Optional[tuple[str, str, str]]

_CAPITAL = (
    "what {is|'s} the capital {city |}of <x>",
    "what is <x>'s capital {city|}",
    "<x> capital",
    "capital {city |}of <x>",
    "{which|what} city is the capital of <x>",
    "name the capital {city |}of <x>",
    "{the |}capital of <x> is {what|which city|called what}",
    "which city is <x> {governed|ruled} from",
    TELL + "the capital {city |}of <x>",
    TELL + "what the capital of <x> is",
    "what {do they call|is the name of} the capital {city |}of <x>",
    "for a quiz: {the |}capital of <x>",
)
_COUNTRY = (
    "which country {is <x> the capital of|has <x> as its capital|has the capital <x>}",
    "<x> is the capital of {which|what} {country|place}",
    "of {which|what} country is <x> the capital",
    TELL + "which country <x> is the capital of",
    "what country's capital is <x>",
)


def _phrasing(split: Split, grammars: tuple[str, ...], rng: random.Random) -> int:
    """Which phrasing. In training those that begin with the word itself come oftener: there it is another token than
    behind a space, and each word's fact has to be learnt from both."""
    if split == "train" and rng.random() < 0.2:
        return rng.choice([i for i, grammar in enumerate(grammars) if grammar.startswith("<x>") or '"<x>"' in grammar])
    return rng.randrange(len(grammars))


def _capitals(split: Split, rng: random.Random) -> Fact:
    country = rng.choice(list(CAPITALS))
    city = CAPITALS[country]
    if rng.random() < 0.75:
        i = _phrasing(split, _CAPITAL, rng)
        if not wanted(split, "capital", i, country):
            return None
        return expand(_CAPITAL[i], rng, x=country), f"The capital of {country} is {city}.", city
    i = _phrasing(split, _COUNTRY, rng)
    if not wanted(split, "country", i, city):
        return None
    return expand(_COUNTRY[i], rng, x=city), f"{city} is the capital of {country}.", country.removeprefix("the ")


_AFTER = (
    "{what|which} <unit> {comes|is} {right |directly |}after <x>",
    "{what|which} <unit> follows <x>",
    "{what|which} {comes|is} {right |}after <x>",
    "<x> is followed by {which|what} <unit>",
    "{what is |}the <unit> after <x>",
    "after <x> comes",
    TELL + "{which|what} <unit> comes after <x>",
    "{what is|name} the next <unit> after <x>",
)
_BEFORE = (
    "{what|which} <unit> {comes|is} {right |directly |}before <x>",
    "{what|which} <unit> {precedes|comes just before} <x>",
    "{what|which} {comes|is} {right |}before <x>",
    "<x> comes after {which|what} <unit>",
    "{what is |}the <unit> before <x>",
    "before <x> comes",
    TELL + "{which|what} <unit> comes before <x>",
)
_TOMORROW = (
    "if today is <x>, what {day |}is tomorrow",
    "today is <x>. {what|which} day is {it |}tomorrow",
    "it is <x> today, so tomorrow is",
)
_YESTERDAY = (
    "if today is <x>, what {day |}was yesterday",
    "today is <x>. {what|which} day was {it |}yesterday",
    "it is <x> today, so yesterday was",
)
_MONTH_DAYS = (
    "how many days {are there |are |}in <x>",
    "how many days does <x> have",
    "how long is <x> {in days|}",
    "{number of |}days in <x>",
    "<x> has how many days",
    TELL + "how many days <x> has",
)
_NTH = (
    "{what|which} is the <n> <unit> {of the <whole>|in the <whole>}",
    "{what|which} <unit> is {the |}<n> {in the <whole>|of the <whole>}",
    "{name |}the <n> <unit> of the <whole>",
    TELL + "the <n> <unit> of the <whole>",
)
_COUNTS = (
    ("how many days {are there |are |}in a week", "A week has 7 days.", "7"),
    ("how many days does a week have", "A week has 7 days.", "7"),
    ("days in a week", "A week has 7 days.", "7"),
    ("how many months {are there |are |}in a year", "A year has 12 months.", "12"),
    ("how many months does a year have", "A year has 12 months.", "12"),
    ("months in a year", "A year has 12 months.", "12"),
    ("how many days {are there |are |}in a year", "A year has 365 days, or 366 in a leap year.", "365"),
    ("how many days does a year have", "A year has 365 days, or 366 in a leap year.", "365"),
    ("how many weeks {are there |are |}in a year", "A year has 52 weeks.", "52"),
    ("how many weeks does a year have", "A year has 52 weeks.", "52"),
    ("how many hours {are there |are |}in a day", "A day has 24 hours.", "24"),
    ("how many hours does a day have", "A day has 24 hours.", "24"),
    ("how many minutes {are there |are |}in an hour", "An hour has 60 minutes.", "60"),
    ("how many seconds {are there |are |}in a minute", "A minute has 60 seconds.", "60"),
)


def _calendar(split: Split, rng: random.Random) -> Fact:
    roll = rng.random()
    if split == "train" and rng.random() < 0.25:
        roll *= 0.6  # what comes after and before: told apart by the smallest words
    days = rng.random() < 0.5
    names, unit, whole = (DAYS, "day", "week") if days else (MONTHS, "month", "year")
    i = rng.randrange(len(names))
    here, after, before = names[i], names[(i + 1) % len(names)], names[i - 1]
    if roll < 0.3:
        t = _phrasing(split, _AFTER, rng)
        if not wanted(split, "after", t, here):
            return None
        return expand(_AFTER[t], rng, x=here, unit=unit), f"{after} comes after {here}.", after
    if roll < 0.6:
        t = _phrasing(split, _BEFORE, rng)
        if not wanted(split, "before", t, here):
            return None
        return expand(_BEFORE[t], rng, x=here, unit=unit), f"{before} comes before {here}.", before
    if roll < 0.7:
        here = rng.choice(DAYS)
        i = DAYS.index(here)
        t = rng.randrange(3)
        if rng.random() < 0.5:
            if not wanted(split, "tomorrow", t, here, one_in=7):
                return None
            then = DAYS[(i + 1) % 7]
            return expand(_TOMORROW[t], rng, x=here), f"If today is {here}, tomorrow is {then}.", then
        if not wanted(split, "yesterday", t, here, one_in=7):
            return None
        return expand(_YESTERDAY[t], rng, x=here), f"If today is {here}, yesterday was {DAYS[i - 1]}.", DAYS[i - 1]
    if roll < 0.85:
        i = rng.randrange(12)
        t = rng.randrange(len(_MONTH_DAYS))
        if not wanted(split, "month days", t, i):
            return None
        tail = ", or 29 in a leap year" if i == 1 else ""
        return expand(_MONTH_DAYS[t], rng, x=MONTHS[i]), f"{MONTHS[i]} has {MONTH_DAYS[i]} days{tail}.", str(MONTH_DAYS[i])
    if roll < 0.95:
        t = rng.randrange(len(_NTH))
        if not wanted(split, "nth", t, here):
            return None
        nth = "last" if i == len(names) - 1 and rng.random() < 0.4 else ORDINALS[i]
        question = expand(_NTH[t], rng, n=nth, unit=unit).replace("<whole>", whole)
        return question, f"The {nth} {unit} of the {whole} is {here}.", here
    question, answer, word = rng.choice(_COUNTS)
    return (expand(question, rng), answer, word) if split == "train" else None


_COLOUR = (
    "what {colour|color} <v> <x>",
    "which {colour|color} <v> <x>",
    "what <v> the {colour|color} of <x>",
    "<x> <v> {what|which} {colour|color}",
    "{name |}the {colour|color} of <x>",
    TELL + "what {colour|color} <x> <v>",
    TELL + "the {colour|color} of <x>",
    "{colour|color} of <x>",
)
_MIX = (
    "what {do you get|happens|colour do you get|color do you get} {if|when} {you|I} mix <a> and <b>",
    "mix <a> {and|with} <b>",
    "{what|which} {colour|color} do <a> and <b> make",
    "<a> {and|plus|+} <b> {makes what|make what|paint gives} {colour|color}",
    "what {colour|color} comes from mixing <a> with <b>",
    TELL + "what {colour|color} <a> and <b> make",
)


def _colours(split: Split, rng: random.Random) -> Fact:
    if rng.random() < 0.75:
        thing, colour, verb = rng.choice(COLOURS)
        t = rng.randrange(len(_COLOUR))
        if not wanted(split, "colour", t, thing):
            return None
        question = expand(_COLOUR[t], rng, x=thing, v=verb)
        question = question.replace("what are the colour", "what is the colour").replace("what are the color", "what is the color")
        return question, f"{capital(thing)} {verb} {colour}.", colour
    a, b, mixed = rng.choice(MIXES)
    t = rng.randrange(len(_MIX))
    if not wanted(split, "mix", t, a, b, one_in=7):
        return None
    if rng.random() < 0.5:
        a, b = b, a
    return expand(_MIX[t], rng, a=a, b=b), f"{capital(a)} and {b} make {mixed}.", mixed


_OPPOSITE = (
    "what is the opposite of {<x>|\"<x>\"}",
    "what's the opposite of {<x>|'<x>'}",
    "opposite of <x>",
    "the opposite of <x> is",
    "{give|find|name} {me |}the opposite of {<x>|\"<x>\"}",
    "which word is the opposite of <x>",
    "what word means the opposite of <x>",
    "<x> opposite",
    "if it is not <x>, it is the opposite. What is that",
    "{the |an |}antonym of <x>",
    TELL + "the opposite of <x>",
    TELL + "what the opposite of <x> is",
)


def _twice(split: Split, question: str, key: str, phrasings: tuple[int, ...], word: str) -> bool:
    """Whether training must leave this question out: two of the phrasings begin "give me", and one of them is kept with this word."""
    return split == "train" and question.startswith("give me ") and not all(wanted(split, key, t, word) for t in phrasings)


def _opposites(split: Split, rng: random.Random) -> Fact:
    word = rng.choice(list(OPPOSITES))
    t = _phrasing(split, _OPPOSITE, rng)
    if not wanted(split, "opposite", t, word):
        return None
    question = expand(_OPPOSITE[t], rng, x=word)
    if _twice(split, question, "opposite", (4, 10), word):
        return None
    return question, f"The opposite of {word} is {OPPOSITES[word]}.", OPPOSITES[word]


_PLURAL = (
    "what is the plural of {<x>|\"<x>\"}",
    "what's the plural of {<x>|'<x>'}",
    "plural of <x>",
    "the plural of <x> is",
    "{give|write|name} {me |}the plural of {<x>|\"<x>\"}",
    "what is the plural form of <x>",
    "<x> {in the |}plural",
    "one <x>, two",
    "I have one <x>. My friend has many",
    "how do you {say|write|spell} more than one <x>",
    "{make|put} {<x>|\"<x>\"} {in the |into the |}plural",
    TELL + "the plural of <x>",
    TELL + "what the plural of <x> is",
)


def _plurals(split: Split, rng: random.Random) -> Fact:
    word = rng.choice(list(PLURALS))
    t = _phrasing(split, _PLURAL, rng)
    if not wanted(split, "plural", t, word):
        return None
    question = expand(_PLURAL[t], rng, x=word)
    if _twice(split, question, "plural", (4, 11), word):
        return None
    return question, f"The plural of {word} is {PLURALS[word]}.", PLURALS[word]


# Weights: what is hard to learn (pairs of numbers, a hundred names) comes oftener.
_KINDS: tuple[tuple[str, Callable[[Split, random.Random], Fact], float], ...] = (
    ("capitals", _capitals, 0.13),
    ("sums", sums, 0.30),
    ("calendar", _calendar, 0.24),
    ("colours", _colours, 0.07),
    ("opposites", _opposites, 0.16),
    ("plurals", _plurals, 0.10),
)


def _both_ways(rng: random.Random) -> Example:
    """Training only: what comes after a day and what before it, asked in turns; only the smallest words tell them apart."""
    names, unit = rng.choice(((DAYS, "day"), (MONTHS, "month")))
    i = rng.randrange(len(names))
    parts: list[Example] = []
    while len(parts) < 3:
        way, grammars, then = rng.choice((("after", _AFTER, names[(i + 1) % len(names)]), ("before", _BEFORE, names[i - 1])))
        t = _phrasing("train", grammars, rng)
        if wanted("train", way, t, names[i]):
            text = casual(expand(grammars[t], rng, x=names[i], unit=unit), rng)
            parts.append(turn("facts", text, f"{then} comes {way} {names[i]}.", {"kind": "calendar"}))
    return glue(parts)


def _asks_answer(question: str, word: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(word.lower())}(?!\w)", question.lower()) is not None


def _one(split: Split, rng: random.Random, kind: str, make: Callable[[Split, random.Random], Fact]) -> Example:
    while True:
        fact = make(split, rng)
        if fact is None:
            continue
        question, answer, word = fact
        if split == "heldout" and _asks_answer(question, word):
            continue
        # An incomplete sentence ("One mouse, two") and a bare sum read as they are typed.
        open_end = question.endswith(("=", " is", " comes", "two", "many", "was"))
        text = question if open_end and rng.random() < 0.7 else casual(question, rng)
        if split == "train":
            roll = rng.random()
            text = text.upper() if roll < 0.02 else slip(text, rng) if roll < 0.12 else text
        return turn("facts", capital(text) if rng.random() < 0.5 else text, answer, {"answer": word, "full": answer, "kind": kind}, rng)


def _endless(split: Split, rng: random.Random) -> Iterator[Example]:
    kinds = [(name, make) for name, make, _ in _KINDS]
    weights = [weight for _, _, weight in _KINDS]
    while True:
        name, make = rng.choices(kinds, weights)[0]
        if split == "train" and name == "sums" and rng.random() < 0.4:
            question, answer = sum_list(rng)
            yield turn("facts", capital(question), answer, {"kind": "sum list"})
            continue
        if split == "train" and name == "calendar" and rng.random() < 0.2:
            yield _both_ways(rng)
            continue
        yield _one(split, rng, name, make)


def examples(split: Split, rng: random.Random) -> Iterator[Example]:
    """Endless for "train"; 180 questions, thirty of each kind, for "heldout"."""
    if split == "train":
        yield from chained(_endless(split, rng), rng, most=8, chance=0.8)
        return
    for name, make, _ in _KINDS:
        def source() -> Iterator[Example]:
            while True:
                yield _one(split, rng, name, make)
        yield from distinct(source(), 30)
