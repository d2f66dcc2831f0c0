"""Makes reasoning/word_meaning/lexicon/wordnet.txt.gz: nouns of WordNet 3.0 for physical things (from wordnet-base).

    apt-get download wordnet-base && dpkg-deb -x wordnet-base_*.deb wordnet
    python scripts/make_lexicon.py wordnet/usr/share/wordnet

Two tables. Synsets, one a line, in the order of their numbers 0, 1, ...: words joined by '|', a tab, numbers of the
wider synsets. An empty line. Lemmas, sorted: word, a tab, numbers of its physical senses, the most usual first; '-'
before them where its most usual sense is no physical thing. Same bytes from the same input.
"""

from __future__ import annotations

import argparse
import gzip
import re
from collections.abc import Iterator
from pathlib import Path

OUT = Path(__file__).parents[1] / "src/fastreasonseg_ros/reasoning/word_meaning/lexicon/wordnet.txt.gz"
# Lexicographer files (lexnames(5WN)): animal, artifact, body, food, object, person, plant, substance; 3 = top classes.
ANIMAL, ARTIFACT, BODY, FOOD, OBJECT, PERSON, PLANT, SUBSTANCE, TOPS = 5, 6, 8, 13, 17, 18, 20, 27, 3
KEPT = {ANIMAL, ARTIFACT, BODY, FOOD, OBJECT, PERSON, PLANT, SUBSTANCE, TOPS}
PHYSICAL_ENTITY = "00001930"
SENSES = 3
# Where senses are about as usual, what lies on a table comes before who or what part of a body bears the name.
RANK = {ARTIFACT: 0, FOOD: 0, ANIMAL: 0, PLANT: 1, OBJECT: 1, SUBSTANCE: 1, PERSON: 2, BODY: 2, TOPS: 3}
_LATIN = re.compile(r"^[A-Z]|\d")


def synsets(path: Path) -> Iterator[tuple[str, int, list[str], list[str], bool]]:
    """offset, lexicographer file, words, offsets of wider synsets, whether it is an instance such as 'Paris'."""
    for line in path.read_text(encoding="latin-1").splitlines():
        if line.startswith("  "):
            continue
        fields = line.split(" | ")[0].split()
        count = int(fields[3], 16)
        words = [fields[4 + 2 * k] for k in range(count)]
        pointers = fields[5 + 2 * count :]
        wider = [pointers[k + 1] for k in range(0, len(pointers), 4) if pointers[k] == "@"]
        yield fields[0], int(fields[1]), words, wider, "@i" in pointers


def main() -> None:
    """Reads data.noun, index.noun and cntlist.rev of the folder; writes the compact file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("wordnet", type=Path, help="folder with data.noun and index.noun")
    parser.add_argument("--out", type=Path, default=OUT)
    args = parser.parse_args()
    found = {s[0]: s for s in synsets(args.wordnet / "data.noun")}
    usual = tag_counts(args.wordnet / "cntlist.rev")

    physical: dict[str, bool] = {PHYSICAL_ENTITY: True}

    def is_physical(offset: str) -> bool:
        if offset not in physical:
            physical[offset] = False  # against cycles
            physical[offset] = any(is_physical(w) for w in found[offset][3])
        return physical[offset]

    def is_kept(offset: str) -> bool:
        _, file, words, _, instance = found[offset]
        # names of persons and places, and the Latin names of plants, are nobody's word for a thing
        named = file in (PERSON, PLANT) and all(_LATIN.search(w) for w in words)
        return file in KEPT and not instance and not named and is_physical(offset)

    kept = sorted(offset for offset in found if is_kept(offset))
    number = {offset: str(k) for k, offset in enumerate(kept)}
    lines = []
    for offset in kept:
        words = [readable(w) for w in found[offset][2] if not (_LATIN.search(w) and found[offset][1] == PLANT)]
        wider = [number[w] for w in found[offset][3] if w in number]
        lines.append("|".join(dict.fromkeys(words)) + "\t" + " ".join(wider))
    lines += ["", *sorted(lemmas(args.wordnet / "index.noun", found, number, usual))]
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_bytes(gzip.compress("\n".join(lines).encode(), 9, mtime=0))
    print(f"{args.out}: {len(kept)} synsets, {len(lines) - len(kept) - 1} lemmas, {args.out.stat().st_size} bytes")


def readable(word: str) -> str:
    """'coffee_mug' -> 'coffee mug'."""
    return word.replace("_", " ").lower()


def tag_counts(path: Path) -> dict[tuple[str, int], int]:
    """(lemma, sense) -> how often that sense was met in the tagged texts."""
    counts = {}
    for line in path.read_text(encoding="latin-1").splitlines():
        key, sense, count = line.split()
        lemma, _, rest = key.partition("%")
        if rest.startswith("1:"):
            counts[lemma, int(sense)] = int(count)
    return counts


def lemmas(index: Path, found: dict, number: dict[str, str], usual: dict[tuple[str, int], int]) -> Iterator[str]:
    """'word<TAB>numbers' of every word with a physical sense."""
    for line in index.read_text(encoding="latin-1").splitlines():
        if line.startswith("  "):
            continue
        fields = line.split()
        lemma, senses = fields[0], fields[-int(fields[2]) :]
        inside = [(n, s) for n, s in enumerate(senses, 1) if s in number]
        if not inside:
            continue
        counts = {s: usual.get((lemma, n), 0) for n, s in inside}
        most = max(counts.values())
        # a sense met a fifth as often as the most usual one counts as about as usual
        ranked = sorted(inside, key=lambda ns: (counts[ns[1]] * 5 < most, RANK[found[ns[1]][1]], ns[0]))
        total = sum(usual.get((lemma, n), 0) for n in range(1, len(senses) + 1))
        abstract = "-" if senses[0] not in number and sum(counts.values()) * 3 < total else ""
        yield readable(lemma) + "\t" + abstract + " ".join(number[s] for _, s in ranked[:SENSES])


if __name__ == "__main__":
    main()
