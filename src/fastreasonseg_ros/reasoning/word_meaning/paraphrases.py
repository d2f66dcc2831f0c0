"""Paraphrases of properties, materials, classes by use, and containers; for making and for understanding questions."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from .word_forms import key, word_set

# Paraphrases of the tags of nouns/*.jsonl; most phrases follow "something that ...".
TAGS: Mapping[str, tuple[str, ...]] = {
    "edible": ("can be eaten", "is edible", "is food", "I could eat", "people eat", "can eat", "is eatable",
               "safe to eat", "to eat", "for eating"),
    "drinkable": ("can be drunk", "is drinkable", "I could drink", "to drink", "for drinking", "quenches thirst",
                  "against thirst", "for my thirst"),
    "sharp": ("could cut me", "is sharp", "I should keep away from children because it cuts", "can cut you",
              "could hurt me with its edge", "has a sharp edge", "might prick me", "is pointed", "is pointy",
              "dangerous for children because it is sharp", "with a blade", "has a blade", "sharp-edged", "cuts"),
    "electronic": ("needs electricity", "runs on power or batteries", "is electronic", "runs on electricity",
                   "needs power", "needs a battery", "works with electricity", "is electric", "is electrical",
                   "must be plugged in", "can be plugged in", "needs a socket", "has to be charged", "uses electricity",
                   "is powered", "is battery-powered", "needs batteries", "runs on batteries", "uses power",
                   "needs current", "plugs in"),
    "fragile": ("breaks easily", "must not be dropped", "is fragile", "is breakable", "can break", "is delicate",
                "could shatter", "shatters", "easy to break", "should be handled with care", "handle carefully",
                "could smash", "would break if dropped", "breaks when dropped", "could break", "easily broken",
                "easily breaks", "should not fall", "must not fall"),
    "wearable": ("can be worn", "I could put on", "to wear", "for wearing", "people wear", "is wearable", "I can wear",
                 "wear on the body", "to put on"),
    "container": ("can hold things", "I could put something into", "is a container", "to put things in", "holds things",
                  "to keep things in", "to store things in", "for storing things", "can contain things",
                  "can be filled", "could put things inside", "to put in", "to keep in", "to store in"),
    "soft": ("is soft", "feels soft", "is squishy", "is cuddly", "is fluffy"),
    "alive": ("is alive", "is a living being", "lives", "is living", "breathes", "is a living thing"),
    "heavy": ("is heavy", "is hard to lift", "weighs a lot", "is hard to carry", "is difficult to lift", "heavyweight"),
    "rolls": ("would roll away", "rolls off when nudged", "can roll", "rolls", "could roll off",
              "could roll off the table", "might roll away", "has wheels", "rolls away"),
    "light_source": ("gives light", "can light up the room", "shines", "glows", "makes light", "lights up",
                     "emits light", "brightens the room", "produces light", "gives off light", "to light the room",
                     "illuminates"),
    "holds_liquid": ("can hold water", "I could pour something into", "would hold a drink", "holds liquid",
                     "can hold liquid", "holds water", "can be filled with water", "for liquids", "to pour into"),
    "hot": ("might burn me", "gets hot", "is hot", "could burn me", "heats up", "becomes hot", "burns my fingers"),
    "cold": ("is cold", "is frozen", "is chilled", "is icy", "keeps cool"),
    "sit_on": ("I could sit on", "one can sit on", "to sit on", "for sitting", "to sit down on", "can take a seat on",
               "for sitting on", "to sit down"),
    "read": ("can be read", "to read", "for reading", "I could read", "is readable"),
    "write_with": ("writes", "I can write with", "to write with", "for writing", "to note something down",
                   "to write down", "to take notes with"),
    "clean_with": ("is for cleaning", "helps to clean", "to clean with", "for cleaning", "to clean up with", "cleans",
                   "for cleaning up", "to clean up", "to clean"),
    "flammable": ("burns easily", "could catch fire", "is flammable", "is inflammable", "can catch fire",
                  "might catch fire", "is a fire hazard", "is combustible", "keep away from fire", "easily burns"),
    "toy": ("is a toy", "children play with", "to play with", "for playing with", "kids play with", "for playing",
            "for kids to play with", "for children to play with"),
    "round": ("is round",),
    "vehicle": ("can be driven", "to drive", "to ride in", "drives"),
}  # fmt: skip

# Paraphrases of classes of lexicon/classes.txt by their use.
CLASS_PHRASES: Mapping[str, tuple[str, ...]] = {
    "drinking vessel": ("to drink from", "to drink out of", "for drinking from", "to pour a drink into",
                        "can drink from", "drink out of"),
    "food": ("is food", "against hunger", "for my hunger", "for the hungry"),
    "cutting tool": ("to cut with", "for cutting", "can cut with", "to slice with"),
    "animal": ("is an animal",),
    "measuring tool": ("to measure with", "for measuring", "measures", "takes measurements"),
    "musical instrument": ("makes music", "to make music with", "for making music", "plays music with", "musical"),
    "writing instrument": ("to draw with",),
    "clothing": ("to dress in",),
    "medicine": ("cures", "against pain", "heals"),
    "cutlery": ("to eat with", "for eating with"),
    "cookware": ("to cook in", "for cooking in"),
    "vehicle": ("to ride", "to travel in", "takes people places"),
    "footwear": ("to wear on feet", "for feet", "wear on the feet"),
    "headwear": ("to wear on head", "for head", "wear on the head"),
    "timepiece": ("tells the time", "shows the time", "to tell the time", "to see the time", "keeps time"),
    "furniture": ("furnishes a room",),
    "kitchen appliance": ("kitchen machine",),
    "bed": ("to sleep on", "to sleep in", "for sleeping"),
}  # fmt: skip

# Materials with their synonyms, adjectives and finer materials.
MATERIALS: Mapping[str, tuple[str, ...]] = {
    "metal": ("metallic", "steel", "iron", "aluminium", "aluminum", "brass", "copper", "silver", "gold", "tin",
              "bronze", "stainless steel", "metal or plastic", "wire", "lead"),
    "plastic": ("polyester", "nylon", "acrylic", "polymer", "silicone"),
    "wood": ("wooden", "timber", "wicker", "bamboo", "cork", "oak", "pine"),
    "glass": ("glassy",),
    "paper": ("paperboard",),
    "cardboard": ("carton", "pasteboard"),
    "ceramic": ("porcelain", "china", "clay", "earthenware", "stoneware", "pottery", "terracotta"),
    "leather": ("leathery",),
    "rubber": ("latex", "rubbery"),
    "wool": ("woollen", "woolen", "woolly"),
    "cotton": ("denim", "terry cloth"),
    "fabric": ("cloth", "textile", "cotton", "wool", "silk", "denim", "polyester", "felt", "terry cloth", "canvas",
               "linen", "plush", "nylon", "fibre", "woven"),
    "stone": ("brick", "slate", "marble", "rock", "granite", "mineral", "concrete"),
    "wax": ("waxy",),
    "foam": ("foamy", "styrofoam"),
    "silk": ("silky",), "straw": ("hay",), "fur": ("furry",), "steel": (), "aluminium": ("aluminum",), "silver": (),
    "gold": ("golden",), "brass": (), "copper": (), "iron": (), "porcelain": ("china",), "clay": (), "silicone": (),
    "wicker": (), "nylon": (), "felt": (), "denim": (), "cork": (), "ice": (),
}  # fmt: skip

# Last word of a label -> other words used for such objects.
LOOSE_WORDS: Mapping[str, tuple[str, ...]] = {
    "box": ("carton", "package", "pack", "packet", "cardboard box", "case", "parcel"),
    "tin": ("can", "canister", "container", "metal box", "box"),
    "can": ("tin", "tube", "container", "canister"),
    "canister": ("tin", "container", "jar", "can"),
    "container": ("tub", "vessel", "dish", "box"),
    "bowl": ("dish", "vessel"),
    "mug": ("cup", "drinking vessel"),
    "cup": ("mug", "beaker"),
    "carton": ("box", "pack", "package", "packet"),
    "bottle": ("flask", "vessel"),
    "flask": ("bottle", "vessel"),
    "book": ("volume", "paperback"),
    "bag": ("sack", "pouch", "packet", "pack", "package"),
    "jar": ("pot", "container", "glass"),
    "pot": ("pan", "saucepan"),
    "pan": ("pot",),
    "saucepan": ("pot",),
    "lamp": ("light",),
    "light": ("lamp",),
    "bin": ("container", "trash can"),
    "chair": ("seat",),
    "package": ("pack", "packet", "box", "pouch"),
    "packet": ("pack", "package", "box", "pouch", "sachet"),
    "pack": ("packet", "package", "box"),
    "bucket": ("pail",),
    "basket": ("hamper",),
    "jug": ("pitcher", "carafe"),
    "pitcher": ("jug", "carafe"),
    "crate": ("box", "case"),
    "tube": ("can",),
    "parcel": ("box", "package"),
    "cushion": ("pillow",),
    "pillow": ("cushion",),
    "phone": ("mobile",),
    "sofa": ("couch",),
}

# Last words of labels whose other words are the contents.
PACKAGING = word_set(
    "box can tin bottle jar bag package packet pack carton canister cup tube pouch sachet container tub pot sack crate "
    "case parcel keg barrel brick wrapper"
)


@cache
def tag_of_phrase() -> Mapping[str, str]:
    """Key (word_forms.key) of each phrase for a property -> its tag."""
    return {key(phrase): tag for tag, phrases in TAGS.items() for phrase in phrases if key(phrase)}


@cache
def class_of_phrase() -> Mapping[str, str]:
    """Key of each phrase for a class by its use -> the class."""
    return {key(phrase): word for word, phrases in CLASS_PHRASES.items() for phrase in phrases}


@cache
def material_of_word() -> Mapping[str, str]:
    """'wooden' -> 'wood'; a finer material with its own entry maps to itself."""
    return {
        **{finer: name for name, others in reversed(MATERIALS.items()) for finer in others},
        **{name: name for name in MATERIALS},
    }


def has_material(material: str, stated: str) -> bool:
    """Whether a material text of the table ("metal and plastic", "stainless steel") contains the material."""
    return any(f" {name} " in f" {stated.lower()} " for name in (material, *MATERIALS.get(material, ())))
