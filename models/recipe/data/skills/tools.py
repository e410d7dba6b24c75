"""Tools skill: pick the right page tool from the list and fill its arguments from the visitor's words.

Called by: the recipe's data mix and its evaluation (`examples`).
Does not know: how the chat template renders tools and calls. Families are in tool_families.py, copied words in pools.py.

Held out: (family, phrasing, arguments) by hash, every request with a value kept for evaluation, and made-up tools
whose name was never seen. About a tenth of the requests match no tool on the list; expect={"call": None} for these.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from typing import Iterator, Literal, Optional

from ..types import Example
from . import pools, tools_training
from .common import SYSTEM_PROMPTS, capital, casual, distinct, expand, held_out
from .tool_families import CHOICES, FAMILIES, NOUNS, NUMBERS, VERBS, Family, Param

Split = Literal["train", "heldout"]

NO_TOOL = "None of the tools on this page can do that."
_FRESH = 0.85  # of the copied values in training
_PAIRS = 0.3  # of the draws in training: pages in pairs, see tools_training.py
# Families with an argument to be copied, which is what is hardest: training asks for them oftener.
_COPYING = tuple(f for f in FAMILIES if any(not isinstance(p.values, dict) and not p.integer for p in f.params.values()))
_FAILURES = ("not found", "no connection", "not allowed", "try again later", "already done", "out of stock", "not ready")


@dataclass(frozen=True)
class Request:
    """One tool as listed on a page, one request for it, and what belongs to it."""

    family: str
    tool: dict
    question: str
    arguments: dict
    after: tuple[tuple[dict, str], ...]  # results and the sentence that follows each
    kept: bool  # whether it belongs to the evaluation
    source: Optional[Family] = None  # with the names below, what is needed to ask for the same tool again
    names: Optional[dict[str, str]] = None  # slot -> parameter name


def _schema(name: str, about: str, properties: dict, required: list[str]) -> dict:
    return {"name": name, "description": about, "parameters": {"type": "object", "properties": properties, "required": required}}


def _property(param: Param, value: Optional[str], rng: random.Random) -> dict:
    if isinstance(param.values, dict):
        values = list(param.values)
        # A page rarely offers every value we know: a varying part of them, the wanted one included.
        if len(values) > 2:
            chosen = set(rng.sample(values, rng.randint(2, min(6, len(values)))))
            if value is not None:
                chosen.add(value)
            values = [v for v in values if v in chosen]
        return {"type": "string", "enum": values}
    return {"type": "integer" if param.integer else "string"}


def _known(family: Family, rng: random.Random, before: Optional[Request] = None, fresh: float = 0.0) -> Request:
    """A request of this family; with `before`, another one for the very tool that is listed already. `fresh`: how often a
    copied value is one that no pool holds."""
    t = rng.randrange(len(family.asks))
    ask = expand(family.asks[t], rng)
    names = before.names if before is not None and before.names else {slot: rng.choice(param.names) for slot, param in family.params.items()}
    listed = before.tool["parameters"]["properties"] if before is not None else {}
    values: dict[str, object] = {}
    spoken: dict[str, str] = {}
    kept = False
    for slot, param in family.params.items():
        if f"<{slot}>" not in ask:
            continue
        if isinstance(param.values, dict):
            value: object = rng.choice(listed.get(names[slot], {}).get("enum") or list(param.values))
            words = param.values[str(value)]
            spoken[slot] = rng.choice(words) if words else str(value)
        else:
            value = param.values(rng)
            if isinstance(value, str) and fresh > 0 and rng.random() < fresh:
                value = pools.fresh(value, rng)
            spoken[slot] = str(value)
            if isinstance(value, str) and pools.kept_name(value):
                kept = True
        values[slot] = value
    kept = kept or held_out("tool", family.id, t, json.dumps(values, sort_keys=True), one_in=12)
    if before is not None and any(names[slot] not in listed for slot in values):
        return before  # it was listed without the optional argument that this request gives
    properties = {}
    required = []
    for slot, param in family.params.items():
        if param.optional and slot not in values and rng.random() < 0.4:
            continue
        properties[names[slot]] = _property(param, str(values[slot]) if slot in values else None, rng)
        if not param.optional:
            required.append(names[slot])
    tool = before.tool if before is not None else _schema(rng.choice(family.names), rng.choice(family.about), properties, required)
    done = family.done
    after = [(result, text.format(**result)) for result, text in family.results]
    for slot, words in spoken.items():
        ask = ask.replace(f"<{slot}>", words)
        done = done.replace(f"<{slot}>", words)
        after = [(result, text.replace(f"<{slot}>", words)) for result, text in after]
    after.append(({"ok": True}, capital(done)))
    arguments = {names[slot]: value for slot, value in values.items()}
    return Request(family.id, tool, ask, arguments, tuple(after), kept, family, names)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


_SIMPLE_ASKS = ("{please |can you |could you |}{v} the {n}", "I {want|need|would like} to {v} the {n}", "{v} the {n} {now|for me|}", "{v} {n}", "time to {v} the {n}")
_SET_ASKS = ("{please |can you |could you |}{set|change|put} the {n} to <x>", "{n} <x>", "I {want|would like|prefer} {n} <x>", "make the {n} <x>", "the {n} should be <x>", "{n}: <x>")


def _name_style(name: str, rng: random.Random) -> str:
    roll = rng.random()
    return _camel(name) if roll < 0.2 else name


def _made_up(rng: random.Random, verb: Optional[str] = None, noun: Optional[str] = None, fresh: float = 0.0) -> Request:
    roll = rng.random()
    new = tools_training.plain_word(rng) if fresh > 0 and rng.random() < 0.5 * fresh else None
    if verb is not None or noun is not None or roll < 0.55:
        verb = verb or rng.choice(list(VERBS))
        if noun is None:
            noun = new or (rng.choice(NOUNS) if rng.random() < 0.8 else pools.invented(rng))
        words = noun.replace("_", " ")
        t = rng.randrange(len(_SIMPLE_ASKS))
        ask = expand(_SIMPLE_ASKS[t].replace("{v}", verb).replace("{n}", words), rng)
        about = expand(rng.choice((f"{capital(verb)} the {words}", f"{capital(verb)} the {words} of the page", f"Use this to {verb} the {words}", f"{capital(words)}: {verb}")), rng)
        done = f"The {words} is {VERBS[verb]}."
        tool = _schema(_name_style(f"{verb}_{noun}", rng), about, {}, [])
        return Request("made-up", tool, ask, {}, (({"ok": True}, done),), held_out("made-up", verb, noun))
    if roll < 0.8:
        noun = new or (rng.choice(NUMBERS) if rng.random() < 0.7 else pools.invented(rng))
        value: object = rng.randint(0, 200)
        key = rng.choice(("value", noun, "number", "to", "amount"))
        prop = {"type": "integer"}
    else:
        noun = rng.choice(list(CHOICES))
        pool = CHOICES[noun]
        options = rng.sample(pool, rng.randint(2, min(5, len(pool))))
        noun = new or noun
        value = rng.choice(options)
        key = rng.choice(("value", noun, "choice", "to", "option"))
        prop = {"type": "string", "enum": options}
    words = noun.replace("_", " ")
    t = rng.randrange(len(_SET_ASKS))
    ask = expand(_SET_ASKS[t].replace("{n}", words), rng).replace("<x>", str(value))
    name = _name_style(rng.choice((f"set_{noun}", f"change_{noun}", f"choose_{noun}", f"{noun}")), rng)
    about = rng.choice((f"Set the {words}", f"Change the {words}", f"Choose the {words}"))
    tool = _schema(name, about, {key: prop}, [key])
    kept = held_out("setting", noun, value)
    return Request("made-up " + noun, tool, ask, {key: value}, (({"ok": True}, f"{capital(words)} set to {value}."),), kept)


def _any(rng: random.Random, fresh: float = 0.0) -> Request:
    if fresh > 0 and rng.random() < 0.4:
        return _known(rng.choice(_COPYING), rng, fresh=fresh)
    return _known(rng.choice(FAMILIES), rng, fresh=fresh) if rng.random() < 0.65 else _made_up(rng, fresh=fresh)


# Families whose requests can mean each other: never on one page, or the right call would be a matter of taste.
_RIVALS = (
    {"play", "music", "player"}, {"map", "weather"}, {"map", "search"}, {"scroll", "open_page"}, {"message", "note"}, {"cart", "cart_remove"},
    {"search", "cart"}, {"language", "unit", "currency"}, {"zoom", "font"}, {"timer", "alarm"}, {"heat", "unit"},
    {"alarm", "table"}, {"price", "volume"}, {"view", "theme"}, {"call", "message"}, {"scroll", "search"}, {"open_page", "search"},
)


def _clash(first: Request, second: Request) -> bool:
    if first.tool["name"] == second.tool["name"] or first.family == second.family and first.family != "made-up":
        return True
    if any(first.family in pair and second.family in pair for pair in _RIVALS):
        return True
    # A made-up tool about the same word as another one ("set_color" beside "color").
    words = {first.family.removeprefix("made-up "), second.family.removeprefix("made-up ")}
    return words <= {"color", "filter"} or words <= {"weekday", "event"} or words <= {"temperature", "heat"} or words <= {"size", "font", "font_size"} or words <= {"level", "quiz", "difficulty", "volume"} or words <= {"font_size", "font"}


def _near(request: Request, rng: random.Random, fresh: float = 0.0) -> Request:
    """A made-up tool that shares its verb or its noun: the name has to be read to its end."""
    name: str = request.tool["name"]
    if request.family == "made-up" and "_" in name:
        verb, _, noun = name.partition("_")
        if verb in VERBS:
            return _made_up(rng, verb=verb) if rng.random() < 0.5 else _made_up(rng, noun=noun)
    return _any(rng, fresh)


def _page(split: Split, rng: random.Random) -> list[Request]:
    """The tools of one page; for the evaluation the first one is a held-out request, for training none is asked."""
    new = _FRESH if split == "train" else 0.0
    while True:
        first = _any(rng, new)
        if first.kept == (split == "heldout"):
            break
    requests = [first]
    for _ in range(40):
        if len(requests) >= rng.randint(2, 5):
            break
        other = _near(first, rng, new) if rng.random() < 0.4 else _any(rng, new)
        if split == "train" and other.kept:
            continue
        if not any(_clash(other, there) for there in requests):
            requests.append(other)
    return requests if split == "heldout" else [tools_training.obscured(request, rng) for request in requests]


def _listed(requests: list[Request], rng: random.Random) -> tuple[dict, ...]:
    tools = [request.tool for request in requests]
    rng.shuffle(tools)
    return tuple(tools)


def _ask(request: Request, rng: random.Random) -> str:
    # Copied words keep their case and have no slip of the fingers, or the right argument would be a guess.
    question = request.question.startswith(("what", "where", "how", "is ", "do ", "has ", "can ", "could "))
    copied = [v for v in request.arguments.values() if isinstance(v, str) and v in request.question]
    text = casual(request.question, rng, question=question, keep_case=True)
    again = random.Random(text)
    while any(v not in text and capital(v) not in text for v in copied):
        text = casual(request.question, again, question=question, keep_case=True)
    return text


def _called(request: Request) -> dict:
    return {"role": "assistant", "content": "", "tool_calls": [{"name": request.tool["name"], "arguments": request.arguments}]}


def _afterwards(request: Request, rng: random.Random) -> list[dict]:
    if rng.random() < 0.12:
        error = rng.choice(_FAILURES)
        result, text = {"ok": False, "error": error}, f"That did not work: {error}."
    else:
        result, text = rng.choice(request.after)
    return [{"role": "tool", "content": json.dumps(result)}, {"role": "assistant", "content": text}]


def _stranger(requests: list[Request], split: Split, rng: random.Random) -> Request:
    """A request that none of these tools serves."""
    while True:
        # In training a quarter of them sound like a listed tool.
        other = _near(rng.choice(requests), rng) if split == "train" and rng.random() < 0.25 else _any(rng, _FRESH if split == "train" else 0.0)
        if other.kept == (split == "heldout") and not any(_clash(other, there) for there in requests):
            return other


def _conversation(split: Split, rng: random.Random, turns: int) -> Example:
    requests = _page(split, rng)
    tools = _listed(requests, rng)
    messages: list[dict] = []
    if rng.random() < 0.15:
        messages.append({"role": "system", "content": rng.choice(SYSTEM_PROMPTS)})
    expect: dict = {}
    order = requests[:1] + rng.sample(requests[1:], len(requests) - 1)
    if turns > len(order):
        # More requests for tools already listed: the list is long, so it should be used well.
        more = [_known(request.source, rng, request, _FRESH) for request in order * 2 if request.source is not None]
        order += rng.sample(fresh := [request for request in more if not request.kept and request not in order], len(fresh))
    for request in order[:turns]:
        if rng.random() < (0.12 if split == "heldout" else 0.16):
            stranger = _stranger(requests, split, rng)
            messages += [{"role": "user", "content": _ask(stranger, rng)}, {"role": "assistant", "content": NO_TOOL}]
            expect = {"call": None}
            continue
        messages += [{"role": "user", "content": _ask(request, rng)}, _called(request)]
        expect = {"call": messages[-1]["tool_calls"][0]}
        # Not after every call: what is hard is the next call, and the list should be long enough for many.
        if split == "train" and rng.random() < 0.35:
            messages += _afterwards(request, rng)
    return Example("tools", tuple(messages), tools, expect)


def examples(split: Split, rng: random.Random) -> Iterator[Example]:
    """Endless for "train"; 200 requests of one turn for "heldout", ending with the call that is expected."""
    if split == "train":
        while True:
            if rng.random() < _PAIRS:
                yield from tools_training.pair(rng, lambda: _any(rng, _FRESH), lambda request: _near(request, rng, _FRESH), _clash,
                                               lambda request: _ask(request, rng), _called, NO_TOOL)
            else:
                yield _conversation(split, rng, rng.choice((1, 3, 4, 5, 6, 8)))
    def source() -> Iterator[Example]:
        while True:
            yield _conversation(split, rng, 1)
    yield from distinct(source(), 200)
