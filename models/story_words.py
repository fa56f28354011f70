# SPDX-License-Identifier: Apache-2.0
"""Word lists of the story grammar: people, places, creatures and small things.

Every list is plain data.  Names are kept in disjoint lists by role (hero, friend, pet, creature met
on the way), so that a name alone tells which role it fills.
"""


def split(text):
    """A comma-separated list as a tuple of trimmed entries."""
    return tuple(entry.strip() for entry in text.replace("\n", " ").split(",") if entry.strip())


GIRLS = split("""Lily, Anna, Mia, Clara, Rosa, Nora, Ella, Ida, Greta, Hazel, Ivy, Maya, Tilda, Wanda, Zoe,
    Alma, Betty, Dora, Edith, Flora, Hanna, Iris, June, Kate, Lucy, Marta, Nell, Olive, Paula, Ruth,
    Sara, Tessa, Una, Vera, Willa, Yara, Amelia, Bella, Cora, Daisy""")
BOYS = split("""Tom, Ben, Max, Leo, Oscar, Felix, Hugo, Jonas, Karl, Louis, Milo, Noah, Otto, Paul, Robin,
    Simon, Theo, Victor, Walter, Adam, Bruno, Casper, Daniel, Emil, Finn, George, Henry, Ivan, Jack,
    Konrad, Lucas, Martin, Nils, Oliver, Peter, Rudi, Samuel, Toby, Anton, William""")
HEROES = GIRLS + BOYS

FRIEND_GIRLS = split("""Agnes, Beth, Carla, Dina, Elsa, Fanny, Gina, Helen, Irma, Jenny, Lena, Molly, Nina,
    Polly, Rita""")
FRIEND_BOYS = split("""Albert, Boris, Colin, David, Eric, Frank, Gustav, Harry, Jacob, Kurt, Lenny, Marco,
    Ned, Ralph, Stefan""")
PET_NAMES = split("""Biscuit, Pepper, Button, Cloudy, Cookie, Domino, Fluffy, Ginger, Muffin, Nugget, Patch,
    Pickle, Pudding, Pumpkin, Rusty, Scamper, Shadow, Snowball, Socks, Sparky, Spot, Sunny, Teddy,
    Tiger, Toffee, Truffle, Waffles, Whiskers, Ziggy, Dumpling""")
CREATURE_NAMES = split("""Bobo, Dandy, Fizz, Grumble, Hopper, Jingle, Kiki, Lolo, Mumble, Nibbles, Oggy, Pip,
    Quill, Rumble, Snuffle, Tumble, Umber, Velva, Wobble, Yoyo, Zuzu, Bristle, Crumb, Dusty, Echo,
    Flicker, Gulliver, Hum, Juniper, Mossy""")
TOWNS = split("""Willowbrook, Applewick, Bramblewood, Cherryhill, Dovecote, Elmford, Foxhollow, Greenmeadow,
    Honeyfield, Larkspur, Maplebridge, Nettleton, Oakridge, Pebblebeach, Quailtown, Rosedale,
    Silverlake, Thistledown, Underhill, Vineyard, Whitewater, Yellowbarn, Amberley, Birchgate, Cloverdale,
    Duckpond, Eaglestone, Fernwood, Goosegreen, Hopshire""")

# Heroes are children or young animals: (noun, adjectives that may stand before it).
HERO_ANIMALS = split("""rabbit, fox, bear cub, mouse, squirrel, badger, otter, duckling, kitten, puppy,
    hedgehog, beaver, lamb, frog, owl, pony, mole, raccoon""")
HERO_ADJECTIVES = split("little, small, young, curious, cheerful, kind, quiet, brave, clever, lively, gentle")

ELDERS = (("Grandmother", "she"), ("Grandfather", "he"), ("Mother", "she"), ("Father", "he"),
          ("Aunt Martha", "she"), ("Uncle Bernard", "he"), ("Granny", "she"), ("Grandpa", "he"))

PET_KINDS = split("dog, cat, duck, goat, donkey, goose, lamb, parrot, turtle, pony, rabbit, hen, puppy, kitten")
GARMENTS = split("scarf, hat, coat, cap, cloak, jacket, ribbon, sweater, raincoat, belt")
HIDDEN_THINGS = split("""brass key, treasure map, music box, gold coin, love letter, story book, wooden flute,
    pearl necklace, toy soldier, pocket watch, magnifying glass, glass ball, tiny silver spoon, diary""")
GATES = split("""the old garden gate, the door in the rock, the iron gate, the little round door,
    the gate of the tower, the hidden door, the stone door, the wooden gate""")
COUNTED = (("windows", "in the house"), ("steps", "in front of the house"), ("hens", "in the yard"),
           ("apple trees", "behind the house"), ("flower pots", "on the wall"), ("bells", "in the tower"),
           ("ducks", "on the pond"), ("boats", "in the harbour"), ("sheep", "on the hill"),
           ("beehives", "in the garden"))
PASSERS = (("a magpie on a fence", "the magpie"), ("an old woman with a basket", "the old woman"),
           ("a boy with a fishing rod", "the boy"), ("a tired postman", "the postman"),
           ("a snail on a leaf", "the snail"), ("a shepherd with a long stick", "the shepherd"),
           ("a girl with two braids", "the girl"), ("a fat toad", "the toad"), ("a jolly miller", "the miller"),
           ("a grey heron", "the heron"), ("a travelling tinker", "the tinker"),
           ("a farmer on a cart", "the farmer"), ("a small lizard", "the lizard"),
           ("a woman with a blue umbrella", "the woman"), ("a thin cricket", "the cricket"),
           ("a singing milkmaid", "the milkmaid"), ("an old soldier", "the soldier"),
           ("a woodpecker in a tree", "the woodpecker"))

SETTINGS = (
    {"home": split("""a small house at the edge of the forest, a wooden hut under tall trees,
        a cosy cottage in the woods, a stone house near a dark forest"""),
     "region": "the forest", "people": split("woodcutter, hunter, mushroom picker, forester, charcoal burner"),
     "loc": split("""by a fallen tree, under an old oak, in a small clearing, near the fern valley,
        at the foot of a pine, beside a mossy rock, on a narrow path, between the birch trees,
        at the wild berry bushes, by the deep spring"""),
     "animals": split("""hedgehog, squirrel, deer, owl, badger, woodpecker, fox, beetle, mole, rabbit, jay,
        marten, wild boar, cuckoo"""),
     "water": split("stream, brook, forest pond, spring"), "plants": split("fern, mushroom, bluebell, wild rose, holly")},
    {"home": split("""a white house by the sea, a little house near the harbour, a cottage above the beach,
        a fishing hut on the shore"""),
     "region": "the bay", "people": split("fisherman, sailor, net maker, ferryman, boat builder"),
     "loc": split("""on the wide beach, by the old lighthouse, at the end of the pier, between the dunes,
        near an upturned boat, on the high cliff, beside a tide pool, at the harbour wall,
        under the wooden jetty, by the salt meadow"""),
     "animals": split("""seagull, crab, seal, starfish, turtle, pelican, dolphin, tern, lobster, gull chick,
        sand flea, otter, heron, puffin"""),
     "water": split("bay, lagoon, tide pool, inlet"), "plants": split("sea rose, beach grass, seaweed, thistle")},
    {"home": split("""a warm house in the mountains, a hut high up on the slope, a little farm below the peak,
        a log cabin in a green valley"""),
     "region": "the mountains", "people": split("shepherd, guide, cheese maker, goatherd, bell ringer"),
     "loc": split("""on a steep path, beside a waterfall, at the mouth of a cave, on a sunny ledge,
        near a heap of stones, by the rope bridge, at the edge of the snow, under a lonely pine,
        on the high pasture, at the mountain spring"""),
     "animals": split("""goat, marmot, eagle, sheep, hare, raven, bear, lynx, cow, chamois, snow hen,
        weasel, salamander, donkey"""),
     "water": split("mountain stream, cold lake, waterfall, brook"), "plants": split("gentian, pine cone, thyme, juniper")},
    {"home": split("""a red farm house among the fields, an old farm with a big barn, a cottage beside a mill,
        a farm at the end of a long road"""),
     "region": "the valley", "people": split("farmer, miller, beekeeper, blacksmith, milkmaid"),
     "loc": split("""behind the barn, by the old mill, in the apple orchard, at the corner of the wheat field,
        near the pig pen, beside the haystack, on the long fence, at the well, under the cherry tree,
        by the duck pond"""),
     "animals": split("""piglet, goose, calf, rooster, mouse, sheepdog, horse, barn owl, hen, stork, lamb,
        sparrow, cat, bumblebee"""),
     "water": split("pond, ditch, mill stream, well"), "plants": split("poppy, clover, sunflower, cornflower")},
    {"home": split("""a narrow house in the old town, a room above the bakery, a tall house on the market square,
        a little flat under the roof"""),
     "region": "the town", "people": split("baker, clockmaker, postman, painter, shoemaker"),
     "loc": split("""on the market square, in a quiet lane, at the fountain, beside the clock tower, on the stone bridge,
        in the city park, near the bakery, under the arcade, at the toy shop, by the town gate"""),
     "animals": split("""pigeon, cat, sparrow, rat, dog, crow, swan, donkey, spider, squirrel, bat, swallow,
        parrot, goldfish"""),
     "water": split("fountain, canal, river, park pond"), "plants": split("rose, tulip, geranium, ivy")},
    {"home": split("""a houseboat on a lake, a green house between the reeds, a cottage by a wide river,
        a hut on a small island"""),
     "region": "the lake country", "people": split("ferryman, basket weaver, fisherman, swan keeper, ranger"),
     "loc": split("""among the reeds, on a flat stone, by the old rowing boat, at the river bend,
        under a weeping willow, on the wooden bridge, beside the beaver dam, on a sandy bank,
        near the water lilies, at the ferry"""),
     "animals": split("""frog, beaver, otter, swan, duck, dragonfly, water rat, heron, trout, turtle, toad,
        kingfisher, newt, stork"""),
     "water": split("river, lake, pond, creek"), "plants": split("water lily, reed, marsh marigold, iris")},
)

WORDS = {
    "said": split("said, said, said, answered, replied"),
    "nice": split("quiet, lovely, sunny, shady, pretty, strange, beautiful, lonely, cool, secret"),
    "adj": split("little, small, pretty, strange, lovely, quiet, shiny, funny, wonderful, tiny, old, round, soft"),
    "mood": split("happy, curious, excited, a little nervous, cheerful, thoughtful, proud, hopeful, wide awake"),
    "sky": split("""The sun was shining, A soft wind was blowing, White clouds sailed across the sky, The birds were singing,
        The air smelled of flowers, A light rain had fallen, The sky was clear, The morning was cool, It was a warm day,
        The grass was wet with dew"""),
    "soon": split("""After a while, Soon, A little later, Before long, Not long after that, When the path turned,
        Some time later, A few steps further on, After a long walk, Then"""),
    "snack": split("""a piece of bread, an apple, a slice of cheese, a handful of nuts, some berries, a boiled egg, a carrot,
        a pear, two biscuits, a bun, some dried plums, a sandwich"""),
    "find": split("""a silver bell, a lost glove, a wooden wheel, a smooth stone, an empty bottle, a blue egg shell, a long feather,
        a rusty horseshoe, a tiny shoe, a broken plate, a paper crown, a glass bead, a torn kite, a walking stick"""),
    "toy": split("kite, ball, wooden boat, spinning top, doll, drum, wooden horse, hoop, paper windmill, toy train"),
    "gift": split("""a cake, a basket of fruit, a warm blanket, a bunch of flowers, a pot of soup, a jar of jam, a new lamp,
        a pair of socks, a painted box, a bag of flour, a book of stories, a wool cap"""),
    "wonder": split("""the great waterfall, the oldest tree in the land, the house with the golden roof, the singing stones,
        the top of the highest hill, the field of a thousand flowers, the big sailing ship, the cave of crystals,
        the tower with the giant clock, the garden of butterflies"""),
    "skill": split("whistle, swim, dance, fly a kite, skip stones, juggle, bake bread, climb trees, play the flute, row a boat"),
    "festival": split("""the spring fair, the lantern feast, the harvest dance, the summer party, the winter market, the music day,
        the flower parade, the boat race, the kite festival"""),
    "repair": split("the big clock, the water wheel, the church bell, the ferry, the old pump, the merry-go-round, the school bell"),
    "game": split("hide-and-seek, tag, leapfrog, guessing games, a counting game, marbles, a racing game, blind man's buff"),
    "instrument": split("fiddle, drum, flute, trumpet, harp, little guitar, accordion"),
    "sound": split("a soft cry, a strange noise, somebody sobbing, a tiny voice, a loud splash, a rustling sound, a deep sigh"),
    "smell": split("fresh bread, pine needles, wet earth, roses, smoke, warm milk, cut grass, cinnamon, soap"),
    "cloudshape": split("a whale, a castle, a sleeping cat, a ship, an elephant, a feather, a mountain of cream, a running horse"),
    "joke": split("laughed until their bellies hurt, giggled for a long time, grinned at each other, laughed out loud"),
    "walk": split("walked on, went on, set off again, continued the journey, hurried on, strolled on, skipped along"),
    "moral": split("""A small kindness can travel a long way, It is good to ask for help, Friends are the best treasure of all,
        A promise should be kept, Even the smallest can be brave, Sharing makes everything taste better, It pays to be patient,
        Home is where someone waits for you, Every stranger may become a friend, Courage grows when you use it,
        The long way is sometimes the best way, It is never too late to say sorry"""),
    "dish": split("a bowl of soup, warm milk and bread, hot tea, roasted apples, a big plate of potatoes, thick slices of bread"),
    "sickness": split("a bad cold, a sore throat, a fever, a hurt foot, a cough"),
    "herb": split("sage, thyme, mint, elder flowers, linden blossoms, wild honey"),
    "price": split("a song, a story, a riddle, a smile, a dance, a kind word"),
}
