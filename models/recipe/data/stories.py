"""Stories on request: little story worlds told through plots.py, texts written by hand, and the TinyStories excerpt.

Called by train.py and evaluate.py through `examples`, and by train.py through `plain_texts`. Each world is drawn from the
lists of storyworld.py: a hero, a friend, a place, a thing, a plot; the request names some of them, so that the story is
always on its subject. Held out: the last eighth of the subjects, in requests that never appear in training.
What goes wrong: the TinyStories file is not there (a plain FileNotFoundError: the caller passes its folder).
"""
from __future__ import annotations

import functools
import gzip
import pathlib
import random
import re
from collections import Counter
from typing import Iterator

from . import storyworld as sw
from .grammar import article, choose, write
from .plots import END, PLOTS
from .skills import pools
from .types import Example, Split

HAND = pathlib.Path(__file__).parent / "handwritten"

ASK = ("{Tell me|Write|Write me|I would like|I want|Can you tell me|Could you write|Please write|Please tell me|Make up|Give me|Could you tell me} "
       "{a|a short|a little|a nice} {story|story|tale|bedtime story} about %s{.|.||!}")
ASK_SHORT = "{A story about %s, please.|story about %s|A short story about %s.|Story: %s|Another story, about %s.|How about a story with %s?}"
SYSTEMS = ["", "", "", "", "You are a helpful assistant.", "You are a friendly storyteller.", "Be kind and brief."]


def invented(rng: random.Random) -> str:
    word = "".join(rng.choice("bdfgklmnprstvwz") + rng.choice(["a", "e", "i", "o", "u", "oo", "ee"]) + rng.choice(["", "n", "r", "l", "m", "ck", "p"])
                   for _ in range(rng.choice([1, 2, 2, 3])))
    return word if word not in sw._HELD else "zorp"


@functools.cache
def _nouns() -> list[str]:
    """Words of any kind, as subjects: what the word is must not matter to its being copied."""
    held = {part for whole in sw._HELD for part in whole.split()}
    return sorted({w.lower() for w in pools.everyday() if len(w) > 3} - held)


def _spliced(rng: random.Random) -> str:
    """Pieces of two words: the tokens of words that no text of training has."""
    word = pools.spliced(rng).lower()
    return word if len(word) > 2 else invented(rng)


def world(rng: random.Random, held: bool = False, kind: str | None = None, entries: tuple[str, ...] = ()) -> dict[str, str]:
    """Draws the slots of one story. `held`: the subject comes from the held-out lists. `entries`: see examples."""
    def character(held_out: bool) -> str:
        lists = [(sw.ANIMALS, sw.ANIMALS_HELD, 5), (sw.PEOPLE, sw.PEOPLE_HELD, 3), (sw.BEINGS, sw.BEINGS_HELD, 2)]
        train, out, _ = rng.choices(lists, [w for *_, w in lists])[0]
        return rng.choice(out if held_out else train)

    s = {"subject": kind or rng.choice(["hero", "hero", "hero", "thing", "thing", "place", "both"])}
    def open_word() -> str:
        """A subject that no list of characters or things holds; now and then of two words."""
        roll = rng.random()
        if entries and rng.random() < 0.5:
            # Each entry of the vocabulary must be met as a subject's first token: one that never was is read as a word like it.
            word = rng.choice(entries)
            if len(word) < 5 or rng.random() < 0.5:
                word += rng.choice(_nouns())[-rng.randint(2, 4) :]
            return "zorp" if word in sw._HELD else word
        word = rng.choice(sw.MORE) if roll < 0.3 else invented(rng) if roll < 0.45 else _spliced(rng) if roll < 0.65 else rng.choice(_nouns())
        if rng.random() < 0.2:
            word = rng.choice((rng.choice(sw.ADJECTIVES), rng.choice(_nouns()), rng.choice(sw.LOOKS), invented(rng))) + " " + word
        return "zorp" if word in sw._HELD else word

    s["hero"] = character(held and s["subject"] in ("hero", "both"))
    s["friend"] = character(False)
    s["thing"] = rng.choice(sw.THINGS_HELD if held and s["subject"] in ("thing", "both") else sw.THINGS)
    if not held and rng.random() < 0.8:
        if s["subject"] in ("hero", "both"):
            s["hero"] = open_word()
        if s["subject"] in ("thing", "both"):
            s["thing"] = open_word()
    s["place"] = rng.choice(sw.PLACES_HELD if held and s["subject"] == "place" else sw.PLACES)
    (name, g), (fname, fg) = rng.sample(sw.NAMES, 2)
    for kind_, prefix, nm, gender in ((s["hero"], "", name, g), (s["friend"], "f", fname, fg)):
        want = sw.FIXED_GENDER.get(kind_)
        if want and want != gender:
            used = {s.get("name")}
            nm, gender = rng.choice([n for n in sw.NAMES if n[1] == want and n[0] not in used])
        they, them, their, self_ = sw.PRONOUNS[gender]
        s |= {prefix + "name": nm, prefix + "they": they, prefix + "them": them, prefix + "their": their, prefix + "self": self_}
    if s["fname"] == s["name"]:
        return world(rng, held, kind, entries)
    s["adj"], s["adj2"] = rng.sample(sw.ADJECTIVES, 2)
    s["look"], s["food"], s["fear"] = rng.choice(sw.LOOKS), rng.choice(sw.FOODS), rng.choice(sw.FEARS)
    s["skill"], s["weather"] = rng.choice(sw.SKILLS), rng.choice(sw.WEATHER)
    return s


def tell(s: dict[str, str], rng: random.Random, plot: tuple[str, str] | None = None) -> tuple[str, str]:
    """-> (story, moral). The story always names the hero, the thing and the place."""
    moral, text = plot or rng.choice(PLOTS)
    story = write(text, s, rng).strip() + rng.choice([" ", " ", "\n\n"]) + write("{" + END + "}", s, rng)
    return moral, re.sub(r"(?<=[.!?]) ([a-z])", lambda m: " " + m[1].upper(), story)


def ask(s: dict[str, str], moral: str, story: str, rng: random.Random) -> str:
    """A request that the story answers."""
    kind = s["subject"]
    if kind == "hero":
        about = rng.choice([article(s["hero"]), article(s["hero"]), article(f"{s['adj']} {s['hero']}"),
                            f"{article(s['hero'])} {rng.choice(['named', 'called'])} {s['name']}",
                            f"{article(s['adj'] + ' ' + s['hero'])} and {article(s['friend'])}", f"{s['name']} the {s['hero']}"])
    elif kind == "thing":
        about = rng.choice([article(s["thing"]), article(f"{s['look']} {s['thing']}"), f"{s['name']} and {article(s['thing'])}",
                            f"{article(s['look'] + ' ' + s['thing'])}"])
    elif kind == "place":
        about = rng.choice([f"{article(s['hero'])} who lives {s['place']}", f"life {s['place']}", f"someone {s['place']}"])
    else:
        about = rng.choice([f"{article(s['hero'])} and {article(s['thing'])}", f"{article(s['hero'])} with {article(s['thing'])}",
                            f"{article(s['adj'] + ' ' + s['hero'])} and {article(s['look'] + ' ' + s['thing'])}"])
    request = choose(rng.choice([ASK, ASK, ASK, ASK_SHORT]).replace("%s", about), rng)
    extras = []
    if rng.random() < 0.15:
        extras.append(choose("{It should be about|The moral should be|With a moral about|Let it be about} ", rng) + moral + ".")
    if rng.random() < 0.15:
        words = words_from(story, rng, rng.choice([2, 3]))
        if words:
            extras.append(choose("{Use the words|It should contain the words|Please use the words} ", rng) + listed(words) + ".")
    if rng.random() < 0.05:
        extras.append(choose("{Keep it short.|Make it warm and simple.|Make it end well.|For a small child.}", rng))
    if extras and request[-1] not in ".!?":
        request += "."
    out = " ".join([request, *extras])
    if rng.random() < 0.1:
        out = out[0].lower() + out[1:]
    return out


def listed(words: list[str]) -> str:
    q = words
    return ", ".join(q[:-1]) + " and " + q[-1] if len(q) > 1 else q[0]


_STOP = set("""about after again always another anything around because before began behind being better called came could didn
does done down each even ever every everyone everything felt first from gave going gone good have having heard held help into
just knew know left like little long looked looking loved made make many more most much named never nobody nothing once only
other over people place said same saw some something soon still such suddenly take than that their them then there these they
thing things this those thought three through time together told took tried under until upon very want wanted went were what
when where which while whole will with without would your little asked replied something""".split())


def words_from(story: str, rng: random.Random, n: int) -> list[str]:
    """Content words of the story, in the order they come."""
    seen = list(dict.fromkeys(w for w in re.findall(r"\b[a-z]{4,9}\b", story) if w not in _STOP))
    if len(seen) < n:
        return []
    return sorted(rng.sample(seen, n), key=seen.index)


def chat(request: str, story: str, rng: random.Random, expect: dict | None = None) -> Example:
    system = rng.choice(SYSTEMS)
    head = ({"role": "system", "content": system},) if system else ()
    return Example("stories", (*head, {"role": "user", "content": request}, {"role": "assistant", "content": story}), (), expect or {})


def examples(split: Split, rng: random.Random, entries: tuple[str, ...] = ()) -> Iterator[Example]:
    """Endless for "train". `entries`: the tokenizer's lower-case entries that begin a word, of which training makes subjects."""
    if split == "heldout":
        yield from heldout()
        return
    hand = [(title, story) for title, story in handwritten() if not _names_held(title)]
    while True:
        if hand and rng.random() < 0.08:
            title, story = rng.choice(hand)
            yield chat(choose(rng.choice([ASK, ASK_SHORT]).replace("%s", title), rng), story, rng)
            continue
        s = world(rng, entries=entries)
        moral, story = tell(s, rng)
        yield chat(ask(s, moral, story, rng), story, rng)


def _names_held(text: str) -> bool:
    """Whether a request names a subject that is kept for evaluation."""
    return any(re.search(rf"\b{re.escape(subject)}\b", text.lower()) for subject in sw._HELD)


def heldout() -> Iterator[Example]:
    """Twenty requests, each for a subject that no request for a story in training names."""
    rng = random.Random(20)
    kinds = ["hero"] * 9 + ["thing"] * 8 + ["both"] * 3
    seen: set[str] = set()
    for kind in kinds:
        while True:
            s = world(rng, held=True, kind=kind)
            key = s["hero"] if kind == "hero" else s["thing"] if kind == "thing" else s["hero"] + s["thing"]
            if key not in seen:
                seen.add(key)
                break
        about = {"hero": article(s["hero"]), "thing": article(s["thing"]), "both": f"{article(s['hero'])} and {article(s['thing'])}"}[kind]
        must = {"hero": [s["hero"]], "thing": [s["thing"]], "both": [s["hero"], s["thing"]]}[kind]
        request = choose("{Tell me a story|Write a short story|Can you tell me a story} about " + about + ".", rng)
        _, story = tell(s, rng)
        yield Example("stories", ({"role": "user", "content": request}, {"role": "assistant", "content": story}), (), {"subject": must})


def handwritten() -> list[tuple[str, str]]:
    """(subject, text) of every text in handwritten/stories*.txt: blocks divided by a line of `---`, first line `about: ...`."""
    out = []
    for path in sorted(HAND.glob("stories*.txt")):
        for block in path.read_text(encoding="utf8").split("\n---\n"):
            head, _, body = block.strip().partition("\n")
            if not head.startswith("about: ") or not body.strip():
                raise ValueError(f"{path.name}: a block without 'about: ' or without text: {block[:60]!r}")
            out.append((head[7:].strip(), body.strip()))
    return out


def tinystories(shared: pathlib.Path, part: Split) -> list[str]:
    """The excerpt's stories; the last tenth of the file (by stories) is held out. Texts lie line to line, paragraphs a blank line apart."""
    raw = gzip.decompress((shared / "corpora" / "tinystories-excerpt.txt.gz").read_bytes()).decode("utf8", "replace")
    texts = [t.strip() for t in re.split(r"(?<=[^\n])\n(?=[^\n])", raw.replace("\r\n", "\n")) if t.strip()]
    cut = len(texts) - len(texts) // 10
    return texts[:cut] if part == "train" else texts[cut:]


def request_for(text: str, rng: random.Random) -> str | None:
    """A request that an existing story answers: by its most frequent character or noun-like words, by name, by words to use."""
    names = Counter(re.findall(r"(?<=[a-z,] )[A-Z][a-z]{2,8}\b", text))
    hero = re.search(r"(?:was|lived|is|,) an? ((?:[a-z]+ )?[a-z]+) (?:named|called) ([A-Z][a-z]+)", text)
    options = []
    if hero:
        options += [article(hero[1]), f"{article(hero[1])} named {hero[2]}"]
    elif names:
        options.append(names.most_common(1)[0][0])
    if not options:
        return None
    request = choose(rng.choice([ASK, ASK, ASK_SHORT]).replace("%s", rng.choice(options)), rng)
    if rng.random() < 0.4:
        words = words_from(text, rng, 3)
        if words:
            request = request.rstrip() + ("" if request[-1] in ".!?" else ".") + choose(" {Use the words|With the words} ", rng) + listed(words) + "."
    return request
