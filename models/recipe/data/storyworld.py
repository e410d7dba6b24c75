"""Who, what and where: the word lists that stories.py builds its worlds from, split so that some are never trained on.

Read by stories.py and plots.py. The last eighth of each list (after a fixed shuffle) is held out: evaluation asks for
stories about exactly those.
"""
from __future__ import annotations

import random

_ANIMALS = """fox|bear|rabbit|mouse|owl|hedgehog|squirrel|frog|duck|cat|dog|horse|cow|pig|sheep|goat|hen|goose|swan|crow
sparrow|robin|turtle|snail|beetle|butterfly|bee|ant|spider|lizard|snake|fish|whale|dolphin|crab|seal|penguin|elephant
lion|tiger|monkey|giraffe|zebra|camel|donkey|deer|wolf|badger|mole|otter|beaver|raccoon|panda|koala|kangaroo|parrot
peacock|pelican|puppy|kitten|lamb|foal|duckling|chick|firefly|ladybird|grasshopper|octopus|starfish|moth|hamster|pony
magpie|heron|bat|toad|newt|weasel|llama|yak|moose|gull"""
_PEOPLE = """boy|girl|baker|farmer|fisherman|gardener|painter|teacher|doctor|sailor|carpenter|tailor|shepherd|postman
miller|cook|king|queen|prince|princess|knight|wizard|clockmaker|librarian|pilot|astronaut|musician|dancer|nurse
grandmother|grandfather|child|potter|blacksmith|shoemaker|inventor|lighthouse keeper|beekeeper|train driver|singer"""
_BEINGS = """robot|dragon|giant|fairy|elf|mermaid|unicorn|snowman|ghost|goblin|troll|teddy bear|wooden doll|little cloud
young star|toy soldier|scarecrow|tin robot|tiny dragon|old tree"""
_THINGS = """kite|ball|key|lantern|boat|drum|flute|bell|hat|scarf|button|map|book|letter|basket|cup|spoon|blanket|pillow
mirror|clock|candle|paintbrush|pencil|shell|feather|stone|seed|acorn|flower|rose|apple|pear|cake|pie|cookie|jar|pot
bucket|broom|ladder|rope|wagon|bicycle|sled|umbrella|coat|shoe|ribbon|ring|necklace|coin|box|chest|puzzle|toy train
paper boat|whistle|violin|guitar|piano|puppet|mask|crown|telescope|compass|magnet|balloon|sandcastle|snowball|pumpkin
carrot|strawberry|honey pot|teapot|quilt|rug|lamp|picture|photograph|notebook|backpack|suitcase|wheel|swing|tent|nest
egg|bone|leaf|pebble|pearl|marble|music box|birdhouse|garden gate|rocking horse|snow globe|wooden spoon|watering can"""
_PLACES = """in a small village by the sea|in a green forest|on a quiet farm|near a wide river|in a tall house on a hill|in a busy town
at the edge of a deep wood|in a warm valley|on a small island|beside a blue lake|under an old bridge|in a garden full of flowers
near the mountains|in a little cottage|by a slow stream|in a meadow|at the end of a long road|in a big city|near a windy beach
in a hollow tree|in a sunny orchard|behind the old mill|in a snowy land|on a boat|near a waterfall|in a quiet library
in a small shop|at the foot of a mountain|beside a pond|in a castle|in the desert|in a jungle|at the harbour|in a stone tower"""
_NAMES = """Mia:f|Tom:m|Lily:f|Ben:m|Anna:f|Max:m|Sara:f|Leo:m|Ella:f|Sam:m|Nora:f|Jack:m|Lucy:f|Tim:m|Rosa:f|Finn:m
Ivy:f|Otto:m|Zoe:f|Hugo:m|Ruby:f|Theo:m|Maya:f|Oscar:m|Clara:f|Felix:m|Daisy:f|Noah:m|Alma:f|Ravi:m|Hana:f|Emil:m
Poppy:f|Pip:m|Nina:f|Bruno:m|Willow:f|Omar:m|Luna:f|Kofi:m|Amy:f|Joe:m|Molly:f|Dan:m|Sue:f|Bob:m|Kate:f|Henry:m
Freya:f|Arlo:m|Mei:f|Ali:m|Tess:f|Gus:m|Olive:f|Milo:m|Ada:f|Karl:m|Hazel:f|Toby:m|Bella:f|Charlie:m|Emma:f|Peter:m"""
_ADJECTIVES = """small|little|young|brave|shy|kind|clever|curious|quiet|cheerful|gentle|lonely|proud|sleepy|hungry|careful
lazy|funny|patient|stubborn|dreamy|busy|friendly|tiny|clumsy|playful|thoughtful|grumpy"""
_LOOKS = """red|blue|yellow|green|golden|silver|old|new|shiny|wooden|tiny|big|bright|soft|beautiful|strange|special|broken
round|striped|white|purple|dusty|heavy|smooth|lovely"""
_FOODS = """warm soup|bread and honey|apple pie|berries|pancakes|cheese|hot chocolate|a big cake|cookies and milk|nuts
sweet plums|carrot stew|buns with jam|fresh bread|toast and tea|a bowl of porridge"""
_FEARS = """the dark|deep water|loud thunder|high places|the big dog next door|being alone|the old cellar|strangers|the wind at night
climbing|the school play|singing in front of others"""
_SKILLS = """swim|fly a kite|read|whistle|ride a bicycle|bake bread|paint|dance|play the flute|skate|climb trees|sew|tell jokes
count to one hundred|tie a knot|sing|row a boat|write letters|juggle|draw a horse"""
_WEATHER = """One sunny morning|One windy afternoon|One rainy day|One cold winter day|One bright spring day|On a foggy morning|One warm evening
On a quiet Sunday|Early one morning|One autumn day|After a long winter|One snowy night|The next summer"""


# Subjects for training alone: the more kinds of word the subject can be, the more it is read from the request.
_MORE = """teapot|violinist|chef|plumber|gecko|walrus|falcon|jellyfish|tractor|bus|helicopter|rocket|submarine|cactus|tulip|mushroom|potato
onion|lemon|banana|muffin|pancake|noodle|sandwich|sock|glove|jacket|sweater|mitten|helmet|hammer|saw|nail|screw|brick|window|door|chimney
roof|fence|bench|chair|table|sofa|cupboard|fridge|kettle|toaster|oven|radio|camera|telephone|computer|printer|calendar|stamp|envelope
ticket|passport|mason|explorer|detective|judge|mayor|janitor|barber|dentist|vet|firefighter|scientist|referee|juggler|acrobat|clown
pirate|viking|samurai|cowboy|shark|seahorse|lobster|shrimp|eel|salmon|trout|toucan|flamingo|stork|swallow|pigeon|hawk|eagle|vulture|ostrich
emu|buffalo|bison|antelope|gazelle|rhino|hippo|leopard|cheetah|panther|lynx|hyena|jackal|coyote|ferret|otterhound|poodle|mule|ox|ram
island|river|waterfall|volcano|glacier|cave|canyon|desert|rainbow|thunderstorm|snowflake|raindrop|icicle|shadow|echo|dream|wish|secret
song|poem|riddle|joke|holiday|birthday|picnic|parade|festival|race|game|match|school|hospital|museum|theatre|circus|zoo|bakery|station
bridge|tunnel|ladle|fork|plate|bowl|bottle|glass|candlestick|torch|battery|magnifying glass|hourglass|anchor|sail|oar|net|hook|raft"""


def _split(text: str, seed: int) -> tuple[list[str], list[str]]:
    words = [w.strip() for line in text.splitlines() for w in line.split("|") if w.strip()]
    random.Random(seed).shuffle(words)
    cut = len(words) - len(words) // 8
    return words[:cut], words[cut:]


def words_of(text: str) -> list[str]:
    return [w.strip() for line in text.splitlines() for w in line.split("|") if w.strip()]


ANIMALS, ANIMALS_HELD = _split(_ANIMALS, 1)
PEOPLE, PEOPLE_HELD = _split(_PEOPLE, 2)
BEINGS, BEINGS_HELD = _split(_BEINGS, 3)
THINGS, THINGS_HELD = _split(_THINGS, 4)
PLACES, PLACES_HELD = _split(_PLACES, 5)
NAMES = [tuple(n.split(":")) for n in words_of(_NAMES)]
ADJECTIVES, LOOKS, FOODS = words_of(_ADJECTIVES), words_of(_LOOKS), words_of(_FOODS)
FEARS, SKILLS, WEATHER = words_of(_FEARS), words_of(_SKILLS), words_of(_WEATHER)
_HELD = set(ANIMALS_HELD + PEOPLE_HELD + BEINGS_HELD + THINGS_HELD)
MORE = [w for w in words_of(_MORE) if w not in _HELD]
FIXED_GENDER = {"boy": "m", "girl": "f", "king": "m", "queen": "f", "prince": "m", "princess": "f", "grandmother": "f",
                "grandfather": "m", "fisherman": "m", "postman": "m", "hen": "f", "cow": "f", "mermaid": "f", "snowman": "m",
                "knight": "m", "wizard": "m"}
PRONOUNS = {"m": ("he", "him", "his", "himself"), "f": ("she", "her", "her", "herself")}
