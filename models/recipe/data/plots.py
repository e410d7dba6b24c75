"""Plots: what happens in a story, as templates of grammar.py over the slots that stories.py fills.

Each plot is (moral, text). A text follows one line of cause and effect: someone wants something, something is in the
way, they try, it turns out, they feel something, it ends. Choices vary how each step is told, never what it means, so
any path through the braces is a whole story. Slots: hero kind $hero, $name, $they $them $their $self; friend $friend
$fname $fthey $fthem $ftheir; $place (with its preposition), $thing, $look, $adj, $food, $weather, $fear, $skill.
"""

OPEN = ("{{Once upon a time|Long ago|Once}, there {was|lived} $a:adj $hero {named|called} $name. "
        "{$Name lived $place|$Name had a home $place}{| and knew every corner of it| and loved it there|, where the days were long and calm}. "
        "|$Name was $a:adj $hero who lived $place. {|Everyone there knew $them. |$They liked {quiet mornings|long walks|to sing while working}. }"
        "|{There was once|Not so long ago there was} $a:adj $hero who lived $place. {The $hero's name was|Everybody called $them} $name. }")

END = ("{From that day on, |After that, |And ever since, }{$name and $fname were {the best of friends|never far apart}|$name {smiled|was happy} whenever $they thought of it}."
       "|{That night, |When evening came, }$name {fell asleep with a smile|went home tired and happy|told the whole story to {the moon|everyone who would listen}}."
       "|And {so they all lived happily|that is how the story ends, with $food and a {warm|happy} fire}."
       "|{They laughed|They sat together} until the {stars came out|sun went down}, and {it was a good day|nobody wanted to be anywhere else}.")

PLOTS: list[tuple[str, str]] = [
    ("sharing", OPEN + """{More than anything, |Most of all, }$name loved $their $look $thing. $They {took it everywhere|kept it close all day|never let anyone else touch it}.

$weather, $a:friend named $fname came by. "{What a|Such a} $look $thing!" said $fname. "May I {hold it|try it|see it} for a {moment|little while}?"

$Name {held the $thing tight|hid the $thing behind $their back} and said, "No, it is mine." $Fname looked {sad|down at the ground} and walked away. {Soon|After a while} $name {felt alone|noticed how quiet it was}. The $thing was {still|just as} $look, but it was no fun {any more|without a friend}.

So $name ran after $fname. "{I am sorry|Please come back}," $they said. "{We can share it|You can have the first turn}." $Fname's face {lit up|grew bright}, and the two of them {played|took turns} with the $thing {all afternoon|until dark}. Then $fname shared $food with $name{|, and it tasted better than ever}. """
     "{$Name learned that|Now $name knew that} {sharing makes good things better|a thing is more fun when it is shared}. "),
    ("courage", OPEN + """$Name was {kind and clever|good at many things}, but $they was afraid of $fear.

$weather, $name heard a {small|faint} voice. "Help! {Please help me|Is anybody there}?" It was $fname the $friend, who was {stuck|lost} and could not get home. To {reach|help} $fthem, $name had to face $fear.

$Name's {heart beat fast|knees shook}. {"I can't do it," $they whispered. But then|For a moment $they wanted to run away. Then} $they thought of $fname, all alone and {more frightened than $they was|waiting}. $They took {a deep breath|$their $look $thing for luck} and went {one step at a time|slowly, step by step}.

{It was not easy|It took a long time}, but at last $name {found|reached} $fname. "{You came|You are so brave}!" said $fname, and {hugged $them|smiled for the first time}. "I was {afraid the whole way|shaking like a leaf}," said $name. "{Being brave means going anyway|But you needed me, so I came}," said $fname. They walked home {side by side|together} and had $food. """
     "$Name was {still a little afraid of $fear|proud}, but {not as much as before|now $they knew how strong $they was}. "),
    ("honesty", OPEN + """$Name had a good friend, $a:friend {named|called} $fname, who owned $a:look $thing. {It was the nicest thing $fname had.|$Fname was very proud of it.}

$weather, while $fname was away, $name {picked up the $thing just to look at it|played with the $thing}. {It slipped and fell|Suddenly it fell to the ground}. Crack! The $thing was broken.

$Name felt {sick with worry|a cold lump in $their tummy}. {First $they hid the pieces under a bush|$They thought of saying that the wind had done it}. But {all night $they could not sleep|the more $they thought about it, the worse $they felt}. In the {morning|end} $name went to $fname. "I {have something to tell you|must tell you the truth}," $they said. "I broke your $thing. I am {very|so} sorry."

$Fname was quiet {for a while|and looked at the pieces}. Then $fthey said, "I am sad about the $thing. But {I am glad that you told me|thank you for telling the truth}. {Let us mend it together|Maybe we can fix it}." They {worked with glue and string|sat down side by side} until the $thing was {whole again|almost like new}. """
     "{Telling the truth was hard, but it felt much better than hiding.|$Name never forgot that the truth is the best way.} "),
    ("friendship", OPEN + """$They had {many things to do|a nice home}, but {nobody to do them with|no friend}. {Every day $they ate $food alone.|In the evenings it was very quiet.}

$weather, $a:friend {arrived|moved in} nearby. {It was|The newcomer was} $fname, and $fthey {did not know anyone|looked shy and a little lost}. $Name wanted to say hello, but {did not know how|what if $fname did not like $them}?

$Name thought and thought. Then $they {wrapped up|picked up} $a:look $thing and {carried it to|knocked at} $fname's door. "{This is for you|I brought you something}," said $name. "{Welcome|I hope you like it here}." $Fname looked at the $thing and {began to smile|laughed with joy}. "{Nobody has ever given me a present before|I was so afraid I would have no friends here}," $fthey said. "Do you want to come in?"

They talked {about everything|for hours}, and {found out that they both loved $food|before they knew it, it was dark}. """
     "{All it took was one kind step.|$Name was not lonely any more.} "),
    ("helping others", OPEN + """$weather, $name was {walking home|on the way to the market} when $they saw $a:friend {by the road|under a tree}. The $friend was {crying|sitting with $ftheir head in $ftheir hands}.

"What is wrong?" asked $name. "I am $fname, and I have lost my $thing," said the $friend. "It is $look, and {my grandmother gave it to me|I need it before tonight}. I have looked everywhere."

"{Don't worry|Two can look better than one}," said $name. They looked {behind the stones|under the leaves} and {in the tall grass|along the path}. {They asked a bird, but the bird had not seen it.|They found an old boot and a blue feather, but no $thing.} {$Fname wanted to give up|The sun was going down}. "Let us try one more place," said $name. {They went back to where $fname had eaten lunch|$They looked up}, and there it was: the $look $thing, {shining in the last light|safe and sound|hanging from a branch}!

$Fname {jumped for joy|danced in a circle}. "How can I thank you?" $fthey asked. "{You already did|Seeing you smile is enough}," said $name. """
     "{The next time $name needed help, $fname was the first to come.|It feels good to help someone.} "),
    ("patience", OPEN + """$weather, $name {found|was given} a {tiny|small brown} seed. "{Plant it and wait|Put it in the earth}," said $fname, an old $friend. "{One day it will surprise you|Something wonderful will come of it}."

$Name {dug a hole|put it in the ground} next to $their $look $thing and gave it water. Then $they sat down to watch. Nothing happened. {The next day|In the morning} there was still nothing. "{It does not work|This seed is broken}!" said $name and wanted to dig it up.

"{Wait|Be patient}," said $fname. "{Good things grow slowly|You cannot see it, but it is working under the ground}." So $name {waited|went on watering it}. It rained and the sun shone. {A week went by|Many days went by}. And then, one morning, a {small green leaf|little green tip} looked out of the earth!

It grew and grew until it was {taller than $name|a beautiful flower|a young tree}. $Name {called everyone to come and see|ran to tell $fname}. "{You were right|It was worth it}," $they said. """
     "{Some things cannot be hurried.|$Name had learned to wait, and waiting was not so hard any more.} "),
    ("never giving up", OPEN + """$Name had one big wish: $they wanted to learn to $skill. {Everyone else could do it already.|$They dreamed of it every night.}

$weather, $name tried for the first time. {It went all wrong|It did not go well at all}. {Some of the others laughed.|$They felt silly.} "{I will never learn it|Maybe I am just not good enough}," said $name, and threw $their $thing into the corner.

$Fname, $a:adj2 $friend, {sat down next to $them|had seen everything}. "{Do you know how often I fell before I could do it?|It took me a whole year to learn that}," $fthey said. "{Try again tomorrow. Only a little.|I will help you if you like.}" So $name tried again {the next day|in the morning}, and the day after that. {Each time it went a tiny bit better.|Sometimes it went better and sometimes worse.}

Then, one {fine day|afternoon}, it worked! $Name could $skill! $Fname {clapped and cheered|shouted with joy}. "{Look|Did you see that}?" cried $name. "{I saw it|I knew you could do it}," said $fname. """
     "{$Name had fallen many times, but had got up one time more.|Those who keep trying get there in the end.} "),
    ("kindness", OPEN + """$weather, $name met {a very old|a tired} $friend on the road. "{I have walked all day and I am hungry|Can you spare something to eat}?" said the $friend, whose name was $fname.

$Name had only {a little lunch: $food|$food for lunch, and not much of it}. $Their own tummy {was rumbling|was empty}. But $they {gave half of it to $fname|said, "Sit down with me. There is enough for two."}. They ate and talked. When they were done, $fname gave $name $a:look $thing. "{Keep it|It does not look like much}," $fthey said, "{but|and} one day it will help you."

{Many weeks later|That winter}, $name got lost in {a big storm|thick fog}. {It grew dark, and $they could not see the path.|$They did not know which way was home.} Then $they remembered the $thing. $They {held it up|took it out}, and it {began to glow|shone like a small star}. {Step by step|Soon} it showed $them the way {home|back to $their own door}.

"{Thank you, $fname|So that was it}," said $name {softly|to the night}. """
     "{A small kindness had come back as a big one.|Kindness is never lost.} "),
    ("curiosity", OPEN + """$weather, $name found $a:look $thing {in the grass|behind a loose board|at the bottom of an old box}. {On it there was a little arrow.|Inside was a note: "Follow the {birds|water|stones}."} {Nobody knew where it came from.|$Name had never seen anything like it.}

"{I want to find out what it means|Let us see where this leads}," said $name. $Fname the $friend wanted to come too. So the two {set off|started walking}. They {crossed a bridge|climbed over a wall} and {went through a dark tunnel|walked along a stream}. {"Shall we turn back?" asked $fname. "Not yet," said $name.|Once they took a wrong turn and had to begin again.}

At last they came to a {small door|hidden place} {behind the leaves|between two rocks}. $Name pushed, and it {opened|swung open with a creak}. Inside was {a secret garden full of butterflies|a room full of old books with pictures|a pool where tiny lights swam like fish}. "{Oh!|How beautiful!}" whispered $fname. {A little sign said: "For those who look."|In the middle stood a place where the $thing fitted exactly.}

They {stayed until evening|promised to come back every week}. """
     "{If $name had not wondered about the $thing, they would never have found it.|Asking questions can open doors.} "),
    ("working together", OPEN + """$weather, a {strong wind|great storm} {blew down the little bridge|broke the roof}. {Now nobody could get across.|Everyone stood around it and was sad.} $Name had left $their $look $thing on the other side.

"{I can mend it alone|I do not need any help}," said $name. $They {pulled and pushed|carried one big board after another}, but {the wood was too heavy|everything fell down again}. Along came $fname, $a:friend. "{I am not strong, but I know how to tie knots|I have a rope}," said $fname. A {mouse|bird} came too and said, "{I am small, but I can carry the string across|I can see from above where it must go}."

So they {tried it together|made a plan}. $Name lifted, $fname tied, and the little {one|helper} {flew|ran} back and forth. {By noon|Before the sun went down} the work was done, and it was {better than before|strong and straight}. $Name {ran across and came back with the $thing|fetched the $thing and held it up for all to see}.

"{None of us could have done it alone|We are a good team}," said $fname. """
     "{Together, they were stronger than any storm.|Many hands make light work, thought $name.} "),
]

PLOTS += [
    ("saying sorry", OPEN + """$Name and $fname, $a:friend, were friends. $weather they {played|built something} together with $a:look $thing. {Both of them wanted to go first.|$Name said the $thing should stand here, and $fname said it should stand there.}

"{You never listen|You always want everything your way}!" shouted $name. "{And you are mean|Then do it alone}!" shouted $fname, and {ran off|went home}. {It became very quiet.|$Name kicked a stone.}

At first $name was {still angry|as cross as could be}. Then the anger {grew smaller|went away}, and only a {heavy|sad} feeling was left. {$They looked at the $thing, but it was no fun alone.|Supper did not taste good.} "{I shouted first|I was not nice}," thought $name. "{I have to make it right|I will go and say it}."

$They went to $fname's door and {knocked softly|took a deep breath}. It opened at once, for $fname had been {just about to leave|on the way to $them}. "I am sorry," they both said {at the same time|together}. {Then they had to laugh.|They looked at each other and began to giggle.} "{You go first today|Let us do it your way}," said $name. """
     "{Saying sorry is hard for a moment, and then everything is light.|A friend is worth more than being right.} "),
    ("using your head", OPEN + """$weather, $name and $fname the $friend {found|saw} $a:look $thing {on a high branch|on a rock in the middle of the water|deep down in a narrow hole}. {They both wanted to have a closer look.|It was just what they needed.} But how could they get it?

$Fname jumped, but {could not reach it|it was too far}. $Name threw a stone, but {missed|it did not help}. {They pulled and pushed and got very tired.|They tried until they were out of breath.} "It is no use," said $fname. "{We are too small|Let us go home}."

$Name sat down and {thought hard|looked around}. {Near them lay a long stick and an old rope.|A heap of stones lay not far away.} "{Wait|I have an idea}!" $they said. "We do not have to be {stronger|bigger}. We only have to be {clever|a little cleverer}." They {tied|put} things together, {step by step|very carefully}, and {pulled slowly|tried once more}. {Closer and closer it came.|It moved a little, and then a little more.} And then $name {held the $thing in $their hands|had it}!

"{How did you think of that|How did you know that it would work}?" asked $fname. "{I just stopped pulling and began to think|I only looked at what we had}," said $name. """
     "{Thinking first saves a lot of work.|A good idea can be stronger than strong arms.} "),
    ("listening to others", OPEN + """$weather, $name wanted to {take $a:look $thing across the river|carry $a:look $thing to the market}. "{Do not take the short way|Take the long way today}," said $fname, an old $friend. "{The ground is soft after the rain|The bridge is not safe}."

"{I know the way|I am not a baby}," said $name and {went off quickly|laughed}. {The short way looked fine.|For a while everything went well.} But then $their feet {began to sink|slipped}. {Splash!|Oh no!} $Name was {stuck up to the knees|sitting in the mud}, and the $thing {fell into a puddle|was dirty all over}.

"{Help|Help me, please}!" called $name. {Luckily|After a while} $fname came by, {slowly, on the long way|leaning on a stick}. $Fname held out {the stick|a branch} and pulled $name out. $Fthey did not {laugh|say a cross word}. "{I fell in there myself once|When I was young I did not listen either}," said $fname {with a smile|and winked}.

They washed the $thing {in the stream|together} and went on {the long way|side by side}. """
     "{The next time someone gave $name good advice, $they listened.|It was a little longer, but much drier.} "),
    ("being yourself", OPEN + """But $name {thought $they was not special|was not happy with how $they looked}. {"$Fname is so tall and strong," $they thought.|"Everybody else can do something great," $they said.} $Fname was $a:friend who lived nearby.

$weather, $name {put on a tall hat and big boots|painted $their face} to be like $fname. $They {walked like $fname and talked like $fname|tried to do everything as $fname did}. {It was very hard work.|The boots hurt, and the hat fell down over $their eyes.} {Nobody knew who $they was.|The others only wondered who that was.}

Just then {a little bird fell into a small gap|$a:look $thing fell into a small hole} between the stones. {Everyone tried to reach it, but their arms were too big.|$Fname tried first, but was much too large.} "{We need someone small and careful|If only $name were here}!" said $fname. $Name {threw off the hat and the boots|came forward}. "{I am here|Let me try}," $they said, and {reached down carefully|crept into the gap}. A moment later it was {safe|out again}.

"{Why did you dress up like me|What was all that for}?" asked $fname. "I wanted to be like you." "{How funny!|Really?}" said $fname. "{And I always wanted to be like you|I like you just as you are}." """
     "{From then on $name was happy to be $name.|Everyone is special in their own way.} "),
    ("caring for nature", OPEN + """Near $their home stood {an old tree|a little wood} where $name {liked to sit|played} with $their $look $thing. {Birds lived there, and bees, and beetles.|In summer the shade was cool and green.}

$weather, $name saw that {the leaves were brown and hung down|everything there was dry and tired}. "{It is thirsty|It has not rained for so long}," said $fname the $friend, who came by. "{Then we must bring water|We have to help}," said $name. But the {river|well} was far away, and {they had only one small bucket|the bucket was heavy}.

They {carried water|walked back and forth} all day. {Their arms hurt.|It seemed to be much too little.} The next day {two friends came to help|some neighbours saw it and came too}, and the day after that {the whole village came|there was a long line that passed bucket after bucket}. {They sang while they worked.|Even the smallest ones carried a cup.}

A week later $name found {a fresh green leaf|new buds}. "{It is alive|Look, it is growing again}!" $they shouted, and {a bird began to sing|$fname threw $ftheir hat into the air}. """
     "{They sat down in the shade and had $food.|Those who look after the trees are looked after by the trees.} "),
    ("keeping a promise", OPEN + """"{Will you look after my $thing while I am away|Please take care of my $thing until I come back}?" asked $fname, $a:friend. "{I promise|You can count on me}," said $name. The $thing was $look, and $fname {loved it very much|had had it for years}.

$weather, {all the others went to the fair|there was a big party by the water}. "{Come with us|You must not miss it}!" they called. $Name {wanted to go so much|could hear the music}. But {who would look after the $thing?|a storm was coming, and the $thing would get wet.} $Name {sighed|thought about it} and said, "{I can't. I gave my word.|Go without me. I made a promise.}"

{So $they stayed at home and heard the music from far away.|$They sat beside the $thing the whole day.} {When the storm came, $they carried it inside and dried it.|In the night the wind blew, and $name held on to it tightly.} 

The next {day|morning} $fname came back. "{My $thing|There it is}!" $fthey cried. "{And you stayed here the whole time|You missed the fair for me}?" $Name {nodded|only smiled}. $Fname {took out two pieces of cake from the fair|opened a bag}. "{I thought of you too|I kept something for you}," $fthey said, and they {sat down and ate|had a little party, just the two of them}. """
     "{A promise is a promise.|$Fname knew that $name could be trusted.} "),
    ("trying new things", OPEN + """$Name {did the same thing every day|did not like anything new}. $They ate $food, {sat in the same chair|walked the same way} and {went to bed at the same time|played with the same $look $thing}.

$weather, $fname, $a:friend, {stood at the door|came running}. "Come on! {I want to show you something|I am going to learn to $skill}. {Do you want to come|Will you learn it with me}?" "{No, thank you|Oh no}," said $name. "{I have never done that|What if I do not like it}?" "{Then you can stop|Just try it once}," said $fname.

$Name {thought about it all night|took $their $thing along, to be safe}. The next day $they went. {At first it felt strange.|$Their hands were shaking a little.} {It did not work at all, and they both laughed.|$They did everything wrong.} But then {something wonderful happened|it got better}: $name {forgot to be afraid|began to enjoy it}. "{Again|One more time}!" $they called.

{When the sun went down, they were still there.|They went again the next day, and the next.} "{And I thought I would not like it|If I had stayed at home, I would never have known}," said $name. """
     "{The old chair was still nice. But now there was more in the world than a chair.|New things are only new the first time.} "),
    ("being thankful", OPEN + """{$They had only one treasure: $a:look $thing.|In $their room stood $a:look $thing.} "{I want a better one|It is so plain}," said $name. {"Everyone else has nicer things."|$They did not even look at it any more.}

$weather, $name {swapped it for a bigger one at the market|gave it away and got a new one that glittered}. $Fname the $friend {was the one who got the old $thing|took the old $thing and thanked $them}. {For a day $name was happy.|At first the new one was exciting.} But the new one {broke|did not feel right}. {It was cold and hard.|It was only nice to look at.}

$Name {missed the old $thing|thought of the old $thing}. {$They remembered all the places where they had been together.|It had been with $them on rainy days and sunny days.} In the end $they went to $fname. "{Do you still have it|May I see it once more}?" $they asked.

$Fname brought it out. $Fthey had {cleaned it and tied a ribbon around it|looked after it well}. "{I think it misses you too|It was always yours}," said $fname and gave it back. $Name {held it tight|had tears of joy in $their eyes}. "{Thank you|I did not know how good it was}," $they said. """
     "{Now $name looks at it every morning and is thankful.|Sometimes the best thing is the one you already have.} "),
]
