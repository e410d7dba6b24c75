"""The one shape every part of the training data has: a short conversation and what a right answer is.

Made by data/skills/*.py and data/stories.py; read by tokenizer.py (text to train on), train.py (the stream) and
evaluate.py (the checks). It knows nothing of token ids or models.
"""
from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Iterator, Literal, Protocol

Split = Literal["train", "heldout"]


@dataclass(frozen=True)
class Example:
    """One conversation.

    skill     "stories" | "guide" | "facts" | "tools" | "extraction" | "smalltalk" | "text" (plain text, no turns)
    messages  {"role": "system" | "user" | "assistant" | "tool", "content": str}; an assistant's tool call is
              {"role": "assistant", "content": "", "tool_calls": [{"name": str, "arguments": dict}]}
    tools     page tools, {"name", "description", "parameters": JSON schema of an object}
    expect    what evaluation checks of the last assistant turn: {"answer": str} | {"call": {"name", "arguments"}} |
              {"family": str} | {"exact": str}
    """

    skill: str
    messages: tuple[dict, ...]
    tools: tuple[dict, ...] = ()
    expect: dict = field(default_factory=dict)


class Skill(Protocol):
    """A data module: endless for "train", a finite and repeatable list for "heldout", the two disjoint."""

    def examples(self, split: Split, rng: random.Random) -> Iterator[Example]: ...
