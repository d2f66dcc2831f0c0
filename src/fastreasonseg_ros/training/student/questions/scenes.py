"""Random twins over the knowledge table: places, duplicates of a label, stacks, containers, motion and history."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random

from ....reasoning.word_meaning.nouns import Noun
from ....twin.types import COLORS, DigitalTwin, Instance, Relation, Vector

# Scales of scenes: half width of the ground, nearest and farthest z, height of the camera above it (metres).
_SCALES = {"table": (0.5, 0.7, 1.6, 0.45), "room": (2.5, 2.5, 7.0, 1.2), "street": (4.0, 4.0, 22.0, 1.0)}
_TABLE_LIMIT_M = 0.6
_ROOM_LIMIT_M = 2.2


def places(nouns: Mapping[str, Noun]) -> dict[str, list[Noun]]:
    """Nouns by place; places with fewer than eight nouns make no scene of their own."""
    found: dict[str, list[Noun]] = {}
    for noun in nouns.values():
        for place in noun.places:
            found.setdefault(place, []).append(noun)
    return {place: members for place, members in found.items() if len(members) >= 8}


def packaging(nouns: Mapping[str, Noun]) -> list[Noun]:
    """Boxes, tins, cartons, books and bowls of table-top size: what gets piled up."""
    heads = {"box", "tin", "can", "carton", "book", "bowl", "container", "canister", "jar", "mug", "package", "pack"}
    return [n for n in nouns.values() if n.noun.split()[-1] in heads and max(n.size) <= _TABLE_LIMIT_M]


def random_twin(rng: Random, pool: Sequence[Noun], box_world: Sequence[Noun] = ()) -> DigitalTwin:
    """A twin of 3 to 16 instances drawn from `pool`; with `box_world`, boxes and tins piled up as in a cupboard."""
    piled = bool(box_world) and rng.random() < 0.2
    source = list(box_world) if piled else list(pool)
    largest = rng.choice([_TABLE_LIMIT_M, _TABLE_LIMIT_M, _ROOM_LIMIT_M, 99.0])
    fitting = [n for n in source if max(n.size) <= largest] or source
    if largest > _TABLE_LIMIT_M:  # with big things in view, small ones are the exception
        fitting = [n for n in fitting if max(n.size) > 0.15 or rng.random() < 0.5] or fitting
    kinds = rng.sample(fitting, min(len(fitting), rng.choice([2, 3, 5, 6, 7, 8, 9, 10])))
    scale = "table" if max(max(n.size) for n in kinds) <= _TABLE_LIMIT_M else "room"
    if max(max(n.size) for n in kinds) > _ROOM_LIMIT_M:
        scale = "street"
    wanted: list[Noun] = []
    for kind in kinds:
        copies = rng.choices([1, 2, 3, 4], [70, 22, 6, 2] if not piled else [40, 35, 20, 5])[0]
        wanted += [kind] * copies
    rng.shuffle(wanted)
    ids = rng.sample(range(1, len(wanted) + 8), len(wanted))
    instances = [_instance(rng, id, noun, _SCALES[scale]) for id, noun in zip(ids, wanted, strict=True)]
    instances, relations = _stack(rng, instances, wanted, 0.5 if piled else 0.18)
    if rng.random() < 0.5:
        instances = _animate(rng, instances, wanted, {r.subject for r in relations})
    stamp = max(i.last_seen_s or 0.0 for i in instances)
    return DigitalTwin(tuple(instances), tuple(relations), stamp_s=stamp)


def _instance(rng: Random, id: int, noun: Noun, scale: tuple[float, float, float, float]) -> Instance:
    half, near, far, height = scale
    factor = rng.uniform(0.8, 1.25)
    size = tuple(max(0.005, s * factor) for s in noun.size)
    if rng.random() < 0.15 and noun.shape in ("box", "cylinder", "elongated"):
        size = (size[1], size[0], size[2])  # lying instead of standing
    z = rng.uniform(near, far)
    center = (rng.uniform(-half, half) * z / far, height - size[1] / 2, z)
    color = rng.choice(noun.colors) if noun.colors and rng.random() < 0.85 else rng.choice(COLORS)
    return Instance(
        id, noun.noun, round(rng.uniform(0.5, 0.97), 2), color, noun.shape, None, z, 0.01, center, size,
        velocity=(0.0, 0.0, 0.0), path_length_m=0.0, first_seen_s=0.0, last_seen_s=10.0,
    )  # fmt: skip


def _stack(
    rng: Random, instances: list[Instance], nouns: Sequence[Noun], chance: float
) -> tuple[list[Instance], list[Relation]]:
    """Puts some things on or into larger ones."""
    relations: list[Relation] = []
    taken: set[int] = set()
    for n, i in enumerate(instances):
        below = [
            (k, other)
            for k, other in enumerate(instances)
            if k != n and other.size_m[0] * other.size_m[2] > i.size_m[0] * i.size_m[2] * 0.7 and other.id not in taken
        ]
        if not below or rng.random() > chance:
            continue
        k, base = rng.choice(below)
        if _reaches(relations, base.id, i.id):
            continue
        holds = "container" in nouns[k].tags and max(i.size_m) < max(base.size_m) * 1.2 and base.shape != "flat"
        predicate = "inside" if holds and rng.random() < 0.6 else "on"
        taken.add(base.id)
        relations.append(Relation(i.id, predicate, base.id, 0.9))
        y = base.center_m[1] - base.size_m[1] / 2 - i.size_m[1] / 2 if predicate == "on" else base.center_m[1]
        instances[n] = replace(i, center_m=(base.center_m[0] + 0.01, y, base.center_m[2]))
    return instances, relations


def _reaches(relations: Sequence[Relation], start: int, goal: int) -> bool:
    supports = {r.subject: r.object for r in relations}
    while start in supports:
        start = supports[start]
        if start == goal:
            return True
    return False


def _animate(rng: Random, instances: list[Instance], nouns: Sequence[Noun], resting: set[int]) -> list[Instance]:
    """Some move, some came later, some are gone; living things and vehicles most of all."""
    end = rng.uniform(6.0, 60.0)
    result = []
    for i, noun in zip(instances, nouns, strict=True):
        i = replace(i, last_seen_s=end)
        lively = bool({"alive", "vehicle", "rolls", "person", "animal"} & set(noun.tags))
        if i.id not in resting and rng.random() < (0.6 if lively else 0.15):
            speed = rng.uniform(0.05, 0.4) * max(1.0, i.center_m[2] / 2)
            angle = rng.choice([math.pi / 2, -math.pi / 2, rng.uniform(0, 2 * math.pi)])
            velocity: Vector = (speed * math.cos(angle), 0.0, speed * math.sin(angle))
            i = replace(i, velocity=velocity, path_length_m=round(speed * rng.uniform(1, 8), 2))
        elif rng.random() < 0.1:
            i = replace(i, path_length_m=round(rng.uniform(0.1, 1.5), 2))
        if rng.random() < 0.2:
            i = replace(i, first_seen_s=round(rng.uniform(0.2, 0.9) * end, 1))
        if i.id not in resting and rng.random() < 0.12:
            left = round(rng.uniform(0.5, 0.95) * end, 1)
            first = min(i.first_seen_s or 0.0, left)
            i = replace(i, visible=False, first_seen_s=first, last_seen_s=left, velocity=(0.0, 0.0, 0.0))
        result.append(i)
    return result if any(i.visible for i in result) else instances
