"""Draws an answer on an image: highlighted masks, and a panel with question, reasoning and executed steps."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from functools import lru_cache

import cv2
import numpy as np
from jaxtyping import Bool, UInt8, UInt16
from PIL import Image, ImageDraw, ImageFont

from ..errors import Status
from ..twin.masks import select
from ..twin.types import Answer

Picture = UInt8[np.ndarray, "h w 3"]
Larger = UInt8[np.ndarray, "larger_h larger_w 3"]
Color = tuple[int, int, int]

# Distinguishable on wood and cloth, also with red-green blindness (after Okabe and Ito, 2008).
PALETTE: tuple[Color, ...] = (
    (0, 200, 140), (86, 180, 233), (240, 200, 40), (230, 110, 180), (240, 120, 30), (120, 130, 255),
)  # fmt: skip
TAKEN, DESTINATION = PALETTE[0], PALETTE[4]  # of a command: what is to be taken, and where it goes
DIMMED = 0.55  # brightness of pixels outside of the masks
TINT = 0.35  # share of the object's colour in its mask
BACKGROUND, INK, QUIET, GOOD, BAD = (22, 25, 31), (240, 242, 245), (168, 176, 188), (0, 200, 140), (240, 120, 80)


def draw_masks(
    color: Picture,
    ids: UInt16[np.ndarray, "h w"],
    wanted: Sequence[int],
    labels: Mapping[int, str],
    destination: Sequence[int] = (),
) -> Picture:
    """The image (RGB) with the wanted ids of an id image tinted, outlined and labelled, and the rest dimmed.

    destination: of a command; then what is to be taken is shown in the colour TAKEN, these ids in DESTINATION.
    An id without a label is shown by its number. Same size as `color`; about 4 ms at 640x480.
    """
    chosen: Bool[np.ndarray, "h w"] = select(ids, (*wanted, *destination))
    if not chosen.any():
        return color.copy()
    result = cv2.convertScaleAbs(color, alpha=DIMMED)
    cv2.copyTo(color, chosen.view(np.uint8), result)
    thickness = max(1, round(color.shape[1] / 400))
    tags = []
    for n, id in enumerate((*wanted, *(k for k in destination if k not in wanted))):
        mask = (ids == id).view(np.uint8)
        x, y, w, h = cv2.boundingRect(mask)
        if not w:
            continue
        paint = PALETTE[n % len(PALETTE)]
        if destination:
            paint = TAKEN if n < len(wanted) else DESTINATION
        part, inside = result[y : y + h, x : x + w], mask[y : y + h, x : x + w].astype(bool)
        part[inside] = ((1 - TINT) * part[inside] + TINT * np.array(paint)).astype(np.uint8)
        outline, _ = cv2.findContours(inside.view(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE, offset=(x, y))
        cv2.drawContours(result, outline, -1, (255, 255, 255), thickness + 2, cv2.LINE_AA)
        cv2.drawContours(result, outline, -1, paint, thickness, cv2.LINE_AA)
        tags.append((f"{id} {labels.get(id, '')}".strip(), (x + w // 2, y), paint))
    _draw_tags(result, tags)
    return result


def draw_answer(color: Picture, ids: UInt16[np.ndarray, "h w"], answer: Answer, labels: Mapping[int, str]) -> Larger:
    """`draw_masks` for an answer, with a panel of question, reasoning, steps and latency below.

    The width is that of `color`, but at least 640 pixels; the height grows with the text.
    """
    scale = max(1.0, 640 / color.shape[1])
    if scale > 1:
        size = (round(color.shape[1] * scale), round(color.shape[0] * scale))
        color = cv2.resize(color, size, interpolation=cv2.INTER_CUBIC)
        ids = cv2.resize(ids, size, interpolation=cv2.INTER_NEAREST)
    taken = [k for command in answer.commands for k in command.ids] or answer.ids
    destination = [k for command in answer.commands for k in command.destination_ids]
    picture = draw_masks(color, ids, taken, labels, destination)
    return np.vstack([picture, _panel(picture.shape[1], answer, labels)])


def _panel(width: int, answer: Answer, labels: Mapping[int, str]) -> Larger:
    unit = max(14, width // 42)  # text height in pixels
    pad = unit
    lines: list[tuple[str, int, Color, int]] = []  # text (empty: a gap), size, colour, indent

    def add(text: str, size: int, ink: Color, indent: int = 0) -> None:
        per_line = int((width - 2 * pad - indent) / (0.5 * size))
        lines.extend((part, size, ink, indent) for part in textwrap.wrap(text, per_line)[:6])

    add(answer.query.text, round(unit * 1.25), INK)
    if answer.reason:
        add(answer.reason, unit, QUIET)
    lines.append(("", unit // 3, INK, 0))
    for step in answer.trace:
        add(str(step), unit, INK, unit)
    lines.append(("", unit // 3, INK, 0))

    def named(found: Sequence[int]) -> str:
        return ", ".join(f"{i} {labels.get(i, '')}".strip() for i in found)

    found = named(answer.ids)
    if answer.commands and answer.status is Status.OK:
        found = "; ".join(
            " ".join(filter(None, [named(c.ids), c.relation, named(c.destination_ids) or c.reference]))
            for c in answer.commands
        )
    add(f"Answer: {found or answer.message or 'nothing'}", unit, GOOD if answer.status is Status.OK else BAD)
    cost = "   ".join(f"{stage} {value:.0f} ms" for stage, value in answer.latency_ms.items() if value >= 0.5)
    if cost:
        add(cost, round(unit * 0.8), QUIET)
    height = 2 * pad + sum(round(size * 1.45) for _, size, _, _ in lines)
    panel = Image.new("RGB", (width, height), BACKGROUND)
    draw = ImageDraw.Draw(panel)
    y = pad
    for text, size, ink, indent in lines:
        draw.text((pad + indent, y), text, fill=ink, font=font(size))
        y += round(size * 1.45)
    return np.asarray(panel)


def _draw_tags(picture: Picture, tags: Sequence[tuple[str, tuple[int, int], Color]]) -> None:
    """Draws labels in rounded boxes above their objects, inside the image, moved down where they would overlap."""
    size = max(12, picture.shape[1] // 44)
    placed: list[tuple[int, int, int, int]] = []
    for text, (x, y), paint in tags:
        tag = _tag(text, size, paint)
        h, w = tag.shape[:2]
        x0 = min(max(0, x - w // 2), max(0, picture.shape[1] - w))
        y0 = max(0, y - h - 4)
        while any(x0 < b[2] and b[0] < x0 + w and y0 < b[3] and b[1] < y0 + h for b in placed):
            y0 += h // 2
        placed.append((x0, y0, x0 + w, y0 + h))
        part = picture[y0 : y0 + h, x0 : x0 + w]
        tag = tag[: part.shape[0], : part.shape[1]]
        cv2.copyTo(np.ascontiguousarray(tag[..., :3]), np.ascontiguousarray(tag[..., 3]), part)


@lru_cache(maxsize=256)
def _tag(text: str, size: int, paint: Color) -> UInt8[np.ndarray, "h w 4"]:
    """A label in its box (RGBA); cached, since drawing text takes longer than drawing all masks."""
    left, top, right, bottom = font(size).getbbox(text)
    w, h = int(right - left) + size, int(bottom - top) + size // 2
    image = Image.new("RGBA", (w + 1, h + 1))
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((0, 0, w, h), radius=h // 3, fill=BACKGROUND, outline=paint, width=2)
    draw.text((size // 2 - left, size // 4 - top), text, fill=INK, font=font(size))
    return np.array(image)


@lru_cache(maxsize=16)
def font(size: int) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    return ImageFont.load_default(size)
