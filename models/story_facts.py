# SPDX-License-Identifier: Apache-2.0
"""Facts: things a story states once and needs again much later.

Every kind has the values it may take, the slots it binds for a story, sentences that state it, sentences
that use it in passing (`middle`) and sentences that use it at the end (`end`).  `{V}` marks the value.
A value is always preceded by a space, so a prompt may be cut before it and the answer is decided
by the story alone: values are drawn uniformly, whatever else the story says.
A mark in front of an `end` says when it may be used: ^ before coming home, $ at night, % after that night.
"""
from story_words import (CREATURE_NAMES, FRIEND_BOYS, FRIEND_GIRLS, GARMENTS, GATES, HIDDEN_THINGS,
                         PET_KINDS, PET_NAMES, TOWNS, split)

FACTS = {
    "pet": {
        "values": PET_NAMES, "bind": {"petkind": PET_KINDS},
        "state": (
            "{Hero} had a [small|fat|lively|sleepy|friendly|clever] {petkind} named {V}, and it went everywhere with {him}.",
            "{His} [best|most faithful|dearest] companion was a {petkind} [called|named] {V}, who followed {him} wherever {he} went.",
            "A [small|young|cheeky|clever] {petkind} lived with them, too. Its name was {V}, and it never left {his} side.",
            "Last [winter|spring|summer|year] {elder} had brought home a {petkind}. \"What shall we call it?\" {ehe} had asked. "
            "\"Let us call it {V},\" {hero} had said.",
        ),
        "middle": (
            "{Hero} looked around for the {petkind} and called it by its name, {V}. The {petkind} came running "
            "[at once|from behind a bush|with a leaf on its nose].",
            "\"What is the name of your {petkind}?\" asked {s}. \"Its name is {V},\" {hero} {*said}.",
            "The {petkind} was getting [tired|hungry|thirsty|muddy]. {Hero} stroked its head. \"Be patient, {V},\" {he} whispered.",
            "The {petkind} [jumped over a puddle|chased its own shadow|found the right path]. \"Well done, {V},\" said {hero}.",
        ),
        "end": (
            "$Before {he} went to sleep, {hero} kissed the {petkind} on the nose. \"Good night, {V},\" {he} said.",
            "$The {petkind} curled up at the foot of the bed. \"You were very brave today, {V},\" said {hero}.",
            "The {petkind} got [a big supper|a soft cushion|a long brushing], too. And who does not know its name? Its name is {V}.",
            "\"Now come in, both of you,\" said {elder} and called the {petkind} by its name, {V}.",
        ),
    },
    "hide": {
        "values": split("""under the doorstep, behind the stove, in the hollow tree, inside the old clock, under the stairs,
            behind the barrel, in the teapot, under the flower pot, in the hay, inside a boot, behind the mirror,
            under the bridge, in the bread tin, beneath the rug, in the watering can, inside the piano,
            under the pillow, behind the bookshelf, in the bird house, beneath the apple tree, in the attic,
            inside the drum, under the boat, behind the curtain, in the cellar, inside the pumpkin,
            beneath the bench, behind the waterwheel, under the big stone, in the sock drawer"""),
        "bind": {"hthing": HIDDEN_THINGS},
        "state": (
            "{Hero} had a secret. {He} owned a {hthing}, and {he} had hidden it {V}, where nobody would look.",
            "That morning {hero} had taken {his} {hthing} and hidden it {V}. \"Nobody will find it there,\" {he} thought.",
            "{Elder} had once given {him} a {hthing}. It was so precious that {he} kept it hidden {V}.",
            "\"Keep this {hthing} safe,\" {elder} had said. So {hero} had hidden it {V} and told nobody.",
        ),
        "middle": (
            "For a moment {hero} thought of the {hthing}. It was still hidden {V}, safe and dry.",
            "\"Where do you keep your {hthing}?\" asked {s}. \"You must not tell anyone,\" whispered {hero}. \"It is hidden {V}.\"",
            "\"I hope nobody finds my {hthing},\" thought {hero}. {He} had hidden it well: {V}.",
        ),
        "end": (
            "Now {hero} wanted to see the {hthing} again. {He} remembered well where {he} had hidden it: {V}. And there it was!",
            "\"And where is the {hthing}?\" asked {elder}. \"I have hidden it {V},\" {*said} {hero}. They looked, and there it lay.",
            "Last of all {he} went to fetch the {hthing}. It was still hidden {V}, just as {he} had left it.",
        ),
    },
    "colour": {
        "values": split("""red, blue, green, yellow, purple, orange, pink, white, black, brown, grey, silver, golden, violet,
            turquoise, scarlet, crimson, lilac, cream, olive, copper, ivory, emerald, amber, rose, navy, beige, lemon, khaki, plum"""),
        "bind": {"garment": GARMENTS},
        "state": (
            "Everyone knew {him} by {his} {garment}. Its colour was {V}, and {he} wore it every day.",
            "For {his} last birthday {he} had been given a {garment}. Its colour was {V}, and {he} loved it.",
            "{Elder} had made {him} a {garment} for cold days, and the colour of the {garment} was {V}.",
            "{He} never left the house without {his} {garment}, the colour of which was {V}.",
        ),
        "middle": (
            "\"What a fine {garment}!\" said {s}. \"I like the colour. Nothing is as beautiful as {V}.\"",
            "The {garment} was [dusty|a little wet|crumpled] by now, but one could still see that its colour was {V}.",
            "\"I saw you from far away,\" said {s}, \"by the colour of your {garment}. It is {V}.\"",
        ),
        "end": (
            "\"How did you know it was me?\" asked {hero}. \"By the colour of your {garment}, of course,\" said {elder}. \"It is {V}.\"",
            "{Hero} hung {his} {garment} on its hook. Even in the evening light one could see that its colour was {V}.",
            "{Elder} washed the {garment} and hung it up to dry. Now it was clean again, and its colour was {V}.",
        ),
    },
    "food": {
        "values": split("""honey cake, plum dumplings, pumpkin soup, cherry pie, pancakes, apple tart, potato soup, cheese pie,
            blackberry jam, ginger biscuits, roasted chestnuts, carrot stew, nut bread, rice pudding, strawberry cake,
            onion pie, bean stew, lemon cake, warm porridge, mushroom pie, pea soup, raisin buns, buttered corn,
            tomato soup, poppy rolls, pear crumble, noodle soup, walnut cake, fish pie, toasted cheese"""),
        "bind": {},
        "state": (
            "{His} favourite food was {V}.",
            "{His} favourite food was {V}, and {he} could never get enough of it.",
            "\"My favourite food is {V},\" {hero} told everyone who asked.",
            "On [Sundays|holidays|good days] {elder} made {his} favourite food, which was {V}.",
        ),
        "middle": (
            "{Hero} was [getting|very|a little] hungry and thought of {his} favourite food, {V}.",
            "\"What do you like best to eat?\" asked {s}. \"My favourite food is {V},\" said {hero}.",
            "Somewhere somebody was cooking. {Hero} closed {his} eyes and dreamed of {his} favourite food, {V}.",
        ),
        "end": (
            "On the table stood {his} favourite food: {V}. {Hero} ate until {he} was full.",
            "{Elder} had made {his} favourite food, {V}, and there was enough for everyone.",
            "\"You must be hungry,\" said {elder}. \"I have made your favourite food, {V}.\"",
        ),
    },
    "promise": {
        "values": split("""a goose feather, a round pebble, a pine cone, a bunch of mint, a sea shell, a jar of honey, a maple leaf,
            a ball of wool, a bag of acorns, a basket of plums, a clover leaf, a snail shell, a piece of amber, a pot of glue,
            a wooden spoon, a silver thread, a bag of salt, a sprig of lavender, a bottle of ink, a piece of chalk,
            a sunflower seed, a handful of walnuts, a wax candle, a loaf of bread, a bunch of violets, a ripe melon,
            a bundle of reeds, a crooked stick, a lump of clay, a sack of sand"""),
        "bind": {},
        "state": (
            "\"Will you bring something back for me?\" asked {elder}. \"I would like to have {V}.\" \"I promise,\" said {hero}.",
            "Before {he} left, {hero} made a promise: {he} would bring {elder} {V}.",
            "{Hero} had promised {elder} a present. {He} would bring {ehim} {V}.",
        ),
        "middle": (
            "{Hero} had not forgotten the promise. {He} still had to bring {elder} {V}.",
            "\"Are you looking for something?\" asked {s}. \"Yes,\" {*said} {hero}. \"I promised to bring {elder} {V}.\"",
            "\"A promise is a promise,\" thought {hero}. \"I must bring {elder} {V}.\"",
        ),
        "end": (
            "Then {hero} kept {his} promise. {He} reached into {his} bag and gave {elder} {V}.",
            "\"And did you think of your promise?\" asked {elder}. {Hero} [smiled|nodded|laughed] and put something on the table. It was {V}.",
            "{Elder} was [very glad|surprised|deeply touched], for {hero} had kept {his} promise and brought {ehim} {V}.",
        ),
    },
    "word": {
        "values": split("""marmalade, buttercup, peppermint, moonlight, cinnamon, butterfly, rainbow, raspberry, starlight, hazelnut,
            snowflake, whistle, lantern, mulberry, velvet, thimble, dandelion, feather, bumblebee, cobweb, nightingale,
            parsley, rosemary, saffron, tulip, puddle, bonfire, compass, ladybird, candlestick"""),
        "bind": {"gate": GATES},
        "state": (
            "\"Listen well,\" {elder} had told {him}. \"Only a secret word opens {gate}. The secret word is {V}. Never forget it.\"",
            "{Hero} knew something that nobody else knew. The secret word that opened {gate} was {V}.",
            "An old [owl|man|woman|raven] had once told {him} how to open {gate}. One had to say a secret word, and the word was {V}.",
        ),
        "middle": (
            "So as not to forget it, {hero} said the secret word again, very quietly. The word was {V}.",
            "\"Do you know how to open {gate}?\" asked {s}. {Hero} nodded. {He} knew that the secret word was {V}.",
        ),
        "end": (
            "^On the last part of the way {hero} stood before {gate}. \"What is the secret word?\" asked a [deep|thin|sleepy] voice. "
            "\"The secret word is {V},\" said {hero}. With a [creak|sigh|click] the way was open.",
            "^But one thing still stood in the way: {gate}. {Hero} [took a deep breath|stood up straight|came close] and said that the secret word was {V}. "
            "At once the way was free.",
        ),
    },
    "town": {
        "values": TOWNS, "bind": {},
        "state": (
            "The [village|place|little town] where {he} lived was called {V}, and everyone there knew everyone.",
            "{He} had been born in a village called {V}, and {he} had never left it.",
            "That was in a village by the name of {V}.",
        ),
        "middle": (
            "\"Where do you come from?\" asked {s}. \"I come from {V},\" {hero} {*said}. \"Then you have come a long way,\" said {sd}.",
            "{Hero} wondered what the people at home, in {V}, were doing now.",
            "\"You are not from here,\" said {s}. \"No,\" {*said} {hero}. \"My village is called {V}.\"",
        ),
        "end": (
            "^At last {he} saw the [roofs|lights|chimneys|first houses] of {his} village again. \"There is {V}!\" cried {hero}.",
            "%Soon the whole village had heard the story. In all of {V} they talked of nothing else.",
            "It was good to be back in {his} own village. \"There is no place like {V},\" said {hero}.",
        ),
    },
    "friend": {
        "values": FRIEND_GIRLS + FRIEND_BOYS, "bind": {},
        "state": (
            "{His} best friend was called {V} and lived [next door|across the road|around the corner|in the house by the bridge].",
            "{Hero} had a best friend named {V}, but {V} had [to stay in bed with a cold|gone to visit relatives|to help at home] that day.",
            "{He} shared all {his} secrets with {his} best friend, {V}.",
        ),
        "middle": (
            "{He} picked up a [pretty leaf|shiny pebble|striped shell|pine cone] for {his} best friend, {V}.",
            "\"I wish my best friend could see this,\" thought {hero}. \"I must tell {V} all about it.\"",
            "\"Do you have a best friend?\" asked {s}. \"Oh yes,\" {*said} {hero}. \"My best friend is called {V}.\"",
        ),
        "end": (
            "%The next [day|morning] {hero} told the whole story to {his} best friend, {V}.",
            "Somebody knocked at the door. It was {his} best friend, {V}, who wanted to hear everything.",
            "{Hero} sat down and wrote a letter to {his} best friend. It began: Dear {V}, you will not believe what happened to me.",
        ),
    },
    "fear": {
        "values": split("""thunder, the dark, deep water, geese, spiders, loud noises, high ladders, the wind, big dogs, bees, snakes,
            owls, the cellar, ghosts, strangers, bats, bulls, mice, frogs, fog, lightning, wolves, narrow bridges,
            empty houses, shadows, fireworks, crows, caves, goats, cold water"""),
        "bind": {},
        "state": (
            "There was only one thing that {hero} was afraid of, and that was {V}.",
            "{Hero} was brave, but {he} was afraid of {V}.",
            "Nobody knew it, but {hero} was afraid of {V}.",
        ),
        "middle": (
            "\"Are you afraid of anything?\" asked {s}. \"I am afraid of {V},\" {hero} [admitted|said quietly|said after a while].",
            "{Hero} tried not to think of what {he} was afraid of: {V}.",
        ),
        "end": (
            "%From that day on {hero} was no longer afraid of {V}.",
            "\"Do you know what?\" {he} said to {elder}. \"Now I am not even afraid of {V}.\"",
            "{Hero} had been so busy all day that {he} had forgotten to be afraid of {V}.",
        ),
    },
    "dream": {
        "values": split("""a baker, a sailor, a painter, a gardener, a doctor, a teacher, a carpenter, a singer, a clockmaker, a shepherd,
            a tailor, a dancer, a pilot, a miller, a potter, a beekeeper, a blacksmith, a juggler, a weaver, a farmer, a captain,
            a musician, a cook, a knight, a clown, a builder, a shoemaker, a poet, a ranger, a diver"""),
        "bind": {},
        "state": (
            "When {he} grew up, {hero} wanted to be {V}.",
            "\"One day, when I am big, I will be {V},\" {he} always said.",
            "{Hero} had a great dream: {he} wanted to become {V}.",
        ),
        "middle": (
            "\"What do you want to be when you grow up?\" asked {s}. \"When I grow up, I want to be {V},\" {hero} {*said}.",
            "{Hero} imagined how it would be to be grown up and to be {V}.",
        ),
        "end": (
            "$That night {hero} dreamed that {he} was grown up and had become {V}.",
            "\"And do you still know what you want to be when you grow up?\" asked {elder}. \"Yes,\" {*said} {hero}. \"I will be {V}.\"",
            "%Many years later {his} great dream came true, and {hero} became {V}.",
        ),
    },
    "pocket": {
        "values": split("""a glass marble, a brass button, a bent nail, a tiny bell, a dried bean, a copper coin, a tin whistle, a chestnut,
            a shark tooth, a bird bone, a green bead, a piece of string, a rabbit's foot, a cherry stone, a door knob, a chess piece,
            a fish hook, an old ring, an acorn cup, a bottle cap, a pencil stub, a broken compass, a wooden dice, a peach stone,
            a magnet, a safety pin, a small mirror, a cork, a crystal, a pearl"""),
        "bind": {},
        "state": (
            "In {his} pocket {he} always carried a lucky charm: {V}.",
            "{His} lucky charm was {V}, and {he} always kept it in {his} pocket.",
            "\"This will bring you luck,\" {elder} had said and put a lucky charm into {his} pocket. It was {V}.",
        ),
        "middle": (
            "{Hero} put a hand into {his} pocket. The lucky charm was still there: {V}.",
            "\"What is that in your pocket?\" asked {s}. \"My lucky charm,\" {*said} {hero}. \"It is {V}.\"",
        ),
        "end": (
            "${He} emptied {his} pocket and put the lucky charm [on the table|on the window sill|beside the bed]. It was {V}.",
            "\"Did your lucky charm help you?\" asked {elder}. {Hero} felt in {his} pocket and took out {V}.",
        ),
    },
    "song": {
        "values": split("""the moon, a sleepy bear, seven swans, the north wind, a golden fish, a paper boat, the first snow, a silver river,
            two old crows, a lost lamb, the falling stars, a wooden bridge, the king of cats, a dancing donkey, the morning dew, a blind mouse,
            the deep sea, three little bees, a red balloon, the night train, a giant's shoe, the cherry tree, a lazy cloud, the long road,
            a tin soldier, the evening star, a hungry wolf, the old windmill, a clever goat, a garden gnome"""),
        "bind": {},
        "state": (
            "{Elder} had taught {him} an old song about {V}, and {he} knew every verse by heart.",
            "{Hero} loved to sing. Most of all {he} liked the old song about {V}.",
            "In the evenings they sang together, mostly the old song about {V}.",
        ),
        "middle": (
            "To keep up {his} courage, {hero} sang the old song about {V}.",
            "\"Sing something for us,\" said {s}. So {hero} sang the old song about {V}, [from beginning to end|twice|with all the verses].",
            "While {he} walked, {hero} hummed the old song about {V}.",
        ),
        "end": (
            "$Then {elder} sat down beside the bed and softly sang the old song about {V}.",
            "In the evening they all sat together and sang the old song about {V}.",
        ),
    },
    "number": {
        "values": split("""three, four, five, six, seven, eight, nine, ten, eleven, twelve, thirteen, fourteen, fifteen, sixteen, seventeen,
            eighteen, nineteen, twenty, thirty, forty"""),
        "bind": {},
        "state": (
            "{Hero} had counted the {nthing} {nwhere} [many times|again and again|one by one|only that morning]. There were exactly {V}.",
            "{Hero} liked to count things. {He} knew that the number of {nthing} {nwhere} was {V}.",
        ),
        "middle": (
            "\"Let me ask you something,\" said {s}. \"How many {nthing} are there {nwhere}?\" \"That is easy,\" {*said} {hero}. \"The number is {V}.\"",
            "To pass the time {hero} thought of the {nthing} {nwhere} and counted them in {his} head. There were exactly {V}.",
        ),
        "end": (
            "{Hero} counted the {nthing} {nwhere} once more. There were still exactly {V}.",
            "Everything at home was just as before. The {nthing} {nwhere} were all there. {Hero} counted, and there were exactly {V}.",
        ),
    },
    "met": {  # stated in the middle of a story, by a creature that was helped
        "values": CREATURE_NAMES, "bind": {},
        "state": (
            "\"Thank you, {hero},\" said the {met}. \"My name is {V}. If you ever need help, just call me.\"",
            "\"May I know your name?\" asked {hero}. \"My name is {V},\" {*said} the {met}.",
            "\"We should be friends,\" said the {met}. \"I am called {V}.\" \"And I am {hero},\" said {hero}.",
        ),
        "middle": (
            "Far away {hero} saw the {met} once more. \"Farewell, {V}!\" {he} called.",
            "{Hero} thought of the {met}, whose name was {V}.",
        ),
        "end": (
            "%{Hero} often thought of the {met} {he} had helped that day. Its name was {V}, and {he} never forgot it.",
            "\"And who was the {met} that you helped?\" asked {elder}. \"That was my new friend. Its name is {V},\" said {hero}.",
            "%A few days later somebody came to visit. It was the {met}, whose name was {V}.",
        ),
    },
}
KINDS = tuple(FACTS)
