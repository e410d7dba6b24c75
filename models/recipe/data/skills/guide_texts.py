"""The guide's texts: guide/*.md read into families, and the sentences that all families share.

Called by: guide.py.
Does not know: what is asked of whom.

Format of guide/*.md: `## family-id`, then questions as bullets (a phrase grammar, see common.py), then the answer as
markdown. A bullet that starts with `(eval) ` is plain text, kept for evaluation and never trained on; so is one with
`(final) `, written after the grammars, which nobody may fit to it. `(about) ` lists things and `(do) ` things to do,
divided by " | ", which go into sentences that all families share (ABOUT and DO below): so the model learns that "is
there ..." or "is that a problem" says nothing, and the thing itself all. `@HOW` and the like are the macros below;
`$chat` and the like are the names below, so that a changed API changes in one place.
guide/training/*.md has more questions of the same form, which only training reads: they came later, and the evaluation's
questions, which the grammars of guide/*.md also make, stay as they were.
What goes wrong: a family without questions or answer, or one named twice, is a ValueError that says which.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator

# The public names of the kit, as answers say them.
NAMES = {
    "chat": "llm-chat",
    "picker": "llm-model-picker",
    "metrics": "llm-metrics",
    "engine": "llm-engine",
    "script": "/llm-elements/define.js",
    "define": "llm-elements/define",
    "client": "/llm-elements/client.js",
    "evsend": "llm-send",
    "evtool": "llm-tool-call",
    "evmessage": "llm-message",
    "everror": "llm-error",
    "evstate": "llm-state-change",
    "accent": "--llm-accent",
    "part": "user-message",
}

MACROS = {
    "HOW": "{how {do|can|could|would|should} {I|you|we}|how do I|how can I|how to|what is the {best |}way to|show me how to|tell me how to|I {want|need|would like} to|please explain how to|explain how to|is there a way to|what do I do to}",
    "SITE": "{my|a|our|the} {page|site|website|web page|web site|homepage|blog}",
    "CHAT": "{the chat|llm-chat|the chat element|the chat box|a chat|<llm-chat>|the chat component|an llm-chat}",
}


# Sentences that every family shares, around a thing <t> or an act <t>.
ABOUT = (
    "{what about|how about|tell me about|tell me {more|something} about|explain|talk about|describe} <t>",
    "{I have a question {about|on}|a question {about|on}|my question is about|I ask about|this is about|it is about} <t>",
    "{what {can|could|would} you {say|tell me} about|what do I {need|have} to know about|what should I know about} <t>",
    "{I need|I want|I'd like|give me|I am looking for} {help with|information on|details on|some facts about|to know about} <t>",
    "<t>{, is that a problem|, is that ok|, how does that work|, any trouble|, what now|, is that possible|, what is that|: what do I do|, please explain|, what about it| - how}",
    "{is|are} <t> {a problem|ok|possible|an issue|important|supported|included|allowed|fine}",
    "{does it|does the kit|do you|does this} {support|have|know|need|work with|handle|deal with|do|offer} <t>",
    "{what is|what are|what's|what does one call} <t>",
    "{is there|are there|do I need|must there be|will there be|do you have|are you using|am I getting} <t>",
    "{my boss|my client|a friend|a customer|someone|my team|a colleague} {asks|asked me|wants to know|wonders} about <t>",
    "how {is|are|about|important is|does it do with|does it deal with|is it with} <t>",
    "{where|how} {do|can} I {find|read|learn|see} {something|more} about <t>",
    "{what happens|what is|how is it} {with|about|when there is} <t>",
    "<t>",
    "{I don't|I do not} understand <t>",
    "{we|I|our visitors|my users} {have|use|want|need|like|care about|think of|worry about|rely on} <t>{. Is that a problem|. Any trouble|. What do I do|, does it work|. Will it work|. How|}",
)
DO = (
    "@HOW <t>",
    "{can|could|may|should|must|do|will|would} {I|we|one|visitors|people|my users} {have to |need to |}<t>",
    "{is it|would it be} {possible|allowed|easy|hard|difficult|necessary} to <t>",
    "{I want|I need|I'd like|I would love|I have|I wish|I am trying|I plan|my boss wants me|we want|we need} to <t>{. How|. What do I do|. How does that work|. What is needed|. Is that possible|. Where|, please help|}",
    "{what|which button} {do|must} I {press|type|write|do|click|set} to <t>",
    "{help me|please help me|show me how to|teach me to|let me} <t>",
    "{where|when|why|how} {do|can|must|should} {I|we|my visitors|users} <t>",
    "{which|what} {element|setting|option|code|line|step|file} {do I need|is needed|is there|would I use|lets me use|is used} to <t>",
    "{will|am} I {be |}able to <t>",
    "{does the kit|does it} {let|allow} me {to |}<t>",
    "<t>{, how|, please|, is that possible| - how does that work|}",
    "{somebody|my client|a visitor|a customer} {wants|needs|would like|has} to <t>{. How|. Is that possible|}",
    "{what do I need|what is needed|what does it take} to <t>",
    "{I cannot|I can't|I don't know how to|I failed to} <t>",
)


@dataclass(frozen=True)
class Family:
    id: str
    topic: str
    questions: tuple[str, ...]
    evaluation: tuple[str, ...]
    final: tuple[str, ...]
    about: tuple[str, ...]
    do: tuple[str, ...]
    answer: str
    more: tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]  # questions, about and do of training alone


def _named(text: str) -> str:
    # Longest first: $evmessage before $e..., $metrics before $m...
    for name in sorted(NAMES, key=len, reverse=True):
        text = text.replace("$" + name, NAMES[name])
    return text


def macros(text: str) -> str:
    for name, grammar in MACROS.items():
        text = re.sub(rf"@{name}\b", lambda _: grammar, text)
    return text


def _choices(text: str) -> list[str]:
    return [_named(choice.strip()) for choice in text.split(" | ")]


def _more(path: Path) -> dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]]:
    """Family id -> what training/*.md adds to it."""
    found = {}
    for section in re.split(r"^## ", path.read_text("utf-8"), flags=re.M)[1:]:
        title, *lines = section.strip().splitlines()
        questions, about, do = [], [], []
        for line in filter(None, lines):
            mark, _, rest = line.removeprefix("- ").partition(" ")
            if mark in ("(about)", "(do)"):
                (about if mark == "(about)" else do).extend(_choices(rest))
            else:
                questions.append(_named(macros(line.removeprefix("- "))))
        found[title.strip()] = tuple(questions), tuple(about), tuple(do)
    return found


def _parse(path: Path) -> Iterator[Family]:
    added = _more(path.parent / "training" / path.name)
    for section in re.split(r"^## ", path.read_text("utf-8"), flags=re.M)[1:]:
        title, _, body = section.partition("\n")
        questions, evaluation, final, about, do, answer = [], [], [], [], [], []
        for line in body.strip().splitlines():
            if line.startswith("- ") and not answer:
                bullet = line[2:].strip()
                mark, _, rest = bullet.partition(" ")
                if mark == "(eval)":
                    evaluation.append(_named(rest))
                elif mark == "(final)":
                    final.append(_named(rest))
                elif mark == "(about)":
                    about.extend(_choices(rest))
                elif mark == "(do)":
                    do.extend(_choices(rest))
                else:
                    questions.append(_named(macros(bullet)))
            elif line.strip() or answer:
                answer.append(line)
        if not questions or not evaluation or not answer:
            raise ValueError(f"{path.name}: family {title!r} needs questions, (eval) questions and an answer")
        yield Family(title.strip(), path.stem, tuple(questions), tuple(evaluation), tuple(final), tuple(about), tuple(do), _named("\n".join(answer).strip()), added.pop(title.strip()))
    if added:
        raise ValueError(f"training/{path.name}: no such families: {sorted(added)}")


def load() -> tuple[Family, ...]:
    """All families in the order of the file names; a repeated id is an error."""
    families = [family for path in sorted((Path(__file__).parent / "guide").glob("*.md")) for family in _parse(path)]
    ids = [family.id for family in families]
    repeated = {i for i in ids if ids.count(i) > 1}
    if repeated:
        raise ValueError(f"guide families named twice: {sorted(repeated)}")
    return tuple(families)
