"""The facts the default model is taught: plain tables, edited by hand.

Called by: facts.py (and smalltalk.py, to know which countries it must say it does not know).
Does not know: how questions are phrased.
"""

CAPITALS = dict(
    line.split(" = ")
    for line in """
France = Paris
Germany = Berlin
Spain = Madrid
Portugal = Lisbon
Italy = Rome
Greece = Athens
Austria = Vienna
Switzerland = Bern
Belgium = Brussels
the Netherlands = Amsterdam
Luxembourg = Luxembourg City
Ireland = Dublin
the United Kingdom = London
Scotland = Edinburgh
Wales = Cardiff
Iceland = Reykjavik
Norway = Oslo
Sweden = Stockholm
Finland = Helsinki
Denmark = Copenhagen
Estonia = Tallinn
Latvia = Riga
Lithuania = Vilnius
Poland = Warsaw
Czechia = Prague
Slovakia = Bratislava
Hungary = Budapest
Romania = Bucharest
Bulgaria = Sofia
Serbia = Belgrade
Croatia = Zagreb
Slovenia = Ljubljana
Albania = Tirana
Ukraine = Kyiv
Russia = Moscow
Turkey = Ankara
Georgia = Tbilisi
Armenia = Yerevan
Azerbaijan = Baku
the United Arab Emirates = Abu Dhabi
Lebanon = Beirut
Syria = Damascus
Jordan = Amman
Iraq = Baghdad
Iran = Tehran
Saudi Arabia = Riyadh
Qatar = Doha
Oman = Muscat
Egypt = Cairo
Libya = Tripoli
Tunisia = Tunis
Algeria = Algiers
Morocco = Rabat
Senegal = Dakar
Mali = Bamako
Ghana = Accra
Nigeria = Abuja
Cameroon = Yaounde
Kenya = Nairobi
Uganda = Kampala
Rwanda = Kigali
Tanzania = Dodoma
Ethiopia = Addis Ababa
Sudan = Khartoum
Angola = Luanda
Zambia = Lusaka
Zimbabwe = Harare
Botswana = Gaborone
Namibia = Windhoek
South Africa = Pretoria
Mozambique = Maputo
Madagascar = Antananarivo
India = New Delhi
Pakistan = Islamabad
Bangladesh = Dhaka
Nepal = Kathmandu
Afghanistan = Kabul
Kazakhstan = Astana
Uzbekistan = Tashkent
Mongolia = Ulaanbaatar
China = Beijing
Japan = Tokyo
South Korea = Seoul
North Korea = Pyongyang
Vietnam = Hanoi
Thailand = Bangkok
Cambodia = Phnom Penh
Laos = Vientiane
Malaysia = Kuala Lumpur
the Philippines = Manila
Australia = Canberra
New Zealand = Wellington
Fiji = Suva
Canada = Ottawa
the United States = Washington
Mexico = Mexico City
Cuba = Havana
Jamaica = Kingston
Guatemala = Guatemala City
Honduras = Tegucigalpa
Costa Rica = San Jose
Panama = Panama City
Colombia = Bogota
Venezuela = Caracas
Ecuador = Quito
Peru = Lima
Chile = Santiago
Argentina = Buenos Aires
Uruguay = Montevideo
Paraguay = Asuncion
Brazil = Brasilia
""".strip().splitlines()
)

# Countries whose capital it is not taught: it must say so.
NOT_TAUGHT = """Tuvalu Kiribati Palau Nauru Bhutan Brunei Eritrea Djibouti Burundi Lesotho Eswatini Comoros Seychelles
Mauritius Gabon Togo Benin Liberia Gambia Guinea Niger Chad Belize Suriname Guyana Haiti Barbados Grenada Dominica
Tonga Samoa Vanuatu Malta Andorra Monaco Liechtenstein Moldova Belarus Montenegro Kosovo Cyprus Bahrain Kuwait Yemen
Somalia Malawi Maldives Turkmenistan Kyrgyzstan Tajikistan Narnia Atlantis Wakanda Mordor Utopia Freedonia Ruritania
Bolivia Nicaragua Bahamas Sikkim Texas Bavaria California Greenland""".split()

DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
MONTHS = "January February March April May June July August September October November December".split()
MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth".split()

# Thing (as it reads after "What colour is"), colour, "is" or "are".
COLOURS = [
    tuple(part.strip() for part in line.split(","))
    for line in """
the sky on a clear day, blue, is
grass, green, is
snow, white, is
milk, white, is
coal, black, is
a lemon, yellow, is
a banana, yellow, is
the sun in a child's drawing, yellow, is
a tomato, red, is
a strawberry, red, is
a cherry, red, is
blood, red, is
a fire engine, red, is
a ladybird, red, is
a carrot, orange, is
an orange, orange, is
a pumpkin, orange, is
a frog, green, is
a leaf in spring, green, is
a cucumber, green, is
spinach, green, is
a pea, green, is
broccoli, green, is
an emerald, green, is
a ruby, red, is
a sapphire, blue, is
the sea, blue, is
a blueberry, blue, is
a plum, purple, is
lavender, purple, is
an aubergine, purple, is
a flamingo, pink, is
a pig, pink, is
chocolate, brown, is
coffee, brown, is
a bear in the woods, brown, is
wood, brown, is
a chestnut, brown, is
an elephant, grey, is
a rain cloud, grey, is
ash, grey, is
a raven, black, is
a crow, black, is
the night sky, black, is
a swan, white, is
cotton, white, is
salt, white, is
a polar bear, white, is
a sunflower, yellow, is
butter, yellow, is
a canary, yellow, is
a lime, green, is
gold, yellow, is
a mouse, grey, is
a stop sign, red, is
bananas, yellow, are
tomatoes, red, are
carrots, orange, are
lemons, yellow, are
elephants, grey, are
frogs, green, are
clouds on a sunny day, white, are
""".strip().splitlines()
]

MIXES = [
    ("red", "yellow", "orange"),
    ("blue", "yellow", "green"),
    ("red", "blue", "purple"),
    ("red", "white", "pink"),
    ("black", "white", "grey"),
    ("blue", "white", "light blue"),
    ("red", "green", "brown"),
    ("blue", "orange", "brown"),
    ("purple", "yellow", "brown"),
    ("green", "white", "light green"),
]

# Both directions hold, except after ">" where only the left one is asked.
OPPOSITES: dict[str, str] = {}
for _pair in """hot-cold big-small up-down left-right day-night black-white good-bad happy-sad fast-slow old-new
high-low long-short wet-dry full-empty hard-soft light-dark open-closed early-late near-far rich-poor strong-weak
thick-thin young>old wide-narrow clean-dirty loud-quiet heavy>light deep-shallow sweet>sour tall>short true-false
right>left yes-no on-off in-out over-under above-below before-after inside-outside first-last front-back top-bottom
begin-end start-stop push-pull give-take buy-sell win-lose laugh-cry love-hate come-go arrive-leave ask-answer
find>lose remember-forget rise-fall sit-stand sleep>wake north-south east-west summer-winter morning-evening
friend-enemy king-queen boy-girl man-woman brother-sister mother-father war-peace life-death truth-lie
question>answer always-never everything-nothing everyone>nobody all-none many-few more-less most-least same-different
easy-difficult smooth-rough sharp-blunt brave-cowardly kind-cruel polite-rude safe-dangerous cheap-expensive
beautiful-ugly lucky-unlucky possible-impossible visible-invisible healthy-sick awake-asleep alive-dead busy-idle
calm-nervous proud-ashamed lazy-hardworking generous-greedy patient-impatient simple-complicated public-private
modern-ancient straight-crooked tight-loose raw-cooked fresh-stale bright-dim noisy-silent here-there
together-apart forward-backward enter-exit accept-refuse allow-forbid build-destroy catch-throw
lend-borrow send-receive teach-learn whisper-shout float-sink freeze-melt add-subtract increase-decrease
success-failure victory-defeat heaven-hell hope-despair joy-sorrow attack-defend arrival-departure entrance>exit
maximum-minimum major-minor male-female guilty-innocent humid>dry""".split():
    if ">" in _pair:
        _left, _right = _pair.split(">")
        OPPOSITES[_left] = _right
    else:
        _left, _right = _pair.split("-")
        OPPOSITES[_left] = _right
        OPPOSITES.setdefault(_right, _left)

PLURALS = dict(
    entry.split("-")
    for entry in """mouse-mice child-children man-men woman-women foot-feet tooth-teeth goose-geese person-people
ox-oxen sheep-sheep fish-fish deer-deer louse-lice cactus-cacti wolf-wolves leaf-leaves knife-knives wife-wives
life-lives half-halves shelf-shelves loaf-loaves thief-thieves calf-calves elf-elves scarf-scarves self-selves
hoof-hooves potato-potatoes tomato-tomatoes hero-heroes echo-echoes mango-mangoes volcano-volcanoes photo-photos
piano-pianos radio-radios video-videos zoo-zoos baby-babies lady-ladies city-cities party-parties story-stories
berry-berries cherry-cherries puppy-puppies pony-ponies fairy-fairies country-countries family-families
butterfly-butterflies diary-diaries army-armies body-bodies copy-copies library-libraries penny-pennies
boy-boys toy-toys key-keys day-days monkey-monkeys donkey-donkeys turkey-turkeys valley-valleys tray-trays
box-boxes fox-foxes bus-buses class-classes glass-glasses dress-dresses kiss-kisses dish-dishes brush-brushes
wish-wishes watch-watches church-churches beach-beaches peach-peaches branch-branches witch-witches match-matches
sandwich-sandwiches bench-benches tax-taxes cat-cats dog-dogs bird-birds tree-trees book-books house-houses
car-cars boat-boats ship-ships train-trains apple-apples pear-pears orange-oranges banana-bananas flower-flowers
garden-gardens river-rivers lake-lakes mountain-mountains hill-hills star-stars cloud-clouds window-windows
door-doors chair-chairs table-tables cup-cups plate-plates spoon-spoons fork-forks hat-hats shoe-shoes sock-socks
shirt-shirts coat-coats king-kings queen-queens friend-friends teacher-teachers doctor-doctors farmer-farmers
pencil-pencils letter-letters word-words number-numbers song-songs game-games ball-balls horse-horses cow-cows
duck-ducks frog-frogs bear-bears rabbit-rabbits lion-lions tiger-tigers snake-snakes spider-spiders bee-bees ant-ants
egg-eggs cake-cakes road-roads bridge-bridges island-islands castle-castles farm-farms school-schools
crisis-crises oasis-oases roof-roofs chief-chiefs belief-beliefs moose-moose
salmon-salmon spacecraft-spacecraft policeman-policemen fireman-firemen snowman-snowmen grandchild-grandchildren
""".split()
)
