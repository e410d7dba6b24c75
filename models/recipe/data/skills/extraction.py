"""Extraction skill: copy the dates, names or amounts out of a short text, as a list or as a small table.

Called by: the recipe's data mix and its evaluation (`examples`).
Does not know: the tokenizer or the template. Names come from pools.py.

Held out: every evaluation text holds at least one value that training never shows (names by pools.kept, dates by day
and month, amounts by number), and all its sentences are drawn anew.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Iterator, Literal, Optional

from ..types import Example
from . import pools
from .common import capital, casual, distinct, expand, held_out, turn
from .facts_tables import MONTHS

Split = Literal["train", "heldout"]


@dataclass(frozen=True)
class Row:
    """What one sentence says; None where it says nothing of the kind."""

    name: Optional[str] = None
    date: Optional[str] = None
    amount: Optional[str] = None


def _date(rng: random.Random) -> tuple[str, bool]:
    day, month = rng.randint(1, 28), rng.randrange(12)
    year = rng.randint(1950, 2035)
    kept = held_out("date", day, month, one_in=8)
    style = rng.randrange(5)
    if style == 0:
        return f"{day} {MONTHS[month]}", kept
    if style == 1:
        return f"{MONTHS[month]} {day}", kept
    if style == 2:
        return f"{day} {MONTHS[month]} {year}", kept
    if style == 3:
        return f"{MONTHS[month]} {day}, {year}", kept
    return f"{year}-{month + 1:02d}-{day:02d}", kept


def _amount(rng: random.Random, like: Optional[float] = None) -> tuple[str, bool]:
    """`like` (0 to 1): the currency, and the leading digits, of all amounts of a text that has them all alike."""
    whole = rng.randint(1, 99) if rng.random() < 0.5 else rng.randint(1, 99) * 10 if rng.random() < 0.5 else rng.randint(100, 4999)
    if like is not None:
        whole = int(like * 997) % 97 * 10 + rng.randint(1, 9)
    kept = held_out("amount", whole, one_in=8)
    number = f"{whole}.{rng.choice(['50', '20', '99', '75', '05'])}" if rng.random() < 0.25 else str(whole)
    style = rng.random() if like is None else like
    if style < 0.4:
        return f"${number}", kept
    if style < 0.55:
        return f"€{number}", kept
    if style < 0.65:
        return f"£{number}", kept
    if style < 0.85:
        return f"{number} euros", kept
    return f"{number} dollars", kept


# Sentences with one row of values each.
_NAME_DATE_AMOUNT = (
    "<n> paid <a> on <d>.",
    "On <d>, <n> {spent|paid|gave} <a>.",
    "<n> {sent|owes|transferred} <a> {since|on} <d>.",
    "On <d> we got <a> from <n>.",
    "The {bill|invoice} of <d> for <n> is <a>.",
    "<n> bought a {lamp|bike|coat|table|phone} for <a> on <d>.",
)
_NAME_AMOUNT = (
    "<n> paid <a>.",
    "<n> {owes|spent|gave|earned|saved|won|lent|got} <a>.",
    "<a> came from <n>.",
    "The {ticket|bill|share|order} of <n> was <a>.",
    "We {owe|paid|gave} <n> <a>.",
    "<n> bought {bread|tea|a book|a hat|flowers|a chair} for <a>.",
)
_NAME_DATE = (
    "<n> {arrives|leaves|comes|starts|moved in|was born|was married} on <d>.",
    "On <d>, <n> {visited|called|came to see} us.",
    "The birthday of <n> is {on |}<d>.",
    "We {met|will meet|saw} <n> on <d>.",
    "<n> has {a holiday|an exam|a concert|a visit} on <d>.",
)
_DATE = (
    "The {meeting|concert|party|school fair|market|course|show} {is|was} on <d>.",
    "The {shop|museum|pool|library} {opens|closes|is closed} on <d>.",
    "{We|They} {left|arrived|moved|came back} on <d>.",
    "Since <d> the {road|bridge|door} has been {open|closed}.",
    "Please {reply|pay|answer|come} by <d>.",
)
_AMOUNT = (
    "The {ticket|lamp|table|room|trip|lunch|book} costs <a>.",
    "{We|They|I} {paid|spent|saved|got} <a>{ for the food| for the room|}.",
    "The price {went up to|is|was|fell to} <a>.",
    "A {chair|coat|bike} was sold for <a>.",
)
_NAME = (
    "<n> {lives|works} {next door|in the city|by the sea|at the bakery}.",
    "<n> {likes|bakes|sells|brought} {cake|apples|flowers|old books}.",
    "Yesterday <n> {sang|called|laughed|slept late}.",
    "The {cat|dog|garden|boat} belongs to <n>.",
    "We {met|saw|thanked|helped} <n>.",
)
# For training alone: two people in a sentence, and a place, which is neither a name nor anything else that is asked for.
_RICH = (
    "<n> {met|saw|called|visited|thanked} <m> in <c>{ and {paid|got|spent} <a>| on <d>|}.",
    "On <d>, <n> and <m> {met|had lunch|took a walk} in <c>.",
    "<n> {lent|gave|owes|sent} <m> <a>{ in <c>| since <d>|}.",
    "<n> went to <c> with <m>{ and {paid|spent} <a>| on <d>|}.",
    "{Yesterday|Today|Last week} <n> {flew|drove|moved} to <c>{ and paid <a>|}.",
    "In <c>, <n> {bought|sold} {a boat|a lamp|old books} for <a>.",
    "<n>, <m> and a friend {live|work|met} in <c>.",
)
_FILLER = (
    "It was a {sunny|rainy|cold|quiet} day.",
    "The {weather|food|music|room} was {good|fine|lovely}.",
    "Everyone was {happy|tired|pleased}.",
    "The {bus|train} was late again.",
    "There was {tea|cake|soup} for all.",
    "Nobody knows why.",
    "The cat slept on the sofa.",
    "We will write again soon.",
)

_KINDS = {"name": "names", "date": "dates", "amount": "amounts"}
_SLOTS = {"name": "<n>", "date": "<d>", "amount": "<a>"}
_ASK_LIST = (
    "{list|find|extract|give me|copy|show me|write down|pick out|get} {all |}the <k> {in|from|of} {this|the|the following} text",
    "{which|what} <k> are in {this|the|the following} text",
    "{please |}{list|find|extract} {all |}the <k>",
    "{which|what} <k> does this text {name|mention|have|contain}",
    "<k> in this text",
    "make a list of {all |}the <k>{ in this text|}",
    "{can you |could you |please |}{pull|copy|take} the <k> out of this{ text|}",
)
_WORDS = {
    "names": ("names", "names", "people", "names of people", "persons"),
    "dates": ("dates", "dates", "days and months", "dates"),
    "amounts": ("amounts", "amounts", "amounts of money", "prices", "sums of money"),
}
_ASK_TABLE = (
    "{make|give me|write|build|create} a {small |little |}table of <c>{ from this text|}",
    "{put|copy} <c> {into|in} a table",
    "{show|list} <c> {as|in} a table",
    "a table with <c>{, please|}",
    "table of <c>",
    "{turn this {text |}into|make this} a table of <c>",
)
_COLUMNS = {"name": ("name", "names", "the names", "people"), "date": ("date", "dates", "the dates"), "amount": ("amount", "amounts", "the amounts")}


def _fill(template: str, rng: random.Random, fresh: float = 0.0, like: Optional[float] = None) -> tuple[str, list[Row], bool]:
    sentence = expand(template, rng)
    values: dict[str, str] = {}
    kept = False
    if "<n>" in sentence:
        values["name"] = pools.person(rng)
        if fresh > 0 and rng.random() < fresh:
            values["name"] = pools.fresh(values["name"], rng)
        kept = pools.kept_name(values["name"])
    if "<d>" in sentence:
        values["date"], k = _date(rng)
        kept = kept or k
    if "<a>" in sentence:
        values["amount"], k = _amount(rng, like)
        kept = kept or k
    rows = [Row(**values)]
    if "<m>" in sentence:
        other = pools.fresh(pools.person(rng), rng) if rng.random() < fresh else pools.person(rng)
        kept = kept or pools.kept_name(other)
        sentence = sentence.replace("<m>", other)
        rows.append(Row(name=other))
    for kind, value in values.items():
        sentence = sentence.replace(_SLOTS[kind], value)
    if "<c>" in sentence:
        sentence = sentence.replace("<c>", pools.word_from(pools.CITIES, rng).capitalize())
    return capital(sentence), rows, kept


@dataclass(frozen=True)
class Task:
    """A request, its answer, the text's sentences, and whether it belongs to the evaluation."""

    ask: str
    answer: str
    sentences: list[str]
    kept: bool
    rows: list[Row]


def _listed(kind: str, rows: list[Row]) -> str:
    values = [getattr(row, kind) for row in rows if getattr(row, kind) is not None]
    return "\n".join(f"- {value}" for value in values) if values else f"There are no {_KINDS[kind]} in this text."


# How many values a list has: longer ones in training, where each value more is one more step of copying in order.
_ASKED, _TRAINED = (1, 2, 2, 3, 3, 4), (1, 2, 2, 3, 3, 4, 4, 5, 6)


def _list_task(rng: random.Random, fresh: float) -> Task:
    training = fresh > 0
    like = rng.random() if training and rng.random() < 0.2 else None
    kind = rng.choice(list(_KINDS))
    pools_of = {
        "name": _NAME + _NAME_DATE + _NAME_AMOUNT + _NAME_DATE_AMOUNT,
        "date": _DATE + _NAME_DATE + _NAME_DATE_AMOUNT,
        "amount": _AMOUNT + _NAME_AMOUNT + _NAME_DATE_AMOUNT,
    }
    others = {"name": _DATE + _AMOUNT, "date": _NAME + _AMOUNT + _NAME_AMOUNT, "amount": _NAME + _DATE + _NAME_DATE}
    wanted = 0 if rng.random() < 0.06 else rng.choice(_TRAINED if training else _ASKED)
    templates = [rng.choice(pools_of[kind]) for _ in range(wanted)]
    extra = rng.choice((0, 1, 1, 2, 3) if training else (0, 0, 1, 1, 2)) if wanted else rng.randint(1, 3)
    for _ in range(extra):
        source = others[kind] if rng.random() < 0.6 else _FILLER
        templates.insert(rng.randint(0, len(templates)), rng.choice(source))
    if training and rng.random() < 0.2:
        templates = [rng.choice(_RICH) if rng.random() < 0.6 else template for template in templates[:5]]
    sentences, rows, kept = [], [], False
    for template in templates:
        sentence, said, k = _fill(template, rng, fresh, like)
        sentences.append(sentence)
        rows += said
        kept = kept or k
    ask = expand(rng.choice(_ASK_LIST), rng, k=rng.choice(_WORDS[_KINDS[kind]]))
    return Task(ask, _listed(kind, rows), sentences, kept, rows)


_TABLES = (("name", "amount"), ("name", "date"), ("name", "date", "amount"), ("name", "amount"), ("name", "date"))


def _tabled(columns: tuple[str, ...], rows: list[Row]) -> str:
    lines = ["| " + " | ".join(capital(c) for c in columns) + " |", "|" + " --- |" * len(columns)]
    return "\n".join(lines + ["| " + " | ".join(str(getattr(row, c)) for c in columns) + " |" for row in rows if row.name is not None])


def _table_ask(columns: tuple[str, ...], rng: random.Random) -> str:
    spoken = [rng.choice(_COLUMNS[c]) for c in columns]
    return expand(rng.choice(_ASK_TABLE), rng, c=", ".join(spoken[:-1]) + " and " + spoken[-1])


def _table_task(rng: random.Random, fresh: float) -> Task:
    columns = rng.choice(_TABLES)
    like = rng.random() if fresh > 0 and rng.random() < 0.2 else None
    source = {2: _NAME_AMOUNT if columns[1] == "amount" else _NAME_DATE, 3: _NAME_DATE_AMOUNT}[len(columns)]
    if len(columns) == 2 and rng.random() < 0.25:
        source = _NAME_DATE_AMOUNT
    templates = [rng.choice(source) for _ in range(rng.choice((1, 2, 2, 3, 3)))]
    if rng.random() < 0.3:
        templates.insert(rng.randint(0, len(templates)), rng.choice(_FILLER))
    sentences, rows, kept = [], [], False
    for template in templates:
        sentence, said, k = _fill(template, rng, fresh, like)
        sentences.append(sentence)
        rows += said
        kept = kept or k
    return Task(_table_ask(columns, rng), _tabled(columns, rows), sentences, kept, rows)


def _place(ask: str, sentences: list[str], rng: random.Random) -> str:
    """The request and the text as people paste them: before or after, quoted or not, on a line of its own or not."""
    text = " ".join(sentences)
    ask = capital(ask) if rng.random() < 0.75 else ask
    roll = rng.random()
    if roll < 0.35:
        return f"{ask}: {text}"
    if roll < 0.6:
        return f"{ask}:\n\n{text}"
    if roll < 0.7:
        return f'{ask}: "{text}"'
    if roll < 0.8:
        return f"{ask}\n{text}"
    end = "?" if ask.lower().startswith(("which", "what", "can", "could")) else "."
    return f"{text}\n\n{ask}{end}" if roll < 0.92 else f"{text} {ask}{end}"


_ASK_MORE = (
    "{and|now|also|next|then} {list |}{all |}the <k>",
    "{and|now|what about|how about} the <k>",
    "{which|what} <k> {are there|are in it|does it have}",
    "{and|now} the <k>, please",
    "list the <k>{, too| as well|}",
    "<k>",
)


def _followed(first: Example, task: Task, rng: random.Random) -> Example:
    """Further questions on the same text: each shows the copying again for few tokens. Training only."""
    messages = list(first.messages)
    named = [row for row in task.rows if row.name is not None]
    # Only tables in which every row is full: what to write into an empty cell is nobody's lesson here.
    tables = [c for c in dict.fromkeys(_TABLES) if named and all(getattr(row, k) is not None for row in named for k in c)]
    for kind in rng.sample([*_KINDS, *tables], min(rng.randint(2, 4), len(_KINDS) + len(tables))):
        if sum(len(message["content"]) for message in messages) > 600:
            break
        if isinstance(kind, tuple):
            ask, answer = _table_ask(kind, rng), _tabled(kind, task.rows)
        else:
            words = rng.choice(_ASK_MORE if rng.random() < 0.5 else _ASK_LIST)
            ask, answer = expand(words, rng, k=rng.choice(_WORDS[_KINDS[kind]])), _listed(kind, task.rows)
        messages += [{"role": "user", "content": casual(ask, rng, typos=False)}, {"role": "assistant", "content": answer}]
    return Example("extraction", tuple(messages), (), {"exact": messages[-1]["content"]})


def _one(split: Split, rng: random.Random) -> Example:
    while True:
        table = rng.random() < 0.4
        # In training most names are ones that no pool holds: what is met often is said by heart, not copied.
        table = table and (split == "heldout" or rng.random() < 0.5)  # tables are learnt already
        task = (_table_task if table else _list_task)(rng, 0.65 if split == "train" else 0.0)
        if task.kept != (split == "heldout"):
            continue
        expect = {"exact": task.answer, "kind": "table" if table else "list"}
        first = turn("extraction", _place(task.ask, task.sentences, rng), task.answer, expect, rng)
        return _followed(first, task, rng) if split == "train" and rng.random() < 0.75 else first


def examples(split: Split, rng: random.Random) -> Iterator[Example]:
    """Endless for "train"; 150 texts for "heldout"."""
    if split == "train":
        while True:
            yield _one(split, rng)
    def source() -> Iterator[Example]:
        while True:
            yield _one(split, rng)
    yield from distinct(source(), 150)
