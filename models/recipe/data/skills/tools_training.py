"""Training only: pages that make a model look at the list of tools instead of knowing it by heart.

Called by: tools.py (`obscured` for the pages of training, `pair` in `examples`).
Does not know: the evaluation, the template.

Two habits are broken here. A name that goes with a request in a third of all pages is said without looking: so some
tools and parameters get a name that tells little or nothing, and must be read off the list. And a request says nothing
of whether the page can do it: so the same requests are asked twice, of a page that has one part of the tools and of a
page that has the other part; what is called in the one is refused in the other, and only the list decides.
What goes wrong: a new name that is on the page already; `renamed` draws another.
"""

from __future__ import annotations

import dataclasses
import random
from typing import TYPE_CHECKING, Callable

from ..types import Example
from . import pools

if TYPE_CHECKING:
    from .tools import Request

_BEFORE = "page site app ui web my do run try the main shop api demo this new home tool act".split()
_BEHIND = "now page tool action site here item fn value cmd view box it 2 app call button".split()


def plain_word(rng: random.Random) -> str:
    """A common or an invented word, which no request can be guessed from."""
    from ..drills import common  # it imports pools, as this module does

    return pools.invented(rng) if rng.random() < 0.35 else rng.choice(common())


def renamed(name: str, rng: random.Random) -> str:
    roll = rng.random()
    if roll < 0.3:
        return f"{rng.choice(_BEFORE)}_{name}"
    if roll < 0.55:
        return f"{name}_{rng.choice(_BEHIND)}"
    if roll < 0.75:
        return plain_word(rng)
    return f"{plain_word(rng)}_{plain_word(rng)}"


def obscured(request: Request, rng: random.Random, chance: float = 0.25) -> Request:
    """The same request, now and then with another name for the tool or for its parameters."""
    tool, arguments, names = request.tool, request.arguments, request.names
    if rng.random() < chance:
        tool = {**tool, "name": renamed(tool["name"], rng)}
    if arguments and rng.random() < chance:
        old = tool["parameters"]
        new = dict(zip(old["properties"], rng.sample([*dict.fromkeys(plain_word(rng) for _ in range(12))], len(old["properties"]))))
        tool = {**tool, "parameters": {**old, "properties": {new[k]: v for k, v in old["properties"].items()}, "required": [new[k] for k in old["required"]]}}
        arguments = {new[k]: v for k, v in arguments.items()}
        names = {slot: new.get(k, k) for slot, k in names.items()} if names else names
    return dataclasses.replace(request, tool=tool, arguments=arguments, names=names)


def pair(rng: random.Random, draw: Callable[[], Request], near: Callable[[Request], Request], clash: Callable[[Request, Request], bool],
         ask: Callable[[Request], str], called: Callable[[Request], dict], refusal: str) -> list[Example]:
    """Two conversations with the same requests, each on a page that has some of the tools; together they have all."""
    wished = rng.randint(3, 6)
    requests: list[Request] = []
    for _ in range(60):
        if len(requests) == wished:
            break
        other = near(rng.choice(requests)) if requests and rng.random() < 0.4 else draw()
        if not other.kept and not any(clash(other, there) or _bare(other) == _bare(there) for there in requests):
            requests.append(other)
    requests = [obscured(request, rng) for request in requests]
    cut = rng.randint(1, len(requests) - 1)
    parts = requests[:cut], requests[cut:]
    # Both pages may have a tool, so that "listed elsewhere" means nothing; and few pages should be a list of one.
    pages = [[*own, rng.choice(other)] if len(own) < 3 and len(other) > 1 and rng.random() < 0.6 else own for own, other in (parts, parts[::-1])]
    order = rng.sample(requests, len(requests))
    said = [ask(request) for request in order]
    out = []
    for page in pages:
        tools = [request.tool for request in page]
        rng.shuffle(tools)
        messages: list[dict] = []
        for request, text in zip(order, said):
            messages.append({"role": "user", "content": text})
            messages.append(called(request) if any(request is there for there in page) else {"role": "assistant", "content": refusal})
        expect = {"call": messages[-1]["tool_calls"][0]} if "tool_calls" in messages[-1] else {"call": None}
        out.append(Example("tools", tuple(messages), tuple(tools), expect))
    return out


def _bare(request: Request) -> str:
    """open_menu and openMenu are the same tool twice."""
    return request.tool["name"].replace("_", "").lower()
