"""Words to be copied: names, cities, products, things to search for, invented words.

Called by: tools.py and extraction.py.
Does not know: what the words are used for. About every eighth value of a pool is kept for evaluation only.
"""

from __future__ import annotations

import functools
import pathlib
import random
import re

from .common import held_out

FIRST = """Anna Ben Clara David Emma Felix Grace Hugo Iris Jack Kate Leo Maria Noah Olivia Paul Rosa Sam Tina Victor
Wendy Zoe Adam Bella Carlos Diana Erik Fatima George Hannah Ivan Julia Kevin Laura Mark Nina Oscar Petra Quentin Ruth
Simon Tara Ursula Vera William Yara Ahmed Chen Priya Yuki Amina Luca Sofia Mateo Elena Omar Leila Kenji Ingrid Lars
Marta Pedro Sven Dora Tom Lucy Max Ella Finn Mila Jonas Alice Henry Nora Peter Sarah Daniel Eva Martin Helen""".split()

LAST = """Smith Brown Miller Wilson Taylor Clark Lewis Walker Young King Wright Green Baker Hill Scott Adams Nelson
Carter Evans Turner Parker Cook Morgan Bell Bailey Cooper Reed Ward Gray Price Wood Ross Fisher Weber Klein Keller
Vogel Lang Rossi Silva Costa Novak Kowalski Jensen Larsen Berg Lind Tanaka Sato Kim Park Singh Patel Khan Hassan
Okafor Mensah Garcia Lopez Torres Rivera Moreau Dubois Laurent Marsh Stone Frost Wells""".split()

CITIES = """Paris Berlin Madrid Rome Vienna Oslo Dublin London Boston Chicago Tokyo Seoul Sydney Cairo Lima Lisbon
Prague Warsaw Athens Geneva Munich Hamburg Lyon Milan Naples Porto Seville Bergen Leeds York Oxford Toronto Denver
Dallas Austin Miami Kyoto Osaka Mumbai Delhi Nairobi Accra Quito Bogota Havana Perth Bern Basel Ghent Malmo Turin
Krakow Split Varna Riga Vilnius Tampere Aarhus Utrecht Dresden""".split()

PRODUCTS = """red shoes|blue jacket|green tea|coffee mug|desk lamp|wool scarf|rain coat|garden chair|water bottle|
running shoes|leather bag|wooden table|silk tie|straw hat|phone case|running shorts|winter boots|paper notebook|
fountain pen|bread knife|tea pot|wall clock|picture frame|bath towel|beach ball|sun hat|board game|toy train|
chess set|guitar strings|bike helmet|camping tent|sleeping bag|hiking boots|hand cream|olive oil|dark chocolate|
apple juice|lemon cake|orange jam|black socks|white shirt|grey sweater|yellow umbrella|bamboo basket|floor mat|
candle|backpack|keyboard|headphones|laptop stand|blanket|pillow|mirror|vase|teddy bear|puzzle|sunglasses|wallet|
belt|gloves|dress|jeans|hoodie|sandals|watch|ring|necklace|kettle|toaster|pan|bowl|spoon|honey|rice|bananas|apples""".replace("\n", "").split("|")

TOPICS = """opening hours|return policy|vegan recipes|blue shoes|used bikes|train times|summer hats|job offers|
parking|gift cards|solar panels|hiking trails|garden plants|local news|history books|science videos|wedding rings|
winter coats|cheap flights|piano lessons|yoga classes|cat food|dog toys|pasta recipes|chocolate cake|museum tickets|
road maps|shipping costs|student discount|privacy policy|size chart|contact form|wifi password|birthday cards|
wooden toys|white paint|camera lenses|kitchen tools|swimming pools|bus stops|free samples|old stamps|night trains|
apple pie|rose seeds|rain boots|board games|tax forms|moon phases|bird songs""".replace("\n", "").split("|")

MESSAGES = """I will be late|see you at noon|the meeting is moved|happy birthday|call me back|dinner is ready|
I am on my way|thank you for the flowers|please send the file|we won the game|the train is late|bring some bread|
good luck today|the door is open|I am at home|the order has arrived|can we meet tomorrow|the cake is great|
all tests passed|the report is done|lunch at one|I lost my keys|the cat is fine|see you on Friday|buy some milk|
it is raining here|the show starts at eight|we are waiting outside|I like the new page|the price is fine|
my phone is broken|the key is under the mat|come to the party|the bus was full|we need more paper""".replace("\n", "").split("|")

TITLES = """Morning Light|The Long Road|Blue Harbour|Winter Song|City of Glass|The Last Train|Green Hills|Quiet Water|
Dancing Bears|A Small House|Night Garden|Paper Boats|The Red Kite|Ocean Drive|Silver Moon|Wild Geese|The Old Mill|
First Snow|Summer Rain|Golden Hour|The Lost Key|Open Sky|Broken Clock|River Stones|Tiny Worlds|The Baker's Son|
Cloud Atlas Tour|Cooking with Rosa|How to Knit|Kittens at Play|Building a Shed|Desert Wind""".replace("\n", "").split("|")

_ONSET = "b br c ch d dr f fl g gr h j k l m n p pl qu r s sh sk st t tr v w z".split()
_VOWEL = "a e i o u ai ee oo ou ia".split()
_CODA = ["", "", "n", "r", "l", "m", "s", "t", "x", "nd", "rk", "sh", "ck"]


def invented(rng: random.Random) -> str:
    """A word that no one has seen, so that copying it is the only way to get it right."""
    return "".join(rng.choice(_ONSET) + rng.choice(_VOWEL) for _ in range(rng.randint(1, 2))) + rng.choice(_ONSET) + rng.choice(_VOWEL) + rng.choice(_CODA)


@functools.cache
def written() -> list[str]:
    """Every word that stands anywhere in this project's texts for training."""
    folder = pathlib.Path(__file__).parent.parent
    paths = [path for end in ("md", "txt", "py") for path in folder.rglob(f"*.{end}") if path.name != "smalltalk_eval.txt"]
    text = "\n".join(line for path in sorted(paths) for line in path.read_text("utf-8").splitlines() if not line.startswith(("- (eval)", "- (final)")))
    return sorted({word for word in re.findall(r"(?<![\w$@<.-])[A-Za-z][a-z]{1,10}(?![\w.-])", text)})


@functools.cache
def everyday() -> list[str]:
    """Those of them that are not kept for evaluation."""
    return [word for word in written() if not kept(word)]


def spliced(rng: random.Random) -> str:
    """The front of one word on the back of another. A tokenizer cuts a word differently with a space before it and
    without, so that copying it into quotes means spelling it; and words put together so show every pair of pieces."""
    while True:
        front, back = rng.choice(everyday()), rng.choice(everyday())
        word = front[: rng.randint(1, 4)] + back[-rng.randint(2, 5) :].lower()
        if not kept(word):
            return word


def fresh(value: str, rng: random.Random) -> str:
    """Another value of the same look that no pool holds: a name for a name, words for words; times and addresses stay.
    For training: a value met a hundred times is said by heart, and only one never met is truly copied."""
    from ..drills import common  # it imports this module

    if "@" in value:
        return (spliced(rng) if rng.random() < 0.5 else rng.choice(everyday())).lower() + value[value.index("@") :]
    if not all(c.isalpha() or c in " '" for c in value):
        return value

    def one(word: str) -> str:
        roll = rng.random()
        new = invented(rng) if roll < 0.25 else spliced(rng) if roll < 0.5 else rng.choice(everyday()) if roll < 0.7 else rng.choice(common())
        new = new[:1].upper() + new[1:] if word[:1].isupper() else new.lower()
        return new + "'s" if len(words) > 2 and rng.random() < 0.06 else new  # a mark inside of a value is not its end

    words = value.split()
    count = len(words) if words[0][:1].isupper() and len(words) < 3 else max(1, len(words) + rng.randint(-1, 1))
    whole = [one(words[min(i, len(words) - 1)]) for i in range(count)]
    # Now and then only a part is new, so that known and new words stand side by side.
    return " ".join(w if rng.random() < 0.75 or i >= len(words) else words[i] for i, w in enumerate(whole))


def kept(value: str) -> bool:
    """Whether this value is for evaluation only."""
    return held_out("value", value.lower(), one_in=8)


def word_from(pool: list[str], rng: random.Random, strange: float = 0.15) -> str:
    if rng.random() < strange:
        return invented(rng)
    return rng.choice(pool)


def person(rng: random.Random, full: float = 0.5) -> str:
    first = rng.choice(FIRST) if rng.random() < 0.9 else invented(rng).capitalize()
    if rng.random() < full:
        last = rng.choice(LAST) if rng.random() < 0.85 else invented(rng).capitalize()
        return f"{first} {last}"
    return first


def kept_name(name: str) -> bool:
    return any(kept(part) for part in name.split())
