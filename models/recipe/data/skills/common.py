"""What the skills' generators share: phrase grammars, casual spelling, and the train/held-out split.

Called by: facts.py, tools.py, extraction.py, guide.py, smalltalk.py, mixed.py and check.py in this folder.
Does not know: any skill's content, the chat template, the tokenizer.

Grammar: `{a|b|c}` chooses one, may be nested and may be empty (`{please |}`); `<slot>` is filled by the caller.
What goes wrong: a template that can produce the same text from two held-out keys would leak; so splits are decided
by a hash of (template, item) *and* check.py compares the final texts.
"""

from __future__ import annotations

import random
import re
import zlib
from typing import Iterator, Sequence

from ..types import Example

# How people ask to be told something.
TELL = "{{can|could|would|will} you {please |}tell me|{please |}tell me|do you know|I {want|need|would like} to know|I'd like to know|say|{can|could} you say|give me} "
_INNERMOST = re.compile(r"\{([^{}]*)\}")


def expand(grammar: str, rng: random.Random, **slots: object) -> str:
    """One random sentence of the grammar, slots filled last so that their text is never read as grammar."""
    text = grammar
    while True:
        match = _INNERMOST.search(text)
        if match is None:
            break
        text = text[: match.start()] + rng.choice(match.group(1).split("|")) + text[match.end() :]
    text = re.sub(r"  +", " ", text).strip()
    for name, value in slots.items():
        text = text.replace(f"<{name}>", str(value))
    return text


def held_out(*key: object, one_in: int = 10) -> bool:
    """Whether this combination belongs to the evaluation: the same answer in every run and on every machine."""
    return zlib.crc32("|".join(str(part) for part in key).encode()) % one_in == 0


def wanted(split: str, *key: object, one_in: int = 10) -> bool:
    return held_out(*key, one_in=one_in) == (split == "heldout")


def slip(text: str, rng: random.Random) -> str:
    """One slip of the fingers in a longer plain lower-case word; never in a capitalised word, a digit or a tag."""
    spans = [m.span() for m in re.finditer(r"(?<![\w<\-/\"'_.])[a-z]{5,}(?![\w>\-_.'\"])", text)]
    if not spans:
        return text
    start, end = rng.choice(spans)
    word = text[start:end]
    i = rng.randrange(1, len(word) - 1)
    kind = rng.random()
    if kind < 0.4:
        word = word[:i] + word[i + 1] + word[i] + word[i + 2 :]
    elif kind < 0.75:
        word = word[:i] + word[i + 1 :]
    else:
        word = word[:i] + word[i] + word[i:]
    return text[:start] + word + text[end:]


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def casual(text: str, rng: random.Random, *, question: bool = True, keep_case: bool = False, typos: bool = True) -> str:
    """The same request as different people would type it: case, final mark, politeness, the odd slip."""
    bare = text.rstrip("?.! ") if text[-1:] in "?.!" else text
    mark = "?" if question else rng.choice([".", ".", "", "!"])
    roll = rng.random()
    if roll < 0.25:
        mark = ""
    elif roll < 0.28 and mark in ("?", "!"):
        mark = mark * 2
    if typos and rng.random() < 0.05:
        bare = slip(bare, rng)
    roll = rng.random()
    if roll < 0.06:
        bare = rng.choice(["Hi, ", "Hello! ", "Hey, ", "hi ", "Hello, ", "Hey there, "]) + bare
    elif roll < 0.12:
        bare = bare + rng.choice([", please", " please", ", thanks"])
    elif roll < 0.14:
        bare = rng.choice(["Quick question: ", "One more thing: ", "Next: ", "And ", "Now ", "ok, ", "So, "]) + bare
    roll = rng.random()
    if not keep_case and roll < 0.22:
        bare = bare.lower()
    elif not keep_case and roll < 0.235:
        bare = bare.upper()
    elif roll < 0.97:
        bare = capital(bare)
    return bare + mark


SYSTEM_PROMPTS = (
    "You are a helpful assistant.",
    "You are a friendly assistant on a web page.",
    "Answer briefly.",
    "You are the assistant of this site. Be kind and brief.",
    "You help the visitors of a small shop.",
    "Be helpful, honest and short.",
    "You are a polite guide.",
    "You are an assistant that runs in the browser.",
)


def turn(skill: str, user: str, answer: str, expect: dict, rng: random.Random | None = None) -> Example:
    """One question and its answer; with a random source, sometimes under a site's own system prompt."""
    messages: list[dict] = [{"role": "user", "content": user}, {"role": "assistant", "content": answer}]
    if rng is not None and rng.random() < 0.08:
        messages.insert(0, {"role": "system", "content": rng.choice(SYSTEM_PROMPTS)})
    return Example(skill, tuple(messages), (), expect)


def plain(text: str) -> str:
    """The text without case, quotes and end marks: what must differ between train and held-out."""
    return re.sub(r"[^\w+\-*/<>:$€£%@.,]+", " ", text.lower()).strip(" .?!,")


def last_prompt(example: Example) -> str:
    """The plain text of the user's last message."""
    for message in reversed(example.messages):
        if message["role"] == "user":
            return plain(message["content"])
    return ""


def glue(parts: Sequence[Example]) -> Example:
    """One conversation out of several: the system message and tools of the parts come first, expectation of the last."""
    system: list[dict] = []
    body: list[dict] = []
    tools: tuple[dict, ...] = ()
    for part in parts:
        for message in part.messages:
            if message["role"] == "system":
                if not system:
                    system.append(message)
            else:
                body.append(message)
        if part.tools:
            tools = part.tools
    return Example(parts[-1].skill, tuple(system + body), tools, parts[-1].expect)


def length(example: Example) -> int:
    """Characters a reader would see, tool schemas left out: the bound that keeps examples short."""
    total = 0
    for message in example.messages:
        total += len(message["content"])
        for call in message.get("tool_calls", ()):
            total += len(str(call))
    return total


def chained(source: Iterator[Example], rng: random.Random, most: int = 5, chance: float = 0.35) -> Iterator[Example]:
    """Now and then several short turns of one skill in a row, which is also how visitors try a model out."""
    while True:
        first = next(source)
        if rng.random() >= chance:
            yield first
            continue
        yield glue([first] + [next(source) for _ in range(rng.randint(1, most - 1))])


def distinct(source: Iterator[Example], count: int, tries: int = 200_000) -> Iterator[Example]:
    """The first `count` examples with different prompts: how a held-out list is cut from an endless generator."""
    seen: set[str] = set()
    for _ in range(tries):
        if len(seen) >= count:
            return
        example = next(source)
        key = last_prompt(example)
        if key not in seen:
            seen.add(key)
            yield example
