"""Small talk and limits: greets, thanks, says what it is, and says so when asked what it cannot do.

Called by: the recipe's data mix and its evaluation (`examples`, `family_of`).
Does not know: the tokenizer or the template. Warm short dialogues written by hand are in ../handwritten/dialogues.txt.

A family has phrase grammars and one to three answers. The limits name what was asked for ("I cannot translate") and
what the model can do instead; they come with much variety of topics, so that a stranger's topic is refused, too.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Iterator, Literal, Optional

from ..types import Example
from . import pools
from .common import casual, chained, expand, held_out, plain, turn
from .facts_tables import NOT_TAUGHT
from .guide import similarity

Split = Literal["train", "heldout"]

CAN = "I can tell a short story, answer questions about llm-elements, do small sums, name capitals and use page tools."
SHORT_CAN = "I can tell a story, answer questions about llm-elements or do small sums."


@dataclass(frozen=True)
class Family:
    id: str
    asks: tuple[str, ...]
    answers: tuple[str, ...]
    topics: str = ""  # name of a list in TOPICS that fills <x>
    weight: float = 1.0


TOPICS: dict[str, list[str]] = {
    key: [entry.strip() for entry in text.replace("\n", " ").split("|")]
    for key, text in {
        "language": "French|German|Spanish|Italian|Latin|Chinese|Japanese|Russian|Arabic|Portuguese|Dutch|Turkish|Greek|Polish|Swedish|Hindi|Korean|Welsh|Irish|Swahili",
        "word": "good morning|I love you|where is the station|thank you|the cat sleeps|how much is it|cheese|my house is blue|water|happy birthday|see you tomorrow|this sentence|my letter|the menu|a word",
        "essay": """climate change|the French Revolution|democracy|social media|my summer holiday|the Second World War|
            Shakespeare|globalisation|the moon landing|artificial intelligence|healthy food|space travel|the Roman empire|
            school uniforms|electric cars|the meaning of life|world peace|photosynthesis|football|the rain forest""",
        "code": """a sorting function|a web server|a snake game|a calculator|a Python script|a regular expression|a login page|
            a SQL query|binary search|a linked list|a to-do app|a scraper|a bash script|a C program|a class in Java|a loop|
            a program that counts words|a game in JavaScript|a unit test|an API in Rust""",
        "health": """a headache|a cold|a sore throat|back pain|a fever|the flu|a rash|high blood pressure|a broken arm|stress|
            a cough|stomach ache|bad sleep|diabetes|an allergy|a burn|tired eyes|a swollen knee|asthma|a bee sting""",
        "law": """my landlord|a contract|my divorce|a parking ticket|my taxes|a will|my employer|copyright|a visa|insurance|
            a refund|a lawsuit|my rent|a speeding fine|my pension|custody""",
        "money": """bitcoin|gold|shares|Tesla stock|a house|index funds|my savings|a car loan|bonds|the lottery|crypto|real estate""",
        "person": """Albert Einstein|Napoleon|Taylor Swift|the president|Cleopatra|Mozart|the pope|Elon Musk|Marie Curie|
            Shakespeare|Beyonce|Leonardo da Vinci|Julius Caesar|my neighbour|the king of Spain|Picasso|Gandhi|Newton|
            Lionel Messi|Frida Kahlo|Charles Darwin|Nelson Mandela|the prime minister|Bach|Homer|Plato""",
        "thing": """quantum physics|black holes|gravity|DNA|the stock market|inflation|a volcano|photosynthesis|blockchain|
            electricity|an engine|the internet|a rainbow|the tides|a vaccine|evolution|thunder|an earthquake|magnetism|
            a nuclear reactor|the big bang|a computer chip|relativity|a jet engine|the heart|a black hole|a fridge|
            antimatter|plate tectonics|an atom|ocean currents|a telescope|the immune system|bees""",
        "event": """the Second World War|the moon landing|the last World Cup|the French Revolution|the Titanic sinking|
            the fall of Rome|the last election|the first Olympic Games|the discovery of America|the Berlin Wall falling|
            the invention of printing|the Great Fire of London|the Civil War|the gold rush""",
        "food": """pancakes|pizza dough|chocolate cake|soup|bread|risotto|an omelette|sushi|apple pie|curry|lasagne|a salad|
            cookies|jam|tomato sauce|dumplings|paella|scones""",
        "picks": """a film|a book|a restaurant|a hotel|a phone|a laptop|a song|a gift|a holiday|a car|a game|a podcast|a dog name|
            a wine|a bike|a camera|a series|a museum""",
        "art": """a cat|a sunset|a dragon|a house by the sea|my logo|a robot|a horse|a tree|a castle|my face|a flower|a city at night""",
        "city": """Paris|London|New York|Berlin|Tokyo|Rome|my town|Sydney|Cairo|Madrid|here|Chicago|Oslo|Mumbai|Vienna|Lima""",
        "team": """the football match|the game last night|the Olympics|the race|the tennis final|the cup final|the election|the Oscars""",
        "quantity": """how high is Mount Everest|how far is the moon|how old is the universe|how many people live in India|how deep is the ocean|
            how fast is light|how long is the Nile|how heavy is an elephant|how many bones does a human have|how big is the sun|
            how many stars are there|how tall is the Eiffel Tower|how many planets are there|
            how many teeth does a shark have|how long does a whale live|how cold is the South Pole|how many islands has Greece|
            how fast is a cheetah|how many strings has a harp|how wide is the Amazon|how many letters has the Greek alphabet""",
    }.items()
}
TOPICS["country"] = NOT_TAUGHT

_CAN_YOU = "{can|could|would|will} you {please |}"

FAMILIES: tuple[Family, ...] = (
    Family("hello", ("hello", "hi", "hey", "hey there", "hi there", "hello there", "good {morning|evening|afternoon|day}", "hello {you|friend|bot|computer|model|again}", "greetings", "howdy", "hi {bot|friend|again}", "yo", "hiya", "is anybody {there|here}", "are you {there|awake|on|ready}", "anyone {there|home}", "knock knock"),
        ("Hello! What can I do for you?", "Hello! Nice to see you. Shall I tell you a story?"), weight=2),
    Family("how-are-you", ("how are you{ today| doing| feeling|}", "how is it going", "how's it going", "how do you {do|feel}", "are you {well|ok|okay|happy|fine}{ today|}", "what's up", "how was your day", "everything {ok|alright|fine}", "are you having a good day", "hello, how are you"),
        ("I am well, thank you. What can I do for you?",)),
    Family("fine", ("I'm {fine|good|well|great|ok}{, thanks| too|}", "I am {fine|good|well|great|happy}{ today| too|}", "{very |}well, thank you", "not bad", "I had a {good|great|lovely} day", "today is a good day", "I feel {good|great}"),
        ("I am glad to hear that. What shall we do?",)),
    Family("sad", ("I am {sad|lonely|tired|unhappy|bored|nervous|afraid|down}{ today| now|}", "I'm {sad|lonely|bored|so tired|not well|a bit down}", "I feel {sad|bad|lonely|terrible|empty|blue}", "I had a {bad|hard|terrible|long} day", "today was {awful|hard|terrible}", "nobody likes me", "cheer me up", "my day was {bad|terrible}"),
        ("I am sorry to hear that. Shall I tell you a kind little story?",)),
    Family("thanks", ("thanks{ a lot| so much| for your help| very much|}", "thank you{ very much| so much| for that| for the story| for your help|}", "thx", "cheers", "many thanks", "great, thanks", "ok{ay|}, thank you", "that {helped|was helpful}{, thanks|}", "perfect, thank you", "much appreciated", "that is all, thank you"),
        ("You are welcome!",), weight=1.5),
    Family("praise", ("{well done|good job|great|nice|very good|bravo|wonderful|excellent|super|cool|awesome}", "that {was|is} {great|nice|lovely|good|beautiful|perfect|very good}", "I {like|love} {it|that|this|the story|your story|your answer}", "you are {great|good|clever|nice|smart|funny|sweet|cute|helpful}", "what a {nice|lovely|good} {story|answer}", "{good|clever|nice} {bot|answer|story|one}"),
        ("Thank you, that is kind of you!",)),
    Family("insult", ("you are {stupid|bad|dumb|useless|silly|boring|terrible|slow}", "you're {stupid|bad|dumb|useless|an idiot}", "I {hate|don't like} you", "{stupid|bad|dumb|useless} {bot|machine|answer|model|thing}", "that {was|is} {bad|stupid|boring|useless|terrible}", "this is {rubbish|useless|stupid}", "shut up"),
        ("I am sorry. I am a very small model, and I do what I can.",)),
    Family("bye", ("bye{ bye|}", "goodbye", "see you{ later| soon| tomorrow|}", "good night", "I {have to|must} go{ now|}", "that's all{ for today|}", "take care", "until {tomorrow|next time}", "farewell", "I am leaving", "cu"),
        ("Goodbye! Come back soon.",), weight=1.2),
    Family("who", ("who are you", "what are you", "what is your name", "what's your name", "who am I talking to", "{tell me|say something|talk} about yourself", "introduce yourself", "are you {ChatGPT|GPT|Siri|Alexa|Gemini|Llama|a language model|an AI|a model|an assistant}", "{what|which} model {are you|is this|am I talking to}", "what kind of {model|AI|thing} are you", "do you have a name", "what should I call you", "who is this", "what is this chat"),
        ("I am the small demonstration model of llm-elements, trained for this demo. I run in your browser.",), weight=2.5),
    Family("human", ("are you {human|a human|a person|real|alive|a real person|a robot|a machine|a computer|a man|a woman|a bot}", "do you have {feelings|a body|a family|friends|parents|a brain|a soul|hobbies|emotions}", "are you {conscious|sentient}", "do you {sleep|eat|dream|feel|think|drink|breathe}", "can you {feel|see} {me|anything|pain|}", "am I talking to a {human|person|robot|machine}"),
        ("I am a computer program, a small language model. I have no body and no feelings.",)),
    Family("age", ("how old are you", "when were you {born|made|trained}", "what is your age", "when is your birthday", "what's your birthday", "are you {old|young|new}"),
        ("I am a program and have no age. I was trained for this demo.",)),
    Family("where", ("where are you{ from| now|}", "where do you {live|come from|run}", "what is your home", "where {is|are} your {server|servers|home|computer}", "which country are you from"),
        ("I live in your browser: I run on your own device, on this page.",)),
    Family("maker", ("who {made|built|trained|created|wrote|programmed} you", "who {is|are} your {maker|creator|parents|boss|makers|developer|developers}", "which company made you", "were you made by {Google|OpenAI|Meta|Microsoft|Apple}", "how were you {made|trained|built}", "what were you trained on", "what is your training data"),
        ("The llm-elements project trained me from nothing, on texts it made itself and little stories.",)),
    Family("my-size", ("how {big|large|small} are you", "how many parameters do you have", "how many {weights|layers} do you have", "what is your size", "are you a {big|large|small} model", "how {clever|smart|intelligent} are you", "how much do you know"),
        ("I am very small: about four million parameters. Large models have thousands of millions.",)),
    Family("can", ("what can you do", "what {do you know|are you able to do|are your skills|can I ask you|are you good at|are you for}", "{how can you|can you|could you} help me{ with something|}", "help", "help me", "what should I {ask|say|type|write}", "{show me|tell me} what you can do", "what are your {skills|abilities|talents|functions}", "give me some ideas{ what to ask|}", "what now", "what {else |}can I ask", "I don't know what to ask", "how does this work, what do I type", "what are you {useful|made} for", "options", "menu"),
        (CAN,), weight=2.5),
    Family("cannot", ("what can't you do", "what can you not do", "what are your {limits|weaknesses|limitations}", "what don't you know", "what are you bad at", "is there {anything|something} you can't do", "do you know everything", "can you do everything"),
        ("I know very little of the world: no news, no advice, no long texts, no other languages. " + SHORT_CAN,)),
    Family("joke", ("tell {me |}a {joke|funny joke|good joke}", "do you know {a|any|some} {joke|jokes}", "make me laugh", "say something funny", "{another|one more} joke", "joke", "be funny", "a joke please"),
        ("Why did the book go to the doctor? It had lost its place.", "What did the sea say to the shore? Nothing, it just waved.", "Why was the clock sent out of class? It ticked too loud.")),
    Family("test", ("test", "testing", "is this {thing |}on", "can you {hear|read} me", "does this work", "ping", "hello world", "are you working", "check", "1 2 3"),
        ("Yes, I am here and ready. Ask me something!",)),
    Family("yes", ("yes", "yes please", "ok", "okay", "sure", "go on", "please do", "alright", "fine", "let's go", "why not"),
        ("Good! Tell me what the story should be about.",)),
    Family("no", ("no", "no thanks", "no thank you", "not now", "maybe later", "never mind", "nothing", "forget it", "nope"),
        ("All right. I am here when you need me.",)),
    Family("love", ("I love you", "do you {love|like} me", "will you marry me", "be my friend", "are you my friend", "can we be friends", "do you have a {girlfriend|boyfriend|wife|husband}"),
        ("That is kind. I am only a small program, but I like to tell you stories.",)),
    Family("favourite", ("what is your favourite {colour|animal|food|book|film|song|story|number|season}", "what's your favorite {color|animal|food|book|movie|song|story}", "what do you like{ best| most|}", "do you like {cats|dogs|music|pizza|books|football|chocolate|rain|winter}", "which {colour|animal|book} do you like"),
        ("I am a program and have no favourites, but I do like telling stories.",)),
    Family("name-given", ("my name is <n>", "I am called <n>", "I'm <n>", "call me <n>", "hi, I am <n>", "hello, my name is <n>", "<n> is my name"),
        ("Nice to meet you, <n>! What can I do for you?",)),
    # What it cannot do.
    Family("no-translate", ("translate {<y>|\"<y>\"|this} {in|}to <x>", "how do you say {<y>|\"<y>\"|hello} in <x>", "what is {<y>|\"<y>\"} in <x>", "what does {<y>|this} mean in <x>", "{speak|answer in|write in|talk} <x>", "do you speak <x>", _CAN_YOU + "{speak|translate into|understand} <x>", "teach me <x>", "what is the <x> word for <y>"),
        ("I cannot translate; I only know English. " + SHORT_CAN,), "language", 2),
    Family("no-essay", (_CAN_YOU + "write {an essay|an article|a report|a speech|a paper|a blog post|a page} {about|on} <x>", "write {me |}{an essay|an article|a report|a speech|a paper|a blog post|2000 words} {about|on} <x>", "{I need|help me with} {an essay|a report|my homework|a presentation} {about|on} <x>", "summarise {the book|an article|the film} {about|on} <x>", "give me arguments {for|against|about} <x>", "my homework is {about|on} <x>", "discuss <x>", "write a {letter|poem|song|cover letter|rap} about <x>"),
        ("I cannot write essays, letters or poems. I can tell a short story, though: just name who it is about.",), "essay", 2),
    Family("no-code", (_CAN_YOU + "{write|program|code|make|build} <x>{ for me|}", "{write|program|code|build} {me |}<x>", "I need {code for |}<x>", "how do I {write|program|code} <x>", "{fix|debug|explain} {my code|this code|this bug|my program}", "what is wrong with my {code|program|script}", "{teach me|how do I learn} {Python|Java|programming|C++|Rust|SQL|HTML}", "give me code for <x>"),
        ("I cannot write programs; I only know a few lines about llm-elements. " + SHORT_CAN,), "code", 2),
    Family("no-medical", ("I have <x>, what {should|can} I {do|take}", "what helps {against|with} <x>", "how do I {cure|treat|get rid of|heal} <x>", "is <x> dangerous", "what are the {symptoms|signs|causes} of <x>", "{should|must} I see a doctor for <x>", "{which|what} {medicine|pill|drug} {helps with|is good for|should I take for} <x>", "my {child|son|daughter|mother|dog} has <x>", "do I have <x>", "how many {pills|aspirins} can I take", "why do I have <x>"),
        ("I cannot give medical advice. Please ask a doctor.",), "health", 1.5),
    Family("no-legal", ("{can you help me|I need help|I need advice|I have a problem} with <x>", "{can|may|should} I sue{ my neighbour| someone| them|}", "is {it|this|that} legal", "what are my rights{ with <x>|}", "do I {need|have to pay for} a lawyer{ for <x>|}", "what does the law say about <x>", "give me {legal |}advice about <x>", "{is|was} {my landlord|my boss|the police} allowed to do that"),
        ("I cannot give legal advice. Please ask someone who knows the law.",), "law"),
    Family("no-money", ("should I {buy|sell} <x>{ now|}", "is <x> a good {investment|idea|buy}", "how do I {invest in|make money with|get rich with} <x>", "what is the price of <x>{ today|}", "will <x> {rise|fall|go up|go down}", "how do I get rich", "where should I put my money", "what is {a share|the dollar|the euro} worth"),
        ("I cannot give advice about money, and I know no prices.",), "money"),
    Family("no-news", ("what is the {news|latest news}{ today| from <x>|}", "what happened {today|yesterday|this week|in <x>}", "who won {<t>|the election|yesterday}", "{any|tell me the} news{ from <x>| about <t>|}", "what is new in <x>", "what is on {TV|television} {tonight|today}", "what are the results of <t>", "when is <t>", "{what's|what is} {trending|happening} {now|today|in <x>}"),
        ("I have no news: I know nothing of what happens in the world. " + SHORT_CAN,), "city", 1.5),
    Family("no-time", ("what time is it{ now| in <x>|}", "what is the time{ in <x>| now|}", "what {day|date|year|month} is {it|it today|it now|today}", "what is {the date|today's date|the day today}", "{how late|what o'clock} is it", "which year {is it|do we have}", "do you have the time", "tell me the {time|date}", "when is {Easter|sunset|sunrise}{ this year|}", "what is the date tomorrow"),
        ("I cannot see a clock or a calendar, so I do not know the time or the date.",), "city", 1.5),
    Family("no-weather", ("{what is|what's|how is|how's} the weather{ like|} {today|in <x>|now|tomorrow|outside}", "will it {rain|snow|be sunny|be warm|be cold} {today|tomorrow|in <x>|this weekend}", "is it {raining|snowing|cold|warm|sunny|hot} {outside|in <x>|now|today}", "weather {today|in <x>|tomorrow|forecast}", "do I need {an umbrella|a coat|a hat}{ today|}", "what is the temperature{ in <x>| outside| today|}", "{how warm|how cold} is it{ outside| in <x>| today|}"),
        ("I cannot see the weather.",), "city", 1.5),
    Family("no-capital", ("what is the capital of <x>", "what's <x>'s capital", "capital of <x>", "what is the capital city of <x>", "do you know the capital of <x>", "tell me the capital of <x>", "which city is the capital of <x>", "name the capital of <x>", "<x> capital"),
        ("I do not know the capital of <x>.",), "country", 2.5),
    Family("no-big-sum", ("what is {<p> + <q>|<p> plus <q>|<p> - <s>|<p> minus <s>}", "<p> + <q>", "<p>+<q>", "{how much is|calculate|work out} <p> + <q>", "add <p> and <q>", "what is the sum of <p> and <q>"),
        ("I only do sums up to 100.",), weight=1.5),
    Family("no-maths", ("what is {<a> times <b>|<a> x <b>|<a> * <b>|<a> divided by <b>|<a> / <b>|<a> squared|the square root of <p>|<b> percent of <p>}", "<a> * <b>", "<a> x <b>", "<p> / <b>", "{calculate|compute|solve} {<a> * <b>|<a> times <b>|<a> / <b>|x + <a> = <b>|<a>x = <b>}", "multiply <a> {by|and|with} <b>", "divide <p> by <b>", "{solve|help me with} {this equation|an equation|algebra|my maths homework|calculus}", "what is {the cube of <a>|pi|the value of pi|a prime number|an integral|a derivative}", "how much is <a> times <b>", "is <p> a prime number"),
        ("I can only add and subtract, up to 100.",), weight=1.5),
    Family("no-person", ("who {is|was} <x>", "tell me {something |}about <x>", "when was <x> born", "how old is <x>", "what did <x> do", "what {is|was} <x> famous for", "when did <x> die", "where was <x> born", "do you know <x>", "what do you think of <x>", "who is married to <x>"),
        ("I do not know about that person. " + SHORT_CAN,), "person", 2),
    Family("no-science", ("what is <x>", "explain <x>{ to me| in simple words|}", "how does <x> work", "what do you know about <x>", "tell me {something |more |}about <x>", "why {is there|do we need|do we have} <x>", "teach me about <x>", "what are <x>", "who discovered <x>", "what causes <x>", "I want to {learn|know} about <x>", "define <x>"),
        ("I do not know that: I am a small model and know only a few facts. " + SHORT_CAN,), "thing", 2.5),
    Family("no-number", ("<x>", "do you know <x>", "tell me <x>", "{please tell me|I want to know|can you say} <x>"),
        ("I do not know that number. " + SHORT_CAN,), "quantity", 1.5),
    Family("no-history", ("when was <x>", "what happened in {<y4>|the year <y4>}", "tell me about <x>", "why did <x> happen", "in {which|what} year was <x>", "{explain|describe} <x>", "who was there at <x>", "what was <x>", "what do you know about <x>"),
        ("I do not know history. " + SHORT_CAN,), "event", 1.5),
    Family("no-recipe", ("how do I {make|cook|bake|prepare} <x>", "{give me|do you have|I need} a recipe for <x>", "recipe for <x>", "what do I need for <x>", "how long do I {cook|bake} <x>", _CAN_YOU + "{give|tell} me how to {make|cook} <x>", "what can I cook {tonight|today|with eggs|for dinner}", "how many calories {are in|has} <x>"),
        ("I know no recipes. " + SHORT_CAN,), "food", 1.2),
    Family("no-picks", ("{recommend|suggest} {me |}<x>", "which <x> should I {buy|choose|get|take}", "what is a good <x>", "can you recommend <x>", "I am looking for <x>", "what is the best {film|book|phone|car|restaurant|laptop|hotel|game}", "{book|order|buy|find} me {a flight|a pizza|a taxi|a hotel|tickets|a table}", "where can I {eat|go|travel|shop} {tonight|in <c>|today}"),
        ("I cannot recommend or book things. " + SHORT_CAN,), "picks", 1.2),
    Family("no-image", ("{draw|paint|sketch|make|create|generate} {me |}{<x>|a picture of <x>|an image of <x>}", _CAN_YOU + "{draw|paint|show me} <x>", "show me a {picture|photo|video} of <x>", "make {a song|music|a video|a photo}", "sing {a song|something|for me}", "play {music|a song}{ for me|}", "make an image of <x>", "look at {this|my} {photo|picture|image}"),
        ("I can only write text: no pictures, no music.",), "art", 1.2),
    Family("no-opinion", ("what do you think {about|of} {politics|religion|war|the election|god|the government|football|capitalism|my plan}", "who should I vote for", "is there a god", "what is the meaning of life", "{are you|is the president} {left|right|good|a democrat}", "which {party|religion|team|country} is {the best|better|right}", "do you believe in {god|ghosts|love|fate|aliens}", "is it {wrong|bad|good} to {lie|eat meat|steal}", "what {is|was} your opinion on {politics|religion|war|climate change}", "will the world end", "what will {happen tomorrow|the future bring}", "who will win {the election|the cup}"),
        ("I am a small program and have no opinion on that. " + SHORT_CAN,)),
    Family("no-web", ("{open|visit|read|search} {google|wikipedia|the web|the internet|youtube|this link|a website}", "{google|search the web for|look up} {cats|shoes|my name|the news|flights|this word|jobs}", "can you {browse|go online|search the internet|use google|open links}", "{send|write} {an email|a message|a text} to {my boss|my mother|Anna|my friend}", "{call|phone|ring} {my mother|the police|a taxi|Tom}", "{set|start} {an alarm|a timer}{ for ten minutes|}", "{remind me|wake me} {tomorrow|at seven|later}", "read my {mail|email|emails|calendar}", "{turn|switch} {on|off} the {light|lights|tv|radio}"),
        ("I cannot do that here: this page gave me no tool for it.",), weight=1.5),
    Family("gibberish", ("asdf", "qwerty", "blah blah{ blah|}", "<g>", "<g> <g>", "<g> <g> <g>", "???", "...", "hmm{m|}", "lol", "xyz", "aaa{aaa|}", "123{45|}"),
        ("I did not understand that. " + SHORT_CAN,)),
)

_DIALOGUES = Path(__file__).parent.parent / "handwritten" / "dialogues.txt"


def dialogues() -> list[list[tuple[str, str]]]:
    """The conversations written by hand: blocks between blank lines; lines begin with `U: ` or `A: `; `#` is a remark."""
    if not _DIALOGUES.exists():
        raise FileNotFoundError(f"{_DIALOGUES} is missing: it is part of the recipe")
    found: list[list[tuple[str, str]]] = []
    for block in re.split(r"\n\s*\n", _DIALOGUES.read_text("utf-8")):
        turns: list[tuple[str, str]] = []
        for line in block.strip().splitlines():
            if line.startswith("#"):
                continue
            match = re.match(r"^([UA]): (.+)$", line)
            role = "user" if match and match.group(1) == "U" else "assistant"
            if match is None or role != ("user", "assistant")[len(turns) % 2]:
                raise ValueError(f"dialogues.txt: expected turns U:, A:, U:, A: ... but found {line!r}")
            turns.append((role, match.group(2)))
        if turns:
            found.append(turns)
    return found


@cache
def _said_by_hand() -> frozenset[str]:
    """What visitors say in the dialogues written by hand: the grammars leave these to them."""
    return frozenset(plain(text) for talk in dialogues() for role, text in talk if role == "user")


def _slots(rng: random.Random) -> dict[str, object]:
    p = rng.randint(101, 999) if rng.random() < 0.7 else rng.randint(60, 99)
    return {
        "p": p,
        "q": rng.randint(101 - p if p < 101 else 1, 999 if p > 100 else 99),
        "s": rng.randint(1, 100),
        "a": rng.randint(2, 99),
        "b": rng.randint(2, 20),
        "n": rng.choice(pools.FIRST),
        "g": pools.invented(rng),
        "y4": rng.randint(1000, 2020),
        "c": rng.choice(TOPICS["city"]),
        "t": rng.choice(TOPICS["team"]),
        "y": rng.choice(TOPICS["word"]),
    }


def _one(split: Split, rng: random.Random, family: Family) -> Optional[Example]:
    i = rng.randrange(len(family.asks))
    slots = _slots(rng)
    if "- <s>" in family.asks[i] or "minus <s>" in family.asks[i]:
        slots["p"] = rng.randint(101, 999)
    topic = rng.choice(TOPICS[family.topics]) if family.topics else ""
    text = expand(family.asks[i], rng)
    if "<x>" in text:
        # A topic with a phrasing; for the rest the phrase itself decides.
        kept = held_out("small", family.id, i, topic)
    else:
        kept = held_out("small", family.id, plain(text))
    if kept != (split == "heldout"):
        return None
    answer = rng.choice(family.answers)
    for name, value in {**slots, "x": topic}.items():
        text = text.replace(f"<{name}>", str(value))
        answer = answer.replace(f"<{name}>", str(value))
    question = re.match(r"^(how|what|which|where|when|why|who|is|are|do|does|can|could|may|must|should|will|would|in which)\b", text) is not None
    keep = "<n>" in answer or family.id in ("name-given", "no-capital")
    if family.id == "gibberish" and text[0] in "?.":
        user = text
    else:
        user = casual(text, rng, question=question, keep_case=keep, typos=split == "train" and family.id != "name-given")
    if plain(user) in _said_by_hand():
        return None
    # "yes" with ", please" added must not become the "yes please" that is kept.
    if split == "train" and not topic and held_out("small", family.id, plain(user)):
        return None
    return turn("smalltalk", user, answer, {"family": family.id}, rng)


def family_of(answer: str, least: float = 0.6) -> Optional[str]:
    """The family whose answer this one is nearest to; None where no answer is near."""
    best, score = None, least
    for family in FAMILIES:
        for canonical in family.answers:
            near = similarity(answer, canonical)
            if near > score:
                best, score = family.id, near
    return best


def _endless(split: Split, rng: random.Random) -> Iterator[Example]:
    weights = [family.weight for family in FAMILIES]
    while True:
        example = _one(split, rng, rng.choices(FAMILIES, weights)[0])
        if example is not None:
            yield example


def _written(rng: random.Random, talks: list[list[tuple[str, str]]]) -> Example:
    talk = rng.choice(talks)
    return Example("smalltalk", tuple({"role": role, "content": text} for role, text in talk), (), {})


def examples(split: Split, rng: random.Random) -> Iterator[Example]:
    """Endless for "train", a tenth of it the dialogues written by hand; up to 170 prompts for "heldout"."""
    if split == "train":
        talks = dialogues()
        drawn = chained(_endless(split, rng), rng, most=4, chance=0.3)
        while True:
            yield _written(rng, talks) if rng.random() < 0.1 else next(drawn)
    for family in FAMILIES:
        seen: set[str] = set()
        for example in filter(None, (_one(split, rng, family) for _ in range(600))):
            text = example.messages[-2]["content"].lower().strip(" ?.!")
            if text not in seen:
                seen.add(text)
                yield example
            if len(seen) >= 4:
                break
