"""The page tools the default model is trained with: names, descriptions, parameters and ways to ask.

Called by: tools.py. Edited by hand.
Does not know: how calls are checked or which combinations are held out.

A family is one thing a page can do. Its tool's name, description and parameter names vary between examples, so that
the model must read them from the list instead of knowing them. In an enum, each value lists the words people use
for it; None means the value itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Optional, Union
import random

from . import pools

Maker = Callable[[random.Random], object]


@dataclass(frozen=True)
class Param:
    names: tuple[str, ...]
    values: Union[dict[str, Optional[tuple[str, ...]]], Maker]
    integer: bool = False
    optional: bool = False


@dataclass(frozen=True)
class Family:
    id: str
    names: tuple[str, ...]
    about: tuple[str, ...]
    params: dict[str, Param]  # slot -> parameter
    asks: tuple[str, ...]  # a request that leaves an optional slot out leaves the argument out
    done: str  # the sentence after {"ok": true}; <slot> as in asks
    results: tuple[tuple[dict, str], ...] = ()  # other results and what to say; {key} from the result


def _enum(names: str, values: str, **kw: bool) -> Param:
    """'dark=dark,night light=light,day' or plain words."""
    table: dict[str, Optional[tuple[str, ...]]] = {}
    for entry in values.split(" "):
        value, _, words = entry.partition("=")
        table[value] = tuple(word.replace("_", " ") for word in words.split(",")) if words else None
    return Param(tuple(names.split()), table, **kw)


def _text(names: str, pool: list[str], strange: float = 0.15, **kw: bool) -> Param:
    return Param(tuple(names.split()), lambda rng: pools.word_from(pool, rng, strange), **kw)


def _number(names: str, low: int, high: int, **kw: bool) -> Param:
    return Param(tuple(names.split()), lambda rng: rng.randint(low, high), integer=True, **kw)


def _person(names: str) -> Param:
    return Param(tuple(names.split()), lambda rng: pools.person(rng, 0.3))


def _time(rng: random.Random) -> str:
    return f"{rng.randint(7, 22)}:{rng.choice(['00', '15', '30', '45'])}"


def _email(rng: random.Random) -> str:
    host = rng.choice(["example.com", "mail.org", "post.net", f"{pools.invented(rng)}.com"])
    return f"{rng.choice(pools.FIRST).lower()}@{host}"


_P = "{please |can you |could you |would you |I want you to |}"

FAMILIES: tuple[Family, ...] = (
    Family("theme", ("set_theme", "change_theme", "switch_theme", "setTheme", "use_theme"),
        ("Switch the page's colours", "Choose the colour theme of the page", "Change how the page looks", "Light or dark colours"),
        {"v": _enum("theme mode value scheme", "light=light,bright,day dark=dark,night")},
        (_P + "switch to {the |}<v> {mode|theme|colours}", _P + "{use|turn on|activate|enable} {the |}<v> {mode|theme|colours}", "I {want|prefer|would like} {a |the |}<v> {theme|mode|page}", "make {the page|it|everything} <v>", "<v> {mode|theme}", "go <v>", _P + "{change|set} the theme to <v>", "can I have {this|the page} in <v> {mode|colours}"),
        "The page is in <v> mode now."),
    Family("language", ("set_language", "change_language", "switch_language", "setLanguage", "use_language"),
        ("Change the language of the page", "Choose the page's language", "Show the page in another language"),
        {"v": _enum("language lang locale", "en=English de=German fr=French es=Spanish it=Italian pt=Portuguese ja=Japanese ar=Arabic zh=Chinese nl=Dutch")},
        (_P + "{show|give me} {the page|this site|everything} in <v>", _P + "{switch|change} {the language |}to <v>", "I {want|would like} to read this in <v>", "<v>", "set {the |}language to <v>", "is there a <v> version", "in <v>"),
        "The page is in <v> now."),
    Family("scroll", ("scroll_to", "scroll_page", "go_to_section", "scrollTo", "jump_to"),
        ("Scroll to a part of the page", "Move to a section of this page", "Jump to a part of the page"),
        {"v": _enum("target section position place", "top=top,start,beginning bottom=bottom,end pricing=pricing,prices contact=contact,contact_details reviews=reviews comments=comments faq=FAQ,questions")},
        (_P + "scroll {down |up |}to the <v>{ section|}", _P + "{take me|go|jump} to the <v>{ section| part|}", "where {is|are} the <v> {on this page|}", "bring me to the <v>", "show me the <v> part", "move to the <v>"),
        "Here is the <v> section."),
    Family("open_page", ("open_page", "go_to_page", "navigate", "openPage", "visit_page"),
        ("Open another page of this site", "Go to a page of the site", "Navigate to a page"),
        {"v": _enum("page name to path", "home=home,start about=about,about_us shop=shop,store blog=blog help=help,support cart=cart,basket account=account,my_account login=login,sign_in careers=careers,jobs")},
        (_P + "open the <v> page", _P + "{go|take me|bring me|navigate} to the <v> page", "I want to see the <v> page", "visit <v>", "<v> page", "where is the <v> page"),
        "The <v> page is open."),
    Family("search", ("search_site", "search", "find_on_site", "searchPages", "site_search"),
        ("Search this site", "Find pages on this site", "Look for something on the site"),
        {"v": _text("query text words q", pools.TOPICS)},
        (_P + "search {the site |}for <v>", _P + "{look for|find} <v> {on this site|here|}", "I am looking for <v>", "do you have {anything about|something on} <v>", "where can I find <v>", "search <v>", "is there {something|anything} about <v> {here|}", "I need to know about <v>"),
        "I searched for <v>.", (({"found": 3}, "I found {found} results for <v>."), ({"found": 12}, "I found {found} results for <v>."), ({"found": 0}, "I found nothing for <v>."))),
    Family("cart", ("add_to_cart", "put_in_basket", "addToCart", "add_item", "buy_product"),
        ("Put a product in the cart", "Add a product to the basket", "Add something to the shopping cart"),
        {"v": _text("product item name", pools.PRODUCTS), "n": _number("quantity count amount", 2, 20, optional=True)},
        (_P + "{add|put} <n> <v> {to|in} {the|my} {cart|basket}", "I {want|would like|'ll take|need} <n> <v>", "{buy|order} <n> <v>", _P + "{add|put} the <v> {to|in} {the|my} {cart|basket}", "I {want|would like} to buy the <v>", "{buy|order} the <v>", "<v> into the {cart|basket}"),
        "The <v> is in your cart."),
    Family("cart_remove", ("remove_from_cart", "delete_item", "take_out_of_basket", "removeItem"),
        ("Take a product out of the cart", "Remove a product from the basket"),
        {"v": _text("product item name", pools.PRODUCTS)},
        (_P + "{remove|take|delete} the <v> {from|out of} {the|my} {cart|basket}", "I {do not|don't} want the <v> {any more|anymore}", "{no|drop the} <v>{ after all|}", "{remove|delete} <v>"),
        "The <v> is out of your cart."),
    Family("volume", ("set_volume", "change_volume", "volume", "setVolume", "sound_level"),
        ("Set the volume of the player, 0 to 100", "Change how loud the sound is", "Set the sound level in percent"),
        {"v": _number("level volume percent value", 0, 100)},
        (_P + "{set|turn|put|change} the {volume|sound} to <v>{ percent|%|}", "volume {to |at |}<v>{%|}", "make {it|the sound} <v> percent loud", "I want the {volume|sound} at <v>", "{sound|volume} <v>"),
        "The volume is at <v>."),
    Family("timer", ("set_timer", "start_timer", "startTimer", "countdown", "new_timer"),
        ("Start a timer", "Count down some minutes", "Start a timer for some minutes"),
        {"v": _number("minutes duration mins", 1, 90)},
        (_P + "{set|start} a timer {for|of} <v> {minutes|min}", "<v> minute{s|} timer", "{remind|call} me in <v> minutes", "timer {for |}<v> {minutes|min}", "count down <v> minutes", "wake me {up |}in <v> minutes"),
        "The timer is set to <v> minutes."),
    Family("alarm", ("set_alarm", "setAlarm", "wake_up_at", "add_alarm"),
        ("Set an alarm at a time of day", "Ring at a given time"),
        {"v": Param(("time", "at", "when"), _time)},
        (_P + "{set|start} an alarm {for|at} <v>", "wake me {up |}at <v>", "alarm {at |for |}<v>", "ring at <v>", "I {have|need|want} to get up at <v>"),
        "The alarm is set for <v>."),
    Family("filter", ("filter_products", "filter_by_color", "show_color", "filterColour", "filter_list"),
        ("Show only products of one colour", "Filter the products by colour", "Filter the list by colour"),
        {"v": _enum("color colour value", "red blue green yellow black white pink brown grey orange purple")},
        (_P + "{only show|show only|show me {only |}} {the |}<v> {ones|products|things|items}", "I {only |}want {to see |}<v> {ones|products|items}", "filter {by|for} <v>", "just {the |}<v> ones", "do you have {this|it|them} in <v>", "<v> {products|items} only"),
        "You see only <v> products now."),
    Family("price", ("set_max_price", "limit_price", "maxPrice", "price_filter", "filter_price"),
        ("Show only products up to a price", "Set the highest price to show", "Hide products above a price"),
        {"v": _number("max price limit maximum", 5, 500)},
        (_P + "{only show|show me} {things|products|items|what is} {under|below|up to} <v> {dollars|euros|}", "nothing {over|above} <v>{ dollars| euros|}", "my budget is <v>{ dollars| euros|}", "I {can|want to} {spend|pay} {at most|up to|only} <v>", "{cheaper than|less than|under|max} <v>"),
        "You see products up to <v> now."),
    Family("sort", ("sort_by", "sort_products", "order_by", "sortList", "sort_results"),
        ("Sort the list", "Sort the products", "Change the order of the results"),
        {"v": _enum("by key order field", "price=price,cost name=name rating=rating,stars date=date size=size popularity=popularity")},
        (_P + "sort {it |them |the list |the products |everything |}by <v>", _P + "{order|arrange} {them |the list |the products |}by <v>", "put them in order of <v>", "sorted by <v>{ please|}", "I want them sorted by <v>"),
        "The list is sorted by <v>."),
    Family("zoom", ("zoom", "set_zoom", "zoom_map", "setZoom", "zoom_page"),
        ("Zoom in or out", "Make the view bigger or smaller", "Zoom the map"),
        {"v": _enum("direction way mode", "in=in,closer out=out,further_away")},
        (_P + "zoom <v>", "{move|go|get} {a bit |}<v>", "can you zoom <v>{ a bit| a little|}", "zoom <v> {now|more|}"),
        "I zoomed <v>."),
    Family("font", ("set_font_size", "text_size", "setTextSize", "resize_text"),
        ("Change the size of the text", "Make letters bigger or smaller", "Set the text size"),
        {"v": _enum("size value", "small=small,smaller,tiny medium=medium,normal large=large,larger,bigger,big")},
        (_P + "make the {text|letters|font|writing} <v>", "I {want|need} <v> {text|letters|font}", "<v> {text|font|letters}", "set the {text|font} size to <v>", _P + "use {a |}<v> {font|text}"),
        "The text is <v> now."),
    Family("play", ("play_video", "playVideo", "start_video", "watch", "show_video"),
        ("Play a video by its title", "Start a video", "Play a video"),
        {"v": _text("title video name", pools.TITLES, 0.1)},
        (_P + "{play|start|show} the video <v>", _P + "{play|start} <v>", "I {want|would like} to {watch|see} <v>", "{let's|let us} watch <v>", "put on <v>"),
        "<v> is playing."),
    Family("music", ("play_song", "playMusic", "play_track", "start_music"),
        ("Play a song by its title", "Play a track", "Start a song"),
        {"v": _text("title song track", pools.TITLES, 0.1)},
        (_P + "play the song <v>", _P + "{play|put on} <v>", "I {want|would like} to {hear|listen to} <v>", "{let's|let us} hear <v>", "song: <v>"),
        "<v> is playing."),
    Family("player", ("control_player", "player", "playback", "mediaControl"),
        ("Control the player", "Pause, play or stop the player", "Control playback"),
        {"v": _enum("action command do", "play=play,start,continue pause=pause,hold stop=stop,end next=skip,skip_to_the_next previous=go_back_to_the_previous")},
        (_P + "<v> the {player|music|video|song}", _P + "<v> {it|this}", "<v> {the |}{playback|track}"),
        "Done."),
    Family("fill", ("fill_field", "fillField", "set_field", "write_field", "type_in"),
        ("Fill in a field of the form", "Write a value into a form field", "Fill a form field"),
        {"f": _enum("field input key", "name=name email=email,e-mail city=city street=street phone=phone company=company"), "v": Param(("value", "text", "content"), lambda rng: rng.choice([lambda: pools.person(rng, 0.6), lambda: _email(rng), lambda: pools.word_from(pools.CITIES, rng), lambda: pools.invented(rng).capitalize()])())},
        (_P + "{put|write|type|enter} <v> {in|into} the <f> field", _P + "fill {in |}the <f> field with <v>", "my <f> is <v>", "set the <f> {field |}to <v>", "the <f> {field |}should {be|say} <v>", "<f>: <v>"),
        "The <f> field says <v>."),
    Family("table", ("book_table", "reserve_table", "bookTable", "make_reservation"),
        ("Book a table in the restaurant", "Reserve a table for some guests at a time", "Make a table reservation"),
        {"n": _number("people guests seats", 1, 12), "v": Param(("time", "at", "when"), _time)},
        (_P + "{book|reserve} a table for <n> {people |guests |persons |}at <v>", "a table for <n> at <v>", "we are <n> {people|guests} and {come|would like to come} at <v>", "{I need|I would like|we want} a table for <n> at <v>", "at <v>, a table for <n>", "dinner for <n> at <v>"),
        "Your table for <n> at <v> is booked.", (({"ok": True, "table": 4}, "Table {table} is booked for <n> at <v>."),)),
    Family("message", ("send_message", "sendMessage", "message", "text_someone"),
        ("Send a message to someone", "Write someone a message", "Send a text message"),
        {"p": _person("to recipient name"), "v": _text("text message body", pools.MESSAGES, 0.0)},
        (_P + "{send|write} <p> a message: <v>", _P + "{tell|text|message} <p>: <v>", _P + "{tell|text} <p> that <v>", _P + "send \"<v>\" to <p>", "let <p> know that <v>", "message to <p>: <v>"),
        "The message to <p> is sent."),
    Family("call", ("call_person", "phone", "startCall", "call_contact"),
        ("Call someone", "Start a phone call", "Call a contact"),
        {"p": _person("name contact person who")},
        (_P + "{call|phone|ring} <p>", "I {want|need|have} to {talk|speak} to <p>", "{start|make} a call {to|with} <p>", "get <p> on the phone"),
        "I am calling <p>."),
    Family("weather", ("show_weather", "get_weather", "getWeather", "weather", "weather_in"),
        ("Show the weather in a city", "Get the weather for a city", "Look up the weather of a city"),
        {"v": _text("city place location", pools.CITIES, 0.1)},
        ("{what is|what's|how is|how's} the weather {like |}in <v>", _P + "{show|tell} me the weather {in|for} <v>", "weather {in |for |}<v>", "is it {raining|sunny|warm|cold|windy} in <v>", "do I need {an umbrella|a coat} in <v>", "how {warm|cold} is it in <v>"),
        "Here is the weather in <v>.", (({"sky": "sunny", "degrees": 21}, "In <v> it is {sky} and {degrees} degrees."), ({"sky": "rainy", "degrees": 12}, "In <v> it is {sky} and {degrees} degrees."), ({"sky": "cloudy", "degrees": 16}, "In <v> it is {sky} and {degrees} degrees."), ({"sky": "snowy", "degrees": -3}, "In <v> it is {sky} and {degrees} degrees."))),
    Family("map", ("show_map", "open_map", "showMap", "map_of", "show_on_map"),
        ("Show a place on the map", "Open the map at a place", "Show a map of a city"),
        {"v": _text("place city location", pools.CITIES, 0.15)},
        (_P + "show {me |}<v> on {the|a} map", "where is <v>{ on the map|}", _P + "{open|show} {the|a} map of <v>", "map of <v>", "find <v> on the map"),
        "Here is <v> on the map."),
    Family("trip", ("find_trains", "search_trains", "findTrain", "train_times", "search_trips"),
        ("Find trains between two cities", "Search trains from one city to another", "Look up train times"),
        {"a": _text("from origin start", pools.CITIES, 0.1), "b": _text("to destination end", pools.CITIES, 0.1)},
        (_P + "find {a train|trains} from <a> to <b>", "trains from <a> to <b>", "I {want|need|have} to {go|travel|get} from <a> to <b>", "from <a> to <b>", "how do I get from <a> to <b>", "I am in <a> and want to go to <b>"),
        "Here are the trains from <a> to <b>.", (({"trains": 5}, "There are {trains} trains from <a> to <b>."), ({"trains": 2}, "There are {trains} trains from <a> to <b>."))),
    Family("note", ("add_note", "save_note", "addNote", "write_note", "remember"),
        ("Save a note", "Write down a note", "Keep a note for later"),
        {"v": _text("text note content", pools.MESSAGES, 0.0)},
        (_P + "{save|add|make|take} a note: <v>", "note: <v>", _P + "{write down|note} that <v>", "remember that <v>", "note down: <v>", "new note: <v>"),
        "I saved the note."),
    Family("todo", ("add_task", "add_todo", "addTask", "new_task", "create_task"),
        ("Add a task to the list", "Put something on the to-do list", "Create a new task"),
        {"v": _enum("task title text", "x")},
        (), ""),
    Family("rating", ("rate_product", "give_stars", "rateProduct", "set_rating"),
        ("Give a product 1 to 5 stars", "Rate a product", "Give stars to a product"),
        {"v": _text("product item name", pools.PRODUCTS), "n": _number("stars rating score", 1, 5)},
        (_P + "{give|rate} the <v> <n> stars", "<n> stars for the <v>", "the <v> {gets|deserves|is worth} <n> stars", "I rate the <v> <n>{ out of 5|}"),
        "The <v> has <n> stars from you."),
    Family("newsletter", ("subscribe", "subscribe_newsletter", "signUp", "join_newsletter"),
        ("Subscribe an email address to the newsletter", "Sign up for the newsletter"),
        {"v": Param(("email", "address", "mail"), _email)},
        (_P + "{subscribe|sign up} <v>{ to the newsletter| for the newsletter|}", "send the newsletter to <v>", "I want {the|your} newsletter{, my address is| at} <v>", "newsletter for <v>"),
        "The newsletter will come to <v>."),
    Family("currency", ("set_currency", "show_prices_in", "setCurrency", "change_currency"),
        ("Choose the currency of prices", "Show the prices in another currency", "Set the currency"),
        {"v": _enum("currency code unit", "EUR=euros,euro USD=dollars,US_dollars GBP=pounds,British_pounds JPY=yen CHF=Swiss_francs,francs")},
        (_P + "show {me |}{the |}prices in <v>", "how much is {it|that|this} in <v>", "prices in <v>", _P + "{switch|change} to <v>", "I pay in <v>", "use <v>"),
        "Prices are in <v> now."),
    Family("unit", ("set_units", "setUnits", "choose_units", "temperature_unit"),
        ("Choose the unit of temperature", "Show temperatures in another unit"),
        {"v": _enum("unit scale", "celsius=Celsius fahrenheit=Fahrenheit")},
        (_P + "{use|show|give me} <v>", "temperatures in <v>", "I {prefer|like|want} <v>", _P + "{switch|change} to <v>", "in <v>"),
        "Temperatures are in <v> now."),
    Family("view", ("set_view", "change_view", "setView", "layout", "show_as"),
        ("Show the items as a list or a grid", "Change the layout of the list", "Choose how the items are shown"),
        {"v": _enum("view layout mode", "list=list grid=grid,tiles table=table cards=cards")},
        (_P + "show {them|it|everything|the items} as {a |}<v>", _P + "{switch|change} to {the |}<v> {view|layout}", "<v> {view|layout}", "I {want|prefer} {a |the |}<v>{ view|}", "use the <v> layout"),
        "The items are shown as <v>."),
    Family("order_status", ("order_status", "track_order", "trackOrder", "where_is_order", "check_order"),
        ("Look up an order by its number", "Tell where an order is", "Track an order"),
        {"v": _number("order number id", 100, 99999)},
        ("where is {my |}order {number |}<v>", _P + "track order {number |}<v>", "{what is|what's} the status of order <v>", "order <v>{, where is it|}", "has order <v> {arrived|been sent|shipped}", "{check|look up} {my |}order <v>"),
        "Here is order <v>.", (({"status": "on its way"}, "Order <v> is {status}."), ({"status": "delivered"}, "Order <v> is {status}."), ({"status": "packed"}, "Order <v> is {status}."))),
    Family("coupon", ("apply_coupon", "use_code", "applyCode", "redeem", "discount_code"),
        ("Use a discount code", "Apply a coupon code", "Redeem a coupon"),
        {"v": Param(("code", "coupon"), lambda rng: pools.invented(rng).upper() + str(rng.randint(1, 99)))},
        (_P + "{use|apply|redeem} {the |my |}{code|coupon} <v>", "I have {a|the} {coupon|code} <v>", "my {discount |}code is <v>", "{coupon|code} <v>"),
        "The code <v> is applied."),
    Family("lamp", ("set_lamp", "lamp", "switch_lamp", "setLight", "light"),
        ("Switch the lamp in a room on or off", "Turn a room's light on or off"),
        {"r": _enum("room place where", "kitchen bedroom bathroom hall office garage"), "v": _enum("state power value", "on off")},
        (_P + "{turn|switch} <v> the {light|lamp} in the <r>", _P + "{turn|switch} the <r> {light|lamp} <v>", "<r> {light|lamp} <v>", "{light|lamp} <v> in the <r>", "the {light|lamp} in the <r> should be <v>"),
        "The <r> light is <v>."),
    Family("heat", ("set_temperature", "setHeating", "heating", "thermostat"),
        ("Set the temperature of a room in degrees", "Set the heating of a room"),
        {"r": _enum("room place where", "kitchen bedroom bathroom hall office garage"), "v": _number("degrees temperature value", 12, 28)},
        (_P + "{set|heat} the <r> to <v>{ degrees|}", "{make the <r>|I want the <r> to be|the <r> should be} <v> degrees", "<v> degrees in the <r>", _P + "{set|put} the {heating|temperature} in the <r> to <v>"),
        "The <r> is set to <v> degrees."),
    Family("quiz", ("start_quiz", "startQuiz", "new_game", "play_quiz"),
        ("Start the quiz at a level", "Start a new game", "Begin the quiz"),
        {"v": _enum("level difficulty mode", "easy=easy,simple medium=medium,normal hard=hard,difficult")},
        (_P + "start {a|an|the} <v> {quiz|game}", "I want {a|an|the} <v> {quiz|game}", "{let's|let us} play the <v> {quiz|game}", "<v> {quiz|game}", "{begin|start} the {quiz|game} on <v>"),
        "The quiz starts."),
    Family("event", ("add_event", "addEvent", "create_event", "calendar_add"),
        ("Put an event in the calendar", "Add a calendar event on a day", "Create a calendar entry"),
        {"t": _enum("title event name", "lunch=lunch dinner=dinner meeting=a_meeting,the_meeting party=a_party,the_party dentist=the_dentist training=training yoga=yoga"), "d": _enum("day on date", "Monday Tuesday Wednesday Thursday Friday Saturday Sunday")},
        (_P + "{put|add} <t> {in|to} {my|the} calendar {on|for} <d>", _P + "{plan|schedule} <t> {on|for} <d>", "<d>: <t>", "<t> on <d>", "I have <t> on <d>"),
        "It is in your calendar on <d>."),
)
FAMILIES = tuple(family for family in FAMILIES if family.asks)

# Made-up tools: verb + noun; what is asked is in the name itself.
VERBS = {
    "open": "opened", "close": "closed", "show": "shown", "hide": "hidden", "start": "started", "stop": "stopped",
    "save": "saved", "print": "printed", "delete": "deleted", "share": "shared", "refresh": "refreshed",
    "enable": "enabled", "disable": "disabled", "lock": "locked", "export": "exported", "clear": "cleared",
    "download": "downloaded", "copy": "copied", "pause": "paused", "reset": "reset", "check": "checked",
    "update": "updated", "edit": "edited", "archive": "archived", "pin": "pinned",
}
NOUNS = """sidebar menu map gallery calendar report chart profile invoice basket banner camera table note list
photo document player slideshow form door window fan chat game file folder letter score picture video wallet ticket
schedule settings help_box search_box news_feed login_form shopping_list photo_album color_picker contact_list
message_box price_list time_table garden_gate coffee_machine robot engine radio clock lamp printer drawing poll
cookie_banner side_panel status_bar tool_box user_guide""".split()

# Made-up settings: a number or one of some words.
NUMBERS = """brightness speed contrast columns page_number font_size width height opacity line_spacing margin seats
rooms rows lives level players temperature humidity distance weight age score""".split()
CHOICES = {
    "color": "red blue green yellow black white pink orange purple".split(),
    "size": "small medium large".split(),
    "shape": "circle square triangle star heart".split(),
    "weekday": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split(),
    "season": "spring summer autumn winter".split(),
    "difficulty": "easy medium hard".split(),
    "position": "left right top bottom".split(),
    "animal": "cat dog horse rabbit lion duck".split(),
    "mood": "happy calm sad excited".split(),
    "payment": "card cash invoice".split(),
    "format": "pdf csv json text".split(),
    "drink": "tea coffee water juice".split(),
    "background": "plain stars clouds forest".split(),
    "voice": "male female robot".split(),
}
